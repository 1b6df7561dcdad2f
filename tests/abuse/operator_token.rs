//! With the operator's token: of both kinds and of Secrets one finalizer can be changed, by the policy
//! `psg-operator-finalizers`, and nothing else. It stops nobody else, and the operator works under it.

use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

use crate::support::{
    User, World,
    kubernetes::ours,
    world::{said, spec},
};

const OF_GROUPS: &str = "passwordsync.dev/reassign-policy";
const IN_USE: &str = "passwordsync.dev/in-use";
const OF_ANOTHER: &str = "example.com/another";

fn secrets(client: &Client, namespace: &str) -> Api<DynamicObject> {
    let secret = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Secret"));
    Api::namespaced_with(client.clone(), namespace, &secret)
}

/// What is tried on: an object of each kind, and the operator's finalizer of it.
struct Target {
    kind: &'static str,
    name: &'static str,
    finalizer: &'static str,
}

const TARGETS: [Target; 3] = [
    Target {
        kind: "PasswordSyncGroup",
        name: "one",
        finalizer: OF_GROUPS,
    },
    Target {
        kind: "IdentityTenant",
        name: "default",
        finalizer: IN_USE,
    },
    Target {
        kind: "Secret",
        name: "tenant",
        finalizer: IN_USE,
    },
];

impl Target {
    fn api(&self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        if self.kind == "Secret" {
            secrets(client, namespace)
        } else {
            ours(client, namespace, self.kind)
        }
    }

    /// What neither the operator does, nor anybody may do with its token.
    fn beyond_the_finalizer(&self) -> Vec<Value> {
        let owner = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "name": "owner",
            "uid": "00000000-0000-4000-8000-000000000000",
        });
        let own = match self.kind {
            "PasswordSyncGroup" => vec![
                json!({"spec": {"name": "Another"}}),
                json!({"spec": {"adoptionPolicy": "Overwrite"}}),
                json!({"spec": {"sourceRefs": [{"name": "Workday"}, {"name": "GitHub"}]}}),
                json!({"metadata": {"annotations": {"passwordsync.dev/protect": null}}}),
            ],
            "IdentityTenant" => vec![
                json!({"spec": {"credentialsSecretRef": {"name": "another"}}}),
                json!({"spec": {"deletionBrake": {"percent": 100}}}),
            ],
            _ => vec![
                json!({"data": {"clientSecret": "bmV3"}}),
                json!({"stringData": {"baseUrl": "https://elsewhere.example.com"}}),
                json!({"data": null}),
                json!({"immutable": true}),
            ],
        };
        let everywhere = [
            json!({"metadata": {"labels": {"a": "b"}}}),
            json!({"metadata": {"annotations": {"a": "b"}}}),
            json!({"metadata": {"annotations": null}}),
            json!({"metadata": {"ownerReferences": [owner]}}),
            json!({"metadata": {"generateName": "x-"}}),
            // The right one, and something else with it.
            json!({"metadata": {"finalizers": [OF_ANOTHER, self.finalizer], "labels": {"a": "b"}}}),
            // Of another: taken off, put on, or ours of another kind.
            finalizers(&[]),
            finalizers(&[self.finalizer]),
            finalizers(&[OF_ANOTHER, "example.com/third"]),
            finalizers(&[OF_ANOTHER, self.of_another_kind()]),
        ];
        own.into_iter().chain(everywhere).collect()
    }

    fn of_another_kind(&self) -> &'static str {
        if self.finalizer == IN_USE {
            OF_GROUPS
        } else {
            IN_USE
        }
    }
}

fn finalizers(held: &[&str]) -> Value {
    json!({"metadata": {"finalizers": held}})
}

async fn merge(
    api: &Api<DynamicObject>,
    name: &str,
    patch: &Value,
) -> Result<DynamicObject, String> {
    let (params, patch) = (PatchParams::default(), Patch::Merge(patch));
    let patched = api.patch(name, &params, &patch).await;
    patched.map_err(|why| why.to_string())
}

/// One of each kind, each with an annotation and a finalizer of somebody else, and a policy that the
/// server enforces by now: it learns of one after a moment.
async fn targets(name: &str) -> World {
    let world = World::v1(name).without_operator().start().await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    let theirs = json!({"metadata": {
        "annotations": {"passwordsync.dev/protect": "true"}, "finalizers": [OF_ANOTHER],
    }});
    for target in TARGETS {
        let api = target.api(&world.client, &world.namespace);
        merge(&api, target.name, &theirs).await.unwrap();
    }
    wait_enforced(&world, "one").await;
    world
}

async fn wait_enforced(world: &World, group: &str) {
    let operator = world.plane.client(User::Operator).await;
    let groups = ours(&operator, &world.namespace, "PasswordSyncGroup");
    let params = PatchParams {
        dry_run: true,
        ..PatchParams::default()
    };
    let label = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
    world
        .wait("the policy to be enforced", async || {
            let tried = groups.patch(group, &params, &label).await;
            tried.map_or(Ok(()), |group| Err(format!("{:?}", group.metadata)))
        })
        .await;
}

/// So that a namespace of an existing cluster can end.
async fn let_go(world: &World) {
    for target in TARGETS {
        let api = target.api(&world.client, &world.namespace);
        let _ = merge(&api, target.name, &finalizers(&[])).await;
    }
}

#[tokio::test]
async fn it_changes_one_finalizer_and_nothing_else() {
    let world = targets("token_patches").await;
    let operator = world.plane.client(User::Operator).await;
    for target in TARGETS {
        let Target {
            kind,
            name,
            finalizer,
        } = target;
        let api = target.api(&operator, &world.namespace);
        let before = api.get(name).await.unwrap();
        for change in target.beyond_the_finalizer() {
            let why = merge(&api, name, &change).await;
            let why = why.map(|_| ()).expect_err(&format!("{kind}: {change}"));
            let allowed = format!(
                "psg-operator may change nothing of this {kind} but its own finalizer {finalizer}"
            );
            assert!(why.contains(&allowed), "{kind}: {change}: {why}");
        }
        let after = api.get(name).await.unwrap();
        assert_eq!(after, before, "{kind}");

        // As the operator sends it, exactly: to this version of this object.
        let mut held = finalizers(&[OF_ANOTHER, finalizer]);
        held["metadata"]["uid"] = json!(before.metadata.uid);
        held["metadata"]["resourceVersion"] = json!(before.metadata.resource_version);
        let patched = merge(&api, name, &held).await.unwrap();
        assert_eq!(patched.finalizers(), [OF_ANOTHER, finalizer], "{kind}");
        let patched = merge(&api, name, &finalizers(&[OF_ANOTHER])).await.unwrap();
        assert_eq!(patched.finalizers(), [OF_ANOTHER], "{kind}");
    }
    let_go(&world).await;
}

#[tokio::test]
async fn it_finishes_a_deletion() {
    let world = targets("token_ends").await;
    let operator = world.plane.client(User::Operator).await;
    for target in TARGETS {
        let (kind, name) = (target.kind, target.name);
        let admin = target.api(&world.client, &world.namespace);
        let ours = finalizers(&[target.finalizer]);
        let unprotected = json!({"metadata": {"annotations": null}});
        merge(&admin, name, &unprotected).await.unwrap();
        merge(&admin, name, &ours).await.unwrap();
        let params = DeleteParams::default();
        let deleted = admin.delete(name, &params).await.unwrap();
        assert!(deleted.is_left(), "{kind}: it is held");
        let api = target.api(&operator, &world.namespace);
        merge(&api, name, &finalizers(&[])).await.unwrap();
        assert_eq!(admin.get_opt(name).await.unwrap(), None, "{kind}");
    }
}

#[tokio::test]
async fn the_requests_of_everybody_else_are_let_through() {
    let world = targets("token_others").await;
    for target in TARGETS {
        let api = target.api(&world.client, &world.namespace);
        let mut changes = target.beyond_the_finalizer();
        // Kubernetes would delete an object whose owner is not there.
        changes.retain(|change| change["metadata"]["ownerReferences"].is_null());
        for change in changes {
            let patched = merge(&api, target.name, &change).await;
            patched.unwrap_or_else(|why| panic!("{}: {change}: {why}", target.kind));
        }
    }
    let_go(&world).await;
}

/// The policy does not look at the status, so nothing else may change with it.
#[tokio::test]
async fn with_a_status_it_changes_nothing_but_the_status() {
    let world = targets("token_status").await;
    let operator = world.plane.client(User::Operator).await;
    for target in &TARGETS[..2] {
        let api = target.api(&operator, &world.namespace);
        let before = api.get(target.name).await.unwrap();
        let mut forged = json!({"status": {"observedGeneration": 7}});
        for change in target.beyond_the_finalizer() {
            let all = change.as_object().unwrap().clone();
            forged.as_object_mut().unwrap().extend(all);
            let params = PatchParams::default();
            let patch = Patch::Merge(&forged);
            let mut after = api
                .patch_status(target.name, &params, &patch)
                .await
                .unwrap();
            assert_eq!(after.data["status"]["observedGeneration"], 7);
            after.data["status"] = before.data["status"].clone();
            after.metadata.resource_version = before.metadata.resource_version.clone();
            after.metadata.managed_fields = before.metadata.managed_fields.clone();
            assert_eq!(after, before, "{forged}");
        }
    }
    let_go(&world).await;
}

/// What the rights refuse before any policy is asked.
#[tokio::test]
async fn it_lists_no_secret_and_neither_makes_nor_deletes_anything() {
    let world = targets("token_rights").await;
    let operator = world.plane.client(User::Operator).await;
    let forbidden = |what: &str, answer: kube::Result<()>| match answer {
        Err(kube::Error::Api(status)) if status.code == 403 => {}
        other => panic!("{what}: {other:?}"),
    };
    let of_secrets = secrets(&operator, &world.namespace);
    let all = of_secrets.list(&ListParams::default()).await;
    forbidden("list Secrets", all.map(|_| ()));
    for target in TARGETS {
        let kind = target.kind;
        let api = target.api(&operator, &world.namespace);
        let deleted = api.delete(target.name, &DeleteParams::default()).await;
        forbidden(kind, deleted.map(|_| ()));
        let mut object = api.get(target.name).await.unwrap();
        let params = PostParams::default();
        let replaced = api.replace(target.name, &params, &object).await;
        forbidden(kind, replaced.map(|_| ()));
        object.metadata.name = Some("new".to_owned());
        object.metadata.uid = None;
        object.metadata.resource_version = None;
        object.metadata.managed_fields = None;
        let made = api.create(&PostParams::default(), &object).await;
        forbidden(kind, made.map(|_| ()));
        // Patching makes what is not there.
        let params = PatchParams::apply("psg-operator").force();
        let applied = api.patch("new", &params, &Patch::Apply(&object)).await;
        forbidden(kind, applied.map(|_| ()));
    }
    let_go(&world).await;
}

/// The server checks the rules against the schemas of all three kinds, and would say so here.
#[tokio::test]
async fn the_rules_of_the_policy_fit_the_kinds_that_they_are_about() {
    use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
    let world = World::v1("token_types").without_operator().start().await;
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(world.client.clone());
    let checked = world
        .wait("the policy to be checked", async || {
            let policy = policies.get("psg-operator-finalizers").await;
            let policy = policy.map_err(|why| why.to_string())?;
            let generation = policy.metadata.generation;
            let status = policy.status.unwrap_or_default();
            let is_new = status.observed_generation == generation;
            is_new
                .then_some(status.type_checking)
                .ok_or_else(String::new)
        })
        .await;
    let warnings = checked.and_then(|checked| checked.expression_warnings);
    assert_eq!(warnings.unwrap_or_default(), []);
}

#[tokio::test]
async fn the_operator_itself_creates_updates_and_deletes_under_the_policy() {
    let mut world = World::v1("token_works").audited().start().await;
    let audit = world.audit().await.expect("an audit log");
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    wait_enforced(&world, "one").await;
    let group = world.wait_ready("one").await;
    assert_eq!(group.finalizers(), [OF_GROUPS]);
    let of_secrets = secrets(&world.client, &world.namespace);
    wait_held(&world, "tenant", &of_secrets, &[IN_USE]).await;
    wait_held(&world, "default", &world.tenants(), &[IN_USE]).await;

    let renamed = json!({"spec": {"name": "Renamed"}});
    world.patch_group("one", renamed).await;
    let group = world.wait_ready("one").await;
    assert!(said(&group, "Ready").starts_with("True InSync"));
    assert!(world.tenant.group("Renamed").await.is_some());

    world.delete_group("one").await;
    world.wait_gone("one").await;
    assert_eq!(world.tenant.group("Renamed").await, None);
    wait_held(&world, "tenant", &of_secrets, &[]).await;
    wait_held(&world, "default", &world.tenants(), &[]).await;

    let mut writes = world.operator_writes(&audit).await;
    // The operator sends none; this test did, until the policy was enforced.
    writes.retain(|write| !write.dry_run);
    let refused = writes.iter().filter(|write| write.code == 403);
    assert_eq!(refused.collect::<Vec<_>>(), Vec::<&_>::new());
    for (resource, at_least) in [
        ("passwordsyncgroups", 2),
        ("identitytenants", 2),
        ("secrets", 2),
    ] {
        let of = writes.iter().filter(|write| write.resource == resource);
        assert!(of.count() >= at_least, "{resource}: {writes:#?}");
    }
    assert!(world.operator().is_running());
}

async fn wait_held(world: &World, name: &str, api: &Api<DynamicObject>, held: &[&str]) {
    world
        .wait(
            format!("{name} to have the finalizers {held:?}"),
            async || {
                let found = api.get(name).await.map_err(|why| why.to_string())?;
                let found = found.finalizers();
                (found == held)
                    .then_some(())
                    .ok_or_else(|| format!("{found:?}"))
            },
        )
        .await;
}
