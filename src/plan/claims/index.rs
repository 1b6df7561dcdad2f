//! Who owns what, over all resources, by what each claims. In memory, rebuilt from the resources;
//! never a source of truth.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use psg_domain::{Changes, GroupId, Ref, Source, SourceId, TenantKey, TenantName, time};

use super::{Claimant, Version, Wanted};
use crate::brake::{self, Going, Wave};

/// Who owns what, over all resources.
///
/// It takes little memory: resources and tenants are numbered, and a key that only one resource
/// has, as nearly all have, holds that number and nothing else.
#[derive(Clone, Debug, Default)]
pub struct ClaimIndex {
    claimants: Vec<Option<Box<Claimant>>>,
    numbers: BTreeMap<Box<str>, u32>,
    free: Vec<u32>,
    tenants: BTreeMap<TenantName, TenantKey>,
    scopes: BTreeMap<Scope, u32>,
    keys: BTreeMap<Key, Few>,
    /// By IdentityTenant and UID, when the deletions were begun that ended lately.
    ended: BTreeMap<TenantName, BTreeMap<String, Timestamp>>,
    /// By tenant and IdentityTenant, when the last resource was removed that held something there.
    let_go: BTreeMap<TenantKey, BTreeMap<TenantName, Timestamp>>,
}

/// A tenant by its key or, before it was ever read, by its IdentityTenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Known(TenantKey),
    Unread(TenantName),
}

/// One thing that can be claimed or depended on, in the scope that has this number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: Kind,
    scope: u32,
    text: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Tenant,
    Group,
    GroupName,
    Source,
    SourceByName,
    SourceById,
    PolicyByName,
    PolicyById,
}

/// The resources that a key leads to, by number.
#[derive(Clone, Debug)]
enum Few {
    One(u32),
    #[expect(
        clippy::box_collection,
        reason = "nearly every key has one: this one is rare"
    )]
    Many(Box<BTreeSet<u32>>),
}

impl ClaimIndex {
    /// Takes in a resource as it is now, and returns the others for which this may free or take
    /// something. An older version than the known one is ignored: a watch may show it after a newer
    /// write of this process.
    pub fn insert(&mut self, mut claimant: Claimant) -> BTreeSet<String> {
        if let Some(known) = self.claimant(&claimant.uid) {
            let (old, new) = (known.held.version, claimant.held.version);
            if new.number() < old.number() {
                return BTreeSet::new();
            }
            claimant.held.version = old;
            let same = *known == claimant;
            claimant.held.version = new;
            if same {
                if let Some(number) = self.numbers.get(&*claimant.uid).copied() {
                    self.put(number, claimant);
                }
                return BTreeSet::new();
            }
        }
        let mut rivals = self.take_out(&claimant.uid).1;
        let number = self.number(&claimant.uid);
        let scope = self.scope(&claimant);
        let scope = self.scope_number(scope);
        let mut others = self.link(number, scope, &claimant);
        others.extend(self.wanters_of(scope, &claimant));
        rivals.extend(self.names_of(others, number));
        self.put(number, claimant);
        rivals
    }

    /// Like [`Self::insert`], for what a watch shows. The version on which a record was announced
    /// is ignored as well: that record is being stored.
    pub fn see(&mut self, claimant: Claimant) -> BTreeSet<String> {
        let known = self.claimant(&claimant.uid);
        match known.map(|known| known.held.version) {
            Some(Version::Announced(on)) if claimant.held.version.number() <= on => BTreeSet::new(),
            _ => self.insert(claimant),
        }
    }

    /// Forgets a resource that is gone, and returns the others for which this may free something.
    pub fn remove(&mut self, uid: &str, now: Timestamp) -> BTreeSet<String> {
        let (claimant, rivals) = self.take_out(uid);
        let Some(claimant) = claimant else {
            return rivals;
        };
        let held = &claimant.held;
        let held_anything = held.group.is_some() || !held.sources.0.is_empty();
        if held_anything && let Scope::Known(key) = self.scope(&claimant) {
            let let_go = self.let_go.entry(key).or_default();
            let_go.insert(claimant.tenant.clone(), now);
        }
        if let Going::Begun(at) = held.going {
            let ended = self.ended.entry(claimant.tenant).or_default();
            ended.retain(|_, before| *before >= time::before(at, brake::WINDOW));
            ended.insert(claimant.uid, at);
        }
        rivals
    }

    /// When a resource was last removed that held something in the same tenant through another
    /// IdentityTenant. Its writes were merged into that IdentityTenant's picture, and may not show
    /// yet in the one of `me`.
    pub fn let_go_elsewhere(&self, me: &str) -> Option<Timestamp> {
        let mine = self.claimant(me)?;
        let Scope::Known(key) = self.scope(mine) else {
            return None;
        };
        let others = self.let_go.get(&key)?.iter();
        let others = others.filter(|(tenant, _)| **tenant != mine.tenant);
        others.map(|(_, at)| *at).max()
    }

    fn take_out(&mut self, uid: &str) -> (Option<Box<Claimant>>, BTreeSet<String>) {
        let number = self.numbers.remove(uid);
        let taken = number.and_then(|number| Some((number, self.take(number)?)));
        let Some((number, claimant)) = taken else {
            return (None, BTreeSet::new());
        };
        self.free.push(number);
        let Some(scope) = self.scopes.get(&self.scope(&claimant)).copied() else {
            return (Some(claimant), BTreeSet::new());
        };
        let mut others = self.wanters_of(scope, &claimant);
        others.extend(self.unlink(number, scope, &claimant));
        let rivals = self.names_of(others, number);
        (Some(claimant), rivals)
    }

    /// Sets which tenant answers behind an IdentityTenant.
    pub fn identify(&mut self, tenant: &TenantName, key: &TenantKey) {
        if self.tenants.get(tenant) == Some(key) {
            return;
        }
        let mut members = Vec::new();
        for number in self.numbers_of(&Key::tenant(tenant)).collect::<Vec<_>>() {
            if let Some(claimant) = self.take(number) {
                if let Some(scope) = self.scopes.get(&self.scope(&claimant)).copied() {
                    self.unlink(number, scope, &claimant);
                }
                members.push((number, claimant));
            }
        }
        self.tenants.insert(tenant.to_owned(), key.clone());
        for (number, claimant) in members {
            let scope = self.scope(&claimant);
            let scope = self.scope_number(scope);
            self.link(number, scope, &claimant);
            self.put(number, *claimant);
        }
    }

    /// The resources of one IdentityTenant.
    pub fn members(&self, tenant: &TenantName) -> BTreeSet<String> {
        let members = self.claimants_of(&Key::tenant(tenant));
        members.map(|claimant| claimant.uid.clone()).collect()
    }

    /// The resources of a tenant that depend on something that changed in it.
    pub fn affected(&self, key: &TenantKey, changes: &Changes) -> BTreeSet<String> {
        let Some(scope) = self.scopes.get(&Scope::Known(key.clone())).copied() else {
            return BTreeSet::new();
        };
        let key = |kind, text: &str| Key::new(kind, scope, text);
        let groups = changes
            .groups
            .iter()
            .map(|id| key(Kind::Group, id.as_str()));
        let names = changes.group_names.iter();
        let names = names.map(|name| key(Kind::GroupName, name));
        let sources = changes
            .sources
            .iter()
            .flat_map(|id| [Kind::Source, Kind::SourceById].map(|kind| key(kind, id.as_str())));
        let source_names = changes.source_names.iter();
        let source_names = source_names.map(|name| key(Kind::SourceByName, name));
        let policies = changes.policies.iter();
        let policies = policies.map(|id| key(Kind::PolicyById, id.as_str()));
        let policy_names = changes.policy_names.iter();
        let policy_names = policy_names.map(|name| key(Kind::PolicyByName, name));
        groups
            .chain(names)
            .chain(sources)
            .chain(source_names)
            .chain(policies)
            .chain(policy_names)
            .flat_map(|key| {
                self.claimants_of(&key)
                    .map(|claimant| claimant.uid.clone())
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// The resources of a namespace, or all.
    pub fn uids_in(&self, namespace: Option<&str>) -> BTreeSet<String> {
        let inside = |claimant: &&Claimant| namespace.is_none_or(|ns| claimant.namespace == ns);
        let all = self.claimants.iter().filter_map(Option::as_deref);
        all.filter(inside)
            .map(|claimant| claimant.uid.clone())
            .collect()
    }

    /// A resource by UID.
    pub fn claimant(&self, uid: &str) -> Option<&Claimant> {
        self.numbered(*self.numbers.get(uid)?)
    }

    /// The groups of one IdentityTenant that are recorded and not being deleted.
    pub fn managed<'a>(
        &'a self,
        tenant: &TenantName,
    ) -> impl Iterator<Item = &'a GroupId> + use<'a> {
        self.claimants_of(&Key::tenant(tenant))
            .filter(|claimant| !claimant.held.leaving)
            .filter_map(|claimant| claimant.held.group.as_ref())
    }

    /// Whether any resource needs this IdentityTenant: the resource holds our finalizer or, unless
    /// the IdentityTenant is `ending` and takes no new one, may do so at any moment.
    pub fn is_in_use(&self, tenant: &TenantName, ending: bool) -> bool {
        self.claimants_of(&Key::tenant(tenant))
            .any(|claimant| claimant.held.finalizer || (claimant.eager && !ending))
    }

    /// Counts the groups of one IdentityTenant, and their deletions that wait or were begun since
    /// then.
    pub fn wave(&self, tenant: &TenantName, since: Timestamp) -> Wave {
        let mut wave = Wave::default();
        let members = self.claimants_of(&Key::tenant(tenant));
        for claimant in members.filter(|member| member.held.group.is_some()) {
            wave.count(claimant.held.going, since);
        }
        let ended = self.ended.get(tenant).into_iter().flatten();
        for (uid, at) in ended.filter(|(_, at)| **at >= since) {
            if !self.numbers.contains_key(uid.as_str()) {
                wave.count(Going::Begun(*at), since);
            }
        }
        wave
    }

    /// The owner of a group, if that is another resource.
    pub fn owner_of_group(&self, me: &str, id: &GroupId) -> Option<&Claimant> {
        self.owner(me, &[(Kind::Group, id.as_str())], |other| {
            other.held.group.as_ref() == Some(id)
        })
    }

    /// The resource whose status records a group, if that is another one.
    pub fn recorded_owner_of_group(&self, me: &str, id: &GroupId) -> Option<&Claimant> {
        self.owner_of_group(me, id)
            .filter(|other| other.held.group.as_ref() == Some(id))
    }

    /// The owner of a group's name, if that is another resource.
    pub fn owner_of_name(&self, me: &str, name: &str) -> Option<&Claimant> {
        self.owner(me, &[(Kind::GroupName, name)], |other| {
            other.held.names.contains(name)
        })
    }

    /// The owner of a source, if that is another resource.
    pub fn owner_of_source(&self, me: &str, source: &Source) -> Option<&Claimant> {
        let keys = [
            (Kind::Source, source.id.as_str()),
            (Kind::SourceById, source.id.as_str()),
            (Kind::SourceByName, source.name.as_str()),
        ];
        self.owner(me, &keys, |other| other.held.sources.contains(&source.id))
    }

    /// Whether the status of another resource records a source.
    pub fn is_recorded_elsewhere(&self, me: &str, source: &SourceId) -> bool {
        self.scope_of(me).is_some_and(|scope| {
            let key = Key::new(Kind::Source, scope, source.as_str());
            let mut holders = self.claimants_of(&key);
            holders.any(|other| other.uid != me && other.held.sources.contains(source))
        })
    }

    /// Every other resource whose manifest asks for a source.
    pub fn seekers_of_source(&self, me: &str, source: &Source) -> BTreeSet<&str> {
        let keys = self.scope_of(me).into_iter().flat_map(|scope| {
            [
                Key::new(Kind::SourceById, scope, source.id.as_str()),
                Key::new(Kind::SourceByName, scope, &source.name),
            ]
        });
        keys.flat_map(|key| self.claimants_of(&key))
            .map(|claimant| claimant.uid.as_str())
            .filter(|uid| *uid != me)
            .collect()
    }

    fn owner(
        &self,
        me: &str,
        keys: &[(Kind, &str)],
        records: impl Fn(&Claimant) -> bool,
    ) -> Option<&Claimant> {
        let mine = self.claimant(me)?;
        let scope = self.scope_of(me)?;
        let keys = keys.iter().map(|(kind, text)| Key::new(*kind, scope, text));
        keys.flat_map(|key| self.claimants_of(&key))
            .chain([mine])
            .filter(|claimant| (claimant.eager && !claimant.held.hindered) || records(claimant))
            .min_by_key(|claimant| (!records(claimant), claimant.created, &claimant.uid))
            .filter(|owner| owner.uid != me)
    }

    /// The resources that may want the sources that a status records: by id, or by name as
    /// manifests may.
    fn wanters_of(&self, scope: u32, claimant: &Claimant) -> BTreeSet<u32> {
        let held = &claimant.held;
        let ids = held.sources.0.iter();
        let ids = ids.map(|id| Key::new(Kind::SourceById, scope, id.as_str()));
        let names = held.source_names.0.iter();
        let names = names.map(|name| Key::new(Kind::SourceByName, scope, name));
        ids.chain(names)
            .flat_map(|key| self.numbers_of(&key))
            .collect()
    }

    fn scope(&self, claimant: &Claimant) -> Scope {
        let pinned = claimant.held.tenant.as_deref();
        match pinned.or_else(|| self.tenants.get(&claimant.tenant)) {
            Some(key) => Scope::Known(key.clone()),
            None => Scope::Unread(claimant.tenant.clone()),
        }
    }

    fn scope_of(&self, uid: &str) -> Option<u32> {
        self.scopes.get(&self.scope(self.claimant(uid)?)).copied()
    }

    fn scope_number(&mut self, scope: Scope) -> u32 {
        let next = u32::try_from(self.scopes.len()).unwrap_or(u32::MAX);
        *self.scopes.entry(scope).or_insert(next)
    }

    fn number(&mut self, uid: &str) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.claimants.push(None);
            u32::try_from(self.claimants.len() - 1).unwrap_or(u32::MAX)
        });
        self.numbers.insert(uid.into(), number);
        number
    }

    fn numbered(&self, number: u32) -> Option<&Claimant> {
        let slot = self.claimants.get(usize::try_from(number).ok()?)?;
        slot.as_deref()
    }

    fn take(&mut self, number: u32) -> Option<Box<Claimant>> {
        let slot = self.claimants.get_mut(usize::try_from(number).ok()?)?;
        slot.take()
    }

    fn put(&mut self, number: u32, claimant: Claimant) {
        let slot = usize::try_from(number).ok();
        if let Some(slot) = slot.and_then(|slot| self.claimants.get_mut(slot)) {
            *slot = Some(Box::new(claimant));
        }
    }

    /// Enters a resource under all its keys; returns who is under those that only one may have.
    fn link(&mut self, number: u32, scope: u32, claimant: &Claimant) -> BTreeSet<u32> {
        let mut others = BTreeSet::new();
        for key in keys_of(scope, claimant) {
            let exclusive = key.kind.is_exclusive();
            let few = self.keys.entry(key).or_insert(Few::One(number));
            if exclusive {
                others.extend(few.iter());
            }
            few.insert(number);
        }
        others
    }

    /// Removes a resource from all its keys; returns who is left under those that only one may
    /// have.
    fn unlink(&mut self, number: u32, scope: u32, claimant: &Claimant) -> BTreeSet<u32> {
        let mut others = BTreeSet::new();
        for key in keys_of(scope, claimant) {
            if let Some(few) = self.keys.get_mut(&key) {
                let empty = few.remove(number);
                if key.kind.is_exclusive() {
                    others.extend(few.iter().filter(|other| *other != number));
                }
                if empty {
                    self.keys.remove(&key);
                }
            }
        }
        others
    }

    fn numbers_of(&self, key: &Key) -> impl Iterator<Item = u32> + use<'_> {
        self.keys.get(key).into_iter().flat_map(Few::iter)
    }

    fn claimants_of(&self, key: &Key) -> impl Iterator<Item = &Claimant> + use<'_> {
        self.numbers_of(key)
            .filter_map(|number| self.numbered(number))
    }

    fn names_of(&self, numbers: BTreeSet<u32>, but: u32) -> BTreeSet<String> {
        let others = numbers.into_iter().filter(|number| *number != but);
        others
            .filter_map(|number| Some(self.numbered(number)?.uid.clone()))
            .collect()
    }
}

fn keys_of(scope: u32, claimant: &Claimant) -> BTreeSet<Key> {
    let Wanted {
        name,
        group,
        sources,
        policy,
        left_out: _,
    } = &claimant.wanted;
    let held = &claimant.held;
    let key = |kind, text: &str| Key::new(kind, scope, text);
    let mut keys = BTreeSet::from([Key::tenant(&claimant.tenant)]);
    let groups = group.iter().chain(&held.group);
    keys.extend(groups.map(|id| key(Kind::Group, id.as_str())));
    let names = name.iter().chain(&held.names.0);
    keys.extend(names.map(|name| key(Kind::GroupName, name)));
    keys.extend(
        held.sources
            .0
            .iter()
            .map(|id| key(Kind::Source, id.as_str())),
    );
    keys.extend(sources.0.iter().map(|by| match by {
        Ref::Name(name) => key(Kind::SourceByName, name),
        Ref::Id(id) => key(Kind::SourceById, id),
    }));
    keys.extend(policy.iter().map(|by| match by {
        Ref::Name(name) => key(Kind::PolicyByName, name),
        Ref::Id(id) => key(Kind::PolicyById, id),
    }));
    keys
}

impl Key {
    fn new(kind: Kind, scope: u32, text: &str) -> Self {
        Self {
            kind,
            scope,
            text: text.into(),
        }
    }

    /// Keys of IdentityTenants do not depend on which tenant answers.
    fn tenant(name: &TenantName) -> Self {
        Self {
            kind: Kind::Tenant,
            scope: 0,
            text: name.to_string().into(),
        }
    }
}

impl Kind {
    /// Only one resource may have it, so that the others wait for its release.
    fn is_exclusive(self) -> bool {
        !matches!(self, Self::Tenant | Self::PolicyByName | Self::PolicyById)
    }
}

impl Few {
    fn iter(&self) -> impl Iterator<Item = u32> + use<'_> {
        let (one, many) = match self {
            Self::One(number) => (Some(*number), None),
            Self::Many(numbers) => (None, Some(numbers.iter().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    fn insert(&mut self, number: u32) {
        match self {
            Self::One(one) if *one == number => {}
            Self::One(one) => *self = Self::Many(Box::new(BTreeSet::from([*one, number]))),
            Self::Many(many) => {
                many.insert(number);
            }
        }
    }

    /// True if none is left.
    fn remove(&mut self, number: u32) -> bool {
        match self {
            Self::One(one) => *one == number,
            Self::Many(many) => {
                many.remove(&number);
                if let (1, Some(last)) = (many.len(), many.first().copied()) {
                    *self = Self::One(last);
                    return false;
                }
                many.is_empty()
            }
        }
    }
}
