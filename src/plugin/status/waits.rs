//! Which group waits for a source of which other group, as manifests and statuses say. Pure.
//!
//! The operator reports a wait in a message. This module finds the wait from manifests and
//! statuses, so that programs need not parse the message.

use psg_api::{NameOrId, PasswordSyncGroup, PasswordSyncGroupStatus};
use psg_plan::Reason;

use super::{
    document::Wait,
    resource::{condition, place},
};
use crate::forms::Text;

/// Every wait between two of these resources, in the order of their names.
pub fn of(groups: &[PasswordSyncGroup]) -> Vec<Wait> {
    let mut waits: Vec<Wait> = groups
        .iter()
        .filter(|group| is_waiting(group))
        .flat_map(|group| waits_of(group, groups))
        .collect();
    waits.sort();
    waits.dedup();
    waits
}

fn is_waiting(group: &PasswordSyncGroup) -> bool {
    let status = group.status.as_ref();
    let ready = status.and_then(|status| condition(&status.conditions, "Ready"));
    let reason = ready.and_then(|ready| Reason::named(&ready.reason));
    reason.is_some_and(Reason::is_up_to_others)
}

fn waits_of(group: &PasswordSyncGroup, groups: &[PasswordSyncGroup]) -> Vec<Wait> {
    let mut waits = Vec::new();
    for wanted in &group.spec.source_refs {
        let is_held = |by: &PasswordSyncGroup| by.status.as_ref().and_then(|it| held(it, wanted));
        if is_held(group).is_some() {
            continue;
        }
        let others = groups.iter().filter(|other| shares_tenant(group, other));
        waits.extend(others.filter_map(|other| {
            let source = is_held(other)?;
            Some(Wait {
                waiting: place(&group.metadata),
                source: Text(source),
                holder: place(&other.metadata),
            })
        }));
    }
    waits
}

/// The name of this source, if the status records it as a member of the group, or as leaving.
fn held(status: &PasswordSyncGroupStatus, wanted: &NameOrId) -> Option<String> {
    let is_meant = |id: &str, name: &str| {
        wanted.id.as_deref() == Some(id) || wanted.name.as_deref() == Some(name)
    };
    let member = status.sources.iter().find(|pin| {
        is_meant(&pin.id, &pin.name) || wanted.name.as_deref() == Some(pin.reference.as_str())
    });
    let leaving = || {
        let mut open = status.leaving.iter().filter(|it| it.result.is_none());
        open.find(|source| is_meant(&source.id, &source.name))
    };
    member
        .map(|pin| pin.name.clone())
        .or_else(|| leaving().map(|source| source.name.clone()))
}

/// Whether both are in one tenant: by the statuses' tenant, or else by `tenantRef`.
fn shares_tenant(one: &PasswordSyncGroup, other: &PasswordSyncGroup) -> bool {
    let answered = |group: &PasswordSyncGroup| group.status.as_ref()?.tenant.clone();
    match (answered(one), answered(other)) {
        (Some(one), Some(other)) => one == other,
        _ => {
            one.metadata.namespace == other.metadata.namespace
                && one.spec.tenant_ref == other.spec.tenant_ref
        }
    }
}
