//! The definitions of both kinds: `kubectl apply -f crds/` installs them and nothing else, and an
//! operator that runs without them says which are missing.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    chart::root,
    support::{ControlPlane, Operator, User, binaries::repository, wait_for},
};

const BOTH: [&str; 2] = [
    "identitytenants.passwordsync.dev",
    "passwordsyncgroups.passwordsync.dev",
];

/// Well below `--drain`, which is for what is in hand.
const AT_ONCE: Duration = Duration::from_secs(5);

#[test]
fn the_folder_of_definitions_has_nothing_else_that_kubectl_would_apply() {
    let mut applied = Vec::new();
    for entry in fs::read_dir(root().join("crds")).unwrap() {
        let path = entry.unwrap().path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if !["yaml", "yml", "json"].map(Some).contains(&ending) {
            // For `kubectl apply -k`, which `kubectl apply -f` passes over.
            assert_eq!(path.file_name().unwrap(), "Kustomization");
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        for document in documents {
            assert_eq!(
                document["kind"],
                "CustomResourceDefinition",
                "{}",
                path.display()
            );
            applied.push(document["metadata"]["name"].as_str().unwrap().to_owned());
        }
    }
    applied.sort();
    assert_eq!(applied, BOTH);
}

#[tokio::test]
async fn an_operator_without_definitions_names_them_and_goes_on_once_they_are_applied() {
    // One of its own: others need the definitions.
    let plane = ControlPlane::own().await;
    let kubectl = async |args: &[&str]| plane.kubectl(User::Admin, "default", args).await.ok();
    let [tenants, groups] = BOTH;
    kubectl(&["delete", "crd", tenants, groups]).await;
    let args = ["psg", "reconcile", "any"];
    let said = plane.kubectl(User::Admin, "default", &args).await.refused();
    assert!(
        said.contains("install psg-operator's definitions"),
        "{said}"
    );
    let mut operator = Operator::spawn(&plane, &[], &[], &[]);
    let says = async |text: &str| {
        wait_for(text, Duration::from_mins(1), async || {
            let log = operator.log();
            log.contains(text).then_some(()).ok_or(log)
        })
        .await;
    };
    says(&format!("no definition of {tenants} and {groups}")).await;
    says("kubectl apply --server-side -f crds/").await;

    // One that has no list in hand yet has nothing to end either.
    let mut early = Operator::spawn(&plane, &[], &[], &[]);
    wait_for("its first lists", Duration::from_mins(1), async || {
        let log = early.log();
        log.contains("no definition of").then_some(()).ok_or(log)
    })
    .await;
    let began = Instant::now();
    assert!(early.terminate().await.success());
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());

    let folder = repository().join("crds");
    let folder = folder.to_str().unwrap();
    let applied = kubectl(&["apply", "-f", folder]).await;
    for name in BOTH {
        assert!(applied.contains(&format!("{name} created")), "{applied}");
    }
    says("the definitions of both kinds are there now").await;
    operator.wait_ready().await;
    // And over what is there, by the server.
    kubectl(&["apply", "--server-side", "--force-conflicts", "-f", folder]).await;
}
