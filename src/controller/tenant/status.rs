//! Writes what is known of a tenant to the status of its IdentityTenant, only if its meaning
//! changed.

use std::sync::Arc;

use psg_api::{IdentityTenant, IdentityTenantStatus, merge_patch};
use psg_domain::{ApiVersion, ConditionType, text};
use psg_identity::{Budget, Operation, Rate};
use psg_plan::{TenantState, tenant_conditions};

use crate::{
    context::{Context, tenant::Tenant},
    kubernetes::{
        KubeError, Note,
        conditions::{json, merged, reason},
        version,
    },
};

/// How many unreadable objects and lists a status names, and with how many characters each.
const MOST_UNREADABLE: usize = 10;
const LONGEST_UNREADABLE: usize = 256;

/// Stores what is known of a tenant, if that is anything new, and makes an Event about a new
/// trouble. `manifest` is the version that the last read used; `newest` is what an earlier call
/// returned: the resource as it was stored last, which the watch may not show yet.
pub async fn store_tenant(
    context: &Context,
    tenant: &Tenant,
    manifest: &Arc<IdentityTenant>,
    newest: Option<Arc<IdentityTenant>>,
) -> Arc<IdentityTenant> {
    let mut current = newer(manifest, newest);
    let generation = manifest.metadata.generation.unwrap_or_default();
    for _ in 0..3 {
        match try_store_tenant(context, tenant, &current, generation).await {
            Err(KubeError::Conflict) => {}
            Ok(None) | Err(KubeError::Gone) => break,
            Ok(Some(stored)) => return Arc::new(stored),
            Err(error) => {
                tracing::warn!(tenant = %tenant.name, %error, "the tenant's status could not be stored");
                break;
            }
        }
        let (namespace, name) = place(&current);
        match context.kubernetes.tenant(&namespace, &name).await {
            // An IdentityTenant that was created again under this name has its own actor.
            Ok(live) if live.metadata.uid == manifest.metadata.uid => current = Arc::new(live),
            Ok(_) | Err(_) => break,
        }
    }
    current
}

/// The newer version of an IdentityTenant: as the watch shows it, or as our own write returned it.
pub fn newer(
    manifest: &Arc<IdentityTenant>,
    newest: Option<Arc<IdentityTenant>>,
) -> Arc<IdentityTenant> {
    let newest = newest.filter(|newest| {
        newest.metadata.uid == manifest.metadata.uid
            && version(&newest.metadata) > version(&manifest.metadata)
    });
    newest.unwrap_or_else(|| Arc::clone(manifest))
}

/// Records which Secret a tenant holds.
///
/// # Errors
/// What Kubernetes answered.
pub async fn record_secret(
    context: &Context,
    tenant: &IdentityTenant,
    secret: Option<&str>,
) -> Result<Arc<IdentityTenant>, KubeError> {
    let patch = serde_json::json!({"protectedSecret": secret});
    let kubernetes = &context.kubernetes;
    Ok(Arc::new(
        kubernetes.patch_tenant_status(tenant, patch).await?,
    ))
}

async fn try_store_tenant(
    context: &Context,
    tenant: &Tenant,
    manifest: &Arc<IdentityTenant>,
    generation: i64,
) -> Result<Option<IdentityTenant>, KubeError> {
    let state = tenant.state();
    let old = manifest.status.clone().unwrap_or_default();
    let vanished = tenant.look(&context.claims(), |view, _| view.vanished);
    let unprotected = state.unprotected.as_ref().map(|(_, finding)| finding);
    let paused = context.deletions_paused(&tenant.name);
    if !tenant.gone.is_cancelled() {
        context.metrics.deletions_paused(&tenant.name, paused);
    }
    let conditions = tenant_conditions(
        &state.tenant,
        vanished,
        state.failing.as_ref(),
        state.in_use,
        state.unreleased.as_ref().or(unprotected),
        paused,
        state.password_changes.as_deref(),
    );
    if conditions.is_empty() {
        return Ok(None);
    }
    let mut new = IdentityTenantStatus {
        observed_generation: generation,
        conditions: merged(&old.conditions, &conditions, generation, context.now()),
        ..old.clone()
    };
    if let Some(snapshot) = &state.snapshot {
        new.unreadable = unreadable(snapshot);
    }
    if state.tenant == TenantState::Ready
        && let Some(snapshot) = &state.snapshot
    {
        let client = snapshot.client();
        let count = |count: usize| i64::try_from(count).ok();
        let (sources, policies, groups) = snapshot.with(psg_domain::Picture::counts);
        new.host = Some(client.credentials().base_url.host().to_owned());
        new.shared_rate_limit = shared_rate_limit(&client.budget());
        // Routes of operations that only a newer operator knows are kept.
        new.routes.extend(routes(client.options().version));
        if let Some(key) = &state.key {
            new.org.get_or_insert_with(|| key.org.clone());
            new.tenant_id.get_or_insert_with(|| key.tenant_id.clone());
        }
        new.user.clone_from(&state.user);
        new.sources = count(sources);
        new.policies = count(policies);
        new.groups = count(groups);
        new.managed_groups = count(context.claims().managed(&tenant.name).count());
    }
    let Some(patch) = merge_patch(&json(&old)?, &json(&new)?) else {
        return Ok(None);
    };
    let stored = context
        .kubernetes
        .patch_tenant_status(manifest, patch)
        .await?;
    let trouble = conditions
        .iter()
        .find(|condition| condition.kind == ConditionType::Ready);
    if let Some(ready) = trouble.filter(|ready| reason(&old.conditions) != Some(ready.reason))
        && let Some(note) = Note::warning(ready)
    {
        let about = kube::Resource::object_ref(&stored, &());
        context.tell(&about, note).await;
    }
    Ok(Some(stored))
}

/// Which parts of the tenant cannot be read, as many as a status has room for.
fn unreadable(snapshot: &psg_snapshot::Snapshot) -> Vec<String> {
    let (count, mut told) = snapshot.unreadable(MOST_UNREADABLE);
    if count > MOST_UNREADABLE {
        told.truncate(MOST_UNREADABLE - 1);
        told.push(format!("and {} more", count - told.len()));
    }
    let short = |text: &String| text::line(text).chars().take(LONGEST_UNREADABLE).collect();
    told.iter().map(short).collect()
}

/// The own and the common rate limit, if a client id is shared.
fn shared_rate_limit(budget: &Budget) -> Option<String> {
    let rate = |rate: Rate| format!("{} requests in {} s", rate.requests, rate.per.as_secs());
    let Budget {
        own,
        common,
        shares,
    } = *budget;
    (shares > 1).then(|| {
        format!(
            "{} of its own, by turns with the others of {shares} that use this client id, which \
             have {} together",
            rate(own),
            rate(common)
        )
    })
}

fn routes(version: ApiVersion) -> std::collections::BTreeMap<String, String> {
    Operation::ALL
        .into_iter()
        .map(|operation| {
            let route = operation.route(version);
            (
                operation.label().to_owned(),
                route.version.as_str().to_owned(),
            )
        })
        .collect()
}

/// Namespace and name.
pub fn place(tenant: &IdentityTenant) -> (String, String) {
    let metadata = &tenant.metadata;
    (
        metadata.namespace.clone().unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tests::objects;

    fn tenant(uid: &str, version: &str) -> Arc<IdentityTenant> {
        let metadata = json!({"name": "t", "uid": uid, "resourceVersion": version});
        Arc::new(objects::tenant(&metadata))
    }

    #[test]
    fn the_newer_one_counts_unless_it_is_of_another() {
        let shown = tenant("one", "5");
        let counts = |stored: &Arc<IdentityTenant>| {
            Arc::ptr_eq(&newer(&shown, Some(Arc::clone(stored))), stored)
        };
        assert!(counts(&tenant("one", "6")));
        assert!(!counts(&tenant("one", "4")));
        assert!(!counts(&tenant("two", "6")));
        assert!(Arc::ptr_eq(&newer(&shown, None), &shown));
    }
}
