//! What the chart and docs/gitops.md give for `argocd-cm`: made of the files, and taken over by the
//! command of the page.

use std::fs;

use serde_json::{Value, json};

use super::{KINDS, text};
use crate::{
    chart::{printed, root},
    support::World,
};

const BLESS: &str = "PSG_BLESS=1 cargo test -p psg-tests argo_cd";
/// Turns the ConfigMap of the chart into a patch for `argocd-cm`.
const AS_PATCH: &str = r#"{"{\"data\":"}{.data}{"}"}"#;

/// What belongs into `argocd-cm`, made of the files of one kind: those of the other are equal.
fn snippet() -> String {
    let [group, tenant] = KINDS;
    let indented = |path: &str, width: usize| -> String {
        let text = text(group, path);
        assert_eq!(
            text,
            self::text(tenant, path),
            "{path} differs between the kinds"
        );
        let lines = text.lines().map(|line| format!("{:width$}{line}\n", ""));
        lines.collect()
    };
    let key = |what: &str, kind: &str| {
        format!("  resource.customizations.{what}.passwordsync.dev_{kind}")
    };
    [
        "data:\n".to_owned(),
        format!(
            "{}: &health |\n{}",
            key("health", group),
            indented("health.lua", 4)
        ),
        format!("{}: *health\n", key("health", tenant)),
        format!("{}: &actions |\n", key("actions", group)),
        format!(
            "    discovery.lua: |\n{}",
            indented("actions/discovery.lua", 6)
        ),
        "    definitions:\n      - name: reconcile\n        action.lua: |\n".to_owned(),
        indented("actions/reconcile/action.lua", 10),
        format!("{}: *actions\n", key("actions", tenant)),
    ]
    .concat()
}

#[test]
fn argo_cd_gets_from_the_chart_and_the_page_what_the_files_say() {
    let snippet = snippet();
    let [shipped, page] =
        ["charts/psg-operator/files/argo-cd.yaml", "docs/gitops.md"].map(|path| root().join(path));
    let told = fs::read_to_string(&page).unwrap();
    let (before, block) = told.split_once("```yaml\ndata:\n").unwrap();
    let (_, after) = block.split_once("```").unwrap();
    let says = format!("{before}```yaml\n{snippet}```{after}");
    if std::env::var_os("PSG_BLESS").is_some() {
        fs::write(&shipped, &snippet).unwrap();
        fs::write(&page, &says).unwrap();
    }
    assert!(
        fs::read_to_string(shipped).unwrap() == snippet,
        "the chart's file is old: `{BLESS}`"
    );
    assert!(
        fs::read_to_string(page).unwrap() == says,
        "docs/gitops.md is old: `{BLESS}`"
    );
    assert!(told.contains(AS_PATCH), "the command that is tried below");
}

#[tokio::test]
async fn argo_cd_takes_the_config_map_of_the_chart_over_by_one_command() {
    let world = World::builder("argo-cd-cm")
        .without_operator()
        .start()
        .await;
    let shown = printed(
        "helm",
        &[
            "template",
            "psg-operator",
            "charts/psg-operator",
            "--show-only",
            "templates/argo_cd.yaml",
            "--namespace",
            &world.namespace,
            "--set",
            "argoCD.configMap.enabled=true",
        ],
    );
    world.apply(&shown).await;
    world
        .apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-cm}, data: {url: kept}}")
        .await;
    let get = [
        "get",
        "configmap",
        "psg-operator-argo-cd",
        "-o",
        &format!("jsonpath={AS_PATCH}"),
    ];
    let patch = world.kubectl(&get).await.ok();
    world
        .kubectl(&["patch", "configmap", "argocd-cm", "--patch", &patch])
        .await
        .ok();
    let merged = world
        .kubectl(&["get", "configmap", "argocd-cm", "-o", "json"])
        .await
        .ok();
    let merged: Value = serde_json::from_str(&merged).unwrap();
    let data = merged["data"].as_object().unwrap();
    assert_eq!(data.len(), 5, "{data:#?}");
    assert_eq!(data["url"], "kept");
    for kind in KINDS {
        let of = |what: &str| {
            data[&format!("resource.customizations.{what}.passwordsync.dev_{kind}")].as_str()
        };
        assert_eq!(of("health"), Some(&*text(kind, "health.lua")));
        let actions: Value = serde_saphyr::from_str(of("actions").unwrap()).unwrap();
        assert_eq!(
            actions["discovery.lua"],
            text(kind, "actions/discovery.lua")
        );
        let definition = json!({
            "name": "reconcile", "action.lua": text(kind, "actions/reconcile/action.lua"),
        });
        assert_eq!(actions["definitions"], json!([definition]));
    }
}
