//! The table of metrics in docs/operations.md is what a process registers: each metric, each label,
//! each value, from the start; and of a tenant as long as its IdentityTenant is there.

use std::{collections::BTreeSet, fs, time::Duration};

use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams},
};
use serde_json::json;

use crate::{
    chart::root,
    support::{World, kubernetes::ours, wait::wait_for, world::spec},
};

/// One row: a metric, and its labels with their values.
struct Row {
    metric: String,
    labels: Vec<(String, Vec<String>)>,
}

/// The words between backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let (_, section) = page.split_once("\n## Metrics\n").unwrap();
    let (table, _) = section.split_once("Worth an alert").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `psg_"));
    // Of each resource: a test of its own compares it with the statuses.
    let rows = rows.filter(|line| !line.starts_with("| `psg_status_condition`"));
    let rows = rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let labels = cells[2].split("; `").filter(|text| !text.is_empty());
        let labels = labels.map(|text| {
            let (label, values) = text.split_once("`: ").unwrap_or_else(|| {
                panic!(
                    "the values of a label are missing, such as `result`: `ok`, `failed`: {line}"
                )
            });
            // What comes "after the first one" is not there at the start.
            let values = values.split("; after").next().unwrap();
            (label.trim_start_matches('`').to_owned(), quoted(values))
        });
        Row {
            metric: quoted(cells[1]).remove(0),
            labels: labels.collect(),
        }
    });
    rows.collect()
}

/// Every series of the table; those of tenants for the tenants that are given.
fn documented(tenants: &[String]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for Row { metric, labels } in rows() {
        let mut series = vec![String::new()];
        for (label, values) in labels {
            let values = if label == "tenant" { tenants } else { &values };
            series = series
                .iter()
                .flat_map(|before| {
                    values
                        .iter()
                        .map(move |value| (before, value))
                        .map(|(before, value)| format!("{before}{label}=\"{value}\","))
                        .collect::<Vec<_>>()
                })
                .collect();
        }
        all.extend(series.into_iter().map(|labels| {
            let labels = labels.trim_end_matches(',');
            if labels.is_empty() {
                metric.clone()
            } else {
                format!("{metric}{{{labels}}}")
            }
        }));
    }
    all
}

async fn registered(world: &mut World) -> BTreeSet<String> {
    let (status, text) = world.operator().page("/metrics").await;
    assert_eq!(status, 200, "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let series = lines.filter_map(|line| line.rsplit_once(' '));
    let series = series.filter_map(|(series, _)| match series.split_once('{') {
        // Of each resource, and a test of its own.
        Some(("psg_status_condition", _)) => None,
        // A histogram is documented under its name; it has one count for each set of labels.
        Some((part, _)) if part.ends_with("_bucket") || part.ends_with("_sum") => None,
        Some((part, labels)) if part.ends_with("_count") => {
            Some(format!("{}{{{labels}", part.trim_end_matches("_count")))
        }
        _ => Some(series.to_owned()),
    });
    series.collect()
}

async fn registers(world: &mut World, expected: &BTreeSet<String>) {
    let mut last = BTreeSet::new();
    for _ in 0..100 {
        last = registered(world).await;
        if last == *expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let undocumented: Vec<_> = last.difference(expected).collect();
    let missing: Vec<_> = expected.difference(&last).collect();
    panic!("not in docs/operations.md: {undocumented:#?}\nnot registered: {missing:#?}");
}

#[tokio::test]
async fn the_page_of_metrics_lists_what_a_process_registers_and_nothing_else() {
    let mut world = World::still("metrics-page", "v1").start().await;
    let tenant = format!("{}/default", &*world.namespace);
    let all = documented(&[tenant]);
    assert!(all.len() > 30, "{all:?}");
    registers(&mut world, &all).await;
    world.begun().await;
    registers(&mut world, &all).await;

    // Of no tenant, those of tenants are gone, and the others stay.
    let gone = DeleteParams::default();
    world.tenants().delete("default", &gone).await.unwrap();
    registers(&mut world, &documented(&[])).await;
}

#[tokio::test]
async fn a_read_that_ends_after_its_tenant_is_gone_brings_no_figure_back() {
    let mut world = World::still("metrics-late", "v1").start().await;
    world.begun().await;
    let slow = json!({"match": "GET /sources", "kind": {"delay": {"ms": 2000}}});
    world.tenant.fault(slow).await;
    world.poke("default").await;
    let asked = async || {
        let count = world.tenant.asked("GET /sources").await.len();
        if count > 0 {
            Ok(())
        } else {
            Err("not yet".to_owned())
        }
    };
    world.wait("the read to be under way", asked).await;
    let gone = DeleteParams::default();
    world.tenants().delete("default", &gone).await.unwrap();
    registers(&mut world, &documented(&[])).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    registers(&mut world, &documented(&[])).await;
}

/// The conditions that the statuses of a world's resources have, as series.
async fn stored(world: &World) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for kind in ["PasswordSyncGroup", "IdentityTenant"] {
        let api = ours(&world.client, &world.namespace, kind);
        for object in api.list(&ListParams::default()).await.unwrap() {
            let conditions = object.data["status"]["conditions"].as_array();
            all.extend(conditions.into_iter().flatten().map(|it| {
                let word = |field: &str| it[field].as_str().unwrap().to_owned();
                format!(
                    "psg_status_condition{{kind=\"{kind}\",resource=\"{}/{}\",condition=\"{}\",status=\"{}\",reason=\"{}\"}} 1",
                    &*world.namespace,
                    object.name_any(),
                    word("type"),
                    word("status").to_lowercase(),
                    word("reason")
                )
            }));
        }
    }
    all
}

async fn shows_what_is_stored(world: &mut World) -> BTreeSet<String> {
    let deadline = Duration::from_secs(20);
    wait_for("the conditions as stored", deadline, async || {
        let expected = stored(world).await;
        let (_, page) = world.operator().page("/metrics").await;
        let lines = page
            .lines()
            .filter(|line| line.starts_with("psg_status_condition{"));
        let shown: BTreeSet<String> = lines.map(str::to_owned).collect();
        if shown == expected {
            Ok(shown)
        } else {
            Err(format!("shown: {shown:#?}\nstored: {expected:#?}"))
        }
    })
    .await
}

#[tokio::test]
async fn each_condition_of_each_resource_is_a_metric_until_the_resource_is_gone() {
    let mut world = World::v1("metrics-conditions").start().await;
    let good = spec("Good", &["Salesforce", "Workday"]);
    world.apply_group("good", &good).await;
    world.wait_ready("good").await;
    let unknown = spec("Bad", &["Zendesk", "No such source"]);
    world.apply_group("bad", &unknown).await;
    world.wait_reason("bad", "SourceNotFound").await;
    let shown = shows_what_is_stored(&mut world).await;
    let count = |of: &str| shown.iter().filter(|line| line.contains(of)).count();
    let of_good = format!(
        "resource=\"{}/good\",condition=\"Ready\",status=\"true\"",
        &*world.namespace
    );
    assert_eq!(count(&of_good), 1, "{shown:#?}");
    assert_eq!(
        count("condition=\"Stalled\",status=\"true\",reason=\"SourceNotFound\""),
        1
    );
    assert_eq!(count("kind=\"IdentityTenant\""), 1, "{shown:#?}");

    let gone = DeleteParams::default();
    world.groups().delete("bad", &gone).await.unwrap();
    world.wait_gone("bad").await;
    let shown = shows_what_is_stored(&mut world).await;
    assert!(
        !shown.iter().any(|line| line.contains("/bad\"")),
        "{shown:#?}"
    );
}
