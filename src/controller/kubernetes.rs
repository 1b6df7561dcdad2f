//! The port to Kubernetes, small enough that tests can put a model behind it.

pub mod client;
pub mod conditions;
mod event_limit;
pub mod tolerant;

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use psg_api::{IdentityTenant, PasswordSyncGroup};
use psg_plan::{Condition, Reason, Truth};
use serde_json::Value;

/// What a pass asks of Kubernetes.
#[async_trait]
pub trait Kubernetes: Send + Sync {
    /// The resource as it is stored now, never from a cache.
    async fn group(&self, namespace: &str, name: &str) -> Result<PasswordSyncGroup, KubeError>;

    /// Replaces the finalizers of exactly this version of a resource.
    async fn set_finalizers(
        &self,
        group: &PasswordSyncGroup,
        finalizers: Vec<String>,
    ) -> Result<PasswordSyncGroup, KubeError>;

    /// Merges a patch into the status of exactly this version of a resource.
    async fn patch_status(
        &self,
        group: &PasswordSyncGroup,
        patch: Value,
    ) -> Result<PasswordSyncGroup, KubeError>;

    /// Merges a patch into the status of exactly this version of a tenant.
    async fn patch_tenant_status(
        &self,
        tenant: &IdentityTenant,
        patch: Value,
    ) -> Result<IdentityTenant, KubeError>;

    /// Replaces the finalizers of exactly this version of a tenant.
    async fn set_tenant_finalizers(
        &self,
        tenant: &IdentityTenant,
        finalizers: Vec<String>,
    ) -> Result<IdentityTenant, KubeError>;

    /// A tenant as it is stored now.
    async fn tenant(&self, namespace: &str, name: &str) -> Result<IdentityTenant, KubeError>;

    /// A Secret, got by name; never listed or watched.
    async fn secret(&self, namespace: &str, name: &str) -> Result<SecretData, KubeError>;

    /// Replaces the finalizers of exactly this version of a Secret, and nothing else of it.
    async fn set_secret_finalizers(
        &self,
        secret: &ObjectMeta,
        finalizers: Vec<String>,
    ) -> Result<ObjectMeta, KubeError>;

    /// Makes an Event. A failure is logged and changes nothing.
    async fn event(&self, about: &ObjectReference, note: Note);
}

/// A Secret.
pub struct SecretData {
    /// The decoded values by key.
    pub data: BTreeMap<String, Vec<u8>>,
    /// Its name, UID, version and finalizers.
    pub metadata: ObjectMeta,
}

impl fmt::Debug for SecretData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.data.keys().collect();
        f.debug_struct("SecretData")
            .field("keys", &keys)
            .finish_non_exhaustive()
    }
}

/// One Event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// A `Warning`, not `Normal`.
    pub warning: bool,
    /// One word for what happened.
    pub reason: String,
    /// A sentence; sent up to 1 kB.
    pub text: String,
    /// What the operator was doing.
    pub action: &'static str,
}

impl Note {
    /// The Event for a condition that needs a person; `None` if it is a mere wait.
    pub fn warning(ready: &Condition) -> Option<Self> {
        let goes_on = [Reason::WaitingForSource, Reason::Updating, Reason::Deleting];
        let goes_on = goes_on.iter().any(|reason| ready.reason == reason.as_str());
        let tell = ready.truth == Truth::False && !goes_on;
        tell.then(|| Self {
            warning: true,
            reason: ready.reason.to_owned(),
            text: ready.message.clone(),
            action: "Reconcile",
        })
    }
}

/// A resource version as the number that it is (Kubernetes, KEP-5504); none sorts first.
pub fn version(metadata: &ObjectMeta) -> Option<u64> {
    metadata.resource_version.as_ref()?.parse().ok()
}

/// Why a call to Kubernetes failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubeError {
    /// The object has changed meanwhile; read it and decide again.
    #[error("the object has changed meanwhile")]
    Conflict,
    /// There is no such object.
    #[error("there is no such object")]
    Gone,
    /// The operator has no right to do this.
    #[error("the operator is not allowed to: {0}")]
    Forbidden(String),
    /// Any other error: the call may or may not have taken effect.
    #[error("kubernetes: {0}")]
    Other(String),
}

#[cfg(test)]
mod tests {
    use psg_domain::ConditionType;

    use super::*;

    #[test]
    fn a_secret_is_printed_without_what_it_holds() {
        let secret = SecretData {
            data: BTreeMap::from([("clientSecret".to_owned(), b"hush".to_vec())]),
            metadata: ObjectMeta::default(),
        };
        let printed = format!("{secret:?}");
        assert_eq!(printed, r#"SecretData { keys: ["clientSecret"], .. }"#);
    }

    #[test]
    fn what_is_wrong_is_told_and_what_only_waits_is_not() {
        let ready = |truth, reason: Reason| {
            let message = "because".to_owned();
            Note::warning(&Condition {
                kind: ConditionType::Ready,
                truth,
                reason: reason.as_str(),
                message,
            })
        };
        let told = ready(Truth::False, Reason::Refused).unwrap();
        assert!(told.warning);
        assert_eq!(
            (told.reason.as_str(), told.text.as_str()),
            ("Refused", "because")
        );
        assert!(ready(Truth::False, Reason::WaitingForSource).is_none());
        assert!(ready(Truth::True, Reason::Refused).is_none());
        assert!(ready(Truth::Unknown, Reason::Refused).is_none());
    }
}
