//! How text is printed to a terminal: hidden characters are escaped first, then colours are added.

use std::{fmt::Write, io::IsTerminal};

use clap::{
    ValueEnum,
    builder::styling::{AnsiColor, Color, Style},
};
use psg_domain::text;

/// The width of lines, as far as names allow it.
pub const WIDTH: usize = 80;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Also into a file or a pipe.
    Always,
    /// Nowhere.
    Never,
}

impl Colour {
    /// Whether standard output gets colours.
    pub fn is_on(self, variable: impl Fn(&str) -> Option<String>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let unwanted = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
                !unwanted && std::io::stdout().is_terminal()
            }
        }
    }
}

/// What a line stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the words say it
pub enum Tone {
    Plain,
    Strong,
    Faint,
    Added,
    Changed,
    Removed,
}

impl Tone {
    fn style(self) -> Style {
        let coloured = |colour| Style::new().fg_color(Some(Color::Ansi(colour)));
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Added => coloured(AnsiColor::Green),
            Self::Changed => coloured(AnsiColor::Yellow),
            Self::Removed => coloured(AnsiColor::Red),
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it stands for.
    pub tone: Tone,
    /// What it says, without the end of the line.
    pub text: String,
}

/// Lines one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page(pub Vec<Line>);

impl Page {
    /// One line, however long.
    pub fn line(&mut self, tone: Tone, text: String) {
        self.0.push(Line { tone, text });
    }

    /// The heading of what follows.
    pub fn title(&mut self, text: &str) {
        self.line(Tone::Strong, text.to_owned());
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.line(Tone::Plain, String::new());
    }

    /// Adds wrapped text, each line after `before`.
    pub fn hanging(&mut self, tone: Tone, before: &str, text: &str) {
        for part in wrapped(text, WIDTH - before.chars().count()) {
            self.line(tone, format!("{before}{part}"));
        }
    }
}

/// Lines as a terminal takes them.
pub fn print(lines: &[Line], coloured: bool) -> String {
    let mut printed = String::new();
    for Line { tone, text } in lines {
        let said = text::line(text.trim_end());
        let style = tone.style();
        if coloured && style != Style::new() && !said.is_empty() {
            let _ = writeln!(printed, "{style}{said}{style:#}");
        } else {
            printed.push_str(&said);
            printed.push('\n');
        }
    }
    printed
}

/// Words in lines of at most `width` letters; a longer word has a line of its own.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Names in lines of at most `width` letters, broken between names; a longer name has a line of its
/// own. Unlike in [`wrapped`], the blanks in a name stay as they are. Hidden characters are
/// escaped.
pub fn listed(names: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let comma = if number + 1 < names.len() { "," } else { "" };
        let name = format!("{}{comma}", text::line(name));
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + name.chars().count() <= width => {
                line.push(' ');
                line.push_str(&name);
            }
            _ => lines.push(name),
        }
    }
    lines
}

/// The first `most` lines of a text; the last of them ends with an ellipsis if there are more.
pub fn clipped(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = wrapped(text, width);
    if lines.len() <= most {
        return lines;
    }
    lines.truncate(most);
    if let Some(last) = lines.last_mut() {
        let room = width.saturating_sub(2);
        let kept = match last.char_indices().nth(room) {
            None => last.as_str(),
            Some((end, _)) => last[..end].rsplit_once(' ').map_or(&last[..end], |it| it.0),
        };
        *last = format!("{kept} …");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_long_text_says_that_there_is_more() {
        assert_eq!(clipped("one two", 7, 1), ["one two"]);
        assert_eq!(clipped("one two three", 7, 1), ["one …"]);
        assert_eq!(clipped("extraordinary x", 5, 1), ["ext …"]);
        assert_eq!(clipped("one two three four", 7, 2), ["one two", "three …"]);
        assert!(clipped("", 7, 2).is_empty());
    }

    #[test]
    fn a_name_in_a_list_stays_as_it_is() {
        let names = ["a  b", "c\u{1b}", "d e"].map(str::to_owned);
        assert_eq!(listed(&names, 12), ["a  b,", "c\\u{1b}, d e"]);
        assert!(listed(&[], 12).is_empty());
    }

    #[test]
    fn an_escape_in_a_name_is_shown_and_not_obeyed() {
        let line = Line {
            tone: Tone::Added,
            text: "+ AD\u{1b}[2J".to_owned(),
        };
        assert_eq!(
            print(std::slice::from_ref(&line), false),
            "+ AD\\u{1b}[2J\n"
        );
        assert_eq!(print(&[line], true), "\u{1b}[32m+ AD\\u{1b}[2J\u{1b}[0m\n");
    }

    #[test]
    fn colours_are_for_terminals_and_for_those_who_ask() {
        assert!(Colour::Always.is_on(|_| Some("1".to_owned())));
        assert!(!Colour::Never.is_on(|_| None));
        assert!(!Colour::Auto.is_on(|_| Some("1".to_owned())));
    }

    #[test]
    fn lines_end_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("extraordinary x", 5), ["extraordinary", "x"]);
        assert!(wrapped("", 5).is_empty());
    }
}
