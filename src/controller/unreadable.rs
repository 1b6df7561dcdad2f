//! The objects that cannot be read: said once in the log and as an Event, counted all the time.
//! Nothing is decided about them but that; what they hold is kept by [`crate::intake`].

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource;
use psg_plan::Reason;
use tokio::sync::Notify;

use crate::{
    context::Context,
    ports::Note,
    tolerant::{Tolerant, Unreadable},
};

/// All of them, by kind and by what identifies one of the kind.
#[derive(Debug, Default)]
pub struct AllUnreadable {
    known: Mutex<BTreeMap<(String, String), Found>>,
    news: Notify,
}

#[derive(Debug)]
struct Found {
    about: ObjectReference,
    why: String,
    told: bool,
}

impl AllUnreadable {
    /// Takes in whether an object can be read.
    pub fn saw<K: Resource<DynamicType = ()> + Clone>(
        &self,
        context: &Context,
        id: &str,
        object: &Tolerant<K>,
    ) {
        match object {
            Tolerant::Read(_) => self.forget::<K>(context, id),
            Tolerant::Unreadable(bad) => self.found::<K>(context, id, bad),
        }
    }

    fn found<K: Resource<DynamicType = ()>>(&self, context: &Context, id: &str, bad: &Unreadable) {
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
        count::<K>(context, &known);
        self.news.notify_one();
    }

    /// An object can be read, or is gone.
    pub fn forget<K: Resource<DynamicType = ()>>(&self, context: &Context, id: &str) {
        let mut known = self.lock();
        if known.remove(&key::<K>(id)).is_some() {
            tracing::info!(kind = %K::kind(&()), id, "no longer a resource that cannot be read");
            count::<K>(context, &known);
        }
    }

    /// What is wrong with an object, if it cannot be read.
    pub fn why<K: Resource<DynamicType = ()>>(&self, id: &str) -> Option<String> {
        self.lock()
            .get(&key::<K>(id))
            .map(|found| found.why.clone())
    }

    /// Those of a kind.
    pub fn ids<K: Resource<DynamicType = ()>>(&self) -> Vec<String> {
        let kind = K::kind(&());
        let known = self.lock();
        let ours = known.keys().filter(|(of, _)| *of == kind);
        ours.map(|(_, id)| id.clone()).collect()
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

/// Tells people of each, once, as soon as this process acts; until the end of the process.
pub async fn tell(context: &Context) {
    let telling = async {
        context.leading().await;
        loop {
            for (about, note) in context.unreadable.untold() {
                context.kubernetes.event(&about, note).await;
            }
            context.unreadable.news.notified().await;
        }
    };
    tokio::select! {
        biased;
        () = context.stop.cancelled() => {}
        () = telling => {}
    }
}

fn key<K: Resource<DynamicType = ()>>(id: &str) -> (String, String) {
    (K::kind(&()).into_owned(), id.to_owned())
}

fn count<K: Resource<DynamicType = ()>>(
    context: &Context,
    known: &BTreeMap<(String, String), Found>,
) {
    let kind = K::kind(&());
    let count = known.keys().filter(|(of, _)| *of == kind).count();
    context.metrics.undecodable(&kind, count);
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
