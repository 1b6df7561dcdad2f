//! A tenant that says "too many": nothing is sent before it may be, by anybody who shares the
//! client id, and the write that was refused is made once afterwards.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{
    World,
    world::{said, spec},
};

const POST: &str = "POST /password-sync-groups";
const PUT: &str = "PUT /password-sync-groups/{id}";
const DELETE: &str = "DELETE /password-sync-groups/{id}";
const ASSIGN: &str = "PATCH /sources/{id}/password-policies";
const LIST: &str = "GET /password-sync-groups";

/// One 429, with the header Retry-After if one is given.
async fn too_many(world: &World, what: &str, retry_after: Option<&str>) {
    let mut status = json!({"code": 429, "body": {"message": " Rate Limit Exceeded "}});
    if let Some(text) = retry_after {
        status["retry_after"] = json!(text);
    }
    let fault = json!({"match": what, "times": 1, "kind": {"status": status}});
    world.tenant.fault(fault).await;
}

/// The first request after the one 429 came so many seconds later at least, from any client.
async fn silence_after_429(world: &World, seconds: i64) {
    let ledger = world.tenant.ledger().await;
    let place = ledger.iter().position(|entry| entry["status"] == 429);
    let place = place.expect("a 429");
    let at = |entry: &Value| entry["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let next = ledger.get(place + 1).expect("a request after it");
    let apart = at(next).duration_since(at(&ledger[place])).as_millis();
    // The simulator's time is taken before the answer, so the whole wait shows.
    assert!(apart >= i128::from(seconds) * 1000, "{apart} ms, {next}");
    let refused = ledger.iter().filter(|entry| entry["status"] == 429);
    assert_eq!(refused.count(), 1);
}

#[tokio::test]
async fn each_kind_of_request_waits_as_long_as_it_is_asked_to() {
    let world = World::v1("retry_after").start().await;
    let never = json!({"policy_after_delete": "never"});
    world.tenant.switch(never).await;

    world.tenant.clear_ledger().await;
    too_many(&world, POST, Some("2")).await;
    world
        .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
        .await;
    let limited = world.wait_reason("pair", "RateLimited").await;
    assert!(said(&limited, "Ready").starts_with("Unknown RateLimited"));
    assert!(said(&limited, "Reconciling").starts_with("True"));
    world.wait_ready("pair").await;
    silence_after_429(&world, 2).await;
    assert_eq!(world.tenant.writes().await, [POST, POST]);

    world.tenant.clear_ledger().await;
    too_many(&world, PUT, Some("2")).await;
    world
        .patch_group("pair", json!({"spec": {"name": "Renamed"}}))
        .await;
    world.wait_ready("pair").await;
    silence_after_429(&world, 2).await;
    assert_eq!(world.tenant.writes().await, [PUT, PUT]);

    world.tenant.clear_ledger().await;
    too_many(&world, LIST, Some("2")).await;
    world.read_again().await;
    silence_after_429(&world, 2).await;
    let group = world.group("pair").await;
    assert!(
        said(&group, "Ready").starts_with("True InSync"),
        "a read may wait"
    );

    world.tenant.clear_ledger().await;
    too_many(&world, DELETE, Some("2")).await;
    world.delete_group("pair").await;
    world.wait_gone("pair").await;
    silence_after_429(&world, 2).await;
    let writes = world.tenant.writes().await;
    assert_eq!(writes, [DELETE, DELETE, ASSIGN, ASSIGN]);
}

#[tokio::test]
async fn a_429_on_one_source_of_a_deletion_does_not_lose_its_policy() {
    let world = World::v1("assign_429").start().await;
    let never = json!({"policy_after_delete": "never"});
    world.tenant.switch(never).await;
    world
        .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("pair").await;
    world.tenant.clear_ledger().await;
    too_many(&world, ASSIGN, Some("1")).await;
    world.delete_group("pair").await;
    world.wait_gone("pair").await;
    silence_after_429(&world, 1).await;
    for source in ["Salesforce", "Workday"] {
        let policy = world.tenant.policy_on(source).await;
        assert_eq!(policy.as_deref(), Some("Corporate Strong"), "{source}");
    }
    let writes = world.tenant.writes().await;
    assert_eq!(writes, [DELETE, ASSIGN, ASSIGN, ASSIGN]);
}

#[tokio::test]
async fn a_429_that_names_no_time_is_given_the_vendors_window() {
    let world = World::v1("no_retry_after").start().await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
    world.tenant.clear_ledger().await;
    too_many(&world, POST, None).await;
    world
        .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
        .await;
    world.wait_reason("pair", "RateLimited").await;
    world.wait_ready("pair").await;
    silence_after_429(&world, 10).await;
    assert_eq!(world.tenant.writes().await, [POST, POST]);
}

#[tokio::test]
async fn many_groups_at_once_stay_below_the_share_that_is_granted() {
    let mut seed = crate::support::simulator::acme();
    let list = seed["sources"].as_array_mut().unwrap();
    list.extend((0..16).map(|number| {
        let id = format!("2c918084660f45d6016617daa93{number:05}");
        json!({"id": id, "name": format!("Plain {number}"), "features": ["PASSWORD"]})
    }));
    // Eight groups take 24 requests besides the reading: more than a window of 20 holds.
    let world = World::v1("share")
        .seed(seed)
        .tenant_spec(json!({
            "readInterval": "1m", "identityAPIVersion": "v1",
            "rateLimit": {"requests": 20, "per": "10s"},
        }))
        .start()
        .await;
    for number in 0..8 {
        let sources = [2 * number, 2 * number + 1].map(|number| format!("Plain {number}"));
        let name = format!("group-{number}");
        world
            .apply_group(&name, &spec(&name, &[&sources[0], &sources[1]]))
            .await;
    }
    for number in 0..8 {
        world.wait_ready(&format!("group-{number}")).await;
    }
    let counts = world.tenant.get("ledger/counts").await;
    assert_eq!(counts["429"], Value::Null, "{counts}");
    assert_eq!(counts[POST], 8, "{counts}");
    for (key, most) in counts["maxInWindow"].as_object().unwrap() {
        assert!(most.as_u64().unwrap() <= 20, "{key}: {most}");
    }
}
