//! Reads what a cluster holds of the operator's kinds, with the rights of the person who asks.
//!
//! An object that cannot be read is left out with a warning; it does not hide the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams},
};
use psg_api::{IdentityTenant, PasswordSyncGroup};
use psg_domain::{NamespacedName, TenantName};
use serde::de::DeserializeOwned;

use crate::cluster::{Cluster, in_time, unknown_kind, whole};

/// How many objects are asked for at once.
const PAGE: u32 = 500;

/// What the cluster holds.
#[derive(Debug, Default)]
pub struct Live {
    /// Every PasswordSyncGroup that may be seen.
    pub groups: Vec<PasswordSyncGroup>,
    /// Every IdentityTenant that may be seen, by namespace and name with a slash between them.
    pub tenants: BTreeMap<TenantName, IdentityTenant>,
    /// Warnings about what was not read.
    pub warnings: Vec<String>,
}

/// Reads both kinds in all namespaces; if that is forbidden, in `namespaces`.
///
/// # Errors
/// Why the cluster cannot be read and what to do, for a person.
pub async fn read(cluster: &Cluster, namespaces: &BTreeSet<String>) -> Result<Live, String> {
    let mut live = Live::default();
    live.groups = all(cluster, namespaces, &mut live.warnings).await?;
    let tenants: Vec<IdentityTenant> = all(cluster, namespaces, &mut live.warnings).await?;
    live.tenants = by_place(tenants);
    live.warnings.dedup();
    Ok(live)
}

/// Reads the IdentityTenants of a namespace, and nothing else.
///
/// # Errors
/// Why the cluster cannot be read and what to do, for a person.
pub async fn tenants(cluster: &Cluster, namespace: &str) -> Result<Live, String> {
    let mut live = Live::default();
    let tenants = those_of(cluster, Some(namespace), &mut live.warnings).await?;
    live.tenants = by_place(tenants);
    Ok(live)
}

fn by_place(tenants: Vec<IdentityTenant>) -> BTreeMap<TenantName, IdentityTenant> {
    let named = tenants.into_iter().map(|tenant| {
        let namespace = tenant.namespace().unwrap_or_default();
        (TenantName::new(namespace, tenant.name_any()), tenant)
    });
    named.collect()
}

/// Reads both kinds in one namespace, or in all, and sends no other request. An object that cannot
/// be read is left out with a warning.
///
/// # Errors
/// Why the cluster cannot be read and what to do, for a person.
pub async fn shown(cluster: &Cluster, namespace: Option<&str>) -> Result<Live, String> {
    let mut live = Live::default();
    live.groups = those_of(cluster, namespace, &mut live.warnings).await?;
    let tenants = those_of(cluster, namespace, &mut live.warnings).await?;
    live.tenants = by_place(tenants);
    Ok(live)
}

/// The content of a Secret.
///
/// # Errors
/// Why it cannot be read and what to do, for a person; the message has nothing of its content.
pub async fn secret(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), namespace);
    let server = &cluster.server;
    let secret = match in_time(secrets.get(name), server).await? {
        Ok(secret) => secret,
        Err(kube::Error::Api(status)) if status.is_not_found() => {
            return Err(format!(
                "there is no Secret \"{name}\" in namespace \"{namespace}\""
            ));
        }
        Err(kube::Error::Api(status)) if status.is_forbidden() => {
            return Err(format!(
                "you may not read Secret \"{name}\" in namespace \"{namespace}\": set SAIL_BASE_URL, \
                 SAIL_CLIENT_ID and SAIL_CLIENT_SECRET to read the tenant with a token of your own; `plan` then \
                 needs --base for the manifests that are in place"
            ));
        }
        Err(error) => return Err(format!("{server}: {}", whole(&error))),
    };
    let data = secret.data.unwrap_or_default();
    Ok(data
        .into_iter()
        .map(|(key, value)| (key, value.0))
        .collect())
}

async fn all<K>(
    cluster: &Cluster,
    namespaces: &BTreeSet<String>,
    warnings: &mut Vec<String>,
) -> Result<Vec<K>, String>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Debug,
{
    let resource = ApiResource::erase::<K>(&());
    let everywhere = Api::all_with(cluster.client.clone(), &resource);
    let objects = match list(cluster, &everywhere).await? {
        Some(objects) => objects,
        None => each(cluster, namespaces, &resource, warnings).await?,
    };
    Ok(decoded(objects, &resource, warnings))
}

async fn those_of<K>(
    cluster: &Cluster,
    namespace: Option<&str>,
    warnings: &mut Vec<String>,
) -> Result<Vec<K>, String>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Debug,
{
    let resource = ApiResource::erase::<K>(&());
    let client = cluster.client.clone();
    let api = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let kind = &resource.kind;
    let objects = list(cluster, &api)
        .await?
        .ok_or_else(|| match namespace {
            Some(namespace) => format!(
                "you may not list {kind} in namespace \"{namespace}\": name another with -n, or ask for the \
                 cluster's role `view` there"
            ),
            None => format!(
                "you may not list {kind} in all namespaces: leave -A out, and name one namespace with -n"
            ),
        })?;
    Ok(decoded(objects, &resource, warnings))
}

/// The objects that can be decoded; each other one adds a warning.
fn decoded<K: DeserializeOwned>(
    objects: Vec<DynamicObject>,
    resource: &ApiResource,
    warnings: &mut Vec<String>,
) -> Vec<K> {
    let mut read = Vec::new();
    for object in objects {
        let place = NamespacedName::new(object.namespace().unwrap_or_default(), object.name_any());
        match serde_json::to_value(object).and_then(serde_json::from_value) {
            Ok(object) => read.push(object),
            Err(error) => warnings.push(format!(
                "{} {place} cannot be read and is left out: {error}",
                resource.kind
            )),
        }
    }
    read
}

/// The objects of these namespaces, if the person may not list all namespaces.
async fn each(
    cluster: &Cluster,
    namespaces: &BTreeSet<String>,
    resource: &ApiResource,
    warnings: &mut Vec<String>,
) -> Result<Vec<DynamicObject>, String> {
    let kind = &resource.kind;
    warnings.push(format!(
        "you may not list {kind} in all namespaces: what others reserve is not seen"
    ));
    let mut objects = Vec::new();
    for namespace in namespaces {
        let there = Api::namespaced_with(cluster.client.clone(), namespace, resource);
        let found = list(cluster, &there).await?;
        let found =
            found.ok_or_else(|| format!("you may not list {kind} in namespace \"{namespace}\""))?;
        objects.extend(found);
    }
    Ok(objects)
}

/// Every object, read page by page; `None` if that is forbidden.
async fn list(
    cluster: &Cluster,
    api: &Api<DynamicObject>,
) -> Result<Option<Vec<DynamicObject>>, String> {
    let server = &cluster.server;
    let mut params = ListParams::default().limit(PAGE);
    let mut objects = Vec::new();
    loop {
        match in_time(api.list(&params), server).await? {
            Ok(page) => {
                objects.extend(page.items);
                let more = page.metadata.continue_.filter(|token| !token.is_empty());
                let Some(token) = more else {
                    return Ok(Some(objects));
                };
                params = params.continue_token(&token);
            }
            Err(kube::Error::Api(status)) if status.is_forbidden() => return Ok(None),
            Err(kube::Error::Api(status)) if status.code == 404 => {
                return Err(unknown_kind(server));
            }
            Err(error) => return Err(format!("{server}: {}", whole(&error))),
        }
    }
}
