//! The Kubernetes API from a test: a client for each user, objects as plain JSON.
//!
//! A client belongs to the runtime that made it, so each test makes its own.

use std::{
    path::Path,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use kube::{
    Api, Client, Config, ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::{GroupVersionKind, TypeMeta},
    discovery,
};
use serde_json::Value;

use super::{control_plane::ControlPlane, users::User};

/// Who a test is in `managedFields`.
pub const FIELD_MANAGER: &str = "psg-tests";

impl ControlPlane {
    /// A client in the name of a user.
    pub async fn client(&self, user: User) -> Client {
        client(&self.kubeconfig(user)).await
    }
}

/// A client from a kubeconfig.
pub async fn client(kubeconfig: &Path) -> Client {
    choose_tls();
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .expect("a configuration");
    config.read_timeout = Some(Duration::from_secs(30));
    Client::try_from(config).expect("a client")
}

/// A name that nothing else of this run, or of another one on the same cluster, has.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let run = std::process::id() % 100_000;
    let time = jiff::Timestamp::now().as_millisecond() % 100_000;
    let name: String = name.replace(['_', ' '], "-").chars().take(35).collect();
    format!(
        "{}-{run}-{time}-{number}",
        name.to_lowercase().trim_matches('-')
    )
}

/// Applies each document of a YAML text from the server's side, as the user of the client.
pub async fn apply(
    client: &Client,
    namespace: &str,
    yaml: &str,
) -> kube::Result<Vec<DynamicObject>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).expect("YAML");
    let mut applied = Vec::new();
    for document in documents.into_iter().filter(|document| !document.is_null()) {
        applied.push(apply_value(client, namespace, document).await?);
    }
    Ok(applied)
}

/// Applies one object; `namespace` counts if it names none itself and its kind is namespaced.
pub async fn apply_value(
    client: &Client,
    namespace: &str,
    object: Value,
) -> kube::Result<DynamicObject> {
    let object: DynamicObject = serde_json::from_value(object).expect("an object");
    let types = object.types.clone().expect("apiVersion and kind");
    let own = object.namespace();
    let api = api_of(client, &types, own.as_deref().unwrap_or(namespace)).await?;
    let params = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(&object.name_any(), &params, &Patch::Apply(&object))
        .await
}

/// The API of a kind, asked from the server.
pub async fn api_of(
    client: &Client,
    types: &TypeMeta,
    namespace: &str,
) -> kube::Result<Api<DynamicObject>> {
    let kind = GroupVersionKind::try_from(types).expect("a kind");
    let (resource, capabilities) = discovery::pinned_kind(client, &kind).await?;
    Ok(match capabilities.scope {
        discovery::Scope::Cluster => Api::all_with(client.clone(), &resource),
        discovery::Scope::Namespaced => Api::namespaced_with(client.clone(), namespace, &resource),
    })
}

/// The API of one of our own kinds: `PasswordSyncGroup` or `IdentityTenant`.
pub fn ours(client: &Client, namespace: &str, kind: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("passwordsync.dev", "v1alpha1", kind);
    Api::namespaced_with(client.clone(), namespace, &ApiResource::from_gvk(&kind))
}

/// One condition of an object as JSON.
pub fn condition<'a>(object: &'a DynamicObject, kind: &str) -> Option<&'a Value> {
    let conditions = object.data["status"]["conditions"].as_array()?;
    conditions
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// An HTTP client that trusts one authority alone, for readiness.
pub fn http_trusting(authority: &[u8]) -> reqwest::Client {
    choose_tls();
    let authority = reqwest::Certificate::from_pem(authority).expect("a certificate");
    let builder = reqwest::Client::builder().no_proxy();
    let builder = builder.timeout(Duration::from_secs(5));
    builder
        .tls_certs_only([authority])
        .build()
        .expect("a client")
}

/// An HTTP client for loopback addresses.
pub fn http() -> reqwest::Client {
    choose_tls();
    let builder = reqwest::Client::builder().no_proxy();
    let builder = builder.timeout(Duration::from_secs(30));
    builder.tls_certs_only([]).build().expect("a client")
}

/// One TLS implementation for everything in this process.
fn choose_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Somebody else may have chosen already, and the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
