//! How the demo prints: plain text, with colours only on a terminal that wants them.

use std::{
    cell::Cell,
    io::{self, IsTerminal},
};

const WIDTH: usize = 80;

/// Standard output.
#[derive(Debug)]
pub struct Screen {
    colours: bool,
    scenes: Cell<u8>,
}

impl Screen {
    /// What this process prints to.
    pub fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            colours: wanted && io::stdout().is_terminal(),
            scenes: Cell::new(0),
        }
    }

    /// A new scene: its number, its title and what it promises.
    pub fn scene(&self, title: &str, promise: &str) {
        self.scenes.set(self.scenes.get() + 1);
        let head = format!("━━ {}. {title} ", self.scenes.get());
        let rule = "━".repeat(WIDTH.saturating_sub(head.chars().count()));
        println!("\n{}", self.paint("1", &format!("{head}{rule}")));
        self.note(promise);
        self.gap();
    }

    /// A sentence or two.
    pub fn note(&self, text: &str) {
        for line in wrapped(text, WIDTH) {
            println!("{}", self.paint("2", &line));
        }
    }

    /// A command that is about to be run.
    pub fn command(&self, command: &str) {
        println!("{} {}", self.paint("2", "$"), self.paint("1;36", command));
    }

    /// What a command printed.
    pub fn result(&self, text: &str) {
        for line in text.trim_end().lines() {
            for (number, part) in folded(line, WIDTH - 2).into_iter().enumerate() {
                println!("  {}{part}", if number == 0 { "" } else { "  " });
            }
        }
        self.gap();
    }

    /// What was promised and is so.
    pub fn kept(&self, text: &str) {
        let mark = self.paint("1;32", "✓");
        for (number, line) in wrapped(text, WIDTH - 2).iter().enumerate() {
            let lead = if number == 0 { mark.as_str() } else { " " };
            println!("{lead} {line}");
        }
    }

    /// What the demo ends with if a promise was broken.
    pub fn broken(&self, why: &str) {
        println!();
        eprintln!("{} the demo stopped: {why}", self.paint("1;31", "✗"));
    }

    /// An empty line.
    #[allow(clippy::unused_self)] // everything that is printed is printed by the screen
    pub fn gap(&self) {
        println!();
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colours && !text.is_empty() {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// One line in pieces of at most so many characters, its blanks kept: it may be part of a table.
fn folded(line: &str, width: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    let mut room = width;
    while let Some((end, _)) = rest.char_indices().nth(room) {
        let Some(blank) = rest[..end].trim_start().rfind(' ') else {
            break;
        };
        let (piece, after) = rest.split_at(blank + rest.len() - rest.trim_start().len());
        pieces.push(piece);
        rest = after.trim_start();
        room = width - 2;
    }
    pieces.push(rest);
    pieces
}

/// Lines of at most so many characters, broken at blanks.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("one line at least");
        let longer = line.chars().count() + 1 + word.chars().count();
        if line.is_empty() {
            line.push_str(word);
        } else if longer <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
