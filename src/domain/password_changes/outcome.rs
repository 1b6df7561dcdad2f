//! What one password change came to on each source of a group: from its audit events, and from what
//! the tenant says of the change as a whole. Pure.
//!
//! Events alone cannot tell a source that was not attempted from one on which the person has no
//! account, nor an attempt that is followed by another from the last one: the state of the whole
//! change, which is one for all sources, and the sources that it is to reach tell that.

use std::collections::BTreeMap;

use super::{Attempt, Change, Failure, FailureCause};
use crate::{facts::Source, ids::SourceId};

/// The first attempt and six more: so often the service tries a source that cannot be reached,
/// within 90 minutes. Source: the vendor's guide.
const MOST_ATTEMPTS: u32 = 7;

/// What the tenant says of a password change as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeStatus {
    /// Its state on all sources together.
    pub state: ChangeState,
    /// The sources that it is to reach.
    pub sources: Vec<SourceId>,
    /// The tenant's words for what went wrong.
    pub errors: Vec<String>,
}

/// How far a password change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeState {
    /// Some source is still tried.
    InProgress,
    /// Every source has the new password.
    Finished,
    /// Some source does not have it, and is not tried again.
    Failed,
    /// A state that the vendor's documents do not name.
    Unknown,
}

/// What a change came to on one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceOutcome {
    /// The source has the new password.
    Changed,
    /// The source does not have it, and is not tried again as far as known.
    Failed(Failure),
    /// The source does not have it yet, and is tried again.
    Retrying(Failure),
    /// The service ended the change without trying the source.
    NotAttempted,
    /// Neither events nor the tenant tell.
    Unknown,
}

/// The outcome of a change on each of these sources that takes part in it.
pub fn outcomes<'a>(
    change: &Change,
    status: Option<&ChangeStatus>,
    sources: impl IntoIterator<Item = &'a Source>,
) -> BTreeMap<SourceId, SourceOutcome> {
    let outcomes = sources.into_iter().filter_map(|source| {
        let outcome = outcome(change, status, source)?;
        Some((source.id.clone(), outcome))
    });
    outcomes.collect()
}

fn outcome(
    change: &Change,
    status: Option<&ChangeStatus>,
    source: &Source,
) -> Option<SourceOutcome> {
    let state = status.map(|status| status.state);
    let takes_part = status.is_some_and(|status| status.sources.contains(&source.id));
    match change.sources.get(&source.name) {
        Some(Attempt::Changed) => Some(SourceOutcome::Changed),
        Some(Attempt::Failed { times, last }) => {
            let goes_on = state == Some(ChangeState::InProgress)
                && last.cause == FailureCause::Communication
                && *times < MOST_ATTEMPTS;
            Some(if goes_on {
                SourceOutcome::Retrying(last.clone())
            } else {
                SourceOutcome::Failed(last.clone())
            })
        }
        None if takes_part => Some(match state {
            Some(ChangeState::Finished) => SourceOutcome::Changed,
            Some(ChangeState::Failed) => SourceOutcome::NotAttempted,
            _ => SourceOutcome::Unknown,
        }),
        None => {
            let asked = change.asked_on.as_ref() == Some(&source.name);
            asked.then_some(SourceOutcome::Unknown)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;

    use super::*;
    use crate::password_changes::{ChangeEvent, ChangeStep, changes};

    fn source(name: &str) -> Source {
        Source {
            id: SourceId::parse(name).unwrap(),
            name: name.to_owned(),
            direct: Some(true),
            password: true,
            authenticates: false,
            healthy: true,
            status: String::new(),
            policies: BTreeSet::new(),
        }
    }

    fn change(events: &[(&str, ChangeStep)]) -> Change {
        let events = events
            .iter()
            .zip(1..)
            .map(|((source, step), second)| ChangeEvent {
                at: Timestamp::from_second(second).unwrap(),
                id: second.to_string(),
                change: Some("c".to_owned()),
                identity: None,
                source: Some((*source).to_owned()),
                step: step.clone(),
            });
        let [change] = changes(events).try_into().unwrap();
        change
    }

    fn failed(why: &str) -> ChangeStep {
        ChangeStep::Failed(why.to_owned())
    }

    fn status(state: ChangeState, sources: &[&str]) -> ChangeStatus {
        let sources = sources.iter().map(|id| SourceId::parse(id).unwrap());
        ChangeStatus {
            state,
            sources: sources.collect(),
            errors: Vec::new(),
        }
    }

    fn of(change: &Change, status: Option<&ChangeStatus>, name: &str) -> Option<SourceOutcome> {
        outcomes(change, status, &[source(name)])
            .into_values()
            .next()
    }

    #[test]
    fn a_source_that_cannot_be_reached_is_tried_again_until_the_last_attempt() {
        let attempts = |times| change(&vec![("AD", failed("timed out")); times]);
        let goes_on = status(ChangeState::InProgress, &["AD"]);
        let is_retrying = |times| {
            let outcome = of(&attempts(times), Some(&goes_on), "AD");
            matches!(outcome, Some(SourceOutcome::Retrying(_)))
        };
        assert!(is_retrying(1) && is_retrying(6) && !is_retrying(7));
        let ended = status(ChangeState::Failed, &["AD"]);
        for known in [None, Some(&ended)] {
            let outcome = of(&attempts(1), known, "AD");
            assert!(
                matches!(outcome, Some(SourceOutcome::Failed(_))),
                "{known:?}"
            );
        }
        let refused = change(&[("AD", failed("policy"))]);
        let outcome = of(&refused, Some(&goes_on), "AD");
        assert!(
            matches!(outcome, Some(SourceOutcome::Failed(_))),
            "{outcome:?}"
        );
    }

    #[test]
    fn a_source_without_an_event_is_judged_by_the_state_of_the_change() {
        let change = change(&[("AD", failed("timed out"))]);
        for (state, outcome) in [
            (ChangeState::Failed, SourceOutcome::NotAttempted),
            (ChangeState::Finished, SourceOutcome::Changed),
            (ChangeState::InProgress, SourceOutcome::Unknown),
            (ChangeState::Unknown, SourceOutcome::Unknown),
        ] {
            let status = status(state, &["AD", "SAP"]);
            assert_eq!(of(&change, Some(&status), "SAP"), Some(outcome));
            assert_eq!(
                of(&change, Some(&status), "Workday"),
                None,
                "no account there"
            );
        }
        assert_eq!(of(&change, None, "SAP"), None);
        let asked = self::change(&[("AD", ChangeStep::Started)]);
        assert_eq!(of(&asked, None, "AD"), Some(SourceOutcome::Unknown));
    }
}
