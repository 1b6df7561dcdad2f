//! What the operator would do, without doing it: its engine over manifests and a copy of what was
//! read of their tenant, with predicted replies. No IO.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use psg_domain::{
    Desired, Drift, Group, GroupId, Holder, Origin, Picture, PolicyId, Recorded, SourceId,
    facts::default_policy, time,
};

use crate::{
    brake::Going,
    case::{Memory, Move, Object, Step, TenantView, Timers, What},
    claims::{ClaimIndex, Claimant},
    engine::{Decision, Engine, Observation, Reply},
    predict::Tenant,
    reason::{Finding, Reason},
};

/// The most actions of one resource in one turn, and the most turns of all: more is a defect.
const MOST_MOVES: usize = 2_000;
const MOST_TURNS: usize = 100;
/// How often one resource may wait in one turn, and how long: what takes longer is not foreseen.
const MOST_WAITS: usize = 20;
const FORESEEN: Duration = Duration::from_mins(10);

/// One resource as it would be stored.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The resource itself.
    pub object: Object,
    /// When it was made.
    pub created: Timestamp,
    /// Namespace and name of its IdentityTenant, with a slash between them.
    pub tenant: String,
    /// What its manifest wants; an error if it cannot be read.
    pub desired: Result<Desired, String>,
    /// What its status records.
    pub recorded: Recorded,
}

/// One change of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A group is made.
    Create(Group),
    /// A group that exists is taken over as it is.
    Adopt(Group),
    /// A group is changed, in these fields.
    Update(GroupId, Vec<Drift>),
    /// A group is deleted.
    Delete(GroupId),
    /// A source gets a policy of its own.
    Assign(SourceId, Option<PolicyId>),
}

/// How a resource would end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The tenant is as it wants.
    InSync,
    /// A rule stands in its way.
    Refused(Finding),
    /// It waits for something that this preview cannot foresee.
    Waits(Finding),
    /// It would be gone.
    Gone,
}

/// A change, and its place in the order of all changes of a preview, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The place.
    pub order: usize,
    /// The change.
    pub change: Change,
}

/// What would happen to one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Namespace and name.
    pub name: (String, String),
    /// What would be sent, in order.
    pub changes: Vec<Planned>,
    /// How it would end.
    pub ending: Ending,
    /// What its status would then record.
    pub recorded: Recorded,
}

/// What would happen to all resources of one tenant.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Each resource, in the order of uids.
    pub outlooks: Vec<Outlook>,
    /// What the tenant would then hold.
    pub after: Tenant,
    /// What a read of it would then show.
    pub picture: Picture,
    /// The moment at which all of it is done, by the clock of the preview.
    pub ended: Timestamp,
}

/// What would happen if these were all the resources of one tenant, of which this was read. `views` has
/// each IdentityTenant that leads to it, by namespace and name; a resource of another one is left out.
pub fn preview(
    subjects: Vec<Subject>,
    picture: Picture,
    views: &BTreeMap<String, TenantView>,
    now: Timestamp,
) -> Preview {
    let mut stage = Stage {
        now,
        predicted: Tenant::of(&picture),
        picture,
        views,
        claims: ClaimIndex::default(),
        planned: 0,
        actors: BTreeMap::new(),
    };
    for (name, view) in views {
        if let Some(key) = &view.key {
            stage.claims.identify(name, key);
        }
    }
    for subject in subjects {
        let actor = Actor {
            subject,
            engine: Engine::default(),
            changes: Vec::new(),
            ending: None,
        };
        stage.actors.insert(actor.subject.object.uid.clone(), actor);
    }
    for uid in stage.uids() {
        stage.claim(&uid);
    }
    stage.play();
    stage.walk();
    Preview {
        outlooks: stage.actors.into_values().map(Actor::outlook).collect(),
        after: stage.predicted,
        picture: stage.picture,
        ended: stage.now,
    }
}

struct Actor {
    subject: Subject,
    engine: Engine,
    changes: Vec<Planned>,
    ending: Option<Ending>,
}

impl Actor {
    fn outlook(self) -> Outlook {
        let object = self.subject.object;
        Outlook {
            name: (object.namespace, object.name),
            changes: self.changes,
            ending: self.ending.unwrap_or(Ending::InSync),
            recorded: self.subject.recorded,
        }
    }
}

struct Stage<'a> {
    now: Timestamp,
    predicted: Tenant,
    picture: Picture,
    views: &'a BTreeMap<String, TenantView>,
    claims: ClaimIndex,
    /// How many changes there are so far.
    planned: usize,
    actors: BTreeMap<String, Actor>,
}

impl Stage<'_> {
    fn uids(&self) -> Vec<String> {
        self.actors.keys().cloned().collect()
    }

    /// Each resource by turns, until none changes anything any more.
    fn play(&mut self) {
        for _ in 0..MOST_TURNS {
            let before = self.changes();
            for uid in self.uids() {
                self.turn(&uid);
            }
            if self.changes() == before {
                return;
            }
            // Later than anything that was sent may take to show.
            self.pass(Timers::default().settle + Duration::from_secs(1));
            self.walk();
        }
    }

    fn changes(&self) -> usize {
        self.planned
    }

    fn pass(&mut self, time: Duration) {
        self.now = time::after(self.now, time);
    }

    fn walk(&mut self) {
        self.picture.merge_groups(self.now, self.predicted.walk());
        self.pass(Duration::from_millis(1));
    }

    /// One resource goes as far as it can now.
    fn turn(&mut self, uid: &str) {
        let mut waits = 0;
        for _ in 0..MOST_MOVES {
            let Some(decision) = self.decide(uid) else {
                return;
            };
            match &decision.next {
                Move::Do(_) | Move::Refresh { .. } => self.carry_out(uid, decision),
                // What time alone brings, such as the moment from which every read shows a change.
                Move::Wait { until, why } if is_foreseen(why.reason) => {
                    waits += 1;
                    if waits > MOST_WAITS || *until > time::after(self.now, FORESEEN) {
                        return self.end(uid, decision);
                    }
                    self.now = self.now.max(*until);
                    self.walk();
                }
                _ => return self.end(uid, decision),
            }
            self.pass(Duration::from_millis(1));
        }
    }

    fn decide(&mut self, uid: &str) -> Option<Decision> {
        let now = self.now;
        let actor = self.actors.get_mut(uid)?;
        if actor.ending == Some(Ending::Gone) {
            return None;
        }
        let Subject {
            object,
            desired,
            recorded,
            tenant,
            ..
        } = actor.subject.clone();
        let tenant = self.views.get(&tenant)?.clone();
        actor.engine.follow(&recorded, now);
        let seen = Observation {
            object,
            desired,
            recorded,
            tenant,
            picture: &self.picture,
            claims: &self.claims,
            timers: Timers::default(),
            backoff: Duration::from_secs(1),
        };
        Some(actor.engine.decide(seen, now))
    }

    fn carry_out(&mut self, uid: &str, decision: Decision) {
        let Decision {
            next,
            report,
            basis,
            ..
        } = decision;
        match next {
            Move::Refresh { what, newer_than } => {
                self.now = self.now.max(newer_than);
                self.read(what);
                self.with(uid, |actor| actor.engine.read());
            }
            Move::Do(Step::HoldFinalizer) => self.with(uid, |actor| {
                actor.subject.object.finalizer = true;
                actor.engine.finalized();
            }),
            Move::Do(Step::Record(memory)) => {
                self.with(uid, |actor| {
                    if let Some(report) = report {
                        actor.subject.recorded = report.recorded;
                    }
                    actor.engine.recorded(&memory);
                });
                if let Memory::Group(group, Origin::Adopted) = memory {
                    self.plan(uid, Change::Adopt(group));
                }
                self.claim(uid);
            }
            Move::Do(Step::ReleaseFinalizer(_)) => {
                self.with(uid, |actor| {
                    actor.subject.object.finalizer = false;
                    actor.engine.finalized();
                    if actor.subject.object.deleting {
                        actor.ending = Some(Ending::Gone);
                    }
                });
                if self
                    .actors
                    .get(uid)
                    .is_some_and(|actor| actor.ending == Some(Ending::Gone))
                {
                    self.claims.remove(uid, self.now);
                }
            }
            Move::Do(step) => {
                let reply = self.predicted.reply(&step);
                let (now, basis) = (self.now, basis.unwrap_or_default());
                if let Some(change) = change(&step, &reply) {
                    self.plan(uid, change);
                }
                let Some(actor) = self.actors.get_mut(uid) else {
                    return;
                };
                let learned = actor
                    .engine
                    .replied(&step, reply, &basis, now, Timers::default());
                if let Some(learned) = learned {
                    learned.merge(&mut self.picture, now);
                }
            }
            Move::Wait { .. } | Move::Stalled(_) | Move::Settled => {}
        }
    }

    fn read(&mut self, what: What) {
        let now = self.now;
        match what {
            What::Groups => self.walk(),
            What::Group(id) => match self.predicted.group(&id) {
                Some(group) => _ = self.picture.merge_one(now, group.clone()),
                None => _ = self.picture.merge_gone(now, &id),
            },
            What::Holders(sources) => {
                for id in sources {
                    let holders = self.predicted.holders(&id).map(<[Holder]>::to_vec);
                    self.picture.merge_holders(now, id, holders);
                }
            }
        }
    }

    fn end(&mut self, uid: &str, decision: Decision) {
        let deleting = self
            .actors
            .get(uid)
            .is_some_and(|actor| actor.subject.object.deleting);
        let ending = match decision.next {
            Move::Stalled(why) => Ending::Refused(why),
            Move::Wait { why, .. } => Ending::Waits(why),
            // It held nothing.
            _ if deleting => Ending::Gone,
            _ => Ending::InSync,
        };
        self.with(uid, |actor| {
            if let Some(report) = decision.report {
                actor.subject.recorded = report.recorded;
            }
            actor.engine.forget_outcome();
            actor.ending = Some(ending);
        });
        self.claim(uid);
    }

    fn plan(&mut self, uid: &str, change: Change) {
        self.planned += 1;
        let order = self.planned;
        self.with(uid, |actor| actor.changes.push(Planned { order, change }));
    }

    fn with(&mut self, uid: &str, change: impl FnOnce(&mut Actor)) {
        if let Some(actor) = self.actors.get_mut(uid) {
            change(actor);
        }
    }

    fn claim(&mut self, uid: &str) {
        let Some(Actor { subject, .. }) = self.actors.get(uid) else {
            return;
        };
        let claimant = Claimant::of(
            &subject.object,
            subject.created,
            subject.tenant.clone(),
            subject.desired.as_ref().ok(),
            &subject.recorded,
            self.now,
        );
        let going = if subject.object.deleting {
            Going::of(subject.desired.as_ref().ok(), &subject.recorded, false)
        } else {
            Going::Not
        };
        self.claims.insert(claimant.going(going));
    }
}

/// Whether a wait ends by itself, and neither by another resource nor by a person.
fn is_foreseen(reason: Reason) -> bool {
    !matches!(reason, Reason::WaitingForSource | Reason::DeletionPaused)
}

/// What a step changes in the tenant, for a person.
fn change(step: &Step, reply: &Reply) -> Option<Change> {
    match (step, reply) {
        (Step::CreateGroup(_), Reply::Done(Some(group))) => Some(Change::Create(group.clone())),
        (Step::UpdateGroup { group, changes, .. }, Reply::Done(_)) => {
            Some(Change::Update(group.id.clone(), changes.clone()))
        }
        (Step::DeleteGroup(id), Reply::Done(_)) => Some(Change::Delete(id.clone())),
        (Step::AssignPolicy { source, holders }, Reply::Done(_)) => Some(Change::Assign(
            source.clone(),
            default_policy(holders).cloned(),
        )),
        _ => None,
    }
}
