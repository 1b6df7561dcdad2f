//! What reaches the tenant: the requests of a process, with all the ways in which one can end, and
//! what others do there and to the resources.

use std::sync::Arc;

use jiff::SignedDuration;
use psg_domain::{Group, GroupId, Intent};

use super::{
    laws,
    machine::{Edit, Fate, Stranger, World},
    process::{pass, sent, sight},
    state::State,
    tenant::unused,
    time::{NOW, TICK},
};
use crate::{Finding, Outcome, Reason, Remembered, Setback, Step};

impl World {
    /// One request on the wire.
    pub fn send(&self, state: &mut State, p: usize, r: usize, step: Step, fate: Fate) {
        let held_up = pass(state, p, r).last == Some(Outcome::Recorded(Remembered::Intent))
            && matches!(&step, Step::CreateGroup(intent) if !self.open(intent));
        let fate = if held_up {
            // It stored the intent and was held up since: leases and time-outs let nothing be sent
            // so late. For any other reason to send an old intent there is no such excuse.
            Fate::Dropped
        } else {
            state.broken = state
                .broken
                .or_else(|| laws::write(self, state, p, r, &step));
            fate
        };
        let until = NOW + SignedDuration::try_from(TICK * self.periods.backoff).unwrap();
        let setback = Setback {
            until,
            why: Finding::new(Reason::Retrying, "no"),
        };
        let applied = matches!(fate, Fate::Answered | Fate::Lost);
        let failed = match fate {
            Fate::Answered => None,
            Fate::TooMany => Some(Outcome::NotMade(setback.clone())),
            _ => Some(Outcome::Unknown(setback.clone())),
        };
        let unknown = matches!(failed, Some(Outcome::Unknown(_)));
        let hands_back = self.hands_back;
        let shown_from = psg_domain::time::after(NOW, self.periods.timers().settle);
        let outcome = match step {
            Step::CreateGroup(intent) => {
                let started_at = intent.started_at;
                state.posted[r] |= !held_up;
                let group = applied.then(|| made(state, Some(r), &intent));
                if fate == Fate::Late {
                    state.late.push((Some(r), intent));
                }
                let sent = sent(state, p, r);
                sent.posted = Some(started_at);
                match &failed {
                    Some(Outcome::NotMade(setback)) => sent.not_made = Some(setback.clone()),
                    Some(_) => sent.unanswered_at = Some(NOW),
                    None => {}
                }
                match (group, failed) {
                    (Some(group), None) => {
                        sight(state, p).wrote(group.clone(), shown_from);
                        Outcome::Made(group)
                    }
                    (_, failed) => failed.unwrap_or(Outcome::Done),
                }
            }
            Step::UpdateGroup { group, .. } => {
                let id = group.id.clone();
                if fate == Fate::Late {
                    state.late_puts.push((NOW, group.clone()));
                }
                let tenant = Arc::make_mut(&mut state.tenant);
                let answer = applied.then(|| tenant.replace(group, hands_back)).flatten();
                match (answer, failed) {
                    (Some(group), None) => {
                        sight(state, p).wrote(group, shown_from);
                        sent(state, p, r).puts.get_or_insert_default().answered(NOW);
                        Outcome::Done
                    }
                    (_, None) => {
                        sight(state, p).refuted(&id);
                        Outcome::Done
                    }
                    (_, Some(failed)) => {
                        if unknown {
                            sent(state, p, r).puts.get_or_insert_default().unanswered_at =
                                Some(NOW);
                            sight(state, p).doubt(&id);
                        }
                        failed
                    }
                }
            }
            Step::DeleteGroup(id) => {
                if applied {
                    Arc::make_mut(&mut state.tenant).delete(&id, hands_back);
                }
                if unknown || failed.is_none() {
                    sight(state, p).doubt(&id);
                }
                if failed.is_none() {
                    sent(state, p, r).deleted_at = Some(NOW);
                }
                failed.unwrap_or(Outcome::Done)
            }
            Step::AssignPolicy { source, holders } => {
                if applied {
                    let policy = psg_domain::facts::default_policy(&holders).cloned();
                    Arc::make_mut(&mut state.tenant)
                        .holders
                        .insert(source.clone(), policy);
                }
                let sent = sent(state, p, r);
                if unknown || failed.is_none() {
                    sent.assigned.insert(source.clone(), NOW);
                }
                if failed.is_some() {
                    sent.blocked.insert(source, setback);
                }
                Outcome::Done
            }
            _ => Outcome::Done,
        };
        pass(state, p, r).last = Some(outcome);
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
