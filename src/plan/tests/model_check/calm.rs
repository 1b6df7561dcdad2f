//! Liveness. From every state, if nothing goes wrong any more, the world comes to rest and stays,
//! in whatever order the resources take their turns: each is settled, gone, or stopped by what may
//! stop it in that world.
//!
//! `eventually` of the checker does not look at cycles, and time makes one of each rest. So the
//! search notes the steps in which nothing goes wrong, once all but one process have ended and no
//! POST is under way. An endless path stays in one circle of them in the end: a strongly
//! connected component. In each, nothing may be written, and whenever there is nothing to do, it
//! must be a rest. A circle that passes over a resource for ever, though it could always take a
//! step, is none.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    circles::components,
    machine::{Fate, Transition},
    state::{State, TWO},
};
use crate::Reason;

/// The calm part of a world, as far as it was seen.
#[derive(Default)]
pub struct Calm(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    places: Vec<(u64, Place)>,
    steps: Vec<(u64, u64, Way)>,
    restless: BTreeSet<u64>,
    stopped: BTreeSet<(usize, Reason)>,
}

/// What can happen in a calm state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Something, for these resources; for none of them, if no process is there.
    Busy([bool; TWO]),
    /// Only time goes on: how each resource has ended.
    Idle([End; TWO]),
}

/// How a resource has ended, while there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// As it should: settled and equal, or gone.
    Well,
    /// Stopped, and what it says is so.
    Stopped(Reason),
    /// Not at all.
    Open,
}

/// A calm step: whose turn it is, and whether anything was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    turn: Option<usize>,
    writes: bool,
}

impl State {
    /// All that goes wrong has gone wrong, unless it begins anew: one process at most is there, and
    /// every POST has taken effect. Each other state comes to that, since two that believe that they
    /// lead find out, and what is late arrives.
    pub fn is_calm(&self) -> bool {
        self.broken.is_none()
            && self.processes[1].is_none()
            && self.late.is_empty()
            && self.late_puts.is_empty()
    }
}

impl Calm {
    pub fn place(&self, state: &State, place: Place) {
        self.seen().places.push((mark(state), place));
    }

    /// Notes a step if it is a calm one; `to` is none if it changes nothing.
    pub fn step(&self, from: &State, to: Option<&State>, action: &Transition) {
        if !from.is_calm() {
            return;
        }
        let turn = match action {
            Transition::Turn(_, r, _, Fate::Answered) | Transition::Watch(_, r) => Some(*r),
            Transition::Tick { late: false } => None,
            Transition::Start(_) if from.processes[0].is_none() => None,
            _ => return,
        };
        let to = to.unwrap_or(from);
        let written = to.stored != from.stored || to.tenant != from.tenant;
        let writes = turn.is_some() && written;
        let step = (mark(from), mark(to), Way { turn, writes });
        self.seen().steps.push(step);
    }

    /// Whether this is one of the states that were found to have no rest.
    pub fn is_restless(&self, state: &State) -> bool {
        let restless = &self.seen().restless;
        !restless.is_empty() && restless.contains(&mark(state))
    }

    /// Looks for states from which the world does not come to rest; says what is wrong with them.
    pub fn find_restless(&self, stops: &BTreeSet<(usize, Reason)>) -> Option<&'static str> {
        let mut seen = self.seen();
        let (mut places, mut steps) = (
            std::mem::take(&mut seen.places),
            std::mem::take(&mut seen.steps),
        );
        places.sort_unstable();
        places.dedup();
        steps.sort_unstable();
        steps.dedup();
        let number = |mark: &u64| {
            let found = places.binary_search_by_key(mark, |(mark, _)| *mark);
            found.expect("a calm step led out of what was searched")
        };
        let steps: Vec<(usize, usize, Way)> = steps
            .iter()
            .map(|(from, to, way)| (number(from), number(to), *way))
            .collect();
        let edges: Vec<(usize, usize)> = steps.iter().map(|(from, to, _)| (*from, *to)).collect();
        let component = components(places.len(), &edges);
        let mut circles = vec![Circle::default(); places.len()];
        for (from, to, way) in &steps {
            let circle = &mut circles[component[*from]];
            circle.goes_on = true;
            if component[*from] == component[*to] {
                circle.closed = true;
                circle.writes |= way.writes;
                if let Some(r) = way.turn {
                    circle.served[r] = true;
                }
            }
        }
        for (n, (_, place)) in places.iter().enumerate() {
            let circle = &mut circles[component[n]];
            match place {
                Place::Busy(busy) => {
                    for (served, busy) in circle.served.iter_mut().zip(busy) {
                        *served |= !busy;
                    }
                }
                Place::Idle(ends) => {
                    circle.served = [true; TWO];
                    for (r, end) in ends.iter().enumerate() {
                        let rests = match end {
                            End::Well => true,
                            End::Open => false,
                            End::Stopped(why) => {
                                if circle.closed {
                                    seen.stopped.insert((r, *why));
                                }
                                stops.contains(&(r, *why))
                            }
                        };
                        circle.idle = Some(rests && circle.idle.unwrap_or(true));
                    }
                }
            }
        }
        let wrong = |n: usize| circles[component[n]].wrong();
        let first = (0..places.len()).find_map(wrong)?;
        let marks = (0..places.len()).filter(|n| wrong(*n) == Some(first));
        seen.restless = marks.map(|n| places[n].0).collect();
        Some(first)
    }

    /// What stopped which resource for good.
    pub fn stopped(&self) -> BTreeSet<(usize, Reason)> {
        self.seen().stopped.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// States that lead to one another.
#[derive(Clone, Copy, Default)]
struct Circle {
    goes_on: bool,
    closed: bool,
    writes: bool,
    /// Somewhere in it only time goes on, and whether that is always a rest.
    idle: Option<bool>,
    /// Resources that take a step in it, or have none to take somewhere in it.
    served: [bool; TWO],
}

impl Circle {
    fn wrong(self) -> Option<&'static str> {
        let lasts = self.closed && self.served == [true; TWO];
        match self.idle {
            _ if !self.goes_on => Some("nothing is left to do, and it is no rest"),
            _ if !lasts => None,
            _ if self.writes => Some("it is written for ever"),
            None => Some("it is busy for ever"),
            Some(false) => Some("what it waits for does not come"),
            Some(true) => None,
        }
    }
}

fn mark(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn a_circle_is_a_way_on_unless_it_passes_over_a_resource_for_ever() {
    let writes = Circle {
        goes_on: true,
        closed: true,
        writes: true,
        idle: None,
        served: [true; TWO],
    };
    assert_eq!(writes.wrong(), Some("it is written for ever"));
    let unfair = Circle {
        served: [true, false],
        ..writes
    };
    assert_eq!(unfair.wrong(), None);
    let rest = Circle {
        writes: false,
        idle: Some(true),
        ..writes
    };
    assert_eq!(rest.wrong(), None);
    assert!(Circle::default().wrong().is_some());
}
