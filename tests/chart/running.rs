//! The container of the chart, as a process: with the chart's arguments, environment and account against
//! a real API server on which Helm installed the chart, it leads and makes a group.

use std::{process::Command, time::Duration};

use serde_json::{Value, json};

use super::{args_of, one, pod, printed};
use crate::support::{
    ControlPlane, User, binaries,
    kubernetes::http,
    leash::{Folder, Leashed},
    logs, ports,
    simulator::TenantSim,
    wait::wait_for,
};
/// What a simulated tenant at loopback needs beside the defaults.
const VALUES: [&str; 2] = [
    "--set=allowHosts={127.0.0.1}",
    "--set=extraArgs={--allow-insecure-tenants}",
];
const WAIT: Duration = Duration::from_mins(1);

/// A kubeconfig of the chart's account, by a token as a pod gets it.
fn of_the_account(admin: &str, token: &str) -> String {
    let mut config: Value = serde_json::from_str(admin).unwrap();
    config["users"][0]["user"] = json!({"token": token.trim()});
    // A pod knows its own namespace.
    config["contexts"][0]["context"]["namespace"] = json!("psg-system");
    config.to_string()
}

#[tokio::test]
async fn the_container_of_the_chart_does_the_main_job_with_its_own_account() {
    let plane = ControlPlane::own().await;
    let kubectl = async |args: &[&str]| plane.kubectl(User::Admin, "psg-system", args).await.ok();
    // Helm takes over nothing that was there before.
    let own = "--selector=app.kubernetes.io/name=psg-operator";
    let kinds =
        ["identitytenants", "passwordsyncgroups"].map(|it| format!("{it}.passwordsync.dev"));
    kubectl(&["delete", "crd", &kinds[0], &kinds[1]]).await;
    kubectl(&["delete", super::install::THERE, own]).await;
    let config = plane.kubeconfig(User::Admin);
    let to = [
        "--namespace=psg-system",
        "--kubeconfig",
        config.to_str().unwrap(),
    ];
    let install = ["install", "psg-operator", "charts/psg-operator"];
    printed("helm", &[&install[..], &VALUES, &to].concat());

    let rendered = ["template", "psg-operator", "charts/psg-operator", to[0]];
    let rendered = printed("helm", &[&rendered[..], &VALUES].concat());
    let objects: Vec<Value> = serde_saphyr::from_multiple(&rendered).unwrap();
    let account = pod(&objects)["serviceAccountName"].as_str().unwrap();
    assert_eq!(one(&objects, "ServiceAccount")["metadata"]["name"], account);
    let token = kubectl(&["create", "token", account]).await;
    let admin = kubectl(&[
        "config",
        "view",
        "--raw",
        "--flatten",
        "--minify",
        "-o",
        "json",
    ])
    .await;
    let folder = Folder::new("chart-container");
    let kubeconfig = folder.write("kubeconfig", &of_the_account(&admin, &token));

    let listen = ports::free();
    let args = args_of(&objects).into_iter().map(|arg| {
        // The port of the pod, on this machine alone.
        let port = arg.strip_prefix("--listen=");
        port.map_or_else(|| arg.to_owned(), |_| format!("--listen={listen}"))
    });
    let mut command = Command::new(binaries::own("psg-operator"));
    command.args(args).env("KUBECONFIG", &kubeconfig);
    for variable in pod(&objects)["containers"][0]["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        let field = &variable["valueFrom"]["fieldRef"]["fieldPath"];
        let value = match field.as_str() {
            Some("metadata.name") => "psg-operator-0",
            None => variable["value"].as_str().unwrap(),
            Some(other) => panic!("what is {other} of a pod?"),
        };
        command.env(name, value);
    }
    let log = logs::into_file(&mut command, &folder, "psg-operator");
    let mut process = Leashed::start(&mut command);
    wait_for("the container to lead", WAIT, async || {
        if let Some(status) = process.ended() {
            panic!("it ended: {status}\n{}", logs::tail(&log, 20));
        }
        let url = format!("http://{listen}/readyz");
        let answer = http()
            .get(url)
            .send()
            .await
            .map_err(|why| why.to_string())?;
        let said = answer.text().await.map_err(|why| why.to_string())?;
        if said == "leading\n" {
            Ok(())
        } else {
            Err(said)
        }
    })
    .await;
    let holder = kubectl(&[
        "get",
        "lease",
        "psg-operator",
        "-o",
        "jsonpath={.spec.holderIdentity}",
    ]);
    let holder = holder.await;
    assert!(holder.starts_with("psg-operator-0_"), "{holder}");

    let tenant = TenantSim::acme("chart-container").await;
    let apply = async |object: Value| {
        let args = ["apply", "--filename=-"];
        let text = object.to_string();
        let applied = plane.kubectl_with(User::Admin, "default", &args, &text);
        applied.await.ok();
    };
    apply(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "acme"},
        "stringData": {"baseUrl": tenant.base_url, "clientId": tenant.client_id,
            "clientSecret": tenant.client_secret},
    }))
    .await;
    apply(json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": "IdentityTenant",
        "metadata": {"name": "default"}, "spec": {"credentialsSecretRef": {"name": "acme"}},
    }))
    .await;
    apply(json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
        "metadata": {"name": "shared"},
        "spec": {"name": "Shared", "passwordPolicyRef": {"name": "Corporate Strong"},
            "sourceRefs": [{"name": "Salesforce"}, {"name": "Workday"}]},
    }))
    .await;
    let ready = [
        "wait",
        "psg/shared",
        "--for=condition=Ready",
        "--timeout=60s",
    ];
    let ready = plane.kubectl(User::Admin, "default", &ready).await;
    assert_eq!(ready.status, 0, "{ready:?}\n{}", logs::tail(&log, 20));
    assert!(tenant.group("Shared").await.is_some());
    let delete = ["delete", "psg/shared", "--timeout=60s"];
    let deleted = plane.kubectl(User::Admin, "default", &delete).await;
    assert_eq!(deleted.status, 0, "{deleted:?}\n{}", logs::tail(&log, 20));
    assert!(tenant.group("Shared").await.is_none());
    let lines = std::fs::read_to_string(&log).unwrap();
    let audited = lines
        .lines()
        .filter(|line| line.contains("\"operation\":\"createGroup\""));
    assert_eq!(audited.count(), 1, "the audit trail is on standard output");
}
