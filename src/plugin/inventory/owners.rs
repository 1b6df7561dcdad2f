//! Which PasswordSyncGroup has which group of a tenant, as the statuses of the resources say. Pure.

use std::collections::{BTreeMap, BTreeSet};

use psg_api::{ManagementPolicy, PasswordSyncGroup};
use psg_domain::{GroupId, NamespacedName, Origin, PolicyId, SourceId, TenantKey, TenantName};

/// Which resources of a cluster have groups of one tenant; empty without a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    groups: BTreeMap<GroupId, Owner>,
    /// Every resource, of any tenant.
    pub resources: BTreeSet<NamespacedName>,
}

/// A resource that has a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How far the operator makes the group equal to the resource.
    pub management: ManagementPolicy,
    /// It only observes the group.
    pub observes: bool,
    /// The policy that each source had before it joined, as far as that was recorded.
    pub policies_before: BTreeMap<SourceId, PolicyId>,
}

impl Owners {
    /// One resource that has a group.
    #[cfg(test)]
    pub fn with(group: &str, owner: Owner) -> Self {
        let mut owners = Self::default();
        let group = GroupId::parse(group).expect("an id");
        owners.groups.insert(group, owner);
        owners
    }

    /// The resource that has this group; a resource that only observes it, if no other has it.
    pub fn of(&self, group: &GroupId) -> Option<&Owner> {
        self.groups.get(group)
    }
}

/// The resources whose groups are in the tenant `key`; `places` are its IdentityTenants.
pub fn of(
    key: &TenantKey,
    places: &BTreeSet<TenantName>,
    resources: &[PasswordSyncGroup],
) -> Owners {
    let mut owners = Owners::default();
    for resource in resources {
        let metadata = &resource.metadata;
        let namespace = metadata.namespace.clone().unwrap_or_default();
        let name = metadata.name.clone().unwrap_or_default();
        let resource_name = NamespacedName::new(namespace.clone(), name.clone());
        owners.resources.insert(resource_name);
        let Some(status) = &resource.status else {
            continue;
        };
        let recorded = status.recorded_or_held();
        let tenant = resource.spec.tenant_ref.name.clone();
        let place = TenantName::new(namespace.clone(), tenant);
        let is_here = match &recorded.tenant {
            Some(tenant) => tenant == key,
            None => places.contains(&place),
        };
        let Some(group) = recorded.group.filter(|_| is_here) else {
            continue;
        };
        let pins = recorded.sources.into_iter();
        let owner = Owner {
            namespace,
            name,
            management: resource.spec.management_policy,
            observes: recorded.origin == Some(Origin::Observed),
            policies_before: pins
                .filter_map(|pin| Some((pin.id, pin.policy_before?)))
                .collect(),
        };
        let known = owners.groups.get(&group);
        if known.is_none_or(|known| known.observes && !owner.observes) {
            owners.groups.insert(group, owner);
        }
    }
    owners
}
