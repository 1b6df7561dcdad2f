//! Where nobody else writes, no write of the operator is refused, however far its watch lags: it
//! compares with what it stored last, and not with what the watch shows. It writes no tenant on what
//! a watch shows that lags, and what was not listed yet is none that is missing.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use psg_api::names;
use serde_json::json;

use super::{
    process::{Life, Process},
    scenarios::spec,
    tenant::small,
    world::World,
};

fn refused(world: &Arc<World>) -> Vec<String> {
    let mut trace = world.trace();
    trace.retain(|line| line.contains(" kubernetes, by ") && line.ends_with("refused"));
    trace
}

/// Its watch shows nothing before three minutes have passed.
fn lagging() -> (Arc<World>, Process) {
    let world = World::new(small(3, &json!({}), &json!("none"), 7));
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

#[tokio::test(start_paused = true)]
async fn a_tenant_is_missing_only_once_all_are_listed() {
    let world = World::new(small(3, &json!({}), &json!("none"), 7));
    world.cluster.remove_tenant_by_force();
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
    const PUT: &str = "PUT /password-sync-groups/{id}";
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
