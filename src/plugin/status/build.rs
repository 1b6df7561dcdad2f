//! Makes the document out of what the cluster holds. Pure.

use std::collections::BTreeMap;

use kube::api::ObjectMeta;
use psg_api::{Condition, IdentityTenant, PasswordSyncGroup};

use super::{
    document::{self, API_VERSION, Document, Readiness, Summary},
    resource::{condition, place},
    waits,
};
use crate::{forms::Text, live::Live};

/// The catalogue's reason for a resource without a condition for its newest manifest.
const PENDING: &str = "Pending";

/// The whole document.
pub fn document(live: &Live, namespace: Option<&str>) -> Document {
    let tenants: Vec<document::Tenant> = live.tenants.values().map(tenant).collect();
    let mut groups: Vec<document::Group> = live.groups.iter().map(group).collect();
    groups.sort_by(|one, other| one.place.cmp(&other.place));
    let mut counted: BTreeMap<&Text, usize> = BTreeMap::new();
    for group in &groups {
        *counted.entry(&group.readiness.reason).or_default() += 1;
    }
    let reasons = counted.into_iter().map(|(reason, groups)| {
        let reason = reason.clone();
        document::Reason { reason, groups }
    });
    let mut reasons: Vec<document::Reason> = reasons.collect();
    reasons.sort_by_key(|counted| std::cmp::Reverse(counted.groups));
    let summary = Summary {
        tenants: tenants.len(),
        tenants_ready: tenants.iter().filter(|it| it.readiness.ready).count(),
        groups: groups.len(),
        groups_ready: groups.iter().filter(|it| it.readiness.ready).count(),
        groups_paused: groups.iter().filter(|it| it.paused).count(),
    };
    Document {
        api_version: API_VERSION,
        kind: "Status",
        namespace: namespace.map(str::to_owned),
        tenants,
        reasons,
        groups,
        waits: waits::of(&live.groups),
        warnings: live.warnings.clone(),
        summary,
    }
}

fn tenant(tenant: &IdentityTenant) -> document::Tenant {
    let status = tenant.status.clone().unwrap_or_default();
    document::Tenant {
        place: place(&tenant.metadata),
        readiness: readiness(
            &tenant.metadata,
            status.observed_generation,
            &status.conditions,
        ),
        host: status.host.map(Text),
        groups: status.groups,
        managed_groups: status.managed_groups,
        read_interval: Text(tenant.spec.read_interval.clone()),
    }
}

fn group(group: &PasswordSyncGroup) -> document::Group {
    let status = group.status.clone().unwrap_or_default();
    let paused = condition(&status.conditions, "Paused");
    document::Group {
        place: place(&group.metadata),
        group: Text(group.spec.name.clone()),
        tenant: group.spec.tenant_ref.name.clone(),
        readiness: readiness(
            &group.metadata,
            status.observed_generation,
            &status.conditions,
        ),
        paused: paused.is_some_and(|condition| condition.status == "True"),
        deleting: group.metadata.deletion_timestamp.is_some(),
    }
}

/// Whether the operator calls a resource ready. A status whose `observedGeneration` is older than the
/// manifest does not count.
fn readiness(metadata: &ObjectMeta, observed: i64, conditions: &[Condition]) -> Readiness {
    let pending = |message: String| Readiness {
        ready: false,
        reason: Text::from(PENDING),
        message: Text(message),
        since: None,
    };
    let Some(ready) = condition(conditions, "Ready") else {
        return pending("the operator has not said anything of it yet".to_owned());
    };
    let newest = metadata.generation.unwrap_or_default();
    if observed < newest {
        return pending(format!(
            "the operator has not looked at the newest manifest yet; of an older one it said {}: {}",
            ready.reason, ready.message
        ));
    }
    let deleting = metadata.deletion_timestamp.is_some();
    Readiness {
        ready: ready.status == "True" && !deleting,
        reason: Text(ready.reason.clone()),
        message: Text(ready.message.clone()),
        since: Some(ready.last_transition_time.0.to_string()),
    }
}
