//! What happened at least once on the way: a checker that never gets there proves nothing about it.
//! Counted on transitions, since marks in the state would multiply it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{Finding, Reason};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A create whose answer nobody has was found, and is ours.
    AmbiguousCreateIsOurs,
    /// ... by a process that did not send it.
    TakenOverByAnother,
    /// Two walks proved that a create had no effect, and it was announced again.
    SecondAttemptAfterProof,
    ConflictOfTwoLeaders,
    Adopted,
    Deleted,
    Orphaned,
    /// A read did not show our last change, or what it had become.
    HiddenChange,
    /// A reassignment left a source as it is.
    SourceSkipped,
    /// A name or a source belongs to another resource.
    BlockedByAnother,
    /// The name is taken by a group that nobody manages.
    BlockedByAGroup,
    CreateAmbiguous,
    /// ... since there are two groups of exactly the content that was sent.
    Duplicate,
    /// A group that somebody else made in the moment of a lost answer was taken for ours.
    TwinTakenForOurs,
}

#[derive(Default)]
pub struct Coverage(Mutex<BTreeMap<Event, u64>>);

impl Coverage {
    pub fn saw(&self, event: Event) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seen.entry(event).or_default() += 1;
    }

    pub fn stalled(&self, why: &Finding) {
        match why.reason {
            Reason::OwnedByAnother => self.saw(Event::BlockedByAnother),
            Reason::GroupExists | Reason::SourceInAnotherGroup => self.saw(Event::BlockedByAGroup),
            Reason::CreateAmbiguous => self.saw(Event::CreateAmbiguous),
            _ => {}
        }
    }

    pub fn seen(&self) -> BTreeMap<Event, u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
