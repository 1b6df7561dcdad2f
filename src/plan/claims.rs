//! Rule 3: one owner. A tenant's group, name or source belongs to the resource whose status
//! records it; if none does, to the oldest that wants it.
//!
//! Keyed by the tenant that really answers, so that two IdentityTenants of one tenant
//! share their claims. In memory, rebuilt from the resources; never a source of truth.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use psg_domain::{Changes, Desired, GroupId, Recorded, Ref, Source, SourceId, TenantKey};

/// One resource as far as it claims something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// Its UID.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created: Timestamp,
    /// Its IdentityTenant, as `namespace/name`.
    pub tenant: String,
    /// It may win what nobody has recorded: not observing, paused or being deleted.
    pub eager: bool,
    /// What it wants, if its manifest can be read.
    pub wanted: Wanted,
    /// What its status records.
    pub held: Held,
}

/// What a manifest asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    name: Option<String>,
    group: Option<GroupId>,
    sources: BTreeSet<Ref>,
    policy: Option<Ref>,
}

/// What a status records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    tenant: Option<TenantKey>,
    group: Option<GroupId>,
    names: BTreeSet<String>,
    sources: BTreeSet<SourceId>,
    source_names: BTreeSet<String>,
    leaving: bool,
}

impl Wanted {
    /// What this manifest asks for.
    pub fn of(desired: &Desired) -> Self {
        Self {
            name: Some(desired.name.clone()),
            group: desired.group_id.clone(),
            sources: desired.sources.iter().cloned().collect(),
            policy: Some(desired.policy.clone()),
        }
    }
}

impl Held {
    /// What this status records.
    pub fn of(recorded: &Recorded) -> Self {
        let mut held = Self {
            tenant: recorded.tenant.clone(),
            ..Self::default()
        };
        if let Some(intent) = &recorded.intent {
            held.names.insert(intent.name.clone());
            held.sources.extend(intent.sources.iter().cloned());
        }
        if let Some(group) = recorded.held() {
            held.group = Some(group.clone());
            held.names.extend(recorded.name.clone());
            held.sources.extend(recorded.source_ids());
        }
        let deletion = recorded
            .deletion
            .iter()
            .flat_map(|deletion| &deletion.sources);
        for open in recorded
            .leaving
            .iter()
            .chain(deletion)
            .filter(|open| open.result.is_none())
        {
            held.sources.insert(open.source.clone());
            held.source_names.insert(open.name.clone());
        }
        if !held.sources.is_empty() {
            held.source_names
                .extend(recorded.sources.iter().map(|pin| pin.name.clone()));
        }
        held
    }
}

/// Who owns what, over all resources.
#[derive(Clone, Debug, Default)]
pub struct ClaimIndex {
    claimants: BTreeMap<String, Claimant>,
    tenants: BTreeMap<String, TenantKey>,
    keys: BTreeMap<Key, BTreeSet<String>>,
}

/// A tenant by its own word, or, before it was ever read, by its resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Known(TenantKey),
    Unread(String),
}

/// One thing that can be claimed or depended on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Tenant(String),
    Group(Scope, GroupId),
    GroupName(Scope, String),
    Source(Scope, SourceId),
    SourceRef(Scope, Ref),
    PolicyRef(Scope, Ref),
}

impl ClaimIndex {
    /// Takes in a resource as it is now, and names the others that this may free or bind.
    pub fn insert(&mut self, claimant: Claimant) -> BTreeSet<String> {
        if self.claimants.get(&claimant.uid) == Some(&claimant) {
            return BTreeSet::new();
        }
        let mut rivals = self.remove(&claimant.uid);
        for key in self.keys_of(&claimant) {
            let uids = self.keys.entry(key.clone()).or_default();
            if !matches!(key, Key::Tenant(_) | Key::PolicyRef(..)) {
                rivals.extend(uids.iter().cloned());
            }
            uids.insert(claimant.uid.clone());
        }
        rivals.extend(self.wanters_of(&claimant));
        rivals.remove(&claimant.uid);
        self.claimants.insert(claimant.uid.clone(), claimant);
        rivals
    }

    /// Forgets a resource, and names the others that this may free.
    pub fn remove(&mut self, uid: &str) -> BTreeSet<String> {
        let Some(claimant) = self.claimants.remove(uid) else {
            return BTreeSet::new();
        };
        let mut rivals = self.wanters_of(&claimant);
        for key in self.keys_of(&claimant) {
            if let Some(uids) = self.keys.get_mut(&key) {
                uids.remove(uid);
                if !matches!(key, Key::Tenant(_) | Key::PolicyRef(..)) {
                    rivals.extend(uids.iter().cloned());
                }
                if uids.is_empty() {
                    self.keys.remove(&key);
                }
            }
        }
        rivals
    }

    /// Says who answers behind an IdentityTenant.
    pub fn identify(&mut self, tenant: &str, key: &TenantKey) {
        if self.tenants.get(tenant) == Some(key) {
            return;
        }
        let members = self.members(tenant);
        let claimants: Vec<Claimant> = members
            .iter()
            .filter_map(|uid| self.claimants.get(uid).cloned())
            .collect();
        for claimant in &claimants {
            self.remove(&claimant.uid);
        }
        self.tenants.insert(tenant.to_owned(), key.clone());
        for claimant in claimants {
            self.insert(claimant);
        }
    }

    /// The resources of one IdentityTenant.
    pub fn members(&self, tenant: &str) -> BTreeSet<String> {
        self.keys
            .get(&Key::Tenant(tenant.to_owned()))
            .cloned()
            .unwrap_or_default()
    }

    /// The resources of a tenant that depend on something that changed in it.
    pub fn affected(&self, key: &TenantKey, changes: &Changes) -> BTreeSet<String> {
        let scope = || Scope::Known(key.clone());
        let groups = changes
            .groups
            .iter()
            .map(|id| Key::Group(scope(), id.clone()));
        let names = changes
            .group_names
            .iter()
            .map(|name| Key::GroupName(scope(), name.clone()));
        let sources = changes.sources.iter().flat_map(|id| {
            let by_id = Key::SourceRef(scope(), Ref::Id(id.to_string()));
            [Key::Source(scope(), id.clone()), by_id]
        });
        let source_names = changes
            .source_names
            .iter()
            .map(|name| Key::SourceRef(scope(), Ref::Name(name.clone())));
        let policies = changes
            .policies
            .iter()
            .map(|id| Key::PolicyRef(scope(), Ref::Id(id.to_string())));
        let policy_names = changes
            .policy_names
            .iter()
            .map(|name| Key::PolicyRef(scope(), Ref::Name(name.clone())));
        groups
            .chain(names)
            .chain(sources)
            .chain(source_names)
            .chain(policies)
            .chain(policy_names)
            .filter_map(|key| self.keys.get(&key))
            .flatten()
            .cloned()
            .collect()
    }

    /// The resources of a namespace, or all.
    pub fn uids_in(&self, namespace: Option<&str>) -> BTreeSet<String> {
        let inside = |claimant: &&Claimant| namespace.is_none_or(|ns| claimant.namespace == ns);
        self.claimants
            .values()
            .filter(inside)
            .map(|claimant| claimant.uid.clone())
            .collect()
    }

    /// A resource by UID.
    pub fn claimant(&self, uid: &str) -> Option<&Claimant> {
        self.claimants.get(uid)
    }

    /// The groups of one IdentityTenant that are recorded and not being deleted.
    pub fn managed<'a>(&'a self, tenant: &str) -> impl Iterator<Item = &'a GroupId> + use<'a> {
        let members = self
            .keys
            .get(&Key::Tenant(tenant.to_owned()))
            .into_iter()
            .flatten();
        members
            .filter_map(|uid| self.claimants.get(uid))
            .filter(|claimant| !claimant.held.leaving)
            .filter_map(|claimant| claimant.held.group.as_ref())
    }

    /// The owner of a group, if that is another resource.
    pub fn owner_of_group(&self, me: &str, id: &GroupId) -> Option<&Claimant> {
        let scope = self.scope_of(me)?;
        self.owner(me, &[Key::Group(scope, id.clone())], |other| {
            other.held.group.as_ref() == Some(id)
        })
    }

    /// The resource whose status records a group, if that is another one.
    pub fn holder_of_group(&self, me: &str, id: &GroupId) -> Option<&Claimant> {
        self.owner_of_group(me, id)
            .filter(|other| other.held.group.as_ref() == Some(id))
    }

    /// The owner of a group's name, if that is another resource.
    pub fn owner_of_name(&self, me: &str, name: &str) -> Option<&Claimant> {
        let scope = self.scope_of(me)?;
        self.owner(me, &[Key::GroupName(scope, name.to_owned())], |other| {
            other.held.names.contains(name)
        })
    }

    /// The owner of a source, if that is another resource.
    pub fn owner_of_source(&self, me: &str, source: &Source) -> Option<&Claimant> {
        let scope = self.scope_of(me)?;
        let keys = [
            Key::Source(scope.clone(), source.id.clone()),
            Key::SourceRef(scope.clone(), Ref::Id(source.id.to_string())),
            Key::SourceRef(scope, Ref::Name(source.name.clone())),
        ];
        self.owner(me, &keys, |other| other.held.sources.contains(&source.id))
    }

    fn owner(
        &self,
        me: &str,
        keys: &[Key],
        records: impl Fn(&Claimant) -> bool,
    ) -> Option<&Claimant> {
        let candidates = keys.iter().filter_map(|key| self.keys.get(key)).flatten();
        candidates
            .chain([&me.to_owned()])
            .filter_map(|uid| self.claimants.get(uid))
            .filter(|claimant| claimant.eager || records(claimant))
            .min_by_key(|claimant| (!records(claimant), claimant.created, &claimant.uid))
            .filter(|owner| owner.uid != me)
    }

    /// A status holds sources by id while manifests may want them by name.
    fn wanters_of(&self, claimant: &Claimant) -> BTreeSet<String> {
        let scope = self.scope(claimant);
        let ids = claimant
            .held
            .sources
            .iter()
            .map(|id| Ref::Id(id.to_string()));
        let names = claimant
            .held
            .source_names
            .iter()
            .map(|name| Ref::Name(name.clone()));
        ids.chain(names)
            .filter_map(|by| self.keys.get(&Key::SourceRef(scope.clone(), by)))
            .flatten()
            .filter(|uid| **uid != claimant.uid)
            .cloned()
            .collect()
    }

    fn scope_of(&self, uid: &str) -> Option<Scope> {
        self.claimants.get(uid).map(|claimant| self.scope(claimant))
    }

    fn scope(&self, claimant: &Claimant) -> Scope {
        let pinned = claimant.held.tenant.as_ref();
        match pinned.or_else(|| self.tenants.get(&claimant.tenant)) {
            Some(key) => Scope::Known(key.clone()),
            None => Scope::Unread(claimant.tenant.clone()),
        }
    }

    fn keys_of(&self, claimant: &Claimant) -> BTreeSet<Key> {
        let scope = self.scope(claimant);
        let Wanted {
            name,
            group,
            sources,
            policy,
        } = &claimant.wanted;
        let held = &claimant.held;
        let mut keys = BTreeSet::from([Key::Tenant(claimant.tenant.clone())]);
        let groups = group.iter().chain(&held.group);
        keys.extend(groups.map(|id| Key::Group(scope.clone(), id.clone())));
        let names = name.iter().chain(&held.names);
        keys.extend(names.map(|name| Key::GroupName(scope.clone(), name.clone())));
        keys.extend(
            held.sources
                .iter()
                .map(|id| Key::Source(scope.clone(), id.clone())),
        );
        keys.extend(
            sources
                .iter()
                .map(|by| Key::SourceRef(scope.clone(), by.clone())),
        );
        keys.extend(
            policy
                .iter()
                .map(|by| Key::PolicyRef(scope.clone(), by.clone())),
        );
        keys
    }
}

impl Claimant {
    /// Marks a resource that is being deleted: its group is expected to go.
    #[must_use]
    pub fn leaving(mut self, leaving: bool) -> Self {
        self.held.leaving = leaving;
        self
    }

    /// How a resource in `namespace` may be told of this owner.
    pub fn called_from(&self, namespace: &str) -> String {
        if self.namespace == namespace {
            format!("PasswordSyncGroup \"{}\"", self.name)
        } else {
            "a PasswordSyncGroup in another namespace".to_owned()
        }
    }
}
