//! A namespace that is deleted takes everything with it in no order that can be relied on: its
//! groups are still undone in the tenant, and it ends.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::json;

use crate::support::{
    World, until,
    world::{Builder, said, spec},
};

const POST: &str = "POST /password-sync-groups";
pub const DELETE: &str = "DELETE /password-sync-groups/{id}";

/// The Secret may go while groups need it.
fn unprotected(name: &str) -> Builder {
    let spec = json!({
        "readInterval": "10s", "identityAPIVersion": "v1", "protectSecret": false,
    });
    World::builder(name).tenant_spec(spec)
}

pub async fn delete_namespace(world: &World) {
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    let deleted = namespaces
        .delete(&world.namespace, &DeleteParams::default())
        .await;
    deleted.expect("a namespace");
}

pub async fn wait_ended(world: &mut World) {
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    let name = world.namespace.to_string();
    let ended = until(Duration::from_mins(3), async || {
        let found = namespaces.get_opt(&name).await;
        let found = found.map_err(|why| why.to_string())?;
        found.map_or(Ok(()), |left| Err(format!("{:?}", left.status)))
    })
    .await;
    if let Err(left) = ended {
        panic!(
            "the namespace hangs: {left}\n{}",
            world.operator().log_tail()
        );
    }
}

pub async fn delete_secret(world: &World) {
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    let deleted = secrets.delete("tenant", &DeleteParams::default()).await;
    deleted.expect("a Secret");
}

async fn delete_tenant(world: &World) {
    let tenants = world.tenants();
    let deleted = tenants.delete("default", &DeleteParams::default()).await;
    deleted.expect("an IdentityTenant");
}

pub async fn two_groups(world: &World) {
    let never = json!({"policy_after_delete": "never"});
    world.tenant.switch(never).await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    world
        .apply_group("two", &spec("Two", &["GitHub", "G Suite"]))
        .await;
    world.wait_ready("one").await;
    world.wait_ready("two").await;
}

pub async fn every_source_keeps_its_policy(world: &World) {
    let left = world.tenant.groups().await;
    assert_eq!(left.len(), 1, "Support Tools alone: {left:?}");
    for source in ["Salesforce", "Workday", "GitHub", "G Suite"] {
        let policy = world.tenant.policy_on(source).await;
        assert_eq!(policy.as_deref(), Some("Corporate Strong"), "{source}");
    }
}

pub async fn all_undone(world: &World) {
    every_source_keeps_its_policy(world).await;
    assert_eq!(world.tenant.asked(POST).await.len(), 2);
    assert_eq!(world.tenant.asked(DELETE).await.len(), 2);
}

/// The next three are played under whatever rights the operator of the world has.
pub async fn ends_with_its_groups(world: Builder) {
    let mut world = world.start().await;
    two_groups(&world).await;
    delete_namespace(&world).await;
    wait_ended(&mut world).await;
    all_undone(&world).await;
}

pub async fn ends_once_the_tenant_is_up(world: Builder) {
    let mut world = world.start().await;
    two_groups(&world).await;
    // No request arrives, whatever it is.
    let down = json!({"match": "*", "kind": "lost_request"});
    world.tenant.fault(down).await;
    delete_namespace(&world).await;
    for name in ["one", "two"] {
        let what = "a deletion that does not get on";
        world
            .wait_group(name, what, |group| {
                group.metadata.deletion_timestamp.is_some()
                    && !said(group, "Ready").starts_with("True")
            })
            .await;
    }
    assert_eq!(world.tenant.groups().await.len(), 3, "nothing was undone");
    world.tenant.clear_faults().await;
    wait_ended(&mut world).await;
    every_source_keeps_its_policy(&world).await;
}

pub async fn ends_by_orphaning(world: Builder) {
    let mut world = world.start().await;
    two_groups(&world).await;
    delete_secret(&world).await;
    world.restart().await;
    delete_namespace(&world).await;
    for name in ["one", "two"] {
        world.wait_reason(name, "DeletionBlocked").await;
    }
    assert_eq!(world.tenant.writes().await, [POST, POST]);
    for name in ["one", "two"] {
        world
            .patch_group(name, json!({"spec": {"deletionPolicy": "Orphan"}}))
            .await;
    }
    wait_ended(&mut world).await;
    assert_eq!(world.tenant.writes().await, [POST, POST]);
    assert_eq!(world.tenant.groups().await.len(), 3, "left as they are");
}

#[tokio::test]
async fn a_namespace_with_groups_ends_and_every_source_keeps_a_policy() {
    ends_with_its_groups(World::v1("ns_ends")).await;
}

#[tokio::test]
async fn it_ends_as_well_if_a_secret_that_nobody_holds_went_first() {
    let mut world = unprotected("ns_secret").start().await;
    two_groups(&world).await;
    delete_secret(&world).await;
    world.poke("default").await;
    world
        .wait_tenant("default", "Ready", "False", "SecretNotFound")
        .await;
    let group = world.wait_reason("one", "SecretNotFound").await;
    assert!(said(&group, "Ready").starts_with("Unknown"));
    // Nothing new is begun on credentials that were taken away.
    world
        .patch_group("one", json!({"spec": {"name": "Renamed"}}))
        .await;
    world.wait_reason("one", "SecretNotFound").await;
    assert_eq!(world.tenant.writes().await, [POST, POST]);
    delete_namespace(&world).await;
    wait_ended(&mut world).await;
    all_undone(&world).await;
}

#[tokio::test]
async fn an_identity_tenant_that_is_deleted_stays_for_its_groups_and_takes_no_new_one() {
    let mut world = World::v1("ns_tenant").start().await;
    two_groups(&world).await;
    delete_tenant(&world).await;
    let tenant = world
        .wait("the IdentityTenant to say what it waits for", async || {
            let tenant = world.identity_tenant("default").await;
            let said = said(&tenant, "Ready");
            said.contains("is being deleted")
                .then_some(tenant)
                .ok_or(said)
        })
        .await;
    assert_eq!(tenant.finalizers(), ["passwordsync.dev/in-use"]);
    // What is in it goes on.
    world
        .patch_group("one", json!({"spec": {"name": "Renamed"}}))
        .await;
    world.wait_ready("one").await;
    assert!(world.tenant.group("Renamed").await.is_some());
    let late = spec("Late", &["Active Directory", "OpenLDAP"]);
    world.apply_group("late", &late).await;
    let group = world.wait_reason("late", "TenantNotFound").await;
    assert!(said(&group, "Ready").contains("takes no new group"));
    assert_eq!(group.finalizers(), [""; 0]);
    assert_eq!(world.tenant.asked(POST).await.len(), 2);

    // A restart changes nothing of it.
    world.restart().await;
    delete_namespace(&world).await;
    wait_ended(&mut world).await;
    all_undone(&world).await;
}

#[tokio::test]
async fn an_identity_tenant_goes_with_the_last_group_that_needs_it() {
    let world = World::v1("idt_goes").start().await;
    two_groups(&world).await;
    delete_tenant(&world).await;
    world.delete_group("one").await;
    world.wait_gone("one").await;
    world.identity_tenant("default").await;
    world.delete_group("two").await;
    wait_no_tenant(&world).await;
    all_undone(&world).await;
}

#[tokio::test]
async fn an_identity_tenant_that_no_group_needs_goes_at_once() {
    let world = World::v1("idt_unused").start().await;
    two_groups(&world).await;
    for name in ["one", "two"] {
        world.delete_group(name).await;
        world.wait_gone(name).await;
    }
    world
        .wait("the IdentityTenant to be let go", async || {
            let held = world.identity_tenant("default").await.finalizers().to_vec();
            held.is_empty()
                .then_some(())
                .ok_or_else(|| format!("{held:?}"))
        })
        .await;
    delete_tenant(&world).await;
    wait_no_tenant(&world).await;
}

async fn wait_no_tenant(world: &World) {
    world
        .wait("the IdentityTenant to be gone", async || {
            let found = world.tenants().get_opt("default").await;
            let found = found.map_err(|why| why.to_string())?;
            found.map_or(Ok(()), |left| Err(format!("{:?}", left.metadata)))
        })
        .await;
}

/// People do that.
async fn remove_tenant_by_force(world: &World) {
    delete_tenant(world).await;
    let none = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    let tenants = world.tenants();
    let patched = tenants
        .patch("default", &PatchParams::default(), &none)
        .await;
    patched.expect("an IdentityTenant that is being deleted");
}

#[tokio::test]
async fn an_identity_tenant_that_was_removed_by_force_and_made_again_is_taken_up_where_the_old_one_ended()
 {
    let world = World::v1("tenant_again").start().await;
    two_groups(&world).await;
    remove_tenant_by_force(&world).await;
    world.wait_reason("one", "TenantNotFound").await;
    let spec = json!({"readInterval": "10s", "identityAPIVersion": "v1"});
    world.apply_tenant("default", "tenant", spec).await;
    world.wait_ready("one").await;
    world
        .patch_group("one", json!({"spec": {"name": "Renamed"}}))
        .await;
    world.wait_ready("one").await;
    assert!(world.tenant.group("Renamed").await.is_some());
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
}

#[tokio::test]
async fn it_waits_for_a_tenant_that_is_down_and_ends_when_it_is_up_again() {
    ends_once_the_tenant_is_up(World::v1("ns_down")).await;
}

#[tokio::test]
async fn it_waits_for_credentials_that_the_tenant_refuses_and_ends_when_they_are_good_again() {
    let mut world = World::v1("ns_dead")
        .flag("--probe-interval=2s")
        .start()
        .await;
    two_groups(&world).await;
    world.refuse_credentials("another").await;
    delete_namespace(&world).await;
    for name in ["one", "two"] {
        let group = world.wait_reason(name, "DeletionBlocked").await;
        let ready = said(&group, "Ready");
        assert!(ready.contains("CredentialsInvalid"), "{ready}");
    }
    assert_eq!(world.tenant.writes().await, [POST, POST]);
    // The Secret is still there: a token that its owner unlocked is as good as a new one.
    let good = json!({"clientSecret": world.tenant.client_secret});
    world.tenant.credentials(good).await;
    wait_ended(&mut world).await;
    all_undone(&world).await;
}

#[tokio::test]
async fn a_protected_secret_that_is_deleted_stays_and_a_restart_changes_nothing() {
    let mut world = World::v1("ns_protected").start().await;
    two_groups(&world).await;
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    world
        .wait("the Secret to be held", async || {
            let secret = secrets.get("tenant").await.expect("a Secret");
            let held = secret.finalizers().to_vec();
            let wanted = held == ["passwordsync.dev/in-use"];
            wanted.then_some(()).ok_or_else(|| format!("{held:?}"))
        })
        .await;
    let tenant = world.identity_tenant("default").await;
    assert_eq!(tenant.data["status"]["protectedSecret"], "tenant");
    delete_secret(&world).await;
    world.restart().await;
    delete_namespace(&world).await;
    wait_ended(&mut world).await;
    all_undone(&world).await;
}

/// The rest of the risk: who never had the credentials cannot undo anything with them.
#[tokio::test]
async fn a_restart_without_the_secret_leaves_the_deletion_blocked_and_orphaning_the_way_out() {
    ends_by_orphaning(unprotected("ns_restart")).await;
}
