//! `managementPolicy: Observe`: the tenant is looked at and never written, whatever happens.

use serde_json::{Value, json};

use crate::support::{World, kubernetes::condition};

const SUPPORT: &str = "
name: Support Tools
passwordPolicyRef: {name: Cloud Standard}
sourceRefs: [{name: Zendesk}, {name: Box}]
managementPolicy: Observe
";
const SUPPORT_ID: &str = "6881f631-3bd5-4213-9c75-8e05cc3e35dd";

#[tokio::test]
async fn an_observed_group_is_found_reported_and_let_go_without_a_trace() {
    let world = World::still("observing", "v1").start().await;
    world.apply_group("support", SUPPORT).await;
    let group = world.wait_ready("support").await;
    assert_eq!(group.metadata.finalizers, None);
    let status = &group.data["status"];
    assert_eq!(status["origin"], "Observed");
    assert_eq!(status["groupID"], SUPPORT_ID);
    assert_eq!(
        condition(&group, "Ready").unwrap()["message"],
        "2 sources are seen to share password policy \"Cloud Standard\""
    );

    let strong = world.tenant.policy_id("Corporate Strong").await;
    let edit = json!({"passwordPolicyId": strong});
    world.tenant.someone_edits("Support Tools", edit).await;
    world.read_again().await;
    let group = world.wait_reason("support", "Drifted").await;
    let drift = json!([{
        "field": "passwordPolicy", "wanted": "Cloud Standard", "found": "Corporate Strong",
    }]);
    assert_eq!(group.data["status"]["drift"], drift);
    assert_eq!(condition(&group, "Stalled").unwrap()["reason"], "Drifted");

    // Neither an edit of the manifest nor its deletion reaches the tenant.
    let patch = json!({"spec": {"sourceRefs": [{"name": "Zendesk"}, {"name": "GitHub"}]}});
    world.patch_group("support", patch).await;
    world
        .wait_group("support", "both fields drifted", |group| {
            group.data["status"]["drift"].as_array().map(Vec::len) == Some(2)
        })
        .await;
    world.delete_group("support").await;
    world.wait_gone("support").await;
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    assert_eq!(world.tenant.group_names().await, ["Support Tools"]);
}

#[tokio::test]
async fn a_group_that_is_not_there_is_not_made_to_be_observed() {
    let world = World::still("observe-none", "v1").start().await;
    let spec = SUPPORT.replace("Support Tools", "Nobody");
    world.apply_group("nobody", &spec).await;
    let group = world.wait_reason("nobody", "GroupNotFound").await;
    assert_eq!(
        condition(&group, "Ready").unwrap()["message"],
        "there is no group \"Nobody\" in the tenant to observe"
    );
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());

    let edit = json!({"name": "Nobody"});
    world.tenant.someone_edits("Support Tools", edit).await;
    world.read_again().await;
    world.wait_ready("nobody").await;
}

#[tokio::test]
async fn a_managed_group_that_is_only_observed_from_now_on_loses_the_finalizer_and_nothing_else() {
    let world = World::still("observe-later", "v1").start().await;
    let spec = "
        name: Shared Password
        passwordPolicyRef: {name: Corporate Strong}
        sourceRefs: [{name: Salesforce}, {name: Workday}]
    ";
    world.apply_group("shared", spec).await;
    let made = world.wait_ready("shared").await;
    let id = made.data["status"]["groupID"].clone();
    world.tenant.clear_ledger().await;

    let patch = json!({"spec": {"managementPolicy": "Observe"}});
    world.patch_group("shared", patch).await;
    let group = world.wait_ready("shared").await;
    assert_eq!(group.metadata.finalizers, None);
    assert_eq!(group.data["status"]["origin"], "Observed");
    assert_eq!(group.data["status"]["groupID"], id);
    let told = world.wait_event("shared", "LetGo").await;
    let expected = format!("LetGo: group {} is only observed", id.as_str().unwrap());
    assert!(told.starts_with(&expected), "{told}");

    let patch = json!({"spec": {"managementPolicy": "Enforce"}});
    world.patch_group("shared", patch).await;
    let group = world.wait_ready("shared").await;
    assert_eq!(group.data["status"]["origin"], "Adopted");
    assert_eq!(group.data["status"]["groupID"], id);
    assert_ne!(group.metadata.finalizers, None);
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    assert_eq!(group.data["status"]["drift"], Value::Null);
}
