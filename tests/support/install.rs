//! What an installation puts into a cluster: both kinds, the rights of `config/rbac`
//! and the policies of `config/admission`.
//!
//! The rights are the repository's own files; only who gets them differs: users in place of a
//! service account, of which the operator's has the account's name. So a right that is missing there
//! fails a test here.

use std::{path::PathBuf, time::Duration};

use kube::{Client, api::DynamicObject};
use serde_json::{Value, json};

use super::{
    binaries::repository,
    control_plane::ControlPlane,
    kubernetes::{api_of, apply_value},
    users::User,
    wait::wait_for,
};

/// Installs all of it, and waits until both kinds can be used.
pub async fn everything(plane: &ControlPlane) {
    let client = plane.client(User::Admin).await;
    let namespace = repository().join("config/default/namespace.yaml");
    let folders = ["crds", "config/rbac", "config/admission"];
    let files_of_all = folders.into_iter().flat_map(files);
    for file in std::iter::once(namespace).chain(files_of_all) {
        for object in documents(&file) {
            if let Some(object) = ours(object) {
                apply(&client, "default", object).await;
            }
        }
    }
    for (user, role) in [
        (User::Viewer, "view"),
        (User::Editor, "edit"),
        (User::Confined, "psg-operator"),
    ] {
        let name = format!("psg-tests-{}", user.name());
        apply(
            &client,
            "default",
            binding("ClusterRoleBinding", &name, role, user),
        )
        .await;
    }
    for kind in files("crds").iter().flat_map(documents) {
        established(&client, kind).await;
    }
}

/// The right to read Secrets in one namespace, as an installation for single namespaces gives it.
pub async fn secret_rights(client: &Client, namespace: &str) {
    let group = "rbac.authorization.k8s.io";
    let name = "psg-operator-secrets";
    let role = json!({
        "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": {"name": name},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
    });
    apply(client, namespace, role).await;
    let mut binding = binding("RoleBinding", name, name, User::Confined);
    binding["roleRef"]["kind"] = json!("Role");
    apply(client, namespace, binding).await;
}

/// The Lease's rights in a namespace where a test runs the operator.
pub async fn lease_rights(client: &Client, namespace: &str) {
    for object in documents(&repository().join("config/rbac/lease.yaml")) {
        if object["kind"] == "Role" {
            let name = object["metadata"]["name"]
                .as_str()
                .expect("a name")
                .to_owned();
            apply(client, namespace, object).await;
            let mut binding = binding("RoleBinding", &name, &name, User::Operator);
            binding["roleRef"]["kind"] = json!("Role");
            apply(client, namespace, binding).await;
        }
    }
}

/// What of a manifest belongs into a cluster of tests, and how.
fn ours(mut object: Value) -> Option<Value> {
    let name = object["metadata"]["name"].as_str()?.to_owned();
    match object["kind"].as_str()? {
        "ClusterRoleBinding" => {
            let role = object["roleRef"]["name"].as_str()?.to_owned();
            let name = format!("psg-tests-{name}");
            Some(binding("ClusterRoleBinding", &name, &role, User::Operator))
        }
        "Role" | "RoleBinding" | "Kustomization" => None,
        _ => {
            object["metadata"]["name"] = json!(name);
            Some(object)
        }
    }
}

fn binding(kind: &str, name: &str, role: &str, user: User) -> Value {
    let group = "rbac.authorization.k8s.io";
    json!({
        "apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user.name()}],
    })
}

async fn established(client: &Client, kind: Value) {
    let kind: DynamicObject = serde_json::from_value(kind).expect("an object");
    let Some(types) = kind
        .types
        .filter(|types| types.kind == "CustomResourceDefinition")
    else {
        return;
    };
    let api = api_of(client, &types, "")
        .await
        .expect("definitions are served");
    let name = kind.metadata.name.expect("a name");
    wait_for(
        format!("{name} to be established"),
        Duration::from_mins(2),
        async || {
            let found = api.get(&name).await.map_err(|why| why.to_string())?;
            let conditions = &found.data["status"]["conditions"];
            let is = |kind: &str| {
                let all = conditions.as_array().into_iter().flatten();
                all.clone()
                    .any(|one| one["type"] == kind && one["status"] == "True")
            };
            if is("Established") && is("NamesAccepted") {
                Ok(())
            } else {
                Err(conditions.to_string())
            }
        },
    )
    .await;
}

async fn apply(client: &Client, namespace: &str, object: Value) {
    let what = format!("{} {}", object["kind"], object["metadata"]["name"]);
    let applied = apply_value(client, namespace, object).await;
    applied.unwrap_or_else(|why| panic!("cannot apply {what}: {why}"));
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository().join(folder));
    let entries = entries.unwrap_or_else(|why| panic!("{folder}: {why}"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .filter(|path| !path.ends_with("kustomization.yaml"))
        .collect();
    paths.sort();
    paths
}

fn documents(file: &PathBuf) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("a manifest");
    serde_saphyr::from_multiple(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
}
