//! Password changes that fail, with a real API server: what the resource says of them, and what
//! `kubectl psg doctor` finds.

use serde_json::{Value, json};

use crate::support::{World, kubectl::Printed};

const SHARED: [&str; 3] = ["Active Directory", "Salesforce", "Workday"];

/// A tenant with one group of three sources, on which ada.kaya has accounts.
async fn with_a_group(name: &str) -> World {
    let world = World::new(name).await;
    let spec = json!({
        "name": "Shared Password",
        "passwordPolicyRef": {"name": "Corporate Strong"},
        "sourceRefs": SHARED.map(|name| json!({"name": name})),
    });
    world.apply_group("shared", &spec.to_string()).await;
    world.wait_ready("shared").await;
    world
}

/// Another interval makes the operator read the events at once.
async fn read_events(world: &World, interval: &str) {
    let patch = json!({"spec": {"passwordChanges": {"interval": interval}}}).to_string();
    let args = ["patch", "idt", "default", "--type=merge", "-p", &patch];
    world.kubectl(&args).await.ok();
}

async fn doctor(world: &World, more: &[&str]) -> (Printed, Value) {
    let args = [
        "psg",
        "doctor",
        "shared",
        "--allow-insecure-tenants",
        "-o",
        "json",
    ];
    let printed = world.kubectl(&[&args, more].concat()).await;
    let found = serde_json::from_str(&printed.stdout);
    let found = found.unwrap_or_else(|_| panic!("{}{}", printed.stdout, printed.stderr));
    (printed, found)
}

/// The outcome on each source of the changes that are listed.
fn outcomes(found: &Value) -> Vec<Vec<(String, String)>> {
    let changes = found["tenants"][0]["groups"][0]["changes"]["listed"].as_array();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |change: &Value| {
        let sources = change["sources"].as_array().unwrap().iter();
        sources
            .map(|one| (text(&one["source"]), text(&one["outcome"])))
            .collect()
    };
    changes.unwrap().iter().map(of).collect()
}

fn with(outcomes: [&str; 3]) -> Vec<(String, String)> {
    let each = SHARED.into_iter().zip(outcomes);
    each.map(|(source, outcome)| (source.to_owned(), outcome.to_owned()))
        .collect()
}

#[tokio::test]
async fn a_change_that_one_source_refuses_is_on_the_resource_and_explained_by_the_doctor() {
    let world = with_a_group("password_changes").await;
    let whole = world
        .tenant
        .change_password("ada.kaya", "Active Directory")
        .await;
    let (well, found) = doctor(&world, &[]).await;
    assert_eq!(well.status, 0, "{found}{}", well.stderr);
    assert_eq!(found["tenants"][0]["groups"][0]["changes"]["complete"], 1);
    let salesforce = world.tenant.source_id("Salesforce").await;
    let strict = world.tenant.put(
        "policies/2c91808d744ba0ce01746f93b62045ff",
        json!({
            "id": "2c91808d744ba0ce01746f93b62045ff", "name": "Salesforce Own", "minLength": 40,
        }),
    );
    strict.await;
    let demands = json!({"demands": "2c91808d744ba0ce01746f93b62045ff"});
    world.tenant.endpoint(&salesforce, demands).await;
    let partial = world.tenant.change_password("ada.kaya", "Workday").await;
    read_events(&world, "1m").await;
    let (kind, reason) = ("PasswordChangesHealthy", "PasswordChangesFailing");
    let said = world
        .wait_condition("shared", kind, "False", Some(reason))
        .await;
    let said = crate::support::world::said(&said, kind);
    assert!(
        said.contains("\"Salesforce\": 1 because the policy"),
        "{said}"
    );
    world.wait_ready("shared").await;

    let (ill, found) = doctor(&world, &[]).await;
    assert_eq!(ill.status, 2, "{found}");
    assert_eq!(outcomes(&found), [with(["changed", "failed", "changed"])]);
    let findings = found["tenants"][0]["groups"][0]["findings"]
        .as_array()
        .unwrap();
    let finding = findings
        .iter()
        .find(|one| one["check"] == "passwordChanges")
        .unwrap();
    assert_eq!(finding["source"], "Salesforce");
    assert_eq!(finding["ask"], "Ben Ortiz");
    let evidence = finding["evidence"].as_str().unwrap();
    assert!(
        evidence.contains("Salesforce Own"),
        "the tenant's own words: {evidence}"
    );

    let (proof, found) = doctor(&world, &["--change", &whole]).await;
    assert_eq!(outcomes(&found), [with(["changed"; 3])], "{found}");
    assert_eq!(proof.status, 0, "that one reached every source");
    let (no_proof, _) = doctor(&world, &["--change", &partial]).await;
    assert_eq!(no_proof.status, 2);
    let nobodys = world
        .kubectl(&["psg", "doctor", "--allow-insecure-tenants", "--change", "x"])
        .await;
    assert_eq!(nobodys.status, 1);
    assert!(
        nobodys.stderr.contains("look further back with --since"),
        "{}",
        nobodys.stderr
    );
    assert_eq!(
        world.tenant.writes().await.len(),
        1,
        "the create of the group"
    );
}

#[tokio::test]
async fn a_source_that_is_offline_is_being_tried_again_and_named_by_a_test_of_its_connection() {
    let world = with_a_group("password_changes_offline").await;
    let salesforce = world.tenant.source_id("Salesforce").await;
    world
        .tenant
        .endpoint(&salesforce, json!({"reachable": false}))
        .await;
    world
        .tenant
        .change_password("ada.kaya", "Active Directory")
        .await;
    let (ill, found) = doctor(&world, &["--test-connection"]).await;
    assert_eq!(ill.status, 2, "{found}{}", ill.stderr);
    assert_eq!(outcomes(&found), [with(["changed", "retrying", "changed"])]);
    let findings = found["tenants"][0]["groups"][0]["findings"]
        .as_array()
        .unwrap();
    let finding = findings
        .iter()
        .find(|one| one["check"] == "communication")
        .unwrap();
    assert_eq!(finding["source"], "Salesforce");
    let args = ["psg", "doctor", "shared", "--allow-insecure-tenants"];
    let text = world.kubectl(&args).await.stdout;
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(text.contains("+  ~  +"), "{text}");
}

#[tokio::test]
async fn a_token_that_may_not_search_is_said_on_both_resources_until_it_may() {
    let world = with_a_group("password_changes_scope").await;
    let mut scopes = vec![
        "idn:password-sync-group:manage",
        "idn:password-policy:read",
        "idn:sources:read",
        "idn:sources:manage",
        "idn:app-roles:read",
    ];
    world.tenant.credentials(json!({"scopes": scopes})).await;
    world.tenant.revoke_tokens().await;
    read_events(&world, "1m").await;
    let (kind, reason) = ("PasswordChangesHealthy", "AuditUnreadable");
    world
        .wait_condition("shared", kind, "Unknown", Some(reason))
        .await;
    world.wait_tenant("default", kind, "Unknown", reason).await;
    world.wait_ready("shared").await;
    let (unknown, found) = doctor(&world, &[]).await;
    assert_eq!(unknown.status, 1, "{found}");
    assert!(
        found["warnings"].to_string().contains("sp:search:read"),
        "{found}"
    );
    scopes.push("sp:search:read");
    world.tenant.credentials(json!({"scopes": scopes})).await;
    world.tenant.revoke_tokens().await;
    read_events(&world, "2m").await;
    world
        .wait_condition("shared", kind, "True", Some("NoFailures"))
        .await;
}
