//! One of each: a namespace, a simulated tenant with its Secret and `IdentityTenant`, an operator.
//!
//! Most tests begin with `World::new("what-it-is-about").await`. A wait that fails shows what was
//! there instead and the end of the operator's log.

use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{
    audit::{Audit, Mark, Write},
    control_plane::ControlPlane,
    kubectl::Printed,
    kubernetes::{apply, apply_value, condition, ours},
    namespace::Namespace,
    operator::Operator,
    simulator::TenantSim,
    users::User,
};

mod builder;
mod steps;
mod still;
mod waits;

pub use builder::Builder;
pub use steps::{said, spec};
pub use waits::PATIENCE;

/// Everything that a test of behaviour needs.
pub struct World {
    // First: it must not work on while the rest goes.
    operator: Option<Operator>,
    /// The API server.
    pub plane: &'static ControlPlane,
    /// A client of its administrator.
    pub client: Client,
    /// The namespace, of this test alone.
    pub namespace: Namespace,
    /// The simulated tenant behind the IdentityTenant `default`.
    pub tenant: TenantSim,
    flags: Vec<String>,
    user: User,
}

impl World {
    /// A world around the believable tenant.
    pub async fn new(name: &str) -> Self {
        Self::builder(name).start().await
    }

    /// The same with differences.
    pub fn builder(name: &str) -> Builder {
        Builder::new(name)
    }

    /// The operator that runs or ran last.
    pub fn operator(&mut self) -> &mut Operator {
        self.operator.as_mut().expect("an operator was started")
    }

    /// Kills the operator if it runs, and starts it anew.
    pub async fn restart(&mut self) {
        self.operator = None;
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let namespaces = [&*self.namespace];
        let kubeconfig = self.plane.kubeconfig(self.user);
        let kubeconfig = kubeconfig.to_str().expect("a path in UTF-8");
        let environment = [("KUBECONFIG", kubeconfig)];
        let operator = Operator::start_with(self.plane, &namespaces, &flags, &environment);
        self.operator = Some(operator.await);
    }

    /// Applies YAML as an administrator; it must be accepted.
    pub async fn apply(&self, yaml: &str) -> Vec<DynamicObject> {
        let applied = apply(&self.client, &self.namespace, yaml).await;
        applied.unwrap_or_else(|why| panic!("{why}\n{yaml}"))
    }

    /// Applies a group: its spec as YAML or JSON, complete but for `tenantRef`.
    pub async fn apply_group(&self, name: &str, spec: &str) -> DynamicObject {
        let spec: Value =
            serde_saphyr::from_str(spec).unwrap_or_else(|why| panic!("{why}\n{spec}"));
        self.apply_ours("PasswordSyncGroup", name, spec).await
    }

    /// Applies the Secret with this tenant's credentials under a name.
    pub async fn apply_secret(&self, name: &str) {
        let tenant = &self.tenant;
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "stringData": {
                "baseUrl": tenant.base_url,
                "clientId": tenant.client_id,
                "clientSecret": tenant.client_secret,
            },
        });
        let applied = apply_value(&self.client, &self.namespace, secret).await;
        applied.expect("a Secret");
    }

    /// Applies an IdentityTenant that uses a Secret.
    pub async fn apply_tenant(&self, name: &str, secret: &str, mut spec: Value) {
        spec["credentialsSecretRef"] = json!({"name": secret});
        self.apply_ours("IdentityTenant", name, spec).await;
    }

    /// The API of the groups here.
    pub fn groups(&self) -> Api<DynamicObject> {
        ours(&self.client, &self.namespace, "PasswordSyncGroup")
    }

    /// The API of the tenants here.
    pub fn tenants(&self) -> Api<DynamicObject> {
        ours(&self.client, &self.namespace, "IdentityTenant")
    }

    /// A group as it is now.
    pub async fn group(&self, name: &str) -> DynamicObject {
        self.groups().get(name).await.expect("the group")
    }

    /// Changes a group by a merge patch: `{"spec": {"managementPolicy": "Observe"}}`.
    pub async fn patch_group(&self, name: &str, patch: Value) -> DynamicObject {
        let params = PatchParams::default();
        let patched = self
            .groups()
            .patch(name, &params, &Patch::Merge(patch))
            .await;
        patched.expect("a patch that is accepted")
    }

    /// Asks for a group's deletion, without waiting for its end.
    pub async fn delete_group(&self, name: &str) {
        let params = DeleteParams::default();
        self.groups().delete(name, &params).await.expect("a group");
    }

    /// One condition of a group as it is now.
    pub async fn condition(&self, name: &str, kind: &str) -> Option<Value> {
        condition(&self.group(name).await, kind).cloned()
    }

    /// The Events about an object here, each as `Reason: note`, oldest first.
    pub async fn events(&self, name: &str) -> Vec<String> {
        use k8s_openapi::api::events::v1::Event;
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = events
            .list(&ListParams::default())
            .await
            .expect("events")
            .items;
        events.retain(|event| {
            event
                .regarding
                .as_ref()
                .is_some_and(|about| about.name.as_deref() == Some(name))
        });
        events.sort_by_key(|event| event.creation_timestamp().map(|time| time.0));
        let line = |event: Event| {
            let reason = event.reason.unwrap_or_default();
            format!("{reason}: {}", event.note.unwrap_or_default())
        };
        events.into_iter().map(line).collect()
    }

    /// kubectl as an administrator, in this namespace.
    pub async fn kubectl(&self, args: &[&str]) -> Printed {
        self.plane.kubectl(User::Admin, &self.namespace, args).await
    }

    /// The audit log and the place where it is now; none on an existing cluster.
    pub async fn audit(&self) -> Option<(Audit, Mark)> {
        let audit = self.plane.audit().await?;
        let mark = audit.mark().await;
        Some((audit, mark))
    }

    /// What the operator wrote here since a mark.
    pub async fn operator_writes(&self, (audit, mark): &(Audit, Mark)) -> Vec<Write> {
        audit
            .writes_of(User::Operator, Some(&self.namespace), *mark)
            .await
    }

    async fn apply_ours(&self, kind: &str, name: &str, spec: Value) -> DynamicObject {
        let object = json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name}, "spec": spec,
        });
        let applied = apply_value(&self.client, &self.namespace, object).await;
        applied.unwrap_or_else(|why| panic!("{kind} {name}: {why}"))
    }
}
