//! What a decision is made from, and what it can be.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use psg_domain::{
    Desired, Drift, Group, GroupId, HandBack, Holder, Intent, Origin, Picture, Recorded, SourceId,
    TenantKey, Update, desired::ManagementPolicy, time,
};

use crate::{
    brake::Brake,
    claims::ClaimIndex,
    engine::Engine,
    reason::{Finding, Reason},
    refused::Basis,
    resolve::Unresolved,
};

/// One resource and everything that may influence it.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The resource itself.
    pub object: Object,
    /// What its manifest wants; an error if the stored manifest cannot be read.
    pub desired: Result<Desired, String>,
    /// What its status remembers.
    pub recorded: Recorded,
    /// Its tenant.
    pub tenant: TenantView,
    /// What was read of that tenant.
    pub picture: &'a Picture,
    /// Who owns what, over all resources.
    pub claims: &'a ClaimIndex,
    /// What this process remembers of the resource.
    pub engine: Engine,
    /// The periods of the protocols.
    pub timers: Timers,
    /// How long to wait before something that just failed is tried again.
    pub backoff: Duration,
}

/// The resource's metadata.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    /// Its UID: what a claim belongs to.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The generation of its spec.
    pub generation: i64,
    /// It is being deleted.
    pub deleting: bool,
    /// It holds our finalizer.
    pub finalizer: bool,
    /// Nothing is written to the tenant until then.
    pub paused_until: Option<Timestamp>,
    /// The pause as it is written, if that is no time: it holds all the same.
    pub unreadable_pause: Option<String>,
    /// The annotation that asks for a reconcile.
    pub reconcile_at: Option<String>,
}

impl Object {
    /// A resource that was just made, and of which nobody asks anything by an annotation.
    pub fn new(uid: String, namespace: String, name: String) -> Self {
        Self {
            uid,
            namespace,
            name,
            generation: 1,
            deleting: false,
            finalizer: false,
            paused_until: None,
            unreadable_pause: None,
            reconcile_at: None,
        }
    }

    /// Whether nothing is written to the tenant now.
    pub fn is_paused(&self, now: Timestamp) -> bool {
        self.unreadable_pause.is_some() || self.paused_until.is_some_and(|until| until > now)
    }
}

/// The tenant of a resource, as far as decisions depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantView {
    /// Whether it can be worked with.
    pub state: TenantState,
    /// Who it is, by its own word.
    pub key: Option<TenantKey>,
    /// How often it is read.
    pub interval: Duration,
    /// Changes whenever its credentials do.
    pub credentials: String,
    /// How many managed groups the last read lacked, out of how many, if that is too many.
    pub vanished: Option<(usize, usize)>,
    /// Until when a person allowed what the brake holds back.
    pub acknowledged_until: Option<Timestamp>,
    /// How many of its groups may go at once.
    pub brake: Brake,
    /// Whether its resource stays until no group needs it.
    pub in_use: InUse,
}

impl TenantView {
    /// Whether a person allows now what a brake holds back.
    pub(crate) fn is_acknowledged(&self, now: Timestamp) -> bool {
        self.acknowledged_until.is_some_and(|until| until > now)
    }
}

/// Whether a tenant can be worked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantState {
    /// It was read.
    Ready,
    /// Its first read is not done.
    Pending,
    /// Something must be mended by a person first.
    Blocked(Finding),
    /// It has not answered for five intervals.
    Unreachable(Finding),
    /// Its Secret or its own resource is gone. What is still held of it serves deletions alone:
    /// in a namespace that is being deleted nobody can put back what went first.
    Withdrawn(Finding),
}

/// Whether an IdentityTenant is kept by the finalizer `passwordsync.dev/in-use`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InUse {
    /// It could be gone at any moment: no group is begun.
    #[default]
    No,
    /// It stays until no group needs it.
    Held,
    /// It is being deleted: it stays for the groups that need it, and takes no more.
    Ending,
}

/// The periods of the protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// After a create whose answer was lost, how long it may still take effect.
    pub settle: Duration,
    /// How far apart the two walks must begin that prove that it did not.
    pub confirm_gap: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(30),
            confirm_gap: Duration::from_secs(10),
        }
    }
}

/// What this process sent for one resource, which a crash forgets: it spaces out repeats, tells our
/// own work from the service's, and says from when on a read shows a change. Kept exactly as long as
/// the record in the status that it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sent {
    /// When the intent was stored whose POST this process sent: of another one it knows nothing.
    pub posted: Option<Timestamp>,
    /// That POST was certainly not applied; not before the moment given again.
    pub not_made: Option<Setback>,
    /// When that POST was given up without an answer.
    pub unanswered_at: Option<Timestamp>,
    /// Why the last POST had no answer that tells what it did.
    pub unanswered_why: Option<String>,
    /// How many POSTs had none since the record was new.
    pub unanswered: u32,
    /// The PUTs of the open update, or that there was none yet; nothing is known of those of an update
    /// that another process recorded, until [`Sent::follow`] takes it in.
    pub puts: Option<Puts>,
    /// When the last DELETE was answered.
    pub deleted_at: Option<Timestamp>,
    /// Sources whose policy we assigned, and when that was answered.
    pub assigned: BTreeMap<SourceId, Timestamp>,
    /// Sources that could not be read or written. Such a failure is no setback of the whole
    /// pass: its outcome is [`Outcome::Done`], so that the other sources go on.
    pub blocked: BTreeMap<SourceId, Setback>,
}

/// When the PUTs of an open update ended, if any was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Puts {
    /// When the record was stored that this process knows of: of another one it knows nothing.
    pub of: Timestamp,
    /// When the last one was answered.
    pub answered_at: Option<Timestamp>,
    /// The same of one that sent just what is recorded now.
    pub taken_at: Option<Timestamp>,
    /// When the last one was given up without an answer; of an update that another process sent,
    /// when this one saw it first.
    pub unanswered_at: Option<Timestamp>,
    /// How many answers to one that sent just what is recorded now showed something else.
    pub otherwise: u32,
}

impl Puts {
    /// Whether one may have taken effect.
    pub fn was_sent(self) -> bool {
        self.answered_at.is_some() || self.unanswered_at.is_some()
    }

    /// One was answered.
    pub fn answered(&mut self, at: Timestamp) {
        (self.answered_at, self.taken_at) = (Some(at), Some(at));
    }
}

impl Sent {
    /// Forgets what belongs to no record any more, and takes in what another process recorded: if
    /// that process sent something, it did so before `now`, whatever its clock says.
    pub fn follow(&mut self, recorded: &Recorded, now: Timestamp) {
        match &recorded.intent {
            None => {
                (self.posted, self.not_made, self.unanswered_at) = (None, None, None);
                (self.unanswered_why, self.unanswered) = (None, 0);
            }
            Some(intent) if self.posted != Some(intent.started_at) => {
                self.unanswered_at.get_or_insert(now);
            }
            Some(_) => {}
        }
        self.puts = recorded.update.as_ref().map(|update| match self.puts {
            Some(known) if known.of == update.started_at => known,
            known => Puts {
                of: update.started_at,
                unanswered_at: Some(now),
                taken_at: None,
                otherwise: 0,
                ..known.unwrap_or_default()
            },
        });
        if recorded.deletion.is_none() {
            self.deleted_at = None;
        }
        let undone = recorded.deletion.iter().flat_map(|it| &it.sources);
        let open = |source: &SourceId| {
            let mut all = undone.clone().chain(&recorded.leaving);
            all.any(|one| one.source == *source && one.result.is_none())
        };
        self.assigned.retain(|source, _| open(source));
        self.blocked.retain(|_, setback| setback.until > now);
    }

    /// What a record that was just stored makes of it.
    pub fn recorded(&mut self, memory: &Memory) {
        match memory {
            Memory::Intent(_) => (self.not_made, self.unanswered_at) = (None, None),
            Memory::Update(update, _) => {
                let puts = self.puts.get_or_insert_default();
                (puts.of, puts.taken_at, puts.otherwise) = (update.started_at, None, 0);
            }
            Memory::Deletion(_) => self.assigned.clear(),
            Memory::Group(_, Origin::Created) => *self = Self::default(),
            _ => {}
        }
    }

    /// Whether something was sent whose effect is still waited for: repeats are spaced out.
    pub fn is_unconfirmed(&self) -> bool {
        let rest = Self {
            puts: None,
            ..self.clone()
        };
        rest != Self::default()
    }
}

/// Something did not go through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Setback {
    /// Not to be tried again before.
    pub until: Timestamp,
    /// Why.
    pub why: Finding,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The status was stored.
    Recorded(Remembered),
    /// The tenant made this group.
    Made(Group),
    /// It was done, or read: look again.
    Done,
    /// The tenant refused what was decided on this, and repeating it cannot help.
    Refused(Basis, String),
    /// It was certainly not done.
    NotMade(Setback),
    /// It may have been done.
    Unknown(Setback),
}

/// Which memory a record stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are those of `Memory`
pub enum Remembered {
    Intent,
    Refused,
    Contested,
    Group,
    Update,
    Deletion,
    HandedBack,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Carry out one step and ask again.
    Do(Step),
    /// What is known is too old: read it again, by a read that begins at `newer_than` or later.
    Refresh {
        /// What to read.
        what: What,
        /// The earliest moment at which the read may begin.
        newer_than: Timestamp,
    },
    /// Nothing until then.
    Wait {
        /// When to ask again at the latest.
        until: Timestamp,
        /// What is waited for.
        why: Finding,
    },
    /// Nothing until the manifest, the tenant or another resource changes.
    Stalled(Finding),
    /// Everything is as wanted.
    Settled,
}

/// What a refresh reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// All groups, by complete pages.
    Groups,
    /// One group, by id.
    Group(GroupId),
    /// The policy holders of these sources.
    Holders(Vec<SourceId>),
}

/// One side effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put our finalizer on the resource.
    HoldFinalizer,
    /// Store this in the resource's status.
    Record(Memory),
    /// Send the one POST of this intent.
    CreateGroup(Intent),
    /// Replace the tenant's group by this.
    UpdateGroup {
        /// The whole group.
        group: Group,
        /// What differs, for the event.
        changes: Vec<Drift>,
        /// Whose change it carries out.
        cause: WriteCause,
    },
    /// Delete the tenant's group.
    DeleteGroup(GroupId),
    /// Replace a source's holders by these.
    AssignPolicy {
        /// The source.
        source: SourceId,
        /// All its holders: exceptions as they were, and one policy for everybody.
        holders: Vec<Holder>,
    },
    /// Take our finalizer off.
    ReleaseFinalizer(Farewell),
}

/// Why a group is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteCause {
    /// The manifest changed.
    Edit,
    /// The tenant was changed behind our back.
    Drift,
}

/// What is said when a resource is let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// What became of the group.
    pub kind: FarewellKind,
    /// The tenant's group, if there ever was one.
    pub group: Option<GroupId>,
    /// What became of each source.
    pub sources: Vec<HandBack>,
}

/// What became of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FarewellKind {
    /// There never was one.
    NothingMade,
    /// It was deleted, and every source has its policy.
    Deleted,
    /// It was left in the tenant on request.
    Orphaned,
    /// It is only looked at from now on.
    Observed,
}

/// What a record stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// A create is about to be sent.
    Intent(Intent),
    /// The tenant refused what a manifest wanted.
    Refused(psg_domain::Refused),
    /// Another tool undoes every repair.
    Contested(psg_domain::Contested),
    /// This group is ours.
    Group(Group, Origin),
    /// A change is about to be sent, and these sources leave by it, or may have left.
    Update(Update, Vec<HandBack>),
    /// This is about to be undone.
    Deletion(psg_domain::Deletion),
    /// How far the undoing has come.
    HandedBack(Vec<HandBack>),
}

impl Memory {
    /// Its kind.
    pub fn kind(&self) -> Remembered {
        match self {
            Self::Intent(_) => Remembered::Intent,
            Self::Refused(_) => Remembered::Refused,
            Self::Contested(_) => Remembered::Contested,
            Self::Group(..) => Remembered::Group,
            Self::Update(..) => Remembered::Update,
            Self::Deletion(_) => Remembered::Deletion,
            Self::HandedBack(_) => Remembered::HandedBack,
        }
    }
}

impl Case<'_> {
    /// The case as it stands once `memory` is stored.
    #[must_use]
    pub fn with(&self, memory: &Memory) -> Self {
        let mut case = self.clone();
        case.engine.recorded(memory);
        let recorded = &mut case.recorded;
        match memory {
            Memory::Intent(intent) => {
                crate::sync::leave_behind(recorded, None, self);
                recorded.group = None;
                recorded.origin = None;
                recorded.tenant.clone_from(&self.tenant.key);
                recorded.intent = Some(intent.clone());
                if let Ok(resolved) = self.resolve() {
                    recorded.policy = Some(resolved.policy);
                    recorded.sources = resolved.sources;
                }
            }
            Memory::Refused(refused) => {
                recorded.intent = None;
                recorded.refused = Some(refused.clone());
            }
            Memory::Contested(contested) => {
                recorded.contested = Some(contested.clone());
            }
            Memory::Group(group, origin) => {
                crate::sync::leave_behind(recorded, Some(group), self);
                recorded.intent = None;
                recorded.refused = None;
                recorded.group = Some(group.id.clone());
                recorded.origin = Some(*origin);
                recorded.tenant.clone_from(&self.tenant.key);
                crate::sync::pin_group(recorded, group, self);
            }
            Memory::Update(update, leaving) => {
                recorded.update = Some(update.clone());
                recorded.leaving.clone_from(leaving);
            }
            Memory::Deletion(deletion) => {
                recorded.leaving.clear();
                recorded.update = None;
                recorded.deletion = Some(deletion.clone());
            }
            Memory::HandedBack(sources) => match &mut recorded.deletion {
                Some(deletion) => deletion.sources.clone_from(sources),
                None => recorded.leaving.clone_from(sources),
            },
        }
        case
    }

    /// The references of the manifest, looked up.
    pub(crate) fn resolve(&self) -> Result<crate::Resolved, Vec<Unresolved>> {
        match &self.desired {
            Ok(desired) => crate::resolve(desired, &self.recorded, self.picture),
            Err(why) => {
                let finding = Finding::new(Reason::InvalidSpec, why.clone());
                Err(vec![Unresolved::Wrong(finding)])
            }
        }
    }

    pub(crate) fn is_paused(&self, now: Timestamp) -> bool {
        self.object.is_paused(now)
    }

    /// What a paused resource says.
    pub(crate) fn pause(&self, now: Timestamp) -> (Timestamp, String) {
        let until = self.object.paused_until.unwrap_or(now);
        match &self.object.unreadable_pause {
            None => (
                until,
                format!("nothing is written to the tenant until {until}"),
            ),
            Some(written) => (
                Timestamp::MAX,
                format!(
                    "nothing is written to the tenant: the annotation passwordsync.dev/paused-until is \
                     \"{written}\", which is no time that can be read; give one such as \
                     2027-01-31T18:00:00Z, or remove it"
                ),
            ),
        }
    }

    pub(crate) fn observes(&self) -> bool {
        self.desired
            .as_ref()
            .is_ok_and(|d| d.management == ManagementPolicy::Observe)
    }

    /// Whether there is anything that a deletion would have to look for in the tenant.
    pub(crate) fn may_have_made(&self) -> bool {
        let recorded = &self.recorded;
        recorded.held().is_some()
            || recorded.intent.is_some()
            || recorded.deletion.is_some()
            || !recorded.leaving.is_empty()
    }

    pub(crate) fn just_recorded(&self, memory: Remembered) -> bool {
        self.engine.last == Some(Outcome::Recorded(memory))
    }
}

/// The only way to a tenant write: a pause holds it, the finalizers of the tenant and of the
/// resource come first.
pub(crate) fn write(case: &Case<'_>, now: Timestamp, step: Step) -> Move {
    if case.is_paused(now) {
        let (until, message) = case.pause(now);
        let why = Finding::new(Reason::Paused, message);
        return Move::Wait { until, why };
    }
    if let Some(wait) = not_kept(case, now) {
        return wait;
    }
    if !case.object.finalizer {
        return Move::Do(Step::HoldFinalizer);
    }
    Move::Do(step)
}

/// Nothing is begun in a tenant whose resource could be gone before it is undone. Asked again
/// once the finalizer of the resource is there: only then does the tenant's see it.
fn not_kept(case: &Case<'_>, now: Timestamp) -> Option<Move> {
    if case.may_have_made() {
        return None;
    }
    let why = match case.tenant.in_use {
        InUse::Held => return None,
        InUse::No => Finding::new(Reason::Pending, "the IdentityTenant is not held yet"),
        InUse::Ending => Finding::new(
            Reason::TenantNotFound,
            "the IdentityTenant is being deleted and takes no new group: delete this resource as \
             well, and apply both again",
        ),
    };
    let until = time::after(now, case.tenant.interval);
    Some(Move::Wait { until, why })
}

/// Ends a pass on findings: the first gives the reason, the message holds all.
pub(crate) fn stalled(findings: Vec<Finding>) -> Option<Move> {
    Finding::join(findings).map(Move::Stalled)
}
