//! One of each: a namespace, a simulated tenant with its Secret and `IdentityTenant`, an operator.
//!
//! Most tests begin with `World::new("what-it-is-about").await`. A wait that fails shows what was
//! there instead and the end of the operator's log.

use std::{fmt::Display, time::Duration};

use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{
    audit::{Audit, Mark, Write},
    control_plane::ControlPlane,
    install,
    kubectl::Printed,
    kubernetes::{apply, apply_value, condition, ours},
    operator::Operator,
    simulator::{self, TenantSim},
    users::User,
    wait::{Look, until},
};

/// How long a test waits for what should take a second or two; two cores are shared by many.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Everything that a test of behaviour needs.
pub struct World {
    /// The API server.
    pub plane: &'static ControlPlane,
    /// A client of its administrator.
    pub client: Client,
    /// The namespace, of this test alone.
    pub namespace: String,
    /// The simulated tenant behind the IdentityTenant `default`.
    pub tenant: TenantSim,
    operator: Option<Operator>,
    flags: Vec<String>,
}

/// What may differ from one test to another.
#[derive(Debug, Clone)]
pub struct Builder {
    name: String,
    seed: Value,
    spec: Value,
    flags: Vec<String>,
    operator: bool,
}

impl Builder {
    /// What the tenant holds at first; the simulator's believable tenant otherwise.
    #[must_use]
    pub fn seed(mut self, seed: Value) -> Self {
        self.seed = seed;
        self
    }

    /// Fields of the IdentityTenant's spec besides the Secret: `{"rateLimit": …}`.
    #[must_use]
    pub fn tenant_spec(mut self, spec: Value) -> Self {
        self.spec = spec;
        self
    }

    /// A further flag of the operator, `--name=value`.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// The operator is started later, by [`World::restart`].
    #[must_use]
    pub fn without_operator(mut self) -> Self {
        self.operator = false;
        self
    }

    /// Starts it all.
    pub async fn start(self) -> World {
        let plane = ControlPlane::shared().await;
        let client = plane.client(User::Admin).await;
        let namespace = plane.namespace(&self.name).await;
        install::lease_rights(&client, &namespace).await;
        let tenant = TenantSim::new(&self.name, self.seed).await;
        let mut world = World {
            plane,
            client,
            namespace,
            tenant,
            operator: None,
            flags: self.flags,
        };
        world.apply_secret("tenant").await;
        world.apply_tenant("default", "tenant", self.spec).await;
        if self.operator {
            world.restart().await;
        }
        world
    }
}

impl World {
    /// A world around the believable tenant.
    pub async fn new(name: &str) -> Self {
        Self::builder(name).start().await
    }

    /// The same with differences.
    pub fn builder(name: &str) -> Builder {
        Builder {
            name: name.to_owned(),
            seed: simulator::acme(),
            spec: json!({"readInterval": "10s"}),
            flags: Vec::new(),
            operator: true,
        }
    }

    /// The operator that runs or ran last.
    pub fn operator(&mut self) -> &mut Operator {
        self.operator.as_mut().expect("an operator was started")
    }

    /// Kills the operator if it runs, and starts it anew.
    pub async fn restart(&mut self) {
        self.operator = None;
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let namespaces = [self.namespace.as_str()];
        self.operator = Some(Operator::start_with(self.plane, &namespaces, &flags, &[]).await);
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

    /// Waits until a group is Ready for its present spec.
    pub async fn wait_ready(&self, name: &str) -> DynamicObject {
        self.wait_condition(name, "Ready", "True", None).await
    }

    /// Waits until a group's Ready condition has a reason for its present spec.
    pub async fn wait_reason(&self, name: &str, reason: &str) -> DynamicObject {
        self.wait_group(name, format!("Ready with reason {reason}"), |group| {
            current(group, "Ready").is_some_and(|ready| ready["reason"] == reason)
        })
        .await
    }

    /// Waits until a group's condition has a status, and a reason if one is given.
    pub async fn wait_condition(
        &self,
        name: &str,
        kind: &str,
        status: &str,
        reason: Option<&str>,
    ) -> DynamicObject {
        let what = format!("{kind}={status} {}", reason.unwrap_or_default());
        self.wait_group(name, what, |group| {
            current(group, kind).is_some_and(|found| {
                found["status"] == status && reason.is_none_or(|reason| found["reason"] == reason)
            })
        })
        .await
    }

    /// Waits until a group is as a test wants it.
    pub async fn wait_group(
        &self,
        name: &str,
        what: impl Display,
        good: impl Fn(&DynamicObject) -> bool,
    ) -> DynamicObject {
        self.wait(format!("group {name}: {what}"), async || {
            let group = self
                .groups()
                .get(name)
                .await
                .map_err(|why| why.to_string())?;
            if good(&group) {
                Ok(group)
            } else {
                Err(shown(&group))
            }
        })
        .await
    }

    /// Waits until an IdentityTenant's condition has a status and a reason.
    pub async fn wait_tenant(&self, name: &str, kind: &str, status: &str, reason: &str) {
        self.wait(
            format!("tenant {name}: {kind}={status} {reason}"),
            async || {
                let tenant = self
                    .tenants()
                    .get(name)
                    .await
                    .map_err(|why| why.to_string())?;
                let found = current(&tenant, kind);
                let good =
                    found.is_some_and(|one| one["status"] == status && one["reason"] == reason);
                if good { Ok(()) } else { Err(shown(&tenant)) }
            },
        )
        .await;
    }

    /// Waits until a group's deletion is complete.
    pub async fn wait_gone(&self, name: &str) {
        self.wait(format!("group {name} to be gone"), async || {
            let found = self
                .groups()
                .get_opt(name)
                .await
                .map_err(|why| why.to_string())?;
            found.map_or(Ok(()), |group| Err(shown(&group)))
        })
        .await;
    }

    /// Waits for anything; a failure shows what was seen last and the operator's log.
    pub async fn wait<T>(&self, what: impl Display, look: impl AsyncFnMut() -> Look<T>) -> T {
        match until(PATIENCE, look).await {
            Ok(found) => found,
            Err(seen) => {
                let log = self.operator.as_ref().map(Operator::log_tail);
                let log = log.unwrap_or_default();
                panic!("waited {PATIENCE:?} for {what}; seen last: {seen}\n{log}")
            }
        }
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

impl Drop for World {
    /// On a cluster that was there before us nothing stays, even if the test failed half-way.
    fn drop(&mut self) {
        self.operator = None;
        if !self.plane.is_existing() {
            return;
        }
        let run = |args: &[&str]| self.plane.kubectl_blocking(&self.namespace, args);
        run(&["delete", "namespace", &self.namespace, "--wait=false"]);
        for held in run(&["get", "psg,idt,secrets", "--output=name"]).lines() {
            let none = r#"{"metadata":{"finalizers":null}}"#;
            run(&["patch", held, "--type=merge", "--patch", none]);
        }
    }
}

/// A condition that speaks of the object's present spec.
fn current<'a>(object: &'a DynamicObject, kind: &str) -> Option<&'a Value> {
    let found = condition(object, kind)?;
    let generation = object.metadata.generation;
    (found["observedGeneration"].as_i64() == generation).then_some(found)
}

fn shown(object: &DynamicObject) -> String {
    let about = json!({
        "generation": object.metadata.generation,
        "finalizers": object.metadata.finalizers,
        "deletionTimestamp": object.metadata.deletion_timestamp,
        "status": object.data["status"],
    });
    serde_json::to_string_pretty(&about).expect("JSON")
}
