//! An upgrade of the definitions: what is stored under those of the last release stays, and the operator
//! continues where it was, without a write to the tenant.
//!
//! `tests/upgrading/before` has the definitions of the last release; `make release` puts those of the
//! release there. Before the first release they are those of an earlier commit, cab6713.

use std::time::Duration;

use kube::{
    ResourceExt,
    api::{Api, DynamicObject},
};
use serde_json::{Value, json};

use crate::support::{
    ControlPlane, Operator, User,
    binaries::repository,
    kubernetes::{condition, ours},
    simulator::TenantSim,
    wait::wait_for,
};
const WAIT: Duration = Duration::from_mins(1);

async fn apply(plane: &ControlPlane, object: Value) {
    let args = ["apply", "--filename=-"];
    let text = object.to_string();
    let applied = plane.kubectl_with(User::Admin, "default", &args, &text);
    applied.await.ok();
}

async fn install(plane: &ControlPlane, folder: &str) {
    let folder = repository().join(folder);
    let args = ["apply", "--server-side", "--force-conflicts", "-f"];
    let args = [&args[..], &[folder.to_str().unwrap()]].concat();
    plane.kubectl(User::Admin, "default", &args).await.ok();
    for kind in ["identitytenants", "passwordsyncgroups"] {
        let crd = format!("crd/{kind}.passwordsync.dev");
        let args = ["wait", &crd, "--for=condition=Established", "--timeout=30s"];
        plane.kubectl(User::Admin, "default", &args).await.ok();
    }
}

async fn ready(groups: &Api<DynamicObject>, generation: i64) -> DynamicObject {
    wait_for("the group to be Ready", WAIT, async || {
        let group = groups.get("shared").await.map_err(|why| why.to_string())?;
        let ready = condition(&group, "Ready").is_some_and(|it| it["status"] == "True");
        let looked = group.data["status"]["observedGeneration"] == generation;
        if ready && looked {
            Ok(group)
        } else {
            Err(group.data.to_string())
        }
    })
    .await
}

#[tokio::test]
async fn what_is_stored_under_the_last_definitions_goes_on_under_the_new_ones() {
    // One of its own: others need the definitions as they are.
    let plane = ControlPlane::own().await;
    let kinds =
        ["identitytenants", "passwordsyncgroups"].map(|it| format!("{it}.passwordsync.dev"));
    let delete = ["delete", "crd", &kinds[0], &kinds[1]];
    plane.kubectl(User::Admin, "default", &delete).await.ok();
    install(&plane, "tests/upgrading/before").await;

    let tenant = TenantSim::acme("upgrading").await;
    apply(
        &plane,
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "acme"},
            "stringData": {"baseUrl": tenant.base_url, "clientId": tenant.client_id,
                "clientSecret": tenant.client_secret},
        }),
    )
    .await;
    apply(
        &plane,
        json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": "IdentityTenant",
            "metadata": {"name": "default"}, "spec": {"credentialsSecretRef": {"name": "acme"}},
        }),
    )
    .await;
    apply(
        &plane,
        json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
            "metadata": {"name": "shared"},
            "spec": {"name": "Shared", "passwordPolicyRef": {"name": "Corporate Strong"},
                "sourceRefs": [{"name": "Salesforce"}, {"name": "Workday"}]},
        }),
    )
    .await;
    let operator = Operator::start(&plane, "default").await;
    let client = plane.client(User::Admin).await;
    let groups = ours(&client, "default", "PasswordSyncGroup");
    let before = ready(&groups, 1).await;
    drop(operator);
    tenant.clear_ledger().await;

    install(&plane, "crds").await;
    let kept = groups.get("shared").await.unwrap();
    assert_eq!(kept.data, before.data, "nothing of it is lost");
    assert_eq!(kept.finalizers(), before.finalizers());
    let _operator = Operator::start(&plane, "default").await;
    // An edit shows that it is looked after again.
    let edit = r#"{"spec": {"managementPolicy": "OnChange"}}"#;
    let args = ["patch", "psg", "shared", "--type=merge", "-p", edit];
    plane.kubectl(User::Admin, "default", &args).await.ok();
    let after = ready(&groups, 2).await;
    assert_eq!(
        after.data["status"]["groupID"],
        before.data["status"]["groupID"]
    );
    assert_eq!(tenant.writes().await, [] as [&str; 0]);
}
