//! The Kubernetes port over kube. Reads repeat themselves on a busy apiserver; writes never do,
//! since a repeated write may meet its own result and look like another writer's.

use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{ObjectReference, Secret};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use psg_api::{IdentityTenant, PasswordSyncGroup, names};
use serde_json::{Value, json};

use crate::ports::{KubeError, Kubernetes, Note, SecretData};

/// The most bytes of an Event's note that the apiserver takes.
const NOTE: usize = 1024;

/// kube behind the port.
pub struct Cluster {
    reads: Client,
    writes: Client,
    events: Recorder,
    timeout: Duration,
}

impl Cluster {
    /// `reads` may repeat itself, `writes` may not; `timeout` bounds each single call.
    pub fn new(reads: Client, writes: Client, timeout: Duration) -> Self {
        let reporter = Reporter {
            controller: names::FIELD_MANAGER.to_owned(),
            instance: None,
        };
        let events = Recorder::new(writes.clone(), reporter);
        Self {
            reads,
            writes,
            events,
            timeout,
        }
    }

    async fn bounded<T>(
        &self,
        call: impl Future<Output = Result<T, kube::Error>> + Send,
    ) -> Result<T, KubeError> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(answer) => answer.map_err(|error| classify(&error)),
            Err(_) => Err(KubeError::Other(format!(
                "no answer within {:?}",
                self.timeout
            ))),
        }
    }
}

#[async_trait]
impl Kubernetes for Cluster {
    async fn group(&self, namespace: &str, name: &str) -> Result<PasswordSyncGroup, KubeError> {
        let api: Api<PasswordSyncGroup> = Api::namespaced(self.reads.clone(), namespace);
        self.bounded(api.get(name)).await
    }

    async fn set_finalizers(
        &self,
        group: &PasswordSyncGroup,
        finalizers: Vec<String>,
    ) -> Result<PasswordSyncGroup, KubeError> {
        let (namespace, name) = place(&group.metadata)?;
        let api: Api<PasswordSyncGroup> = Api::namespaced(self.writes.clone(), namespace);
        let mut body = exactly(&group.metadata);
        body["metadata"]["finalizers"] = json!(finalizers);
        let (params, patch) = (
            PatchParams::apply(names::FIELD_MANAGER),
            Patch::Merge(&body),
        );
        self.bounded(api.patch(name, &params, &patch)).await
    }

    async fn patch_status(
        &self,
        group: &PasswordSyncGroup,
        patch: Value,
    ) -> Result<PasswordSyncGroup, KubeError> {
        let (namespace, name) = place(&group.metadata)?;
        let api: Api<PasswordSyncGroup> = Api::namespaced(self.writes.clone(), namespace);
        let mut body = exactly(&group.metadata);
        body["status"] = patch;
        let (params, patch) = (
            PatchParams::apply(names::FIELD_MANAGER),
            Patch::Merge(&body),
        );
        self.bounded(api.patch_status(name, &params, &patch)).await
    }

    async fn patch_tenant_status(
        &self,
        tenant: &IdentityTenant,
        patch: Value,
    ) -> Result<IdentityTenant, KubeError> {
        let (namespace, name) = place(&tenant.metadata)?;
        let api: Api<IdentityTenant> = Api::namespaced(self.writes.clone(), namespace);
        let mut body = exactly(&tenant.metadata);
        body["status"] = patch;
        let (params, patch) = (
            PatchParams::apply(names::FIELD_MANAGER),
            Patch::Merge(&body),
        );
        self.bounded(api.patch_status(name, &params, &patch)).await
    }

    async fn tenant(&self, namespace: &str, name: &str) -> Result<IdentityTenant, KubeError> {
        let api: Api<IdentityTenant> = Api::namespaced(self.reads.clone(), namespace);
        self.bounded(api.get(name)).await
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<SecretData, KubeError> {
        let api: Api<Secret> = Api::namespaced(self.reads.clone(), namespace);
        let secret = self.bounded(api.get(name)).await?;
        let uid = secret.metadata.uid.unwrap_or_default();
        let version = secret.metadata.resource_version.unwrap_or_default();
        let data = secret.data.unwrap_or_default();
        let data = data
            .into_iter()
            .map(|(key, value)| (key, value.0))
            .collect();
        Ok(SecretData {
            version: format!("{uid}/{version}"),
            data,
        })
    }

    async fn event(&self, about: &ObjectReference, note: Note) {
        let event = Event {
            type_: if note.warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: note.reason,
            note: Some(cut(note.text)),
            action: note.action.to_owned(),
            secondary: None,
        };
        let publish = tokio::time::timeout(self.timeout, self.events.publish(&event, about)).await;
        if !matches!(publish, Ok(Ok(()))) {
            tracing::warn!(
                reason = event.reason,
                name = about.name,
                "an event could not be published"
            );
        }
    }
}

fn place(
    metadata: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
) -> Result<(&str, &str), KubeError> {
    match (metadata.namespace.as_deref(), metadata.name.as_deref()) {
        (Some(namespace), Some(name)) => Ok((namespace, name)),
        _ => Err(KubeError::Other("an object without a name".to_owned())),
    }
}

/// The part of a patch that makes it apply to one version of one object only.
fn exactly(metadata: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Value {
    json!({"metadata": {"uid": metadata.uid, "resourceVersion": metadata.resource_version}})
}

fn classify(error: &kube::Error) -> KubeError {
    match error {
        kube::Error::Api(status) if status.is_conflict() => KubeError::Conflict,
        kube::Error::Api(status) if status.is_not_found() => KubeError::Gone,
        kube::Error::Api(status) if status.is_forbidden() => {
            KubeError::Forbidden(status.message.clone())
        }
        other => KubeError::Other(other.to_string()),
    }
}

fn cut(mut text: String) -> String {
    if text.len() > NOTE {
        let mut end = NOTE - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}
