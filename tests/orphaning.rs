//! `deletionPolicy: Orphan`: the resource goes, the group stays; the one way out without the
//! tenant.

use serde_json::{Value, json};

use crate::support::{World, kubernetes::condition};

const SPEC: &str = "
name: Shared Password
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesforce}, {name: Workday}]
";

async fn made(name: &str, deletion: &str) -> World {
    let world = World::still(name, "v1").start().await;
    world
        .apply_group("shared", &format!("{SPEC}deletionPolicy: {deletion}"))
        .await;
    world.wait_ready("shared").await;
    world.tenant.clear_ledger().await;
    world
}

#[tokio::test]
async fn an_orphaned_group_stays_in_the_tenant_and_is_told_of() {
    let world = made("orphan", "Orphan").await;
    let before = world.tenant.shown("Shared Password").await;
    world.delete_group("shared").await;
    world.wait_gone("shared").await;
    assert_eq!(world.tenant.calls_since(0).await, Vec::<String>::new());
    assert_eq!(world.tenant.shown("Shared Password").await, before);
    assert_eq!(
        world.wait_event("shared", "Orphaned").await,
        format!("Orphaned: left group {} in the tenant as it is", before.id)
    );
}

#[tokio::test]
async fn a_deletion_without_its_tenant_waits_until_it_is_told_to_orphan() {
    let mut world = made("orphan-later", "Delete").await;
    let before = world.tenant.shown("Shared Password").await;
    let dead = json!({"match": "*", "kind": "lost_request"});
    world.tenant.fault(dead).await;
    world.delete_group("shared").await;
    let group = world.wait_reason("shared", "DeletionBlocked").await;
    assert_eq!(condition(&group, "Reconciling").unwrap()["status"], "True");
    assert_eq!(
        group.data["status"]["deletion"]["sources"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );

    // After a restart nothing is known of the tenant at all.
    world.restart().await;
    let patch = json!({"spec": {"deletionPolicy": "Orphan"}});
    world.patch_group("shared", patch).await;
    world.wait_gone("shared").await;
    assert_eq!(world.tenant.shown("Shared Password").await, before);
    let told = world.wait_event("shared", "Orphaned").await;
    assert!(told.contains(&before.id), "{told}");
    world.wait_metric("psg_orphaned_total 1").await;
    let applied = world.tenant.ledger().await.into_iter();
    let applied = applied.filter(|entry| entry["applied"] == Value::Bool(true));
    let applied: Vec<Value> = applied
        .filter(|entry| entry["method"] == "DELETE")
        .collect();
    assert_eq!(applied, Vec::<Value>::new());
}

#[tokio::test]
async fn without_credentials_a_deletion_is_held_and_orphaning_ends_it() {
    let world = made("orphan-secret", "Delete").await;
    world.refuse_credentials("rotated elsewhere").await;
    world.delete_group("shared").await;
    let group = world.wait_reason("shared", "DeletionBlocked").await;
    let message = condition(&group, "Ready").unwrap()["message"].to_string();
    assert!(message.contains("CredentialsInvalid"), "{message}");
    assert_eq!(group.data["status"]["deletion"], Value::Null);
    let patch = json!({"spec": {"deletionPolicy": "Orphan"}});
    world.patch_group("shared", patch).await;
    world.wait_gone("shared").await;
    assert_eq!(
        world.tenant.group_names().await,
        ["Shared Password", "Support Tools"]
    );
}
