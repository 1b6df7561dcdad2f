//! Resources that this operator cannot read, as another version or a laxer schema left them: they
//! keep what they hold, they are counted and told of, and nobody else is held up by them.

use serde_json::{Value, json};

use crate::support::{
    World, store,
    world::{said, spec},
};

const GROUPS: &str = "passwordsyncgroups";
const TENANTS: &str = "identitytenants";

/// Waits until so many of a kind are counted.
async fn counted(world: &mut World, kind: &str, count: usize) {
    let line = format!("psg_undecodable{{kind=\"{kind}\"}} {count}");
    world.wait_metric(&line).await;
}

async fn with_holder(name: &str) -> World {
    let world = World::v1(name).start().await;
    world
        .apply_group("holder", &spec("Holder", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("holder").await;
    world
}

/// Waits until a group is told that another one owns what it wants.
async fn loses_to_holder(world: &World, name: &str) {
    world
        .apply_group(name, &spec(name, &["Salesforce", "Workday"]))
        .await;
    let ready = said(&world.wait_reason(name, "OwnedByAnother").await, "Ready");
    assert!(ready.contains("\"holder\""), "{ready}");
}

async fn spoil(world: &World, kind: &str, name: &str, edit: impl FnOnce(&mut Value)) -> bool {
    let changed = store::change(world.plane, kind, &world.namespace, name, edit).await;
    changed.is_some()
}

#[tokio::test]
async fn a_group_that_cannot_be_read_keeps_its_sources_and_holds_up_nobody() {
    let mut world = with_holder("odd_group").await;
    let odd = |object: &mut Value| object["spec"]["managementPolicy"] = json!("Mandatory");
    if !spoil(&world, GROUPS, "holder", odd).await {
        return;
    }
    counted(&mut world, "PasswordSyncGroup", 1).await;

    for restarted in [false, true] {
        if restarted {
            world.restart().await;
            counted(&mut world, "PasswordSyncGroup", 1).await;
        }
        let other = format!("other-{restarted}");
        let sources = if restarted {
            ["G Suite", "GitHub"]
        } else {
            ["OpenLDAP", "Active Directory"]
        };
        world.apply_group(&other, &spec(&other, &sources)).await;
        world.wait_ready(&other).await;
        let rival = format!("rival-{restarted}");
        loses_to_holder(&world, &rival).await;
        world.delete_group(&rival).await;
        world.wait_gone(&rival).await;
    }
    world
        .wait("an Event that says what is wrong", async || {
            let events = world.events("holder").await;
            let wrong = "spec.managementPolicy: unknown variant `Mandatory`";
            let said = |event: &String| event.starts_with("InvalidSpec: ") && event.contains(wrong);
            if events.iter().any(said) {
                Ok(())
            } else {
                Err(format!("{events:?}"))
            }
        })
        .await;

    // Not gone and not lost: once it is mended its deletion goes all the way.
    let before = world.tenant.group("Holder").await.expect("its group");
    world
        .patch_group(
            "holder",
            json!({"spec": {"managementPolicy": "Enforce", "name": "Mended"}}),
        )
        .await;
    world.wait_ready("holder").await;
    counted(&mut world, "PasswordSyncGroup", 0).await;
    let after = world.tenant.group("Mended").await.expect("its group");
    assert_eq!(before["id"], after["id"]);
    world.delete_group("holder").await;
    world.wait_gone("holder").await;
    assert!(world.tenant.group("Mended").await.is_none());
}

#[tokio::test]
async fn a_status_that_cannot_be_read_waits_for_a_person_and_goes_on_where_it_was() {
    let mut world = with_holder("odd_status").await;
    let odd = |object: &mut Value| object["status"]["sourceCount"] = json!("two");
    if !spoil(&world, GROUPS, "holder", odd).await {
        return;
    }
    world.restart().await;
    counted(&mut world, "PasswordSyncGroup", 1).await;
    loses_to_holder(&world, "rival").await;
    let writes = world.tenant.writes().await.len();

    // The generation stays the same: it is looked at because it can be read.
    spoil(&world, GROUPS, "holder", |object| {
        object["status"]["sourceCount"] = json!(7);
    })
    .await;
    counted(&mut world, "PasswordSyncGroup", 0).await;
    let good = |group: &kube::api::DynamicObject| group.data["status"]["sourceCount"] == 2;
    world
        .wait_group("holder", "its count put right", good)
        .await;
    assert_eq!(
        world.tenant.writes().await.len(),
        writes,
        "the tenant was right"
    );
}

#[tokio::test]
async fn a_tenant_that_cannot_be_read_is_not_taken_for_one_that_is_gone() {
    let mut world = World::v1("odd_tenant").start().await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("one").await;
    let odd = |object: &mut Value| object["spec"]["rateLimit"] = json!("much");
    if !spoil(&world, TENANTS, "default", odd).await {
        return;
    }
    for restarted in [false, true] {
        if restarted {
            world.restart().await;
        }
        counted(&mut world, "IdentityTenant", 1).await;
        let group = world.wait_reason("one", "InvalidSpec").await;
        let said = said(&group, "Ready");
        assert!(said.contains("cannot be read: spec.rateLimit: "), "{said}");
    }
    spoil(&world, TENANTS, "default", |object| {
        object["spec"]["rateLimit"] = json!({"requests": 50, "per": "10s"});
    })
    .await;
    counted(&mut world, "IdentityTenant", 0).await;
    world.wait_ready("one").await;
    assert_eq!(world.tenant.writes().await, ["POST /password-sync-groups"]);
}
