//! The scope of a plan with a cluster: its resources as the manifests change them, and tenants by
//! the Secrets of the cluster.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use psg_api::{IdentityTenant, PasswordSyncGroup, annotations};
use psg_domain::{NamespacedName, TenantKey, TenantName};
use psg_plan::{Brake, TenantView, preview::Subject};

use super::{
    scope::{self, Scope},
    subjects,
};
use crate::{
    args::Plan,
    cluster::Cluster,
    credentials,
    live::{self, Live},
    manifests::{Manifest, Manifests},
    schema::Schema,
    sign_in,
    tenant::{Reader, Tenant},
};

/// Signs in to each tenant that the plan concerns, and returns which resources of the cluster are
/// for it.
///
/// # Errors
/// What is missing and what to do, for a person.
pub async fn scopes(
    asked: &Plan,
    manifests: &Manifests,
    cluster: &Cluster,
    reader: &Reader,
) -> Result<(Vec<Scope>, Vec<String>), String> {
    let namespace = &cluster.namespace;
    let policy = credentials::hosts(&asked.access)?;
    let wanted: BTreeMap<NamespacedName, &Manifest> = manifests
        .groups
        .iter()
        .map(|one| (subjects::place(&one.group, namespace), one))
        .collect();
    let mut namespaces: BTreeSet<String> =
        wanted.keys().map(|place| place.namespace.clone()).collect();
    if !asked.delete.is_empty() {
        namespaces.insert(namespace.clone());
    }
    let live = live::read(cluster, &namespaces).await?;
    let wanted = planned(&wanted, namespace, &live, reader.now());
    let (subjects, concerned) = changed(asked, wanted, &namespaces, namespace, &live)?;
    let places: BTreeSet<&TenantName> = subjects
        .iter()
        .filter(|subject| concerned.contains(&subjects::of(subject)))
        .map(|subject| &subject.tenant)
        .collect();
    let mut scopes: BTreeMap<TenantKey, Scope> = BTreeMap::new();
    for place in places {
        let tenant = sign_in::by_secret(place, &live, cluster, &policy, reader).await?;
        let key = tenant.key.clone();
        let scope = scopes.entry(key).or_insert_with(|| Scope {
            views: BTreeMap::new(),
            tenant,
            subjects: Vec::new(),
            base: None,
            asked: concerned.clone(),
        });
        let known = live.tenants.get(place);
        let view = known.map(|known| view(known, &scope.tenant));
        scope.views.extend(view.map(|view| (place.clone(), view)));
    }
    // Other IdentityTenants may lead to the same tenants, and their groups reserve sources there.
    for (key, scope) in &mut scopes {
        for (place, known) in &live.tenants {
            if !scope.views.contains_key(place) && leads_to(known, key) {
                let view = view(known, &scope.tenant);
                scope.views.insert(place.clone(), view);
            }
        }
        let here = subjects
            .iter()
            .filter(|subject| scope.views.contains_key(&subject.tenant));
        scope.subjects = here.cloned().collect();
    }
    Ok((scopes.into_values().collect(), live.warnings))
}

/// The resources of the manifests, as changes of existing ones or as new ones.
fn planned(
    wanted: &BTreeMap<NamespacedName, &Manifest>,
    namespace: &str,
    live: &Live,
    now: Timestamp,
) -> Vec<Subject> {
    let schema = Schema::of_groups();
    let known = live.groups.iter();
    let known: BTreeMap<NamespacedName, &PasswordSyncGroup> = known
        .map(|group| (subjects::place(group, ""), group))
        .collect();
    wanted
        .iter()
        .map(|(place, one)| {
            let was = known.get(place).copied();
            subjects::planned(one, namespace, now, &schema, was)
        })
        .collect()
}

/// Every resource as it would be, and the names of those that the plan is about.
fn changed(
    asked: &Plan,
    wanted: Vec<Subject>,
    namespaces: &BTreeSet<String>,
    namespace: &str,
    live: &Live,
) -> Result<(Vec<Subject>, BTreeSet<NamespacedName>), String> {
    let known = live.groups.iter().map(subjects::live);
    let mut known: BTreeMap<NamespacedName, Subject> = known
        .map(|subject| (subjects::of(&subject), subject))
        .collect();
    let mut concerned = BTreeSet::new();
    let mut named: BTreeSet<NamespacedName> = BTreeSet::new();
    for subject in wanted {
        let place = subjects::of(&subject);
        named.insert(place.clone());
        concerned.insert(place.clone());
        let subject = match known.remove(&place) {
            Some(was) => subjects::edited(was, subject),
            None => subject,
        };
        known.insert(place, subject);
    }
    for name in &asked.delete {
        let place = NamespacedName::new(namespace, name);
        let Some(subject) = known.get_mut(&place) else {
            return Err(format!(
                "--delete: there is no PasswordSyncGroup \"{name}\" in namespace \"{namespace}\""
            ));
        };
        subject.object.deleting = true;
        concerned.insert(place);
    }
    if asked.prune {
        for (place, subject) in &mut known {
            if namespaces.contains(&place.namespace) && !named.contains(place) {
                subject.object.deleting = true;
                concerned.insert(place.clone());
            }
        }
    }
    Ok((known.into_values().collect(), concerned))
}

fn view(known: &IdentityTenant, tenant: &Tenant) -> TenantView {
    let brake = &known.spec.deletion_brake;
    TenantView {
        acknowledged_until: annotations::acknowledged_until(&known.metadata),
        brake: Brake::of(brake.max, brake.percent),
        ..scope::view(tenant)
    }
}

/// Whether an IdentityTenant says that it leads to this tenant.
fn leads_to(known: &IdentityTenant, key: &TenantKey) -> bool {
    known.status.as_ref().is_some_and(|status| {
        status.org.as_ref() == Some(&key.org) && status.tenant_id.as_ref() == Some(&key.tenant_id)
    })
}
