//! A cluster in memory: optimistic concurrency, finalizers, the status subresource, nothing else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::Time};
use kube::ResourceExt;
use psg_api::{IdentityTenant, PasswordSyncGroup, PasswordSyncGroupSpec};
use serde_json::{Value, json};

use super::fuse::Fuse;
use crate::ports::{KubeError, Kubernetes, Note, SecretData};

/// What is stored.
#[derive(Default)]
pub struct Cluster {
    stored: Mutex<Stored>,
}

#[derive(Default)]
struct Stored {
    version: u64,
    groups: BTreeMap<String, Vec<Arc<PasswordSyncGroup>>>,
    notes: Vec<Note>,
    writes: usize,
}

/// One process's way to the cluster.
pub struct Port {
    pub cluster: Arc<Cluster>,
    pub fuse: Arc<Fuse>,
}

pub const NAMESPACE: &str = "identity";

/// What a person does.
impl Cluster {
    pub fn apply(&self, name: &str, spec: &Value) {
        let spec: PasswordSyncGroupSpec = serde_json::from_value(spec.clone()).unwrap();
        let mut stored = self.stored.lock().unwrap();
        let known = stored.groups.get(name).and_then(|versions| versions.last());
        let mut group = if let Some(known) = known {
            (**known).clone()
        } else {
            let mut group = PasswordSyncGroup::new(name, spec.clone());
            group.metadata.namespace = Some(NAMESPACE.to_owned());
            group.metadata.uid = Some(format!("uid-{name}"));
            group.metadata.creation_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
            group
        };
        group.spec = spec;
        group.metadata.generation = Some(group.metadata.generation.unwrap_or(0) + 1);
        stored.put(name, group);
    }

    pub fn delete(&self, name: &str) {
        let mut stored = self.stored.lock().unwrap();
        let mut group = (**stored.groups[name].last().unwrap()).clone();
        group.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
        group.metadata.generation = Some(group.metadata.generation.unwrap_or(0) + 1);
        stored.put(name, group);
    }

    pub fn group(&self, name: &str) -> Option<Arc<PasswordSyncGroup>> {
        self.stored
            .lock()
            .unwrap()
            .groups
            .get(name)?
            .last()
            .cloned()
    }

    /// How many versions of a resource there were.
    pub fn versions(&self, name: &str) -> usize {
        self.stored
            .lock()
            .unwrap()
            .groups
            .get(name)
            .map_or(0, Vec::len)
    }

    /// What a watch shows that lags so many versions behind, but has shown `seen` of them.
    pub fn shown(&self, name: &str, lag: usize, seen: usize) -> Option<Arc<PasswordSyncGroup>> {
        let stored = self.stored.lock().unwrap();
        let versions = stored.groups.get(name)?;
        let lagging = versions.len().saturating_sub(lag + 1);
        versions.get(lagging.max(seen.saturating_sub(1))).cloned()
    }

    pub fn names(&self) -> Vec<String> {
        self.stored.lock().unwrap().groups.keys().cloned().collect()
    }

    pub fn writes(&self) -> usize {
        self.stored.lock().unwrap().writes
    }
}

impl Stored {
    fn put(&mut self, name: &str, mut group: PasswordSyncGroup) -> Arc<PasswordSyncGroup> {
        self.version += 1;
        group.metadata.resource_version = Some(self.version.to_string());
        let group = Arc::new(group);
        if group.metadata.deletion_timestamp.is_some() && group.finalizers().is_empty() {
            self.groups.remove(name);
        } else {
            self.groups
                .entry(name.to_owned())
                .or_default()
                .push(Arc::clone(&group));
        }
        group
    }

    fn checked(&self, group: &PasswordSyncGroup) -> Result<PasswordSyncGroup, KubeError> {
        let versions = self.groups.get(&group.name_any()).ok_or(KubeError::Gone)?;
        let current = versions.last().ok_or(KubeError::Gone)?;
        let same = current.metadata.resource_version == group.metadata.resource_version
            && current.metadata.uid == group.metadata.uid;
        if same {
            Ok((**current).clone())
        } else {
            Err(KubeError::Conflict)
        }
    }
}

#[async_trait]
impl Kubernetes for Port {
    async fn group(&self, _: &str, name: &str) -> Result<PasswordSyncGroup, KubeError> {
        self.cluster
            .group(name)
            .map(|group| (*group).clone())
            .ok_or(KubeError::Gone)
    }

    async fn set_finalizers(
        &self,
        group: &PasswordSyncGroup,
        finalizers: Vec<String>,
    ) -> Result<PasswordSyncGroup, KubeError> {
        self.fuse
            .effect(|| {
                let mut stored = self.cluster.stored.lock().unwrap();
                let mut current = stored.checked(group)?;
                current.metadata.finalizers = Some(finalizers);
                stored.writes += 1;
                Ok((*stored.put(&group.name_any(), current)).clone())
            })
            .await
    }

    async fn patch_status(
        &self,
        group: &PasswordSyncGroup,
        patch: Value,
    ) -> Result<PasswordSyncGroup, KubeError> {
        self.fuse
            .effect(|| {
                let mut stored = self.cluster.stored.lock().unwrap();
                let mut current = stored.checked(group)?;
                let mut status = json!(current.status);
                merge(&mut status, &patch);
                current.status = serde_json::from_value(status).unwrap();
                stored.writes += 1;
                Ok((*stored.put(&group.name_any(), current)).clone())
            })
            .await
    }

    async fn patch_tenant_status(
        &self,
        tenant: &IdentityTenant,
        _: Value,
    ) -> Result<IdentityTenant, KubeError> {
        Ok(tenant.clone())
    }

    async fn tenant(&self, _: &str, _: &str) -> Result<IdentityTenant, KubeError> {
        Err(KubeError::Gone)
    }

    async fn secret(&self, _: &str, _: &str) -> Result<SecretData, KubeError> {
        let value = |text: &str| text.as_bytes().to_vec();
        Ok(SecretData {
            version: "1".to_owned(),
            data: BTreeMap::from([
                (
                    "baseUrl".to_owned(),
                    value("https://acme.api.identitynow.com"),
                ),
                ("clientId".to_owned(), value("psg-operator")),
                ("clientSecret".to_owned(), value("s3cr3t")),
            ]),
        })
    }

    async fn event(&self, _: &ObjectReference, note: Note) {
        self.cluster.stored.lock().unwrap().notes.push(note);
    }
}

/// RFC 7386, as the apiserver does it.
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
