//! How many Events one resource may make. If a person or a tool edits a manifest every second, the
//! Events would fill the API server's store; what they say is in the log as well.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use psg_domain::time;

/// How many Events a resource may make at once, as many as kube's own controllers allow.
const BURST: u32 = 25;
/// After which it may make one more.
const REFILL: Duration = Duration::from_mins(5);
/// From this many resources on, those that may make their whole burst again are forgotten.
const MANY: usize = 1000;

/// The Events that were made lately, by UID of the resource.
#[derive(Debug, Default)]
pub struct Spam(Mutex<BTreeMap<String, Used>>);

/// How many of the burst are used, as of a moment.
#[derive(Clone, Copy, Debug)]
struct Used {
    count: u32,
    since: Timestamp,
}

impl Spam {
    /// Whether a resource may make one more Event now, which then counts.
    pub fn allows(&self, uid: &str, now: Timestamp) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MANY {
            known.retain(|_, used| used.at(now).count > 0);
        }
        let fresh = Used {
            count: 0,
            since: now,
        };
        let used = known.entry(uid.to_owned()).or_insert(fresh);
        *used = used.at(now);
        let allowed = used.count < BURST;
        used.count += u32::from(allowed);
        allowed
    }
}

impl Used {
    /// The count at `now`, less what was refilled since.
    fn at(self, now: Timestamp) -> Self {
        let passed = time::until(self.since, now).as_secs() / REFILL.as_secs();
        let refilled = u32::try_from(passed).unwrap_or(u32::MAX);
        if refilled >= self.count {
            return Self {
                count: 0,
                since: now,
            };
        }
        Self {
            count: self.count - refilled,
            since: time::after(self.since, REFILL.saturating_mul(refilled)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_resource_makes_a_burst_and_then_one_in_five_minutes() {
        let spam = Spam::default();
        let made = |second| (0..100).filter(|_| spam.allows("g", at(second))).count();
        assert_eq!(made(0), 25);
        assert_eq!(made(299), 0);
        assert_eq!(made(300), 1);
        assert_eq!(made(900), 2);
        assert_eq!(made(100_000), 25);
    }

    #[test]
    fn each_has_its_own_and_those_that_are_quiet_are_forgotten() {
        let spam = Spam::default();
        for number in 0..MANY {
            assert!(spam.allows(&number.to_string(), at(0)));
        }
        assert!(spam.allows("one more", at(301)));
        assert_eq!(spam.0.lock().unwrap().len(), 1);
    }
}
