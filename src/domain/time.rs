//! Arithmetic on timestamps that cannot overflow, whatever a tenant or a clock says.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// `at` + `by`, at most [`Timestamp::MAX`].
pub fn after(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| at.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

/// `at` − `by`, at least [`Timestamp::MIN`].
pub fn before(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| at.checked_sub(by).ok())
        .unwrap_or(Timestamp::MIN)
}

/// How long from `from` until `to`; nothing if that moment has passed.
pub fn until(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// How far two moments are apart, whichever is the earlier.
pub fn apart(one: Timestamp, other: Timestamp) -> Duration {
    until(one, other).max(until(other, one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_time_hold() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(after(now, Duration::MAX), Timestamp::MAX);
        assert_eq!(before(now, Duration::MAX), Timestamp::MIN);
        assert_eq!(until(Timestamp::MAX, now), Duration::ZERO);
        assert_eq!(
            until(now, after(now, Duration::from_secs(3))),
            Duration::from_secs(3)
        );
    }

    #[test]
    fn two_moments_are_as_far_apart_in_either_order() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let minute = Duration::from_mins(1);
        assert_eq!(
            (apart(at(0), at(60)), apart(at(60), at(0))),
            (minute, minute)
        );
        assert_eq!(apart(at(7), at(7)), Duration::ZERO);
    }
}
