//! What the operator costs, counted exactly: by the tenant's own ledger on one side, by the API
//! server's audit log on the other.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{World, audit::counts, many};

/// Names and numbers as a map, for comparing.
fn map<N>(pairs: impl IntoIterator<Item = (&'static str, N)>) -> BTreeMap<String, N> {
    let owned = pairs
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count));
    owned.collect()
}

#[tokio::test]
async fn three_hundred_settled_groups_are_read_three_times_without_a_write_on_either_side() {
    const GROUPS: usize = 300;
    let world = World::builder("settled")
        .seed(many::seed(GROUPS, GROUPS))
        .tenant_spec(json!({"readInterval": "1h"}))
        .audited()
        .start()
        .await;
    many::create(&world, 0..GROUPS).await;
    many::wait_ready(&world, GROUPS).await;
    many::wait_managed(&world, GROUPS).await;

    let audit = world.audit().await;
    world.tenant.clear_ledger().await;
    // What the third read may have caused is over when a fourth is.
    for _ in 0..4 {
        world.read_again().await;
    }
    let expected = [
        ("GET /password-sync-groups", 2),
        ("GET /sources", 3),
        ("GET /password-policies", 1),
        ("GET /source-apps/all", 1),
    ];
    let expected = expected.map(|(call, pages)| (call, 4 * pages));
    assert_eq!(world.tenant.counts().await, map(expected));
    if let Some(audit) = audit {
        let mut writes = world.operator_writes(&audit).await;
        writes.retain(|write| write.resource != "leases");
        assert_eq!(writes, []);
    }
}

#[tokio::test]
async fn a_new_group_takes_three_kubernetes_writes_an_event_and_one_post() {
    let world = World::builder("new_group")
        .tenant_spec(json!({"readInterval": "1h"}))
        .audited()
        .start()
        .await;
    many::wait_read(&world, 1).await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
    let audit = world.audit().await;
    world.tenant.clear_ledger().await;
    let spec = "
      name: Corporate Directory
      passwordPolicyRef: {name: Corporate Strong}
      sourceRefs: [{name: Salesforce}, {name: Workday}]";
    world.apply_group("corporate", spec).await;
    world.wait_ready("corporate").await;
    // The Event comes after the status, and a read shows the group once more.
    world.read_again().await;
    world.read_again().await;

    let mut calls = world.tenant.counts().await;
    calls.retain(|call, _| !call.starts_with("GET /") || call.contains('{'));
    let expected = [
        ("GET /sources/{id}/password-policies", 2),
        ("POST /password-sync-groups", 1),
    ];
    assert_eq!(calls, map(expected));
    if let Some(audit) = audit {
        let writes = many::of_groups(world.operator_writes(&audit).await);
        let expected = [
            ("patch passwordsyncgroups", 1),
            ("patch passwordsyncgroups/status", 2),
            ("create events", 1),
        ];
        assert_eq!(counts(&writes), map(expected), "{writes:#?}");
    }
    let events = world.events("corporate").await;
    assert!(
        events.len() == 1 && events[0].starts_with("Created: "),
        "{events:?}"
    );
}

#[tokio::test]
async fn a_burst_of_sixty_new_groups_never_meets_the_limit() {
    const GROUPS: usize = 60;
    /// The operator's share as shipped, of 100.
    const SHARE: u64 = 90;
    let world = World::builder("burst")
        .seed(many::seed(GROUPS, 0))
        .audited()
        .start()
        .await;
    // The strictest reading of the vendor's words, and answers that take a while.
    world.tenant.switch(json!({"rate_window": "sliding"})).await;
    let latency = json!({"lognormal": {"median_ms": 40, "p99_ms": 200}});
    world.tenant.put("latency", latency).await;
    many::create(&world, 0..GROUPS).await;
    many::wait_ready(&world, GROUPS).await;

    let calls = world.tenant.counts().await;
    let count = |call: &str| calls.get(call).copied().unwrap_or_default();
    assert_eq!(count("POST /password-sync-groups"), 60);
    assert_eq!(count("GET /sources/{id}/password-policies"), 120);
    assert_eq!(count("GET /password-sync-groups/{id}"), 0);
    assert_eq!(count("429"), 0);
    let most = world.tenant.most_in_a_window().await;
    assert!(most.values().all(|most| *most <= SHARE), "{most:?}");
    assert_eq!(world.tenant.groups().await.len(), GROUPS);
}
