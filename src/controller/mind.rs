//! What this process remembers of a resource between passes. Losing it in a crash is safe:
//! it spaces out repeats, saves reads, and keeps an answer whose record did not go through.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use psg_api::PasswordSyncGroup;
use psg_plan::Engine;
use tokio::sync::OwnedSemaphorePermit;

const BACKOFF_BASE: Duration = Duration::from_secs(1);
const BACKOFF_MOST: Duration = Duration::from_mins(10);

/// The memory of one resource.
#[derive(Clone, Debug, Default)]
pub struct Mind {
    /// What the decisions need.
    pub engine: Engine,
    /// How many passes in a row ended in a setback.
    pub failures: u32,
    /// The newest version that our own writes answered, until the watch shows it.
    pub newest: Option<Arc<PasswordSyncGroup>>,
    /// The version of the resource to which a record was announced, in the claims, that is not known
    /// to be stored.
    pub announced: Option<u64>,
    /// The last value of the annotation that asks for a read.
    pub reconcile_at: Option<String>,
}

/// The memories of all resources, by UID.
#[derive(Debug, Default)]
pub struct Minds(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    at_rest: BTreeMap<String, Mind>,
    /// Resources whose memory is out with a pass, and what the watch showed of them meanwhile.
    in_pass: BTreeMap<String, Option<u64>>,
    /// Resources that wait for a place among those who write a tenant, or have one offered.
    lines: BTreeMap<String, (Line, Option<OwnedSemaphorePermit>)>,
}

/// What a resource stands in line for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// To make a group.
    Creating,
    /// To change or undo one.
    Changing,
}

impl Minds {
    /// Takes out a resource's memory for a pass.
    pub fn take(&self, uid: &str) -> Mind {
        let mut all = self.lock();
        all.in_pass.insert(uid.to_owned(), None);
        all.at_rest.remove(uid).unwrap_or_default()
    }

    /// Puts it back; one that holds nothing takes no room.
    pub fn put(&self, uid: &str, mut mind: Mind) {
        let mut all = self.lock();
        let seen = all.in_pass.remove(uid).flatten();
        if mind
            .newest
            .as_ref()
            .is_some_and(|newest| version(&newest.metadata) <= seen)
        {
            mind.newest = None;
        }
        let Mind {
            engine,
            failures,
            newest,
            announced,
            reconcile_at,
        } = &mind;
        let empty = engine.is_empty()
            && *failures == 0
            && newest.is_none()
            && announced.is_none()
            && reconcile_at.is_none();
        if !empty {
            all.at_rest.insert(uid.to_owned(), mind);
        }
    }

    /// A pass ended without putting it back, after so many that failed.
    pub fn panicked(&self, uid: &str, failures: u32) {
        let failures = failures.saturating_add(1);
        let mind = Mind {
            failures,
            ..Mind::default()
        };
        self.put(uid, mind);
    }

    /// The watch shows this version: an older or equal one of ours is no longer needed.
    pub fn seen(&self, uid: &str, version: Option<u64>) {
        let mut all = self.lock();
        if let Some(seen) = all.in_pass.get_mut(uid) {
            *seen = version.max(*seen);
        }
        if let Some(mind) = all.at_rest.get_mut(uid)
            && mind
                .newest
                .as_ref()
                .is_some_and(|newest| self::version(&newest.metadata) <= version)
        {
            mind.newest = None;
        }
    }

    /// Whether a pass has it, over a resource that is not gone.
    pub fn is_in_pass(&self, uid: &str) -> bool {
        self.lock().in_pass.contains_key(uid)
    }

    /// How many passes over a resource failed in a row.
    pub fn failures(&self, uid: &str) -> u32 {
        self.lock().at_rest.get(uid).map_or(0, |mind| mind.failures)
    }

    /// The resource is gone.
    pub fn forget(&self, uid: &str) {
        let mut all = self.lock();
        all.at_rest.remove(uid);
        all.in_pass.remove(uid);
        all.lines.remove(uid);
    }

    /// Puts a resource in line; true if somebody must now wait for its place.
    pub fn stand_in_line(&self, uid: &str, line: Line) -> bool {
        let before = self.lock().lines.insert(uid.to_owned(), (line, None));
        before.is_none_or(|(known, _)| known != line)
    }

    /// Offers a place to a resource in line; it goes back if that is gone.
    pub fn offer(&self, uid: &str, place: OwnedSemaphorePermit) {
        if let Some((_, offered)) = self.lock().lines.get_mut(uid) {
            *offered = Some(place);
        }
    }

    /// Takes the place that is offered to a resource.
    pub fn accept(&self, uid: &str) -> Option<OwnedSemaphorePermit> {
        let lines = &mut self.lock().lines;
        lines.get(uid)?.1.as_ref()?;
        lines.remove(uid)?.1
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A resource version as the number that it is (Kubernetes, KEP-5504); none sorts first.
pub fn version(metadata: &ObjectMeta) -> Option<u64> {
    metadata.resource_version.as_ref()?.parse().ok()
}

/// How long to wait after so many failures, with `jitter` in 0..1 to keep resources apart.
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    let doubled = BACKOFF_BASE.saturating_mul(2u32.saturating_pow(failures.min(16)));
    doubled
        .min(BACKOFF_MOST)
        .mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
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

    /// Forgotten earlier, a pass would compare with a status that is no longer stored, find it
    /// right, and leave the stored one wrong for good.
    #[test]
    fn our_newest_version_outlives_every_pass_until_the_watch_shows_it() {
        let minds = Minds::default();
        let mut mind = minds.take("u");
        mind.newest = Some(written("7"));
        minds.put("u", mind);
        for _ in 0..3 {
            let mind = minds.take("u");
            assert!(mind.newest.is_some());
            minds.seen("u", Some(6));
            minds.put("u", mind);
        }
        let mind = minds.take("u");
        minds.seen("u", Some(7));
        minds.put("u", mind);
        assert!(minds.take("u").newest.is_none());
    }

    #[test]
    fn between_passes_it_is_kept_as_long() {
        let minds = Minds::default();
        let kept = |shown| {
            let mut mind = minds.take("u");
            mind.newest = Some(written("7"));
            minds.put("u", mind);
            minds.seen("u", Some(shown));
            minds.take("u").newest.is_some()
        };
        assert!(kept(6));
        assert!(!kept(7));
        assert!(!kept(8));
    }
}
