//! The passwords that keep some rules and break others, and the shortest of them.
//!
//! Rules speak of how many characters a password has of each type, of all letters, and in all; of
//! how many types occur; and of the longest run of one character. Each is a span of numbers. The
//! counted spans are nested: upper and lower case in the letters, letters with digits and special
//! characters in the length. So for a given set of types that occur, there is a password if and
//! only if no span is empty once each holds the sum of those inside it. A run fits wherever one
//! type has that many characters. No longer run is ever forced, because each type has at least two
//! characters, which can alternate.

use psg_domain::{Limit, Rule};

use super::{characters::Type, witness::Witness};

/// The passwords whose numbers lie in these spans.
#[derive(Clone, Debug)]
pub(super) struct Space {
    length: Span,
    alpha: Span,
    types: [Span; 4],
    occurring: Span,
    run: Span,
}

impl Space {
    /// The passwords that keep these rules.
    pub fn keeping(rules: impl IntoIterator<Item = Rule>) -> Self {
        let mut space = Self {
            length: Span::from(0),
            alpha: Span::from(0),
            types: [Span::from(0); 4],
            occurring: Span::from(0),
            run: Span::from(1),
        };
        for Rule { limit, value } in rules {
            if is_maximum(limit) {
                space.span(limit).lower_most(value);
            } else {
                space.span(limit).raise_least(value);
            }
        }
        space
    }

    /// The passwords of this space that break this rule.
    pub fn breaking(mut self, Rule { limit, value }: Rule) -> Self {
        if is_maximum(limit) {
            self.span(limit).raise_least(value.saturating_add(1));
        } else {
            self.span(limit).lower_most(value.saturating_sub(1));
        }
        self
    }

    /// The shortest password; of several, one with letters in lower case, and then with the fewest
    /// types: it is easy to read. Equal spaces give equal passwords.
    pub fn shortest(&self) -> Option<Witness> {
        let found = candidates().filter_map(|(occurring, repeats)| {
            let witness = self.witness(occurring, repeats)?;
            let harder = (!occurring.has(Type::Lower), occurring.count());
            Some((witness.length(), harder, witness))
        });
        let shortest = found.min_by_key(|(length, harder, _)| (*length, *harder));
        shortest.map(|(_, _, witness)| witness)
    }

    /// The shortest password in which just these types occur, and one of them holds the longest run.
    fn witness(&self, occurring: Occurring, repeats: Type) -> Option<Witness> {
        let run = self.run.filled()?.least;
        self.occurring.holds(occurring.count())?;
        let of = |kind: Type| {
            let mut span = self.types[kind as usize];
            if occurring.has(kind) {
                span.raise_least(if kind == repeats { run } else { 1 });
            } else {
                span.lower_most(0);
            }
            span.filled()
        };
        let (lower, upper) = (of(Type::Lower)?, of(Type::Upper)?);
        let (numeric, special) = (of(Type::Numeric)?, of(Type::Special)?);
        let alpha = lower.plus(upper).within(self.alpha).filled()?;
        let length = alpha.plus(numeric).plus(special);
        let length = length.within(self.length).filled()?;

        let (letters, others) = share(length.least, alpha, numeric.plus(special));
        let (lower, upper) = share(letters, lower, upper);
        let (numeric, special) = share(others, numeric, special);
        Some(Witness::new([lower, upper, numeric, special], repeats, run))
    }

    fn span(&mut self, limit: Limit) -> &mut Span {
        match limit {
            Limit::MinLength | Limit::MaxLength => &mut self.length,
            Limit::MinAlpha => &mut self.alpha,
            Limit::MinUpper => &mut self.types[Type::Upper as usize],
            Limit::MinLower => &mut self.types[Type::Lower as usize],
            Limit::MinNumeric => &mut self.types[Type::Numeric as usize],
            Limit::MinSpecial => &mut self.types[Type::Special as usize],
            Limit::MinCharacterTypes => &mut self.occurring,
            Limit::MaxRepeatedChars => &mut self.run,
        }
    }
}

fn is_maximum(limit: Limit) -> bool {
    matches!(limit, Limit::MaxLength | Limit::MaxRepeatedChars)
}

/// Each set of types that may occur, with each of them as the one that holds the longest run. That
/// is all that a search looks at: 4 + 6 * 2 + 4 * 3 + 4 = 32 kinds of password, however long. No set
/// is empty, and so no password is.
fn candidates() -> impl Iterator<Item = (Occurring, Type)> {
    let sets = (1..16).map(Occurring);
    sets.flat_map(|set| set.types().map(move |repeats| (set, repeats)))
}

/// The types of character that occur, one bit each.
#[derive(Clone, Copy, Debug)]
struct Occurring(u8);

impl Occurring {
    fn has(self, kind: Type) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    fn types(self) -> impl Iterator<Item = Type> {
        Type::ALL.into_iter().filter(move |kind| self.has(*kind))
    }

    fn count(self) -> u64 {
        self.0.count_ones().into()
    }
}

/// Numbers from `least` to `most`; none if `least` is above `most`. A policy states no number above
/// `i64::MAX`, so `u64::MAX` stands for "no limit", and a sum that reaches it is above any limit.
#[derive(Clone, Copy, Debug)]
struct Span {
    least: u64,
    most: u64,
}

impl Span {
    fn from(least: u64) -> Self {
        let most = u64::MAX;
        Self { least, most }
    }

    fn raise_least(&mut self, to: u64) {
        self.least = self.least.max(to);
    }

    fn lower_most(&mut self, to: u64) {
        self.most = self.most.min(to);
    }

    fn filled(self) -> Option<Self> {
        (self.least <= self.most).then_some(self)
    }

    fn holds(self, number: u64) -> Option<()> {
        (self.least <= number && number <= self.most).then_some(())
    }

    fn plus(self, other: Self) -> Self {
        Self {
            least: self.least.saturating_add(other.least),
            most: self.most.saturating_add(other.most),
        }
    }

    fn within(mut self, other: Self) -> Self {
        self.raise_least(other.least);
        self.lower_most(other.most);
        self
    }
}

/// Splits a number that lies in the sum of two spans: the first gets as much as it can. Even if the
/// sum was above `u64::MAX`, each gets its `least`.
fn share(number: u64, first: Span, second: Span) -> (u64, u64) {
    let most = first.most.min(number.saturating_sub(second.least));
    let given = most.max(first.least);
    (given, number.saturating_sub(given).max(second.least))
}
