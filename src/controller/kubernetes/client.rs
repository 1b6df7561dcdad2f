//! The Kubernetes port over kube. Reads are repeated if the apiserver is busy; writes never are,
//! since a repeated write may conflict with its own first try as if with another writer.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{Event, EventSource, ObjectReference, Secret},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, Time},
};
use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams, PostParams},
};
use psg_api::{IdentityTenant, PasswordSyncGroup, names};
use psg_domain::text;
use psg_identity::MayWrite;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::kubernetes::{KubeError, Kubernetes, Note, SecretData, event_limit::Spam};

/// The most bytes of an Event's message that the apiserver takes.
const NOTE: usize = 1024;

/// The most bytes of a resource's name that an Event's name begins with.
const NAME: usize = 200;

/// How many calls are under way at once. Each takes a connection, and each connection memory;
/// more of them make no server faster.
const AT_ONCE: usize = 32;

/// A kind of object that is read and written by name.
trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + fmt::Debug + DeserializeOwned
{
}

impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + fmt::Debug
        + DeserializeOwned
{
}

/// The port, implemented with kube.
pub struct Cluster {
    reads: Client,
    writes: Client,
    may_write: Arc<MayWrite>,
    timeout: Duration,
    at_once: Semaphore,
    spam: Spam,
}

impl Cluster {
    /// `reads` may repeat a call, `writes` may not, and no write begins unless `may_write` returns
    /// true; `timeout` bounds each single call.
    pub fn new(reads: Client, writes: Client, may_write: Arc<MayWrite>, timeout: Duration) -> Self {
        Self {
            reads,
            writes,
            may_write,
            timeout,
            at_once: Semaphore::new(AT_ONCE),
            spam: Spam::default(),
        }
    }

    async fn get<K: Kind>(&self, namespace: &str, name: &str) -> Result<K, KubeError> {
        let api: Api<K> = Api::namespaced(self.reads.clone(), namespace);
        self.read(api.get(name)).await
    }

    async fn merge_status<K: Kind>(&self, object: &K, status: Value) -> Result<K, KubeError> {
        let (api, name) = self.written::<K>(object.meta())?;
        let mut body = exactly(object.meta());
        body["status"] = status;
        let patch = Patch::Merge(body);
        self.write(api.patch_status(name, &as_manager(), &patch))
            .await
    }

    async fn merge_finalizers<K: Kind>(
        &self,
        object: &K,
        finalizers: Vec<String>,
    ) -> Result<K, KubeError> {
        let (api, name) = self.written::<K>(object.meta())?;
        let patch = Patch::Merge(with_finalizers(object.meta(), &finalizers));
        self.write(api.patch(name, &as_manager(), &patch)).await
    }

    /// The API and the name by which an object is written.
    fn written<'a, K: Kind>(&self, of: &'a ObjectMeta) -> Result<(Api<K>, &'a str), KubeError> {
        match (of.namespace.as_deref(), of.name.as_deref()) {
            (Some(namespace), Some(name)) => {
                Ok((Api::namespaced(self.writes.clone(), namespace), name))
            }
            _ => Err(KubeError::Other("an object without a name".to_owned())),
        }
    }

    async fn read<T>(
        &self,
        call: impl Future<Output = Result<T, kube::Error>> + Send,
    ) -> Result<T, KubeError> {
        // The semaphore is never closed.
        let _place = self.at_once.acquire().await;
        self.bounded(call).await
    }

    async fn write<T>(
        &self,
        call: impl Future<Output = Result<T, kube::Error>> + Send,
    ) -> Result<T, KubeError> {
        let _place = self.at_once.acquire().await;
        // Checked after the wait for a place, which may have been long.
        if !(self.may_write)() {
            let why = "not sent: this process may not write now";
            return Err(KubeError::Other(why.to_owned()));
        }
        self.bounded(call).await
    }

    /// The timeout starts here: the wait for a place is no fault of the server.
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
        self.get(namespace, name).await
    }

    async fn set_finalizers(
        &self,
        group: &PasswordSyncGroup,
        finalizers: Vec<String>,
    ) -> Result<PasswordSyncGroup, KubeError> {
        self.merge_finalizers(group, finalizers).await
    }

    async fn patch_status(
        &self,
        group: &PasswordSyncGroup,
        patch: Value,
    ) -> Result<PasswordSyncGroup, KubeError> {
        self.merge_status(group, patch).await
    }

    async fn patch_tenant_status(
        &self,
        tenant: &IdentityTenant,
        patch: Value,
    ) -> Result<IdentityTenant, KubeError> {
        self.merge_status(tenant, patch).await
    }

    async fn set_tenant_finalizers(
        &self,
        tenant: &IdentityTenant,
        finalizers: Vec<String>,
    ) -> Result<IdentityTenant, KubeError> {
        self.merge_finalizers(tenant, finalizers).await
    }

    async fn tenant(&self, namespace: &str, name: &str) -> Result<IdentityTenant, KubeError> {
        self.get(namespace, name).await
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<SecretData, KubeError> {
        let secret: Secret = self.get(namespace, name).await?;
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
        let (api, name) = self.written::<Secret>(secret)?;
        let patch = Patch::Merge(with_finalizers(secret, &finalizers));
        // Only the metadata is asked for, not the data of the Secret.
        let stored = self
            .write(api.patch_metadata(name, &as_manager(), &patch))
            .await?;
        Ok(stored.metadata)
    }

    async fn event(&self, about: &ObjectReference, note: Note) {
        let now = Timestamp::now();
        if !self
            .spam
            .allows(about.uid.as_deref().unwrap_or_default(), now)
        {
            tracing::debug!(
                name = about.name,
                "it made too many events lately for one more"
            );
            return;
        }
        let namespace = about.namespace.as_deref().unwrap_or("default");
        let api: Api<Event> = Api::namespaced(self.writes.clone(), namespace);
        let reason = note.reason.clone();
        // Not kube's recorder: it keeps every Event in memory for minutes, and merges a second
        // Event of the same reason into the first, with the text of the first.
        let event = event(about, note, now);
        let made = self.write(api.create(&PostParams::default(), &event)).await;
        if let Err(error) = made {
            tracing::warn!(reason, name = about.name, %error, "an event could not be published");
        }
    }
}

/// Of `v1` and not of `events.k8s.io`, which has no `lastTimestamp`: people sort by that field.
pub(crate) fn event(about: &ObjectReference, note: Note, now: Timestamp) -> Event {
    let name = about.name.as_deref().unwrap_or_default();
    // The name of a resource may be as long as that of an Event.
    let name = name.get(..NAME).unwrap_or(name);
    // A label of a DNS name must not end with one of these.
    let name = name.trim_end_matches(['-', '.']);
    let kind = if note.warning { "Warning" } else { "Normal" };
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{name}.{:x}", now.as_nanosecond())),
            namespace: about.namespace.clone(),
            ..ObjectMeta::default()
        },
        type_: Some(kind.to_owned()),
        reason: Some(note.reason),
        message: Some(cut(text::line(&note.text))),
        action: Some(note.action.to_owned()),
        event_time: Some(MicroTime(now)),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
        count: Some(1),
        involved_object: about.clone(),
        reporting_component: Some(names::FIELD_MANAGER.to_owned()),
        reporting_instance: Some(names::FIELD_MANAGER.to_owned()),
        source: Some(EventSource {
            component: Some(names::FIELD_MANAGER.to_owned()),
            ..EventSource::default()
        }),
        ..Event::default()
    }
}

/// The part of a patch that makes it apply to one version of one object only.
fn exactly(metadata: &ObjectMeta) -> Value {
    json!({"metadata": {"uid": metadata.uid, "resourceVersion": metadata.resource_version}})
}

fn with_finalizers(metadata: &ObjectMeta, finalizers: &[String]) -> Value {
    let mut body = exactly(metadata);
    body["metadata"]["finalizers"] = json!(finalizers);
    body
}

fn as_manager() -> PatchParams {
    PatchParams::apply(names::FIELD_MANAGER)
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
