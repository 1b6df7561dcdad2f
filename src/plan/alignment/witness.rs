//! A password that shows something about two policies: the letters in the order of the alphabet,
//! then digits, then special characters, so that nobody takes it for a real one.

use std::{fmt, iter};

use super::characters::Type;

/// So many characters of a witness are shown; a policy may ask for any length.
const SHOWN: usize = 40;

/// An example password. It holds how many characters of each type it has; they are made only where
/// they are read, so its length costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// How many characters of each type, as [`Type::ALL`] orders them.
    counts: [u64; 4],
    /// The type whose first character is repeated.
    repeats: Type,
    /// How often that character stands in a row; no other follows itself.
    run: u64,
}

impl Witness {
    /// A witness with so many characters of each type; `repeats` has at least `run` of them.
    pub(super) fn new(counts: [u64; 4], repeats: Type, run: u64) -> Self {
        Self {
            counts,
            repeats,
            run,
        }
    }

    /// How many characters it has.
    pub fn length(&self) -> u64 {
        self.counts
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Its characters.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<> {
        let [_, upper, ..] = self.counts;
        self.block(Type::Upper, 0)
            // "Abc" rather than "Aabc".
            .chain(self.block(Type::Lower, upper % 26))
            .chain(self.block(Type::Numeric, 0))
            .chain(self.block(Type::Special, 0))
    }

    fn block(&self, kind: Type, from: u64) -> impl Iterator<Item = char> + use<> {
        let run = if kind == self.repeats { self.run } else { 1 };
        let mut letters = kind.examples().chars().cycle().skip(size(from));
        let first = letters.next().into_iter();
        first
            .flat_map(move |first| iter::repeat_n(first, size(run)))
            .chain(letters)
            .take(size(self.counts[kind as usize]))
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.chars().take(SHOWN).collect();
        let length = self.length();
        if size(length) <= SHOWN {
            write!(f, "{shown}")
        } else {
            write!(f, "{shown}… ({length} characters)")
        }
    }
}
