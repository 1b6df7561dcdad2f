//! The last step before a terminal. What a server says may hold control characters, which a terminal
//! obeys, or marks that turn the direction of the text: they are shown as what they are.

/// A text of several lines that does nothing but stand there.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter == '\n' || !(letter.is_control() || turns(letter)) {
            plain.push(letter);
        } else {
            plain.extend(letter.escape_unicode());
        }
    }
    plain
}

/// Marks of the bidirectional algorithm (UAX #9), and separators that count as the end of a line.
fn turns(letter: char) -> bool {
    matches!(letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(plain("a\u{1b}[2Jb\rc\u{9b}d"), r"a\u{1b}[2Jb\u{d}c\u{9b}d");
        assert_eq!(plain("gnp\u{202e}.exe\u{2066}"), r"gnp\u{202e}.exe\u{2066}");
    }

    #[test]
    fn everything_else_stays() {
        let text = "Zürich 字 🔑 \"AD\"\nsecond line";
        assert_eq!(plain(text), text);
    }
}
