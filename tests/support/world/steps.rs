//! Steps that many tests take: a group in one line, a read now, and what the ledger has of it.

use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use super::{Builder, World};
use crate::support::{
    kubernetes::{apply_value, condition, unique},
    simulator::TenantSim,
};

/// A group's spec: its name and its sources, under the policy "Corporate Strong".
pub fn spec(name: &str, sources: &[&str]) -> String {
    let sources: Vec<Value> = sources.iter().map(|name| json!({"name": name})).collect();
    let policy = json!({"name": "Corporate Strong"});
    json!({"name": name, "passwordPolicyRef": policy, "sourceRefs": sources}).to_string()
}

/// One condition as `True Reason: message`; empty if there is none.
pub fn said(object: &DynamicObject, kind: &str) -> String {
    let Some(found) = condition(object, kind) else {
        return String::new();
    };
    let text = |field: &str| found[field].as_str().unwrap_or_default();
    format!("{} {}: {}", text("status"), text("reason"), text("message"))
}

impl World {
    /// A world whose tenant is asked in the per-resource form `v1`.
    pub fn v1(name: &str) -> Builder {
        let spec = json!({"readInterval": "10s", "identityAPIVersion": "v1"});
        Self::builder(name).tenant_spec(spec)
    }

    /// Applies a group in another namespace.
    pub async fn apply_group_in(&self, namespace: &str, name: &str, spec: &str) -> DynamicObject {
        let spec: Value = serde_saphyr::from_str(spec).expect("a spec");
        let group = json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
            "metadata": {"name": name}, "spec": spec,
        });
        let applied = apply_value(&self.client, namespace, group).await;
        applied.expect("a group that is accepted")
    }

    /// Applies a Secret with any content.
    pub async fn apply_secret_with(&self, name: &str, content: Value) {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "stringData": content,
        });
        let applied = apply_value(&self.client, &self.namespace, secret).await;
        applied.expect("a Secret");
    }

    /// Asks for a read of an IdentityTenant now, without waiting for it.
    pub async fn poke(&self, tenant: &str) {
        let annotation = json!({"passwordsync.dev/reconcile-at": unique("now")});
        let patch = Patch::Merge(json!({"metadata": {"annotations": annotation}}));
        let patched = self
            .tenants()
            .patch(tenant, &PatchParams::default(), &patch)
            .await;
        patched.expect("an IdentityTenant");
    }

    /// The tenant takes another secret from now on, and its token no more; waits until that is said.
    pub async fn refuse_credentials(&self, secret: &str) {
        let other = json!({"clientSecret": secret});
        self.tenant.credentials(other).await;
        self.tenant.revoke_tokens().await;
        self.poke("default").await;
        self.wait_tenant("default", "Ready", "False", "CredentialsInvalid")
            .await;
    }

    /// Has the tenant `default` read now, whole, and waits until that is done.
    pub async fn read_again(&self) {
        let mark = self.tenant.last_request().await;
        self.poke("default").await;
        self.wait("another whole read", async || {
            let since = self.tenant.ledger_since(mark).await;
            let mut routes = since
                .iter()
                .filter(|entry| entry["method"] == "GET" && entry["status"] == 200)
                .map(|entry| entry["route"].as_str().unwrap_or_default())
                .skip_while(|route| *route != "/password-sync-groups");
            // Groups come first and applications last.
            match routes.find(|route| *route == "/source-apps/all") {
                Some(_) => Ok(()),
                None => Err(format!("{} requests", since.len())),
            }
        })
        .await;
    }

    /// Waits for an Event, which comes a moment after the status that it is about; how often it
    /// was told.
    pub async fn told(&self, name: &str, reason: &str) -> usize {
        let prefix = format!("{reason}: ");
        self.wait(format!("Event {reason} about {name}"), async || {
            let events = self.events(name).await;
            match events
                .iter()
                .filter(|event| event.starts_with(&prefix))
                .count()
            {
                0 => Err(format!("{events:?}")),
                count => Ok(count),
            }
        })
        .await
    }

    /// An IdentityTenant as it is now.
    pub async fn identity_tenant(&self, name: &str) -> DynamicObject {
        self.tenants().get(name).await.expect("an IdentityTenant")
    }
}

impl TenantSim {
    /// The number of the last request.
    pub async fn last_request(&self) -> u64 {
        let ledger = self.ledger().await;
        ledger
            .last()
            .and_then(|entry| entry["seq"].as_u64())
            .unwrap_or(0)
    }

    /// Every request of one kind: `POST /password-sync-groups`.
    pub async fn asked(&self, what: &str) -> Vec<Value> {
        let (method, route) = what.split_once(' ').expect("a method and a route");
        let mut ledger = self.ledger().await;
        ledger.retain(|entry| entry["method"] == method && entry["route"] == route);
        ledger
    }

    /// Changes fields of a source behind the API's back.
    pub async fn edit_source(&self, name: &str, changes: Value) {
        let mut source = self.source(name).await;
        let id = source["id"].as_str().expect("an id").to_owned();
        let object = source.as_object_mut().expect("an object");
        object.remove("passwordPolicies");
        for (field, value) in changes.as_object().into_iter().flatten() {
            object.insert(field.clone(), value.clone());
        }
        self.put(&format!("sources/{id}"), source).await;
    }

    /// The id of a source.
    pub async fn source_id(&self, name: &str) -> String {
        let source = self.source(name).await;
        source["id"].as_str().expect("an id").to_owned()
    }

    /// The name of the one policy that is put on a source for everybody.
    pub async fn policy_on(&self, source: &str) -> Option<String> {
        let state = self.state().await;
        let sources = state["sources"].as_array().expect("sources");
        let source = sources.iter().find(|one| one["name"] == source)?;
        let mut holders = source["holders"].as_array()?.iter();
        let holder = holders.find(|holder| holder["selectors"].is_null())?;
        let policies = state["policies"].as_array()?;
        let policy = policies
            .iter()
            .find(|one| one["id"] == holder["policyId"])?;
        policy["name"].as_str().map(str::to_owned)
    }
}
