//! What people see of our kinds with kubectl: tables that fit a terminal, whatever they say.

use psg_plan::Reason;
use serde_json::json;

use crate::support::{
    ControlPlane, User, World, kubernetes::ours, tenant_words::text, world::spec,
};

/// The width of a terminal that nobody has made wider.
const TERMINAL: usize = 80;
const LONG: &str = "sales-and-marketing-eu";

fn fits(table: &str) {
    for line in table.lines() {
        assert!(line.trim_end().chars().count() <= TERMINAL, "{line}");
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[tokio::test]
async fn the_table_of_groups_fits_for_every_reason_there_is() {
    use kube::api::{Patch, PatchParams};
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace("printed").await;
    let client = plane.client(User::Admin).await;
    let name = |reason: &Reason| format!("{LONG}-{}", *reason as usize);
    let manifest = |reason: &Reason| {
        json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
            "metadata": {"name": name(reason)},
            "spec": {
                "name": "Sales and Marketing", "passwordPolicyRef": {"name": "P"},
                "sourceRefs": [{"name": "A"}, {"name": "B"}],
            },
        })
    };
    let manifests: Vec<String> = Reason::ALL
        .iter()
        .map(|reason| manifest(reason).to_string())
        .collect();
    let manifests = manifests.join("\n---\n");
    let args = ["apply", "-f", "-"];
    let applied = plane
        .kubectl_with(User::Admin, &namespace, &args, &manifests)
        .await;
    applied.ok();
    let groups = ours(&client, &namespace, "PasswordSyncGroup");
    for reason in Reason::ALL {
        let ready = json!({
            "type": "Ready", "status": "Unknown", "reason": reason.as_str(),
            "message": reason.what(), "lastTransitionTime": "2026-11-23T05:00:00Z",
        });
        let paused = json!({
            "type": "Paused", "status": "True", "reason": "Paused", "message": "until then",
            "lastTransitionTime": "2026-11-23T05:00:00Z",
        });
        let status = json!({"status": {"conditions": [ready, paused], "sourceCount": 100}});
        let params = PatchParams::default();
        groups
            .patch_status(&name(reason), &params, &Patch::Merge(&status))
            .await
            .unwrap();
    }
    let table = plane
        .kubectl(User::Viewer, &namespace, &["get", "psg"])
        .await;
    let table = table.ok();
    fits(&table);
    let head = table.lines().next().unwrap();
    assert_eq!(cells(head), ["NAME", "READY", "REASON", "PAUSED", "AGE"]);
    for reason in Reason::ALL {
        let name = name(reason);
        let line = table.lines().find(|line| cells(line)[0] == name).unwrap();
        assert_eq!(cells(line)[1..4], ["Unknown", reason.as_str(), "True"]);
    }
}

#[tokio::test]
async fn a_real_table_says_ready_and_why_and_wide_says_the_rest() {
    let world = World::still("printed-real", "v1").start().await;
    let good = "{name: Shared Password, passwordPolicyRef: {name: Corporate Strong}, \
                 sourceRefs: [{name: Salesforce}, {name: Workday}]}";
    let bad = "{name: Other, passwordPolicyRef: {name: Corporate Strong}, \
                sourceRefs: [{name: ServiceNow}, {name: GitHub}]}";
    world.apply_group("shared", good).await;
    world.apply_group("unfit", bad).await;
    let group = world.wait_ready("shared").await;
    world.wait_reason("unfit", "PasswordNotSupported").await;

    let table = world.kubectl(&["get", "psg"]).await.ok();
    fits(&table);
    let lines: Vec<Vec<&str>> = table.lines().map(cells).collect();
    assert_eq!(lines[0], ["NAME", "READY", "REASON", "PAUSED", "AGE"]);
    assert_eq!(lines[1][..3], ["shared", "True", "InSync"]);
    assert_eq!(lines[2][..3], ["unfit", "False", "PasswordNotSupported"]);
    // Neither is paused.
    assert!(lines[1..].iter().all(|line| line.len() == 4), "{table}");

    let wide = world.kubectl(&["get", "psg", "--output=wide"]).await.ok();
    let head = cells(wide.lines().next().unwrap());
    assert_eq!(
        head[5..],
        ["SOURCES", "POLICY", "TENANT", "MODE", "GROUP-ID", "MESSAGE"]
    );
    let id = text(&group.data["status"]["groupID"]);
    let shared = wide.lines().nth(1).unwrap();
    for part in [
        "Corporate Strong",
        "default",
        "Enforce",
        id.as_str(),
        "2 sources share",
    ] {
        assert!(shared.contains(part), "{shared}");
    }
    assert!(wide.contains("source \"ServiceNow\" cannot change passwords"));
}

#[tokio::test]
async fn a_paused_group_is_seen_in_the_table_though_it_is_equal() {
    let world = World::still("printed-paused", "v1").start().await;
    let good = "{name: Shared Password, passwordPolicyRef: {name: Corporate Strong}, \
                 sourceRefs: [{name: Salesforce}, {name: Workday}]}";
    world.apply_group("shared", good).await;
    world.wait_ready("shared").await;
    let args = ["psg", "pause", "shared", "--for", "1h"];
    world.kubectl(&args).await.ok();
    world
        .wait_condition("shared", "Paused", "True", Some("Paused"))
        .await;
    let table = world.kubectl(&["get", "psg"]).await.ok();
    fits(&table);
    let line = cells(table.lines().nth(1).unwrap());
    assert_eq!(line[..4], ["shared", "True", "InSync", "True"]);
    let wide = world.kubectl(&["get", "psg", "--output=wide"]).await.ok();
    assert!(wide.contains("2 sources share"), "{wide}");
}

#[tokio::test]
async fn the_table_of_tenants_says_who_answers_and_how_many_groups_it_has() {
    let world = World::still("idt", "v1").start().await;
    let good = "{name: Shared Password, passwordPolicyRef: {name: Corporate Strong}, \
                 sourceRefs: [{name: Salesforce}, {name: Workday}]}";
    world.apply_group("shared", good).await;
    world.wait_ready("shared").await;
    world.read_twice().await;
    let spec = json!({});
    world.apply_tenant("lonely", "no-such-secret", spec).await;
    world
        .wait_tenant("lonely", "Ready", "False", "SecretNotFound")
        .await;
    let table = world
        .wait("the counts", async || {
            let table = world.kubectl(&["get", "idt"]).await.ok();
            let found = table
                .lines()
                .map(cells)
                .any(|line| line.len() > 5 && line[0] == "default" && line[4..6] == ["2", "1"]);
            found.then_some(table.clone()).ok_or(table)
        })
        .await;
    fits(&table);
    let lines: Vec<Vec<&str>> = table.lines().map(cells).collect();
    assert_eq!(
        lines[0],
        ["NAME", "READY", "REASON", "ORG", "GROUPS", "MANAGED", "AGE"]
    );
    assert_eq!(
        lines[1][..4],
        ["default", "True", "Reading", world.tenant.name.as_str()]
    );
    assert_eq!(lines[2][..3], ["lonely", "False", "SecretNotFound"]);
    let wide = world.kubectl(&["get", "idt", "--output=wide"]).await.ok();
    assert!(wide.contains("MESSAGE"), "{wide}");
    assert!(
        wide.contains("there is no Secret \"no-such-secret\""),
        "{wide}"
    );
    let both = world
        .kubectl(&["get", "passwordsync", "--output=name"])
        .await;
    assert_eq!(both.ok().lines().count(), 3);
}

#[tokio::test]
async fn kubectl_wait_ends_when_the_group_is_ready() {
    let world = World::still("kubectl-wait", "v1").start().await;
    let good = "{name: Shared Password, passwordPolicyRef: {name: Corporate Strong}, \
                 sourceRefs: [{name: Salesforce}, {name: Workday}]}";
    world.apply_group("shared", good).await;
    let args = [
        "wait",
        "psg/shared",
        "--for=condition=Ready",
        "--timeout=30s",
    ];
    let said = world.kubectl(&args).await.ok();
    assert_eq!(
        said,
        "passwordsyncgroup.passwordsync.dev/shared condition met\n"
    );
    assert!(world.tenant.group("Shared Password").await.is_some());
    let args = ["delete", "psg/shared", "--timeout=30s"];
    world.kubectl(&args).await.ok();
    assert!(world.tenant.group("Shared Password").await.is_none());
}

#[tokio::test]
async fn events_carry_the_time_that_kubectl_sorts_them_by() {
    let world = World::v1("event_times").start().await;
    world
        .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("pair").await;
    world.told("pair", "Created").await;
    let times = "--output=jsonpath={range .items[*]}{.reason}={.lastTimestamp} {end}";
    let args = ["get", "events", "--sort-by=.lastTimestamp", times];
    let printed = world.kubectl(&args).await.ok();
    let created = printed
        .split(' ')
        .find_map(|one| one.strip_prefix("Created="));
    let time = created.unwrap_or_default().parse::<jiff::Timestamp>();
    assert!(time.is_ok(), "{printed}");
}
