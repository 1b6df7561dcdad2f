//! `kubectl psg diff`: two simulated tenants compared by names, with a cluster that knows both and without one.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{binaries, leash::Folder, simulator::TenantSim, users::User, world::World};

/// Runs it without a cluster; each tenant has a file of credentials.
async fn diff(tenants: &[(&str, &TenantSim)], more: &[&str]) -> Output {
    let folder = Folder::new("diff");
    let mut command = Command::new(binaries::own("kubectl-psg"));
    command
        .args(["diff", "--allow-insecure-tenants"])
        .args(more);
    for (name, tenant) in tenants {
        let content = format!(
            "SAIL_BASE_URL={}\nSAIL_CLIENT_ID={}\nSAIL_CLIENT_SECRET={}\n",
            tenant.base_url, tenant.client_id, tenant.client_secret
        );
        let file = folder.write(&format!("{name}.env"), &content);
        command.args(["--tenant", &format!("{name}={}", file.display())]);
    }
    command
        .env("KUBECONFIG", "/nowhere")
        .env_remove("SAIL_BASE_URL");
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    drop(folder);
    output
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const SIDES: [&str; 4] = ["--from", "prod", "--to", "staging"];

#[tokio::test]
async fn two_tenants_differ_by_what_was_changed_in_one() {
    let prod = TenantSim::acme("diff-prod").await;
    let staging = TenantSim::acme("diff-staging").await;
    let tenants = [("prod", &prod), ("staging", &staging)];
    let same = diff(&tenants, &SIDES).await;
    assert_eq!(
        same.status.code(),
        Some(0),
        "{}{}",
        said(&same),
        complained(&same)
    );
    assert!(
        said(&same).contains("Groups: 1 equal, 0 different, 0 only in prod"),
        "{}",
        said(&same)
    );

    prod.someone_adds("Shared", "Corporate Strong", &["Salesforce", "Workday"])
        .await;
    let strong = staging.policy_id("Corporate Strong").await;
    staging
        .someone_edits("Support Tools", json!({"passwordPolicyId": strong}))
        .await;
    staging
        .edit_source("Workday", json!({"name": "Workday HR"}))
        .await;
    let text = diff(&tenants, &SIDES).await;
    assert_eq!(
        text.status.code(),
        Some(2),
        "{}{}",
        said(&text),
        complained(&text)
    );
    for line in [
        "- Shared",
        "~ Support Tools",
        "    policy   - Cloud Standard",
        "             + Corporate Strong",
        "staging lacks, for groups of prod",
        "  source \"Workday\": none has that name",
        "      for \"Shared\"",
        "Groups: 0 equal, 1 different, 1 only in prod, 0 only in staging.",
    ] {
        assert!(
            said(&text).lines().any(|found| found == line),
            "{line}\n{}",
            said(&text)
        );
    }
    assert!(
        said(&text).lines().all(|line| line.chars().count() <= 80),
        "{}",
        said(&text)
    );
    let json = diff(&tenants, &[&SIDES[..], &["-o", "json"]].concat()).await;
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        document["onlyInFrom"][0]["sources"],
        json!(["Salesforce", "Workday"])
    );
    assert_eq!(document["lacks"]["to"][0]["name"], "Workday");
    for tenant in [&prod, &staging] {
        assert_eq!(tenant.writes().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_cannot_be_compared_is_an_error_with_a_remedy() {
    let prod = TenantSim::acme("diff-errors").await;
    let twice = [("prod", &prod), ("staging", &prod)];
    for (tenants, args, remedy) in [
        (&twice[..], &SIDES[..], "lead to one tenant"),
        (&twice[..1], &SIDES, "add --tenant staging=FILE"),
        (&[], &SIDES, "set SAIL_BASE_URL"),
        (&twice, &["--from", "prod"], "--to <TENANT>"),
    ] {
        let wrong = diff(tenants, args).await;
        let error = complained(&wrong);
        assert!(!wrong.status.success(), "{error}");
        assert!(error.contains(remedy), "{remedy}: {error}");
        assert!(!error.contains(&prod.client_secret), "{error}");
    }
}

#[tokio::test]
async fn with_a_cluster_the_names_are_those_of_identity_tenants() {
    let world = World::builder("diff-cluster")
        .without_operator()
        .start()
        .await;
    let other = TenantSim::acme("diff-other").await;
    let content = json!({"baseUrl": other.base_url, "clientId": other.client_id,
        "clientSecret": other.client_secret});
    world.apply_secret_with("other", content).await;
    world.apply_tenant("staging", "other", json!({})).await;
    world.apply_tenant("again", "tenant", json!({})).await;
    other.someone_removes("Support Tools").await;
    let psg = async |user: User, args: &[&str]| {
        let args = [&["psg", "diff", "--allow-insecure-tenants"], args].concat();
        world.plane.kubectl(user, &world.namespace, &args).await
    };
    let found = psg(
        User::Admin,
        &["--from", "default", "--to", "staging", "-o", "yaml"],
    )
    .await;
    assert_eq!(found.status, 2, "{found:?}");
    let document: Value = serde_saphyr::from_str(&found.stdout).unwrap();
    assert_eq!(document["from"]["namespace"], json!(&*world.namespace));
    assert_eq!(document["onlyInFrom"][0]["name"], "Support Tools");
    for (user, to, remedy) in [
        (
            User::Admin,
            "absent",
            "there is no IdentityTenant \"absent\"",
        ),
        (User::Admin, "again", "lead to one tenant"),
        (User::Viewer, "staging", "you may not read Secret"),
    ] {
        let wrong = psg(user, &["--from", "default", "--to", to]).await;
        assert_eq!(wrong.status, 1, "{wrong:?}");
        assert!(wrong.stderr.contains(remedy), "{remedy}: {wrong:?}");
    }
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
}
