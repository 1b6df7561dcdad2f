//! A world that stands still: its tenant is read when a test asks for it and not in between, so
//! that every request in the ledger has a cause.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::{Builder, World};

impl World {
    /// A world that stands still, over one version of the identity API.
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
