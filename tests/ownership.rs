//! Whatever is in a tenant has one owner: the resource that records it, or else the oldest that
//! wants it. The others say so, write nothing, and go on by themselves when it is let go.

use kube::{ResourceExt, api::DynamicObject};
use serde_json::json;

use crate::support::{
    World,
    world::{said, spec},
};

const POST: &str = "POST /password-sync-groups";

#[tokio::test]
async fn of_two_resources_of_one_group_name_the_older_wins_and_a_release_wakes_the_other() {
    let mut world = World::v1("one_name").without_operator().start().await;
    let one = spec("Corporate Directory", &["Salesforce", "Workday"]);
    let two = spec("Corporate Directory", &["GitHub", "G Suite"]);
    let made = [
        world.apply_group("one", &one).await,
        world.apply_group("two", &two).await,
    ];
    let age = |group: &DynamicObject| (group.creation_timestamp(), group.uid());
    let older = made
        .iter()
        .min_by_key(|group| age(group))
        .unwrap()
        .name_any();
    let younger = if older == "one" { "two" } else { "one" };
    world.restart().await;

    world.wait_ready(&older).await;
    let loser = world.wait_reason(younger, "OwnedByAnother").await;
    let ready = said(&loser, "Ready");
    assert!(
        ready.contains(&format!("PasswordSyncGroup \"{older}\"")),
        "{ready}"
    );
    assert!(said(&loser, "Stalled").starts_with("True OwnedByAnother"));
    assert!(loser.data["status"]["groupID"].is_null());
    assert_eq!(world.tenant.writes().await, [POST]);

    world.delete_group(&older).await;
    world.wait_gone(&older).await;
    world.wait_ready(younger).await;
    assert_eq!(
        world.tenant.writes().await,
        [POST, "DELETE /password-sync-groups/{id}", POST]
    );
    assert_eq!(world.told(younger, "Created").await, 1);
}

#[tokio::test]
async fn a_source_belongs_to_the_group_that_holds_it_and_goes_to_the_next_when_it_leaves() {
    let world = World::v1("one_source").start().await;
    let both = ["Salesforce", "Workday", "OpenLDAP"];
    world.apply_group("holder", &spec("Holder", &both)).await;
    world.wait_ready("holder").await;
    world
        .apply_group("waiter", &spec("Waiter", &["OpenLDAP", "GitHub"]))
        .await;
    let waiter = world.wait_reason("waiter", "OwnedByAnother").await;
    let ready = said(&waiter, "Ready");
    assert!(
        ready.contains("source \"OpenLDAP\"") && ready.contains("\"holder\""),
        "{ready}"
    );
    assert_eq!(world.tenant.writes().await, [POST]);

    let fewer = json!([{"name": "Salesforce"}, {"name": "Workday"}]);
    world
        .patch_group("holder", json!({"spec": {"sourceRefs": fewer}}))
        .await;
    world.wait_ready("waiter").await;
    world.wait_ready("holder").await;
    let group = world.tenant.group("Waiter").await.unwrap();
    let openldap = world.tenant.source_id("OpenLDAP").await;
    assert!(
        group["sourceIds"]
            .as_array()
            .unwrap()
            .contains(&json!(openldap))
    );
    let holder = world.tenant.group("Holder").await.unwrap();
    assert_eq!(holder["sourceIds"].as_array().unwrap().len(), 2);
    assert_eq!(world.tenant.asked(POST).await.len(), 2);
}

#[tokio::test]
async fn an_owner_is_named_only_to_its_own_namespace() {
    let other = World::v1("elsewhere").without_operator().start().await;
    let watch = format!("--watch-namespace={}", other.namespace);
    let mut world = World::v1("here")
        .flag(&watch)
        .without_operator()
        .start()
        .await;
    // The same tenant from another namespace, by a Secret of its own.
    let tenant = &world.tenant;
    other
        .apply_secret_with(
            "tenant",
            json!({
                "baseUrl": tenant.base_url, "clientId": tenant.client_id,
                "clientSecret": tenant.client_secret,
            }),
        )
        .await;
    world.restart().await;
    world
        .apply_group("merger-plans", &spec("Shared", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("merger-plans").await;
    other
        .apply_group("stranger", &spec("Shared", &["Workday", "GitHub"]))
        .await;
    let stranger = other.wait_reason("stranger", "OwnedByAnother").await;
    let status = stranger.data["status"].to_string();
    assert!(
        status.contains("a PasswordSyncGroup in another namespace"),
        "{status}"
    );
    assert!(!status.contains("merger-plans") && !status.contains(&*world.namespace));
    assert_eq!(other.told("stranger", "OwnedByAnother").await, 1);
    let events = other.events("stranger").await.join("\n");
    assert!(!events.contains("merger-plans"), "{events}");
    assert_eq!(world.tenant.writes().await, [POST]);

    world.delete_group("merger-plans").await;
    other.wait_ready("stranger").await;
    assert_eq!(world.tenant.groups().await.len(), 2, "Support Tools and it");
}

#[tokio::test]
async fn two_identity_tenants_of_one_tenant_share_their_claims() {
    let world = World::v1("one_tenant").start().await;
    world
        .apply_tenant("second", "tenant", json!({"readInterval": "10s"}))
        .await;
    world
        .apply_group("first", &spec("First", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("first").await;
    let mut wanted: serde_json::Value =
        serde_json::from_str(&spec("Second", &["Workday", "GitHub"])).unwrap();
    wanted["tenantRef"] = json!({"name": "second"});
    world.apply_group("second", &wanted.to_string()).await;
    let second = world.wait_reason("second", "OwnedByAnother").await;
    assert!(said(&second, "Ready").contains("source \"Workday\" belongs to"));
    assert_eq!(world.tenant.writes().await, [POST]);

    world.delete_group("first").await;
    world.wait_gone("first").await;
    let second = world.wait_ready("second").await;
    let key = format!("tenant-{}@127.0.0.1", world.tenant.name);
    assert_eq!(second.data["status"]["tenant"]["tenantID"], json!(key));
}

#[tokio::test]
async fn a_source_in_a_group_that_nobody_manages_is_named_and_taken_when_it_is_free() {
    let world = World::v1("foreign_group").start().await;
    world
        .apply_group("wants", &spec("Wants", &["Zendesk", "GitHub"]))
        .await;
    let wants = world.wait_reason("wants", "SourceInAnotherGroup").await;
    let ready = said(&wants, "Ready");
    let support = world.tenant.group("Support Tools").await.unwrap();
    let id = support["id"].as_str().unwrap();
    for part in ["\"Zendesk\"", "\"Support Tools\"", id, "adopt that group"] {
        assert!(ready.contains(part), "{part}: {ready}");
    }
    world.read_again().await;
    world.read_again().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    assert_eq!(
        world.tenant.group("Support Tools").await,
        Some(support.clone())
    );

    world.tenant.delete(&format!("groups/{id}")).await;
    world.poke("default").await;
    world.wait_ready("wants").await;
    assert_eq!(world.tenant.writes().await, [POST]);
}
