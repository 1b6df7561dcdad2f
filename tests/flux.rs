//! The apply engine of Flux on a real API server, with the real operator: what it waits for, where it
//! ends at once, and what it undoes.

use serde_json::{Value, json};

use crate::support::{
    World,
    gitops::Applied,
    world::{said, spec},
};

mod deleting;

const PAUSED: &str = "passwordsync.dev/paused-until";
const LATER: &str = "2100-01-01T00:00:00Z";
/// For what cannot become ready.
const BRIEF: &str = "4s";

fn group(name: &str, spec: &str) -> String {
    let spec: Value = serde_json::from_str(spec).unwrap();
    let group = json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
        "metadata": {"name": name}, "spec": spec,
    });
    group.to_string()
}

fn good() -> String {
    group("good", &spec("Good", &["Salesforce", "Workday"]))
}

/// A Secret, a tenant and a group in one commit.
fn commit(world: &World) -> String {
    let mut of_acme: Value =
        serde_json::from_str(&spec("Good", &["Salesforce", "Workday"])).unwrap();
    of_acme["tenantRef"] = json!({"name": "acme"});
    let tenant = json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": "IdentityTenant",
        "metadata": {"name": "acme"},
        "spec": {"credentialsSecretRef": {"name": "acme-pat"}, "identityAPIVersion": "v1"},
    });
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "acme-pat"},
        "stringData": {
            "baseUrl": world.tenant.base_url, "clientId": world.tenant.client_id,
            "clientSecret": world.tenant.client_secret,
        },
    });
    // The group first: no order is needed.
    [
        group("good", &of_acme.to_string()),
        tenant.to_string(),
        secret.to_string(),
    ]
    .join("\n---\n")
}

#[track_caller]
fn status<'a>(applied: &'a Applied, name: &str) -> &'a str {
    let mut found = applied
        .objects
        .iter()
        .filter(|(subject, _)| subject.ends_with(name));
    &found
        .next()
        .unwrap_or_else(|| panic!("{name}: {applied:#?}"))
        .1
        .status
}

#[track_caller]
fn action<'a>(applied: &'a Applied, name: &str) -> &'a str {
    let mut found = applied
        .actions
        .iter()
        .filter(|(subject, _)| subject.ends_with(name));
    found
        .next()
        .unwrap_or_else(|| panic!("{name}: {applied:#?}"))
        .1
}

#[tokio::test]
async fn flux_waits_until_a_tenant_and_its_groups_are_current_whatever_their_order() {
    let world = World::v1("flux").start().await;
    let commit = commit(&world);
    let applied = world.flux_ok("apply", &commit).await;
    for name in ["/acme-pat", "/acme", "/good"] {
        assert_eq!(
            (action(&applied, name), status(&applied, name)),
            ("created", "Current")
        );
    }
    assert_eq!(
        said(&world.group("good").await, "Ready").split(':').next(),
        Some("True InSync")
    );
    assert!(world.tenant.group("Good").await.is_some());

    // What people and the operator write beside the manifest is nobody's drift.
    world
        .annotate_group("good", "passwordsync.dev/reconcile-at", Some("now"))
        .await;
    world.annotate_group("good", PAUSED, Some(LATER)).await;
    world.wait_condition("good", "Paused", "True", None).await;
    let applied = world.flux_ok("apply", &commit).await;
    for name in ["/acme", "/good"] {
        assert_eq!(action(&applied, name), "unchanged", "{applied:#?}");
    }
    world.annotate_group("good", PAUSED, None).await;

    // What somebody edited by hand is undone, in the cluster and then in the tenant.
    let edit = [
        "patch",
        "psg",
        "good",
        "--type=merge",
        "--patch",
        r#"{"spec": {"name": "By hand"}}"#,
    ];
    world.kubectl(&edit).await.ok();
    world.wait_ready("good").await;
    assert!(world.tenant.group("By hand").await.is_some());
    let applied = world.flux_ok("apply", &commit).await;
    assert_eq!(
        (action(&applied, "/good"), status(&applied, "/good")),
        ("configured", "Current")
    );
    assert!(world.tenant.group("Good").await.is_some());
    assert!(world.tenant.group("By hand").await.is_none());
}

#[tokio::test]
async fn flux_ends_at_once_where_a_person_must_act_and_waits_while_it_is_paused() {
    let world = World::still("flux-failed", "v1").start().await;
    let bad = group("bad", &spec("Bad", &["ServiceNow", "GitHub"]));
    // Far longer than it takes: the engine does not wait for its end.
    let applied = world.flux("apply", "1h", &bad).await;
    assert!(
        applied.error.contains("/bad status: 'Failed'"),
        "{}",
        applied.error
    );
    assert_eq!(status(&applied, "/bad"), "Failed");
    let said = applied.objects.values().next().unwrap();
    assert_eq!(said.message, psg_plan::Reason::PasswordNotSupported.act());

    world.flux_ok("apply", &good()).await;
    world.annotate_group("good", PAUSED, Some(LATER)).await;
    world.wait_condition("good", "Paused", "True", None).await;
    let renamed = group("good", &spec("Renamed", &["Salesforce", "Workday"]));
    let applied = world.flux("apply", BRIEF, &renamed).await;
    assert!(
        applied.error.contains("/good status: 'InProgress'"),
        "{}",
        applied.error
    );
    assert!(world.tenant.group("Renamed").await.is_none());
    world.annotate_group("good", PAUSED, None).await;
    let applied = world.flux_ok("apply", &renamed).await;
    assert_eq!(
        (action(&applied, "/good"), status(&applied, "/good")),
        ("unchanged", "Current")
    );
}
