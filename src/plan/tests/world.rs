//! The loop of the operator over the [`model`](super::model): asks `next`, carries the move out,
//! stores what `report` says, and crashes where it is told to.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use psg_domain::{Desired, GroupId, Origin, Picture, Recorded};

use super::{
    fixture::{NOW, at, key, place},
    model::{Fate, Tenant, Write},
};
use crate::{
    Action, ClaimIndex, Claimant, Condition, Decision, Engine, Finding, Next, Object, Observation,
    Reason, Release, Reply, Report, Setback, TenantState, TenantView, Timers, What,
};

/// No pass may need more moves than this.
const MOVES: usize = 60;
/// No resource may need more passes than this once the faults are over.
const PASSES: usize = 60;
const INTERVAL: Duration = Duration::from_mins(1);

/// How a pass ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Settled,
    Stalled(Reason),
    Waits(Timestamp, Reason),
    Gone,
    Crashed,
}

/// A crash before an effect, or after it but before anybody learned of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    Before(u32),
    After(u32),
}

pub struct Resource {
    pub desired: Desired,
    pub object: Object,
    created: Timestamp,
    /// What the API server has.
    pub stored: Recorded,
    pub conditions: Vec<Condition>,
    pub version: u32,
    engine: Engine,
    failures: u32,
    /// Groups that it may write: made by it, or adopted.
    pub ours: BTreeSet<GroupId>,
    pub release: Option<Release>,
}

pub struct World {
    pub now: Timestamp,
    pub tenant: Tenant,
    pub picture: Picture,
    pub claims: ClaimIndex,
    pub resources: BTreeMap<String, Resource>,
    /// How the next writes end; after the last all are answered.
    pub fates: VecDeque<Fate>,
    /// Whether the next reads fail.
    pub failing_reads: VecDeque<bool>,
    pub crashes: Vec<Crash>,
    pub effects: u32,
    /// Every write that was sent.
    pub writes: Vec<Write>,
    pub sent_intents: BTreeSet<(String, Timestamp)>,
}

impl World {
    pub fn new(tenant: Tenant) -> Self {
        let mut world = Self {
            now: at(NOW),
            tenant,
            picture: Picture::default(),
            claims: ClaimIndex::default(),
            resources: BTreeMap::new(),
            fates: VecDeque::new(),
            failing_reads: VecDeque::new(),
            crashes: Vec::new(),
            effects: 0,
            writes: Vec::new(),
            sent_intents: BTreeSet::new(),
        };
        world.restart();
        world
    }

    pub fn create(&mut self, uid: &str, desired: Desired) {
        let resource = Resource {
            desired,
            object: Object::new(uid.to_owned(), "ns".to_owned(), uid.to_owned()),
            created: self.now,
            stored: Recorded::default(),
            conditions: Vec::new(),
            version: 1,
            engine: Engine::default(),
            failures: 0,
            ours: BTreeSet::new(),
            release: None,
        };
        self.resources.insert(uid.to_owned(), resource);
        self.claim(uid);
    }

    pub fn edit(&mut self, uid: &str, change: impl FnOnce(&mut Desired)) {
        let Some(resource) = self.resources.get_mut(uid).filter(|r| !r.object.deleting) else {
            return;
        };
        change(&mut resource.desired);
        resource.object.generation += 1;
        self.claim(uid);
    }

    pub fn delete(&mut self, uid: &str) {
        if let Some(resource) = self.resources.get_mut(uid) {
            resource.object.deleting = true;
            if !resource.object.finalizer {
                self.resources.remove(uid);
                self.claims.remove(uid, self.now);
                return;
            }
            self.claim(uid);
        }
    }

    /// The process starts anew: it knows what is stored and reads the tenant.
    pub fn restart(&mut self) {
        self.picture = Picture::default();
        self.claims = ClaimIndex::default();
        self.claims.identify(&place("ns/default"), &key("acme"));
        for resource in self.resources.values_mut() {
            resource.engine = Engine::default();
            resource.failures = 0;
        }
        for uid in self.resources.keys().cloned().collect::<Vec<_>>() {
            self.claim(&uid);
        }
        self.advance(2000);
        self.read();
    }

    /// What the snapshot does every interval.
    pub fn read(&mut self) {
        let began = self.now;
        let groups = self.tenant.walk(began);
        self.picture.merge_groups(began, groups);
        let applications = self
            .tenant
            .sources
            .iter()
            .map(|s| (s.id.clone(), 1))
            .collect();
        let (sources, policies) = (self.tenant.sources.clone(), self.tenant.policies.clone());
        self.picture
            .merge_facts(began, sources, policies, applications);
        self.advance(100);
    }

    pub fn advance(&mut self, millis: i64) {
        self.now += SignedDuration::from_millis(millis);
        self.tenant.pass_time(self.now);
    }

    fn claim(&mut self, uid: &str) {
        let resource = &self.resources[uid];
        let claimant = Claimant::of(
            &resource.object,
            resource.created,
            place("ns/default"),
            Some(&resource.desired),
            &resource.stored,
            self.now,
        );
        self.claims.insert(claimant);
    }

    fn decide(&self, uid: &str) -> Decision {
        let resource = &self.resources[uid];
        let seen = Observation {
            object: resource.object.clone(),
            desired: Ok(resource.desired.clone()),
            recorded: resource.stored.clone(),
            tenant: TenantView {
                interval: INTERVAL,
                credentials: "one".to_owned(),
                in_use: crate::InUse::Held,
                ..TenantView::of(TenantState::Ready, Some(key("acme")))
            },
            picture: &self.picture,
            claims: &self.claims,
            timers: Timers::default(),
            backoff: Duration::from_secs(5 << resource.failures.min(3)),
        };
        resource.engine.decide(seen, self.now)
    }

    /// One pass, as the operator makes it.
    pub fn pass(&mut self, uid: &str) -> End {
        let stale = self.now - SignedDuration::try_from(INTERVAL).unwrap();
        if self
            .picture
            .groups_as_of()
            .is_none_or(|as_of| as_of < stale)
        {
            self.read();
        }
        for _ in 0..MOVES {
            if !self.resources.contains_key(uid) {
                return End::Gone;
            }
            let (now, resource) = (self.now, self.resources.get_mut(uid).unwrap());
            resource.engine.follow(&resource.stored, now);
            let decision = self.decide(uid);
            let end = match &decision.next {
                Next::Do(_) | Next::Refresh { .. } => None,
                Next::Wait { until, why } => {
                    assert!(*until > self.now, "a wait that is over: {why:?}");
                    Some(End::Waits(*until, why.reason))
                }
                Next::Stalled(why) => Some(End::Stalled(why.reason)),
                Next::Settled => Some(End::Settled),
            };
            if let Some(end) = end {
                if let Some(report) = decision.report {
                    self.store(uid, report);
                }
                let resource = self.resources.get_mut(uid).unwrap();
                resource.engine.forget_outcome();
                if end == End::Settled {
                    resource.failures = 0;
                }
                return end;
            }
            let number = self.effects;
            self.effects += 1;
            if self.crashes.contains(&Crash::Before(number)) {
                self.restart();
                return End::Crashed;
            }
            self.carry_out(uid, decision);
            if self.crashes.contains(&Crash::After(number)) {
                self.restart();
                return End::Crashed;
            }
        }
        panic!("{uid} needs more than {MOVES} moves in one pass");
    }

    fn store(&mut self, uid: &str, report: Report) {
        let Report {
            recorded,
            conditions,
        } = report;
        let held = self.resources[uid].stored.held();
        if recorded.origin == Some(Origin::Adopted)
            && let Some(id) = recorded.group.as_ref().filter(|id| held != Some(*id))
        {
            self.check_adoption(uid, id);
        }
        if let Some(id) = recorded.held() {
            self.tenant.own_again(uid, id);
        }
        let resource = self.resources.get_mut(uid).unwrap();
        if resource.stored != recorded || resource.conditions != conditions {
            if recorded.origin == Some(Origin::Adopted) {
                resource.ours.extend(recorded.group.clone());
            }
            resource.stored = recorded;
            resource.conditions = conditions;
            resource.version += 1;
        }
        self.claim(uid);
    }

    fn carry_out(&mut self, uid: &str, decision: Decision) {
        self.advance(200);
        let basis = decision.basis.unwrap_or_default();
        match decision.next {
            Next::Refresh { what, newer_than } => self.refresh(uid, what, newer_than),
            Next::Do(Action::HoldFinalizer) => {
                let resource = self.resources.get_mut(uid).unwrap();
                resource.object.finalizer = true;
                resource.engine.finalized();
            }
            Next::Do(Action::Record(memory)) => {
                self.store(uid, decision.report.unwrap());
                self.engine(uid).recorded(&memory);
            }
            Next::Do(Action::ReleaseFinalizer(release)) => {
                self.check_release(uid, &release);
                let resource = self.resources.get_mut(uid).unwrap();
                resource.object.finalizer = false;
                resource.release = Some(release);
                resource.engine.finalized();
                if resource.object.deleting {
                    self.resources.remove(uid);
                    self.claims.remove(uid, self.now);
                }
            }
            Next::Do(step) => {
                let write = match step.clone() {
                    Action::CreateGroup(intent) => Write::Post(uid.to_owned(), intent),
                    Action::UpdateGroup { group, .. } => Write::Put(group),
                    Action::DeleteGroup(id) => Write::Delete(id),
                    Action::AssignPolicy { source, holders } => Write::Assign(source, holders),
                    other => panic!("no write of the tenant: {other:?}"),
                };
                let reply = self.send(uid, write);
                let (now, timers) = (self.now, Timers::default());
                let engine = self.engine(uid);
                if let Some(learned) = engine.replied(&step, reply, &basis, now, timers) {
                    learned.merge(&mut self.picture, now);
                }
            }
            other => panic!("not an effect: {other:?}"),
        }
    }

    fn engine(&mut self, uid: &str) -> &mut Engine {
        &mut self.resources.get_mut(uid).unwrap().engine
    }

    fn refresh(&mut self, uid: &str, what: What, newer_than: Timestamp) {
        if newer_than > self.now {
            self.now = newer_than;
            self.tenant.pass_time(self.now);
        }
        let (began, setback) = (self.now, self.setback(uid));
        let fails = self.failing_reads.pop_front().unwrap_or(false);
        match what {
            What::Holders(sources) => {
                for id in sources {
                    if fails {
                        self.engine(uid).source_failed(id, setback.clone());
                    } else {
                        let holders = self.tenant.holders.get(&id).cloned();
                        self.picture.merge_holders(began, id, holders);
                    }
                }
            }
            _ if fails => return self.engine(uid).read_failed(setback),
            What::Groups => self.read(),
            What::Group(id) => match self.tenant.groups.get(&id).cloned() {
                Some(group) => _ = self.picture.merge_one(began, group),
                None => _ = self.picture.merge_gone(began, &id),
            },
        }
        self.advance(100);
        self.engine(uid).read();
    }

    fn setback(&mut self, uid: &str) -> Setback {
        let resource = self.resources.get_mut(uid).unwrap();
        resource.failures += 1;
        Setback {
            until: self.now + SignedDuration::from_secs(5 << resource.failures.min(3)),
            why: Finding::new(Reason::Retrying, "the tenant failed"),
        }
    }

    /// Sends one write and waits for its answer, or until it is given up.
    fn send(&mut self, uid: &str, write: Write) -> Reply {
        self.check_write(uid, &write);
        self.writes.push(write.clone());
        let fate = self.fates.pop_front().unwrap_or(Fate::Answered);
        let updates = matches!(write, Write::Put(_));
        let answer = self.tenant.take(self.now, write, fate);
        let unanswered = matches!(fate, Fate::Lost | Fate::Late(_) | Fate::Dropped);
        self.advance(if unanswered { 8000 } else { 200 });
        match fate {
            Fate::Answered if updates && answer.is_none() => Reply::NotFound(self.setback(uid)),
            Fate::Answered => Reply::Done(answer),
            Fate::TooMany => Reply::NotMade(self.setback(uid)),
            Fate::Refused => Reply::Refused(self.setback(uid)),
            _ => Reply::Unknown(self.setback(uid)),
        }
    }

    /// Runs every resource until nothing moves any more, and names how each ended.
    pub fn run(&mut self) -> BTreeMap<String, End> {
        let mut rests = 0;
        for _ in 0..PASSES {
            let before: Vec<u32> = self.resources.values().map(|r| r.version).collect();
            let uids: Vec<String> = self.resources.keys().cloned().collect();
            let ends: BTreeMap<String, End> = uids
                .into_iter()
                .map(|uid| (uid.clone(), self.pass(&uid)))
                .collect();
            let until = ends.values().filter_map(|end| match end {
                // Only another resource ends this wait.
                End::Waits(_, Reason::WaitingForSource) => None,
                End::Waits(until, _) => Some(*until),
                _ => None,
            });
            let restless = ends
                .values()
                .any(|end| matches!(end, End::Crashed | End::Gone));
            let after: Vec<u32> = self.resources.values().map(|r| r.version).collect();
            // The end of a pause is seen in the status, so the resource is asked again then.
            let paused = self
                .resources
                .values()
                .filter_map(|r| r.object.paused_until);
            let until = until.chain(paused.filter(|until| *until > self.now));
            rests = if before == after { rests } else { 0 };
            if let Some(until) = until.min() {
                self.now = self.now.max(until);
                self.advance(1);
            } else if !restless && before == after && self.tenant.late.is_empty() {
                // What took effect late shows in the next read, and the record of a change is closed
                // by one after the settle time.
                if rests == 2 {
                    return ends;
                }
                rests += 1;
                self.advance(60_000);
                self.read();
            } else {
                self.advance(1000);
            }
        }
        let reasons: Vec<_> = self.resources.values().map(|r| &r.conditions).collect();
        panic!("it does not come to rest: {reasons:?}");
    }
}
