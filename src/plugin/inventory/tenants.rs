//! Finds and reads the tenants of a command: those of the IdentityTenants of a namespace, or those
//! whose credentials are given.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::future;
use jiff::Timestamp;
use psg_api::IdentityTenant;
use psg_domain::{ConditionType, Picture, TenantKey, TenantName};
use psg_plan::{Reason, TenantView};

use super::owners::{self, Owners};
use crate::{
    args,
    at::At,
    cluster::{self, Cluster},
    credentials, live,
    plan::scope,
    sign_in,
    tenant::{Reader, Tenant},
};

/// The name of the tenant whose credentials the environment gives; manifests may leave it out.
pub const DEFAULT: &str = "default";

/// The tenants of a command.
pub struct Tenants {
    /// Each tenant once.
    pub tenants: Vec<Read>,
    /// Further warnings for the user.
    pub warnings: Vec<String>,
    /// The time when all tenants had been read.
    pub now: Timestamp,
}

/// A tenant that was read.
pub struct Read {
    /// To read more of it.
    pub tenant: Tenant,
    /// What it shows.
    pub seen: Seen,
}

/// What one tenant shows.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The host that answered.
    pub host: String,
    /// The namespace of its IdentityTenants; none without a cluster.
    pub namespace: Option<String>,
    /// The names that a tenantRef may have for it: at least one.
    pub names: Vec<String>,
    /// All groups, sources, policies and applications.
    pub picture: Picture,
    /// Which resources have its groups.
    pub owners: Owners,
    /// For a preview.
    pub view: TenantView,
    /// What its IdentityTenants say of a rate limit that others use as well.
    pub rate_limit: Vec<String>,
}

/// A tenant that was signed in to, and its names.
pub struct Open {
    /// The tenant, not read yet.
    pub tenant: Tenant,
    /// The namespace of its IdentityTenants; none without a cluster.
    pub namespace: Option<String>,
    /// The names that a tenantRef may have for it: at least one.
    pub names: Vec<String>,
    /// Which resources have its groups.
    pub owners: Owners,
    /// What its IdentityTenants say of a rate limit that others use as well.
    pub rate_limit: Vec<String>,
}

/// Signs in to all tenants of the command, and reads them at the same time.
///
/// # Errors
/// What is missing and what to do, for a person.
pub async fn read(
    at: &At,
    access: &args::Access,
    clock: fn() -> Timestamp,
) -> Result<Tenants, String> {
    let variable = |name: &str| std::env::var(name).ok();
    let reader = Reader::new(access.allow_insecure_tenants, Arc::new(clock))?;
    let mut warnings = Vec::new();
    let open = if credentials::are_given(access, variable) {
        offline(access, variable, &reader, &mut warnings).await?
    } else {
        let cluster = cluster::connect(at).await.map_err(without_a_cluster)?;
        online(access, &cluster, &reader, &mut warnings).await?
    };
    let reads = open.into_values().map(|open| look(open, clock()));
    let mut tenants = Vec::new();
    let mut failed = Vec::new();
    for read in future::join_all(reads).await {
        match read {
            Ok(read) => tenants.push(read),
            Err(error) => failed.push(error),
        }
    }
    some_are_left(!tenants.is_empty(), &failed, &mut warnings)?;
    Ok(Tenants {
        tenants,
        warnings,
        now: clock(),
    })
}

/// Adds to an error what to do without a cluster.
#[allow(clippy::needless_pass_by_value)] // as `map_err` gives it
pub fn without_a_cluster(error: String) -> String {
    format!("{error}; without a cluster, set SAIL_BASE_URL, SAIL_CLIENT_ID and SAIL_CLIENT_SECRET")
}

/// A tenant that cannot be read is an error only if no tenant is left.
fn some_are_left(some: bool, failed: &[String], warnings: &mut Vec<String>) -> Result<(), String> {
    match failed.first() {
        Some(error) if !some => Err(error.clone()),
        _ => {
            warnings.extend(failed.iter().map(|error| format!("left out: {error}")));
            Ok(())
        }
    }
}

/// Reads a tenant.
///
/// # Errors
/// What is wrong and what to do, for a person.
pub async fn look(open: Open, now: Timestamp) -> Result<Read, String> {
    let Open {
        tenant,
        namespace,
        names,
        owners,
        rate_limit,
    } = open;
    tenant.read(now).await?;
    let seen = Seen {
        host: tenant.host.clone(),
        namespace,
        names,
        picture: tenant.picture(),
        owners,
        view: scope::view(&tenant),
        rate_limit,
    };
    Ok(Read { tenant, seen })
}

async fn offline(
    access: &args::Access,
    variable: impl Fn(&str) -> Option<String>,
    reader: &Reader,
    warnings: &mut Vec<String>,
) -> Result<BTreeMap<TenantKey, Open>, String> {
    let policy = credentials::hosts(access)?;
    let named = access.tenant.iter().map(|(name, _)| name.as_str());
    let mut names: BTreeSet<&str> = named.collect();
    if names.is_empty() {
        names.insert(DEFAULT);
    }
    let mut all: BTreeMap<TenantKey, Open> = BTreeMap::new();
    for name in names {
        let opened = sign_in::by_credentials(name, access, &policy, &variable, reader).await;
        let (tenant, warning) = opened?;
        warnings.extend(warning);
        take_in(&mut all, tenant, None, name);
    }
    Ok(all)
}

async fn online(
    access: &args::Access,
    cluster: &Cluster,
    reader: &Reader,
    warnings: &mut Vec<String>,
) -> Result<BTreeMap<TenantKey, Open>, String> {
    let namespace = &cluster.namespace;
    let policy = credentials::hosts(access)?;
    let live = live::read(cluster, &BTreeSet::from([namespace.clone()])).await?;
    warnings.extend(live.warnings.iter().cloned());
    let mut all: BTreeMap<TenantKey, Open> = BTreeMap::new();
    let mut failed = Vec::new();
    let here = live.tenants.keys();
    for place in here.filter(|place| place.namespace() == namespace) {
        match sign_in::by_secret(place, &live, cluster, &policy, reader).await {
            Ok(tenant) => take_in(&mut all, tenant, Some(namespace), place.name()),
            Err(error) => {
                let said = error.strip_prefix(&format!("IdentityTenant {place}: "));
                let said = said.unwrap_or(&error);
                failed.push(format!("IdentityTenant {place}: {said}"));
            }
        }
    }
    some_are_left(!all.is_empty(), &failed, warnings)?;
    if all.is_empty() {
        return Err(format!(
            "there is no IdentityTenant in namespace \"{namespace}\": name another with --namespace, or set \
             SAIL_BASE_URL, SAIL_CLIENT_ID and SAIL_CLIENT_SECRET"
        ));
    }
    for (key, open) in &mut all {
        let names = open.names.iter();
        let places: BTreeSet<_> = names.map(|name| TenantName::new(namespace, name)).collect();
        let tenants = places.iter().filter_map(|place| live.tenants.get(place));
        open.rate_limit = tenants.filter_map(shared_limit).collect();
        open.owners = owners::of(key, &places, &live.groups);
    }
    Ok(all)
}

/// What an IdentityTenant says of others that use the rate limit of its token.
fn shared_limit(tenant: &IdentityTenant) -> Option<String> {
    let status = tenant.status.as_ref()?;
    if let Some(shared) = &status.shared_rate_limit {
        return Some(format!(
            "other IdentityTenants use the same token: {shared}"
        ));
    }
    let mut conditions = status.conditions.iter();
    let limited = conditions.find(|condition| {
        condition.type_ == ConditionType::Ready.as_str()
            && condition.reason == Reason::RateLimited.as_str()
    });
    limited.map(|limited| {
        format!(
            "the operator keeps to its share, and the tenant refuses it all the same, so another program \
             uses the token: {}",
            limited.message
        )
    })
}

/// Several names may lead to one tenant, which is read once.
fn take_in(
    all: &mut BTreeMap<TenantKey, Open>,
    tenant: Tenant,
    namespace: Option<&String>,
    name: &str,
) {
    let key = tenant.key.clone();
    let open = all.entry(key).or_insert_with(|| Open {
        tenant,
        namespace: namespace.cloned(),
        names: Vec::new(),
        owners: Owners::default(),
        rate_limit: Vec::new(),
    });
    open.names.push(name.to_owned());
    // The name that a manifest may leave out comes first.
    open.names
        .sort_by_key(|name| (name != DEFAULT, name.clone()));
}
