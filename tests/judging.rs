//! `kubectl psg plan` without a cluster refuses what a real API server refuses, in the same words.

use std::collections::BTreeSet;

use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::support::{TenantSim, User, World, kubernetes::ours, leash::Folder};

/// What the API server calls a manifest that its rules were not asked about.
const UNCHECKED: &str = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

/// A good spec with some fields otherwise; `null` leaves one out.
fn spec(fields: &Value) -> Value {
    let mut spec = json!({
        "name": "Shared Password",
        "passwordPolicyRef": {"name": "Corporate Strong"},
        "sourceRefs": [{"name": "Salesforce"}, {"name": "Workday"}],
    });
    for (field, value) in fields.as_object().unwrap() {
        spec[field] = value.clone();
    }
    spec.as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    spec
}

fn wrong() -> Vec<Value> {
    let many: Vec<Value> = (0..101).map(|n| json!({"name": format!("S{n}")})).collect();
    let beside = |wrong: Value| json!({"sourceRefs": [{"name": "A"}, wrong]});
    [
        json!({"sourceRefs": []}),
        json!({"sourceRefs": [{"name": "Salesforce"}]}),
        json!({"sourceRefs": [{"name": "A"}, {"name": "B"}, {"name": "A"}]}),
        json!({"sourceRefs": many}),
        json!({"sourceRefs": null}),
        json!({"sourceRefs": 7}),
        json!({"sourceRefs": "Salesforce"}),
        json!({"name": null, "passwordPolicyRef": null}),
        json!({"name": ""}),
        json!({"name": " \t"}),
        json!({"name": "x".repeat(129)}),
        json!({"name": "ü".repeat(129)}),
        json!({"name": 1}),
        json!({"name": 1.5}),
        json!({"name": true}),
        json!({"name": ["a"]}),
        json!({"name": {"a": 1}}),
        json!({"groupID": "not an id"}),
        json!({"groupID": "a".repeat(65)}),
        json!({"groupID": ""}),
        json!({"passwordPolicyRef": {}}),
        json!({"passwordPolicyRef": {"name": "A", "id": "a"}}),
        json!({"passwordPolicyRef": {"name": "", "id": "a b"}}),
        json!({"passwordPolicyRef": []}),
        beside(json!({})),
        beside(json!({"name": "B", "id": "b"})),
        beside(json!({"name": "x".repeat(257)})),
        beside(json!({"id": "a".repeat(65)})),
        beside(json!(7)),
        json!({"deletionPolicy": "Keep"}),
        json!({"adoptionPolicy": "always", "managementPolicy": ""}),
        json!({"managementPolicy": "enforce", "sourceRefs": []}),
        json!({"deletionPolicy": 1}),
        json!({"tenantRef": {"name": ""}}),
        json!({"tenantRef": {"name": "a".repeat(254)}}),
        json!({"tenantRef": {"kind": "Secret"}}),
        json!({"tenantRef": 5}),
        json!({"name": " ", "sourceRefs": [], "passwordPolicyRef": {}}),
    ]
    .iter()
    .map(spec)
    .collect()
}

/// Everything that the API server objects to, and whether it left its rules out.
async fn server(groups: &Api<DynamicObject>, object: &Value) -> (BTreeSet<String>, bool) {
    let object = serde_json::from_value(object.clone()).unwrap();
    let params = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    causes(groups.create(&params, &object).await)
}

fn causes(refused: Result<DynamicObject, kube::Error>) -> (BTreeSet<String>, bool) {
    let Err(kube::Error::Api(status)) = refused else {
        panic!("is taken: {refused:?}")
    };
    let causes = status
        .details
        .clone()
        .map(|details| details.causes)
        .unwrap_or_default();
    let (unchecked, causes): (Vec<_>, Vec<_>) = causes
        .into_iter()
        .partition(|cause| cause.message.contains(UNCHECKED));
    let said = causes
        .iter()
        .map(|cause| format!("{}: {}", cause.field, cause.message));
    (said.collect(), !unchecked.is_empty())
}

fn manifest(number: usize, spec: &Value) -> Value {
    json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
        "metadata": {"name": format!("g{number:02}")}, "spec": spec,
    })
}

/// The plan of these manifests without a cluster, which refuses them.
async fn plan(tenant: &TenantSim, objects: &[Value]) -> Value {
    let folder = Folder::new("judged");
    let file = folder.path().join("groups.json");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    std::fs::write(&file, list.to_string()).unwrap();
    let mut plan = tenant.plugin();
    plan.args(["plan", "--allow-insecure-tenants", "-o", "json", "-f"])
        .arg(&file);
    let output = tokio::task::spawn_blocking(move || plan.output()).await;
    let output = output.unwrap().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn what_an_api_server_refuses_a_plan_without_a_cluster_refuses_in_its_words() {
    let world = World::builder("judged").without_operator().start().await;
    let groups: Api<DynamicObject> = ours(&world.client, &world.namespace, "PasswordSyncGroup");
    let wrong = wrong();
    let objects: Vec<Value> = wrong
        .iter()
        .enumerate()
        .map(|(n, spec)| manifest(n, spec))
        .collect();
    let plan = plan(&world.tenant, &objects).await;
    let resources = plan["tenants"][0]["resources"].as_array().unwrap();
    assert_eq!(resources.len(), objects.len());
    let mut differ = Vec::new();
    for (object, resource) in objects.iter().zip(resources) {
        assert_eq!(resource["name"], object["metadata"]["name"]);
        assert_eq!(resource["refusal"]["reason"], "InvalidSpec", "{resource}");
        let said = resource["refusal"]["message"].as_str().unwrap();
        let said = said.strip_prefix("the API server refuses it: ").unwrap();
        let (causes, unchecked) = server(&groups, object).await;
        // A message may have a semicolon itself, so each is looked for.
        let mut rest = said.to_owned();
        for cause in &causes {
            rest = rest.replacen(cause.as_str(), "", 1);
        }
        let rest = rest.replace(UNCHECKED, "");
        let left = rest.split("; ").filter(|left| !left.is_empty());
        if left.count() > 0 || unchecked != said.contains(UNCHECKED) {
            differ.push(format!(
                "{}\n  server: {causes:#?} {unchecked}\n  plan: {said}",
                object["spec"]
            ));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[tokio::test]
async fn a_field_that_the_schema_does_not_know_is_refused_by_both() {
    let world = World::builder("unknown-field")
        .without_operator()
        .start()
        .await;
    let object = manifest(1, &spec(&json!({"sourceRef": []})));
    let said = "strict decoding error: unknown field \"spec.sourceRef\"";
    let args = ["create", "--dry-run=server", "-f", "-"];
    let stdin = object.to_string();
    let printed = world
        .plane
        .kubectl_with(User::Admin, &world.namespace, &args, &stdin);
    let printed = printed.await;
    assert!(printed.stderr.contains(said), "{}", printed.stderr);
    let plan = plan(&world.tenant, &[object]).await;
    let message = plan["tenants"][0]["resources"][0]["refusal"]["message"].as_str();
    assert!(message.unwrap().contains(said), "{plan}");
}

#[tokio::test]
async fn with_a_cluster_the_rules_of_changes_count() {
    let world = World::builder("changed").without_operator().start().await;
    let with = |group: &str, tenant: &str| {
        let mut object = manifest(1, &spec(&json!({"groupID": group})));
        object["spec"]["tenantRef"] = json!({"name": tenant});
        object
    };
    world.apply(&with("a", "default").to_string()).await;
    let managed = json!({"status": {"groupID": "a"}});
    let (params, patch) = (PatchParams::default(), Patch::Merge(managed));
    let stored = world.groups().patch_status("g01", &params, &patch).await;
    stored.unwrap();
    world.apply_tenant("other", "tenant", json!({})).await;
    let folder = Folder::new("changed");
    for changed in [with("b", "default"), with("a", "other")] {
        let file = folder.path().join("group.json");
        std::fs::write(&file, changed.to_string()).unwrap();
        let dry_run = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        let refused = world
            .groups()
            .patch("g01", &dry_run, &Patch::Merge(&changed))
            .await;
        let (causes, _) = causes(refused);
        let file = file.to_str().unwrap();
        let args = [
            "psg",
            "plan",
            "--allow-insecure-tenants",
            "-o",
            "json",
            "-f",
            file,
        ];
        let printed = world.kubectl(&args).await;
        assert_eq!(printed.status, 3, "{}{}", printed.stdout, printed.stderr);
        let plan: Value = serde_json::from_str(&printed.stdout).unwrap();
        let message = &plan["tenants"][0]["resources"][0]["refusal"]["message"];
        let causes: Vec<String> = causes.into_iter().collect();
        let expected = format!("the API server refuses it: {}", causes.join("; "));
        assert_eq!(message.as_str().unwrap(), expected);
    }
}
