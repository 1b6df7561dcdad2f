//! A token that may not do what is needed: the right that is missing is named, before the first
//! create where that can be known, and the tenant is asked about it sparingly.

use serde_json::{Value, json};

use crate::support::{
    World,
    world::{said, spec},
};

const POST: &str = "POST /password-sync-groups";
const TOKEN: &str = "POST /oauth/token";

fn pair() -> String {
    spec("Pair", &["Salesforce", "Workday"])
}

#[tokio::test]
async fn a_missing_scope_is_named_before_anything_else_is_asked() {
    let mut world = World::v1("scope").without_operator().start().await;
    let scopes = [
        "idn:password-sync-group:manage",
        "idn:sources:read",
        "idn:app-roles:read",
    ];
    world.tenant.credentials(json!({"scopes": scopes})).await;
    world.restart().await;
    world.apply_group("pair", &pair()).await;
    let group = world.wait_reason("pair", "MissingScope").await;
    world
        .wait_tenant("default", "Ready", "False", "MissingScope")
        .await;
    let ready = said(&group, "Ready");
    for scope in ["idn:password-policy:read", "idn:sources:manage"] {
        assert!(ready.contains(scope), "{scope}: {ready}");
    }
    assert!(world.tenant.writes().await.is_empty());

    // A new token with the scopes, as a person makes one: with a new secret.
    let all = json!({"scopes": ["sp:scopes:all"], "clientSecret": "second"});
    world.tenant.credentials(all).await;
    let content = json!({"baseUrl": world.tenant.base_url, "clientId": world.tenant.client_id,
        "clientSecret": "second"});
    world.apply_secret_with("tenant", content).await;
    world.wait_ready("pair").await;
    assert_eq!(world.tenant.asked(TOKEN).await.len(), 2);
}

#[tokio::test]
async fn a_token_without_a_user_is_told_of_once_the_tenant_refuses_it() {
    let mut world = World::v1("no_user").without_operator().start().await;
    world
        .tenant
        .credentials(json!({"userContext": false}))
        .await;
    world.restart().await;
    world.apply_group("pair", &pair()).await;
    let group = world.wait_reason("pair", "NoUserContext").await;
    assert!(said(&group, "Ready").contains("ORG_ADMIN"));
    assert!(world.tenant.writes().await.is_empty());
}

#[tokio::test]
async fn a_user_without_the_level_is_told_of_and_tried_again_only_after_the_probe_interval() {
    let world = World::v1("level").flag("--probe-interval=3s").start().await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
    world.tenant.credentials(json!({"orgAdmin": false})).await;
    world.apply_group("pair", &pair()).await;
    world
        .wait_tenant("default", "Ready", "False", "Forbidden")
        .await;
    let group = world.wait_reason("pair", "Forbidden").await;
    let ready = said(&group, "Ready");
    assert!(
        ready.starts_with("Unknown") && ready.contains("ORG_ADMIN"),
        "{ready}"
    );
    assert_eq!(world.tenant.asked(POST).await.len(), 1);
    let refused = world.tenant.asked(POST).await;
    assert_eq!(
        (&refused[0]["status"], &refused[0]["applied"]),
        (&json!(403), &json!(false))
    );

    world.tenant.credentials(json!({"orgAdmin": true})).await;
    world.wait_ready("pair").await;
    let posts = world.tenant.asked(POST).await;
    let made: Vec<&Value> = posts
        .iter()
        .filter(|post| post["applied"] == true)
        .collect();
    assert_eq!(made.len(), 1);
    let at = |entry: &Value| entry["at"].as_str().unwrap().parse::<jiff::Timestamp>();
    let apart = at(&posts[1])
        .unwrap()
        .duration_since(at(&posts[0]).unwrap());
    assert!(apart.as_millis() >= 2900, "{apart:?}");
}

#[tokio::test]
async fn a_level_that_was_never_there_is_found_by_reading_and_nothing_is_written() {
    let mut world = World::v1("never_level")
        .flag("--probe-interval=2s")
        .without_operator()
        .start()
        .await;
    world.tenant.credentials(json!({"orgAdmin": false})).await;
    world.restart().await;
    world.apply_group("pair", &pair()).await;
    let group = world.wait_reason("pair", "Forbidden").await;
    assert!(said(&group, "Ready").contains("ORG_ADMIN"));
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());

    world.tenant.credentials(json!({"orgAdmin": true})).await;
    world.wait_ready("pair").await;
    assert_eq!(world.tenant.writes().await, [POST]);
}

#[tokio::test]
async fn of_two_tenants_only_the_one_in_trouble_suffers() {
    let world = World::v1("apart").start().await;
    let content = json!({"baseUrl": world.tenant.base_url, "clientId": "nobody",
        "clientSecret": "wrong"});
    world.apply_secret_with("broken", content).await;
    world
        .apply_tenant("broken", "broken", json!({"readInterval": "10s"}))
        .await;
    let mut wanted: Value = serde_json::from_str(&spec("Other", &["GitHub", "G Suite"])).unwrap();
    wanted["tenantRef"] = json!({"name": "broken"});
    world.apply_group("other", &wanted.to_string()).await;
    world.apply_group("pair", &pair()).await;
    world.wait_ready("pair").await;
    world.wait_reason("other", "CredentialsInvalid").await;
    world
        .wait_tenant("broken", "Ready", "False", "CredentialsInvalid")
        .await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
    world
        .patch_group("pair", json!({"spec": {"name": "Renamed"}}))
        .await;
    world.wait_ready("pair").await;
    assert!(world.tenant.group("Renamed").await.is_some());
    let other = world.group("other").await;
    assert!(said(&other, "Ready").starts_with("Unknown CredentialsInvalid"));
}
