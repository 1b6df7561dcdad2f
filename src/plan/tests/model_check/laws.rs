//! What must hold at every write, every record and every release, whatever happened before.
//! Each law is an `always` property; the first that breaks ends its path.

use std::collections::BTreeSet;

use psg_domain::{
    AdoptionPolicy, DeletionPolicy, Desired, Group, ManagementPolicy, Origin, ReassignmentResult,
    SourceId, facts::default_policy,
};

use super::{
    machine::World,
    state::{Made, Process, Resource, State},
    time::NOW,
};
use crate::{
    Action, Outcome, Release, ReleaseKind, Truth,
    tests::fixture::{policy_id, source_id},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Law {
    /// S1: of the groups that one resource made, at most one is alive.
    OneGroup,
    /// S2: one intent, one POST.
    OnePost,
    /// S3: nothing is written without its record in the status of the same resource.
    RecordFirst,
    /// S4: no group is changed or deleted that was not made here, or allowed to be taken over.
    OursOnly,
    /// S4: what is recorded as created was created by this resource, or cannot be told from that,
    /// and shows alone; what is adopted is as the manifest asks, and no other resource's.
    TakenRightly,
    /// S5: the finalizer ends when the group is gone and every source has a policy, or on request.
    ReleasedLast,
    /// S9: `Ready` is true only of what was read.
    HonestStatus,
    /// S10: no source is taken out of a group of another, or given a policy inside of one.
    OthersUntouched,
    /// A pause holds every write.
    PauseHolds,
}

/// The sources that a manifest of these worlds asks for.
pub fn sources(desired: &Desired) -> BTreeSet<SourceId> {
    let named = desired.sources.iter();
    named
        .map(|by| source_id(&by.text().to_lowercase()))
        .collect()
}

/// What a manifest of these worlds asks for.
pub fn wanted(desired: &Desired, group: &Group) -> bool {
    let policy = policy_id(&desired.policy.text().to_lowercase());
    group.is(&desired.name, &policy, &sources(desired))
}

/// A write that is about to be sent.
pub fn write(world: &World, state: &State, p: usize, r: usize, step: &Action) -> Option<Law> {
    let process = state.processes[p].as_ref()?;
    let view = process.passes[r].view.as_ref()?;
    let known = &view.recorded;
    if view.object.paused_until.is_some_and(|until| until > NOW) {
        return Some(Law::PauseHolds);
    }
    let broken = |law, holds: bool| (!holds).then_some(law);
    let recorded = |holds| broken(Law::RecordFirst, holds && view.object.finalizer);
    let ours = |id| broken(Law::OursOnly, state.ours[r].contains(id));
    let untouched = |joining: &mut dyn Iterator<Item = &SourceId>, mine| {
        let mut others = joining.flat_map(|id| members(world, state, process, id));
        broken(
            Law::OthersUntouched,
            others.all(|group| Some(&group.id) == mine),
        )
    };
    match step {
        Action::CreateGroup(intent) => {
            let stored = state.stored[r].as_ref();
            let stored = stored.and_then(|stored| stored.recorded.intent.as_ref());
            recorded(stored == Some(intent))
                .or_else(|| broken(Law::OnePost, !state.posted[r]))
                .or_else(|| untouched(&mut intent.sources.iter(), None))
        }
        Action::UpdateGroup { group, .. } => {
            let there = state.tenant.groups.get(&group.id);
            let members = there
                .map(|made| made.group.sources.clone())
                .unwrap_or_default();
            let read = process.sight.groups.contains_key(&group.id)
                && !process.sight.doubts.contains_key(&group.id);
            let update = known.update.as_ref();
            let announced = update.is_some_and(|update| update.made(group));
            let left = |id: &SourceId| known.leaving.iter().any(|left| left.source == *id);
            let mut leavers = members.difference(&group.sources);
            // Somebody else may have put a source in since the read.
            let listed = !world.alone() || !state.late_puts.is_empty() || leavers.all(left);
            recorded(known.held() == Some(&group.id) && read && announced && listed)
                .or_else(|| ours(&group.id))
                .or_else(|| untouched(&mut group.sources.difference(&members), Some(&group.id)))
        }
        Action::DeleteGroup(id) => {
            let planned = known.deletion.as_ref().map(|deletion| &deletion.group);
            recorded(planned == Some(id)).or_else(|| ours(id))
        }
        Action::AssignPolicy { source, holders } => {
            let planned = known.deletion.iter().flat_map(|deletion| &deletion.sources);
            let open = planned
                .chain(&known.leaving)
                .find(|open| open.source == *source && open.result.is_none());
            let policy = open.map(|open| &open.policy);
            recorded(policy.is_some() && policy == default_policy(holders))
                .or_else(|| untouched(&mut std::iter::once(source), None))
        }
        _ => None,
    }
}

/// The groups that have a source: as they are, where nobody can have changed them unseen, and else
/// as the process saw them. No lock of the tenant closes the gap between a read and a write.
fn members<'a>(
    world: &World,
    state: &'a State,
    process: &'a Process,
    source: &SourceId,
) -> Vec<&'a Group> {
    if world.alone() {
        let with = state.tenant.groups_with(source);
        return with.map(|made| &made.group).collect();
    }
    let seen = process.sight.groups.values().map(|(group, ..)| group);
    seen.filter(|group| group.sources.contains(source))
        .collect()
}

/// A status that is about to be stored.
pub fn record(state: &State, p: usize, r: usize, old: &Resource, new: &Resource) -> Option<Law> {
    let process = state.processes[p].as_ref()?;
    let sight = &process.sight;
    let answered = matches!(process.passes[r].engine.last, Some(Outcome::Made(_)));
    let read = |id| {
        let doubted = sight.doubts.contains_key(id);
        sight
            .groups
            .get(id)
            .filter(|_| !doubted)
            .map(|(group, ..)| group)
    };
    if let Some(id) = new
        .recorded
        .held()
        .filter(|id| old.recorded.held() != Some(*id))
    {
        let made = state.tenant.groups.get(id);
        let rightly = if new.recorded.origin == Some(Origin::Created) {
            let ours = made.is_none_or(|made| made.maker == Some(r) || is_twin(old, made));
            ours && (answered || !sight.shows_twins(old))
        } else {
            let seen = sight.groups.get(id).map(|(group, ..)| group);
            let others = state.stored.iter().enumerate().filter(|(n, _)| *n != r);
            let mut others = others.filter_map(|(_, other)| other.as_ref());
            let allowed = match new.desired.adoption {
                AdoptionPolicy::Never => false,
                AdoptionPolicy::Overwrite => true,
                AdoptionPolicy::IfIdentical => {
                    seen.is_some_and(|group| wanted(&new.desired, group))
                }
            };
            allowed && others.all(|other| other.recorded.held() != Some(id))
        };
        if !rightly {
            return Some(Law::TakenRightly);
        }
    }
    let says_nothing = new.ready == old.ready && new.recorded == old.recorded;
    let honest = says_nothing
        || new.ready != Some(Truth::True)
        || new.recorded.observed_generation == Some(new.object.generation)
            && new
                .recorded
                .group
                .as_ref()
                .and_then(read)
                .is_some_and(|group| wanted(&new.desired, group));
    (!honest).then_some(Law::HonestStatus)
}

/// Nobody's group, of exactly the content that was sent: nobody can tell it from what an unanswered
/// POST made (docs/safety.md#what-is-left).
pub fn is_twin(known: &Resource, made: &Made) -> bool {
    let sent = known.recorded.intent.as_ref();
    made.maker.is_none() && sent.is_some_and(|intent| intent.made(&made.group))
}

/// A finalizer that is about to end.
pub fn release(state: &State, r: usize, view: &Resource, release: &Release) -> Option<Law> {
    let right = match release.kind {
        ReleaseKind::Orphaned => view.desired.deletion == DeletionPolicy::Orphan,
        ReleaseKind::Observed => view.desired.management == ManagementPolicy::Observe,
        ReleaseKind::NothingMade | ReleaseKind::Deleted => {
            let planned = view.recorded.deletion.iter().flat_map(|d| &d.sources);
            let mut planned = planned.chain(&view.recorded.leaving);
            let ended = |source: &SourceId| {
                let one = release.sources.iter().find(|one| one.source == *source);
                one.is_some_and(|one| match one.result {
                    None => false,
                    Some(ReassignmentResult::ByService | ReassignmentResult::ByOperator) => {
                        !state.tenant.is_bare(source)
                    }
                    Some(_) => true,
                })
            };
            state.tenant.made_by(r).next().is_none()
                && state.late.iter().all(|(by, _)| *by != Some(r))
                && planned.all(|open| ended(&open.source))
        }
    };
    (!right).then_some(Law::ReleasedLast)
}

/// What is true between any two steps.
pub fn standing(state: &State) -> Option<Law> {
    let twice = (0..state.stored.len()).any(|r| state.tenant.made_by(r).count() > 1);
    twice.then_some(Law::OneGroup)
}
