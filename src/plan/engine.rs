//! The engine of one resource: the one place that asks [`next`] for an action, and the one place
//! that knows what a stored record, a read or a reply of the tenant means for the next one. No IO.
//!
//! A driver (the controller, the model checker, the tests) observes, asks [`Engine::decide`], carries
//! out the action, tells the engine how it ended, and asks again.

use std::time::Duration;

use jiff::Timestamp;
use psg_domain::{Changes, Desired, Group, GroupId, Picture, Recorded, SourceId, time};

use crate::{
    case::{
        Case, Memory, Move, Object, Outcome, Sent, Setback, Step, TenantView, Timers, WriteCause,
    },
    claims::ClaimIndex,
    contested::Repairs,
    next::next,
    refused::{self, Basis},
    update,
    verdict::{Report, verdict},
};

/// What a driver sees of one resource, and of everything that may influence it.
#[derive(Clone, Debug)]
pub struct Observation<'a> {
    /// The resource itself.
    pub object: Object,
    /// What its manifest wants; an error if the stored manifest cannot be read.
    pub desired: Result<Desired, String>,
    /// What its status records.
    pub recorded: Recorded,
    /// Its tenant.
    pub tenant: TenantView,
    /// What was read of that tenant.
    pub picture: &'a Picture,
    /// Who owns what, over all resources.
    pub claims: &'a ClaimIndex,
    /// The periods of the protocols.
    pub timers: Timers,
    /// How long to wait before something that just failed is tried again.
    pub backoff: Duration,
}

/// What to do, and what the status says once it is stored or at the end of a pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What to do.
    pub next: Move,
    /// The status to store: with the record that `next` asks for, or at the end of a pass.
    pub report: Option<Report>,
    /// When to look again at the latest, even if nothing changes.
    pub wake: Option<Timestamp>,
    /// What a write of the group is decided on: its refusal is about that.
    pub basis: Option<Basis>,
}

/// What one process remembers of one resource between two decisions. Losing it is safe: it spaces
/// out repeats, saves reads, and holds the group of a create whose record was not stored yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Engine {
    /// How the last action ended.
    pub(crate) last: Option<Outcome>,
    /// What was sent and is not confirmed.
    pub(crate) sent: Sent,
    /// What was repaired lately.
    pub(crate) repairs: Repairs,
}

/// How the tenant replied to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was done. The group as the tenant shows it, if the answer holds one.
    Done(Option<Group>),
    /// There is no such group or source. Nothing was done.
    NotFound(Setback),
    /// The tenant refused it, and repeating it as it is cannot help. Nothing was done.
    Refused(Setback),
    /// Nothing was done, and it may be repeated.
    NotMade(Setback),
    /// It may have been done, now or later.
    Unknown(Setback),
}

/// What a reply shows of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Learned {
    /// Our write made the group this. Reads that begin before the moment given may not show it yet.
    Wrote(Group, Timestamp),
    /// There is no such group.
    NoGroup(GroupId),
    /// What was known of this group no longer holds: only a read by id tells.
    InDoubt(GroupId),
    /// The tenant knows no such source.
    NoSource(SourceId),
}

impl Learned {
    /// Merges it into what was read, as of `at`.
    pub fn merge(self, picture: &mut Picture, at: Timestamp) -> Changes {
        match self {
            Self::Wrote(group, shown_from) => picture.merge_written(at, group, shown_from),
            Self::NoGroup(id) => picture.merge_refuted(at, &id),
            Self::InDoubt(id) => {
                picture.doubt(&id, at);
                Changes::default()
            }
            Self::NoSource(source) => {
                picture.merge_holders(at, source, None);
                Changes::default()
            }
        }
    }
}

impl Step {
    /// Whether the resource must have been read or written live since the pass began: the watch may
    /// show a new finalizer with an old status.
    pub fn needs_live_resource(&self) -> bool {
        !matches!(self, Self::HoldFinalizer | Self::Record(_))
    }
}

/// Deciding.
impl Engine {
    /// Forgets what the stored records no longer stand for, and takes in what another process
    /// recorded.
    pub fn follow(&mut self, recorded: &Recorded, now: Timestamp) {
        self.sent.follow(recorded, now);
    }

    /// What to do now. What is observed was followed before.
    pub fn decide(&self, seen: Observation<'_>, now: Timestamp) -> Decision {
        let Observation {
            object,
            desired,
            recorded,
            tenant,
            picture,
            claims,
            timers,
            backoff,
        } = seen;
        let case = Case {
            object,
            desired,
            recorded,
            tenant,
            picture,
            claims,
            engine: self.clone(),
            timers,
            backoff,
        };
        let next = next(&case, now);
        let report = match &next {
            Move::Do(Step::Record(memory)) => {
                let after = case.with(memory);
                let then = crate::next::next(&after, now);
                let said = verdict(&after, &then, now);
                Some(said.unwrap_or(Report {
                    recorded: after.recorded,
                    conditions: Vec::new(),
                }))
            }
            Move::Do(_) | Move::Refresh { .. } => None,
            ended => verdict(&case, ended, now),
        };
        let writes = matches!(
            next,
            Move::Do(Step::CreateGroup(_) | Step::UpdateGroup { .. })
        );
        Decision {
            wake: wake(&case, &next, report.as_ref(), now),
            basis: writes.then(|| case.basis()),
            next,
            report,
        }
    }

    /// Whether a group was made whose id is not stored yet.
    pub fn holds_a_made_group(&self) -> bool {
        matches!(self.last, Some(Outcome::Made(_)))
    }

    /// Whether the last action did not go through.
    pub fn failed(&self) -> bool {
        matches!(self.last, Some(Outcome::NotMade(_) | Outcome::Unknown(_)))
    }

    /// Whether something was sent whose effect is still waited for.
    pub fn is_unconfirmed(&self) -> bool {
        self.sent.is_unconfirmed()
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
        self.sent.recorded(memory);
        if matches!(memory, Memory::Contested(_)) {
            self.repairs = Repairs::default();
        }
    }

    /// Our finalizer was put on the resource, or taken off.
    pub fn finalized(&mut self) {
        self.last = Some(Outcome::Done);
    }

    /// The read that was asked for was merged. A group that was made is still to be stored.
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
        self.sent.blocked.insert(source, setback);
    }

    /// What could not be read or written of single sources is tried again at once.
    pub fn retry_sources(&mut self) {
        self.sent.blocked.clear();
    }

    /// The tenant replied to a write at `at`; returns what that shows of the tenant.
    pub fn replied(
        &mut self,
        step: &Step,
        reply: Reply,
        basis: &Basis,
        at: Timestamp,
        timers: Timers,
    ) -> Option<Learned> {
        let shown_from = time::after(at, timers.settle);
        match step {
            Step::CreateGroup(intent) => {
                self.sent.posted = Some(intent.started_at);
                self.created(reply, basis, at, shown_from)
            }
            Step::UpdateGroup {
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
            Step::DeleteGroup(id) => self.deleted(id, reply, at),
            Step::AssignPolicy { source, .. } => self.assigned(source, reply, at),
            Step::HoldFinalizer | Step::Record(_) | Step::ReleaseFinalizer(_) => None,
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
                self.sent.not_made = Some(setback.clone());
                Outcome::NotMade(setback)
            }
            Reply::Unknown(setback) => {
                self.sent.unanswered_at = Some(at);
                self.sent.unanswered_why = Some(setback.why.message.clone());
                self.sent.unanswered += 1;
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
                let puts = self.sent.puts.get_or_insert_default();
                puts.answered(at);
                puts.otherwise += u32::from(answer != *sent);
                (Outcome::Done, Some(Learned::Wrote(answer, shown_from)))
            }
            // A read may lag and still show it: asked again at once, this would not end.
            Reply::NotFound(_) => (Outcome::Done, Some(Learned::NoGroup(sent.id.clone()))),
            Reply::Refused(setback) => (Outcome::Refused(basis.clone(), setback.why.message), None),
            Reply::NotMade(setback) => (Outcome::NotMade(setback), None),
            Reply::Unknown(setback) => {
                self.sent.puts.get_or_insert_default().unanswered_at = Some(at);
                let learned = Learned::InDoubt(sent.id.clone());
                (Outcome::Unknown(setback), Some(learned))
            }
        };
        self.last = Some(outcome);
        learned
    }

    /// Whatever is answered, only a read by id proves that a group is gone.
    fn deleted(&mut self, id: &GroupId, reply: Reply, at: Timestamp) -> Option<Learned> {
        let in_doubt = Some(Learned::InDoubt(id.clone()));
        let (outcome, learned) = match reply {
            Reply::Done(_) | Reply::NotFound(_) => {
                self.sent.deleted_at = Some(at);
                (Outcome::Done, in_doubt)
            }
            // Not answered: a group that does not show by then may be one that does not show yet.
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
                self.sent.assigned.insert(source.clone(), at);
            }
            Reply::NotFound(_) => return Some(Learned::NoSource(source.clone())),
            Reply::Unknown(setback) => {
                // It may have been done: it is read before it is sent again.
                self.sent.assigned.insert(source.clone(), at);
                self.source_failed(source.clone(), setback);
            }
            Reply::Refused(setback) | Reply::NotMade(setback) => {
                self.source_failed(source.clone(), setback);
            }
        }
        None
    }

    /// A pass ended, or decides anew on another version of the resource: how the last action ended
    /// says nothing any more, unless it made a group that is still to be stored.
    pub fn forget_outcome(&mut self) {
        if !self.holds_a_made_group() {
            self.last = None;
        }
    }
}

/// When something may be different although nothing that is watched or read changes.
fn wake(
    case: &Case<'_>,
    next: &Move,
    report: Option<&Report>,
    now: Timestamp,
) -> Option<Timestamp> {
    let paused = case.object.paused_until.filter(|until| *until > now);
    // What the sources show of a group is judged only then, and a read that shows the same as before
    // wakes nobody.
    let held = case.recorded.held();
    let unseen = *next == Move::Settled && held.is_some_and(|id| !case.picture.facts_follow(id));
    let read = unseen.then(|| time::after(now, case.tenant.interval));
    let after = report.map(|report| &report.recorded);
    // The record of a change is closed by the first read that shows it.
    let shown = after.and_then(|after| update::next_look(case, after, now));
    let refused = after.and_then(|after| after.refused.as_ref());
    let again = refused.and_then(|refused| refused::next_try(case, refused, now));
    let moments = [paused, read, shown, again];
    moments.into_iter().flatten().min()
}
