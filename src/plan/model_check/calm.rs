//! Liveness. From every state, if nothing goes wrong any more, the world comes to rest and stays:
//! each resource is settled, stalled, gone, or says what blocks its deletion.
//!
//! `eventually` of the checker does not look at cycles, and time makes one of each rest. So one
//! calm way on is followed from every state, in which each step is one of the model's own, until
//! it runs in a circle: the circle must write nothing, and be a rest. As the states are finite,
//! "rest can be reached from every state" is "every fair path comes to rest", for paths that do
//! not for ever pass over a step that is offered again and again.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use psg_domain::{DeletionPolicy, ManagementPolicy};

use super::{
    laws::wanted,
    machine::{Action, Edit, Fate, World},
    mind::claims,
    state::{Resource, State, TWO, Tenant},
    time::NOW,
};
use crate::{Move, Reason};

/// States from which rest is known to be reached, by their hash.
#[derive(Default)]
pub struct Calm(Mutex<BTreeSet<u64>>);

/// No calm way is longer.
const LONGEST: usize = 2_000;

impl World {
    pub fn comes_to_rest(&self, state: &State) -> bool {
        if state.broken.is_some() {
            return true;
        }
        let mut way = vec![(hash(state), state.clone())];
        let known = |mark: &u64| self.calm.lock().contains(mark);
        if known(&way[0].0) {
            return true;
        }
        while way.len() < LONGEST {
            let Some(next) = self.calmly(&way[way.len() - 1].1) else {
                break;
            };
            let mark = hash(&next);
            if known(&mark) {
                return self.calm.add(&way);
            }
            if let Some(start) = way.iter().position(|(seen, _)| *seen == mark) {
                let mut circle = way[start..].iter().map(|(_, state)| outside_time(state));
                let first = circle.next();
                let still = circle.all(|state| Some(state) == first);
                return still && self.rests(&way[start].1) && self.calm.add(&way);
            }
            way.push((mark, next));
        }
        let last = &way[way.len() - 1].1;
        way.len() < LONGEST && self.rests(last) && self.calm.add(&way)
    }

    /// One step of the model in which nothing goes wrong; none if nothing changes any more.
    fn calmly(&self, state: &State) -> Option<State> {
        if state.processes.iter().all(Option::is_some) {
            return self.follow(state, Action::Exit(0));
        }
        for p in 0..TWO {
            let Some(process) = &state.processes[p] else {
                continue;
            };
            let (picture, claims) = (process.sight.picture(), claims(process));
            for r in 0..TWO {
                let pass = &process.passes[r];
                if pass.idle() && !pass.current {
                    return self.follow(state, Action::Watch(p, r));
                }
                if let Some(decision) = self.decide(pass, &picture, &claims) {
                    let step = Action::Step(p, r, Box::new(decision), Fate::Answered);
                    if let Some(next) = self.follow(state, step) {
                        return Some(next);
                    }
                }
            }
        }
        if state.processes.iter().all(Option::is_none) {
            return self.follow(state, Action::Start(0));
        }
        if !state.late.is_empty() {
            return self.follow(state, Action::Arrive(0));
        }
        self.follow(state, Action::Tick { late: false })
    }

    fn rests(&self, state: &State) -> bool {
        let processes = state.processes.iter().flatten();
        let mut ends = processes.flat_map(|process| {
            let (picture, claims) = (process.sight.picture(), claims(process));
            let ends = process
                .passes
                .iter()
                .zip(&state.stored)
                .map(|(pass, stored)| {
                    let Some(stored) = stored else {
                        return pass.view.is_none();
                    };
                    let Some(decision) = self.decide(pass, &picture, &claims) else {
                        return false;
                    };
                    let held = stored.recorded.group.as_ref();
                    let there = held.and_then(|id| state.tenant.groups.get(id));
                    let observes = stored.desired.management == ManagementPolicy::Observe;
                    pass.current
                        && match decision.next {
                            Move::Settled => {
                                let equal =
                                    there.is_some_and(|made| wanted(&stored.desired, &made.group));
                                let left = &stored.recorded.leaving;
                                !stored.object.deleting
                                    && equal
                                    && (observes
                                        || left
                                            .iter()
                                            .all(|one| !state.tenant.is_bare(&one.source)))
                            }
                            Move::Stalled(_) => !stored.object.deleting,
                            Move::Wait { why, .. } => {
                                why.reason == Reason::DeletionBlocked && stored.object.deleting
                            }
                            _ => false,
                        }
                });
            ends.collect::<Vec<_>>()
        });
        let bare = state
            .tenant
            .holders
            .keys()
            .any(|id| state.tenant.is_bare(id));
        let blocked = state
            .stored
            .iter()
            .flatten()
            .any(|stored| stored.ready != Some(crate::Truth::True));
        ends.all(|rests| rests) && (!bare || blocked || self.on_request())
    }
}

impl World {
    /// A person may ask to leave everything as it is, and a stranger needs to ask nobody.
    fn on_request(&self) -> bool {
        let orphans = |edit: &Edit| matches!(edit, Edit::Spec(_, to) if to.deletion == DeletionPolicy::Orphan);
        self.budget.strangers > 0 || self.edits.iter().any(orphans)
    }
}

impl Calm {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, way: &[(u64, State)]) -> bool {
        self.lock().extend(way.iter().map(|(mark, _)| *mark));
        true
    }
}

/// What is written somewhere, whenever that was.
fn outside_time(state: &State) -> ([Option<Arc<Resource>>; TWO], Arc<Tenant>) {
    let mut state = state.clone();
    state.each_time(&mut |at| *at = NOW);
    (state.stored, state.tenant)
}

fn hash(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}
