//! Steps that many tests take: a world read only when it is asked to be, and marks in time.

use std::sync::atomic::{AtomicU32, Ordering};

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::{Builder, World};

impl World {
    /// A world whose tenant is read when a test asks for it and not in between, so that every
    /// request in the ledger has a cause; over one version of the identity API.
    pub fn still(name: &str, version: &str) -> Builder {
        let spec = json!({"identityAPIVersion": version, "readInterval": "1h"});
        Self::builder(name).tenant_spec(spec)
    }

    /// Waits until the tenant was read for the first time, and empties the ledger.
    pub async fn begun(&self) {
        self.wait_tenant("default", "Ready", "True", "Reading")
            .await;
        self.tenant.clear_ledger().await;
    }

    /// Has the tenant read now, and waits until that read is over.
    pub async fn read_again(&self) {
        let before = self.tenant.last_call().await;
        self.annotate_tenant("passwordsync.dev/reconcile-at", &fresh())
            .await;
        self.wait("a whole read of the tenant", async || {
            let calls = self.tenant.calls_since(before).await;
            let groups = calls
                .iter()
                .position(|call| call == "GET /password-sync-groups");
            let last = calls
                .iter()
                .rposition(|call| call == "GET /source-apps/all");
            match (groups, last) {
                (Some(begin), Some(end)) if begin < end => Ok(()),
                _ => Err(format!("{calls:?}")),
            }
        })
        .await;
    }

    /// Two reads in a row: by the end of the second, what the first one showed was acted upon.
    pub async fn read_twice(&self) {
        self.read_again().await;
        self.read_again().await;
    }

    /// Annotates the IdentityTenant.
    pub async fn annotate_tenant(&self, annotation: &str, value: &str) {
        let patch = json!({"metadata": {"annotations": {annotation: value}}});
        let params = PatchParams::default();
        let patched = self
            .tenants()
            .patch("default", &params, &Patch::Merge(patch))
            .await;
        patched.expect("an IdentityTenant");
    }

    /// Sets a group's annotation, or takes it off with none.
    pub async fn annotate_group(&self, name: &str, annotation: &str, value: Option<&str>) {
        let patch = json!({"metadata": {"annotations": {annotation: value}}});
        self.patch_group(name, patch).await;
    }

    /// The status of a group as it is now.
    pub async fn status(&self, name: &str) -> Value {
        self.group(name).await.data["status"].clone()
    }

    /// Waits until an Event about an object begins with a text, and returns the whole of it.
    pub async fn wait_event(&self, name: &str, begin: &str) -> String {
        self.wait(format!("an Event {begin} about {name}"), async || {
            let events = self.events(name).await;
            let found = events.iter().find(|event| event.starts_with(begin));
            found.cloned().ok_or_else(|| format!("{events:#?}"))
        })
        .await
    }
}

/// A value that no annotation had before.
fn fresh() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{number}", jiff::Timestamp::now())
}
