//! The health checks and the action for Argo CD, in the layout of its resource_customizations, run as
//! Argo CD runs them.

use std::{fs, path::PathBuf};

use jiff::Timestamp;
use kube::api::DynamicObject;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    chart::root,
    support::{
        World,
        gitops::{Verdict, lua},
        world::spec,
    },
};

mod shipped;

pub const KINDS: [&str; 2] = ["PasswordSyncGroup", "IdentityTenant"];
const ASKED: &str = "/metadata/annotations/passwordsync.dev~1reconcile-at";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HealthTest {
    health_status: Verdict,
    input_path: String,
}

#[derive(Deserialize)]
struct HealthTests {
    tests: Vec<HealthTest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActionTests {
    discovery_tests: Vec<DiscoveryTest>,
    action_tests: Vec<ActionTest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiscoveryTest {
    input_path: String,
    result: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActionTest {
    action: String,
    input_path: String,
    expected_output_path: String,
}

fn folder(kind: &str) -> PathBuf {
    let group = "config/gitops/resource_customizations/passwordsync.dev";
    root().join(group).join(kind)
}

fn text(kind: &str, path: &str) -> String {
    let path = folder(kind).join(path);
    fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn yaml<T: DeserializeOwned>(kind: &str, path: &str) -> T {
    serde_saphyr::from_str(&text(kind, path)).unwrap_or_else(|why| panic!("{kind} {path}: {why}"))
}

/// What the health check of a kind says of objects of that kind.
pub fn health(kind: &str, objects: &[Value]) -> Vec<Verdict> {
    lua(&text(kind, "health.lua"), objects)
}

#[test]
fn argo_cd_says_of_each_file_of_testdata_what_its_test_expects() {
    for kind in KINDS {
        let HealthTests { tests } = yaml(kind, "health_test.yaml");
        let mut tried: Vec<String> = tests.iter().map(|test| test.input_path.clone()).collect();
        let objects: Vec<Value> = tried.iter().map(|path| yaml(kind, path)).collect();
        for (test, said) in tests.iter().zip(health(kind, &objects)) {
            assert_eq!(said, test.health_status, "{kind} {}", test.input_path);
        }
        tried.sort();
        let mut there: Vec<String> = fs::read_dir(folder(kind).join("testdata"))
            .unwrap()
            .map(|file| format!("testdata/{}", file.unwrap().file_name().to_string_lossy()))
            .collect();
        there.sort();
        assert_eq!(tried, there, "{kind}");
    }
}

#[test]
fn argo_cd_offers_one_action_which_asks_for_a_reconcile_and_changes_nothing_else() {
    for kind in KINDS {
        let ActionTests {
            discovery_tests,
            action_tests,
        } = yaml(kind, "actions/action_test.yaml");
        for test in discovery_tests {
            let object: Value = yaml(kind, &format!("actions/{}", test.input_path));
            let found: Vec<Value> = lua(&text(kind, "actions/discovery.lua"), &[object]);
            let found = found[0].as_object().unwrap();
            let actions = found.iter().map(|(name, about)| {
                let mut action = about.clone();
                action["name"] = json!(name);
                // Argo CD offers an action unless it is told not to.
                action["disabled"] = about.get("disabled").cloned().unwrap_or(json!(false));
                action
            });
            assert_eq!(actions.collect::<Vec<_>>(), test.result, "{kind}");
        }
        assert!(!action_tests.is_empty());
        for test in action_tests {
            let read = |path: &str| yaml::<Value>(kind, &format!("actions/{path}"));
            let (before, mut expected) = (read(&test.input_path), read(&test.expected_output_path));
            let script = text(kind, &format!("actions/{}/action.lua", test.action));
            let began = Timestamp::now().as_second();
            let after = lua::<Value>(&script, std::slice::from_ref(&before)).remove(0);
            let asked = after.pointer(ASKED).unwrap().as_str().unwrap();
            let at: Timestamp = asked.parse().unwrap();
            assert!(
                at.as_second() >= began
                    && Some(asked) != before.pointer(ASKED).and_then(Value::as_str)
            );
            *expected.pointer_mut(ASKED).unwrap() = json!(asked);
            assert_eq!(after, expected, "{kind} {}", test.input_path);
        }
    }
}

#[tokio::test]
async fn argo_cd_judges_what_the_operator_writes_and_its_action_has_the_tenant_read() {
    let world = World::still("argo-cd", "v1").start().await;
    let good = spec("Good", &["Salesforce", "Workday"]);
    world.apply_group("good", &good).await;
    world
        .apply_group("bad", &spec("Bad", &["ServiceNow", "GitHub"]))
        .await;
    world
        .apply_tenant("lonely", "no-such-secret", json!({}))
        .await;
    let evil = json!({"baseUrl": "https://evil.example", "clientId": "a", "clientSecret": "b"});
    world.apply_secret_with("elsewhere", evil).await;
    world.apply_tenant("stalled", "elsewhere", json!({})).await;
    let good = world.wait_ready("good").await;
    let bad = world.wait_reason("bad", "PasswordNotSupported").await;
    world
        .wait_tenant("lonely", "Ready", "False", "SecretNotFound")
        .await;
    world
        .wait_tenant("stalled", "Ready", "False", "HostNotAllowed")
        .await;
    let of = |kind: &str, object: &DynamicObject| {
        let object = serde_json::to_value(object).unwrap();
        let said = health(kind, &[object]).remove(0);
        (said.status, said.message)
    };
    let [group, tenant] = KINDS;
    assert_eq!(of(group, &good).0, "Healthy");
    let (status, message) = of(group, &bad);
    assert_eq!(status, "Degraded", "{message}");
    assert!(message.starts_with("PasswordNotSupported: "), "{message}");
    assert_eq!(
        of(tenant, &world.identity_tenant("default").await).0,
        "Healthy"
    );
    // A Secret may be applied at any moment; a host is not allowed by itself.
    assert_eq!(
        of(tenant, &world.identity_tenant("lonely").await).0,
        "Progressing"
    );
    assert_eq!(
        of(tenant, &world.identity_tenant("stalled").await).0,
        "Degraded"
    );

    // The simulated tenant is read once an hour here, so that only the action can show the drift.
    let cloud = world.tenant.policy_id("Cloud Standard").await;
    world
        .tenant
        .someone_edits("Good", json!({"passwordPolicyId": cloud}))
        .await;
    let script = text(group, "actions/reconcile/action.lua");
    let asked = lua::<Value>(&script, &[serde_json::to_value(&good).unwrap()]).remove(0);
    let annotations = &asked["metadata"]["annotations"];
    world
        .patch_group("good", json!({"metadata": {"annotations": annotations}}))
        .await;
    world
        .wait("the drift to be repaired", async || {
            let policy = world.tenant.shown("Good").await.policy;
            if policy == "Corporate Strong" {
                Ok(())
            } else {
                Err(policy)
            }
        })
        .await;
}
