//! What the operator would do, without doing it: it runs the engine over manifests and a copy of
//! their tenant's picture, with predicted replies. No IO.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use psg_domain::{
    Desired, Drift, Group, GroupId, Holder, NamespacedName, Origin, Picture, PolicyId, Presence,
    Recorded, SourceId, TenantName, facts::default_policy, time,
};

use crate::{
    action::{Action, Memory, Next, What},
    brake::Going,
    claims,
    claims::{ClaimIndex, Claimant},
    decide::{Decision, Observation},
    engine::Engine,
    observed::{Object, TenantView, Timers},
    outcome::Reply,
    predict::Tenant,
    reason::{Finding, Reason},
};

/// The most rounds in which each active resource takes one turn: more is a defect.
const MOST_ROUNDS: usize = 20_000;
/// The most that is stored of one resource in one turn, before it reads or writes the tenant.
const MOST_RECORDS: usize = 16;
/// How often one resource may wait, and how long at once: what takes longer is not foreseen.
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
    pub tenant: TenantName,
    /// What its manifest wants; an error if it cannot be read.
    pub desired: Result<Desired, String>,
    /// What its status records.
    pub recorded: Recorded,
    /// Why its status says that this manifest cannot be carried out, if it does.
    pub stalled: Option<Reason>,
    /// Since when its status says so, of this manifest or of earlier ones.
    pub stalled_since: Option<Timestamp>,
}

impl Subject {
    /// From when on it reserves nothing, if it is stalled.
    fn gives_way(&self) -> Option<Timestamp> {
        let (reason, since) = (self.stalled?, self.stalled_since?);
        Some(claims::gives_way(Some(reason), since))
    }
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
    /// It is stalled.
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
    pub name: NamespacedName,
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

/// What would happen if these were all the resources of one tenant, of which this was read. `views`
/// has each IdentityTenant that leads to it, by namespace and name; for a resource of any other,
/// nothing is decided.
pub fn preview(
    subjects: Vec<Subject>,
    picture: Picture,
    views: &BTreeMap<TenantName, TenantView>,
    now: Timestamp,
) -> Preview {
    let mut stage = Stage {
        now: newest_read(&picture).map_or(now, |read| read.max(now)),
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
            rest: Rest::Active,
            waits: 0,
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
    rest: Rest,
    /// How often it waited.
    waits: usize,
}

/// Whether a resource has something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Now.
    Active,
    /// Then.
    Until(Timestamp),
    /// Not before something changes.
    Done,
}

/// How many changes there are, and why each resource is stalled or waits, if so.
type State = (usize, Vec<Option<Reason>>);

impl Actor {
    fn outlook(self) -> Outlook {
        let object = self.subject.object;
        Outlook {
            name: NamespacedName::new(object.namespace, object.name),
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
    views: &'a BTreeMap<TenantName, TenantView>,
    claims: ClaimIndex,
    /// How many changes there are so far.
    planned: usize,
    actors: BTreeMap<String, Actor>,
}

impl Stage<'_> {
    fn uids(&self) -> Vec<String> {
        self.actors.keys().cloned().collect()
    }

    /// The resources take turns, as if they acted at the same time, until none changes anything any
    /// more and none gives way to another.
    fn play(&mut self) {
        let mut before = None;
        for _ in 0..MOST_ROUNDS {
            let active = self.active();
            if active.is_empty() {
                if !self.go_on(&mut before) {
                    return;
                }
                self.walk();
            }
            for uid in active {
                self.turn(&uid);
            }
        }
    }

    fn active(&self) -> Vec<String> {
        let actors = self.actors.iter();
        let active = actors.filter(|(_, actor)| actor.rest == Rest::Active);
        active.map(|(uid, _)| uid.clone()).collect()
    }

    /// Lets time pass until a resource has something to do; false if none ever will.
    fn go_on(&mut self, before: &mut Option<State>) -> bool {
        let waits = self.actors.values().filter_map(|actor| match actor.rest {
            Rest::Until(until) => Some(until),
            _ => None,
        });
        if let Some(until) = waits.min() {
            self.now = self.now.max(until);
            for actor in self.actors.values_mut() {
                if matches!(actor.rest, Rest::Until(until) if until <= self.now) {
                    actor.rest = Rest::Active;
                }
            }
            return true;
        }
        let state = self.state();
        if before.as_ref() != Some(&state) {
            // Longer than any write may take to show in reads.
            self.pass(Timers::default().settle + Duration::from_secs(1));
            *before = Some(state);
            for uid in self.uids() {
                self.wake(&uid);
            }
        } else if let Some(then) = self.next_to_give_way() {
            // This wakes the resources that can go on with what is free now.
            self.now = then;
            for uid in self.uids() {
                self.claim(&uid);
            }
        } else {
            return false;
        }
        true
    }

    fn wake(&mut self, uid: &str) {
        self.with(uid, |actor| {
            if actor.ending != Some(Ending::Gone) {
                actor.rest = Rest::Active;
            }
        });
    }

    /// The state that tells whether anything changed.
    fn state(&self) -> State {
        let stand = |actor: &Actor| match &actor.ending {
            Some(Ending::Refused(why) | Ending::Waits(why)) => Some(why.reason),
            _ => None,
        };
        (self.planned, self.actors.values().map(stand).collect())
    }

    /// When the next stalled resource stops reserving what it waits for.
    fn next_to_give_way(&self) -> Option<Timestamp> {
        let gives_way = self.actors.values().filter_map(|it| it.subject.gives_way());
        gives_way.filter(|at| *at > self.now).min()
    }

    fn pass(&mut self, time: Duration) {
        self.now = time::after(self.now, time);
    }

    fn walk(&mut self) {
        self.picture.merge_groups(self.now, self.predicted.walk());
        self.pass(Duration::from_millis(1));
    }

    /// One resource goes on until it has read or written the tenant, or rests: what is stored in
    /// Kubernetes takes no turn of its own.
    fn turn(&mut self, uid: &str) {
        for _ in 0..MOST_RECORDS {
            let Some(decision) = self.decide(uid) else {
                return self.with(uid, |actor| actor.rest = Rest::Done);
            };
            let is_record = matches!(
                decision.next,
                Next::Do(Action::HoldFinalizer | Action::Record(_))
            );
            self.act(uid, decision);
            self.pass(Duration::from_millis(1));
            if !is_record {
                return;
            }
        }
    }

    fn act(&mut self, uid: &str, decision: Decision) {
        match &decision.next {
            Next::Do(_) | Next::Refresh { .. } => self.carry_out(uid, decision),
            // Time alone ends this wait, such as one for the moment from which every read shows a
            // change.
            Next::Wait { until, why } if is_foreseen(why.reason) => {
                let (until, latest) = (*until, time::after(self.now, FORESEEN));
                let waits = self.actors.get(uid).map_or(0, |actor| actor.waits);
                if waits >= MOST_WAITS || until > latest {
                    return self.end(uid, decision);
                }
                self.with(uid, |actor| {
                    actor.waits += 1;
                    actor.rest = Rest::Until(until);
                });
            }
            _ => self.end(uid, decision),
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
            Next::Refresh { what, newer_than } => {
                self.now = self.now.max(newer_than);
                self.read(what);
                self.with(uid, |actor| actor.engine.read());
            }
            Next::Do(Action::HoldFinalizer) => self.with(uid, |actor| {
                actor.subject.object.finalizer = true;
                actor.engine.finalized();
            }),
            Next::Do(Action::Record(memory)) => {
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
            Next::Do(Action::ReleaseFinalizer(_)) => {
                self.with(uid, |actor| {
                    actor.subject.object.finalizer = false;
                    actor.engine.finalized();
                    if actor.subject.object.deleting {
                        actor.ending = Some(Ending::Gone);
                    }
                });
                let gone = self.actors.get(uid);
                if gone.is_some_and(|actor| actor.ending == Some(Ending::Gone)) {
                    for rival in self.claims.remove(uid, self.now) {
                        self.wake(&rival);
                    }
                }
            }
            Next::Do(action) => {
                let reply = self.predicted.reply(&action);
                let (now, basis) = (self.now, basis.unwrap_or_default());
                if let Some(change) = change(&action, &reply) {
                    self.plan(uid, change);
                }
                let Some(actor) = self.actors.get_mut(uid) else {
                    return;
                };
                let learned = actor
                    .engine
                    .replied(&action, reply, &basis, now, Timers::default());
                if let Some(learned) = learned {
                    learned.merge(&mut self.picture, now);
                }
            }
            Next::Wait { .. } | Next::Stalled(_) | Next::Settled => {}
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
        let now = self.now;
        let deleting = self
            .actors
            .get(uid)
            .is_some_and(|actor| actor.subject.object.deleting);
        let ending = match decision.next {
            Next::Stalled(why) => Ending::Refused(why),
            Next::Wait { why, .. } => Ending::Waits(why),
            // It held nothing in the tenant.
            _ if deleting => Ending::Gone,
            _ => Ending::InSync,
        };
        self.with(uid, |actor| {
            if let Some(report) = decision.report {
                actor.subject.recorded = report.recorded;
            }
            actor.engine.forget_outcome();
            let subject = &mut actor.subject;
            subject.stalled = match &ending {
                Ending::Refused(why) => Some(why.reason),
                _ => None,
            };
            // Conditions have whole seconds.
            let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
            let since = subject.stalled_since.unwrap_or(second);
            subject.stalled_since = subject.stalled.map(|_| since);
            actor.ending = Some(ending);
            actor.rest = Rest::Done;
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
        let there = self.actors.get(uid);
        let there = there.filter(|actor| actor.ending != Some(Ending::Gone));
        let Some(Actor { subject, .. }) = there else {
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
        let hindered = subject.gives_way().is_some_and(|from| from <= self.now);
        let rivals = self.claims.insert(claimant.going(going).hindered(hindered));
        for rival in rivals {
            self.wake(&rival);
        }
    }
}

/// When the newest read began, of all that a preview may read again: predicted reads must be newer.
fn newest_read(picture: &Picture) -> Option<Timestamp> {
    let holders = picture
        .sources()
        .filter_map(|source| picture.holders(&source.id));
    let groups = picture
        .groups()
        .filter_map(|group| match picture.group(&group.id) {
            Presence::There(_, as_of) => Some(as_of),
            _ => None,
        });
    let reads = holders.map(|(_, as_of)| as_of).chain(groups);
    reads.chain(picture.groups_as_of()).max()
}

/// Whether a wait ends by itself, and neither by another resource nor by a person.
fn is_foreseen(reason: Reason) -> bool {
    !matches!(reason, Reason::WaitingForSource | Reason::DeletionPaused)
}

/// What an action changes in the tenant, for a person.
fn change(action: &Action, reply: &Reply) -> Option<Change> {
    match (action, reply) {
        (Action::CreateGroup(_), Reply::Done(Some(group))) => Some(Change::Create(group.clone())),
        (Action::UpdateGroup { group, changes, .. }, Reply::Done(_)) => {
            Some(Change::Update(group.id.clone(), changes.clone()))
        }
        // The DELETE is sent even if someone else deleted the group before.
        (Action::DeleteGroup(id), _) => Some(Change::Delete(id.clone())),
        (Action::AssignPolicy { source, holders }, Reply::Done(_)) => Some(Change::Assign(
            source.clone(),
            default_policy(holders).cloned(),
        )),
        _ => None,
    }
}
