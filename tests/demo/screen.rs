//! How the demo prints: plain text, with colours only on a terminal that wants them. What was printed is
//! kept, so that a picture can be made of it.

use std::{
    cell::{Cell, RefCell},
    io::{self, IsTerminal},
};

/// In characters.
pub const WIDTH: usize = 80;

/// How a piece of a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Title,
    Faint,
    Command,
    Kept,
}

impl Style {
    /// As terminals know it.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Title => "1",
            Self::Faint => "2",
            Self::Command => "1;36",
            Self::Kept => "1;32",
        }
    }
}

/// A line that was printed, and the number of its scene.
#[derive(Debug)]
pub struct Line {
    pub scene: u8,
    pub pieces: Vec<(Style, String)>,
}

/// Standard output.
#[derive(Debug)]
pub struct Screen {
    colours: bool,
    scenes: Cell<u8>,
    printed: RefCell<Vec<Line>>,
}

impl Screen {
    /// What this process prints to.
    pub fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            colours: wanted && io::stdout().is_terminal(),
            scenes: Cell::new(0),
            printed: RefCell::default(),
        }
    }

    /// Everything that was printed, as it was.
    pub fn printed(self) -> Vec<Line> {
        self.printed.into_inner()
    }

    /// A new scene: its number, its title and what it promises.
    pub fn scene(&self, title: &str, promise: &str) {
        self.gap();
        self.scenes.set(self.scenes.get() + 1);
        let head = format!("━━ {}. {title} ", self.scenes.get());
        let rule = "━".repeat(WIDTH.saturating_sub(head.chars().count()));
        self.line(&[(Style::Title, &format!("{head}{rule}"))]);
        self.note(promise);
        self.gap();
    }

    /// A sentence or two.
    pub fn note(&self, text: &str) {
        for line in wrapped(text, WIDTH) {
            self.line(&[(Style::Faint, &line)]);
        }
    }

    /// A command that is about to be run, broken so that it can be typed like that.
    pub fn command(&self, command: &str) {
        let parts = folded(command, WIDTH - 4);
        for (number, part) in parts.iter().enumerate() {
            let lead = if number == 0 { "$ " } else { "    " };
            let end = if number + 1 < parts.len() { " \\" } else { "" };
            self.line(&[
                (Style::Faint, lead),
                (Style::Command, part),
                (Style::Faint, end),
            ]);
        }
    }

    /// What a command printed.
    pub fn result(&self, text: &str) {
        for line in text.trim_end().lines() {
            for (number, part) in folded(line, WIDTH - 2).into_iter().enumerate() {
                let lead = if number == 0 { "  " } else { "    " };
                self.line(&[(Style::Plain, lead), (Style::Plain, part)]);
            }
        }
        self.gap();
    }

    /// What was promised and is so.
    pub fn kept(&self, text: &str) {
        for (number, line) in wrapped(text, WIDTH - 2).iter().enumerate() {
            let lead = if number == 0 { "✓ " } else { "  " };
            self.line(&[(Style::Kept, lead), (Style::Plain, line)]);
        }
    }

    /// What the demo ends with if a promise was broken.
    pub fn broken(&self, why: &str) {
        self.gap();
        let mark = self.paint(Style::Title, "✗");
        eprintln!("{mark} the demo stopped: {why}");
    }

    /// An empty line.
    pub fn gap(&self) {
        self.line(&[]);
    }

    fn line(&self, pieces: &[(Style, &str)]) {
        let painted: String = pieces
            .iter()
            .map(|(style, text)| self.paint(*style, text))
            .collect();
        println!("{painted}");
        self.printed.borrow_mut().push(Line {
            scene: self.scenes.get(),
            pieces: pieces
                .iter()
                .map(|(style, text)| (*style, (*text).to_owned()))
                .collect(),
        });
    }

    fn paint(&self, style: Style, text: &str) -> String {
        let code = style.code();
        if self.colours && !code.is_empty() && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
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
