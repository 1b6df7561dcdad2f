//! The objects that cannot be read: each is reported once in the log and as an Event, and counted
//! in the metrics. Nothing else is decided here; `watch/handlers.rs` keeps the claims of such
//! groups.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource;
use psg_domain::NamespacedName;
use psg_plan::Reason;
use tokio::sync::Notify;

use crate::{
    context::metrics::Metrics,
    kubernetes::{
        Note,
        tolerant::{Tolerant, Unreadable},
    },
};

/// All unreadable objects, by kind and by an id within the kind.
#[derive(Debug, Default)]
pub struct AllUnreadable {
    known: Mutex<BTreeMap<(String, String), Found>>,
    found: Notify,
}

#[derive(Debug)]
struct Found {
    about: ObjectReference,
    why: String,
    told: bool,
}

impl AllUnreadable {
    /// Registers whether an object can be read.
    pub fn saw<K: Resource<DynamicType = ()> + Clone>(
        &self,
        metrics: &Metrics,
        id: &str,
        object: &Tolerant<K>,
    ) {
        match object {
            Tolerant::Read(_) => self.forget::<K>(metrics, id),
            Tolerant::Unreadable(bad) => self.found::<K>(metrics, id, bad),
        }
    }

    fn found<K: Resource<DynamicType = ()>>(&self, metrics: &Metrics, id: &str, bad: &Unreadable) {
        let (key, about) = (key::<K>(id), bad.reference::<K>());
        let mut known = self.lock();
        if known.get(&key).is_some_and(|known| known.why == bad.why) {
            return;
        }
        tracing::warn!(
            kind = about.kind,
            namespace = about.namespace,
            name = about.name,
            why = bad.why,
            "a resource cannot be read: nothing is done about it, and it keeps what it holds"
        );
        let (why, told) = (bad.why.clone(), false);
        known.insert(key, Found { about, why, told });
        count::<K>(metrics, &known);
        self.found.notify_one();
    }

    /// An object can be read, or is gone.
    pub fn forget<K: Resource<DynamicType = ()>>(&self, metrics: &Metrics, id: &str) {
        let mut known = self.lock();
        if known.remove(&key::<K>(id)).is_some() {
            tracing::info!(kind = %K::kind(&()), id, "no longer a resource that cannot be read");
            count::<K>(metrics, &known);
        }
    }

    /// What is wrong with an object, if it cannot be read.
    pub fn why<K: Resource<DynamicType = ()>>(&self, id: &str) -> Option<String> {
        self.lock()
            .get(&key::<K>(id))
            .map(|found| found.why.clone())
    }

    /// The names of the unreadable objects of a kind.
    pub fn names<K: Resource<DynamicType = ()>>(&self) -> Vec<NamespacedName> {
        let kind = K::kind(&());
        let known = self.lock();
        let ours = known.iter().filter(|((of, _), _)| *of == kind);
        let about = ours.map(|(_, found)| found.about.clone());
        about
            .map(|it| {
                NamespacedName::new(
                    it.namespace.unwrap_or_default(),
                    it.name.unwrap_or_default(),
                )
            })
            .collect()
    }

    /// The objects without an Event yet, each returned once; waits until there is one.
    pub async fn news(&self) -> Vec<(ObjectReference, Note)> {
        loop {
            let untold = self.untold();
            if !untold.is_empty() {
                return untold;
            }
            self.found.notified().await;
        }
    }

    fn untold(&self) -> Vec<(ObjectReference, Note)> {
        let mut known = self.lock();
        let untold = known.values_mut().filter(|found| !found.told);
        untold
            .map(|found| {
                found.told = true;
                (found.about.clone(), note(&found.why))
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Found>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key<K: Resource<DynamicType = ()>>(id: &str) -> (String, String) {
    (K::kind(&()).into_owned(), id.to_owned())
}

fn count<K: Resource<DynamicType = ()>>(
    metrics: &Metrics,
    known: &BTreeMap<(String, String), Found>,
) {
    let kind = K::kind(&());
    let count = known.keys().filter(|(of, _)| *of == kind).count();
    metrics.undecodable(&kind, count);
}

fn note(why: &str) -> Note {
    Note {
        warning: true,
        reason: Reason::InvalidSpec.as_str().to_owned(),
        text: format!(
            "this resource cannot be read, so nothing is done about it, and it keeps what it holds: {why}"
        ),
        action: "Read",
    }
}
