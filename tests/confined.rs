//! An installation for single namespaces: Secrets may be read there and not be changed, and in a
//! namespace that is deleted that right goes with the rest. Nothing is held back, and it is said.

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::{
    namespaces::{
        DELETE, all_undone, delete_namespace, delete_secret, ends_by_orphaning,
        ends_once_the_tenant_is_up, ends_with_its_groups, every_source_keeps_its_policy,
        two_groups, wait_ended,
    },
    support::{World, kubernetes::condition, world::Builder},
};

fn confined(name: &str) -> Builder {
    World::v1(name).confined()
}

#[tokio::test]
async fn a_secret_that_cannot_be_held_is_told_of_and_keeps_no_group_waiting() {
    let world = confined("confined_says").start().await;
    two_groups(&world).await;
    world
        .wait_tenant("default", "SecretProtected", "False", "SecretNotProtected")
        .await;
    let tenant = world.identity_tenant("default").await;
    let said = condition(&tenant, "SecretProtected").unwrap()["message"].to_string();
    for part in ["grant patch on Secrets", "protectSecret: false"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let ready = condition(&tenant, "Ready").unwrap();
    assert_eq!(ready["status"], "True", "{ready}");
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    let secret = secrets.get("tenant").await.unwrap();
    assert_eq!(secret.finalizers(), [""; 0]);

    // With protectSecret off, the status says nothing of the Secret.
    let spec = json!({"readInterval": "10s", "identityAPIVersion": "v1", "protectSecret": false});
    world.apply_tenant("default", "tenant", spec).await;
    world
        .wait("nothing more to be said of it", async || {
            let tenant = world.identity_tenant("default").await;
            let left = condition(&tenant, "SecretProtected").cloned();
            left.map_or(Ok(()), |left| Err(left.to_string()))
        })
        .await;
}

#[tokio::test]
async fn a_namespace_ends_with_its_groups() {
    ends_with_its_groups(confined("confined_ends")).await;
}

#[tokio::test]
async fn a_namespace_ends_though_the_right_to_read_its_secret_goes_first() {
    let mut world = confined("confined_right").start().await;
    two_groups(&world).await;
    let held = json!({"match": DELETE, "kind": {"status": {"code": 503}}});
    world.tenant.fault(held).await;
    delete_namespace(&world).await;
    world
        .wait_tenant("default", "Ready", "False", "SecretForbidden")
        .await;
    assert_eq!(world.tenant.groups().await.len(), 3, "nothing was undone");
    world.tenant.clear_faults().await;
    wait_ended(&mut world).await;
    every_source_keeps_its_policy(&world).await;
}

#[tokio::test]
async fn it_ends_as_well_once_a_tenant_that_was_down_is_up_again() {
    ends_once_the_tenant_is_up(confined("confined_down")).await;
}

#[tokio::test]
async fn it_ends_as_well_if_the_secret_was_deleted_before() {
    let mut world = confined("confined_secret").start().await;
    two_groups(&world).await;
    delete_secret(&world).await;
    world.wait_reason("one", "SecretNotFound").await;
    delete_namespace(&world).await;
    wait_ended(&mut world).await;
    all_undone(&world).await;
}

/// What nobody can put back: a process that never had the credentials, and a namespace that ends.
#[tokio::test]
async fn after_a_restart_without_credentials_orphaning_is_the_way_out() {
    ends_by_orphaning(confined("confined_lost")).await;
}
