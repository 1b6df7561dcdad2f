//! The metadata of a resource as decisions see it, and what the resource claims.

use jiff::Timestamp;
use kube::ResourceExt;
use psg_api::{PasswordSyncGroup, PasswordSyncGroupStatus, annotations, names};
use psg_domain::{Recorded, TenantName};
use psg_plan::{Claimant, Going, Object};

use crate::{group::status, kubernetes::version};

/// What a resource claims; `None` if it has no UID or no namespace.
pub fn claimant(group: &PasswordSyncGroup, now: Timestamp) -> Option<Claimant> {
    let status = group.status.as_ref();
    let recorded = status.map(PasswordSyncGroupStatus::recorded_or_held);
    claims_of(group, &recorded.unwrap_or_default(), now)
}

pub(crate) fn claims_of(
    group: &PasswordSyncGroup,
    recorded: &Recorded,
    now: Timestamp,
) -> Option<Claimant> {
    if group.metadata.uid.is_none() || group.metadata.namespace.is_none() {
        return None;
    }
    let object = object(group);
    let created = group.creation_timestamp();
    let desired = group.spec.desired().ok();
    let claimant = Claimant::of(
        &object,
        created.map_or(Timestamp::MAX, |time| time.0),
        tenant_of(group),
        desired.as_ref(),
        recorded,
        now,
    );
    let going = if object.deleting {
        Going::of(desired.as_ref(), recorded, status::is_held_back(group))
    } else {
        Going::Not
    };
    let claimant = claimant
        .going(going)
        .hindered(status::is_hindered(group, now));
    Some(claimant.of_version(version(&group.metadata)))
}

/// The resource's metadata, as decisions see it.
pub(crate) fn object(group: &PasswordSyncGroup) -> Object {
    Object {
        uid: group.uid().unwrap_or_default(),
        namespace: group.namespace().unwrap_or_default(),
        name: group.name_any(),
        generation: group.metadata.generation.unwrap_or_default(),
        deleting: group.metadata.deletion_timestamp.is_some(),
        finalizer: holds_finalizer(group),
        paused_until: annotations::paused_until(&group.metadata),
        unreadable_pause: annotations::unreadable_pause(&group.metadata),
        reconcile_at: annotations::reconcile_at(&group.metadata),
    }
}

/// The IdentityTenant that a resource names.
pub(crate) fn tenant_of(group: &PasswordSyncGroup) -> TenantName {
    let namespace = group.namespace().unwrap_or_default();
    TenantName::new(namespace, group.spec.tenant_ref.name.clone())
}

/// Whether our finalizer is on the resource.
pub fn holds_finalizer(group: &PasswordSyncGroup) -> bool {
    let mut finalizers = group.finalizers().iter();
    finalizers.any(|held| held == names::FINALIZER)
}
