//! A create whose answer is lost leads to one group and one POST for each intent, whether the
//! tenant carried it out, did not, or does so late.

use serde_json::{Value, json};

use crate::support::{
    World, simulator,
    world::{said, spec},
};

const POST: &str = "POST /password-sync-groups";

/// The believable tenant with plain sources besides, so that groups need not share any.
fn seed(sources: usize) -> Value {
    let mut seed = simulator::acme();
    let list = seed["sources"].as_array_mut().expect("sources");
    list.extend((0..sources).map(|number| {
        let id = format!("2c918084660f45d6016617daa93{number:05}");
        json!({"id": id, "name": format!("Plain {number}"), "features": ["PASSWORD"]})
    }));
    seed
}

/// Applies a group of its own for each fault that its POST meets; how many POSTs each took.
async fn each(world: &World, faults: &[(&str, Value)]) -> Vec<usize> {
    let mut posts = Vec::new();
    for (number, (name, fault)) in faults.iter().enumerate() {
        world.tenant.clear_ledger().await;
        let fault = json!({"match": POST, "times": 1, "kind": fault});
        world.tenant.fault(fault).await;
        let sources = [2 * number, 2 * number + 1].map(|number| format!("Plain {number}"));
        let spec = spec(name, &[&sources[0], &sources[1]]);
        world.apply_group(name, &spec).await;
        let group = world.wait_ready(name).await;
        let there = world.tenant.group(name).await.expect("one group");
        assert_eq!(group.data["status"]["groupID"], there["id"], "{name}");
        assert_eq!(group.data["status"]["origin"], "Created", "{name}");
        assert!(group.data["status"]["intent"].is_null(), "{name}");
        assert_eq!(world.told(name, "Created").await, 1, "{name}");
        posts.push(world.tenant.asked(POST).await.len());
        assert_eq!(world.tenant.writes().await.len(), *posts.last().unwrap());
    }
    posts
}

#[tokio::test]
async fn a_create_that_was_carried_out_is_found_and_never_sent_again() {
    let faults = [
        ("lost", json!("lost_answer")),
        ("half", json!("truncated_body")),
        ("cut", json!({"cut_connection": {"at": "middle"}})),
        ("gateway", json!({"after_commit": {"code": 504}})),
        ("failed", json!({"after_commit": {"code": 500}})),
        ("page", json!({"garbage_body": {}})),
        ("slow", json!({"delay": {"ms": 1500}})),
    ];
    let world = World::v1("carried_out").seed(seed(14)).start().await;
    assert_eq!(each(&world, &faults).await, [1; 7]);
}

#[tokio::test]
async fn a_create_that_had_no_effect_is_sent_again_after_the_settle_time() {
    let faults = [
        ("unsent", json!("lost_request")),
        ("unavailable", json!({"status": {"code": 503}})),
    ];
    let world = World::v1("no_effect").seed(seed(4)).start().await;
    assert_eq!(each(&world, &faults).await, [2, 2]);
    let posts = world.tenant.asked(POST).await;
    let at = |number: usize| posts[number]["at"].as_str().unwrap().parse().unwrap();
    let (first, second): (jiff::Timestamp, jiff::Timestamp) = (at(0), at(1));
    let apart = second.duration_since(first);
    assert!(apart.as_millis() >= 2000, "settle and gap: {apart:?}");
}

#[tokio::test]
async fn a_create_that_takes_effect_late_is_found_within_the_settle_time() {
    let faults = [
        ("late", json!({"late_apply": {"seconds": 1}})),
        (
            "late-and-denied",
            json!({"late_apply": {"seconds": 1, "code": 502}}),
        ),
    ];
    let world = World::v1("late").seed(seed(4)).start().await;
    assert_eq!(each(&world, &faults).await, [1, 1]);
}

#[tokio::test]
async fn a_twin_that_appears_meanwhile_is_for_a_person_to_tell_apart() {
    let world = World::v1("twin").start().await;
    let tenant = &world.tenant;
    // Only the other hand's group is there when the first look comes.
    tenant
        .fault(json!({"match": POST, "times": 1, "kind": {"late_apply": {"seconds": 1}}}))
        .await;
    world
        .apply_group("mine", &spec("Mine", &["Salesforce", "Workday"]))
        .await;
    world
        .wait("the POST", async || match tenant.asked(POST).await.len() {
            0 => Err("none".to_owned()),
            _ => Ok(()),
        })
        .await;
    let twin = json!({"name": "Mine", "passwordPolicyId": "2c91808d744ba0ce01746f93b6204502",
        "sourceIds": [tenant.source_id("GitHub").await, tenant.source_id("G Suite").await]});
    let twin = tenant.add_group(twin).await;
    world.poke("default").await;
    let group = world.wait_reason("mine", "CreateAmbiguous").await;
    let message = said(&group, "Ready");
    let candidate = format!("{} (other content)", twin["id"].as_str().unwrap());
    assert!(message.contains(&candidate), "{message}");
    assert!(message.contains("spec.groupID"), "{message}");
    assert!(said(&group, "Stalled").starts_with("True CreateAmbiguous"));

    // The late one is shown as well, and nothing is written by guess.
    world
        .wait("both", async || {
            let mine = tenant.groups().await;
            let mine = mine.iter().filter(|group| group["name"] == "Mine").count();
            if mine == 2 {
                Ok(())
            } else {
                Err(mine.to_string())
            }
        })
        .await;
    world.read_again().await;
    let group = world
        .wait_group("mine", "both candidates", |group| {
            said(group, "Ready").contains("(same content)")
        })
        .await;
    assert!(said(&group, "Ready").contains(&candidate));
    assert_eq!(tenant.writes().await, [POST]);

    let groups = tenant.groups().await;
    let ours = groups
        .iter()
        .find(|group| group["name"] == "Mine" && group["id"] != twin["id"])
        .unwrap();
    let named = json!({"spec": {"groupID": ours["id"]}});
    world.patch_group("mine", named).await;
    let group = world.wait_ready("mine").await;
    assert_eq!(group.data["status"]["groupID"], ours["id"]);
    assert!(group.data["status"]["intent"].is_null());
    assert_eq!(tenant.writes().await, [POST], "the twin is left alone");
}

#[tokio::test]
async fn a_resource_deleted_while_its_create_is_open_leaves_nothing_behind() {
    let world = World::v1("open_and_deleted").start().await;
    world
        .tenant
        .fault(json!({"match": POST, "times": 1, "kind": {"late_apply": {"seconds": 1}}}))
        .await;
    world
        .apply_group("brief", &spec("Brief", &["Salesforce", "Workday"]))
        .await;
    world
        .wait_group("brief", "an open intent", |group| {
            !group.data["status"]["intent"].is_null()
        })
        .await;
    world.delete_group("brief").await;
    world.wait_gone("brief").await;
    assert_eq!(world.tenant.group("Brief").await, None);
    let writes = world.tenant.writes().await;
    assert_eq!(writes, [POST, "DELETE /password-sync-groups/{id}"]);
    for source in ["Salesforce", "Workday"] {
        let policy = world.tenant.policy_on(source).await;
        assert_eq!(policy.as_deref(), Some("Corporate Strong"));
    }
}
