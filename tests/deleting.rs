//! A deletion: the group goes, every source keeps its policy, and the finalizer ends only when
//! that was read back.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use crate::support::{World, audit, kubernetes::condition};

const DELETE: &str = "DELETE /password-sync-groups/{id}";
const LOOK: &str = "GET /password-sync-groups/{id}";
const HOLDERS: &str = "GET /sources/{id}/password-policies";
const ASSIGN: &str = "PATCH /sources/{id}/password-policies";
const SPEC: &str = "
name: Shared Password
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesforce}, {name: Workday}, {name: GitHub}]
";
const MEMBERS: [&str; 3] = ["Salesforce", "Workday", "GitHub"];

/// A Ready group, whose sources had other policies or none before, and an empty ledger.
async fn made(name: &str, switches: Value) -> World {
    let world = World::still(name, "v1").start().await;
    world.tenant.switch(switches).await;
    world.apply_group("shared", SPEC).await;
    world.wait_ready("shared").await;
    world.wait_event("shared", "Created").await;
    world.tenant.clear_ledger().await;
    world
}

/// The group is gone, and each of its sources has the policy that it had in it.
async fn reassigned(world: &World) {
    assert_eq!(world.tenant.group_names().await, ["Support Tools"]);
    for source in MEMBERS {
        let own = world.tenant.policy_on(source).await;
        assert_eq!(own.as_deref(), Some("Corporate Strong"), "{source}");
    }
}

async fn count(world: &World, call: &str) -> usize {
    let calls = world.tenant.calls_since(0).await;
    calls.iter().filter(|one| *one == call).count()
}

#[tokio::test]
async fn what_the_service_hands_back_by_itself_is_read_back_and_not_written() {
    let world = made("delete-at-once", json!({"policy_after_delete": "at_once"})).await;
    let id = world.tenant.shown("Shared Password").await.id;
    let audit = world.audit().await;
    world.delete_group("shared").await;
    world.wait_gone("shared").await;
    reassigned(&world).await;
    assert_eq!(world.tenant.writes().await, [DELETE]);
    let calls = world.tenant.calls_since(0).await;
    let place = |call: &str| calls.iter().position(|one| one == call);
    assert!(
        place(DELETE) < place(LOOK) && place(LOOK) < place(HOLDERS),
        "{calls:?}"
    );
    assert_eq!(count(&world, HOLDERS).await, 3);
    let told = world.wait_event("shared", "Deleted").await;
    let expected = format!(
        "Deleted: deleted group {id}; from now on change each source's policy on the source. "
    );
    assert!(told.starts_with(&expected), "{told}");
    for each in [
        "\"Salesforce\" was Cloud Standard, is Corporate Strong, by the service",
        "\"Workday\" was Cloud Standard, is Corporate Strong, by the service",
        // It had none of its own before.
        "\"GitHub\" is Corporate Strong, by the service",
    ] {
        assert!(told.contains(each), "{told}");
    }
    if let Some(audit) = audit {
        let mut writes = world.operator_writes(&audit).await;
        // The tenant and its Secret are let go with the last group.
        writes.retain(|write| write.name != "default" && write.resource != "secrets");
        let expected = [
            ("create events".to_owned(), 1),
            ("patch passwordsyncgroups".to_owned(), 1),
            ("patch passwordsyncgroups/status".to_owned(), 1),
        ];
        let counted = audit::counts(&writes).into_iter().collect::<Vec<_>>();
        assert_eq!(counted, expected, "{writes:#?}");
    }
}

#[tokio::test]
async fn what_the_service_does_not_hand_back_the_operator_does() {
    let world = made("delete-never", json!({"policy_after_delete": "never"})).await;
    // A person gave a member an exception meanwhile: it is none of ours.
    let salesforce = world.tenant.source_id("Salesforce").await;
    let exception = json!({
        "policyId": "2c91808d744ba0ce01746f93b6204503",
        "selectors": {"identityAttr": [{"name": "employeeType", "value": "contractor"}]},
    });
    let own = json!({"policyId": "2c91808d744ba0ce01746f93b6204502"});
    let path = format!("sources/{salesforce}/holders");
    world.tenant.put(&path, json!([own, exception])).await;

    world.delete_group("shared").await;
    world.wait_gone("shared").await;
    reassigned(&world).await;
    assert_eq!(
        world.tenant.writes().await,
        [DELETE, ASSIGN, ASSIGN, ASSIGN]
    );
    let holders = world.tenant.source("Salesforce").await["holders"].clone();
    let kept = holders.as_array().unwrap().iter();
    let kept: Vec<&Value> = kept.filter(|one| !one["selectors"].is_null()).collect();
    assert_eq!(kept.len(), 1, "{holders}");
    assert_eq!(kept[0]["policyId"], exception["policyId"]);
    assert_eq!(kept[0]["selectors"], exception["selectors"]);
    assert_eq!(holders.as_array().unwrap().len(), 2);
    let told = world.wait_event("shared", "Deleted").await;
    assert_eq!(told.matches(", by the operator").count(), 3, "{told}");
    // Each was read before it was written, and read back after.
    let calls = world.tenant.calls_since(0).await;
    let last_read = calls.iter().rposition(|call| call == HOLDERS);
    assert!(
        last_read > calls.iter().rposition(|call| call == ASSIGN),
        "{calls:?}"
    );
    assert_eq!(count(&world, HOLDERS).await, 6);
}

#[tokio::test]
async fn what_the_service_hands_back_late_is_in_place_before_the_resource_is_gone() {
    let delayed = json!({"policy_after_delete": {"delayed": {"seconds": 1}}});
    let world = made("delete-delayed", delayed).await;
    world.delete_group("shared").await;
    world.wait_gone("shared").await;
    reassigned(&world).await;
    let writes = world.tenant.writes().await;
    assert_eq!(writes.iter().filter(|write| *write == DELETE).count(), 1);
    assert!(count(&world, ASSIGN).await <= 3, "{writes:?}");
    // The service's own work afterwards changes nothing any more.
    world
        .wait("the service's own work", async || {
            let pending = world.tenant.state().await["pendingEffects"].clone();
            (pending == 0)
                .then_some(())
                .ok_or_else(|| pending.to_string())
        })
        .await;
    reassigned(&world).await;
}

#[tokio::test]
async fn what_the_service_hands_back_only_where_nothing_is_the_operator_completes() {
    let world = made(
        "delete-if-none",
        json!({"policy_after_delete": "only_if_none"}),
    )
    .await;
    world.delete_group("shared").await;
    world.wait_gone("shared").await;
    reassigned(&world).await;
    // GitHub had none and got it; Salesforce and Workday had another one.
    assert_eq!(world.tenant.writes().await, [DELETE, ASSIGN, ASSIGN]);
}

#[tokio::test]
async fn a_source_that_cannot_be_written_holds_up_only_itself() {
    let world = made("delete-blocked", json!({"policy_after_delete": "never"})).await;
    let workday = world.tenant.source_id("Workday").await;
    let fault = json!({
        "match": ASSIGN, "path_contains": workday, "kind": {"status": {"code": 403}},
    });
    world.tenant.fault(fault).await;
    world.delete_group("shared").await;
    let group = world.wait_reason("shared", "DeletionBlocked").await;
    let message = condition(&group, "Ready").unwrap()["message"].to_string();
    assert!(message.contains("\\\"Workday\\\""), "{message}");
    assert!(!message.contains("Salesforce"), "{message}");
    assert_eq!(condition(&group, "Reconciling").unwrap()["status"], "True");
    assert_eq!(world.tenant.group("Shared Password").await, None);
    let done = |group: &DynamicObject| {
        let sources = group.data["status"]["deletion"]["sources"].clone();
        let sources = sources.as_array().cloned().unwrap_or_default();
        sources
            .iter()
            .filter(|one| one["result"] == "AssignedByOperator")
            .count()
    };
    assert_eq!(done(&group), 2);
    assert_eq!(
        world.tenant.policy_on("GitHub").await.as_deref(),
        Some("Corporate Strong")
    );

    world.tenant.clear_faults().await;
    world.wait_gone("shared").await;
    reassigned(&world).await;
}

#[tokio::test]
async fn a_group_that_was_deleted_already_still_hands_its_policy_back() {
    let world = made("delete-gone", json!({"policy_after_delete": "never"})).await;
    world.tenant.someone_removes("Shared Password").await;
    world.delete_group("shared").await;
    world.wait_gone("shared").await;
    reassigned(&world).await;
}

#[tokio::test]
async fn a_source_that_is_gone_or_in_another_group_by_then_is_skipped_and_said() {
    let world = made("delete-skips", json!({"policy_after_delete": "never"})).await;
    let fault = json!({"match": HOLDERS, "kind": {"status": {"code": 500}}});
    world.tenant.fault(fault).await;
    world.delete_group("shared").await;
    world.wait_reason("shared", "DeletionBlocked").await;
    let workday = world.tenant.source_id("Workday").await;
    world.tenant.delete(&format!("sources/{workday}")).await;
    world
        .tenant
        .someone_adds(
            "Sales",
            "Cloud Standard",
            &["Salesforce", "Partner Directory"],
        )
        .await;
    world.tenant.clear_faults().await;
    world.read_again().await;
    world.wait_gone("shared").await;
    let told = world.wait_event("shared", "Deleted").await;
    assert!(
        told.contains("\"Salesforce\" is in another group"),
        "{told}"
    );
    assert!(told.contains("\"Workday\" is gone"), "{told}");
    assert!(
        told.contains("\"GitHub\" is Corporate Strong, by the operator"),
        "{told}"
    );
    assert_eq!(
        world.tenant.policy_on("Salesforce").await.as_deref(),
        Some("Cloud Standard")
    );
}

#[tokio::test]
async fn a_source_that_was_still_leaving_is_seen_to_by_the_deletion() {
    let switches = json!({
        "policy_after_delete": "never", "policy_after_leave": "previous_policy",
    });
    let world = made("delete-leaving", switches).await;
    let salesforce = world.tenant.source_id("Salesforce").await;
    let fault = json!({
        "match": ASSIGN, "path_contains": salesforce, "kind": {"status": {"code": 500}},
    });
    world.tenant.fault(fault).await;
    let patch = json!({"spec": {
        "passwordPolicyRef": {"name": "Service Accounts"},
        "sourceRefs": [{"name": "Workday"}, {"name": "GitHub"}],
    }});
    world.patch_group("shared", patch).await;
    world.wait_reason("shared", "Retrying").await;
    world.delete_group("shared").await;
    let group = world.wait_reason("shared", "DeletionBlocked").await;
    let sources = group.data["status"]["deletion"]["sources"].clone();
    assert_eq!(sources.as_array().map(Vec::len), Some(3), "{sources}");
    assert_eq!(group.data["status"]["leaving"], Value::Null);

    world.tenant.clear_faults().await;
    world.wait_gone("shared").await;
    for (source, policy) in [
        ("Salesforce", "Corporate Strong"),
        ("Workday", "Service Accounts"),
        ("GitHub", "Service Accounts"),
    ] {
        let own = world.tenant.policy_on(source).await;
        assert_eq!(own.as_deref(), Some(policy), "{source}");
    }
}

#[tokio::test]
async fn a_policy_that_is_gone_by_then_holds_nothing_up_and_is_said() {
    let world = made("delete-policy", json!({"policy_after_delete": "never"})).await;
    let fault = json!({"match": HOLDERS, "kind": {"status": {"code": 500}}});
    world.tenant.fault(fault).await;
    world.delete_group("shared").await;
    world.wait_reason("shared", "DeletionBlocked").await;
    let strong = "2c91808d744ba0ce01746f93b6204501";
    world.tenant.delete(&format!("policies/{strong}")).await;
    world.tenant.clear_faults().await;
    world.read_again().await;
    world.wait_gone("shared").await;
    let told = world.wait_event("shared", "Deleted").await;
    let left = "\"Workday\" was left as it is: policy Corporate Strong is gone";
    assert!(told.contains(left), "{told}");
    assert_eq!(world.tenant.writes().await, [DELETE]);
    assert_eq!(
        world.tenant.policy_on("Workday").await.as_deref(),
        Some("Cloud Standard")
    );
}

#[tokio::test]
async fn a_resource_that_never_had_a_group_goes_without_a_call() {
    let world = World::still("delete-nothing", "v1").start().await;
    let spec = SPEC.replace("Workday", "Workdya");
    world.apply_group("shared", &spec).await;
    let group = world.wait_reason("shared", "SourceNotFound").await;
    let message = condition(&group, "Ready").unwrap()["message"].to_string();
    assert!(
        message.contains("Workday"),
        "it says what was meant: {message}"
    );
    world.tenant.clear_ledger().await;
    world.delete_group("shared").await;
    world.wait_gone("shared").await;
    assert_eq!(world.tenant.calls_since(0).await, Vec::<String>::new());
    let events = world.events("shared").await;
    assert!(
        events
            .iter()
            .all(|event| event.starts_with("SourceNotFound")),
        "{events:?}"
    );
}
