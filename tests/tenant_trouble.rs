//! A tenant that fails, lies or cannot be reached: what is known stays known, nothing is written
//! on bad evidence, and all goes on by itself afterwards.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    World, until,
    world::{said, spec},
};

const POST: &str = "POST /password-sync-groups";
const PUT: &str = "PUT /password-sync-groups/{id}";
const LIST: &str = "GET /password-sync-groups";

/// Every fault that can hit the read of a page. One that shifts needs more than a page of groups:
/// the fault matrix has it.
fn troubles() -> Vec<(&'static str, Value)> {
    vec![
        ("500", json!({"status": {"code": 500}})),
        ("503", json!({"status": {"code": 503, "retry_after": "1"}})),
        ("cut before", json!({"cut_connection": {"at": "before"}})),
        (
            "cut in the middle",
            json!({"cut_connection": {"at": "middle"}}),
        ),
        ("half a body", json!("truncated_body")),
        ("a page of HTML", json!({"garbage_body": {}})),
        ("too much", json!({"oversized_body": {"bytes": 5_000_000}})),
        ("a lying total", json!({"wrong_total": {"by": 1}})),
    ]
}

#[tokio::test]
async fn no_answer_of_a_broken_tenant_makes_anything_of_a_healthy_group() {
    let world = World::v1("broken_reads").start().await;
    world
        .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("pair").await;
    world.read_again().await;
    let before = world.group("pair").await.metadata.resource_version;
    for (name, kind) in troubles() {
        // Two of each: once for a list of groups, once for the sources.
        for route in [LIST, "GET /sources"] {
            let fault = json!({"match": route, "times": 1, "kind": kind});
            world.tenant.fault(fault).await;
        }
        world.poke("default").await;
        world
            .wait(format!("{name} to strike"), async || {
                let faults = world.tenant.get("faults").await;
                let hits = faults.as_array().unwrap().iter();
                let hits: u64 = hits.map(|one| one["hits"].as_u64().unwrap()).sum();
                match hits {
                    2 => Ok(()),
                    hits => Err(format!("{hits} hits")),
                }
            })
            .await;
        world.tenant.clear_faults().await;
        world.read_again().await;
    }
    let after = world.group("pair").await;
    assert_eq!(after.metadata.resource_version, before, "no write at all");
    assert!(said(&after, "Ready").starts_with("True InSync"));
    let tenant = world.identity_tenant("default").await;
    assert!(said(&tenant, "Ready").starts_with("True Reading"));
    assert_eq!(world.tenant.writes().await, [POST]);
}

#[tokio::test]
async fn a_tenant_that_lies_from_the_start_gets_no_group() {
    for (name, kind) in [
        ("html", json!({"garbage_body": {}})),
        ("total", json!({"wrong_total": {"by": 1}})),
        ("half", json!("truncated_body")),
    ] {
        let mut world = World::v1(name).without_operator().start().await;
        let fault = json!({"match": LIST, "kind": kind});
        world.tenant.fault(fault).await;
        world.restart().await;
        world
            .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
            .await;
        world
            .wait("three tries", async || {
                let faults = world.tenant.get("faults").await;
                let hits = faults[0]["hits"].as_u64().unwrap();
                // A list that does not add up is walked four times in each try.
                let wanted = if name == "total" { 8 } else { 3 };
                if hits >= wanted {
                    Ok(())
                } else {
                    Err(format!("{hits}"))
                }
            })
            .await;
        let group = world.group("pair").await;
        assert_eq!(group.metadata.finalizers, None, "nothing was begun");
        assert_eq!(world.tenant.writes().await, Vec::<String>::new());
        world.tenant.clear_faults().await;
        world.wait_ready("pair").await;
        assert_eq!(world.tenant.writes().await, [POST], "{name}");
    }
}

#[tokio::test]
async fn failing_reads_are_spaced_out() {
    let world = World::v1("backoff").start().await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
    let fault = json!({"match": LIST, "kind": {"status": {"code": 503}}});
    world.tenant.fault(fault).await;
    world.tenant.clear_ledger().await;
    world.poke("default").await;
    let begun = std::time::Instant::now();
    let four = async || match world.tenant.asked(LIST).await.len() {
        0..4 => Err("fewer than four".to_owned()),
        _ => Ok(()),
    };
    world.wait("four tries", four).await;
    // 1, 2 and 4 s, each shortened by half at most.
    assert!(begun.elapsed() >= Duration::from_millis(3500));
    let lists = world.tenant.asked(LIST).await;
    let at = |entry: &Value| entry["at"].as_str().unwrap().parse::<jiff::Timestamp>();
    let times: Vec<_> = lists.iter().map(|entry| at(entry).unwrap()).collect();
    let gaps: Vec<_> = times
        .windows(2)
        .map(|pair| pair[1].duration_since(pair[0]).as_millis())
        .collect();
    assert!(
        gaps[0] >= 500 && gaps[1] >= 1000 && gaps[2] >= 2000,
        "{gaps:?}"
    );
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_looked_for_before_it_is_repeated() {
    let world = World::v1("lost_put").start().await;
    world
        .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("pair").await;
    let mut expected = vec![POST.to_owned()];
    for (number, (kind, puts)) in [
        (json!("lost_answer"), 1),
        (json!({"after_commit": {"code": 502}}), 1),
        (json!("truncated_body"), 1),
        (json!({"garbage_body": {}}), 1),
        (json!("lost_request"), 2),
        (json!({"status": {"code": 500}}), 2),
    ]
    .into_iter()
    .enumerate()
    {
        world
            .tenant
            .fault(json!({"match": PUT, "times": 1, "kind": kind}))
            .await;
        let name = format!("Name {number}");
        world
            .patch_group("pair", json!({"spec": {"name": name}}))
            .await;
        world.wait_ready("pair").await;
        assert!(world.tenant.group(&name).await.is_some());
        expected.extend(std::iter::repeat_n(PUT.to_owned(), puts));
        assert_eq!(world.tenant.writes().await, expected, "{name}: {kind}");
    }
}

#[tokio::test]
async fn a_deletion_goes_through_whatever_its_requests_meet() {
    const DELETE: &str = "DELETE /password-sync-groups/{id}";
    const ASSIGN: &str = "PATCH /sources/{id}/password-policies";
    let world = World::v1("lost_delete").start().await;
    let never = json!({"policy_after_delete": "never"});
    world.tenant.switch(never).await;
    for (kind, deletes) in [
        (json!("lost_answer"), 1),
        (json!({"after_commit": {"code": 504}}), 1),
        (json!("lost_request"), 2),
        (json!({"status": {"code": 503}}), 2),
    ] {
        world
            .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
            .await;
        world.wait_ready("pair").await;
        world.tenant.clear_ledger().await;
        for route in [DELETE, ASSIGN] {
            let fault = json!({"match": route, "times": 1, "kind": kind});
            world.tenant.fault(fault).await;
        }
        world.delete_group("pair").await;
        world.wait_gone("pair").await;
        assert_eq!(world.tenant.group("Pair").await, None);
        for source in ["Salesforce", "Workday"] {
            let policy = world.tenant.policy_on(source).await;
            assert_eq!(
                policy.as_deref(),
                Some("Corporate Strong"),
                "{source} {kind}"
            );
        }
        assert_eq!(world.tenant.asked(DELETE).await.len(), deletes, "{kind}");
        for source in ["Salesforce", "Workday"] {
            let id = world.tenant.source_id(source).await;
            let own = json!([{"policyId": "2c91808d744ba0ce01746f93b6204502"}]);
            world
                .tenant
                .put(&format!("sources/{id}/holders"), own)
                .await;
        }
    }
}

/// Five intervals of ten seconds each must pass: the one test here that takes a minute, asleep.
#[tokio::test]
async fn a_tenant_out_of_reach_for_five_intervals_is_said_to_be_and_nothing_is_lost() {
    let world = World::v1("unreachable").start().await;
    world
        .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
        .await;
    world
        .apply_group("doomed", &spec("Doomed", &["GitHub", "G Suite"]))
        .await;
    world.wait_ready("pair").await;
    world.wait_ready("doomed").await;
    let lost = json!({"match": "*", "kind": "lost_request"});
    world.tenant.fault(lost).await;
    let begun = std::time::Instant::now();
    world.poke("default").await;
    let unreachable = until(Duration::from_mins(4), async || {
        let tenant = world.identity_tenant("default").await;
        let ready = said(&tenant, "Ready");
        tokio::time::sleep(Duration::from_millis(500)).await;
        if ready.starts_with("False TenantUnreachable") {
            Ok(tenant)
        } else {
            Err(ready)
        }
    })
    .await
    .expect("TenantUnreachable");
    assert!(begun.elapsed() >= Duration::from_secs(49), "not before");
    assert!(said(&unreachable, "Stalled").starts_with("True"));
    let pair = world.wait_reason("pair", "TenantUnreachable").await;
    assert!(said(&pair, "Ready").starts_with("Unknown"));
    assert!(said(&pair, "Reconciling").starts_with("True"));
    world.delete_group("doomed").await;
    let doomed = world.wait_reason("doomed", "DeletionBlocked").await;
    assert!(said(&doomed, "Ready").contains("TenantUnreachable"));

    world.tenant.clear_faults().await;
    world.poke("default").await;
    world.wait_gone("doomed").await;
    world.wait_ready("pair").await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
    let writes = world.tenant.writes().await;
    assert_eq!(writes, [POST, POST, "DELETE /password-sync-groups/{id}"]);
}
