//! Where nobody else writes, no write of the operator is refused, however far its watch lags: it
//! compares with what it stored last, and not with what the watch shows. It writes no tenant on what
//! a watch shows that lags, and what was not listed yet is none that is missing.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use identity_simulator::FaultKind;
use psg_api::names;
use serde_json::{Value, json};

use super::{
    process::{Life, Process},
    scenarios::{one_group, reason, spec},
    tenant::{self, small},
    world::World,
};

const PUT: &str = "PUT /password-sync-groups/{id}";
const PATCH: &str = "PATCH /sources/{id}/password-policies";
const HOLDERS: &str = "GET /sources/{id}/password-policies";

fn refused(world: &Arc<World>) -> Vec<String> {
    let mut trace = world.trace();
    trace.retain(|line| line.contains(" kubernetes, by ") && line.ends_with("refused"));
    trace
}

/// Its watch shows nothing before three minutes have passed.
fn lagging() -> (Arc<World>, Process) {
    lagging_over(&json!({}))
}

/// The same over a tenant with these switches.
fn lagging_over(switches: &Value) -> (Arc<World>, Process) {
    let world = World::new(small(3, switches, &json!("none"), 7));
    let life = Life {
        lag: Duration::from_mins(3),
        ..Life::default()
    };
    let process = Process::start(&world, life);
    (world, process)
}

#[tokio::test(start_paused = true)]
async fn an_operator_alone_is_never_refused_though_its_watch_lags_by_several_reads() {
    let (world, _process) = lagging();
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(10)).await;
    world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(world.quiet(), "{:?}", world.restless());
    assert_eq!(refused(&world), Vec::<String>::new());
}

/// A person deletes it before it holds a finalizer, and the watch shows that only later.
#[tokio::test(start_paused = true)]
async fn one_that_is_gone_is_not_asked_for_its_finalizer_again_and_again() {
    let (world, _process) = lagging();
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.cluster.delete("g");
    tokio::time::sleep(Duration::from_mins(10)).await;
    let refused = refused(&world).len();
    assert!((1..=2).contains(&refused), "{refused}\n{}", world.story());
}

#[tokio::test(start_paused = true)]
async fn a_standby_writes_nothing_and_calls_nobody_until_it_leads() {
    let world = World::new(small(3, &json!({}), &json!("none"), 7));
    let life = Life {
        standby: true,
        ..Life::default()
    };
    let standby = Process::start(&world, life);
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    let mut nowhere = spec("H", &["A", "C"]);
    nowhere["tenantRef"] = json!({"name": "nowhere"});
    world.cluster.apply("h", &nowhere);
    let written = world.cluster.groups.writes();
    tokio::time::sleep(Duration::from_mins(20)).await;
    assert_eq!(world.calls("*"), 0);
    assert_eq!(world.cluster.groups.writes(), written);
    standby.lead();
    tokio::time::sleep(Duration::from_mins(1)).await;
    one_group(&world, "G", &["A", "B"]);
    assert_eq!(reason(&world, "h").as_deref(), Some("TenantNotFound"));
}

#[tokio::test(start_paused = true)]
async fn a_tenant_is_missing_only_once_all_are_listed() {
    let world = World::new(small(3, &json!({}), &json!("none"), 7));
    world.cluster.remove_tenant_by_force("default");
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    let process = Process::start(&world, Life::default());
    let said = || json!(world.cluster.groups.get("g").unwrap().status).to_string();
    // Of two namespaces one is listed late.
    let readiness = &process.context.readiness;
    readiness.scopes.store(2, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(readiness.waiting_for().len(), 2, "both kinds");
    assert_eq!(said(), "null");
    readiness.tenants.send_modify(|listed| *listed += 1);
    let told = || said().contains("TenantNotFound");
    assert!(
        world.until(Duration::from_mins(1), told).await,
        "{}",
        said()
    );
}

#[tokio::test(start_paused = true)]
async fn a_pause_counts_though_the_watch_does_not_show_it_yet() {
    let (world, _process) = lagging();
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(world.quiet(), "{:?}", world.restless());
    let pause = |until: Option<&str>| {
        let until = until.map(str::to_owned);
        let groups = &world.cluster.groups;
        groups.annotate("g", names::PAUSED_UNTIL, until);
    };
    pause(Some("2030-01-01T00:00:00Z"));
    world.edit_group("G", |group| group.name.push('x'));
    // Two reads show the drift before the watch shows the pause.
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(world.calls(PUT), 0);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.calls(PUT), 0);
    pause(None);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.calls(PUT), 1);
}

/// Nothing is stored before a source gets its policy, so no conflict tells of the pause either.
#[tokio::test(start_paused = true)]
async fn a_pause_counts_for_the_policy_of_a_source_that_left() {
    let bare = json!({"policy_after_join": "dropped", "policy_after_leave": "previous_policy"});
    let (world, _process) = lagging_over(&bare);
    world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
    tokio::time::sleep(Duration::from_mins(10)).await;
    world.strike(HOLDERS, 1000, tenant::status(503));
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!((world.calls(PUT), world.calls(PATCH)), (1, 0));
    let groups = &world.cluster.groups;
    groups.annotate(
        "g",
        names::PAUSED_UNTIL,
        Some("2030-01-01T00:00:00Z".to_owned()),
    );
    world.tenant.lock().unwrap().clear_faults();
    let read = world.calls(HOLDERS);
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(
        world.calls(HOLDERS) > read,
        "it was looked at before the watch showed the pause"
    );
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.calls(PATCH), 0);
    groups.annotate("g", names::PAUSED_UNTIL, None);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.calls(PATCH), 1);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_missing_for_a_moment_is_no_refusal() {
    let world = World::new(small(3, &json!({}), &json!("none"), 7));
    let _process = Process::start(&world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(10)).await;
    world.strike(PUT, 1, tenant::status(404));
    world.cluster.apply("g", &spec("G", &["A", "C"]));
    tokio::time::sleep(Duration::from_mins(10)).await;
    one_group(&world, "G", &["A", "C"]);
    let refused = |line: &&String| line.contains("\"refused\":{");
    assert_eq!(world.trace().iter().find(refused), None);
}

#[tokio::test(start_paused = true)]
async fn what_a_tenant_is_needed_for_is_stored_with_growing_pauses_until_it_is() {
    let world = World::new(small(3, &json!({}), &json!("none"), 7));
    let process = Process::start(&world, Life::default());
    tokio::time::sleep(Duration::from_mins(10)).await;
    world.weather.lock().unwrap().api_forbids = true;
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(10)).await;
    let attempt = |line: &&String| {
        line.contains(" finalizers [\"passwordsync.dev/in-use") && line.ends_with("forbidden")
    };
    // Not much more often than the tenant is read.
    let attempts = world.trace().iter().filter(attempt).count();
    assert!(attempts < 40, "{attempts}");
    assert_eq!(process.context.metrics.panics("actor"), 0);
    world.weather.lock().unwrap().api_forbids = false;
    assert!(world.until(Duration::from_mins(10), || world.quiet()).await);
}

#[tokio::test(start_paused = true)]
async fn after_a_long_outage_the_tenant_is_read_within_one_interval() {
    let world = World::new(small(3, &json!({}), &json!("none"), 7));
    let _process = Process::start(&world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(10)).await;
    // Its Secret cannot be read, so neither can the tenant.
    world.weather.lock().unwrap().api_down = true;
    tokio::time::sleep(Duration::from_mins(25)).await;
    world.weather.lock().unwrap().api_down = false;
    world.edit_group("G", |group| group.source_ids.truncate(1));
    let undone = || world.groups()[0].1.len() == 2;
    let interval = Duration::from_mins(1);
    assert!(world.until(interval + Duration::from_secs(5), undone).await);
}

#[tokio::test(start_paused = true)]
async fn after_a_contest_repairs_are_counted_anew() {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    let _process = Process::start(&world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
    tokio::time::sleep(Duration::from_mins(10)).await;
    let undone = async || {
        world.edit_group("G", |group| group.source_ids.truncate(2));
        tokio::time::sleep(Duration::from_mins(5)).await;
        world.groups()[0].1.len() == 2
    };
    for _ in 0..3 {
        assert!(!undone().await);
    }
    assert!(undone().await);
    assert_eq!(reason(&world, "g").as_deref(), Some("Contested"));
    let now = Some("once more".to_owned());
    world.cluster.groups.annotate("g", names::RECONCILE_AT, now);
    tokio::time::sleep(Duration::from_mins(5)).await;
    one_group(&world, "G", &["A", "B", "C"]);
    assert!(!undone().await, "{:?}", reason(&world, "g"));
}

/// The tenant cuts the blank off, so no answer ever shows what was sent.
#[tokio::test(start_paused = true)]
async fn what_the_tenant_stores_otherwise_is_sent_three_times() {
    let world = World::new(small(3, &json!({"name_rule": "trim"}), &json!("none"), 7));
    let _process = Process::start(&world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(2)).await;
    one_group(&world, "G", &["A", "B"]);
    world.cluster.apply("g", &spec("New ", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(reason(&world, "g").as_deref(), Some("StoredOtherwise"));
    assert_eq!(world.calls(PUT), 3, "{}", world.story());
    world.cluster.apply("g", &spec("New", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(reason(&world, "g").as_deref(), Some("InSync"));
    assert_eq!(world.calls(PUT), 3, "it is so already");
    one_group(&world, "New", &["A", "B"]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_nobody_answers_is_looked_for_before_it_is_repeated() {
    const DELETE: &str = "DELETE /password-sync-groups/{id}";
    let world = World::new(small(3, &json!({}), &json!("none"), 7));
    let _process = Process::start(&world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(10)).await;
    world.strike(DELETE, 1, FaultKind::LostRequest);
    world.strike(DELETE, 1, FaultKind::LostAnswer);
    world.cluster.delete("g");
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(world.cluster.groups.get("g").is_none(), "{}", world.story());
    assert_eq!(world.calls(DELETE), 2, "{}", world.story());
}
