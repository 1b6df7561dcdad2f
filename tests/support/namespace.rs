//! A namespace of one test.
//!
//! In a control plane of our own it ends with everything else. On a cluster that was there before
//! us it is deleted, whatever finalizers a killed operator left, even if the test fails half-way.

use std::{
    fmt,
    ops::Deref,
    path::PathBuf,
    process::{Command, Stdio},
};

use k8s_openapi::api::core::v1;
use kube::{Api, api::PostParams};
use serde_json::json;

use super::{control_plane::ControlPlane, kubernetes::unique, users::User};

/// Its name, and what removes it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    /// kubectl and its kubeconfig, where something must be removed.
    remove_by: Option<(PathBuf, PathBuf)>,
}

impl ControlPlane {
    /// A new namespace with a unique name that begins with the given one.
    pub async fn namespace(&self, name: &str) -> Namespace {
        let name = unique(name);
        let object = json!({"metadata": {"name": name, "labels": {"psg-tests": "yes"}}});
        let object: v1::Namespace = serde_json::from_value(object).expect("a namespace");
        let namespaces: Api<v1::Namespace> = Api::all(self.client(User::Admin).await);
        let made = namespaces.create(&PostParams::default(), &object).await;
        made.expect("a namespace");
        let by = || {
            (
                self.kubectl_path().to_path_buf(),
                self.kubeconfig(User::Admin),
            )
        };
        Namespace {
            name,
            remove_by: self.is_existing().then(by),
        }
    }
}

impl Deref for Namespace {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let Some((kubectl, kubeconfig)) = &self.remove_by else {
            return;
        };
        let run = |args: &[&str]| {
            let mut command = Command::new(kubectl);
            command.args(args).args(["--namespace", &self.name]);
            command.env("KUBECONFIG", kubeconfig).stdin(Stdio::null());
            let output = command.output().map(|output| output.stdout);
            String::from_utf8_lossy(&output.unwrap_or_default()).into_owned()
        };
        run(&["delete", "namespace", &self.name, "--wait=false"]);
        let none = r#"{"metadata":{"finalizers":null}}"#;
        for held in run(&["get", "psg,idt,secrets", "--output=name"]).lines() {
            run(&["patch", held, "--type=merge", "--patch", none]);
        }
    }
}
