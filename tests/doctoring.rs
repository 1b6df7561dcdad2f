//! `kubectl psg doctor` with a real API server: what it finds in a group that a resource has, and whom it names.

use serde_json::{Value, json};

use crate::support::{World, kubectl::Printed};

/// A tenant with the group "Shared Password", whose resource is Ready.
async fn with_a_group(name: &str) -> World {
    let world = World::new(name).await;
    let spec = json!({
        "name": "Shared Password",
        "passwordPolicyRef": {"name": "Corporate Strong"},
        "sourceRefs": [{"name": "Salesforce"}, {"name": "Active Directory"}],
    });
    world.apply_group("shared", &spec.to_string()).await;
    world.wait_ready("shared").await;
    world
}

async fn doctor(world: &World, more: &[&str]) -> Printed {
    let args = [
        &["psg", "doctor", "shared", "--allow-insecure-tenants"],
        more,
    ]
    .concat();
    world.kubectl(&args).await
}

#[tokio::test]
async fn a_source_that_cannot_be_reached_is_named_with_its_owner() {
    let world = with_a_group("doctoring").await;
    let well = doctor(&world, &[]).await;
    assert_eq!(well.status, 0, "{}{}", well.stdout, well.stderr);
    world.tenant.clear_ledger().await;
    let mut salesforce = world.tenant.source("Salesforce").await;
    let id = salesforce["id"].as_str().unwrap().to_owned();
    salesforce["healthy"] = json!(false);
    salesforce["status"] = json!("SOURCE_STATE_FAILURE_SOURCE");
    world.tenant.put(&format!("sources/{id}"), salesforce).await;
    let ill = doctor(&world, &["-o", "json"]).await;
    assert_eq!(ill.status, 2, "{}{}", ill.stdout, ill.stderr);
    let found: Value = serde_json::from_str(&ill.stdout).unwrap();
    let group = &found["tenants"][0]["groups"][0];
    assert_eq!(group["resource"]["name"], "shared");
    let finding = &group["findings"][0];
    assert_eq!(finding["check"], "communication", "{group}");
    assert_eq!(finding["source"], "Salesforce");
    assert_eq!(finding["ask"], "Ben Ortiz");
    let text = doctor(&world, &[]).await.stdout;
    let said = "  communication: \"Salesforce\": the tenant's last health check of it failed:";
    assert!(text.contains(said), "{text}");
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
}

/// A token that was good for the group, and was made narrower since: the operator goes on with the
/// token that it holds, and a person who asks learns what is missing.
#[tokio::test]
async fn a_token_that_lacks_a_right_is_named_before_the_operator_runs_into_it() {
    let world = with_a_group("doctoring_token").await;
    let scopes = [
        "idn:password-sync-group:read",
        "idn:password-policy:read",
        "idn:sources:manage",
        "idn:app-roles:read",
    ];
    world.tenant.credentials(json!({"scopes": scopes})).await;
    let narrow = doctor(&world, &["-o", "json"]).await;
    assert_eq!(narrow.status, 2, "{}{}", narrow.stdout, narrow.stderr);
    let found: Value = serde_json::from_str(&narrow.stdout).unwrap();
    let finding = &found["tenants"][0]["findings"][0];
    assert_eq!(finding["check"], "token", "{found}");
    let evidence = finding["evidence"].as_str().unwrap();
    assert!(
        evidence.contains("idn:password-sync-group:manage"),
        "{evidence}"
    );
    assert!(!evidence.contains("idn:sources:manage"), "{evidence}");
}

#[tokio::test]
async fn a_token_that_ends_soon_is_named_while_it_still_works() {
    let world = with_a_group("doctoring_end").await;
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(5 * 24);
    world
        .tenant
        .credentials(json!({"expirationDate": soon}))
        .await;
    let ill = doctor(&world, &["-o", "json"]).await;
    assert_eq!(ill.status, 2, "{}{}", ill.stdout, ill.stderr);
    let found: Value = serde_json::from_str(&ill.stdout).unwrap();
    let finding = &found["tenants"][0]["findings"][0];
    assert_eq!(finding["check"], "token", "{found}");
    let evidence = finding["evidence"].as_str().unwrap();
    assert!(evidence.contains("ends at"), "{evidence}");
}
