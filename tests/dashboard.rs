//! The dashboard of the chart: every query of every panel has a result over what a running operator
//! shows.

use std::{collections::BTreeSet, fs, time::Duration};

use serde_json::{Value, json};

use crate::{
    chart::{chart, one, root},
    support::{World, promtool, wait::wait_for, world::spec},
};

/// Where the operator of the scrape runs.
const NAMESPACE: &str = "psg-system";

fn dashboard() -> Value {
    let file = root().join("charts/psg-operator/files/dashboard.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// Each query with the title of its panel.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().unwrap();
    let of_panel = |panel: &Value| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        targets.into_iter().map(move |target| {
            let query = target["expr"].as_str().unwrap().to_owned();
            (title.clone(), query)
        })
    };
    panels.iter().flat_map(of_panel).collect()
}

/// A query as Grafana asks it, for all tenants.
fn asked(query: &str) -> String {
    query
        .replace("$namespace", NAMESPACE)
        .replace("$tenant", ".*")
        .replace("$__rate_interval", "5m")
}

/// The series of a scrape with the labels that Prometheus adds, as promtool takes them.
fn scraped(page: &str) -> Vec<Value> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let series = lines.map(|line| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let added = format!(
            "namespace=\"{NAMESPACE}\",instance=\"a:8080\",pod=\"psg-operator-a\",container=\"operator\""
        );
        let comma = if labels == "}" { "" } else { "," };
        json!({"series": format!("{name}{{{added}{comma}{labels}"), "values": format!("{value}x20")})
    });
    series.collect()
}

#[test]
fn the_chart_ships_the_dashboard_as_the_sidecar_of_grafana_takes_it() {
    let objects = chart(&["metrics.dashboard.enabled=true"]);
    let shipped = one(&objects, "ConfigMap");
    assert_eq!(shipped["metadata"]["labels"]["grafana_dashboard"], "1");
    let text = shipped["data"]["psg-operator.json"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), dashboard());
    let titles: BTreeSet<String> = queries(&dashboard())
        .into_iter()
        .map(|(it, _)| it)
        .collect();
    assert!(titles.len() > 15, "{titles:?}");
    let ids: Vec<i64> = dashboard()["panels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|panel| panel["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len());
}

#[tokio::test]
async fn every_query_of_the_dashboard_has_a_result_over_a_real_scrape() {
    let mut world = World::v1("dashboard").start().await;
    let patch = json!({"spec": {"passwordChanges": {"interval": "1m"}}}).to_string();
    let args = ["patch", "idt", "default", "--type=merge", "-p", &patch];
    world.kubectl(&args).await.ok();
    world
        .apply_group("good", &spec("Good", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("good").await;
    world
        .apply_group("bad", &spec("Bad", &["Zendesk", "No such source"]))
        .await;
    world.wait_reason("bad", "SourceNotFound").await;
    let page = wait_for("the figures of both", Duration::from_secs(20), async || {
        let (_, page) = world.operator().page("/metrics").await;
        let parts = [
            "psg_tenant_password_changes_failed{",
            "reason=\"SourceNotFound\"",
        ];
        if parts.iter().all(|part| page.contains(part)) {
            Ok(page)
        } else {
            Err(page)
        }
    })
    .await;
    let queries = queries(&dashboard());
    let tests: Vec<Value> = queries
        .iter()
        .map(|(_, query)| {
            json!({
                "expr": format!("clamp_max(count({}), 1)", asked(query)),
                "eval_time": "15m",
                "exp_samples": [{"labels": "{}", "value": 1}],
            })
        })
        .collect();
    let file = json!({
        "rule_files": [],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": scraped(&page), "promql_expr_test": tests}],
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("queries.yaml"), file.to_string()).unwrap();
    promtool::passes(folder.path(), "queries.yaml");
}
