//! The alerts: over metrics that the operator has, each with a runbook, and they fire when they should.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use super::{chart, chart_of, one, root, sets};
use crate::support::promtool;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The rules of a release.
fn rules(objects: &[Value]) -> Vec<Value> {
    let groups = &one(objects, "PrometheusRule")["spec"]["groups"];
    assert_eq!(groups.as_array().unwrap().len(), 1);
    groups[0]["rules"].as_array().unwrap().clone()
}

fn as_shipped() -> Vec<Value> {
    rules(&chart(&["metrics.prometheusRule.enabled=true"]))
}

fn text<'a>(rule: &'a Value, path: &str) -> &'a str {
    let found = rule.pointer(path).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no {path}: {rule}"))
}

fn names(rules: &[Value]) -> Vec<String> {
    let names = rules.iter().map(|rule| text(rule, "/alert").to_owned());
    names.collect()
}

/// The metrics of a page or an expression.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_');
    words.filter(|word| word.starts_with("psg_")).collect()
}

#[test]
fn each_alert_asks_for_metrics_and_labels_that_the_operator_has() {
    // tests/metrics.rs compares this table with a running process.
    let page = read("docs/operations.md");
    let table: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `psg_"))
        .collect();
    let known = |metric: &str| {
        let row = table
            .iter()
            .find(|line| line.starts_with(&format!("| `{metric}`")));
        row.unwrap_or_else(|| panic!("{metric} is not on the page"))
    };
    for rule in as_shipped() {
        let expr = text(&rule, "/expr");
        let asked = metrics(expr);
        assert!(!asked.is_empty(), "{expr}");
        for metric in asked {
            let row = known(metric);
            let (_, after) = expr.split_once(metric).unwrap();
            let (selector, _) = after.split_once('}').unwrap();
            let labels = selector.trim_start_matches('{').split(", ");
            for label in labels {
                let (label, value) = label.split_once('=').unwrap();
                let value = value.trim_matches('"');
                let of_release = (label, value) == ("namespace", "psg-system");
                let of_metric =
                    row.contains(&format!("`{label}`:")) && row.contains(&format!("`{value}`"));
                assert!(of_release || of_metric, "{metric}: {label}={value}");
            }
        }
        for label in ["operation", "place", "kind", "tenant", "resource", "reason"] {
            let used = rule["annotations"]
                .to_string()
                .contains(&format!("$labels.{label} "));
            let has = metrics(expr)
                .iter()
                .any(|metric| known(metric).contains(&format!("`{label}`")));
            assert!(!used || has, "{label}: {rule}");
        }
    }
}

#[test]
fn each_alert_has_a_runbook_and_no_runbook_is_about_another() {
    let rules = as_shipped();
    let page = read("docs/runbooks.md");
    let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
    assert_eq!(headings.collect::<Vec<_>>(), names(&rules));
    let base = "https://github.com/passwordsync/psg-operator/blob/main/docs/runbooks.md";
    for rule in &rules {
        let name = text(rule, "/alert");
        let url = format!("{base}#{}", name.to_lowercase());
        assert_eq!(text(rule, "/annotations/runbook_url"), url);
        let labels = &rule["labels"];
        assert!(["critical", "warning"].contains(&text(labels, "/severity")));
        for words in ["summary", "description"] {
            assert!(text(rule, &format!("/annotations/{words}")).ends_with('.'));
        }
    }
}

#[test]
fn the_page_of_operations_and_the_schema_name_every_alert() {
    let names = names(&as_shipped());
    let operations = read("docs/operations.md");
    for name in &names {
        let link = format!("[{name}](runbooks.md#{})", name.to_lowercase());
        assert!(operations.contains(&link), "{link}");
    }
    let schema: Value =
        serde_json::from_str(&read("charts/psg-operator/values.schema.json")).unwrap();
    let rule = "/properties/metrics/properties/prometheusRule/properties/disabled/items/enum";
    assert_eq!(schema.pointer(rule), Some(&json!(names)));
}

#[test]
fn the_rules_of_a_release_are_about_its_namespace_and_carry_its_values() {
    let set = sets::ALL.iter().find(|set| set.name == "alerts").unwrap();
    let objects = chart_of(set.values);
    let rule = one(&objects, "PrometheusRule");
    assert_eq!(rule["apiVersion"], "monitoring.coreos.com/v1");
    assert_eq!(rule["metadata"]["namespace"], "monitoring");
    assert_eq!(rule["metadata"]["labels"]["release"], "prometheus");
    let found = rules(&objects);
    let mut expected = names(&as_shipped());
    expected.retain(|name| name != "PsgDriftRepeats");
    assert_eq!(names(&found), expected);
    for rule in &found {
        assert_eq!(rule["labels"]["team"], "identity");
        let url = text(rule, "/annotations/runbook_url");
        assert!(url.starts_with("https://wiki.example.com/psg#psg"), "{url}");
        let known = ["alert", "expr", "for", "labels", "annotations"];
        for key in rule.as_object().unwrap().keys() {
            assert!(known.contains(&key.as_str()), "{key}");
        }
    }
    let not_read = |rules: &[Value]| {
        let rule = rules
            .iter()
            .find(|rule| rule["alert"] == "PsgTenantNotRead");
        text(rule.unwrap(), "/expr").to_owned()
    };
    assert!(
        not_read(&found).contains(" > 7200 "),
        "{}",
        not_read(&found)
    );
    assert!(not_read(&as_shipped()).contains(" > 600 "));

    let elsewhere = "--namespace=identity-sync";
    let args = ["template", "x", "charts/psg-operator", elsewhere];
    let on = ["--set=metrics.prometheusRule.enabled=true"];
    let made = super::printed("helm", &[&args[..], &on].concat());
    assert!(!made.contains("namespace=\"psg-system\""));
    let objects: Vec<Value> = serde_saphyr::from_multiple(&made).unwrap();
    for rule in rules(&objects) {
        let expr = text(&rule, "/expr");
        let of_release = expr.matches("{namespace=\"identity-sync\"").count();
        assert_eq!(of_release, expr.matches("psg_").count(), "{expr}");
    }
}

#[test]
fn each_alert_fires_when_it_should_and_not_before() {
    let cases = root().join("tests/chart/alerts.yaml");
    let tried: Value = serde_saphyr::from_str(&fs::read_to_string(&cases).unwrap()).unwrap();
    let tried = tried["tests"].as_array().unwrap();
    let of_case = tried
        .iter()
        .flat_map(|case| case["alert_rule_test"].as_array().unwrap());
    let fires = of_case.filter(|test| !test["exp_alerts"].as_array().unwrap().is_empty());
    let fires: BTreeSet<String> = fires
        .map(|test| text(test, "/alertname").to_owned())
        .collect();
    let rules = as_shipped();
    assert_eq!(fires, names(&rules).into_iter().collect());

    let folder = tempfile::tempdir().unwrap();
    let group = json!({"groups": [{"name": "psg-operator", "rules": rules}]});
    fs::write(folder.path().join("rules.yaml"), group.to_string()).unwrap();
    fs::copy(cases, folder.path().join("alerts.yaml")).unwrap();
    promtool::passes(folder.path(), "alerts.yaml");
}
