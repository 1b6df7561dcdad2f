//! The values: each is in `values.yaml`, in the schema and on the page, and what cannot work is
//! refused with the remedy.

use std::fs;

use serde_json::{Map, Value, json};

use super::{chart, chart_of, refused, root};

fn read(path: &str) -> String {
    fs::read_to_string(root().join("charts/psg-operator").join(path)).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&read("values.schema.json")).unwrap()
}

/// What a parent chart puts there as well.
const OPEN: &str = "global";

/// Each value with the part of the schema about it, from the outside in: `image`, `image.tag`.
fn described(part: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    let properties = part["properties"].as_object();
    for (name, part) in properties.into_iter().flatten() {
        let path = format!("{path}{name}");
        found.push((path.clone(), part.clone()));
        described(part, &format!("{path}."), found);
    }
}

fn all_described() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    described(&schema(), "", &mut found);
    found
}

/// The value at such a path.
fn at<'a>(values: &'a Value, path: &str) -> Option<&'a Value> {
    values.pointer(&format!("/{}", path.replace('.', "/")))
}

/// Each value of the file which the schema should have, and which it has not.
fn unknown(values: &Map<String, Value>, part: &Value, path: &str, found: &mut Vec<String>) {
    for (name, value) in values {
        let (path, known) = (format!("{path}{name}"), &part["properties"][name]);
        if known.is_null() {
            found.push(path);
        } else if let (Some(inner), true) = (value.as_object(), known["properties"].is_object()) {
            unknown(inner, known, &format!("{path}."), found);
        }
    }
}

#[test]
fn every_value_is_in_the_file_in_the_schema_and_on_the_page() {
    let values: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let mut found = Vec::new();
    unknown(values.as_object().unwrap(), &schema(), "", &mut found);
    assert_eq!(found, Vec::<String>::new(), "not in the schema");

    let page = read("README.md");
    let all = all_described();
    assert!(all.len() > 80, "{}", all.len());
    for (path, part) in all {
        // What Kubernetes has in a map that is empty here is not listed again.
        let outer = path
            .rsplit_once('.')
            .and_then(|(outer, _)| at(&values, outer));
        let empty = outer.is_some_and(|outer| *outer == json!({}));
        assert!(
            empty || at(&values, &path).is_some(),
            "{path} is not in values.yaml"
        );
        let about = part["description"].as_str().unwrap_or_default();
        assert!(about.ends_with('.'), "{path} has no description");
        // A row is about one value, or about all that are in it.
        let mut rows = path.match_indices('.').map(|(at, _)| &path[..at]);
        let on_page = |path: &str| page.contains(&format!("`{path}`"));
        let inner = part["properties"].is_object();
        assert!(
            inner || on_page(&path) || rows.any(on_page),
            "{path} is not on the page"
        );
    }
}

#[test]
fn the_schema_refuses_every_key_that_it_does_not_know_but_those_of_a_parent() {
    assert_eq!(schema()["additionalProperties"], false);
    for (path, part) in all_described() {
        if part["properties"].is_object() {
            assert_eq!(
                part["additionalProperties"] != false,
                path == OPEN,
                "{path}"
            );
        }
    }
}

#[test]
fn the_page_says_the_defaults_of_the_file() {
    let values: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let page = read("README.md");
    let mut compared = 0;
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split(" | ").collect();
        let path = cells[0].trim_start_matches("| ").trim_matches('`');
        let Some(value) = at(&values, path) else {
            continue;
        };
        // Some are told in words.
        let quoted = cells[1].strip_prefix('`');
        let Some(said) = quoted.and_then(|said| said.strip_suffix('`')) else {
            continue;
        };
        let said: Value = serde_saphyr::from_str(said).unwrap();
        assert_eq!(&said, value, "{path}");
        compared += 1;
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn a_value_that_does_not_exist_or_cannot_be_is_refused_by_the_schema() {
    for typo in [
        "replicaCounts=2",
        "image.tags=v1",
        "image.tag=v1@sha256:short",
        "image.digest=0a0a",
        "image.repository=psg-operator:v1",
        "image.registry=https://registry.example.com",
        "global.imageRegistry=registry.example.com/",
        "imagePullSecrets[0]=registry",
        "crds.instal=false",
        "serviceAccount.nam=x",
        "resources.limit.cpu=1",
        "logFormat=xml",
        "audit.log=audit.jsonl",
        "audit.log=/var/log/psg/",
        "replicaCount=-1",
        "watchNamespaces={Identity}",
        "allowHosts={https://example.com}",
        "tenantProxy.url=proxy.example.com:3128",
        "tenantProxy.url=http://user:hush@proxy.example.com",
        "tenantProxy.secret=proxy",
        "tenantCA.configMap=a/b",
        "tenantCA.key=",
        "extraArgs={settle=40s}",
        "extraEnv[0].value=x",
        "extraObjects[0].kind=ConfigMap",
        "commonLabels.app\\.kubernetes\\.io/name=x",
        "podLabels.app\\.kubernetes\\.io/instance=x",
        "commonLabels.rbac\\.authorization\\.k8s\\.io/aggregate-to-edit=x",
        "commonLabels.team=two words",
        "fullnameOverride=Sync",
        "terminationGracePeriodSeconds=10",
        "podDisruptionBudget.minAvailable=half",
        "metrics.serviceMonitor.interval=often",
        "metrics.prometheusRule.disabled={PsgNothing}",
        "metrics.prometheusRule.tenantNotReadSeconds=5",
        "networkPolicy.egress.tenants.ports={}",
        "networkPolicy.egress.tenants.ports={https}",
        "networkPolicy.egres.tenants.ports={443}",
    ] {
        let said = refused(&[typo]);
        assert!(
            said.contains("don't meet the specifications of the schema"),
            "{typo}: {said}"
        );
    }
}

#[test]
fn the_chart_takes_each_example_of_the_page_about_installing() {
    let page = fs::read_to_string(root().join("docs/install.md")).unwrap();
    let blocks = page.split("```yaml\n").skip(1);
    let blocks: Vec<_> = blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() > 8, "{}", blocks.len());
    for block in blocks {
        // Each says something, and not what is so without it.
        let values = block.replace('…', &"0a".repeat(32));
        assert_ne!(chart_of(&values), chart(&[]), "{block}");
    }
}

/// What Helm was told to fail with, without where.
fn sentence(said: &str) -> &str {
    let line = said.lines().find(|line| line.contains("execution error"));
    let line = line.unwrap_or_else(|| panic!("{said}"));
    line.split_once("): ").unwrap().1
}

#[test]
fn values_that_cannot_work_together_are_refused_with_one_sentence_that_names_the_remedy() {
    let mount = "extraVolumeMounts[0].name=a,extraVolumeMounts[0].mountPath=/var/log";
    let volume = "extraVolumes[0].name=a";
    let file = "audit.log=/var/log/audit.jsonl";
    let read_only = "extraVolumeMounts[0].readOnly=true";
    let beside = "extraVolumeMounts[0].mountPath=/var/lo";
    let budget = "podDisruptionBudget.enabled=true";
    let elsewhere = "extraArgs={--metrics-listen=127.0.0.1:9090}";
    let proxy = "tenantProxy.url=http://proxy.example.com:3128";
    let secret = "tenantProxy.secret.name=proxy";
    let ca = "tenantCA.configMap=ca";
    for (values, remedy) in [
        (
            vec!["metrics.serviceMonitor.enabled=true,metrics.podMonitor.enabled=true"],
            "enable serviceMonitor or podMonitor",
        ),
        (
            vec!["metrics.serviceMonitor.enabled=true,metrics.service.enabled=false"],
            "set metrics.service.enabled=true",
        ),
        (vec![elsewhere], "leave --metrics-listen out"),
        (
            vec![
                elsewhere,
                "metrics.service.enabled=false,metrics.podMonitor.enabled=true",
            ],
            "leave --metrics-listen out",
        ),
        (
            vec!["extraEnv[0].name=PSG_METRICS_LISTEN"],
            "leave --metrics-listen out",
        ),
        (vec![proxy, secret], "set url or secret.name"),
        (
            vec![proxy, "networkPolicy.enabled=true"],
            "networkPolicy.egress.tenants.ports: add 3128",
        ),
        (
            vec!["tenantProxy.url=http://a", "networkPolicy.enabled=true"],
            "networkPolicy.egress.tenants.ports: add 80",
        ),
        (vec![ca, "tenantCA.secret=ca"], "set configMap or secret"),
        (
            vec![ca, "extraVolumes[0].name=tenant-ca"],
            "give tenant-ca another name",
        ),
        (vec![file], "mount a writable volume"),
        (
            vec![file, mount, volume, read_only],
            "mount a writable volume",
        ),
        (vec![file, mount, volume, beside], "mount a writable volume"),
        (vec![mount], "add the volume a to extraVolumes"),
        (
            vec![
                budget,
                "podDisruptionBudget.minAvailable=1,podDisruptionBudget.maxUnavailable=1",
            ],
            "set minAvailable or maxUnavailable",
        ),
        (
            vec![budget, "podDisruptionBudget.minAvailable=2"],
            "set minAvailable below replicaCount, 2",
        ),
        (
            vec![budget, "podDisruptionBudget.minAvailable=100%"],
            "let at least one pod go",
        ),
        (
            vec![budget, "podDisruptionBudget.maxUnavailable=0"],
            "let at least one pod go",
        ),
        (
            vec!["serviceAccount.create=false"],
            "name the account that exists",
        ),
    ] {
        let said = refused(&values);
        let said = sentence(&said);
        assert!(said.contains(remedy), "{values:?}: {said}");
    }
    // And with the remedy they are taken.
    chart(&[file, mount, volume]);
    chart(&[elsewhere, "metrics.service.enabled=false"]);
    let policy = "networkPolicy.enabled=true";
    chart(&[proxy, policy, "networkPolicy.egress.tenants.ports={3128}"]);
    chart(&["tenantProxy.url=https://a", policy]);
    chart(&[ca, secret, "extraVolumes[0].name=other"]);
}
