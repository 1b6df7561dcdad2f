//! What the vendor's guide asks of a group's sources is checked before any write, all at once,
//! and a group that exists already is left alone when it stops being true.

use kube::api::DynamicObject;
use serde_json::json;

use crate::support::{
    World,
    world::{said, spec},
};

#[tokio::test]
async fn each_prerequisite_is_named_before_anything_is_written() {
    let world = World::v1("each_prerequisite").start().await;
    let healthy = "True Healthy: ";
    for (name, source, reason) in [
        ("file", "HR Feed", "NotDirectConnect"),
        ("passive", "ServiceNow", "PasswordNotSupported"),
        ("lonely", "Partner Directory", "NoApplication"),
        ("special", "Oracle ERP", "PolicyExceptions"),
    ] {
        let spec = spec(name, &["Salesforce", source]);
        world.apply_group(name, &spec).await;
        let group = world.wait_reason(name, reason).await;
        let (ready, unmet) = (said(&group, "Ready"), said(&group, "PrerequisitesMet"));
        assert!(ready.contains(&format!("\"{source}\"")), "{ready}");
        assert!(unmet.starts_with(&format!("False {reason}: ")), "{unmet}");
        assert!(said(&group, "Stalled").starts_with(&format!("True {reason}: ")));
        assert_eq!(said(&group, "SourcesHealthy"), healthy);
        assert!(group.data["status"]["intent"].is_null());
        assert_eq!(world.told(name, reason).await, 1);
        world.delete_group(name).await;
        world.wait_gone(name).await;
    }
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn everything_that_is_missing_is_said_at_once_and_mending_it_is_enough() {
    let world = World::v1("all_at_once").start().await;
    let sources = ["HR Feed", "ServiceNow", "Partner Directory", "Salesforce"];
    world.apply_group("many", &spec("Many", &sources)).await;
    let group = world.wait_reason("many", "NotDirectConnect").await;
    let message = said(&group, "PrerequisitesMet");
    for part in [
        "\"HR Feed\" is not a direct connect source",
        "\"HR Feed\" cannot change passwords",
        "\"ServiceNow\" cannot change passwords",
        "\"Partner Directory\" has no application",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let tenant = &world.tenant;
    let password = json!({"connectionType": "direct", "features": ["PASSWORD"]});
    tenant.edit_source("HR Feed", password.clone()).await;
    tenant.edit_source("ServiceNow", password).await;
    let id = tenant.source_id("Partner Directory").await;
    let app = json!({"name": "Partners", "accountSource": {"id": id}});
    tenant
        .put("apps/2c91808a77ff216301782327a50f0009", app)
        .await;
    world.poke("default").await;
    let group = world.wait_ready("many").await;
    assert_eq!(said(&group, "PrerequisitesMet"), "True Met: ");
    assert_eq!(world.tenant.writes().await, ["POST /password-sync-groups"]);
}

#[tokio::test]
async fn a_policy_that_is_missing_is_a_reference_that_leads_nowhere() {
    let world = World::v1("no_policy").start().await;
    let spec = spec("Nobody", &["Salesforce", "Workday"]).replace("Corporate Strong", "Nowhere");
    world.apply_group("nobody", &spec).await;
    let group = world.wait_reason("nobody", "PolicyNotFound").await;
    assert!(said(&group, "ReferencesCurrent").starts_with("False PolicyNotFound: "));

    let policy = json!({"name": "Nowhere", "minLength": 8});
    world
        .tenant
        .put("policies/2c91808d744ba0ce01746f93b6204509", policy)
        .await;
    world.poke("default").await;
    let group = world.wait_ready("nobody").await;
    assert_eq!(group.data["status"]["policy"]["name"], "Nowhere");
}

#[tokio::test]
async fn an_unhealthy_source_is_a_warning_and_holds_nothing_up() {
    let world = World::v1("unhealthy").start().await;
    let spec = spec("Old and New", &["Legacy Mainframe", "Salesforce"]);
    world.apply_group("old", &spec).await;
    let group = world.wait_ready("old").await;
    let warning = said(&group, "SourcesHealthy");
    assert!(warning.starts_with("False Unhealthy: "), "{warning}");
    assert!(warning.contains("\"Legacy Mainframe\" (SOURCE_STATE_FAILURE_CLUSTER)"));
    assert!(said(&group, "Stalled").is_empty());

    let healthy = json!({"healthy": true, "status": "SOURCE_STATE_HEALTHY"});
    world.tenant.edit_source("Legacy Mainframe", healthy).await;
    world.poke("default").await;
    world
        .wait_condition("old", "SourcesHealthy", "True", Some("Healthy"))
        .await;
    assert_eq!(world.tenant.writes().await, ["POST /password-sync-groups"]);
}

/// A person who changes a password sees the group's policy only: that the change then fails on one
/// source is foreseen here, and said on the resource.
#[tokio::test]
async fn a_policy_that_refuses_what_the_groups_admits_is_a_warning_and_ends_when_it_is_mended() {
    let world = World::v1("mismatch").start().await;
    let (strong, services) = (
        "policies/2c91808d744ba0ce01746f93b6204501",
        "policies/2c91808d744ba0ce01746f93b6204503",
    );
    let spec = spec("Staff", &["Salesforce", "OpenLDAP"]);
    world.apply_group("staff", &spec).await;
    world.wait_ready("staff").await;
    let group = world
        .wait_condition("staff", "PoliciesAligned", "False", Some("PolicyMismatch"))
        .await;
    let warning = said(&group, "PoliciesAligned");
    assert!(
        warning.contains("policy \"Service Accounts\", which \"OpenLDAP\" had before"),
        "{warning}"
    );
    assert!(warning.contains("(minLength 24)"), "{warning}");
    assert!(said(&group, "Stalled").is_empty());

    let contradiction = json!({"name": "Service Accounts", "minLength": 4, "maxLength": 8});
    world.tenant.put(services, contradiction).await;
    world.poke("default").await;
    world
        .wait_condition(
            "staff",
            "PoliciesAligned",
            "False",
            Some("NoCommonPassword"),
        )
        .await;

    let strict = json!({"name": "Corporate Strong", "minLength": 24});
    world.tenant.put(strong, strict).await;
    let lax = json!({"name": "Service Accounts", "minLength": 24});
    world.tenant.put(services, lax).await;
    world.poke("default").await;
    let aligned = |group: &DynamicObject| said(group, "PoliciesAligned").is_empty();
    let group = world.wait_group("staff", "no mismatch", aligned).await;
    assert!(said(&group, "Ready").starts_with("True InSync: "));
    assert_eq!(world.tenant.writes().await, ["POST /password-sync-groups"]);
}

#[tokio::test]
async fn a_prerequisite_that_fails_later_stops_writes_and_leaves_the_group_as_it_is() {
    let world = World::v1("fails_later").start().await;
    world
        .apply_group("later", &spec("Later", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("later").await;
    let before = world.tenant.group("Later").await.unwrap();
    let features = world.tenant.source("Workday").await["features"].clone();

    let nothing = json!({"features": ["PROVISIONING"]});
    world.tenant.edit_source("Workday", nothing).await;
    world.poke("default").await;
    let group = world.wait_reason("later", "PasswordNotSupported").await;
    assert!(said(&group, "PrerequisitesMet").starts_with("False PasswordNotSupported: "));
    assert!(said(&group, "Stalled").starts_with("True"));
    assert_eq!(group.data["status"]["groupID"], before["id"]);

    // Neither an edit nor drift is written meanwhile.
    world
        .patch_group("later", json!({"spec": {"name": "Renamed"}}))
        .await;
    world.wait_reason("later", "PasswordNotSupported").await;
    world.read_again().await;
    world.read_again().await;
    assert_eq!(world.tenant.group("Later").await, Some(before.clone()));
    assert_eq!(world.tenant.writes().await, ["POST /password-sync-groups"]);

    let mended = json!({"features": features});
    world.tenant.edit_source("Workday", mended).await;
    world.poke("default").await;
    world.wait_ready("later").await;
    let after = world.tenant.group("Renamed").await.unwrap();
    assert_eq!(after["id"], before["id"]);
    assert_eq!(
        world.tenant.writes().await,
        [
            "POST /password-sync-groups",
            "PUT /password-sync-groups/{id}"
        ]
    );
}
