//! From apply to Ready: single groups, one after another, over a tenant that takes 100 ms for
//! every answer.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use psg_tests::support::many;
use serde_json::json;

use crate::{
    figures::{Figures, percentile, time},
    scale::as_released,
    watch::Observer,
};

const GROUPS: usize = 100;
const ANSWER: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_mins(1);
/// A new process takes half of the limit for used; after one window it is free.
const WINDOW: Duration = Duration::from_secs(11);

pub async fn measure(figures: &mut Figures) {
    eprintln!("==> from apply to Ready, {GROUPS} groups one after another");
    // No regular read falls between.
    let spec = json!({"readInterval": "1h", "rateLimit": {"requests": 100, "per": "10s"}});
    let world = as_released("latency")
        .seed(many::seed(GROUPS, 0))
        .tenant_spec(spec);
    let mut world = world.start().await;
    let latency = json!({"fixed": {"ms": ANSWER.as_millis()}});
    world.tenant.put("latency", latency).await;
    world.begun().await;
    let mut observer = Observer::new(&world);
    tokio::time::sleep(WINDOW).await;
    let (api, params) = (world.groups(), PostParams::default());
    let process = world.operator().id();
    let mut times = Vec::new();
    for n in 0..GROUPS {
        let group = many::resource(n);
        let applied = Instant::now();
        api.create(&params, &group).await.expect("a group");
        observer.wait(n + 1, PATIENCE).await;
        times.push(observer.of(&many::resource_name(n)) - applied);
    }
    let (half, most) = (percentile(&mut times, 50), percentile(&mut times, 99));
    let slowest = times.last().copied().unwrap_or_default();
    figures.add(
        "one write to this API server, p50",
        time(a_write(&world).await),
    );
    figures.add("apply to Ready, tenant answers in 100 ms, p50", time(half));
    figures.add(
        "apply to Ready, p99",
        format!("{}, at most {}", time(most), time(slowest)),
    );
    let cpu = crate::figures::cpu(process);
    figures.add("computing of the operator meanwhile", time(cpu));
}

/// What a patch takes here: the operator sends three of them for a new group.
async fn a_write(world: &psg_tests::support::World) -> Duration {
    let maps: Api<ConfigMap> = Api::namespaced(world.client.clone(), &world.namespace);
    let map = serde_json::from_value(json!({"metadata": {"name": "written"}})).expect("a map");
    maps.create(&PostParams::default(), &map)
        .await
        .expect("a map");
    let mut times = Vec::new();
    for n in 0..50 {
        let patch = Patch::Merge(json!({"data": {"n": n.to_string()}}));
        let began = Instant::now();
        let done = maps.patch("written", &PatchParams::default(), &patch).await;
        done.expect("a patch");
        times.push(began.elapsed());
    }
    percentile(&mut times, 50)
}
