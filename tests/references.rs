//! A reference leads to exactly one object of the tenant, and what it led to is kept: nothing that
//! is renamed or made again there takes its place in silence.

use serde_json::{Value, json};

use crate::support::{
    World,
    world::{said, spec},
};

const ANOTHER: &str = "2c918084660f45d6016617daa92105ff";
const PUT: &str = "PUT /password-sync-groups/{id}";

#[tokio::test]
async fn names_that_match_nothing_are_answered_with_near_misses() {
    let world = World::v1("near_misses").start().await;
    let spec = spec("Typos", &["Salesfroce", "Workday", "Nonsense"])
        .replace("Corporate Strong", "Corporate Storng");
    world.apply_group("typos", &spec).await;
    let group = world.wait_reason("typos", "SourceNotFound").await;
    let message = said(&group, "ReferencesCurrent");
    for part in [
        "no source \"Salesfroce\" in the tenant: did you mean \"Salesforce\"?",
        "no source \"Nonsense\" in the tenant: create it there, or correct the reference",
        "no password policy \"Corporate Storng\" in the tenant: did you mean \"Corporate Strong\"?",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(said(&group, "Stalled").starts_with("True SourceNotFound: "));
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_name_of_several_objects_is_answered_with_their_ids() {
    let world = World::v1("ambiguous").start().await;
    let twin = json!({"name": "Salesforce", "features": ["PASSWORD"]});
    world.tenant.put(&format!("sources/{ANOTHER}"), twin).await;
    let policy = json!({"name": "Corporate Strong"});
    world
        .tenant
        .put("policies/2c91808d744ba0ce01746f93b62045ff", policy)
        .await;
    world.read_again().await;
    world
        .apply_group("twins", &spec("Twins", &["Salesforce", "Workday"]))
        .await;
    let group = world.wait_reason("twins", "AmbiguousReference").await;
    let message = said(&group, "Ready");
    for part in [
        "source \"Salesforce\" is the name of 2 objects",
        "2c918084660f45d6016617daa9210502",
        ANOTHER,
        "password policy \"Corporate Strong\" is the name of 2 objects",
        "2c91808d744ba0ce01746f93b62045ff",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());

    let by_id = json!({"spec": {
        "passwordPolicyRef": {"id": "2c91808d744ba0ce01746f93b6204501", "name": null},
        "sourceRefs": [{"id": ANOTHER}, {"name": "Workday"}],
    }});
    world.patch_group("twins", by_id).await;
    let group = world.wait_ready("twins").await;
    assert_eq!(group.data["status"]["sources"][0]["id"], ANOTHER);
}

#[tokio::test]
async fn two_references_to_one_source_are_told_apart_from_two_sources() {
    let world = World::v1("duplicate").start().await;
    let id = world.tenant.source_id("Salesforce").await;
    let mut wanted: Value = serde_json::from_str(&spec("Twice", &["Salesforce"])).unwrap();
    wanted["sourceRefs"] = json!([{"name": "Salesforce"}, {"id": id}, {"name": "Workday"}]);
    world.apply_group("twice", &wanted.to_string()).await;
    let group = world.wait_reason("twice", "DuplicateSource").await;
    let message = said(&group, "Ready");
    assert!(
        message.contains("are the same source Salesforce") && message.contains(&id),
        "{message}"
    );
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_source_that_is_renamed_in_the_tenant_stays_and_is_warned_of() {
    let world = World::v1("renamed").start().await;
    world
        .apply_group("kept", &spec("Kept", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("kept").await;
    let id = world.tenant.source_id("Salesforce").await;
    world
        .tenant
        .edit_source("Salesforce", json!({"name": "Sales Cloud"}))
        .await;
    world.poke("default").await;
    let group = world
        .wait_condition("kept", "ReferencesCurrent", "False", Some("Renamed"))
        .await;
    let warning = said(&group, "ReferencesCurrent");
    assert!(
        warning.contains(&format!(
            "source \"Salesforce\" ({id}) is called \"Sales Cloud\""
        )),
        "{warning}"
    );
    assert!(said(&group, "Ready").starts_with("True InSync"));
    let pin = &group.data["status"]["sources"][0];
    assert_eq!(
        (&pin["ref"], &pin["id"]),
        (&json!("Salesforce"), &json!(id))
    );
    assert_eq!(world.tenant.writes().await, ["POST /password-sync-groups"]);

    // The new name is the same object: no write follows from writing it down.
    let current = json!([{"name": "Sales Cloud"}, {"name": "Workday"}]);
    world
        .patch_group("kept", json!({"spec": {"sourceRefs": current}}))
        .await;
    world
        .wait_condition("kept", "ReferencesCurrent", "True", Some("Current"))
        .await;
    assert_eq!(world.tenant.writes().await, ["POST /password-sync-groups"]);
}

#[tokio::test]
async fn a_source_made_again_under_its_name_is_taken_only_when_it_is_asked_for() {
    let world = World::v1("replaced").start().await;
    let sources = ["Salesforce", "Workday", "GitHub"];
    world.apply_group("group", &spec("Group", &sources)).await;
    world.wait_ready("group").await;
    let old = world.tenant.source_id("Salesforce").await;
    world.tenant.delete(&format!("sources/{old}")).await;
    let again = json!({"name": "Salesforce", "features": ["PASSWORD"]});
    world.tenant.put(&format!("sources/{ANOTHER}"), again).await;
    world.poke("default").await;
    let group = world.wait_reason("group", "SourceReplaced").await;
    let message = said(&group, "Ready");
    assert!(
        message.contains(&old) && message.contains(ANOTHER),
        "{message}"
    );
    world.read_again().await;
    world.read_again().await;
    assert_eq!(world.tenant.writes().await, ["POST /password-sync-groups"]);

    // Out, and in again.
    let without = json!([{"name": "Workday"}, {"name": "GitHub"}]);
    world
        .patch_group("group", json!({"spec": {"sourceRefs": without}}))
        .await;
    world.wait_ready("group").await;
    let with = json!([{"name": "Workday"}, {"name": "GitHub"}, {"name": "Salesforce"}]);
    world
        .patch_group("group", json!({"spec": {"sourceRefs": with}}))
        .await;
    world.wait_ready("group").await;
    let group = world.tenant.group("Group").await.unwrap();
    let ids = group["sourceIds"].as_array().unwrap();
    assert!(ids.contains(&json!(ANOTHER)) && !ids.contains(&json!(old)));
    let writes = world.tenant.writes().await;
    assert_eq!(writes, ["POST /password-sync-groups", PUT, PUT]);
}
