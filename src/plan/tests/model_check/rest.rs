//! What counts as a rest.

use psg_domain::{DeletionPolicy, Group, ManagementPolicy};

use super::{
    calm::End,
    laws::{sources, wanted},
    machine::{Edit, World},
    state::{Pass, Resource, State},
};
use crate::{Decision, Next, Reason};

/// How a resource has ended, by what was decided last.
pub fn end(state: &State, r: usize, pass: &Pass, decision: Option<&Decision>) -> End {
    let well = |holds: bool| if holds { End::Well } else { End::Open };
    let Some(stored) = &state.stored[r] else {
        return well(pass.view.is_none());
    };
    let deleting = stored.object.deleting;
    match decision.map(|decision| &decision.next) {
        _ if !pass.current => End::Open,
        Some(Next::Settled) => well(!deleting && is_equal(state, stored)),
        Some(Next::Stalled(why)) if !deleting && is_so(state, r, stored, why.reason) => {
            End::Stopped(why.reason)
        }
        Some(Next::Wait { why, .. })
            if deleting
                && why.reason == Reason::DeletionBlocked
                && is_so(state, r, stored, why.reason) =>
        {
            End::Stopped(why.reason)
        }
        _ => End::Open,
    }
}

fn is_equal(state: &State, stored: &Resource) -> bool {
    let shown = stored.recorded.group.as_ref();
    let there = shown.and_then(|id| state.tenant.groups.get(id));
    there.is_some_and(|made| wanted(&stored.desired, &made.group))
}

fn observes(stored: &Resource) -> bool {
    stored.desired.management == ManagementPolicy::Observe
}

/// Another resource is in the way, or a group that no resource made; or what is there of the name
/// that was sent is not the one group of that content.
fn is_so(state: &State, r: usize, stored: &Resource, reason: Reason) -> bool {
    let others = state.stored.iter().enumerate().filter(|(n, _)| *n != r);
    let mut others = others.filter_map(|(_, other)| other.as_ref());
    match (reason, &stored.recorded.intent) {
        (Reason::OwnedByAnother, _) => others.next().is_some(),
        (Reason::GroupNotFound, _) => {
            let mut groups = state.tenant.groups.values();
            observes(stored) && groups.all(|made| made.group.name != stored.desired.name)
        }
        (Reason::Drifted, _) => observes(stored) && !is_equal(state, stored),
        (Reason::CreateAmbiguous | Reason::DeletionBlocked, Some(intent)) => {
            let held: Vec<_> = others.filter_map(|other| other.recorded.held()).collect();
            let groups = state.tenant.groups.values().map(|made| &made.group);
            let named = groups.filter(|group| group.name == intent.name);
            let open: Vec<&Group> = named.filter(|group| !held.contains(&&group.id)).collect();
            match open.as_slice() {
                [] => false,
                [only] => !intent.made(only),
                _ => true,
            }
        }
        // One that another hand made, or changed so that its maker cannot tell it for its own.
        (Reason::SourceInAnotherGroup, _) => {
            let held: Vec<_> = others.filter_map(|other| other.recorded.held()).collect();
            let mut groups = state.tenant.groups.keys();
            groups.any(|id| !held.contains(&id))
        }
        (Reason::GroupExists, _) => state
            .tenant
            .groups
            .values()
            .any(|made| made.maker.is_none()),
        _ => false,
    }
}

impl World {
    /// No source that a manifest asks for is without a policy, unless a person asked to leave
    /// everything as it is. What only a stranger puts into a group, even after its deletion was
    /// planned, is his to care for.
    pub fn is_whole(&self, state: &State) -> bool {
        // Nothing is written for a resource that only looks, or that did when it was deleted.
        let let_go = |edit: &Edit| {
            let Edit::Spec(r, to) = edit else {
                return false;
            };
            let stored = state.stored[*r].as_deref();
            (to.deletion == DeletionPolicy::Orphan && stored.is_none())
                || (to.management == ManagementPolicy::Observe && stored.is_none_or(observes))
        };
        let edits = self.edits.iter().filter_map(|edit| match edit {
            Edit::Spec(_, to) => Some(to),
            _ => None,
        });
        let mut asked = self.specs.iter().chain(edits).flat_map(sources);
        !asked.any(|id| state.tenant.is_bare(&id)) || self.edits.iter().any(let_go)
    }
}
