//! The time: the machine's, or a virtual time that only the control port moves.
//!
//! [`Clock::now`] is the single place where the machine's clock is read. The rules never call it:
//! the moment is an argument.

use jiff::{SignedDuration, Timestamp};

/// Where `now` comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    Real,
    /// Stands still until it is advanced.
    Virtual(Timestamp),
}

impl Clock {
    /// A virtual clock at a fixed, believable moment, so that two runs print the same times.
    pub fn fixed() -> Self {
        Self::Virtual(plus_seconds(Timestamp::UNIX_EPOCH, 1_767_225_600))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Real => Timestamp::now(),
            Self::Virtual(now) => *now,
        }
    }

    /// Moves a virtual clock; false if the clock is real.
    pub fn advance(&mut self, by: SignedDuration) -> bool {
        let Self::Virtual(now) = self else {
            return false;
        };
        *now = now.checked_add(by).unwrap_or(Timestamp::MAX);
        true
    }
}

/// The moment `seconds` later, or the end of time.
pub(crate) fn plus_seconds(at: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    at.checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}

/// The moment `seconds` earlier, or the beginning of time.
pub(crate) fn minus_seconds(at: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    at.checked_sub(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_moves_only_when_told() {
        let mut clock = Clock::fixed();
        let before = clock.now();
        assert_eq!(clock.now(), before);
        assert!(clock.advance(SignedDuration::from_secs(5)));
        assert_eq!(clock.now(), plus_seconds(before, 5));
        assert_eq!(minus_seconds(clock.now(), 5), before);
    }

    #[test]
    fn a_real_clock_cannot_be_moved() {
        assert!(!Clock::Real.advance(SignedDuration::from_secs(5)));
    }

    #[test]
    fn time_ends_instead_of_overflowing() {
        assert_eq!(
            plus_seconds(Timestamp::UNIX_EPOCH, u64::MAX),
            Timestamp::MAX
        );
        assert_eq!(
            minus_seconds(Timestamp::UNIX_EPOCH, u64::MAX),
            Timestamp::MIN
        );
    }
}
