//! What the tenant refuses in its own words is not asked again until something has changed that
//! could change the answer: the manifest, the tenant's facts, the credentials.

use serde_json::{Value, json};

use crate::support::{
    World,
    world::{said, spec},
};

const POST: &str = "POST /password-sync-groups";
const PUT: &str = "PUT /password-sync-groups/{id}";

/// A refusal as the vendor words it, as often as it is asked.
fn refusal(of: &str) -> Value {
    let body = json!({
        "detailCode": "400.1 Bad request content", "trackingId": "e7eab60924f64aa284175b9fa3309599",
        "messages": [{"locale": "en-US", "localeOrigin": "DEFAULT", "text": "Ask your administrator"}],
        "causes": [],
    });
    json!({"match": of, "kind": {"status": {"code": 400, "body": body}}})
}

async fn refused_once(world: &World, group: &str, what: &str) {
    let refused = world.wait_reason(group, "Refused").await;
    let ready = said(&refused, "Ready");
    for part in ["Ask your administrator", "e7eab60924f64aa284175b9fa3309599"] {
        assert!(ready.contains(part), "{part}: {ready}");
    }
    assert!(said(&refused, "Stalled").starts_with("True Refused"));
    assert!(!refused.data["status"]["refused"].is_null());
    world.read_again().await;
    world.read_again().await;
    assert_eq!(world.tenant.asked(what).await.len(), 1);
}

#[tokio::test]
async fn a_refused_create_is_tried_again_when_the_manifest_changes() {
    let mut world = World::v1("refused_post").start().await;
    world.tenant.fault(refusal(POST)).await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    refused_once(&world, "one", POST).await;
    assert_eq!(world.told("one", "Refused").await, 1);
    assert!(world.group("one").await.data["status"]["intent"].is_null());

    world.restart().await;
    world.read_again().await;
    world.read_again().await;
    assert_eq!(world.tenant.asked(POST).await.len(), 1, "after a restart");

    world.tenant.clear_faults().await;
    world
        .patch_group("one", json!({"spec": {"name": "Other"}}))
        .await;
    let group = world.wait_ready("one").await;
    assert!(group.data["status"]["refused"].is_null());
    assert_eq!(world.tenant.writes().await, [POST, POST]);
}

#[tokio::test]
async fn a_refused_create_is_tried_again_when_the_facts_of_its_sources_change() {
    let world = World::v1("refused_facts").start().await;
    world.tenant.fault(refusal(POST)).await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    refused_once(&world, "one", POST).await;
    world.tenant.clear_faults().await;
    // A change of something else is none.
    let unrelated = json!({"features": ["PASSWORD", "AUTHENTICATE"]});
    world.tenant.edit_source("Zendesk", unrelated).await;
    world.read_again().await;
    world.read_again().await;
    assert_eq!(world.tenant.asked(POST).await.len(), 1);

    let id = world.tenant.source_id("Workday").await;
    let app = json!({"name": "Pay", "accountSource": {"id": id}});
    world
        .tenant
        .put("apps/2c91808a77ff216301782327a50f0009", app)
        .await;
    world.poke("default").await;
    world.wait_ready("one").await;
    assert_eq!(world.tenant.writes().await, [POST, POST]);
}

#[tokio::test]
async fn a_refused_create_is_tried_again_when_the_credentials_change() {
    let world = World::v1("refused_credentials").start().await;
    world.tenant.fault(refusal(POST)).await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    refused_once(&world, "one", POST).await;
    world.tenant.clear_faults().await;
    let rotated = "a-new-secret";
    world
        .tenant
        .credentials(json!({"clientSecret": rotated}))
        .await;
    let tenant = &world.tenant;
    let content = json!({"baseUrl": tenant.base_url, "clientId": tenant.client_id,
        "clientSecret": rotated});
    world.apply_secret_with("tenant", content).await;
    world.poke("default").await;
    world.wait_ready("one").await;
    assert_eq!(world.tenant.writes().await, [POST, POST]);
}

#[tokio::test]
async fn a_refused_change_is_tried_again_when_the_manifest_changes() {
    let world = World::v1("refused_put").start().await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("one").await;
    world.tenant.fault(refusal(PUT)).await;
    world
        .patch_group("one", json!({"spec": {"name": "Forbidden Name"}}))
        .await;
    refused_once(&world, "one", PUT).await;
    assert!(world.tenant.group("One").await.is_some(), "as it was");

    world.tenant.clear_faults().await;
    world
        .patch_group("one", json!({"spec": {"name": "Allowed Name"}}))
        .await;
    let group = world.wait_ready("one").await;
    assert!(group.data["status"]["refused"].is_null());
    assert!(world.tenant.group("Allowed Name").await.is_some());
    assert_eq!(world.tenant.writes().await, [POST, PUT, PUT]);
}

#[tokio::test]
async fn a_refused_change_is_over_when_the_manifest_goes_back() {
    let world = World::v1("refused_back").start().await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("one").await;
    world.tenant.fault(refusal(PUT)).await;
    world
        .patch_group("one", json!({"spec": {"name": "Forbidden Name"}}))
        .await;
    refused_once(&world, "one", PUT).await;
    world
        .patch_group("one", json!({"spec": {"name": "One"}}))
        .await;
    let group = world.wait_ready("one").await;
    assert!(group.data["status"]["refused"].is_null());
    assert_eq!(world.tenant.writes().await, [POST, PUT]);
}
