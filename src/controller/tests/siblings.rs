//! Resources that want the same at the same moment: of two IdentityTenants that mean one tenant, and
//! one that goes while a pass looks at it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    in_virtual_time,
    process::{Life, Process},
    scenarios::spec,
    tenant::small,
    world::World,
};

fn of(tenant: &str, mut spec: Value) -> Value {
    spec["tenantRef"] = json!({"name": tenant});
    spec
}

/// Each is read at its own time, each record takes its own, and the watch shows neither in time.
async fn begun_at_once(seed: u64) {
    let world = World::new(small(3, &json!({}), &json!("none"), seed));
    let twin = json!({"credentialsSecretRef": {"name": "pat"}});
    world.cluster.tenants.apply("twin", &twin);
    let spec = |name| spec(name, &["A", "B"]);
    world.cluster.apply("g", &of("default", spec("G")));
    world.cluster.apply("h", &of("twin", spec("H")));
    let life = Life {
        seed: Some(seed),
        lag: Duration::from_secs(3),
        pace: Duration::from_millis(500),
        ..Life::default()
    };
    let _process = Process::start(&world, life);
    tokio::time::sleep(Duration::from_mins(5)).await;
    let posts = world.calls("POST /password-sync-groups");
    assert_eq!(posts, 1, "seed {seed}\n{}", world.story());
}

#[test]
fn of_two_that_are_begun_at_once_one_has_the_source_and_the_other_says_so() {
    for seed in 0..50 {
        in_virtual_time(begun_at_once(seed));
    }
}

/// It wants the same as another, and is deleted so long after the start.
async fn goes_meanwhile(after: Duration) {
    let latency = json!({"fixed": {"ms": 100}});
    let world = World::new(small(3, &json!({}), &latency, 7));
    let mut fleeting = spec("G", &["A", "B"]);
    fleeting["adoptionPolicy"] = json!("Never");
    world.cluster.apply("g", &fleeting);
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(after).await;
    world.cluster.delete("g");
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.cluster.apply("h", &spec("H", &["A", "B"]));
    let made = world.until(Duration::from_mins(5), || world.quiet()).await;
    assert!(made, "{after:?}: {:?}\n{}", world.restless(), world.story());
}

#[test]
fn one_that_goes_while_a_pass_looks_at_it_claims_nothing_any_more() {
    for tenth in 0..40 {
        in_virtual_time(goes_meanwhile(Duration::from_millis(25 * tenth)));
    }
}
