//! The samples of the repository, applied to a real server and made real in a tenant.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{User, World, binaries::repository, simulator};

fn sample(name: &str) -> String {
    let path: PathBuf = repository().join("config/samples").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

/// The believable tenant, with the names that the samples use.
fn seed() -> Value {
    let mut seed = simulator::acme();
    // The API reference writes it in one word, the guide in two.
    let source = json!({
        "id": "2c918084660f45d6016617daa9210584", "name": "ActiveDirectory",
        "type": "Active Directory - Direct", "connector": "active-directory",
        "features": ["PASSWORD"], "healthy": true, "status": "SOURCE_STATE_HEALTHY",
    });
    seed["sources"].as_array_mut().unwrap().push(source);
    seed
}

#[tokio::test]
async fn the_samples_of_the_kustomization_become_ready() {
    let world = World::still("samples", "v3").seed(seed()).start().await;
    for file in [
        "identitytenant.yaml",
        "shared_password.yaml",
        "developers.yaml",
    ] {
        world.kubectl(&["apply", "-f", &sample(file)]).await.ok();
    }
    world
        .wait_tenant("acme", "Ready", "False", "SecretNotFound")
        .await;
    // The sample's Secret, but for this tenant's address and token.
    world.apply_secret("acme-pat").await;
    let args = [
        "wait",
        "psg/shared-password",
        "psg/developers",
        "--for=condition=Ready",
        "--timeout=40s",
    ];
    world.kubectl(&args).await.ok();
    let shared = world.tenant.shown("Shared Password").await;
    assert_eq!(shared.policy, "Corporate Strong");
    assert_eq!(
        shared.sources,
        ["Active Directory", "Salesforce", "Workday"]
    );
    let developers = world.tenant.shown("Developers").await;
    assert_eq!(developers.policy, "Corporate Strong");
    assert_eq!(developers.sources, ["ActiveDirectory", "G Suite", "GitHub"]);
    assert_eq!(
        world.tenant.writes().await,
        vec!["POST /password-sync-groups"; 2]
    );
}

#[tokio::test]
async fn every_sample_is_accepted_by_the_server_as_it_is() {
    let world = World::still("samples-all", "v3")
        .without_operator()
        .start()
        .await;
    let folder = sample("");
    let args = ["apply", "-k", folder.trim_end_matches('/')];
    let kustomized = world.plane.kubectl(User::Admin, &world.namespace, &args);
    assert_eq!(kustomized.await.ok().lines().count(), 4);
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name != "kustomization.yaml")
        .collect();
    files.sort();
    assert_eq!(files.len(), 5);
    for file in files {
        let path = sample(&file);
        let args = ["apply", "--validate=strict", "-f", &path];
        let said = world.kubectl(&args).await;
        assert_eq!(said.stderr, "", "{file}: no warning");
        said.ok();
    }
}
