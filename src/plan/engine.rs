//! The engine of one resource: what one process remembers of it, and the one place that knows what
//! a stored record, a read or a reply of the tenant means for the next decision. No IO.
//!
//! A driver (the controller, the model checker, the tests) observes, asks [`Engine::decide`], carries
//! out the action, tells the engine how it ended, and asks again.

use jiff::Timestamp;
use psg_domain::{Group, GroupId, Recorded, SourceId, time};

use crate::{
    action::{Action, Memory, WriteCause},
    expectations::Expectations,
    observed::Timers,
    outcome::{Basis, Learned, Outcome, Reply, Setback},
    repairs::Repairs,
};

/// What one process remembers of one resource between two decisions. Losing it is safe: it spaces
/// out repeats, saves reads, and holds the group of a create whose record was not stored yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Engine {
    /// How the last action ended.
    pub(crate) last: Option<Outcome>,
    /// What was sent and is not confirmed.
    pub(crate) expectations: Expectations,
    /// What was repaired lately.
    pub(crate) repairs: Repairs,
}

/// Deciding.
impl Engine {
    /// Forgets the expectations whose record is no longer stored, and takes in what another process
    /// recorded.
    pub fn follow(&mut self, recorded: &Recorded, now: Timestamp) {
        self.expectations.follow(recorded, now);
    }

    /// Whether a group was made whose id is not stored yet.
    pub fn holds_a_made_group(&self) -> bool {
        matches!(self.last, Some(Outcome::Made(_)))
    }

    /// Whether the last action or read failed, or its effect is unknown.
    pub fn failed(&self) -> bool {
        matches!(self.last, Some(Outcome::NotMade(_) | Outcome::Unknown(_)))
    }

    /// Whether something was sent whose effect is still waited for.
    pub fn is_unconfirmed(&self) -> bool {
        self.expectations.is_unconfirmed()
    }

    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Being told how an action ended.
impl Engine {
    /// The status was stored with this record.
    pub fn recorded(&mut self, memory: &Memory) {
        self.last = Some(Outcome::Recorded(memory.kind()));
        self.expectations.recorded(memory);
        if matches!(memory, Memory::Contested(_)) {
            self.repairs = Repairs::default();
        }
    }

    /// Our finalizer was put on the resource, or taken off.
    pub fn finalized(&mut self) {
        self.last = Some(Outcome::Done);
    }

    /// The read that was asked for was merged. A made group stays remembered until its id is
    /// stored.
    pub fn read(&mut self) {
        if !self.holds_a_made_group() {
            self.last = Some(Outcome::Done);
        }
    }

    /// The read that was asked for failed.
    pub fn read_failed(&mut self, setback: Setback) {
        if !self.holds_a_made_group() {
            self.last = Some(Outcome::NotMade(setback));
        }
    }

    /// The policies of one source could not be read. The other sources go on.
    pub fn source_failed(&mut self, source: SourceId, setback: Setback) {
        self.expectations.blocked.insert(source, setback);
    }

    /// Lets sources that could not be read or written be tried again at once.
    pub fn retry_sources(&mut self) {
        self.expectations.blocked.clear();
    }

    /// The tenant replied to a write at `at`; returns what that shows of the tenant.
    pub fn replied(
        &mut self,
        action: &Action,
        reply: Reply,
        basis: &Basis,
        at: Timestamp,
        timers: Timers,
    ) -> Option<Learned> {
        let shown_from = time::after(at, timers.settle);
        match action {
            Action::CreateGroup(intent) => {
                self.expectations.posted = Some(intent.started_at);
                self.created(reply, basis, at, shown_from)
            }
            Action::UpdateGroup {
                group,
                changes,
                cause,
            } => {
                let learned = self.updated(group, reply, basis, at, shown_from);
                let answered = matches!(learned, Some(Learned::Wrote(..)));
                if answered && *cause == WriteCause::Drift {
                    self.repairs.count(changes, at);
                }
                learned
            }
            Action::DeleteGroup(id) => self.deleted(id, reply, at),
            Action::AssignPolicy { source, .. } => self.assigned(source, reply, at),
            Action::HoldFinalizer | Action::Record(_) | Action::ReleaseFinalizer(_) => None,
        }
    }

    fn created(
        &mut self,
        reply: Reply,
        basis: &Basis,
        at: Timestamp,
        shown_from: Timestamp,
    ) -> Option<Learned> {
        let mut learned = None;
        self.last = Some(match reply {
            Reply::Done(Some(group)) => {
                learned = Some(Learned::Wrote(group.clone(), shown_from));
                Outcome::Made(group)
            }
            Reply::Done(None) => Outcome::Done,
            Reply::NotFound(setback) | Reply::Refused(setback) => {
                Outcome::Refused(basis.clone(), setback.why.message)
            }
            Reply::NotMade(setback) => {
                self.expectations.not_made = Some(setback.clone());
                Outcome::NotMade(setback)
            }
            Reply::Unknown(setback) => {
                self.expectations.unanswered_at = Some(at);
                self.expectations.unanswered_why = Some(setback.why.message.clone());
                self.expectations.unanswered += 1;
                Outcome::Unknown(setback)
            }
        });
        learned
    }

    fn updated(
        &mut self,
        sent: &Group,
        reply: Reply,
        basis: &Basis,
        at: Timestamp,
        shown_from: Timestamp,
    ) -> Option<Learned> {
        let (outcome, learned) = match reply {
            Reply::Done(answer) => {
                let answer = answer.unwrap_or_else(|| sent.clone());
                let puts = self.expectations.puts.get_or_insert_default();
                puts.answered(at);
                puts.otherwise += u32::from(answer != *sent);
                (Outcome::Done, Some(Learned::Wrote(answer, shown_from)))
            }
            // No read by id is asked for: if it lags, it shows the group, and the PUT is repeated
            // without end.
            Reply::NotFound(_) => (Outcome::Done, Some(Learned::NoGroup(sent.id.clone()))),
            Reply::Refused(setback) => (Outcome::Refused(basis.clone(), setback.why.message), None),
            Reply::NotMade(setback) => (Outcome::NotMade(setback), None),
            Reply::Unknown(setback) => {
                self.expectations.puts.get_or_insert_default().unanswered_at = Some(at);
                let learned = Learned::InDoubt(sent.id.clone());
                (Outcome::Unknown(setback), Some(learned))
            }
        };
        self.last = Some(outcome);
        learned
    }

    /// No answer to a DELETE proves that a group is gone: only a read by id does.
    fn deleted(&mut self, id: &GroupId, reply: Reply, at: Timestamp) -> Option<Learned> {
        let in_doubt = Some(Learned::InDoubt(id.clone()));
        let (outcome, learned) = match reply {
            Reply::Done(_) | Reply::NotFound(_) => {
                self.expectations.deleted_at = Some(at);
                (Outcome::Done, in_doubt)
            }
            // No answer, so no `deleted_at`: a group that a read does not find may only not show
            // yet.
            Reply::Unknown(setback) => (Outcome::Unknown(setback), in_doubt),
            Reply::Refused(setback) | Reply::NotMade(setback) => (Outcome::NotMade(setback), None),
        };
        self.last = Some(outcome);
        learned
    }

    fn assigned(&mut self, source: &SourceId, reply: Reply, at: Timestamp) -> Option<Learned> {
        self.last = Some(Outcome::Done);
        match reply {
            Reply::Done(_) => {
                self.expectations.assigned.insert(source.clone(), at);
            }
            Reply::NotFound(_) => return Some(Learned::NoSource(source.clone())),
            Reply::Unknown(setback) => {
                // The policy may be assigned: the source is read before it is sent again.
                self.expectations.assigned.insert(source.clone(), at);
                self.source_failed(source.clone(), setback);
            }
            Reply::Refused(setback) | Reply::NotMade(setback) => {
                self.source_failed(source.clone(), setback);
            }
        }
        None
    }

    /// A pass ended, or decides anew on another version of the resource: the outcome of the last
    /// action no longer counts, unless it made a group that is still to be stored.
    pub fn forget_outcome(&mut self) {
        if !self.holds_a_made_group() {
            self.last = None;
        }
    }
}
