//! A tenant that does what it is asked: a preview uses it instead of sending anything. No IO.
//!
//! Where the vendor's documents are silent, it assumes what leaves the operator the most to do: no
//! policy comes back by itself, neither when a source leaves a group nor after a deletion.

use std::collections::BTreeMap;

use psg_domain::{Group, GroupId, Holder, Picture, SourceId};

use crate::{
    action::Action,
    outcome::Reply,
    reason::{Finding, Reason},
};

/// The groups and policies that a tenant shows, changed by what would be sent.
#[derive(Clone, Debug, Default)]
pub struct Tenant {
    groups: BTreeMap<GroupId, Group>,
    holders: BTreeMap<SourceId, Vec<Holder>>,
    made: usize,
}

impl Tenant {
    /// What was read.
    pub fn of(picture: &Picture) -> Self {
        let groups = picture
            .groups()
            .map(|group| (group.id.clone(), group.clone()));
        let holders = picture.sources().map(|source| {
            let read = picture.holders(&source.id).and_then(|(holders, _)| holders);
            // The list of sources shows which policies a source has, and not to whom they apply.
            let shown = || {
                let policies = source.policies.iter().take(1).cloned();
                policies.map(Holder::for_everybody).collect()
            };
            let holders = read.map_or_else(shown, <[Holder]>::to_vec);
            (source.id.clone(), holders)
        });
        Self {
            groups: groups.collect(),
            holders: holders.collect(),
            made: 0,
        }
    }

    /// Every group, as a walk would show it.
    pub fn walk(&self) -> Vec<Group> {
        self.groups.values().cloned().collect()
    }

    /// One group, as a read by id would show it.
    pub fn group(&self, id: &GroupId) -> Option<&Group> {
        self.groups.get(id)
    }

    /// The policies of a source, as a read would show them; none if there is no such source.
    pub fn holders(&self, source: &SourceId) -> Option<&[Holder]> {
        self.holders.get(source).map(Vec::as_slice)
    }

    /// Does what an action asks for, and replies as the tenant would.
    pub fn reply(&mut self, action: &Action) -> Reply {
        match action {
            Action::CreateGroup(intent) => {
                self.made += 1;
                let id = format!("to-be-made-{}", self.made);
                let Ok(id) = GroupId::parse(&id) else {
                    return Reply::Done(None);
                };
                let group = Group {
                    id,
                    name: intent.name.clone(),
                    policy: Some(intent.policy.clone()),
                    sources: intent.sources.clone(),
                };
                self.groups.insert(group.id.clone(), group.clone());
                Reply::Done(Some(group))
            }
            Action::UpdateGroup { group, .. } => match self.groups.get_mut(&group.id) {
                Some(known) => {
                    known.clone_from(group);
                    Reply::Done(Some(group.clone()))
                }
                None => Reply::NotFound(not_found()),
            },
            Action::DeleteGroup(id) => match self.groups.remove(id) {
                Some(_) => Reply::Done(None),
                None => Reply::NotFound(not_found()),
            },
            Action::AssignPolicy { source, holders } => match self.holders.get_mut(source) {
                Some(known) => {
                    known.clone_from(holders);
                    Reply::Done(None)
                }
                None => Reply::NotFound(not_found()),
            },
            Action::HoldFinalizer | Action::Record(_) | Action::ReleaseFinalizer(_) => {
                Reply::Done(None)
            }
        }
    }
}

fn not_found() -> crate::Setback {
    crate::Setback {
        until: jiff::Timestamp::MIN,
        why: Finding::new(Reason::Retrying, "not found"),
    }
}
