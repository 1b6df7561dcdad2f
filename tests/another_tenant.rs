//! Another tenant behind the same Secret: nothing is written to either, nothing is let go, and all
//! goes on when the first is back.

use serde_json::json;

use crate::support::{
    TenantSim, World,
    world::{said, spec},
};

const POST: &str = "POST /password-sync-groups";

#[tokio::test]
async fn another_tenant_behind_the_secret_is_neither_written_nor_believed() {
    let world = World::v1("changed").start().await;
    world
        .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
        .await;
    world
        .apply_group("doomed", &spec("Doomed", &["GitHub", "G Suite"]))
        .await;
    world.wait_ready("pair").await;
    world.wait_ready("doomed").await;
    let before = world.tenant.groups().await;

    let other = TenantSim::acme("impostor").await;
    let content = json!({"baseUrl": other.base_url, "clientId": other.client_id,
        "clientSecret": other.client_secret});
    world.apply_secret_with("tenant", content).await;
    world.poke("default").await;
    world
        .wait_tenant("default", "Ready", "False", "TenantChanged")
        .await;
    let tenant = world.identity_tenant("default").await;
    let ready = said(&tenant, "Ready");
    assert!(
        ready.contains(&other.name) && ready.contains(&world.tenant.name),
        "{ready}"
    );
    assert_eq!(tenant.data["status"]["org"], json!(world.tenant.name));
    let pair = world.wait_reason("pair", "TenantChanged").await;
    assert!(said(&pair, "Stalled").starts_with("True TenantChanged"));

    world
        .patch_group("pair", json!({"spec": {"name": "Renamed"}}))
        .await;
    world.wait_reason("pair", "TenantChanged").await;
    world.delete_group("doomed").await;
    let doomed = world.wait_reason("doomed", "DeletionBlocked").await;
    assert!(said(&doomed, "Ready").contains("TenantChanged"));
    let late = spec("Late", &["OpenLDAP", "Salesforce"]);
    world.apply_group("late", &late).await;
    world.wait_reason("late", "TenantChanged").await;
    assert_eq!(other.writes().await, Vec::<String>::new());
    assert_eq!(world.tenant.writes().await, [POST, POST]);
    assert_eq!(world.tenant.groups().await, before);

    world.apply_secret("tenant").await;
    world.wait_gone("doomed").await;
    world.wait_ready("pair").await;
    assert!(world.tenant.group("Renamed").await.is_some());
    assert_eq!(world.tenant.group("Doomed").await, None);
    assert_eq!(other.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_groups_of_a_tenant_that_is_gone_for_good_can_be_let_go() {
    let world = World::v1("orphaned").start().await;
    world
        .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("pair").await;
    let other = TenantSim::acme("successor").await;
    let content = json!({"baseUrl": other.base_url, "clientId": other.client_id,
        "clientSecret": other.client_secret});
    world.apply_secret_with("tenant", content).await;
    world.poke("default").await;
    world.wait_reason("pair", "TenantChanged").await;
    world.delete_group("pair").await;
    world.wait_reason("pair", "DeletionBlocked").await;
    world
        .patch_group("pair", json!({"spec": {"deletionPolicy": "Orphan"}}))
        .await;
    world.wait_gone("pair").await;
    assert_eq!(world.told("pair", "Orphaned").await, 1);
    assert!(world.tenant.group("Pair").await.is_some(), "left as it is");
    assert_eq!(world.tenant.writes().await, [POST]);
    assert_eq!(other.writes().await, Vec::<String>::new());
}
