//! Everything read of one tenant, each fact with the moment at which its read *began*, and the
//! rules by which later reads and the operator's own writes merge into it.
//!
//! Guarantees: a read that began before a write of the operator was answered, or within the settle
//! time after that, cannot undo the write; a group that a walk lacks counts as *unknown*, not as
//! gone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;

use crate::{
    facts::{Group, Holder, Kind, Policy, Source, Unreadable},
    ids::{GroupId, PolicyId, SourceId},
};

mod suggested;
mod unreadable;

use suggested::Suggested;
use unreadable::Part;

/// How many complete walks are remembered; the create protocol asks for two of them.
const WALKS: usize = 8;

/// Ids by a key that nearly always leads to one id only: a sorted list takes a tenth of the memory
/// of a tree.
type Index<K, I> = BTreeMap<K, Vec<I>>;

/// One tenant as last read.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    groups: BTreeMap<GroupId, Seen<Group>>,
    group_names: Index<String, GroupId>,
    memberships: Index<SourceId, GroupId>,
    gone: BTreeMap<GroupId, Absence>,
    doubts: BTreeMap<GroupId, Timestamp>,
    /// Groups that this process wrote, until a read must show the write.
    written: BTreeMap<GroupId, Written>,
    walks: VecDeque<Walk>,
    /// What the newest walk showed of groups that cannot be read as a whole.
    unreadable_groups: Vec<Unreadable>,
    /// Those of them of which no newer read by id tells more.
    parts: BTreeMap<GroupId, Part>,
    facts_as_of: Option<Timestamp>,
    policies: BTreeMap<PolicyId, Policy>,
    policy_names: Index<String, PolicyId>,
    sources: BTreeMap<SourceId, Source>,
    source_names: Index<String, SourceId>,
    applications: BTreeMap<SourceId, u32>,
    holders: BTreeMap<SourceId, Seen<Option<Vec<Holder>>>>,
    /// What the newest read of the facts showed that cannot be read as a whole.
    unreadable_facts: Vec<Unreadable>,
    /// Kinds whose lists, in the newest read, may not show all that the tenant has.
    incomplete: BTreeSet<Kind>,
    suggested: Suggested,
}

/// A complete walk over all groups.
#[derive(Clone, Copy, Debug)]
struct Walk {
    began: Timestamp,
    /// It showed no unreadable group that may be any group at all.
    clear: bool,
}

/// The reads of one id that found nothing: when the first and the last of them began.
#[derive(Clone, Copy, Debug)]
struct Absence {
    since: Timestamp,
    as_of: Timestamp,
}

/// A write of a group by this process.
#[derive(Clone, Copy, Debug)]
struct Written {
    /// A read that began before may not show it yet.
    shown_from: Timestamp,
    /// Such a read showed something else, or nothing.
    hides: bool,
}

#[derive(Clone, Debug)]
struct Seen<T> {
    value: T,
    as_of: Timestamp,
    /// The first read or write that showed it as it is.
    since: Timestamp,
}

/// What is known of a group whose id is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence<'a> {
    /// It is there, by a read that began at the moment given.
    There(&'a Group, Timestamp),
    /// A read of that very id, begun at the moment given, found nothing.
    Gone(Timestamp),
    /// No walk showed it, or only a part of it, or it is unknown what a write did to it: only a
    /// read by id, begun after the moment given, tells.
    Unknown(Timestamp),
}

/// What a read changed, for waking the resources that depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Groups that came, went or differ.
    pub groups: BTreeSet<GroupId>,
    /// Names that such groups have or had.
    pub group_names: BTreeSet<String>,
    /// Sources that came, went or differ, or joined or left a group.
    pub sources: BTreeSet<SourceId>,
    /// Names of such sources.
    pub source_names: BTreeSet<String>,
    /// Policies that came, went or differ.
    pub policies: BTreeSet<PolicyId>,
    /// Names of such policies.
    pub policy_names: BTreeSet<String>,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reading it.
impl Picture {
    /// When the newest complete walk over all groups began.
    pub fn groups_as_of(&self) -> Option<Timestamp> {
        self.walks.back().map(|walk| walk.began)
    }

    /// When the newest read of sources, policies and applications began.
    pub fn facts_as_of(&self) -> Option<Timestamp> {
        self.facts_as_of
    }

    /// The first remembered complete walk that began at `at` or later, and showed no unreadable
    /// group that may be any group.
    pub fn first_walk_since(&self, at: Timestamp) -> Option<Timestamp> {
        let mut walks = self.walks.iter().filter(|walk| walk.clear);
        walks.find(|walk| walk.began >= at).map(|walk| walk.began)
    }

    /// What is known of one group.
    pub fn group(&self, id: &GroupId) -> Presence<'_> {
        let part = self.parts.get(id).map(|part| part.as_of);
        if let Some(doubt) = self.doubts.get(id).copied().max(part) {
            return Presence::Unknown(doubt);
        }
        if let Some(seen) = self.groups.get(id) {
            return Presence::There(&seen.value, seen.as_of);
        }
        match self.gone.get(id) {
            Some(absence) => Presence::Gone(absence.as_of),
            None => Presence::Unknown(self.groups_as_of().unwrap_or(Timestamp::MIN)),
        }
    }

    /// Whether sources, policies and applications were read after the group was first seen as it
    /// is: what the tenant shows of a source may lag behind its group.
    pub fn facts_follow(&self, id: &GroupId) -> bool {
        let since = self.groups.get(id).map(|seen| seen.since);
        since.is_some_and(|since| self.facts_as_of > Some(since))
    }

    /// Since when a group has shown as it is.
    pub fn shown_since(&self, id: &GroupId) -> Option<Timestamp> {
        self.groups.get(id).map(|seen| seen.since)
    }

    /// Since when every read of this id found nothing.
    pub fn gone_since(&self, id: &GroupId) -> Option<Timestamp> {
        self.gone.get(id).map(|absence| absence.since)
    }

    /// From when on a read must show the writes that an earlier read did not show.
    pub fn hidden_until(&self) -> Option<Timestamp> {
        let hidden = self.written.values().filter(|written| written.hides);
        hidden.map(|written| written.shown_from).max()
    }

    /// Every group shown, in the order of ids.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values().map(|seen| &seen.value)
    }

    /// Every group of exactly this name.
    pub fn groups_named(&self, name: &str) -> Vec<&Group> {
        self.pick(self.group_names.get(name))
    }

    /// Every group that has this source.
    pub fn groups_with(&self, source: &SourceId) -> Vec<&Group> {
        self.pick(self.memberships.get(source))
    }

    fn pick(&self, ids: Option<&Vec<GroupId>>) -> Vec<&Group> {
        let ids = ids.into_iter().flatten();
        ids.filter_map(|id| self.groups.get(id).map(|seen| &seen.value))
            .collect()
    }

    /// Every source, in the order of ids.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.values()
    }

    /// A source by id.
    pub fn source(&self, id: &SourceId) -> Option<&Source> {
        self.sources.get(id)
    }

    /// Every source of exactly this name.
    pub fn sources_named(&self, name: &str) -> Vec<&Source> {
        let ids = self.source_names.get(name).into_iter().flatten();
        ids.filter_map(|id| self.sources.get(id)).collect()
    }

    /// The names of all sources, for suggestions.
    pub fn source_names(&self) -> impl Iterator<Item = &str> {
        self.source_names.keys().map(String::as_str)
    }

    /// A policy by id.
    pub fn policy(&self, id: &PolicyId) -> Option<&Policy> {
        self.policies.get(id)
    }

    /// Every policy of exactly this name.
    pub fn policies_named(&self, name: &str) -> Vec<&Policy> {
        let ids = self.policy_names.get(name).into_iter().flatten();
        ids.filter_map(|id| self.policies.get(id)).collect()
    }

    /// The names of all policies, for suggestions.
    pub fn policy_names(&self) -> impl Iterator<Item = &str> {
        self.policy_names.keys().map(String::as_str)
    }

    /// How many applications a source has; none if that could never be read.
    pub fn applications(&self, source: &SourceId) -> Option<u32> {
        self.applications.get(source).copied()
    }

    /// A source's policy holders and when their read began; `None` inside: the source is gone.
    pub fn holders(&self, source: &SourceId) -> Option<(Option<&[Holder]>, Timestamp)> {
        self.holders
            .get(source)
            .map(|seen| (seen.value.as_deref(), seen.as_of))
    }

    /// How many sources, policies and groups there are.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.sources.len(), self.policies.len(), self.groups.len())
    }
}

/// Merging into it.
impl Picture {
    /// A complete walk over all groups that began at `began`.
    pub fn merge_groups(&mut self, began: Timestamp, walked: Vec<Group>) -> Changes {
        self.merge_walk(began, walked, Vec::new())
    }

    /// Like [`Self::merge_groups`], for a walk that also showed groups that cannot be read as a
    /// whole.
    pub fn merge_walk(
        &mut self,
        began: Timestamp,
        walked: Vec<Group>,
        unreadable: Vec<Unreadable>,
    ) -> Changes {
        let mut changes = Changes::default();
        let mut missing: BTreeSet<GroupId> = self.groups.keys().cloned().collect();
        for group in walked {
            missing.remove(&group.id);
            self.merge_group(began, group, &mut changes);
        }
        let clear = !unreadable.iter().any(Unreadable::may_be_any);
        for id in self.merge_parts(began, unreadable, &mut changes) {
            missing.remove(&id);
        }
        for id in missing {
            if self.keeps_our_write(&id, began) {
                continue;
            }
            if self.groups.get(&id).is_some_and(|seen| seen.as_of < began) {
                self.forget(&id, &mut changes);
            }
        }
        let place = self.walks.partition_point(|walk| walk.began <= began);
        self.walks.insert(place, Walk { began, clear });
        while self.walks.len() > WALKS {
            self.walks.pop_front();
        }
        changes
    }

    /// The group with which a write was answered at `at`. Reads that begin before `shown_from` may
    /// not show it yet, and are ignored where they differ.
    pub fn merge_written(&mut self, at: Timestamp, group: Group, shown_from: Timestamp) -> Changes {
        let id = group.id.clone();
        self.written.remove(&id);
        let changes = self.merge_one(at, group);
        let written = Written {
            shown_from,
            hides: false,
        };
        self.written.insert(id, written);
        changes
    }

    /// A write was answered at `at`: there is no such group.
    pub fn merge_refuted(&mut self, at: Timestamp, id: &GroupId) -> Changes {
        self.written.remove(id);
        self.merge_gone(at, id)
    }

    /// A group that was read by id, as of `as_of`.
    pub fn merge_one(&mut self, as_of: Timestamp, group: Group) -> Changes {
        let mut changes = Changes::default();
        self.merge_group(as_of, group, &mut changes);
        changes
    }

    /// A read by id that began at `as_of` found nothing.
    pub fn merge_gone(&mut self, as_of: Timestamp, id: &GroupId) -> Changes {
        let mut changes = Changes::default();
        if self.is_newer(id, as_of) && !self.keeps_our_write(id, as_of) {
            self.settle(id, as_of);
            self.forget(id, &mut changes);
            let since = self.gone_since(id).unwrap_or(as_of);
            self.gone.insert(id.clone(), Absence { since, as_of });
        }
        changes
    }

    /// A write to a group ended at `at`, and only a read tells what it did: what was known of the
    /// group no longer holds.
    pub fn doubt(&mut self, id: &GroupId, at: Timestamp) {
        self.written.remove(id);
        self.doubts.insert(id.clone(), at);
    }

    /// A read of all sources, policies and applications that began at `began`. Sources that
    /// `applications` lacks keep the number that was known last.
    pub fn merge_facts(
        &mut self,
        began: Timestamp,
        sources: Vec<Source>,
        policies: Vec<Policy>,
        mut applications: BTreeMap<SourceId, u32>,
    ) -> Changes {
        let mut changes = Changes::default();
        let sources: BTreeMap<_, _> = sources.into_iter().map(|s| (s.id.clone(), s)).collect();
        let policies: BTreeMap<_, _> = policies.into_iter().map(|p| (p.id.clone(), p)).collect();
        for id in differing(&self.sources, &sources) {
            let both = self.sources.get(id).into_iter().chain(sources.get(id));
            changes
                .source_names
                .extend(both.map(|source| source.name.clone()));
            changes.sources.insert(id.clone());
        }
        for id in differing(&self.policies, &policies) {
            let both = self.policies.get(id).into_iter().chain(policies.get(id));
            changes
                .policy_names
                .extend(both.map(|policy| policy.name.clone()));
            changes.policies.insert(id.clone());
        }
        for (id, known) in &self.applications {
            if sources.contains_key(id) {
                applications.entry(id.clone()).or_insert(*known);
            }
        }
        for id in differing(&self.applications, &applications) {
            changes
                .source_names
                .extend(sources.get(id).map(|source| source.name.clone()));
            changes.sources.insert(id.clone());
        }
        if !(changes.source_names.is_empty() && changes.policy_names.is_empty()) {
            self.suggested = Suggested::default();
        }
        self.source_names = names(sources.values().map(|s| (&s.name, &s.id)));
        self.policy_names = names(policies.values().map(|p| (&p.name, &p.id)));
        self.sources = sources;
        self.policies = policies;
        self.applications = applications;
        self.facts_as_of = Some(began);
        changes
    }

    /// The holders of one source, by a read or by the answer to a write as of `as_of`; `None`: no
    /// such source.
    pub fn merge_holders(
        &mut self,
        as_of: Timestamp,
        source: SourceId,
        holders: Option<Vec<Holder>>,
    ) {
        if self
            .holders
            .get(&source)
            .is_none_or(|seen| seen.as_of <= as_of)
        {
            self.holders.insert(
                source,
                Seen {
                    value: holders,
                    as_of,
                    since: as_of,
                },
            );
        }
    }

    fn merge_group(&mut self, as_of: Timestamp, group: Group, changes: &mut Changes) {
        if !self.is_newer(&group.id, as_of) {
            return;
        }
        self.settle(&group.id, as_of);
        let same = self
            .groups
            .get(&group.id)
            .is_some_and(|seen| seen.value == group);
        if !same && self.keeps_our_write(&group.id, as_of) {
            return;
        }
        if self
            .written
            .get(&group.id)
            .is_some_and(|written| written.shown_from <= as_of)
        {
            self.written.remove(&group.id);
        }
        if let Some(seen) = self.groups.get_mut(&group.id).filter(|_| same) {
            seen.as_of = as_of;
            return;
        }
        self.put(as_of, group, changes);
    }

    /// Replaces what was known of a group.
    fn put(&mut self, as_of: Timestamp, group: Group, changes: &mut Changes) {
        self.forget(&group.id, changes);
        self.gone.remove(&group.id);
        self.mark(&group, changes);
        link(&mut self.group_names, &group.name, &group.id);
        for source in &group.sources {
            link(&mut self.memberships, source, &group.id);
        }
        self.groups.insert(
            group.id.clone(),
            Seen {
                value: group,
                as_of,
                since: as_of,
            },
        );
    }

    /// Whether a read that began at `as_of` and shows something else, or nothing, may only not show
    /// the operator's write yet. It then counts as a read of what was written.
    fn keeps_our_write(&mut self, id: &GroupId, as_of: Timestamp) -> bool {
        let written = self.written.get_mut(id);
        let written = written.filter(|written| as_of < written.shown_from);
        if let (Some(written), Some(seen)) = (written, self.groups.get_mut(id)) {
            written.hides = true;
            seen.as_of = seen.as_of.max(as_of);
            return true;
        }
        self.written.remove(id);
        false
    }

    fn is_newer(&self, id: &GroupId, as_of: Timestamp) -> bool {
        let known = self.groups.get(id).map(|seen| seen.as_of);
        known
            .or_else(|| self.gone.get(id).map(|absence| absence.as_of))
            .is_none_or(|known| known <= as_of)
    }

    fn settle(&mut self, id: &GroupId, as_of: Timestamp) {
        if self.doubts.get(id).is_some_and(|doubt| *doubt < as_of) {
            self.doubts.remove(id);
        }
        if self.parts.get(id).is_some_and(|part| part.as_of < as_of) {
            self.parts.remove(id);
        }
    }

    /// The group's sources count as changed under their names too: a resource that waits for a
    /// source by name knows no id.
    fn mark(&self, group: &Group, changes: &mut Changes) {
        changes.groups.insert(group.id.clone());
        changes.group_names.insert(group.name.clone());
        changes.sources.extend(group.sources.iter().cloned());
        let known = group.sources.iter().filter_map(|id| self.sources.get(id));
        changes
            .source_names
            .extend(known.map(|source| source.name.clone()));
    }

    fn forget(&mut self, id: &GroupId, changes: &mut Changes) {
        let Some(Seen { value: group, .. }) = self.groups.remove(id) else {
            return;
        };
        self.mark(&group, changes);
        unlink(&mut self.group_names, &group.name, id);
        for source in &group.sources {
            unlink(&mut self.memberships, source, id);
        }
    }
}

fn link<K: Ord + Clone, I: Ord + Clone>(index: &mut Index<K, I>, key: &K, id: &I) {
    let ids = index.entry(key.clone()).or_default();
    if let Err(place) = ids.binary_search(id) {
        ids.reserve_exact(1);
        ids.insert(place, id.clone());
    }
}

fn unlink<K: Ord, I: Ord>(index: &mut Index<K, I>, key: &K, id: &I) {
    if let Some(ids) = index.get_mut(key) {
        ids.retain(|known| known != id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

fn names<'a, I: Ord + Clone + 'a>(
    pairs: impl Iterator<Item = (&'a String, &'a I)>,
) -> Index<String, I> {
    let mut index = Index::new();
    for (name, id) in pairs {
        link(&mut index, name, id);
    }
    index
}

fn differing<'a, K: Ord, V: PartialEq>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = &'a K> {
    let gone = old.keys().filter(|key| !new.contains_key(key));
    gone.chain(
        new.iter()
            .filter(|(key, value)| old.get(key) != Some(value))
            .map(|(key, _)| key),
    )
}

#[cfg(test)]
pub(crate) mod tests;
