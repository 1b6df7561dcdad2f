//! An API server in memory: optimistic concurrency, finalizers, the status subresource, the
//! history that a lagging watch shows. Nothing else.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::{Resource, ResourceExt};
use psg_api::{IdentityTenant, PasswordSyncGroup};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::bell::Bell;
use crate::kubernetes::KubeError;

pub const NAMESPACE: &str = "identity";

/// What is stored.
#[derive(Default)]
pub struct Cluster {
    pub groups: Shelf<PasswordSyncGroup>,
    pub tenants: Shelf<IdentityTenant>,
    secret: Mutex<Secret>,
    forced: AtomicBool,
}

#[derive(Clone, Debug, Default)]
pub struct Secret {
    pub version: u64,
    pub content: Option<String>,
    pub metadata: ObjectMeta,
    /// How often the operator read it.
    pub reads: usize,
}

impl Secret {
    fn is_stored(&mut self) {
        self.version += 1;
        self.metadata.resource_version = Some(self.version.to_string());
        let held = self.metadata.finalizers.iter().flatten().next().is_some();
        if self.metadata.deletion_timestamp.is_some() && !held {
            self.content = None;
        }
    }
}

/// All objects of one kind, each with every version that it had; the last is none once it is gone.
pub struct Shelf<K> {
    stored: Mutex<Stored<K>>,
    /// Rings at each new version.
    pub changes: Bell,
}

struct Stored<K> {
    version: u64,
    writes: usize,
    objects: BTreeMap<String, Vec<Version<K>>>,
}

/// When it was stored, and what.
pub type Version<K> = (Instant, Shown<K>);

/// An object, or what was the last of one that is gone.
#[derive(Debug)]
pub enum Shown<K> {
    There(Arc<K>),
    Gone(Arc<K>),
}

impl<K> Clone for Shown<K> {
    fn clone(&self) -> Self {
        match self {
            Self::There(object) => Self::There(Arc::clone(object)),
            Self::Gone(object) => Self::Gone(Arc::clone(object)),
        }
    }
}

impl<K> Default for Shelf<K> {
    fn default() -> Self {
        Self {
            stored: Mutex::new(Stored {
                version: 0,
                writes: 0,
                objects: BTreeMap::new(),
            }),
            changes: Bell::default(),
        }
    }
}

impl Cluster {
    /// What a person applies; a changed spec is a new generation.
    pub fn apply(&self, name: &str, spec: &Value) {
        self.groups.apply(name, spec);
    }

    pub fn delete(&self, name: &str) {
        self.groups.delete(name);
    }

    /// A person takes every finalizer off the tenant and deletes it.
    pub fn remove_tenant_by_force(&self, name: &str) {
        self.forced.store(true, Ordering::SeqCst);
        self.tenants.remove_by_force(name);
    }

    /// Whether that was ever done.
    pub fn was_forced(&self) -> bool {
        self.forced.load(Ordering::SeqCst)
    }

    pub fn secret(&self) -> Secret {
        self.secret.lock().unwrap().clone()
    }

    /// The operator reads it.
    pub fn read_secret(&self) -> Secret {
        let mut secret = self.secret.lock().unwrap();
        secret.reads += 1;
        secret.clone()
    }

    /// Stores credentials, or takes them away by force.
    pub fn set_secret(&self, client_secret: Option<&str>) {
        let mut secret = self.secret.lock().unwrap();
        if client_secret.is_none() || secret.content.is_none() {
            secret.metadata = ObjectMeta {
                name: Some("pat".to_owned()),
                namespace: Some(NAMESPACE.to_owned()),
                uid: Some(format!("pat-{}", secret.version)),
                ..ObjectMeta::default()
            };
        }
        secret.content = client_secret.map(str::to_owned);
        secret.is_stored();
    }

    /// A person deletes the Secret.
    pub fn delete_secret(&self) {
        let mut secret = self.secret.lock().unwrap();
        let time = Time(jiff::Timestamp::UNIX_EPOCH);
        secret.metadata.deletion_timestamp.get_or_insert(time);
        secret.is_stored();
    }

    pub fn set_secret_finalizers(
        &self,
        known: &ObjectMeta,
        finalizers: Vec<String>,
    ) -> Result<ObjectMeta, KubeError> {
        let mut secret = self.secret.lock().unwrap();
        if secret.content.is_none() {
            return Err(KubeError::Gone);
        }
        if secret.metadata.resource_version != known.resource_version
            || secret.metadata.uid != known.uid
        {
            return Err(KubeError::Conflict);
        }
        secret.metadata.finalizers = Some(finalizers);
        secret.is_stored();
        Ok(secret.metadata.clone())
    }
}

impl<K> Shelf<K>
where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned,
{
    pub fn apply(&self, name: &str, spec: &Value) {
        let mut object = match self.get(name) {
            Some(known) => (*known).clone(),
            None => self.new_object(name, spec),
        };
        let before = json!(object);
        let mut after = before.clone();
        after["spec"] = spec.clone();
        object = serde_json::from_value(after).unwrap();
        // Compared as stored: defaults are not a change.
        if json!(object)["spec"] != before["spec"] || object.meta().generation.is_none() {
            let generation = object.meta().generation.unwrap_or(0) + 1;
            object.meta_mut().generation = Some(generation);
        }
        self.put(name, object);
    }

    fn new_object(&self, name: &str, spec: &Value) -> K {
        let uid = format!("{name}-{}", self.stored.lock().unwrap().version);
        let object = json!({
            "apiVersion": K::api_version(&()), "kind": K::kind(&()), "spec": spec,
            "metadata": {
                "name": name, "namespace": NAMESPACE, "uid": uid,
                "creationTimestamp": "1970-01-01T00:00:00Z",
            },
        });
        serde_json::from_value(object).unwrap()
    }

    pub fn annotate(&self, name: &str, key: &str, value: Option<String>) {
        let Some(known) = self.get(name) else { return };
        let mut object = (*known).clone();
        match value {
            Some(value) => object.annotations_mut().insert(key.to_owned(), value),
            None => object.annotations_mut().remove(key),
        };
        self.put(name, object);
    }

    pub fn delete(&self, name: &str) {
        let Some(known) = self.get(name) else { return };
        let mut object = (*known).clone();
        if object.meta().deletion_timestamp.is_none() {
            let meta = object.meta_mut();
            meta.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
            meta.generation = Some(meta.generation.unwrap_or(0) + 1);
            self.put(name, object);
        }
    }

    /// A person takes every finalizer off and deletes it.
    pub fn remove_by_force(&self, name: &str) {
        let Some(known) = self.get(name) else { return };
        let mut object = (*known).clone();
        object.meta_mut().finalizers = None;
        object.meta_mut().deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
        self.put(name, object);
    }

    pub fn get(&self, name: &str) -> Option<Arc<K>> {
        match self.stored.lock().unwrap().objects.get(name)?.last()? {
            (_, Shown::There(object)) => Some(Arc::clone(object)),
            (_, Shown::Gone(_)) => None,
        }
    }

    pub fn all(&self) -> Vec<Arc<K>> {
        let names: Vec<String> = self
            .stored
            .lock()
            .unwrap()
            .objects
            .keys()
            .cloned()
            .collect();
        names.iter().filter_map(|name| self.get(name)).collect()
    }

    /// Every name there ever was, with how many versions it had.
    pub fn histories(&self) -> Vec<(String, usize)> {
        let stored = self.stored.lock().unwrap();
        let histories = stored.objects.iter();
        histories
            .map(|(name, versions)| (name.clone(), versions.len()))
            .collect()
    }

    /// One version of a history.
    pub fn version(&self, name: &str, index: usize) -> Option<Version<K>> {
        let stored = self.stored.lock().unwrap();
        let (at, shown) = stored.objects.get(name)?.get(index)?;
        Some((*at, shown.clone()))
    }

    /// The version that was stored last.
    pub fn newest(&self) -> u64 {
        self.stored.lock().unwrap().version
    }

    pub fn writes(&self) -> usize {
        self.stored.lock().unwrap().writes
    }

    /// Changes exactly the version that the writer knows.
    pub fn write(&self, known: &ObjectMeta, change: impl FnOnce(&mut K)) -> Result<K, KubeError> {
        let name = known.name.clone().unwrap_or_default();
        let current = self.get(&name).ok_or(KubeError::Gone)?;
        let same = current.meta().resource_version == known.resource_version
            && current.meta().uid == known.uid;
        if !same {
            return Err(KubeError::Conflict);
        }
        let mut object = (*current).clone();
        change(&mut object);
        self.stored.lock().unwrap().writes += 1;
        Ok((*self.put(&name, object)).clone())
    }

    /// Merges into the status of exactly the version that the writer knows.
    pub fn patch_status(&self, known: &ObjectMeta, patch: &Value) -> Result<K, KubeError> {
        self.write(known, |object| {
            let mut whole = json!(object);
            merge(&mut whole, &json!({"status": patch}));
            *object = serde_json::from_value(whole).unwrap();
        })
    }

    fn put(&self, name: &str, mut object: K) -> Arc<K> {
        let mut stored = self.stored.lock().unwrap();
        stored.version += 1;
        object.meta_mut().resource_version = Some(stored.version.to_string());
        let gone = object.meta().deletion_timestamp.is_some() && object.finalizers().is_empty();
        let object = Arc::new(object);
        let kept = Arc::clone(&object);
        let shown = if gone {
            Shown::Gone(kept)
        } else {
            Shown::There(kept)
        };
        let history = stored.objects.entry(name.to_owned()).or_default();
        history.push((Instant::now(), shown));
        self.changes.ring();
        object
    }
}

/// RFC 7386, as the API server does it.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let fields = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
