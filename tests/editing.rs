//! An edit of a manifest becomes one write of the tenant's group; a source that leaves by it
//! keeps a policy, given by us only if the service did not.

use serde_json::{Value, json};

use crate::support::{World, audit};

const PUT: &str = "PUT /password-sync-groups/{id}";
const ASSIGN: &str = "PATCH /sources/{id}/password-policies";

/// A Ready group of three sources under the policy of the staff, and an empty ledger.
async fn edited(name: &str, switches: Value) -> World {
    let world = World::still(name, "v1").start().await;
    world.tenant.switch(switches).await;
    let spec = "
        name: Shared Password
        passwordPolicyRef: {name: Corporate Strong}
        sourceRefs: [{name: Salesforce}, {name: Workday}, {name: Active Directory}]
    ";
    world.apply_group("shared", spec).await;
    world.wait_ready("shared").await;
    world.tenant.clear_ledger().await;
    world
}

fn sources(names: &[&str]) -> Value {
    let refs: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    json!({"spec": {"sourceRefs": refs}})
}

#[tokio::test]
async fn another_policy_is_one_put_one_record_one_result_and_one_event() {
    let world = edited("edit-policy", json!({})).await;
    let audit = world.audit().await;
    let before = world.tenant.shown("Shared Password").await;
    let patch = json!({"spec": {"passwordPolicyRef": {"name": "Service Accounts"}}});
    world.patch_group("shared", patch).await;
    let group = world.wait_ready("shared").await;

    assert_eq!(world.tenant.calls_since(0).await, [PUT]);
    let after = world.tenant.shown("Shared Password").await;
    assert_eq!(after.policy, "Service Accounts");
    assert_eq!((&after.id, &after.sources), (&before.id, &before.sources));
    let sent = &world.tenant.bodies(PUT).await[0];
    assert_eq!(sent["name"], "Shared Password");
    assert_eq!(sent["sourceIds"].as_array().unwrap().len(), 3);
    assert_eq!(group.data["status"]["policy"]["name"], "Service Accounts");
    let told = world.wait_event("shared", "Updated").await;
    assert_eq!(
        told,
        "Updated: passwordPolicy: was Corporate Strong, is Service Accounts"
    );
    if let Some(audit) = audit {
        let writes = world.operator_writes(&audit).await;
        let expected = [
            ("create events".to_owned(), 1),
            ("patch passwordsyncgroups/status".to_owned(), 2),
        ];
        let counted = audit::counts(&writes).into_iter().collect::<Vec<_>>();
        assert_eq!(counted, expected, "the record and the result: {writes:#?}");
    }
}

#[tokio::test]
async fn a_source_joins_after_its_own_policies_alone_were_read() {
    let world = edited("edit-join", json!({})).await;
    let more = sources(&["Salesforce", "Workday", "Active Directory", "GitHub"]);
    world.patch_group("shared", more).await;
    let group = world.wait_ready("shared").await;

    let github = world.tenant.source_id("GitHub").await;
    let calls = world.tenant.ledger().await;
    let asked: Vec<(&Value, bool)> = calls
        .iter()
        .map(|entry| {
            let about_github = entry["path"].as_str().unwrap().contains(&github);
            (&entry["method"], about_github)
        })
        .collect();
    assert_eq!(asked, [(&json!("GET"), true), (&json!("PUT"), false)]);
    let shown = world.tenant.shown("Shared Password").await;
    assert_eq!(
        shown.sources,
        ["Active Directory", "GitHub", "Salesforce", "Workday"]
    );
    assert_eq!(group.data["status"]["sourceCount"], 4);
    assert_eq!(
        world.wait_event("shared", "Updated").await,
        "Updated: sources: was Active Directory, Salesforce, Workday, \
         is Active Directory, GitHub, Salesforce, Workday"
    );
}

#[tokio::test]
async fn a_source_with_policy_exceptions_may_not_join() {
    let world = edited("edit-exceptions", json!({})).await;
    let more = sources(&["Salesforce", "Workday", "Active Directory", "Oracle ERP"]);
    world.patch_group("shared", more).await;
    let group = world.wait_reason("shared", "PolicyExceptions").await;
    assert!(group.data["status"].to_string().contains("Oracle ERP"));
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    assert_eq!(world.tenant.shown("Shared Password").await.sources.len(), 3);
}

#[tokio::test]
async fn a_leaver_that_the_service_gave_the_groups_policy_is_left_alone() {
    let world = edited("leave-given", json!({"policy_after_leave": "group_policy"})).await;
    world
        .patch_group("shared", sources(&["Workday", "Active Directory"]))
        .await;
    let group = world.wait_ready("shared").await;
    assert_eq!(world.tenant.writes().await, [PUT]);
    left(&world, &group.data["status"]).await;
}

#[tokio::test]
async fn a_leaver_that_the_service_gave_the_default_policy_gets_the_groups() {
    let world = edited(
        "leave-default",
        json!({"policy_after_leave": "default_policy"}),
    )
    .await;
    world
        .patch_group("shared", sources(&["Workday", "Active Directory"]))
        .await;
    let group = world.wait_ready("shared").await;
    assert_eq!(world.tenant.writes().await, [PUT, ASSIGN]);
    left(&world, &group.data["status"]).await;
}

#[tokio::test]
async fn a_leaver_that_kept_its_old_policy_gets_the_groups() {
    let world = edited(
        "leave-previous",
        json!({"policy_after_leave": "previous_policy"}),
    )
    .await;
    world
        .patch_group("shared", sources(&["Workday", "Active Directory"]))
        .await;
    let group = world.wait_ready("shared").await;
    assert_eq!(world.tenant.writes().await, [PUT, ASSIGN]);
    left(&world, &group.data["status"]).await;
}

/// Each source that left has a result, or the record of the change is closed already.
fn is_looked_after(status: &Value) -> bool {
    let leaving = status["leaving"].as_array();
    leaving.is_none_or(|all| all.iter().all(|left| left["result"].is_string()))
}

/// Salesforce is out, keeps the policy that it had in the group, and nothing is left to do.
async fn left(world: &World, status: &Value) {
    let shown = world.tenant.shown("Shared Password").await;
    assert_eq!(shown.sources, ["Active Directory", "Workday"]);
    let own = world.tenant.policy_on("Salesforce").await;
    assert_eq!(own.as_deref(), Some("Corporate Strong"));
    assert!(is_looked_after(status), "{status:#}");
    assert_eq!(status["sourceCount"], 2);
    let writes = world.tenant.writes().await;
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, writes, "it stays like that");
}

#[tokio::test]
async fn a_leaver_gets_the_policy_in_force_before_the_edit_that_changed_it() {
    let world = edited(
        "leave-and-change",
        json!({"policy_after_leave": "previous_policy"}),
    )
    .await;
    let mut patch = sources(&["Workday", "Active Directory"]);
    patch["spec"]["passwordPolicyRef"] = json!({"name": "Service Accounts"});
    world.patch_group("shared", patch).await;
    let group = world.wait_ready("shared").await;
    assert_eq!(
        world.tenant.shown("Shared Password").await.policy,
        "Service Accounts"
    );
    assert_eq!(world.tenant.writes().await, [PUT, ASSIGN]);
    left(&world, &group.data["status"]).await;
}

#[tokio::test]
async fn a_leaver_that_was_put_into_another_group_meanwhile_is_left_to_it() {
    let world = edited(
        "leave-elsewhere",
        json!({"policy_after_leave": "previous_policy"}),
    )
    .await;
    let salesforce = world.tenant.source_id("Salesforce").await;
    let fault = json!({
        "match": "GET /sources/{id}/password-policies",
        "path_contains": salesforce, "kind": {"status": {"code": 500}},
    });
    world.tenant.fault(fault).await;
    world
        .patch_group("shared", sources(&["Workday", "Active Directory"]))
        .await;
    let group = world.wait_reason("shared", "Retrying").await;
    let leaving = &group.data["status"]["leaving"];
    assert_eq!(leaving[0]["name"], "Salesforce");
    assert_eq!(leaving[0]["policyID"], "2c91808d744ba0ce01746f93b6204501");

    world
        .tenant
        .someone_adds("Sales", "Cloud Standard", &["Salesforce", "GitHub"])
        .await;
    world.read_again().await;
    let group = world.wait_ready("shared").await;
    assert_eq!(group.data["status"]["leaving"], Value::Null);
    assert_eq!(world.tenant.writes().await, [PUT]);
}

#[tokio::test]
async fn a_rename_keeps_the_group_and_changes_nothing_else() {
    let world = edited("rename", json!({})).await;
    let before = world.tenant.shown("Shared Password").await;
    let patch = json!({"spec": {"name": "One Password"}});
    world.patch_group("shared", patch).await;
    let group = world.wait_ready("shared").await;
    assert_eq!(world.tenant.calls_since(0).await, [PUT]);
    assert_eq!(world.tenant.shown("One Password").await, before);
    assert_eq!(group.data["status"]["name"], "One Password");
    assert_eq!(group.data["status"]["groupID"], json!(before.id));
    assert_eq!(
        world.wait_event("shared", "Updated").await,
        "Updated: name: was Shared Password, is One Password"
    );
}

#[tokio::test]
async fn another_order_of_the_same_sources_is_no_change() {
    let world = edited("reorder", json!({})).await;
    world
        .patch_group(
            "shared",
            sources(&["Active Directory", "Workday", "Salesforce"]),
        )
        .await;
    let group = world.wait_ready("shared").await;
    assert_eq!(group.data["status"]["observedGeneration"], 2);
    assert_eq!(world.tenant.calls_since(0).await, Vec::<String>::new());
}
