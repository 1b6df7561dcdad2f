//! The tenant: takes whatever it is sent and checks nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use psg_domain::{Group, GroupId, Intent, PolicyId, SourceId};

use super::{
    sight::SOURCES,
    state::{Made, Tenant},
};
use crate::tests::fixture::{group_id, policy_id, source_id};

/// The ids that the tenant mints; one that nobody means any more is used again.
static IDS: LazyLock<Vec<GroupId>> =
    LazyLock::new(|| (0..8).map(|n| group_id(&format!("g{n}"))).collect());

pub fn unused(meant: &BTreeSet<GroupId>) -> GroupId {
    let free = IDS.iter().find(|id| !meant.contains(*id));
    free.expect("more groups than the world has ids for")
        .clone()
}

impl Tenant {
    pub fn new() -> Self {
        let own = policy_id("own");
        let holders = SOURCES.map(|id| (source_id(id), Some(own.clone())));
        Self {
            groups: BTreeMap::new(),
            holders: holders.into(),
        }
    }

    pub fn make(&mut self, id: GroupId, maker: Option<usize>, intent: &Intent) -> Group {
        let group = Group {
            id,
            name: intent.name.clone(),
            policy: Some(intent.policy.clone()),
            sources: intent.sources.clone(),
        };
        self.put(&group, maker, true, false);
        group
    }

    /// Replaces a group; none if it is not there.
    pub fn replace(&mut self, group: Group, hands_back: bool) -> Option<Group> {
        let was = self.groups.get(&group.id)?.clone();
        self.put(&group, was.maker, was.young, hands_back);
        if let Some(made) = self.groups.get_mut(&group.id) {
            made.was = Some(was.was.unwrap_or(was.group));
        }
        Some(group)
    }

    fn put(&mut self, group: &Group, maker: Option<usize>, young: bool, hands_back: bool) {
        for id in &group.sources {
            self.holders.insert(id.clone(), None);
        }
        let made = Made {
            group: group.clone(),
            maker,
            young,
            was: None,
        };
        if let Some(was) = self.groups.insert(group.id.clone(), made) {
            let left = was.group.sources.difference(&group.sources);
            self.let_go(left, was.group.policy.as_ref(), hands_back);
        }
    }

    pub fn delete(&mut self, id: &GroupId, hands_back: bool) {
        if let Some(Made { group, .. }) = self.groups.remove(id) {
            self.let_go(group.sources.iter(), group.policy.as_ref(), hands_back);
        }
    }

    fn let_go<'a>(
        &mut self,
        sources: impl Iterator<Item = &'a SourceId>,
        policy: Option<&PolicyId>,
        hands_back: bool,
    ) {
        for id in sources {
            if hands_back && self.groups_with(id).next().is_none() {
                self.holders.insert(id.clone(), policy.cloned());
            }
        }
    }

    pub fn groups_with(&self, source: &SourceId) -> impl Iterator<Item = &Made> {
        let groups = self.groups.values();
        groups.filter(|made| made.group.sources.contains(source))
    }

    pub fn made_by(&self, resource: usize) -> impl Iterator<Item = &Made> {
        let groups = self.groups.values();
        groups.filter(move |made| made.maker == Some(resource))
    }

    /// In no group and under no policy: what a deletion must never leave behind.
    pub fn is_bare(&self, source: &SourceId) -> bool {
        self.holders.get(source) == Some(&None) && self.groups_with(source).next().is_none()
    }
}
