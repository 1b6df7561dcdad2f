//! A plan of a thousand manifests of which five change, over a tenant that takes 100 ms for every answer.

use psg_tests::support::{many, planned, simulator::Simulator};
use serde_json::json;

use crate::figures::{Figures, time};

const GROUPS: usize = 1000;
const CHANGED: usize = 5;

pub async fn measure(figures: &mut Figures) {
    eprintln!("==> a plan of {GROUPS} manifests, {CHANGED} of them changed");
    let simulator = Simulator::start(&[]);
    let tenant = simulator
        .tenant("planned", many::seed(GROUPS, GROUPS))
        .await;
    tenant.put("latency", json!({"fixed": {"ms": 100}})).await;
    tenant.clear_ledger().await;
    let planned = planned::renamed(&tenant, GROUPS, CHANGED).await;
    let calls: u64 = tenant.counts().await.values().sum();
    let what = format!("plan of {GROUPS} manifests, {CHANGED} changed, tenant answers in 100 ms");
    figures.add(format!("{what}: from start to end"), time(planned.took));
    figures.add(format!("{what}: calls of the tenant"), calls.to_string());
    let peak = format!("at most {} MiB", planned.peak.div_ceil(1 << 20));
    figures.add(format!("{what}: resident memory"), peak);
}
