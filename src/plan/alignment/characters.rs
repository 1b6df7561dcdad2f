//! The characters of a password and their four types. Source: the vendor's help, page "Password
//! Requirements". No policy admits a colon or a character outside of ASCII.

/// A type of character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// A letter in lower case.
    Lower,
    /// A letter in upper case.
    Upper,
    /// A digit.
    Numeric,
    /// The space, and what can be printed and is neither a letter nor a digit, but no colon.
    Special,
}

impl Type {
    /// All types; the index of each is its discriminant.
    pub const ALL: [Self; 4] = [Self::Lower, Self::Upper, Self::Numeric, Self::Special];

    /// The type of a character; none if no policy admits it.
    pub fn of(letter: char) -> Option<Self> {
        match letter {
            'a'..='z' => Some(Self::Lower),
            'A'..='Z' => Some(Self::Upper),
            '0'..='9' => Some(Self::Numeric),
            ':' => None,
            ' '..='~' => Some(Self::Special),
            _ => None,
        }
    }

    /// The characters of examples, in this order. Each type has at least two, so that a password of
    /// any length needs no character twice in a row.
    pub fn examples(self) -> &'static str {
        match self {
            Self::Lower => "abcdefghijklmnopqrstuvwxyz",
            Self::Upper => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            Self::Numeric => "1234567890",
            Self::Special => "!#%+=?*-",
        }
    }
}
