//! Which two tenants are compared, and what they show: two IdentityTenants of a namespace, or those
//! whose credentials are given. The comparison needs both, so an error of either one ends the
//! command.

use std::sync::Arc;

use futures::future;
use jiff::Timestamp;
use psg_domain::TenantName;

use crate::{
    args::Diff,
    at::At,
    cluster, credentials,
    inventory::{
        owners::Owners,
        tenants::{self, Open, Seen},
    },
    live, sign_in,
    tenant::Reader,
};

/// Both tenants, as they were read at the same time.
pub struct Both {
    /// The tenant of `--from`.
    pub from: Seen,
    /// The tenant of `--to`.
    pub to: Seen,
    /// Further warnings for the user.
    pub warnings: Vec<String>,
}

/// Signs in to both tenants, and reads them.
///
/// # Errors
/// What is missing and what to do, for a person.
pub async fn both(at: &At, asked: &Diff, clock: fn() -> Timestamp) -> Result<Both, String> {
    let mut warnings = Vec::new();
    let [from, to] = open(at, asked, clock, &mut warnings).await?;
    if from.tenant.key == to.tenant.key {
        return Err(format!(
            "--from {} and --to {} lead to one tenant, {}: name two; without a cluster, give each its credentials \
             with --tenant NAME=FILE",
            asked.from, asked.to, from.tenant.host
        ));
    }
    let now = clock();
    let (from, to) = future::try_join(tenants::look(from, now), tenants::look(to, now)).await?;
    Ok(Both {
        from: from.seen,
        to: to.seen,
        warnings,
    })
}

async fn open(
    at: &At,
    asked: &Diff,
    clock: fn() -> Timestamp,
    warnings: &mut Vec<String>,
) -> Result<[Open; 2], String> {
    let variable = |name: &str| std::env::var(name).ok();
    let access = &asked.access;
    let reader = Reader::new(access.allow_insecure_tenants, Arc::new(clock))?;
    let policy = credentials::hosts(access)?;
    let opened = |tenant, namespace: Option<&String>, name: &str| Open {
        tenant,
        namespace: namespace.cloned(),
        names: vec![name.to_owned()],
        owners: Owners::default(),
        rate_limit: Vec::new(),
    };
    if credentials::are_given(access, variable) {
        let sign_in = |name| sign_in::by_credentials(name, access, &policy, variable, &reader);
        let (from, warned) = sign_in(&asked.from).await?;
        warnings.extend(warned);
        let (to, warned) = sign_in(&asked.to).await?;
        warnings.extend(warned);
        return Ok([opened(from, None, &asked.from), opened(to, None, &asked.to)]);
    }
    let cluster = cluster::connect(at).await;
    let cluster = cluster.map_err(tenants::without_a_cluster)?;
    let namespace = &cluster.namespace;
    let live = live::tenants(&cluster, namespace).await?;
    warnings.extend(live.warnings.iter().cloned());
    let sign_in = async |name: &str| {
        let place = TenantName::new(namespace, name);
        let opened = sign_in::by_secret(&place, &live, &cluster, &policy, &reader).await;
        opened.map_err(|error| {
            if error.contains("IdentityTenant") {
                error
            } else {
                format!("IdentityTenant {place}: {error}")
            }
        })
    };
    Ok([
        opened(sign_in(&asked.from).await?, Some(namespace), &asked.from),
        opened(sign_in(&asked.to).await?, Some(namespace), &asked.to),
    ])
}
