//! The Kubernetes port over kube. Reads repeat themselves on a busy apiserver; writes never do,
//! since a repeated write may meet its own result and look like another writer's.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::{
    api::{
        core::v1::{ObjectReference, Secret},
        events::v1::Event,
    },
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use psg_api::{IdentityTenant, PasswordSyncGroup, names};
use psg_identity::MayWrite;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::ports::{KubeError, Kubernetes, Note, SecretData};

/// The most bytes of an Event's note that the apiserver takes.
const NOTE: usize = 1024;

/// The most bytes of a resource's name that an Event's name begins with.
const NAME: usize = 200;

/// How many calls are under way at once. Each takes a connection, and each connection memory;
/// more of them make no server faster.
const AT_ONCE: usize = 32;

/// kube behind the port.
pub struct Cluster {
    reads: Client,
    writes: Client,
    may_write: Arc<MayWrite>,
    timeout: Duration,
    at_once: Semaphore,
}

impl Cluster {
    /// `reads` may repeat itself, `writes` may not, and none begins unless it `may_write`;
    /// `timeout` bounds each single call.
    pub fn new(reads: Client, writes: Client, may_write: Arc<MayWrite>, timeout: Duration) -> Self {
        Self {
            reads,
            writes,
            may_write,
            timeout,
            at_once: Semaphore::new(AT_ONCE),
        }
    }

    async fn read<T>(
        &self,
        call: impl Future<Output = Result<T, kube::Error>> + Send,
    ) -> Result<T, KubeError> {
        // It is never closed.
        let _place = self.at_once.acquire().await;
        self.bounded(call).await
    }

    async fn write<T>(
        &self,
        call: impl Future<Output = Result<T, kube::Error>> + Send,
    ) -> Result<T, KubeError> {
        let _place = self.at_once.acquire().await;
        // After the line, which may have been long.
        if !(self.may_write)() {
            let why = "not sent: this process may not write now";
            return Err(KubeError::Other(why.to_owned()));
        }
        self.bounded(call).await
    }

    /// The time runs from here: standing in line is no fault of the server.
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
        self.read(api.get(name)).await
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
        self.write(api.patch(name, &params, &patch)).await
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
        self.write(api.patch_status(name, &params, &patch)).await
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
        self.write(api.patch_status(name, &params, &patch)).await
    }

    async fn set_tenant_finalizers(
        &self,
        tenant: &IdentityTenant,
        finalizers: Vec<String>,
    ) -> Result<IdentityTenant, KubeError> {
        let (namespace, name) = place(&tenant.metadata)?;
        let api: Api<IdentityTenant> = Api::namespaced(self.writes.clone(), namespace);
        let mut body = exactly(&tenant.metadata);
        body["metadata"]["finalizers"] = json!(finalizers);
        let (params, patch) = (
            PatchParams::apply(names::FIELD_MANAGER),
            Patch::Merge(&body),
        );
        self.write(api.patch(name, &params, &patch)).await
    }

    async fn tenant(&self, namespace: &str, name: &str) -> Result<IdentityTenant, KubeError> {
        let api: Api<IdentityTenant> = Api::namespaced(self.reads.clone(), namespace);
        self.read(api.get(name)).await
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<SecretData, KubeError> {
        let api: Api<Secret> = Api::namespaced(self.reads.clone(), namespace);
        let secret = self.read(api.get(name)).await?;
        let data = secret.data.unwrap_or_default();
        let data = data
            .into_iter()
            .map(|(key, value)| (key, value.0))
            .collect();
        Ok(SecretData {
            data,
            metadata: secret.metadata,
        })
    }

    async fn set_secret_finalizers(
        &self,
        secret: &ObjectMeta,
        finalizers: Vec<String>,
    ) -> Result<ObjectMeta, KubeError> {
        let (namespace, name) = place(secret)?;
        let api: Api<Secret> = Api::namespaced(self.writes.clone(), namespace);
        let mut body = exactly(secret);
        body["metadata"]["finalizers"] = json!(finalizers);
        let (params, patch) = (
            PatchParams::apply(names::FIELD_MANAGER),
            Patch::Merge(&body),
        );
        // The content is not asked for again.
        let stored = self
            .write(api.patch_metadata(name, &params, &patch))
            .await?;
        Ok(stored.metadata)
    }

    async fn event(&self, about: &ObjectReference, note: Note) {
        let namespace = about.namespace.as_deref().unwrap_or("default");
        let api: Api<Event> = Api::namespaced(self.writes.clone(), namespace);
        let reason = note.reason.clone();
        // Not kube's recorder: it keeps every event in memory for minutes, and adds a second one
        // of the same reason to the first, whose text it repeats.
        let event = event(about, note, Timestamp::now());
        let made = self.write(api.create(&PostParams::default(), &event)).await;
        if let Err(error) = made {
            tracing::warn!(reason, name = about.name, %error, "an event could not be published");
        }
    }
}

fn event(about: &ObjectReference, note: Note, now: Timestamp) -> Event {
    let name = about.name.as_deref().unwrap_or_default();
    // Names may be as long as an Event's own.
    let name = name.get(..NAME).unwrap_or(name);
    let kind = if note.warning { "Warning" } else { "Normal" };
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{name}.{:x}", now.as_nanosecond())),
            namespace: about.namespace.clone(),
            ..ObjectMeta::default()
        },
        type_: Some(kind.to_owned()),
        reason: Some(note.reason),
        note: Some(cut(note.text)),
        action: Some(note.action.to_owned()),
        event_time: Some(MicroTime(now)),
        regarding: Some(about.clone()),
        reporting_controller: Some(names::FIELD_MANAGER.to_owned()),
        reporting_instance: Some(names::FIELD_MANAGER.to_owned()),
        ..Event::default()
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

#[cfg(test)]
mod tests {
    use serde_json::from_value;

    use super::*;

    /// Nobody listens there: what is sent fails by another word than what is held back.
    fn cluster(may_write: bool) -> Cluster {
        let nowhere = "http://127.0.0.1:1".parse().unwrap();
        let mut config = kube::Config::new(nowhere);
        config.default_retry = false;
        let client = Client::try_from(config).unwrap();
        let timeout = Duration::from_secs(30);
        Cluster::new(client.clone(), client, Arc::new(move || may_write), timeout)
    }

    async fn answers(cluster: &Cluster) -> [KubeError; 7] {
        let metadata = json!({"name": "one", "namespace": "here"});
        let group: PasswordSyncGroup = from_value(json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup", "metadata": metadata,
            "spec": {"name": "One", "passwordPolicyRef": {"name": "P"}, "sourceRefs": []},
        }))
        .unwrap();
        let tenant: IdentityTenant = from_value(json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": "IdentityTenant", "metadata": metadata,
            "spec": {"credentialsSecretRef": {"name": "pat"}},
        }))
        .unwrap();
        let status = || json!({"groupID": "g"});
        [
            cluster.group("here", "one").await.unwrap_err(),
            cluster.secret("here", "pat").await.unwrap_err(),
            cluster
                .set_finalizers(&group, Vec::new())
                .await
                .unwrap_err(),
            cluster.patch_status(&group, status()).await.unwrap_err(),
            cluster
                .patch_tenant_status(&tenant, status())
                .await
                .unwrap_err(),
            cluster
                .set_secret_finalizers(&tenant.metadata, Vec::new())
                .await
                .unwrap_err(),
            cluster
                .set_tenant_finalizers(&tenant, Vec::new())
                .await
                .unwrap_err(),
        ]
    }

    #[tokio::test]
    async fn a_process_that_may_not_write_begins_no_write_and_still_reads() {
        let held_back = |answers: &[KubeError]| -> Vec<bool> {
            let text = answers.iter().map(ToString::to_string);
            text.map(|text| text.contains("may not write")).collect()
        };
        let closed = answers(&cluster(false)).await;
        assert_eq!(
            held_back(&closed),
            [false, false, true, true, true, true, true],
            "{closed:?}"
        );
        let open = answers(&cluster(true)).await;
        assert_eq!(held_back(&open), [false; 7], "{open:?}");
    }
}
