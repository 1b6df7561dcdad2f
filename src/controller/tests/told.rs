//! What people and machines are told of a group's life: each change in one Event, and in figures.

use std::{sync::Arc, time::Duration};

use identity_simulator::FaultKind;
use jiff::SignedDuration;
use serde_json::json;

use super::{
    process::{Life, Process},
    scenarios::{one_group, spec},
    tenant::{self, small},
    world::World,
};

const PUT: &str = "PUT /password-sync-groups/{id}";
const A_WHILE: Duration = Duration::from_mins(10);

/// A group is made, edited, changed behind our back, edited in vain, left in the tenant, adopted and
/// deleted.
async fn life(world: &Arc<World>) -> Process {
    let process = Process::start(world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    world.pause("g", SignedDuration::from_secs(10));
    apply(world, &["A", "B"]).await;
    world.strike(PUT, 1, tenant::status(429));
    apply(world, &["A", "B", "C"]).await;
    world.edit_group("G", |group| group.source_ids.truncate(2));
    tokio::time::sleep(A_WHILE).await;
    one_group(world, "G", &["A", "B", "C"]);
    world.strike(PUT, 1, tenant::status(422));
    world.cluster.apply("g", &spec("G", &["B", "C"]));
    tokio::time::sleep(A_WHILE).await;
    world.strike(PUT, 1, FaultKind::LostRequest);
    apply(world, &["A", "C"]).await;
    let mut orphan = spec("G", &["A", "C"]);
    orphan["deletionPolicy"] = json!("Orphan");
    world.cluster.apply("g", &orphan);
    world.cluster.delete("g");
    tokio::time::sleep(A_WHILE).await;
    apply(world, &["A", "C"]).await;
    world.cluster.delete("g");
    tokio::time::sleep(A_WHILE).await;
    assert!(world.cluster.groups.all().is_empty());
    process
}

async fn apply(world: &World, sources: &[&str]) {
    world.cluster.apply("g", &spec("G", sources));
    tokio::time::sleep(A_WHILE).await;
    assert!(world.quiet(), "{:?}", world.restless());
    one_group(world, "G", sources);
}

#[tokio::test(start_paused = true)]
async fn each_change_is_one_event() {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    let _process = life(&world).await;
    let trace = world.trace();
    let events = trace
        .iter()
        .filter_map(|line| line.split_once(" event on Some(\"g\"): "));
    let told: Vec<&str> = events.map(|(_, told)| told).collect();
    let begin = [
        "Paused nothing is written to the tenant until 1970-01-01T00:00:10",
        "Created created group \"G\" (",
        "Updated sources: was A, B, is A, B, C",
        "DriftRepaired the tenant was changed behind our back; sources: was A, B, is A, B, C",
        "Refused the tenant refused the group: refused with status 422: ",
        // What was refused is tried again after a while.
        "Updated sources: was A, B, C, is B, C",
        "Retrying no whole answer: connection cut",
        "Updated sources: was B, C, is A, C",
        "Orphaned left group ",
        "Adopted adopted group \"G\" (",
        "Deleted deleted group ",
    ];
    assert_eq!(told.len(), begin.len(), "{told:#?}");
    for (told, begins) in told.iter().zip(begin) {
        assert!(told.starts_with(begins), "{told} should be {begins}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_change_is_counted() {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    let process = life(&world).await;
    let figures = process.figures();
    let ours = |line: &&str| {
        let kinds = [
            "psg_tenant_writes_",
            "psg_drift_",
            "psg_orphaned_",
            "psg_passes_",
        ];
        kinds.iter().any(|kind| line.starts_with(kind))
            && !line.contains("\"settled\"")
            && !line.ends_with(" 0")
    };
    let mut told: Vec<&str> = figures.lines().filter(ours).collect();
    told.sort_unstable();
    let counted = [
        "psg_drift_repaired_total 1",
        "psg_orphaned_total 1",
        "psg_passes_total{result=\"paused\"} 3",
        "psg_passes_total{result=\"released\"} 2",
        "psg_passes_total{result=\"retrying\"} 2",
        "psg_passes_total{result=\"stalled\"} 2",
        "psg_passes_total{result=\"waiting\"} 3",
        "psg_tenant_writes_total{operation=\"create\",result=\"ok\"} 1",
        "psg_tenant_writes_total{operation=\"delete\",result=\"ok\"} 1",
        "psg_tenant_writes_total{operation=\"update\",result=\"not_made\"} 1",
        "psg_tenant_writes_total{operation=\"update\",result=\"ok\"} 4",
        "psg_tenant_writes_total{operation=\"update\",result=\"rate_limited\"} 1",
        "psg_tenant_writes_total{operation=\"update\",result=\"unknown\"} 1",
    ];
    assert_eq!(told, counted);
}

/// Well apart from the looks at everything.
async fn between_looks(world: &World) {
    tokio::time::sleep(Duration::from_secs(620)).await;
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    let made = world.until(Duration::from_mins(1), || world.quiet()).await;
    assert!(made, "{:?}", world.restless());
}

fn says(world: &World, what: &str) -> bool {
    let group = world.cluster.groups.get("g").unwrap();
    json!(group.status).to_string().contains(what)
}

#[tokio::test(start_paused = true)]
async fn sources_that_never_show_the_policy_are_told_by_the_next_read() {
    // What they show does not change, so no read requeues anybody.
    let hidden = json!({"policy_while_grouped": "hidden"});
    let world = World::new(small(4, &hidden, &json!("none"), 7));
    let _process = Process::start(&world, Life::default());
    between_looks(&world).await;
    tokio::time::sleep(Duration::from_secs(150)).await;
    assert!(says(&world, "OtherPolicy"), "{}", world.story());
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_no_longer_told_when_it_is_over() {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    let _process = Process::start(&world, Life::default());
    between_looks(&world).await;
    world.pause("g", SignedDuration::from_mins(3));
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(says(&world, "\"Paused\""), "{}", world.story());
    tokio::time::sleep(Duration::from_secs(65)).await;
    assert!(!says(&world, "\"Paused\""), "{}", world.story());
}
