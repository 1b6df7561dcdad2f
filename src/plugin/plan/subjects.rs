//! The resources as they would be stored once the manifests are applied, for the preview. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use psg_api::{PasswordSyncGroup, annotations, names};
use psg_domain::{AdoptionPolicy, NamespacedName, Recorded, TenantName};
use psg_plan::{
    Object, Reason,
    preview::{Outlook, Subject},
};

use crate::{manifests::Manifest, schema::Schema};

/// The namespace and name of a manifest; `namespace` is the default.
pub fn place(group: &PasswordSyncGroup, namespace: &str) -> NamespacedName {
    let namespace = group.metadata.namespace.as_deref().unwrap_or(namespace);
    let name = group.metadata.name.clone().unwrap_or_default();
    NamespacedName::new(namespace, name)
}

/// Namespace and name of a resource.
pub fn of(subject: &Subject) -> NamespacedName {
    let object = &subject.object;
    NamespacedName::new(object.namespace.clone(), object.name.clone())
}

/// A resource that is yet to be made.
pub fn new(group: &PasswordSyncGroup, namespace: &str, now: Timestamp) -> Subject {
    let place = place(group, namespace);
    let mut object = Object::new(place.to_string(), place.namespace.clone(), place.name);
    object.paused_until = annotations::paused_until(&group.metadata);
    object.unreadable_pause = annotations::unreadable_pause(&group.metadata);
    object.reconcile_at = annotations::reconcile_at(&group.metadata);
    Subject {
        object,
        created: now,
        tenant: TenantName::new(place.namespace, group.spec.tenant_ref.name.clone()),
        desired: group.spec.desired().map_err(|error| error.to_string()),
        recorded: Recorded::default(),
        stalled: None,
        stalled_since: None,
    }
}

/// The resource as a manifest makes it; `was` is the existing resource, if any. If an API server
/// would refuse the manifest, `desired` is an error.
pub fn planned(
    manifest: &Manifest,
    namespace: &str,
    now: Timestamp,
    schema: &Schema,
    was: Option<&PasswordSyncGroup>,
) -> Subject {
    let mut subject = new(&manifest.group, namespace, now);
    let was = was.and_then(|was| serde_json::to_value(was).ok());
    let mut objections = schema.objections(&manifest.object, was.as_ref());
    if objections.is_empty() {
        objections.extend(manifest.unreadable.clone());
    }
    if !objections.is_empty() {
        subject.desired = Err(format!(
            "the API server refuses it: {}",
            objections.join("; ")
        ));
    }
    subject
}

/// A resource as a cluster holds it.
pub fn live(group: &PasswordSyncGroup) -> Subject {
    let mut subject = new(group, "", Timestamp::MAX);
    let metadata = &group.metadata;
    if let Some(uid) = &metadata.uid {
        subject.object.uid.clone_from(uid);
    }
    if let Some(created) = &metadata.creation_timestamp {
        subject.created = created.0;
    }
    subject.object.generation = metadata.generation.unwrap_or(1);
    subject.object.deleting = metadata.deletion_timestamp.is_some();
    let mut finalizers = metadata.finalizers.iter().flatten();
    subject.object.finalizer = finalizers.any(|held| held == names::FINALIZER);
    if let Some(status) = &group.status {
        subject.recorded = status.recorded_or_held();
    }
    subject.stalled = group
        .stalled()
        .and_then(|(reason, _)| Reason::named(reason));
    subject.stalled_since = group.stalled_since();
    subject
}

/// The resource `subject` once the manifest of `manifest` is applied to it.
pub fn edited(subject: Subject, manifest: Subject) -> Subject {
    let mut object = subject.object;
    let mut stalled = subject.stalled;
    if subject.desired != manifest.desired {
        object.generation += 1;
        stalled = None;
    }
    let asked = manifest.object;
    if asked.paused_until.is_some() || asked.unreadable_pause.is_some() {
        object.paused_until = asked.paused_until;
        object.unreadable_pause = asked.unreadable_pause;
    }
    // An annotation that the manifest does not set stays, as with `kubectl apply`.
    object.reconcile_at = asked.reconcile_at.or(object.reconcile_at);
    Subject {
        object,
        tenant: manifest.tenant,
        desired: manifest.desired,
        stalled,
        ..subject
    }
}

/// Resources whose manifests are in place: each existing group of their name belongs to them.
pub fn in_place(subjects: &[Subject]) -> Vec<Subject> {
    let mut subjects = subjects.to_vec();
    for subject in &mut subjects {
        if let Ok(desired) = &mut subject.desired {
            desired.adoption = AdoptionPolicy::Overwrite;
        }
    }
    subjects
}

/// The resources with the records that a preview made for them.
pub fn recorded(subjects: &[Subject], outlooks: Vec<Outlook>) -> BTreeMap<NamespacedName, Subject> {
    let recorded = outlooks.into_iter().map(|one| (one.name, one.recorded));
    let mut recorded: BTreeMap<NamespacedName, Recorded> = recorded.collect();
    let subjects = subjects.iter().cloned().map(|mut subject| {
        let place = of(&subject);
        if let Some(recorded) = recorded.remove(&place) {
            subject.recorded = recorded;
            subject.object.finalizer = true;
        }
        (place, subject)
    });
    subjects.collect()
}
