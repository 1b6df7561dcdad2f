//! Objects of a picture that the tenant's lists show only in part, or without an id.
//!
//! What can be read of a group counts: its sources are in it, and its name is taken. The rest is as
//! it was known last, and the group counts as unknown until a read by id tells more. Nothing that
//! cannot be read ever counts as absent.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Changes, Picture};
use crate::{
    facts::{Group, Kind, Unreadable},
    ids::{GroupId, PolicyId, SourceId},
};

/// A group that the newest walk showed, and that cannot be read as a whole.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// When that walk began.
    pub as_of: Timestamp,
    /// The sources that it showed.
    sources: BTreeSet<SourceId>,
}

/// Reading it.
impl Picture {
    /// Everything that cannot be read as a whole, or that has no id: groups first.
    pub fn unreadable(&self) -> impl Iterator<Item = &Unreadable> {
        self.unreadable_groups.iter().chain(&self.unreadable_facts)
    }

    /// The groups that cannot be read as a whole, or that have no id, unless a newer read by id
    /// showed more.
    pub fn unreadable_groups(&self) -> impl Iterator<Item = &Unreadable> {
        let groups = self.unreadable_groups.iter();
        groups.filter(|group| match &group.id {
            Some(id) => GroupId::parse(id).is_ok_and(|id| self.parts.contains_key(&id)),
            None => true,
        })
    }

    /// A group without an id that has this source.
    pub fn group_without_id_with(&self, source: &SourceId) -> Option<&Unreadable> {
        let mut groups = self.unreadable_groups.iter();
        groups.find(|group| group.id.is_none() && group.sources.contains(source))
    }

    /// An object of that kind and name without an id that can be used.
    pub fn unreadable_named(&self, kind: Kind, name: &str) -> Option<&Unreadable> {
        let named = |object: &&Unreadable| {
            object.kind == kind && object.id.is_none() && object.name.as_deref() == Some(name)
        };
        self.unreadable_facts.iter().find(named)
    }

    /// Whether the newest walk showed a part of a group, and no read since shows more.
    pub fn is_shown_in_part(&self, id: &GroupId) -> bool {
        self.parts.contains_key(id)
    }

    /// Whether the newest read of a group showed this source, and not only an earlier read did.
    pub fn shows_member(&self, id: &GroupId, source: &SourceId) -> bool {
        let part = self.parts.get(id);
        part.is_none_or(|part| part.sources.contains(source))
    }

    /// Whether the newest read shows that there is no such source.
    pub fn lacks_source(&self, id: &SourceId) -> bool {
        !self.sources.contains_key(id) && self.would_show(Kind::Source, id.as_str())
    }

    /// Whether the newest read shows that there is no such policy.
    pub fn lacks_policy(&self, id: &PolicyId) -> bool {
        !self.policies.contains_key(id) && self.would_show(Kind::Policy, id.as_str())
    }

    /// Whether an object of that kind and id would be known if the tenant had it: something was
    /// read, the list is whole, and no unreadable object in it may be this one.
    fn would_show(&self, kind: Kind, id: &str) -> bool {
        let mut odd = self.unreadable_facts.iter();
        let may_be = |odd: &Unreadable| odd.id.as_deref().is_none_or(|known| known == id);
        self.facts_as_of.is_some()
            && !self.incomplete.contains(&kind)
            && !odd.any(|odd| odd.kind == kind && may_be(odd))
    }
}

/// The sources that are in groups without an id.
fn held_without_id(groups: &[Unreadable]) -> BTreeSet<&SourceId> {
    let groups = groups.iter().filter(|group| group.id.is_none());
    groups.flat_map(|group| &group.sources).collect()
}

/// Merging into it.
impl Picture {
    /// Merges what the last read of sources, policies and applications showed that cannot be read
    /// as a whole, and the kinds whose lists may not be whole.
    pub fn merge_unreadable_facts(
        &mut self,
        mut unreadable: Vec<Unreadable>,
        incomplete: BTreeSet<Kind>,
    ) {
        unreadable.sort();
        self.incomplete = incomplete;
        self.unreadable_facts = unreadable;
    }

    /// Merges what a walk that began at `began` showed of groups that cannot be read as a whole;
    /// returns their ids.
    pub(super) fn merge_parts(
        &mut self,
        began: Timestamp,
        mut unreadable: Vec<Unreadable>,
        changes: &mut Changes,
    ) -> BTreeSet<GroupId> {
        unreadable.sort();
        let shown = unreadable.iter();
        let shown =
            shown.filter_map(|group| Some((GroupId::parse(group.id.as_ref()?).ok()?, group)));
        let shown: Vec<(GroupId, &Unreadable)> = shown.collect();
        let ids = shown.iter().map(|(id, _)| id.clone()).collect();
        if self.groups_as_of().is_some_and(|newest| began < newest) {
            return ids;
        }
        let before = std::mem::take(&mut self.parts);
        for (id, group) in shown {
            // Only a read by id tells more of it, and a resource asks for one only when woken.
            if !before.contains_key(&id) {
                changes.groups.insert(id.clone());
            }
            self.merge_part(began, id, group, changes);
        }
        let held = held_without_id(&self.unreadable_groups);
        let holds = held_without_id(&unreadable);
        for source in held.symmetric_difference(&holds) {
            let known = self.sources.get(source);
            changes
                .source_names
                .extend(known.map(|known| known.name.clone()));
            changes.sources.insert(SourceId::clone(source));
        }
        self.unreadable_groups = unreadable;
        ids
    }

    fn merge_part(
        &mut self,
        began: Timestamp,
        id: GroupId,
        shown: &Unreadable,
        changes: &mut Changes,
    ) {
        if !self.is_newer(&id, began) || self.keeps_our_write(&id, began) {
            return;
        }
        let known = self.groups.get(&id).map(|seen| &seen.value);
        let mut group = Group {
            id: id.clone(),
            name: shown.name.clone().unwrap_or_default(),
            policy: known.and_then(|known| known.policy.clone()),
            sources: shown.sources.clone(),
        };
        if let Some(known) = known {
            if shown.name.is_none() {
                group.name.clone_from(&known.name);
            }
            if !shown.all_sources {
                group.sources.extend(known.sources.iter().cloned());
            }
        }
        match self.groups.get_mut(&id).filter(|seen| seen.value == group) {
            Some(seen) => seen.as_of = began,
            None => self.put(began, group, changes),
        }
        let part = Part {
            as_of: began,
            sources: shown.sources.clone(),
        };
        self.parts.insert(id, part);
    }
}

#[cfg(test)]
mod tests;
