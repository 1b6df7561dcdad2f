//! `kubectl psg sources`, `policies`, `groups` and `export` with a real API server: which resource has which
//! group, and manifests of the others, by which nothing changes.

use serde_json::Value;

use crate::support::{users::User, world::World};

const SHARED: &str = "
name: Shared Password
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesforce}, {name: Workday}]
";

#[tokio::test]
async fn groups_show_their_resources_and_the_others_are_exported_to_be_looked_at() {
    let world = World::new("exporting").await;
    world.apply_group("shared", SHARED).await;
    world.wait_ready("shared").await;
    let written = world.tenant.writes().await;
    let psg = async |args: &[&str], stdin: &str| {
        let args = [&["psg"], args, &["--allow-insecure-tenants"]].concat();
        let namespace = &world.namespace;
        world
            .plane
            .kubectl_with(User::Admin, namespace, &args, stdin)
            .await
    };
    let groups: Value =
        serde_json::from_str(&psg(&["groups", "-o", "json"], "").await.ok()).unwrap();
    let groups = groups["tenants"][0]["items"].as_array().unwrap().clone();
    let managed: Vec<(&str, bool)> = groups
        .iter()
        .map(|group| {
            (
                group["name"].as_str().unwrap(),
                group["resource"].is_object(),
            )
        })
        .collect();
    assert_eq!(
        managed,
        [("Shared Password", true), ("Support Tools", false)],
        "{groups:#?}"
    );
    let table = psg(&["sources"], "").await.ok();
    let salesforce = table.lines().find(|line| line.contains("Salesforce"));
    assert!(
        salesforce.is_some_and(|line| line.contains("Shared Password")),
        "{table}"
    );
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    assert!(
        psg(&["policies"], "")
            .await
            .ok()
            .contains("Corporate Strong")
    );
    let exported = psg(&["export"], "").await.ok();
    assert!(exported.contains("name: Support Tools"), "{exported}");
    assert!(!exported.contains("name: Shared Password"), "{exported}");
    let plan = psg(&["plan", "-f", "-"], &exported).await;
    assert_eq!(plan.status, 0, "{plan:?}");
    let taken = psg(&["export", "--takeover"], "").await.ok();
    let plan = psg(&["plan", "-f", "-"], &taken).await;
    assert_eq!(plan.status, 0, "{plan:?}");
    let args = ["apply", "-f", "-"];
    let applied = world
        .plane
        .kubectl_with(User::Admin, &world.namespace, &args, &exported);
    assert!(applied.await.ok().contains("support-tools created"));
    world.wait_ready("support-tools").await;
    assert_eq!(world.tenant.writes().await, written);
    let unknown = psg(&["export", "Suport Tools"], "").await.refused();
    assert!(
        unknown.contains("did you mean \"Support Tools\""),
        "{unknown}"
    );
}
