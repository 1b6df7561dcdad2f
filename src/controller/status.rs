//! What a report becomes in Kubernetes: the only place that writes a status, and only if its
//! meaning changed. Sent as the difference of old and new, so that fields which this version
//! does not know survive, and for exactly the version that was decided on.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition as KubeCondition, Time};
use psg_api::{
    Condition as StoredCondition, IdentityTenant, IdentityTenantStatus, PasswordSyncGroup,
    merge_patch, status_of,
};
use psg_domain::text;
use psg_identity::{ApiVersion, Budget, Operation, Rate};
use psg_plan::{Condition, Reason, Report, TenantState, claims, tenant_verdict};
use serde_json::Value;

use crate::{
    context::Context,
    mind::version,
    ports::{KubeError, Note},
    tenant::Tenant,
};

/// Stores a report, if it says anything new; the resource as it is stored then.
///
/// # Errors
/// What Kubernetes answered; [`KubeError::Conflict`] asks to decide again.
pub async fn store(
    context: &Context,
    group: &Arc<PasswordSyncGroup>,
    report: &Report,
) -> Result<Arc<PasswordSyncGroup>, KubeError> {
    let old = group.status.clone().unwrap_or_default();
    let generation = group.metadata.generation.unwrap_or_default();
    let conditions = merged(
        &old.conditions,
        &report.conditions,
        generation,
        context.now(),
    );
    let mut new = status_of(&report.recorded, conditions).keeping(&old);
    new.source_count = i64::try_from(report.recorded.sources.len()).ok();
    let Some(patch) = merge_patch(&json(&old)?, &json(&new)?) else {
        return Ok(Arc::clone(group));
    };
    let stored = context.kubernetes.patch_status(group, patch).await?;
    Ok(Arc::new(stored))
}

/// Stores what is known of a tenant, if that is anything new, and tells people of a new trouble.
/// `manifest` is what was read by, `newest` what an earlier call returned: the resource as it was
/// stored last, which the watch may not show yet.
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
                tracing::warn!(tenant = tenant.name, %error, "the tenant's status could not be stored");
                break;
            }
        }
        let (namespace, name) = place(&current);
        match context.kubernetes.tenant(&namespace, &name).await {
            // One that was made again under the name is another actor's to describe.
            Ok(live) if live.metadata.uid == manifest.metadata.uid => current = Arc::new(live),
            Ok(_) | Err(_) => break,
        }
    }
    current
}

/// A tenant as it was stored last: as the watch shows it, or as our own write was answered.
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
    let conditions = tenant_verdict(
        &state.tenant,
        vanished,
        state.failing.as_ref(),
        state.in_use,
        state.unreleased.as_ref().or(unprotected),
        paused,
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
        // A newer operator knows more of them.
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
        .find(|condition| condition.kind == "Ready");
    if let Some(ready) = trouble.filter(|ready| reason(&old.conditions) != Some(ready.reason))
        && let Some(note) = crate::events::warning(ready)
    {
        tell(context, &stored, note).await;
    }
    Ok(Some(stored))
}

async fn tell(context: &Context, tenant: &IdentityTenant, note: Note) {
    let about = kube::Resource::object_ref(tenant, &());
    context.kubernetes.event(&about, note).await;
}

/// What of the tenant cannot be read, as far as a status has room for it.
fn unreadable(snapshot: &psg_snapshot::Snapshot) -> Vec<String> {
    let (count, mut told) = snapshot.unreadable(MOST_UNREADABLE);
    if count > MOST_UNREADABLE {
        told.truncate(MOST_UNREADABLE - 1);
        told.push(format!("and {} more", count - told.len()));
    }
    let short = |text: &String| text::line(text).chars().take(LONGEST_UNREADABLE).collect();
    told.iter().map(short).collect()
}

/// Whose rate limit holds, if a client id is shared.
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
            let route = version.route(operation);
            (
                operation.label().to_owned(),
                route.version.as_str().to_owned(),
            )
        })
        .collect()
}

/// The reason of the condition `Ready`.
pub fn reason(conditions: &[StoredCondition]) -> Option<&str> {
    conditions
        .iter()
        .find(|known| known.type_ == "Ready")
        .map(|known| known.reason.as_str())
}

/// Ours as they are now, others' as they were; a time moves only when a status does. What a newer
/// operator says beside a condition stays with it.
fn merged(
    old: &[StoredCondition],
    new: &[Condition],
    generation: i64,
    now: Timestamp,
) -> Vec<StoredCondition> {
    let ours = new.iter().map(|condition| {
        let known = old.iter().find(|known| known.type_ == condition.kind);
        let status = condition.truth.as_str();
        let since = known
            .filter(|known| known.status == status)
            .map(|known| known.last_transition_time.clone());
        let plain = KubeCondition {
            type_: condition.kind.to_owned(),
            status: status.to_owned(),
            reason: condition.reason.to_owned(),
            message: text::line(&condition.message),
            observed_generation: Some(generation),
            last_transition_time: since.unwrap_or_else(|| Time(seconds(now))),
        };
        StoredCondition {
            known: plain,
            rest: known.map(|known| known.rest.clone()).unwrap_or_default(),
        }
    });
    let foreign = old
        .iter()
        .filter(|known| !OURS.contains(&known.type_.as_str()))
        .cloned();
    ours.chain(foreign).collect()
}

/// The condition types that the operator owns.
const OURS: [&str; 10] = [
    "DeletionsPaused",
    "SecretProtected",
    "Ready",
    "Reconciling",
    "Stalled",
    "Paused",
    "ReferencesCurrent",
    "PrerequisitesMet",
    "SourcesHealthy",
    "PoliciesAligned",
];

/// How much of what cannot be read a status names, and how much of each.
const MOST_UNREADABLE: usize = 10;
const LONGEST_UNREADABLE: usize = 256;

/// Kubernetes keeps whole seconds.
fn seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn json<T: serde::Serialize>(status: &T) -> Result<Value, KubeError> {
    serde_json::to_value(status).map_err(|error| KubeError::Other(error.to_string()))
}

/// Namespace and name.
pub fn place(tenant: &IdentityTenant) -> (String, String) {
    let metadata = &tenant.metadata;
    (
        metadata.namespace.clone().unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}

/// Whether a resource was told that the brake holds its deletion.
pub fn is_held_back(group: &PasswordSyncGroup) -> bool {
    let status = group.status.as_ref();
    let told = status.and_then(|status| reason(&status.conditions));
    told == Some(Reason::DeletionPaused.as_str())
}

/// Whether a resource was told that its newest manifest cannot be carried out, so that it reserves
/// nothing.
pub fn is_hindered(group: &PasswordSyncGroup, now: Timestamp) -> bool {
    hindered_from(group).is_some_and(|from| from <= now)
}

/// When [`is_hindered`] will be true, if it is not yet: only then those that wait for what the
/// resource reserves can go on.
pub fn reserves_until(group: &PasswordSyncGroup, now: Timestamp) -> Option<Timestamp> {
    hindered_from(group).filter(|from| *from > now)
}

fn hindered_from(group: &PasswordSyncGroup) -> Option<Timestamp> {
    let (reason, since) = group.stalled()?;
    Some(claims::gives_way(Reason::named(reason), since))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{from_value, json};

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

    #[test]
    fn a_group_that_the_brake_held_says_so_itself() {
        let held = |reason: Reason| {
            let ready = json!({
                "type": "Ready", "status": "False", "reason": reason.as_str(), "message": "",
                "lastTransitionTime": "1970-01-01T00:00:00Z",
            });
            let mut group = objects::group(&json!({"name": "g"}));
            let status = json!({"conditions": [ready]});
            group.status = Some(from_value(status).unwrap());
            is_held_back(&group)
        };
        assert!(held(Reason::DeletionPaused));
        assert!(!held(Reason::DeletionBlocked));
    }

    #[test]
    fn one_that_is_stalled_reserves_nothing_at_once_or_if_it_is_through_others_after_a_while() {
        let hindered = |kind: &str, reason: Reason, generation: i64, minutes: i64| {
            let told = json!({
                "type": kind, "status": "True", "reason": reason.as_str(), "message": "",
                "lastTransitionTime": "1970-01-01T00:00:00Z", "observedGeneration": 1,
            });
            let mut group = objects::group(&json!({"name": "g", "generation": generation}));
            group.status = Some(from_value(json!({"conditions": [told]})).unwrap());
            is_hindered(&group, Timestamp::from_second(60 * minutes).unwrap())
        };
        for reason in [
            Reason::SourceNotFound,
            Reason::NoApplication,
            Reason::SourceInAnotherGroup,
        ] {
            assert!(hindered("Stalled", reason, 1, 0));
            assert!(!hindered("Stalled", reason, 2, 0), "it was edited");
            assert!(!hindered("Reconciling", reason, 1, 0));
        }
        for reason in [Reason::OwnedByAnother, Reason::GroupExists] {
            assert!(!hindered("Stalled", reason, 1, 9));
            assert!(hindered("Stalled", reason, 1, 10));
        }
    }

    proptest! {
        #[test]
        fn nothing_hidden_reaches_a_condition(message in any::<String>()) {
            let new = Condition {
                kind: "Ready",
                truth: psg_plan::Truth::False,
                reason: "Refused",
                message,
            };
            let stored = merged(&[], &[new], 1, Timestamp::UNIX_EPOCH);
            prop_assert!(!stored[0].message.contains(text::is_hidden));
        }
    }
}
