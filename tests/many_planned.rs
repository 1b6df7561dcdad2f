//! A thousand manifests of which five change: the plan reads the tenant once, and beside that only what the
//! sources of those five need.

use crate::support::{many, planned, simulator::Simulator};

const GROUPS: usize = 1000;
const CHANGED: usize = 5;

#[tokio::test]
async fn a_plan_of_a_thousand_manifests_costs_one_read_and_three_calls_for_each_source_that_changes()
 {
    let simulator = Simulator::shared().await;
    let seed = many::seed(GROUPS, GROUPS);
    let tenant = simulator.tenant("planned", seed).await;
    tenant.clear_ledger().await;
    let planned = planned::renamed(&tenant, GROUPS, CHANGED).await;
    let summary = &planned.plan["summary"];
    assert_eq!(summary["update"], CHANGED, "{summary}");
    assert_eq!(summary["unchanged"], GROUPS - CHANGED, "{summary}");
    let counts = tenant.counts().await;
    let sources = 2 * CHANGED as u64;
    // Pages of 250, and one more where the last is full.
    let read = [
        ("POST /oauth/token", 1),
        ("GET /password-sync-groups", 5),
        ("GET /sources", 9),
        ("GET /password-policies", 1),
        ("GET /source-apps/all", 1),
        ("GET /sources/{id}/password-policies", sources),
        ("GET /accounts", sources),
    ];
    let read = read.map(|(call, count)| (call.to_owned(), count));
    assert_eq!(counts, read.into());
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}
