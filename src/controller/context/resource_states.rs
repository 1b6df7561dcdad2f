//! What this process remembers of a resource between passes. Losing it in a crash is safe: it
//! spaces out repeats, saves reads, and keeps an answer whose record is not stored yet.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use psg_api::PasswordSyncGroup;
use psg_plan::Engine;
use tokio::sync::OwnedSemaphorePermit;

use crate::kubernetes::version;

/// The memory of one resource.
#[derive(Clone, Debug, Default)]
pub struct ResourceState {
    /// What the decisions need.
    pub engine: Engine,
    /// How many passes in a row ended in a setback.
    pub failures: u32,
    /// The newest version that our own writes returned, until the watch shows it.
    pub newest: Option<Arc<PasswordSyncGroup>>,
    /// The version of the resource on which a record is announced in the claims, while that record
    /// is not known to be stored.
    pub announced: Option<u64>,
    /// The last value of the annotation that asks for a read.
    pub reconcile_at: Option<String>,
}

/// The memories of all resources, by UID.
#[derive(Debug, Default)]
pub struct ResourceStates(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    at_rest: BTreeMap<String, ResourceState>,
    /// Resources whose state a pass holds, with the newest version that the watch showed meanwhile.
    in_pass: BTreeMap<String, Option<u64>>,
    /// Resources that wait for a permit to write a tenant, or have one offered.
    queued: BTreeMap<String, (PermitKind, Option<OwnedSemaphorePermit>)>,
}

/// What a resource waits for a permit to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermitKind {
    /// To create a group.
    Creating,
    /// To change or delete a group.
    Changing,
}

impl ResourceStates {
    /// Takes out a resource's memory for a pass.
    pub fn take(&self, uid: &str) -> ResourceState {
        let mut all = self.lock();
        all.in_pass.insert(uid.to_owned(), None);
        all.at_rest.remove(uid).unwrap_or_default()
    }

    /// Puts the state back after a pass; an empty state is not kept.
    pub fn put(&self, uid: &str, mut state: ResourceState) {
        let mut all = self.lock();
        let seen = all.in_pass.remove(uid).flatten();
        if state
            .newest
            .as_ref()
            .is_some_and(|newest| version(&newest.metadata) <= seen)
        {
            state.newest = None;
        }
        let ResourceState {
            engine,
            failures,
            newest,
            announced,
            reconcile_at,
        } = &state;
        let empty = engine.is_empty()
            && *failures == 0
            && newest.is_none()
            && announced.is_none()
            && reconcile_at.is_none();
        if !empty {
            all.at_rest.insert(uid.to_owned(), state);
        }
    }

    /// A pass panicked and lost its state; `failures` is how many passes failed before it.
    pub fn panicked(&self, uid: &str, failures: u32) {
        let failures = failures.saturating_add(1);
        let state = ResourceState {
            failures,
            ..ResourceState::default()
        };
        self.put(uid, state);
    }

    /// The watch shows this version: `newest` is dropped unless it is newer.
    pub fn seen(&self, uid: &str, version: Option<u64>) {
        let mut all = self.lock();
        if let Some(seen) = all.in_pass.get_mut(uid) {
            *seen = version.max(*seen);
        }
        if let Some(state) = all.at_rest.get_mut(uid)
            && state
                .newest
                .as_ref()
                .is_some_and(|newest| self::version(&newest.metadata) <= version)
        {
            state.newest = None;
        }
    }

    /// Whether a pass holds the state, and the resource is not gone.
    pub fn is_in_pass(&self, uid: &str) -> bool {
        self.lock().in_pass.contains_key(uid)
    }

    /// How many passes over a resource failed in a row.
    pub fn failures(&self, uid: &str) -> u32 {
        self.lock()
            .at_rest
            .get(uid)
            .map_or(0, |state| state.failures)
    }

    /// The resource is gone.
    pub fn forget(&self, uid: &str) {
        let mut all = self.lock();
        all.at_rest.remove(uid);
        all.in_pass.remove(uid);
        all.queued.remove(uid);
    }

    /// Queues a resource for a permit; true if the caller must start to wait for that permit.
    pub fn enqueue(&self, uid: &str, kind: PermitKind) -> bool {
        let before = self.lock().queued.insert(uid.to_owned(), (kind, None));
        before.is_none_or(|(known, _)| known != kind)
    }

    /// Offers a permit to a resource in the queue; it goes back if the resource is gone.
    pub fn offer(&self, uid: &str, permit: OwnedSemaphorePermit) {
        if let Some((_, offered)) = self.lock().queued.get_mut(uid) {
            *offered = Some(permit);
        }
    }

    /// Takes the permit that is offered to a resource.
    pub fn accept(&self, uid: &str) -> Option<OwnedSemaphorePermit> {
        let queued = &mut self.lock().queued;
        queued.get(uid)?.1.as_ref()?;
        queued.remove(uid)?.1
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use psg_api::PasswordSyncGroup;

    use super::*;

    fn written(version: &str) -> Arc<PasswordSyncGroup> {
        let spec = serde_json::json!({
            "name": "G",
            "passwordPolicyRef": {"name": "P"},
            "sourceRefs": [{"name": "A"}, {"name": "B"}],
        });
        let mut group = PasswordSyncGroup::new("g", serde_json::from_value(spec).unwrap());
        group.metadata.resource_version = Some(version.to_owned());
        Arc::new(group)
    }

    /// If it were dropped earlier, a pass would compare with a status that is no longer stored,
    /// find it right, and leave the stored status wrong for good.
    #[test]
    fn our_newest_version_outlives_every_pass_until_the_watch_shows_it() {
        let resource_states = ResourceStates::default();
        let mut state = resource_states.take("u");
        state.newest = Some(written("7"));
        resource_states.put("u", state);
        for _ in 0..3 {
            let state = resource_states.take("u");
            assert!(state.newest.is_some());
            resource_states.seen("u", Some(6));
            resource_states.put("u", state);
        }
        let state = resource_states.take("u");
        resource_states.seen("u", Some(7));
        resource_states.put("u", state);
        assert!(resource_states.take("u").newest.is_none());
    }

    #[test]
    fn between_passes_it_is_kept_as_long() {
        let resource_states = ResourceStates::default();
        let kept = |shown| {
            let mut state = resource_states.take("u");
            state.newest = Some(written("7"));
            resource_states.put("u", state);
            resource_states.seen("u", Some(shown));
            resource_states.take("u").newest.is_some()
        };
        assert!(kept(6));
        assert!(!kept(7));
        assert!(!kept(8));
    }
}
