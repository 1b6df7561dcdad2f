//! Many groups that are in the tenant already: taken over, met again after a restart, and the
//! memory that they take. Nobody has ten thousand: it is the size at which leaks show.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use psg_tests::support::{World, audit, many, wait_for, world::Builder};
use serde_json::json;

use crate::{
    figures::{Figures, cpu, memory, time},
    watch::Observer,
};

const PATIENCE: Duration = Duration::from_mins(4);
/// After which memory is looked at.
const REST: Duration = Duration::from_secs(15);

/// A world whose operator has its default timers and logs what it does by default.
pub fn as_released(name: &str) -> Builder {
    let flags = [
        "--settle=30s",
        "--confirm-gap=10s",
        "--post-timeout=8s",
        "--credentials-retry=5s",
        "--log-level=info",
    ];
    flags
        .iter()
        .fold(World::builder(name), |world, flag| world.flag(flag))
}

pub async fn measure(figures: &mut Figures, groups: usize) {
    eprintln!("==> {groups} groups");
    let seed = many::seed(groups, groups);
    let world = as_released("many")
        .seed(seed)
        .tenant_spec(json!({"readInterval": "1h"}));
    let mut world = world.without_operator().start().await;
    let began = Instant::now();
    many::create(&world, 0..groups).await;
    eprintln!("    applied in {:.0?}", began.elapsed());
    let mut observer = Observer::new(&world);

    for what in ["taken over", "after a restart"] {
        let name = |figure: &str| format!("{groups} groups {what}: {figure}");
        world.tenant.clear_ledger().await;
        let audit = world.audit().await;
        let began = Instant::now();
        world.restart().await;
        observer.wait(groups, PATIENCE).await;
        let took = wait_settled(&mut world, groups, began).await;
        figures.add(name("from start to all in sync"), time(took));
        tokio::time::sleep(REST).await;
        let process = world.operator().id();
        figures.add(name("resident memory"), memory(process));
        figures.add(name("computing"), time(cpu(process)));
        figures.add(
            name("calls of the tenant"),
            calls(&world.tenant.counts().await),
        );
        if let Some(audit) = audit {
            let writes = world.operator_writes(&audit).await;
            figures.add(name("Kubernetes writes"), numbers(&audit::counts(&writes)));
        }
    }
}

/// Waits until the tenant was read and so many passes found nothing to do; how long that took.
async fn wait_settled(world: &mut World, groups: usize, began: Instant) -> Duration {
    let process = world.operator();
    wait_for("all groups to be compared", PATIENCE, async || {
        let (_, metrics) = process.page("/metrics").await;
        let count = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|count| count.trim().parse::<usize>().ok())
                .unwrap_or(0)
        };
        let settled = count(r#"psg_passes_total{result="settled"}"#);
        let read = metrics.contains("psg_tenant_last_read_timestamp_seconds{");
        if read && settled >= groups {
            Ok(began.elapsed())
        } else {
            Err(format!("{settled} of {groups}"))
        }
    })
    .await
}

fn calls(counts: &BTreeMap<String, u64>) -> String {
    let all: u64 = counts.values().sum();
    let pages = counts
        .get("GET /password-sync-groups")
        .copied()
        .unwrap_or(0);
    let sources = counts.get("GET /sources").copied().unwrap_or(0);
    let writes = counts.iter().filter(|(call, _)| {
        !call.starts_with("GET") && !call.ends_with("/oauth/token") && *call != "429"
    });
    let writes: u64 = writes.map(|(_, count)| count).sum();
    let refused = counts.get("429").copied().unwrap_or(0);
    format!(
        "{} ({pages} pages of groups, {sources} of sources), {writes} writes, {refused} refused by the limit",
        all - refused
    )
}

fn numbers(counts: &BTreeMap<String, usize>) -> String {
    if counts.is_empty() {
        return "0".to_owned();
    }
    let each = counts
        .iter()
        .map(|(write, count)| format!("{count} {write}"));
    each.collect::<Vec<_>>().join(", ")
}
