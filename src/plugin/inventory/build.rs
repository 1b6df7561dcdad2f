//! Makes the documents out of what was read. Pure.

use std::collections::BTreeMap;

use psg_domain::{Group, GroupId, Kind, Picture, PolicyId, SourceId};

use super::{
    document::{self, Connection, Membership, Named, Resource, Tenant},
    tenants::Seen,
};
use crate::{
    forms::Text,
    tenant::{Accounts, Owners},
};

/// One tenant and what it has of a kind.
pub fn tenant<T>(seen: &Seen, kind: Kind, items: Vec<T>) -> Tenant<T> {
    let odd = seen.picture.unreadable().filter(|odd| odd.kind == kind);
    Tenant {
        host: seen.host.clone(),
        namespace: seen.namespace.clone(),
        identity_tenants: seen.names.clone(),
        items,
        unreadable: odd.map(|odd| Text(odd.to_string())).collect(),
    }
}

/// Every source; its owner and its accounts as far as they were asked for.
pub fn sources(
    seen: &Seen,
    owners: Option<&Owners>,
    accounts: Option<&Accounts>,
) -> Vec<document::Source> {
    let picture = &seen.picture;
    let sources = picture.sources().map(|source| document::Source {
        named: named(&source.name, source.id.as_str()),
        connection: match source.direct {
            Some(true) => Connection::Direct,
            Some(false) => Connection::FileFed,
            None => Connection::Unknown,
        },
        changes_passwords: source.password,
        authenticates: source.authenticates,
        healthy: source.healthy,
        status: Text(source.status.clone()),
        owner: owners
            .and_then(|known| known.get(&source.id))
            .map(|name| Text(name.clone())),
        applications: picture.applications(&source.id),
        accounts: accounts.and_then(|counted| counted.get(&source.id).copied()),
        policies: sorted(source.policies.iter().map(|id| policy(picture, id))),
        groups: memberships(seen, &source.id),
    });
    let mut sources: Vec<_> = sources.collect();
    sources.sort_by(|one, other| one.named.cmp(&other.named));
    sources
}

/// Every policy, with what uses it.
pub fn policies(seen: &Seen) -> Vec<document::Policy> {
    let mut groups: BTreeMap<&PolicyId, Vec<Named>> = BTreeMap::new();
    for group in seen.picture.groups() {
        if let Some(policy) = &group.policy {
            let users = groups.entry(policy).or_default();
            users.push(named(&group.name, group.id.as_str()));
        }
    }
    let mut sources: BTreeMap<&PolicyId, Vec<Named>> = BTreeMap::new();
    for source in seen.picture.sources() {
        for policy in &source.policies {
            let users = sources.entry(policy).or_default();
            users.push(named(&source.name, source.id.as_str()));
        }
    }
    let names = seen.picture.policy_names();
    let all = names.flat_map(|name| seen.picture.policies_named(name));
    let policies = all.map(|policy| document::Policy {
        named: named(&policy.name, policy.id.as_str()),
        groups: sorted(groups.remove(&policy.id).unwrap_or_default()),
        sources: sorted(sources.remove(&policy.id).unwrap_or_default()),
    });
    let mut policies: Vec<_> = policies.collect();
    policies.sort_by(|one, other| one.named.cmp(&other.named));
    policies
}

/// Every group, with the resource that has it.
pub fn groups(seen: &Seen) -> Vec<document::Group> {
    let groups = seen.picture.groups().map(|group| document::Group {
        named: named(&group.name, group.id.as_str()),
        policy: group.policy.as_ref().map(|id| policy(&seen.picture, id)),
        sources: sorted(group.sources.iter().map(|id| source(&seen.picture, id))),
        resource: resource(seen, &group.id),
    });
    let mut groups: Vec<_> = groups.collect();
    groups.sort_by(|one, other| one.named.cmp(&other.named));
    groups
}

fn memberships(seen: &Seen, source: &SourceId) -> Vec<Membership> {
    let mut groups: Vec<&Group> = seen.picture.groups_with(source);
    groups.sort_by_key(|group| (&group.name, &group.id));
    let groups = groups.into_iter().map(|group| Membership {
        named: named(&group.name, group.id.as_str()),
        resource: resource(seen, &group.id),
    });
    groups.collect()
}

pub(crate) fn resource(seen: &Seen, group: &GroupId) -> Option<Resource> {
    let owner = seen.owners.of(group)?;
    Some(Resource {
        namespace: owner.namespace.clone(),
        name: owner.name.clone(),
        management_policy: owner.management,
    })
}

pub(crate) fn policy(picture: &Picture, id: &PolicyId) -> Named {
    let known = picture.policy(id);
    named(known.map_or("", |policy| &policy.name), id.as_str())
}

pub(crate) fn source(picture: &Picture, id: &SourceId) -> Named {
    let known = picture.source(id);
    named(known.map_or("", |source| &source.name), id.as_str())
}

pub(crate) fn named(name: &str, id: &str) -> Named {
    Named {
        name: Text::from(name),
        id: id.to_owned(),
    }
}

pub(crate) fn sorted(named: impl IntoIterator<Item = Named>) -> Vec<Named> {
    let mut all: Vec<Named> = named.into_iter().collect();
    all.sort();
    all
}
