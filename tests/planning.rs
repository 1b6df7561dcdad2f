//! `kubectl psg plan`: what it says is what the operator then does, and it writes nothing itself.

use std::process::{Command, Output};

use crate::support::{binaries, leash::Folder, simulator::TenantSim, world::World};

const NEW: &str = "
name: Shared Password
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesforce}, {name: Workday}]
";
const THERE: &str = "
name: Support Tools
adoptionPolicy: Overwrite
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Zendesk}, {name: Box}]
";
const TYPO: &str = "
name: Typo
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesfroce}, {name: Box}]
";

fn manifest(name: &str, spec: &str) -> String {
    let spec = spec.trim().replace('\n', "\n  ");
    format!(
        "apiVersion: passwordsync.dev/v1alpha1\nkind: PasswordSyncGroup\nmetadata: {{name: {name}}}\n\
         spec:\n  {spec}\n---\n"
    )
}

/// Runs it without a cluster, over these manifests.
async fn plan(tenant: &TenantSim, secret: &str, manifests: &str) -> Output {
    let folder = Folder::new("plan");
    let file = folder.path().join("groups.yaml");
    std::fs::write(&file, manifests).unwrap();
    let mut command = Command::new(binaries::own("kubectl-psg"));
    command
        .args(["plan", "--allow-insecure-tenants", "-f"])
        .arg(&file)
        .env("KUBECONFIG", "/nowhere")
        .env("SAIL_BASE_URL", &tenant.base_url)
        .env("SAIL_CLIENT_ID", &tenant.client_id)
        .env("SAIL_CLIENT_SECRET", secret);
    let output = tokio::task::spawn_blocking(move || command.output());
    output.await.unwrap().unwrap()
}

/// The same with the tenant's own secret.
async fn plan_of(tenant: &TenantSim, manifests: &str) -> Output {
    plan(tenant, &tenant.client_secret, manifests).await
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test]
async fn a_plan_says_what_the_operator_then_writes_and_writes_nothing() {
    let mut world = World::builder("planning").without_operator().start().await;
    let both = manifest("shared", NEW) + &manifest("support", THERE);
    let before = plan_of(&world.tenant, &both).await;
    let text = said(&before);
    assert_eq!(before.status.code(), Some(2), "{text}");
    for line in [
        "default/shared:",
        "  create group \"Shared Password\"",
        "      + Salesforce",
        "      + Workday",
        "  adopt group \"Support Tools\" (6881f631-3bd5-4213-9c75-8e05cc3e35dd)",
        "        was      Cloud Standard",
        "        will be  Corporate Strong",
        "1 to create, 1 to adopt, 1 to update, 0 to delete, 0 policies to assign; 0 refused",
        "Nothing was written.",
    ] {
        assert!(text.lines().any(|said| said == line), "{line}\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    world.restart().await;
    world.apply_group("shared", NEW).await;
    world.apply_group("support", THERE).await;
    world.wait_ready("shared").await;
    world.wait_ready("support").await;
    let mut writes = world.tenant.writes().await;
    writes.sort();
    assert_eq!(
        writes,
        [
            "POST /password-sync-groups",
            "PUT /password-sync-groups/{id}",
        ]
    );
    let after = plan_of(&world.tenant, &both).await;
    let rest = "0 to create, 2 to adopt, 0 to update, 0 to delete, 0 policies to assign; 0 refused";
    assert!(said(&after).contains(rest), "{}", said(&after));
    assert_eq!(world.tenant.writes().await.len(), 2);
}

#[tokio::test]
async fn what_a_rule_refuses_and_what_cannot_be_read_have_codes_of_their_own() {
    let tenant = TenantSim::acme("plan-refused").await;
    let refused = plan_of(&tenant, &manifest("typo", TYPO)).await;
    let text = said(&refused);
    assert_eq!(refused.status.code(), Some(3), "{text}");
    assert!(text.contains("did you mean \"Salesforce\"?"), "{text}");
    assert!(text.contains("refused, SourceNotFound"), "{text}");
    let denied = plan(&tenant, "mistyped", &manifest("shared", NEW)).await;
    let error = String::from_utf8(denied.stderr).unwrap();
    assert_eq!(denied.status.code(), Some(1));
    assert!(error.contains("a token that is valid"), "{error}");
    assert!(
        !error.contains("wrong") && !error.contains("not-a-secret"),
        "{error}"
    );
    let empty = plan_of(
        &tenant,
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
    )
    .await;
    let error = String::from_utf8(empty.stderr).unwrap();
    assert!(
        error.contains("no PasswordSyncGroup in these files"),
        "{error}"
    );
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}
