//! The annotation `passwordsync.dev/paused-until`: nothing is written to the tenant, deletion
//! included, until it ends or is taken off.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{World, kubernetes::condition};

const PAUSED: &str = "passwordsync.dev/paused-until";
const PUT: &str = "PUT /password-sync-groups/{id}";
const SPEC: &str = "
name: Shared Password
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesforce}, {name: Workday}]
";

async fn made(name: &str) -> World {
    let world = World::still(name, "v1").start().await;
    world.apply_group("shared", SPEC).await;
    world.wait_ready("shared").await;
    world.tenant.clear_ledger().await;
    world
}

async fn pause(world: &World, lasting: SignedDuration) -> Timestamp {
    let until = Timestamp::now() + lasting;
    let text = until.to_string();
    world.annotate_group("shared", PAUSED, Some(&text)).await;
    until
}

#[tokio::test]
async fn while_paused_neither_drift_nor_an_edit_is_written() {
    let world = made("pause").await;
    pause(&world, SignedDuration::from_hours(1)).await;
    // Equal and paused: still Ready.
    world
        .wait_condition("shared", "Paused", "True", Some("Paused"))
        .await;
    world.wait_ready("shared").await;

    let cloud = world.tenant.policy_id("Cloud Standard").await;
    let edit = json!({"passwordPolicyId": cloud});
    world.tenant.someone_edits("Shared Password", edit).await;
    world.read_again().await;
    let group = world.wait_reason("shared", "Paused").await;
    assert_eq!(condition(&group, "Ready").unwrap()["status"], "False");
    assert_eq!(condition(&group, "Paused").unwrap()["status"], "True");
    assert_eq!(condition(&group, "Reconciling"), None);
    assert_eq!(condition(&group, "Stalled"), None);
    assert_eq!(
        group.data["status"]["drift"],
        json!([{
            "field": "passwordPolicy", "wanted": "Corporate Strong", "found": "Cloud Standard",
        }])
    );
    let patch = json!({"spec": {"name": "One Password"}});
    world.patch_group("shared", patch).await;
    let group = world.wait_reason("shared", "Paused").await;
    let drift = group.data["status"]["drift"].as_array().map(Vec::len);
    assert_eq!(drift, Some(2));
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());

    world.annotate_group("shared", PAUSED, None).await;
    let group = world.wait_ready("shared").await;
    assert_eq!(condition(&group, "Paused"), None);
    assert_eq!(group.data["status"]["drift"], Value::Null);
    assert_eq!(world.tenant.writes().await, [PUT]);
    assert_eq!(
        world.tenant.shown("One Password").await.policy,
        "Corporate Strong"
    );
}

#[tokio::test]
async fn a_pause_ends_by_itself() {
    let world = made("pause-ends").await;
    let until = pause(&world, SignedDuration::from_secs(15)).await;
    let patch = json!({"spec": {"passwordPolicyRef": {"name": "Cloud Standard"}}});
    world.patch_group("shared", patch).await;
    let group = world.wait_reason("shared", "Paused").await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    assert_eq!(condition(&group, "Paused").unwrap()["status"], "True");
    let group = world.wait_ready("shared").await;
    assert!(Timestamp::now() >= until);
    assert_eq!(condition(&group, "Paused"), None);
    assert_eq!(world.tenant.writes().await, [PUT]);
}

#[tokio::test]
async fn a_paused_resource_that_is_equal_drops_the_condition_when_the_pause_ends() {
    let world = made("pause-over").await;
    pause(&world, SignedDuration::from_secs(15)).await;
    world.wait_condition("shared", "Paused", "True", None).await;
    let group = world
        .wait_group("shared", "no pause", |group| {
            condition(group, "Paused").is_none()
        })
        .await;
    assert_eq!(condition(&group, "Ready").unwrap()["status"], "True");
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_pause_holds_a_deletion() {
    let world = made("pause-delete").await;
    pause(&world, SignedDuration::from_hours(1)).await;
    world.wait_condition("shared", "Paused", "True", None).await;
    world.delete_group("shared").await;
    let group = world.wait_reason("shared", "Paused").await;
    assert!(group.metadata.deletion_timestamp.is_some());
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    assert_ne!(world.group("shared").await.metadata.finalizers, None);
    assert_eq!(
        world.tenant.group_names().await,
        ["Shared Password", "Support Tools"]
    );

    world.annotate_group("shared", PAUSED, None).await;
    world.wait_gone("shared").await;
    assert_eq!(world.tenant.group_names().await, ["Support Tools"]);
}

#[tokio::test]
async fn a_paused_resource_makes_no_group() {
    let world = World::still("pause-create", "v1").start().await;
    world.begun().await;
    let until = (Timestamp::now() + SignedDuration::from_hours(1)).to_string();
    let spec: Value = serde_saphyr::from_str(SPEC).unwrap();
    let manifest = json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
        "metadata": {"name": "shared", "annotations": {PAUSED: until}}, "spec": spec,
    });
    world.apply(&manifest.to_string()).await;
    world.wait_reason("shared", "Paused").await;
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    world.annotate_group("shared", PAUSED, None).await;
    world.wait_ready("shared").await;
    assert_eq!(world.tenant.writes().await, ["POST /password-sync-groups"]);
}
