//! Everything a tenant holds, and the indexes that keep rules cheap. No IO, no rules.
//!
//! All changes go through here, so an index cannot disagree with its table.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    clock::plus_seconds,
    model::{App, Group, Holder, Policy, Source},
    switches::PolicyWhileGrouped,
    table::Table,
};

/// The objects of one tenant.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The password sync groups.
    pub groups: Table<Group>,
    /// The password policies.
    pub policies: Table<Policy>,
    /// The sources with their policy holders.
    pub sources: Table<Source>,
    /// The applications.
    pub apps: Table<App>,
    /// How many accounts each source has.
    pub accounts: BTreeMap<String, usize>,
    members: BTreeMap<String, BTreeMap<String, Timestamp>>,
    names: BTreeMap<String, BTreeSet<String>>,
    grouped_by_policy: BTreeMap<String, BTreeSet<String>>,
    held_by_policy: BTreeMap<String, BTreeSet<String>>,
    apps_by_source: BTreeMap<String, BTreeSet<String>>,
}

impl State {
    /// Adds or replaces a group and returns what it replaced.
    pub fn put_group(&mut self, group: Group, now: Timestamp) -> Option<Group> {
        self.index_group(&group, now);
        if let Some(old) = self.groups.find(&group.id).cloned() {
            self.unindex_group(&old, Some(&group));
        }
        self.groups.put(group, now)
    }

    /// Removes a group.
    pub fn remove_group(&mut self, id: &str, now: Timestamp) -> Option<Group> {
        let group = self.groups.remove(id, now)?;
        self.unindex_group(&group, None);
        Some(group)
    }

    /// Adds or replaces a source.
    pub fn put_source(&mut self, source: Source, now: Timestamp) {
        for holder in &source.holders {
            add(&mut self.held_by_policy, &holder.policy_id, &source.id);
        }
        let kept = source.holders.clone();
        if let Some(old) = self.sources.put(source, now) {
            self.unindex_holders(&old, &kept);
        }
    }

    /// Removes a source; groups keep its id, as a faulty service might leave them.
    pub fn remove_source(&mut self, id: &str, now: Timestamp) -> Option<Source> {
        let source = self.sources.remove(id, now)?;
        self.unindex_holders(&source, &[]);
        Some(source)
    }

    /// Replaces the policies of a source; false if there is no such source.
    pub fn set_holders(&mut self, id: &str, holders: Vec<Holder>, now: Timestamp) -> bool {
        let Some(source) = self.sources.find(id) else {
            return false;
        };
        let source = Source {
            holders,
            modified: Some(now),
            ..source.clone()
        };
        self.put_source(source, now);
        true
    }

    /// Adds or replaces an application.
    pub fn put_app(&mut self, app: App, now: Timestamp) {
        if let Some(old) = self.apps.find(&app.id).and_then(source_of) {
            remove(&mut self.apps_by_source, &old, &app.id);
        }
        if let Some(source) = source_of(&app) {
            add(&mut self.apps_by_source, &source, &app.id);
        }
        self.apps.put(app, now);
    }

    /// Removes an application.
    pub fn remove_app(&mut self, id: &str, now: Timestamp) -> Option<App> {
        let app = self.apps.remove(id, now)?;
        if let Some(source) = source_of(&app) {
            remove(&mut self.apps_by_source, &source, id);
        }
        Some(app)
    }

    /// A state whose objects have always been there: no stale read shows them missing.
    pub(crate) fn seeded(
        groups: Vec<Group>,
        policies: Vec<Policy>,
        sources: Vec<Source>,
        apps: Vec<App>,
        now: Timestamp,
    ) -> Self {
        let mut state = Self::default();
        for group in groups {
            state.index_group(&group, now);
            state.groups.seed(group);
        }
        for policy in policies {
            state.policies.seed(policy);
        }
        for source in sources {
            for holder in &source.holders {
                add(&mut state.held_by_policy, &holder.policy_id, &source.id);
            }
            state.sources.seed(source);
        }
        for app in apps {
            if let Some(source) = source_of(&app) {
                add(&mut state.apps_by_source, &source, &app.id);
            }
            state.apps.seed(app);
        }
        state
    }

    /// The groups that hold a source.
    pub fn groups_of(&self, source: &str) -> impl Iterator<Item = &Group> {
        let ids = self
            .members
            .get(source)
            .into_iter()
            .flat_map(BTreeMap::keys);
        ids.filter_map(|id| self.groups.find(id))
    }

    /// The groups of a name, ignoring case.
    pub fn groups_named(&self, name: &str) -> impl Iterator<Item = &Group> {
        let ids = self.names.get(&name.to_lowercase()).into_iter().flatten();
        ids.filter_map(|id| self.groups.find(id))
    }

    /// The applications of a source.
    pub fn apps_of(&self, source: &str) -> impl Iterator<Item = &App> {
        let ids = self.apps_by_source.get(source).into_iter().flatten();
        ids.filter_map(|id| self.apps.find(id))
    }

    /// Whether a group or a source uses the policy.
    pub fn policy_in_use(&self, policy: &str) -> bool {
        self.grouped_by_policy.contains_key(policy) || self.held_by_policy.contains_key(policy)
    }

    /// The ids of the policies that a source is shown with.
    pub fn policies_shown(
        &self,
        source: &Source,
        rule: PolicyWhileGrouped,
        now: Timestamp,
    ) -> Vec<String> {
        let visible = |joined: Timestamp| match rule {
            PolicyWhileGrouped::Shown => true,
            PolicyWhileGrouped::Hidden => false,
            PolicyWhileGrouped::Delayed { seconds } => plus_seconds(joined, seconds) <= now,
        };
        let memberships = self.members.get(&source.id).into_iter().flatten();
        let by_group: Vec<String> = memberships
            .filter(|(_, joined)| visible(**joined))
            .filter_map(|(group, _)| self.groups.find(group)?.password_policy_id.clone())
            .collect();
        if by_group.is_empty() {
            source
                .holders
                .iter()
                .map(|holder| holder.policy_id.clone())
                .collect()
        } else {
            by_group
        }
    }

    /// The ids of the sources that a policy is shown with.
    pub fn sources_shown(
        &self,
        policy: &str,
        rule: PolicyWhileGrouped,
        now: Timestamp,
    ) -> BTreeSet<String> {
        let held = self
            .held_by_policy
            .get(policy)
            .into_iter()
            .flatten()
            .cloned();
        let groups = self.grouped_by_policy.get(policy).into_iter().flatten();
        let grouped = groups.filter_map(|id| self.groups.find(id));
        let candidates = held.chain(grouped.flat_map(|group| group.source_ids.iter().cloned()));
        let candidates: BTreeSet<String> = candidates.collect();
        candidates
            .into_iter()
            .filter(|id| {
                let source = self.sources.find(id);
                source.is_some_and(|source| {
                    self.policies_shown(source, rule, now)
                        .iter()
                        .any(|shown| shown == policy)
                })
            })
            .collect()
    }

    fn index_group(&mut self, group: &Group, now: Timestamp) {
        for source in &group.source_ids {
            let joined = self.members.entry(source.clone()).or_default();
            joined.entry(group.id.clone()).or_insert(now);
        }
        add(&mut self.names, &group.name.to_lowercase(), &group.id);
        if let Some(policy) = &group.password_policy_id {
            add(&mut self.grouped_by_policy, policy, &group.id);
        }
    }

    fn unindex_group(&mut self, old: &Group, new: Option<&Group>) {
        for source in &old.source_ids {
            if new.is_some_and(|new| new.source_ids.contains(source)) {
                continue;
            }
            if let Some(joined) = self.members.get_mut(source) {
                joined.remove(&old.id);
                if joined.is_empty() {
                    self.members.remove(source);
                }
            }
        }
        let name = old.name.to_lowercase();
        if new.is_none_or(|new| new.name.to_lowercase() != name) {
            remove(&mut self.names, &name, &old.id);
        }
        if let Some(policy) = &old.password_policy_id
            && new.is_none_or(|new| new.password_policy_id.as_ref() != Some(policy))
        {
            remove(&mut self.grouped_by_policy, policy, &old.id);
        }
    }

    fn unindex_holders(&mut self, old: &Source, kept: &[Holder]) {
        for holder in &old.holders {
            if !kept.iter().any(|new| new.policy_id == holder.policy_id) {
                remove(&mut self.held_by_policy, &holder.policy_id, &old.id);
            }
        }
    }
}

fn source_of(app: &App) -> Option<String> {
    app.account_source.as_ref().map(|source| source.id.clone())
}

fn add(index: &mut BTreeMap<String, BTreeSet<String>>, key: &str, value: &str) {
    index
        .entry(key.to_owned())
        .or_default()
        .insert(value.to_owned());
}

fn remove(index: &mut BTreeMap<String, BTreeSet<String>>, key: &str, value: &str) {
    if let Some(set) = index.get_mut(key) {
        set.remove(value);
        if set.is_empty() {
            index.remove(key);
        }
    }
}
