//! How many password changes failed on each source, and why. Pure.

use std::collections::BTreeMap;

use super::{Attempt, Change, FailureCause};

/// The failures of one stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// By the name of the source: only sources with failures.
    pub sources: BTreeMap<String, SourceFailures>,
    /// How many events may be about a failure on any source: they name none, or cannot be understood.
    pub unknown: u32,
    /// Not all events of the time were read: there may be more failures.
    pub more: bool,
}

/// How many changes failed on one source, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceFailures([u32; FailureCause::ALL.len()]);

impl Failures {
    /// Counts each change once on each source where it failed.
    /// `unreadable` events could not be understood.
    pub fn of(changes: &[Change], unreadable: usize, more: bool) -> Self {
        let mut failures = Self {
            unknown: u32::try_from(unreadable).unwrap_or(u32::MAX),
            more,
            ..Self::default()
        };
        for change in changes {
            for (source, attempt) in &change.sources {
                if let Attempt::Failed { last, .. } = attempt {
                    let counts = failures.sources.entry(source.clone()).or_default();
                    counts.add(last.cause);
                }
            }
            let nameless = u32::try_from(change.nameless.len()).unwrap_or(u32::MAX);
            failures.unknown = failures.unknown.saturating_add(nameless);
        }
        failures
    }
}

impl SourceFailures {
    /// How many changes failed for this cause.
    pub fn count(&self, cause: FailureCause) -> u32 {
        self.by_cause()
            .find_map(|(of, count)| (of == cause).then_some(count))
            .unwrap_or_default()
    }

    /// How many changes failed.
    pub fn total(&self) -> u32 {
        let counts = self.0.iter();
        counts.fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Each cause and its count, in the order of the vendor's guide.
    pub fn by_cause(&self) -> impl Iterator<Item = (FailureCause, u32)> {
        FailureCause::ALL.into_iter().zip(self.0)
    }

    fn add(&mut self, cause: FailureCause) {
        let counts = FailureCause::ALL.into_iter().zip(&mut self.0);
        for (_, count) in counts.filter(|(of, _)| *of == cause) {
            *count = count.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::password_changes::{ChangeEvent, ChangeStep, changes};

    #[test]
    fn a_change_counts_once_on_each_source_however_often_it_was_tried() {
        let event = |second: i64, change: &str, source: Option<&str>, why: &str| ChangeEvent {
            at: Timestamp::from_second(second).unwrap(),
            id: format!("{second}{change}"),
            change: Some(change.to_owned()),
            identity: None,
            source: source.map(str::to_owned),
            step: match why {
                "" => ChangeStep::Passed,
                why => ChangeStep::Failed(why.to_owned()),
            },
        };
        let events = [
            event(1, "a", Some("AD"), "timed out"),
            event(6, "a", Some("AD"), "timed out"),
            event(7, "b", Some("AD"), "policy"),
            event(8, "c", Some("SAP"), "timed out"),
            event(9, "c", Some("SAP"), ""),
            event(9, "d", None, "timed out"),
        ];
        let failures = Failures::of(&changes(events), 2, false);
        let ad = failures.sources["AD"];
        assert_eq!(ad.count(FailureCause::Communication), 1);
        assert_eq!(ad.count(FailureCause::Policy), 1);
        assert_eq!((ad.total(), ad.count(FailureCause::Other)), (2, 0));
        assert_eq!(failures.sources.len(), 1, "SAP succeeded in the end");
        assert_eq!((failures.unknown, failures.more), (3, false));
    }
}
