//! The rule ownership: one owner. A tenant's group, name or source belongs to the resource whose
//! status records it; if none does, to the oldest that wants it and could have it. A resource whose
//! status says that its manifest cannot be carried out reserves nothing (see [`gives_way`]).
//!
//! What each resource claims is here; [`index`] has who owns what. Claims are keyed by the tenant
//! that really answers, so that two IdentityTenants of one tenant share them.

mod index;

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use psg_domain::{
    Desired, GroupId, ManagementPolicy, Picture, Recorded, Ref, Source, SourceId, TenantKey,
    TenantName, time,
};

pub use index::ClaimIndex;

use crate::{
    brake::Going,
    observed::Object,
    reason::{About, Reason},
};

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
    pub tenant: TenantName,
    /// It may own what no status records: it does not observe, and is not paused or being deleted.
    pub eager: bool,
    /// What it wants, if its manifest can be read.
    pub wanted: Wanted,
    /// What its status records.
    pub held: Held,
}

/// What a manifest asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    name: Option<Box<str>>,
    group: Option<GroupId>,
    sources: Sorted<Ref>,
    policy: Option<Ref>,
    /// Sources that the status still records and this manifest no longer asks for.
    left_out: Sorted<SourceId>,
}

/// What a status records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    tenant: Option<Box<TenantKey>>,
    group: Option<GroupId>,
    names: Sorted<Box<str>>,
    sources: Sorted<SourceId>,
    source_names: Sorted<Box<str>>,
    leaving: bool,
    going: Going,
    finalizer: bool,
    hindered: bool,
    version: Version,
}

/// How long a resource keeps its claims if the claims of others may be what stalls it.
const KEEPS_ITS_PLACE: Duration = Duration::from_mins(10);

/// From when on a resource reserves nothing of what its manifest asks for, if its status says since
/// `stalled_since` that the manifest cannot be carried out. At once, if that does not depend on
/// what others claim. Otherwise only after `KEEPS_ITS_PLACE`: of two resources that wait for the
/// same thing, the older one is to get it, and their statuses must not change in turns.
pub fn gives_way(reason: Option<Reason>, stalled_since: Timestamp) -> Timestamp {
    let by_itself = reason.is_some_and(|reason| {
        matches!(reason.about(), About::Reference | About::Prerequisite)
            || reason == Reason::SourceInAnotherGroup
    });
    if by_itself {
        Timestamp::MIN
    } else {
        time::after(stalled_since, KEEPS_ITS_PLACE)
    }
}

/// How new a claimant is, by the resource version of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// The claimant is what is stored at this version.
    Stored(Option<u64>),
    /// The claimant is what is about to be stored on top of this version.
    Announced(Option<u64>),
}

impl Default for Version {
    fn default() -> Self {
        Self::Stored(None)
    }
}

impl Version {
    fn number(self) -> Option<u64> {
        match self {
            Self::Stored(number) | Self::Announced(number) => number,
        }
    }
}

/// A small set that takes no more memory than its items: each of ten thousand resources has several
/// of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sorted<T>(Box<[T]>);

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T: Ord> FromIterator<T> for Sorted<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let sorted: BTreeSet<T> = items.into_iter().collect();
        Self(sorted.into_iter().collect())
    }
}

impl<T: Ord> Sorted<T> {
    fn contains<Q: Ord + ?Sized>(&self, item: &Q) -> bool
    where
        T: std::borrow::Borrow<Q>,
    {
        let found = self.0.binary_search_by(|one| one.borrow().cmp(item));
        found.is_ok()
    }
}

impl Wanted {
    /// What this manifest asks for; `recorded` tells which sources it leaves out.
    pub fn of(desired: &Desired, recorded: &Recorded) -> Self {
        let asked: BTreeSet<&str> = desired.sources.iter().map(Ref::text).collect();
        let pins = recorded.sources.iter();
        let dropped = pins.filter(|pin| !asked.contains(pin.reference.as_str()));
        let leaving = recorded.leaving.iter().map(|left| &left.source);
        Self {
            left_out: dropped.map(|pin| &pin.id).chain(leaving).cloned().collect(),
            name: Some(desired.name.as_str().into()),
            group: desired.group_id.clone(),
            sources: desired.sources.iter().cloned().collect(),
            policy: Some(desired.policy.clone()),
        }
    }
}

impl Held {
    /// What this status records.
    pub fn of(recorded: &Recorded) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let mut sources: Vec<SourceId> = Vec::new();
        let mut source_names: Vec<&str> = Vec::new();
        if let Some(intent) = &recorded.intent {
            names.push(&intent.name);
            sources.extend(intent.sources.iter().cloned());
        }
        if let Some(update) = &recorded.update {
            names.push(&update.name);
            sources.extend(update.sources.iter().cloned());
        }
        let group = recorded.held().cloned();
        if group.is_some() {
            names.extend(recorded.name.as_deref());
            sources.extend(recorded.source_ids());
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
            sources.push(open.source.clone());
            source_names.push(&open.name);
        }
        if !sources.is_empty() {
            source_names.extend(recorded.sources.iter().map(|pin| pin.name.as_str()));
        }
        Self {
            tenant: recorded.tenant.clone().map(Box::new),
            group,
            names: names.into_iter().map(Box::from).collect(),
            sources: sources.into_iter().collect(),
            source_names: source_names.into_iter().map(Box::from).collect(),
            leaving: false,
            going: Going::Not,
            finalizer: false,
            hindered: false,
            version: Version::default(),
        }
    }
}

impl Claimant {
    /// What a resource claims by its manifest, if that can be read, and by what its status records.
    pub fn of(
        object: &Object,
        created: Timestamp,
        tenant: TenantName,
        desired: Option<&Desired>,
        recorded: &Recorded,
        now: Timestamp,
    ) -> Self {
        let observes =
            desired.is_none_or(|desired| desired.management == ManagementPolicy::Observe);
        let claimant = Self {
            uid: object.uid.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            created,
            tenant,
            eager: !(observes || object.deleting || object.is_paused(now)),
            wanted: desired
                .map(|desired| Wanted::of(desired, recorded))
                .unwrap_or_default(),
            held: Held::of(recorded),
        };
        claimant.leaving(object.deleting).holding(object.finalizer)
    }

    /// Marks a resource that is being deleted: its group is expected to go.
    #[must_use]
    pub fn leaving(mut self, leaving: bool) -> Self {
        self.held.leaving = leaving;
        self
    }

    /// Sets how far the deletion of its group is.
    #[must_use]
    pub fn going(mut self, going: Going) -> Self {
        self.held.going = going;
        self
    }

    /// Sets the resource version at which it is stored.
    #[must_use]
    pub fn of_version(mut self, version: Option<u64>) -> Self {
        self.held.version = Version::Stored(version);
        self
    }

    /// Marks what is about to be stored on top of that version.
    #[must_use]
    pub fn announced(mut self) -> Self {
        self.held.version = Version::Announced(self.held.version.number());
        self
    }

    /// Marks a resource that holds our finalizer.
    #[must_use]
    pub fn holding(mut self, finalizer: bool) -> Self {
        self.held.finalizer = finalizer;
        self
    }

    /// Marks a resource whose status says that its manifest cannot be carried out: it reserves
    /// nothing, as it would keep from others what it cannot have itself.
    #[must_use]
    pub fn hindered(mut self, hindered: bool) -> Self {
        self.held.hindered = hindered;
        self
    }

    /// Its group, if its status records one.
    pub fn group(&self) -> Option<&GroupId> {
        self.held.group.as_ref()
    }

    /// Whether it is being deleted.
    pub fn ends(&self) -> bool {
        self.held.leaving
    }

    /// Every source that its status records.
    pub fn held_sources(&self) -> impl Iterator<Item = &SourceId> {
        self.held.sources.0.iter()
    }

    /// The sources that it will have once its manifest is carried out, as far as they are known.
    pub fn wanted_sources(&self, picture: &Picture) -> BTreeSet<SourceId> {
        if self.held.leaving {
            return BTreeSet::new();
        }
        let asked = self.wanted.sources.0.iter().filter_map(|by| match by {
            Ref::Id(id) => SourceId::parse(id).ok(),
            Ref::Name(name) => match picture.sources_named(name).as_slice() {
                [only] => Some(only.id.clone()),
                _ => None,
            },
        });
        let kept = self.held_sources();
        let kept = kept.filter(|id| !self.wanted.left_out.contains(*id));
        kept.cloned().chain(asked).collect()
    }

    /// Whether it does not ask for a source, so that it will let the source go if it holds it.
    pub fn lets_go(&self, source: &Source) -> bool {
        let asks = |by: &Ref| match by {
            Ref::Id(id) => id == source.id.as_str(),
            Ref::Name(name) => *name == source.name,
        };
        let kept = || {
            let left_out = self.wanted.left_out.contains(&source.id);
            self.held.sources.contains(&source.id) && !left_out
        };
        self.held.leaving || !(self.wanted.sources.0.iter().any(asks) || kept())
    }

    /// How this owner may be named to a resource in `namespace`.
    pub fn called_from(&self, namespace: &str) -> String {
        if self.namespace == namespace {
            format!("PasswordSyncGroup \"{}\"", self.name)
        } else {
            "a PasswordSyncGroup in another namespace".to_owned()
        }
    }
}
