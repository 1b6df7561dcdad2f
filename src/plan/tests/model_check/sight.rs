//! What one process has read of the tenant: the contents of a [`Picture`], which is made anew from
//! it for each decision. A read is one instant here, so every merge is of something newer.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use jiff::Timestamp;
use psg_domain::{Group, GroupId, Holder, Picture, PolicyId, SourceId};

use super::{state::Resource, time::NOW};
use crate::tests::fixture::{at, policy, source};

/// The sources and the policies of every world; names are the ids in capitals.
pub const SOURCES: [&str; 4] = ["ad", "sf", "wd", "sn"];
pub const POLICIES: [&str; 3] = ["strong", "weak", "own"];

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sight {
    /// When the complete walks began that still matter, oldest first.
    pub walks: Vec<Timestamp>,
    /// Since when each group shows as it is, and when it was seen last.
    pub groups: BTreeMap<GroupId, (Group, Timestamp, Timestamp)>,
    /// When the first and the last of the reads by id began that found nothing.
    pub gone: BTreeMap<GroupId, (Timestamp, Timestamp)>,
    pub doubts: BTreeMap<GroupId, Timestamp>,
    /// Groups that this process wrote: reads that begin before may not show that.
    pub written: BTreeMap<GroupId, Timestamp>,
    pub holders: BTreeMap<SourceId, (Option<PolicyId>, Timestamp)>,
}

static FACTS: LazyLock<Picture> = LazyLock::new(|| {
    let mut picture = Picture::default();
    let sources = SOURCES.map(|id| source(id, &id.to_uppercase()));
    let policies = POLICIES.map(|id| policy(id, &id.to_uppercase()));
    picture.merge_facts(at(0), sources.into(), policies.into(), BTreeMap::new());
    picture
});

impl Sight {
    /// The same, as the plan sees it.
    pub fn picture(&self) -> Picture {
        let mut picture = FACTS.clone();
        for began in &self.walks {
            picture.merge_groups(*began, Vec::new());
        }
        for (group, since, as_of) in self.groups.values() {
            picture.merge_one(*since, group.clone());
            picture.merge_one(*as_of, group.clone());
        }
        for (id, (since, as_of)) in &self.gone {
            picture.merge_gone(*since, id);
            picture.merge_gone(*as_of, id);
        }
        for (id, at) in &self.doubts {
            picture.doubt(id, *at);
        }
        for (id, (policy, as_of)) in &self.holders {
            let holders = policy.iter().cloned().map(Holder::for_everybody).collect();
            picture.merge_holders(*as_of, id.clone(), Some(holders));
        }
        picture
    }

    /// Several groups have exactly the content that this resource sent.
    pub fn shows_twins(&self, known: &Resource) -> bool {
        let sent = known.recorded.intent.as_ref();
        let made = |group: &Group| sent.is_some_and(|intent| intent.made(group));
        let groups = self.groups.values();
        groups.filter(|(group, ..)| made(group)).count() > 1
    }

    pub fn walk(&mut self, shown: impl Iterator<Item = Group>) {
        let mut missing: BTreeSet<GroupId> = self.groups.keys().cloned().collect();
        for group in shown {
            missing.remove(&group.id);
            self.see(group);
        }
        for id in missing {
            if self.keeps_our_write(&id) {
                continue;
            }
            if self.groups[&id].2 < NOW {
                self.groups.remove(&id);
            }
        }
        if self.walks.last() != Some(&NOW) {
            self.walks.push(NOW);
        }
    }

    /// One of our writes was answered.
    pub fn wrote(&mut self, group: Group, shown_from: Timestamp) {
        let id = group.id.clone();
        self.written.remove(&id);
        self.see(group);
        self.written.insert(id, shown_from);
    }

    /// ... with 404.
    pub fn refuted(&mut self, id: &GroupId) {
        self.written.remove(id);
        self.miss(id);
    }

    fn keeps_our_write(&mut self, id: &GroupId) -> bool {
        let kept = self.written.get(id).is_some_and(|from| NOW < *from);
        if let Some((_, _, as_of)) = self.groups.get_mut(id).filter(|_| kept) {
            *as_of = NOW;
            return true;
        }
        self.written.remove(id);
        false
    }

    pub fn see(&mut self, group: Group) {
        self.settle(&group.id);
        let differs = self
            .groups
            .get(&group.id)
            .is_some_and(|(known, ..)| *known != group);
        if differs && self.keeps_our_write(&group.id) {
            return;
        }
        self.gone.remove(&group.id);
        let known = self
            .groups
            .get(&group.id)
            .filter(|(known, ..)| *known == group);
        let since = known.map_or(NOW, |(_, since, _)| *since);
        self.groups.insert(group.id.clone(), (group, since, NOW));
    }

    pub fn miss(&mut self, id: &GroupId) {
        if self.keeps_our_write(id) {
            return;
        }
        self.settle(id);
        self.groups.remove(id);
        let since = self.gone.get(id).map_or(NOW, |(since, _)| *since);
        self.gone.insert(id.clone(), (since, NOW));
    }

    pub fn doubt(&mut self, id: &GroupId) {
        self.written.remove(id);
        self.doubts.insert(id.clone(), NOW);
    }

    fn settle(&mut self, id: &GroupId) {
        if self.doubts.get(id).is_some_and(|doubt| *doubt < NOW) {
            self.doubts.remove(id);
        }
    }

    pub fn each_time(&mut self, f: &mut impl FnMut(&mut Timestamp)) {
        let groups = self.groups.values_mut();
        let seen = groups.flat_map(|(_, since, at)| [since, at]);
        let held = self.holders.values_mut().map(|(_, at)| at);
        let gone = self.gone.values_mut().flat_map(|(since, at)| [since, at]);
        let known = gone
            .chain(self.doubts.values_mut())
            .chain(self.written.values_mut());
        for at in self.walks.iter_mut().chain(seen).chain(held).chain(known) {
            f(at);
        }
    }

    /// Forgets ids that nobody means, and walks that prove nothing.
    pub fn tidy(&mut self, meant: &BTreeSet<GroupId>, deadlines: &BTreeSet<Timestamp>) {
        self.gone.retain(|id, _| meant.contains(id));
        self.doubts.retain(|id, _| meant.contains(id));
        self.written
            .retain(|id, from| meant.contains(id) && *from > NOW);
        let first = |deadline: &Timestamp| self.walks.iter().find(|walk| *walk >= deadline);
        let mut kept: BTreeSet<Timestamp> = deadlines.iter().filter_map(first).copied().collect();
        kept.extend(self.walks.last());
        self.walks = kept.into_iter().collect();
    }
}
