//! Groups that disappear from the tenant: one is made again, many at once are not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{World, kubernetes::condition, simulator, wait::wait_for, world::said};

const SPEC: &str = "
name: Shared Password
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesforce}, {name: Workday}]
";
const POST: &str = "POST /password-sync-groups";

async fn managed(name: &str, management: &str) -> World {
    let world = World::still(name, "v1").start().await;
    world
        .apply_group("shared", &format!("{SPEC}managementPolicy: {management}"))
        .await;
    world.wait_ready("shared").await;
    world.tenant.clear_ledger().await;
    world
}

#[tokio::test]
async fn under_enforce_a_group_deleted_in_the_tenant_is_made_again_once() {
    let world = managed("vanished-enforce", "Enforce").await;
    let before = world.tenant.shown("Shared Password").await;
    world.tenant.someone_removes("Shared Password").await;
    world.read_again().await;
    let group = world
        .wait_group("shared", "another group's id", |group| {
            let status = &group.data["status"];
            status["groupID"] != json!(before.id) && status["groupID"].is_string()
        })
        .await;
    let after = world.tenant.shown("Shared Password").await;
    assert_eq!(group.data["status"]["groupID"], json!(after.id));
    assert_eq!(
        (after.policy, after.sources),
        (before.policy, before.sources)
    );
    let group = world.wait_ready("shared").await;
    assert_eq!(group.data["status"]["origin"], "Created");
    assert_eq!(group.data["status"]["leaving"], Value::Null);
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, [POST]);
    // The absence from a page walk is no proof: the group was asked for by its id first.
    let calls = world.tenant.calls_since(0).await;
    let asked = calls
        .iter()
        .position(|call| call == "GET /password-sync-groups/{id}");
    let made = calls.iter().position(|call| call == POST);
    assert!(asked.is_some() && asked < made, "{calls:?}");
}

#[tokio::test]
async fn under_onchange_a_vanished_group_is_reported_and_made_with_the_next_edit() {
    let world = managed("vanished-onchange", "OnChange").await;
    let before = world.tenant.shown("Shared Password").await;
    world.tenant.someone_removes("Shared Password").await;
    world.read_again().await;
    let group = world.wait_reason("shared", "GroupVanished").await;
    assert_eq!(condition(&group, "Ready").unwrap()["status"], "False");
    assert_eq!(
        condition(&group, "Stalled").unwrap()["reason"],
        "GroupVanished"
    );
    assert_eq!(group.data["status"]["groupID"], json!(before.id));
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());

    let patch = json!({"spec": {"passwordPolicyRef": {"name": "Cloud Standard"}}});
    world.patch_group("shared", patch).await;
    let group = world.wait_ready("shared").await;
    let after = world.tenant.shown("Shared Password").await;
    assert_eq!(group.data["status"]["groupID"], json!(after.id));
    assert_eq!(after.policy, "Cloud Standard");
    assert_eq!(world.tenant.bodies(POST).await.len(), 1);
}

#[tokio::test]
async fn a_group_that_is_only_missing_from_a_list_is_not_made_again() {
    let world = managed("vanished-not", "Enforce").await;
    let fault = json!({
        "match": "GET /password-sync-groups", "times": 1000,
        "kind": {"status": {"code": 200, "body": [], "headers": {"X-Total-Count": "0"}}},
    });
    world.tenant.fault(fault).await;
    // A read within the settle time of the create is not believed.
    wait_for("a read by id", Duration::from_mins(1), async || {
        world.read_again().await;
        let calls = world.tenant.calls_since(0).await;
        let mut by_id = calls
            .iter()
            .map(|call| call == "GET /password-sync-groups/{id}");
        by_id
            .any(|it| it)
            .then_some(())
            .ok_or_else(|| calls.join(", "))
    })
    .await;
    world.wait_ready("shared").await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
}

/// A tenant with eighteen fit sources, and nine Ready groups of two each.
async fn nine(name: &str) -> World {
    let sources: Vec<Value> = (0..18)
        .map(|number| {
            json!({
                "name": format!("Source {number}"), "features": ["PASSWORD"], "healthy": true,
                "status": "SOURCE_STATE_HEALTHY",
            })
        })
        .collect();
    let mut seed = simulator::acme();
    seed["sources"] = json!(sources);
    seed["apps"] = json!([]);
    seed["groups"] = json!([]);
    seed["accounts"] = json!([]);
    let world = World::still(name, "v1").seed(seed).start().await;
    for number in 0..9 {
        let spec = format!(
            "{{name: Team {number}, passwordPolicyRef: {{name: Cloud Standard}}, \
             sourceRefs: [{{name: Source {}}}, {{name: Source {}}}]}}",
            2 * number,
            2 * number + 1
        );
        world.apply_group(&format!("team-{number}"), &spec).await;
    }
    for number in 0..9 {
        world.wait_ready(&format!("team-{number}")).await;
    }
    world.tenant.clear_ledger().await;
    world
}

async fn vanish(world: &World, groups: usize) {
    for number in 0..groups {
        world
            .tenant
            .someone_removes(&format!("Team {number}"))
            .await;
    }
    world.read_again().await;
}

#[tokio::test]
async fn many_groups_missing_at_once_are_not_made_again_until_somebody_says_so() {
    let world = nine("vanished-many").await;
    vanish(&world, 6).await;
    world
        .wait_tenant("default", "Ready", "False", "GroupsVanished")
        .await;
    world
        .wait_tenant("default", "Stalled", "True", "GroupsVanished")
        .await;
    for number in 0..6 {
        let name = format!("team-{number}");
        let group = world.wait_reason(&name, "GroupsVanished").await;
        assert_eq!(condition(&group, "Stalled").unwrap()["status"], "True");
        let ready = said(&group, "Ready");
        assert!(
            ready.contains("6 of 9 managed groups are missing from the tenant at once"),
            "{ready}"
        );
    }
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    for number in 6..9 {
        world.wait_ready(&format!("team-{number}")).await;
    }

    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    world
        .annotate_tenant("passwordsync.dev/acknowledged-until", &until.to_string())
        .await;
    for number in 0..6 {
        world.wait_ready(&format!("team-{number}")).await;
    }
    assert_eq!(world.tenant.writes().await, vec![POST; 6]);
    assert_eq!(world.tenant.group_names().await.len(), 9);
    world.read_again().await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
}

#[tokio::test]
async fn as_many_as_may_be_missing_at_once_are_made_again() {
    let world = nine("vanished-few").await;
    vanish(&world, 5).await;
    world
        .wait("nine groups", async || {
            let names = world.tenant.group_names().await;
            (names.len() == 9)
                .then_some(())
                .ok_or_else(|| format!("{names:?}"))
        })
        .await;
    for number in 0..9 {
        world.wait_ready(&format!("team-{number}")).await;
    }
    assert_eq!(world.tenant.writes().await, vec![POST; 5]);
}
