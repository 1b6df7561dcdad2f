//! The health check that docs/gitops.md gives for Argo CD, run as Argo CD runs it: with the base
//! library of Lua 5.1 alone, and the object in the global `obj`.

use std::fs;

use kube::api::DynamicObject;
use mlua::{Lua, LuaOptions, StdLib, Table, Value as LuaValue};
use serde_json::{Value, json};

use crate::{
    chart::root,
    support::{World, world::spec},
};

/// What the page puts into the ConfigMap `argocd-cm`, by kind.
fn checks() -> Vec<(String, String)> {
    let page = fs::read_to_string(root().join("docs/gitops.md")).unwrap();
    let mut blocks = page.split("```yaml\n").skip(1);
    let block = blocks.find(|block| block.starts_with("data:")).unwrap();
    let block = block.split("```").next().unwrap();
    let patch: Value = serde_saphyr::from_str(block).unwrap();
    let entries = patch["data"].as_object().unwrap().iter();
    let checks = entries.map(|(key, check)| {
        let kind = key.strip_prefix("resource.customizations.health.passwordsync.dev_");
        (kind.unwrap().to_owned(), check.as_str().unwrap().to_owned())
    });
    checks.collect()
}

fn lua(state: &Lua, value: &Value) -> LuaValue {
    let table = |entries: Vec<(LuaValue, &Value)>| {
        let table = state.create_table().unwrap();
        for (key, value) in entries {
            table.set(key, lua(state, value)).unwrap();
        }
        LuaValue::Table(table)
    };
    let text = |text: &str| LuaValue::String(state.create_string(text).unwrap());
    match value {
        Value::Null => LuaValue::Nil,
        Value::Bool(truth) => LuaValue::Boolean(*truth),
        Value::Number(number) => LuaValue::Number(number.as_f64().unwrap()),
        Value::String(string) => text(string),
        Value::Array(values) => {
            let number = |at: usize| LuaValue::Number(f64::from(u32::try_from(at + 1).unwrap()));
            let entries = values.iter().enumerate();
            table(entries.map(|(at, value)| (number(at), value)).collect())
        }
        Value::Object(map) => table(map.iter().map(|(key, value)| (text(key), value)).collect()),
    }
}

/// Health and message of an object by the check of its kind.
fn health(object: &Value) -> (String, String) {
    let checks = checks();
    let kind = object["kind"].as_str().unwrap();
    let (_, check) = checks.iter().find(|(of, _)| of == kind).unwrap();
    let state = Lua::new_with(StdLib::NONE, LuaOptions::default()).unwrap();
    state.globals().set("obj", lua(&state, object)).unwrap();
    let said: Table = state.load(check.as_str()).eval().unwrap();
    let text = |field: &str| said.get::<String>(field).unwrap();
    (text("status"), text("message"))
}

#[test]
fn argo_cd_has_a_check_for_each_of_our_kinds() {
    let mut kinds: Vec<String> = checks().into_iter().map(|(kind, _)| kind).collect();
    kinds.sort();
    assert_eq!(kinds, ["IdentityTenant", "PasswordSyncGroup"]);
}

#[test]
fn argo_cd_says_what_the_table_of_the_page_says() {
    let condition = |kind: &str, status: &str, reason: &str| {
        let message = format!("about {reason}");
        json!({"type": kind, "status": status, "reason": reason, "message": message})
    };
    let ready = |status, reason| condition("Ready", status, reason);
    let also = |kind, reason| condition(kind, "True", reason);
    let waiting = "waiting for psg-operator";
    for kind in ["PasswordSyncGroup", "IdentityTenant"] {
        for (status, expected, message) in [
            (json!(null), "Progressing", waiting),
            (json!({"observedGeneration": -1}), "Progressing", waiting),
            (
                json!({"observedGeneration": 2, "conditions": [ready("True", "InSync")]}),
                "Progressing",
                waiting,
            ),
            (
                json!({"observedGeneration": 2, "conditions": [
                    ready("False", "Refused"), also("Stalled", "Refused"),
                ]}),
                "Progressing",
                waiting,
            ),
            (json!({"observedGeneration": 3}), "Progressing", waiting),
            (
                json!({"observedGeneration": 3, "conditions": [ready("True", "InSync")]}),
                "Healthy",
                "InSync: about InSync",
            ),
            (
                json!({"observedGeneration": 3, "conditions": [
                    also("SourcesHealthy", "Healthy"), ready("True", "InSync"), also("Paused", "Paused"),
                ]}),
                "Healthy",
                "InSync: about InSync",
            ),
            (
                json!({"observedGeneration": 3, "conditions": [
                    ready("False", "Refused"), also("Stalled", "Refused"),
                ]}),
                "Degraded",
                "Refused: about Refused",
            ),
            (
                json!({"observedGeneration": 3, "conditions": [
                    also("Stalled", "Drifted"), ready("False", "Drifted"),
                ]}),
                "Degraded",
                "Drifted: about Drifted",
            ),
            (
                json!({"observedGeneration": 3, "conditions": [
                    ready("False", "Updating"), condition("Stalled", "False", "None"),
                    also("Reconciling", "Updating"),
                ]}),
                "Progressing",
                "Updating: about Updating",
            ),
            (
                json!({"observedGeneration": 3, "conditions": [
                    ready("Unknown", "Unreachable"), also("Reconciling", "Unreachable"),
                ]}),
                "Progressing",
                "Unreachable: about Unreachable",
            ),
            (
                json!({"observedGeneration": 3, "conditions": [
                    ready("False", "Paused"), also("Paused", "Paused"),
                ]}),
                "Progressing",
                "Paused: about Paused",
            ),
        ] {
            let mut object = json!({"kind": kind, "metadata": {"generation": 3}});
            if !status.is_null() {
                object["status"] = status.clone();
            }
            let expected = (expected.to_owned(), message.to_owned());
            assert_eq!(health(&object), expected, "{kind}: {status}");
        }
    }
}

#[tokio::test]
async fn argo_cd_judges_what_the_operator_writes() {
    let world = World::still("argo-cd", "v1").start().await;
    world
        .apply_group("good", &spec("Good", &["Salesforce", "Workday"]))
        .await;
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
    let of = |object: &DynamicObject| health(&serde_json::to_value(object).unwrap());
    assert_eq!(of(&good).0, "Healthy");
    let (status, message) = of(&bad);
    assert_eq!(status, "Degraded", "{message}");
    assert!(message.starts_with("PasswordNotSupported: "), "{message}");
    assert_eq!(of(&world.identity_tenant("default").await).0, "Healthy");
    // A Secret may be applied at any moment; a host is not allowed by itself.
    let (status, message) = of(&world.identity_tenant("lonely").await);
    assert_eq!(status, "Progressing", "{message}");
    let (status, message) = of(&world.identity_tenant("stalled").await);
    assert_eq!(status, "Degraded", "{message}");
}
