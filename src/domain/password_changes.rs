//! Password changes as the audit events of a tenant tell them: which source a change reached, where
//! it failed, and why. Pure.
//!
//! Source: the vendor's search index of audit events. It documents neither how the events of one
//! change belong together nor what a failure says; the tracking number and the text of the error are
//! taken for that. What they do not say stays unknown, and never counts as healthy.

mod cause;
mod failures;
mod outcome;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use cause::FailureCause;
pub use failures::{Failures, SourceFailures};
pub use outcome::{ChangeState, ChangeStatus, SourceOutcome, outcomes};

/// One audit event of a password change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeEvent {
    /// When it happened.
    pub at: Timestamp,
    /// Its own id.
    pub id: String,
    /// The change that it belongs to (`trackingNumber`).
    pub change: Option<String>,
    /// Whose password it is (`target.name`).
    pub identity: Option<String>,
    /// The name of the source (`attributes.sourceName`): events hold no id of it.
    pub source: Option<String>,
    /// What happened.
    pub step: ChangeStep,
}

/// What an audit event says of a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeStep {
    /// It was asked for, on the source of the event.
    Started,
    /// The source has the new password.
    Passed,
    /// The source does not have it, for the reason in this text. The service may try again.
    Failed(String),
}

/// One password change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What ties its events together; none for a single event that does not say.
    pub id: Option<String>,
    /// When its first known event happened.
    pub at: Timestamp,
    /// Whose password it is.
    pub identity: Option<String>,
    /// The source on which it was asked for.
    pub asked_on: Option<String>,
    /// Each source that an event names, and what the last such event says.
    pub sources: BTreeMap<String, Attempt>,
    /// Failures that name no source.
    pub nameless: Vec<Failure>,
}

/// The state of a change on one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The source has the new password.
    Changed,
    /// So many attempts failed, and none succeeded since.
    Failed {
        /// How many.
        times: u32,
        /// The last of them.
        last: Failure,
    },
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub cause: FailureCause,
    /// The tenant's words.
    pub why: String,
}

/// The changes that events tell of, in the order of their first event. An event that is given twice
/// counts once.
pub fn changes(events: impl IntoIterator<Item = ChangeEvent>) -> Vec<Change> {
    let mut events: Vec<ChangeEvent> = events.into_iter().collect();
    events.sort();
    events.dedup();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut changes: Vec<Change> = Vec::new();
    for event in events {
        let known = event.change.as_ref().and_then(|id| places.get(id)).copied();
        let place = known.unwrap_or_else(|| {
            if let Some(id) = &event.change {
                places.insert(id.clone(), changes.len());
            }
            changes.push(Change {
                id: event.change.clone(),
                at: event.at,
                identity: None,
                asked_on: None,
                sources: BTreeMap::new(),
                nameless: Vec::new(),
            });
            changes.len() - 1
        });
        if let Some(change) = changes.get_mut(place) {
            change.take(event);
        }
    }
    changes
}

impl Change {
    /// Whether an attempt failed, and none on the same source succeeded since.
    pub fn fails(&self) -> bool {
        let failed = |attempt: &Attempt| matches!(attempt, Attempt::Failed { .. });
        !self.nameless.is_empty() || self.sources.values().any(failed)
    }

    fn take(&mut self, event: ChangeEvent) {
        self.identity = self.identity.take().or(event.identity);
        match (event.step, event.source) {
            (ChangeStep::Started, source) => self.asked_on = self.asked_on.take().or(source),
            (ChangeStep::Passed, Some(source)) => {
                self.sources.insert(source, Attempt::Changed);
            }
            (ChangeStep::Failed(why), Some(source)) => {
                let before = match self.sources.get(&source) {
                    Some(Attempt::Failed { times, .. }) => *times,
                    _ => 0,
                };
                let attempt = Attempt::Failed {
                    times: before.saturating_add(1),
                    last: Failure::of(why),
                };
                self.sources.insert(source, attempt);
            }
            (ChangeStep::Failed(why), None) => self.nameless.push(Failure::of(why)),
            (ChangeStep::Passed, None) => {}
        }
    }
}

impl Failure {
    fn of(why: String) -> Self {
        Self {
            cause: FailureCause::of(&why),
            why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: i64, change: &str, source: &str, step: ChangeStep) -> ChangeEvent {
        let named = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        ChangeEvent {
            at: Timestamp::from_second(second).unwrap(),
            id: format!("{second} {change} {source}"),
            change: named(change),
            identity: Some("ada".to_owned()),
            source: named(source),
            step,
        }
    }

    fn failed(why: &str) -> ChangeStep {
        ChangeStep::Failed(why.to_owned())
    }

    #[test]
    fn the_last_event_of_a_source_counts_whatever_the_order_in_which_events_come() {
        let mut events = vec![
            event(1, "c", "AD", ChangeStep::Started),
            event(2, "c", "AD", ChangeStep::Passed),
            event(2, "c", "SAP", failed("Connection timed out")),
            event(7, "c", "SAP", failed("Connection timed out")),
            event(8, "c", "Workday", failed("Connection timed out")),
            event(67, "c", "Workday", ChangeStep::Passed),
        ];
        events.push(events[3].clone());
        events.reverse();
        let [change] = changes(events).try_into().unwrap();
        assert_eq!(change.asked_on.as_deref(), Some("AD"));
        assert_eq!(change.identity.as_deref(), Some("ada"));
        assert_eq!(change.sources["AD"], Attempt::Changed);
        assert_eq!(change.sources["Workday"], Attempt::Changed);
        let Attempt::Failed { times, last } = &change.sources["SAP"] else {
            panic!("SAP failed");
        };
        assert_eq!((*times, last.cause), (2, FailureCause::Communication));
        assert!(change.fails());
    }

    #[test]
    fn events_that_do_not_say_which_change_they_belong_to_are_one_change_each() {
        let events = [
            event(1, "", "AD", failed("no")),
            event(2, "", "AD", ChangeStep::Passed),
        ];
        let changes = changes(events);
        assert_eq!(changes.len(), 2);
        assert!(changes[0].fails() && !changes[1].fails());
    }

    #[test]
    fn a_failure_that_names_no_source_is_not_lost() {
        let [change] = changes([event(1, "c", "", failed("no"))])
            .try_into()
            .unwrap();
        assert!(change.fails());
        assert_eq!(change.nameless.len(), 1);
    }
}
