//! What reaches the tenant: the requests of a process, with all the ways in which one can end, and
//! what others do there and to the resources.

use std::sync::Arc;

use jiff::SignedDuration;
use psg_domain::{Group, GroupId, Intent};

use super::{
    laws,
    machine::{Edit, Fate, Stranger, World},
    process::{engine, pass, sight},
    state::State,
    tenant::unused,
    time::{NOW, TICK},
};
use crate::{
    Action, Basis, Finding, Learned, Outcome, Reason, Remembered, Repairs, Reply, Setback,
};

/// What the answer to a request shows.
enum Shown {
    Nothing,
    Group(Group),
    NotFound,
}

impl World {
    /// One request on the wire.
    pub fn send(
        &self,
        state: &mut State,
        p: usize,
        r: usize,
        step: &Action,
        basis: &Basis,
        fate: Fate,
    ) {
        let held_up = pass(state, p, r).engine.last == Some(Outcome::Recorded(Remembered::Intent))
            && matches!(step, Action::CreateGroup(intent) if !self.open(intent));
        let fate = if held_up {
            // It stored the intent and was held up since: leases and time-outs let nothing be sent
            // so late. For any other reason to send an old intent there is no such excuse.
            Fate::Dropped
        } else {
            state.broken = state
                .broken
                .or_else(|| laws::write(self, state, p, r, step));
            fate
        };
        if let Action::CreateGroup(_) = step {
            state.posted[r] |= !held_up;
        }
        let shown = self.happens(state, r, step, fate);
        let until = NOW + SignedDuration::try_from(TICK * self.periods.backoff).unwrap();
        let why = Finding::new(Reason::Retrying, "no");
        let setback = Setback { until, why };
        let reply = match (fate, shown) {
            (Fate::Answered, Shown::Nothing) => Reply::Done(None),
            (Fate::Answered, Shown::Group(group)) => Reply::Done(Some(group)),
            (Fate::Answered, Shown::NotFound) => Reply::NotFound(setback),
            (Fate::TooMany, _) => Reply::NotMade(setback),
            _ => Reply::Unknown(setback),
        };
        let timers = self.periods.timers();
        let engine = engine(state, p, r);
        let learned = engine.replied(step, reply, basis, NOW, timers);
        // The model tells apart no two moments that are long past, so it leaves out the pause after
        // several creates without an answer, and the hour in which repairs are counted.
        engine.repairs = Repairs::default();
        engine.expectations.unanswered = 0;
        let sight = sight(state, p);
        match learned {
            Some(Learned::Wrote(group, shown_from)) => sight.wrote(group, shown_from),
            Some(Learned::NoGroup(id)) => sight.refuted(&id),
            Some(Learned::InDoubt(id)) => sight.doubt(&id),
            Some(Learned::NoSource(_)) | None => {}
        }
    }

    /// What a request does to the tenant, and what its answer shows.
    fn happens(&self, state: &mut State, r: usize, step: &Action, fate: Fate) -> Shown {
        let applied = matches!(fate, Fate::Answered | Fate::Lost);
        match step {
            Action::CreateGroup(intent) => {
                if fate == Fate::Late {
                    state.late.push((Some(r), intent.clone()));
                }
                if applied {
                    return Shown::Group(made(state, Some(r), intent));
                }
            }
            Action::UpdateGroup { group, .. } => {
                if fate == Fate::Late {
                    state.late_puts.push((NOW, group.clone()));
                }
                if applied {
                    let tenant = Arc::make_mut(&mut state.tenant);
                    let answer = tenant.replace(group.clone(), self.hands_back);
                    return answer.map_or(Shown::NotFound, Shown::Group);
                }
            }
            Action::DeleteGroup(id) if applied => {
                Arc::make_mut(&mut state.tenant).delete(id, self.hands_back);
            }
            Action::AssignPolicy { source, holders } if applied => {
                let policy = psg_domain::facts::default_policy(holders).cloned();
                let tenant = Arc::make_mut(&mut state.tenant);
                tenant.holders.insert(source.clone(), policy);
            }
            _ => {}
        }
        Shown::Nothing
    }

    pub fn edit(&self, state: &mut State, n: usize) {
        let (Edit::Spec(r, _) | Edit::Delete(r) | Edit::Pause(r)) = &self.edits[n];
        let Some(stored) = &state.stored[*r] else {
            return;
        };
        let mut resource = (**stored).clone();
        match &self.edits[n] {
            Edit::Spec(_, desired) if *desired != resource.desired => {
                resource.desired = desired.clone();
                resource.object.generation += 1;
            }
            Edit::Delete(_) if !resource.object.deleting => resource.object.deleting = true,
            Edit::Pause(_) if resource.object.paused_until.is_none() => {
                let by = SignedDuration::try_from(TICK * 2).unwrap();
                resource.object.paused_until = Some(NOW + by);
            }
            _ => return,
        }
        let gone = resource.object.deleting && !resource.object.finalizer;
        state.stored[*r] = (!gone).then(|| Arc::new(resource));
        for process in state.processes.iter_mut().flatten() {
            process.passes[*r].current = false;
        }
    }

    pub fn stranger(&self, state: &mut State, n: usize) {
        let mine = state
            .tenant
            .groups
            .values()
            .find(|made| made.maker.is_some());
        let mine = mine.map(|made| made.group.id.clone());
        match (&self.strangers[n], mine) {
            (Stranger::Makes(intent), _) => _ = made(state, None, intent),
            (Stranger::Edits(intent), Some(id)) => {
                let group = Group {
                    id,
                    name: intent.name.clone(),
                    policy: Some(intent.policy.clone()),
                    sources: intent.sources.clone(),
                };
                Arc::make_mut(&mut state.tenant).replace(group, true);
            }
            (Stranger::Deletes, Some(id)) => {
                // One that no status has recorded yet comes and goes unseen: its sources are the
                // stranger's to care for.
                let mut known = state.stored.iter().flatten().map(|stored| &stored.recorded);
                let recorded = known.any(|known| known.group.as_ref() == Some(&id));
                let hands_back = self.hands_back || !recorded;
                Arc::make_mut(&mut state.tenant).delete(&id, hands_back);
            }
            _ => {}
        }
    }
}

pub fn made(state: &mut State, by: Option<usize>, intent: &Intent) -> Group {
    let mut meant = state.meant();
    for process in state.processes.iter().flatten() {
        meant.extend(process.sight.groups.keys().cloned());
        meant.extend(process.sight.gone.keys().cloned());
        meant.extend(process.sight.doubts.keys().cloned());
    }
    let id = unused(&meant);
    if let Some(r) = by {
        state.ours[r].insert(id.clone());
    }
    Arc::make_mut(&mut state.tenant).make(id, by, intent)
}

/// What a resource lets go of on request is no longer its own.
pub fn disown(state: &mut State, r: usize) {
    for made in Arc::make_mut(&mut state.tenant).groups.values_mut() {
        if made.maker == Some(r) {
            made.maker = None;
        }
    }
    for (by, _) in &mut state.late {
        if *by == Some(r) {
            *by = None;
        }
    }
}

/// Of two groups that nobody can tell apart, the one that a resource took is its own, and the other
/// is a stranger's, whoever made which. Whether it was the other one.
pub fn take(state: &mut State, r: usize, id: &GroupId) -> bool {
    let taken = state.tenant.groups.get(id);
    let twin = taken.is_some_and(|made| made.maker.is_none());
    if twin {
        disown(state, r);
        let groups = &mut Arc::make_mut(&mut state.tenant).groups;
        groups.get_mut(id).unwrap().maker = Some(r);
    }
    twin
}
