//! Many new groups at once, through the real passes and the real client, in virtual time: all
//! are made, once each, and no window ever holds more requests than the limit.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use identity_simulator::Tenant;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    process::{Life, Process},
    tenant::roomy,
    world::World,
};

const GROUPS: usize = 100;
/// The operator's share as shipped: 90 of 100 in 10 s.
const SHARE: usize = 90;
const WINDOW: SignedDuration = SignedDuration::from_secs(10);

fn world(switches: &serde_json::Value) -> Arc<World> {
    let world = World::new(roomy(GROUPS, switches));
    for n in 0..GROUPS {
        let source = |n: usize| json!({"name": format!("S{n}")});
        let spec = json!({
            "name": format!("G{n}"), "passwordPolicyRef": {"name": "Strong"},
            "sourceRefs": [source(2 * n), source(2 * n + 1)],
        });
        world.cluster.apply(&format!("g{n}"), &spec);
    }
    world
}

/// The most requests that arrived in any window, for each version of the API.
fn most_in_a_window(tenant: &Tenant) -> BTreeMap<String, usize> {
    let mut arrivals: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for entry in tenant.ledger().since(0) {
        if let Some(version) = &entry.version {
            arrivals.entry(version.clone()).or_default().push(entry.at);
        }
    }
    let most = |at: Vec<Timestamp>| {
        let inside = |first: usize| {
            let window = at[first..].iter();
            window
                .take_while(|later| later.duration_since(at[first]) <= WINDOW)
                .count()
        };
        (0..at.len()).map(inside).max().unwrap_or(0)
    };
    arrivals
        .into_iter()
        .map(|(version, at)| (version, most(at)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_new_groups_stays_within_the_limit_in_every_window() {
    for window in ["fixed", "sliding"] {
        let world = world(&json!({"rate_window": window}));
        let _process = Process::start(&world, Life::default());
        let began = tokio::time::Instant::now();
        let quiet = world.until(Duration::from_mins(10), || world.quiet());
        assert!(quiet.await, "{window}: {:?}", world.restless());
        assert_eq!(world.groups().len(), GROUPS);
        assert_eq!(world.calls("POST /password-sync-groups"), 100, "once each");
        assert_eq!(world.calls("429"), 0, "{window}");
        let most = most_in_a_window(&world.tenant.lock().unwrap());
        assert!(
            most.values().all(|most| *most <= SHARE),
            "{window}: {most:?}"
        );
        assert_eq!(
            most["v2025"], SHARE,
            "{window}: the share is used to the full"
        );
        // 200 reads of policies at 90 in 10 s, of which half of the first window is not used.
        let took = began.elapsed();
        assert!(took < Duration::from_secs(35), "{window}: {took:?}");
    }
}
