//! What a group costs: writes to the API server, Events and calls of the tenant that write. Exact
//! counts, which docs/safety.md repeats.

use std::time::Duration;

use identity_simulator::Tenant;
use serde_json::json;

use super::{
    process::{Life, Process},
    scenarios::spec,
    tenant::small,
    world::World,
};

/// Longer than a settle time and a read together.
const CLOSED: Duration = Duration::from_mins(3);

/// Writes to the group, Events on it and writes of the tenant, so far.
fn counts(world: &World) -> (usize, usize, u64) {
    let trace = world.trace();
    let count = |what: &str| trace.iter().filter(|line| line.contains(what)).count();
    let writes = count(r#"kubernetes, by 1: Some("g")"#);
    (
        writes,
        count(r#" event on Some("g"): "#),
        world.tenant_writes(),
    )
}

/// What a change costs until its record is closed, and after that nothing.
async fn cost(world: &World, change: impl FnOnce()) -> (usize, usize, u64) {
    let before = counts(world);
    change();
    tokio::time::sleep(CLOSED).await;
    let after = counts(world);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(counts(world), after, "a settled group is not written");
    (after.0 - before.0, after.1 - before.1, after.2 - before.2)
}

fn tenant() -> Tenant {
    let bare = json!({"policy_after_join": "dropped", "policy_after_leave": "previous_policy"});
    small(6, &bare, &json!("none"), 7)
}

#[tokio::test(start_paused = true)]
async fn a_new_group_costs_three_writes_one_event_and_one_post() {
    let world = World::new(tenant());
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(CLOSED).await;
    let apply = || world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
    assert_eq!(cost(&world, apply).await, (3, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_edit_costs_three_writes_one_event_and_one_put() {
    let world = World::new(tenant());
    world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(CLOSED).await;
    let edit = |name: &'static str, sources: &'static [&'static str]| {
        let world = world.clone();
        move || world.cluster.apply("g", &spec(name, sources))
    };
    let rename = edit("New", &["A", "B", "C"]);
    assert_eq!(cost(&world, rename).await, (3, 1, 1));
    let join = edit("New", &["A", "B", "C", "D"]);
    assert_eq!(cost(&world, join).await, (3, 1, 1));
    let leave = edit("New", &["A", "B", "C"]);
    assert_eq!(cost(&world, leave).await, (3, 1, 2), "and its policy");
    let swap = edit("New", &["A", "E", "F"]);
    assert_eq!(cost(&world, swap).await, (3, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_repair_costs_as_much() {
    let world = World::new(tenant());
    world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(CLOSED).await;
    let drift = || world.edit_group("G", |group| group.name.push('x'));
    assert_eq!(cost(&world, drift).await, (3, 1, 1));
}
