//! Escapes text that others wrote, before people see it. A name or an answer may hold control
//! characters, which a terminal obeys and which end a line of a log, or marks that change the
//! direction of the text after them: they are shown as escapes. Used where text leaves the program:
//! a status, an Event, a log, a terminal.

/// Escapes a text so that it stays one line.
pub fn line(text: &str) -> String {
    shown(text, |letter| !is_hidden(letter))
}

/// Escapes a text, but for its line ends.
pub fn lines(text: &str) -> String {
    shown(text, |letter| letter == '\n' || !is_hidden(letter))
}

fn shown(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if stays(letter) {
            shown.push(letter);
        } else {
            shown.extend(letter.escape_unicode());
        }
    }
    shown
}

/// Control characters, marks of the bidirectional algorithm (UAX #9), and separators that count as
/// the end of a line.
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(lines("a\u{1b}[2Jb\rc\u{9b}d"), r"a\u{1b}[2Jb\u{d}c\u{9b}d");
        assert_eq!(lines("gnp\u{202e}.exe\u{2066}"), r"gnp\u{202e}.exe\u{2066}");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_of_any_text(text in any::<String>()) {
            prop_assert!(!line(&text).contains(is_hidden));
            prop_assert!(!lines(&text).replace('\n', "").contains(is_hidden));
            prop_assert_eq!(line(&line(&text)), line(&text));
        }
    }

    #[test]
    fn a_line_stays_one() {
        let forged = line("AD\n2026-11-30T00:00:00Z INFO all is well");
        assert_eq!(forged, r"AD\u{a}2026-11-30T00:00:00Z INFO all is well");
    }

    #[test]
    fn everything_else_stays() {
        let text = "Zürich 字 🔑 \"AD\"\nsecond line";
        assert_eq!(lines(text), text);
    }
}
