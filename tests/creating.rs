//! A manifest becomes a group: one create, three writes to Kubernetes, one Event, and a status
//! that says all of it.

use serde_json::{Value, json};

use crate::support::{World, audit, kubernetes::condition, many, tenant_words::text};

const SHARED: &str = "
name: Shared Password
passwordPolicyRef: {name: Corporate Strong}
sourceRefs:
  - name: Salesforce
  - id: 2c918084660f45d6016617daa9210503
  - name: Active Directory
";

#[tokio::test]
async fn a_group_is_created_by_one_post_three_writes_and_one_event() {
    let world = World::still("creating", "v1").start().await;
    world.begun().await;
    let audit = world.audit().await;
    world.apply_group("shared", SHARED).await;
    let group = world.wait_ready("shared").await;

    let shown = world.tenant.shown("Shared Password").await;
    assert_eq!(shown.policy, "Corporate Strong");
    assert_eq!(shown.sources, ["Active Directory", "Salesforce", "Workday"]);
    let mut calls = world.tenant.calls_since(0).await;
    calls.sort();
    let expected = [
        "GET /sources/{id}/password-policies",
        "GET /sources/{id}/password-policies",
        "GET /sources/{id}/password-policies",
        "POST /password-sync-groups",
    ];
    assert_eq!(calls, expected);
    let sent = &world.tenant.bodies("POST /password-sync-groups").await[0];
    assert_eq!(sent["name"], "Shared Password");

    assert_eq!(
        group.metadata.finalizers.as_deref(),
        Some(&["passwordsync.dev/reassign-policy".to_owned()][..])
    );
    let created = format!(
        "Created: created group \"Shared Password\" ({}) with 3 sources",
        shown.id
    );
    world.wait_event("shared", "Created").await;
    assert_eq!(world.events("shared").await, [created]);

    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, ["POST /password-sync-groups"]);
    if let Some(audit) = audit {
        let writes = world.operator_writes(&audit).await;
        assert!(writes.iter().all(|write| write.code < 300), "{writes:#?}");
        let counted = audit::counts(&writes);
        for once in ["patch identitytenants", "patch secrets"] {
            assert_eq!(counted.get(once), Some(&1), "held for the first group");
        }
        let writes = many::of_groups(writes);
        let expected = [
            ("create events".to_owned(), 1),
            ("patch passwordsyncgroups".to_owned(), 1),
            ("patch passwordsyncgroups/status".to_owned(), 2),
        ];
        assert_eq!(
            audit::counts(&writes).into_iter().collect::<Vec<_>>(),
            expected
        );
    }
}

#[tokio::test]
async fn the_status_says_what_was_made_and_from_what() {
    let world = World::still("created", "v1").start().await;
    world.apply_group("shared", SHARED).await;
    let group = world.wait_ready("shared").await;
    let shown = world.tenant.shown("Shared Password").await;
    let tenant = world.tenant.state().await;

    let mut status = group.data["status"].clone();
    let conditions = status["conditions"].take();
    let policy = "2c91808d744ba0ce01746f93b6204501";
    let cloud = "2c91808d744ba0ce01746f93b6204502";
    let expected = json!({
        "observedGeneration": group.metadata.generation,
        "groupID": shown.id,
        "origin": "Created",
        "name": "Shared Password",
        "tenant": {"org": tenant["org"], "tenantID": format!("{}@127.0.0.1", tenant["tenantId"].as_str().unwrap())},
        "policy": {"ref": "Corporate Strong", "id": policy, "name": "Corporate Strong"},
        "sources": [
            {"ref": "Salesforce", "id": "2c918084660f45d6016617daa9210502", "name": "Salesforce", "policyBefore": cloud},
            {"ref": "2c918084660f45d6016617daa9210503", "id": "2c918084660f45d6016617daa9210503", "name": "Workday", "policyBefore": cloud},
            {"ref": "Active Directory", "id": "2c918084660f45d6016617daa9210501", "name": "Active Directory", "policyBefore": policy},
        ],
        "sourceCount": 3,
        "conditions": null,
    });
    assert_eq!(status, expected);

    let said: Vec<(String, String, String)> = conditions
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                text(&one["type"]),
                text(&one["status"]),
                text(&one["reason"]),
            )
        })
        .collect();
    let expected = [
        ("Ready", "True", "InSync"),
        ("ReferencesCurrent", "True", "Current"),
        ("PrerequisitesMet", "True", "Met"),
        ("SourcesHealthy", "True", "Healthy"),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(said, expected);
    let ready = condition(&group, "Ready").unwrap();
    assert_eq!(
        ready["message"],
        "3 sources share password policy \"Corporate Strong\""
    );
    for one in conditions.as_array().unwrap() {
        assert_eq!(one["observedGeneration"], json!(group.metadata.generation));
    }
}

#[tokio::test]
async fn nobody_takes_a_new_resource_for_ready_before_it_was_looked_at() {
    let world = World::still("untouched", "v1")
        .without_operator()
        .start()
        .await;
    world.apply_group("shared", SHARED).await;
    let status = world.status("shared").await;
    assert!(
        status["observedGeneration"] == -1 || status == Value::Null,
        "{status}"
    );
    assert_eq!(status["conditions"], Value::Null);
    let seen = world
        .kubectl(&["get", "psg", "shared", "--no-headers"])
        .await;
    assert!(!seen.ok().contains("True"));
}

#[tokio::test]
async fn an_unhealthy_source_is_a_warning_and_blocks_nothing() {
    let world = World::still("unhealthy", "v1").start().await;
    let spec = "
        name: Old and New
        passwordPolicyRef: {id: 2c91808d744ba0ce01746f93b6204503}
        sourceRefs: [{name: Legacy Mainframe}, {name: GitHub}]
    ";
    world.apply_group("old", spec).await;
    let group = world.wait_ready("old").await;
    let warning = condition(&group, "SourcesHealthy").unwrap();
    assert_eq!(
        (&warning["status"], &warning["reason"]),
        (&json!("False"), &json!("Unhealthy"))
    );
    assert_eq!(
        warning["message"],
        "the tenant reports as unhealthy: \"Legacy Mainframe\" (SOURCE_STATE_FAILURE_CLUSTER)"
    );
    assert_eq!(
        world.tenant.shown("Old and New").await.policy,
        "Service Accounts"
    );
}
