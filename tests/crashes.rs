//! The operator may end at any moment, with or without warning: one group, no second POST, and no
//! source without a policy.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    World,
    many::wait_managed,
    world::{Builder, said, spec},
};

const POST: &str = "POST /password-sync-groups";
const DELETE: &str = "DELETE /password-sync-groups/{id}";
const ASSIGN: &str = "PATCH /sources/{id}/password-policies";

/// An operator that waits for answers long enough to be killed meanwhile.
fn patient(name: &str) -> Builder {
    World::v1(name)
        .flag("--post-timeout=4s")
        .flag("--settle=4500ms")
}

async fn wait_for_request(world: &World, what: &str, count: usize) {
    world
        .wait(format!("{count} x {what}"), async || {
            let asked = world.tenant.asked(what).await.len();
            if asked >= count {
                Ok(())
            } else {
                Err(asked.to_string())
            }
        })
        .await;
}

#[tokio::test]
async fn killed_between_a_post_and_its_answer_it_finds_the_group_again() {
    let mut world = patient("killed_after_post").start().await;
    let slow = json!({"match": POST, "times": 1, "kind": {"delay": {"ms": 3500}}});
    world.tenant.fault(slow).await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    wait_for_request(&world, POST, 1).await;
    world.operator().kill9();
    let status = world.group("one").await.data["status"].clone();
    assert_eq!(status["intent"]["attempt"], 1, "stored before the POST");
    assert!(status["groupID"].is_null());

    world.restart().await;
    let group = world.wait_ready("one").await;
    let there = world.tenant.group("One").await.expect("one group");
    assert_eq!(group.data["status"]["groupID"], there["id"]);
    assert_eq!(group.data["status"]["origin"], "Created");
    assert_eq!(world.tenant.writes().await, [POST]);
}

#[tokio::test]
async fn killed_after_a_post_without_effect_it_sends_another_only_when_that_is_certain() {
    let mut world = World::v1("killed_no_effect").start().await;
    let lost = json!({"match": POST, "times": 1, "kind": "lost_request"});
    world.tenant.fault(lost).await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    wait_for_request(&world, POST, 1).await;
    world.operator().kill9();
    world.restart().await;
    world.wait_ready("one").await;
    assert!(world.tenant.group("One").await.is_some());
    let posts = world.tenant.asked(POST).await;
    assert_eq!(posts.len(), 2, "one for each intent");
    let at = |number: usize| posts[number]["at"].as_str().unwrap().parse().unwrap();
    let (first, second): (jiff::Timestamp, jiff::Timestamp) = (at(0), at(1));
    assert!(second.duration_since(first).as_millis() >= 2000);
}

#[tokio::test]
async fn killed_after_a_delete_it_still_gives_every_source_its_policy() {
    let mut world = patient("killed_after_delete").start().await;
    world
        .tenant
        .switch(json!({"policy_after_delete": "never"}))
        .await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday", "GitHub"]))
        .await;
    world.wait_ready("one").await;
    let slow = json!({"match": DELETE, "times": 1, "kind": {"delay": {"ms": 3500}}});
    world.tenant.fault(slow).await;
    world.delete_group("one").await;
    wait_for_request(&world, DELETE, 1).await;
    world.operator().kill9();
    let held = world.group("one").await;
    let sources = held.data["status"]["deletion"]["sources"].as_array();
    assert_eq!(sources.map(Vec::len), Some(3), "recorded before the DELETE");
    assert_eq!(world.tenant.group("One").await, None);

    // And once more, in the middle of reassigning.
    let slow = json!({"match": ASSIGN, "skip": 1, "times": 1, "kind": {"delay": {"ms": 3500}}});
    world.tenant.fault(slow).await;
    world.restart().await;
    wait_for_request(&world, ASSIGN, 2).await;
    world.operator().kill9();
    world.restart().await;
    world.wait_gone("one").await;
    for source in ["Salesforce", "Workday", "GitHub"] {
        let policy = world.tenant.policy_on(source).await;
        assert_eq!(policy.as_deref(), Some("Corporate Strong"), "{source}");
    }
    assert_eq!(
        world.tenant.writes().await,
        [POST, DELETE, ASSIGN, ASSIGN, ASSIGN],
        "nothing twice"
    );
    assert_eq!(world.told("one", "Deleted").await, 1);
}

#[tokio::test]
async fn asked_to_stop_it_stores_what_came_of_the_write_in_hand_and_ends_with_zero() {
    let mut world = patient("terminated").start().await;
    let slow = json!({"match": POST, "times": 1, "kind": {"delay": {"ms": 1500}}});
    world.tenant.fault(slow).await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    wait_for_request(&world, POST, 1).await;
    assert!(world.group("one").await.data["status"]["groupID"].is_null());
    let ended = world.operator().terminate().await;
    assert_eq!(ended.code(), Some(0), "{}", world.operator().log_tail());

    let group = world.group("one").await;
    let there = world.tenant.group("One").await.expect("one group");
    assert_eq!(group.data["status"]["groupID"], there["id"]);
    assert!(group.data["status"]["intent"].is_null());
    world.restart().await;
    world.wait_ready("one").await;
    assert_eq!(world.tenant.writes().await, [POST]);
}

#[tokio::test]
async fn asked_to_stop_it_begins_nothing_new() {
    let mut world = patient("terminated_deleting").start().await;
    world
        .tenant
        .switch(json!({"policy_after_delete": "never"}))
        .await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("one").await;
    let slow = json!({"match": DELETE, "times": 1, "kind": {"delay": {"ms": 1500}}});
    world.tenant.fault(slow).await;
    world.delete_group("one").await;
    wait_for_request(&world, DELETE, 1).await;
    let begun = std::time::Instant::now();
    assert!(world.operator().terminate().await.success());
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "within the drain"
    );
    assert_eq!(world.tenant.writes().await, [POST, DELETE]);

    world.restart().await;
    world.wait_gone("one").await;
    assert_eq!(world.tenant.asked(DELETE).await.len(), 1);
    assert_eq!(world.tenant.asked(ASSIGN).await.len(), 2);
}

#[tokio::test]
async fn a_start_with_nothing_to_do_writes_nothing() {
    let mut world = World::v1("quiet_start").start().await;
    for (name, sources) in [
        ("one", ["Salesforce", "Workday"]),
        ("two", ["GitHub", "G Suite"]),
    ] {
        world.apply_group(name, &spec(name, &sources)).await;
        world.wait_ready(name).await;
    }
    wait_managed(&world, 2).await;
    let before = world.group("one").await;
    assert!(world.operator().terminate().await.success());
    let audit = world.audit().await;
    world.tenant.clear_ledger().await;
    world.restart().await;
    world.read_again().await;
    world.read_again().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    let after = world.group("one").await;
    assert_eq!(
        after.metadata.resource_version,
        before.metadata.resource_version
    );
    assert!(said(&after, "Ready").starts_with("True InSync"));
    if let Some(audit) = audit {
        let writes = world.operator_writes(&audit).await;
        assert_eq!(writes, [], "settled means no write at all");
    }
}
