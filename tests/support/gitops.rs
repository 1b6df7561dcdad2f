//! What GitOps tools make of our objects: kstatus, the Lua of Argo CD and the apply engine of Flux,
//! each behind a program of `hack/gitops`.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{User, World, binaries};

/// A word for how far an object is, and what is said about it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// Such as `InProgress`, or `Progressing`.
    pub status: String,
    /// The words for a person.
    #[serde(default)]
    pub message: String,
}

/// What became of manifests that Flux's engine applied or deleted, by `Kind/namespace/name`.
#[derive(Debug, Deserialize)]
pub struct Applied {
    /// `created`, `configured`, `unchanged`, `deleted` or `skipped`.
    pub actions: BTreeMap<String, String>,
    /// What kstatus says of each object at the end.
    pub objects: BTreeMap<String, Verdict>,
    /// Why the engine failed, or what it waited for in vain; empty if all went well.
    pub error: String,
}

/// What kstatus says of each object.
pub fn kstatus(objects: &[Value]) -> Vec<Verdict> {
    run(
        Command::new(binaries::gitops("kstatus")),
        &json!(objects).to_string(),
    )
}

/// What a Lua script of Argo CD returns for each object.
pub fn lua<T: DeserializeOwned>(script: &str, objects: &[Value]) -> Vec<T> {
    let asked = json!({"script": script, "objects": objects});
    run(Command::new(binaries::gitops("lua")), &asked.to_string())
}

impl World {
    /// Applies (`apply`) or deletes (`delete`) manifests with Flux's engine, and waits as Flux does:
    /// for as long as `timeout` says, such as `2s`.
    pub async fn flux(&self, command: &str, timeout: &str, manifests: &str) -> Applied {
        let mut flux = Command::new(binaries::gitops("flux"));
        flux.env("KUBECONFIG", self.plane.kubeconfig(User::Admin));
        flux.args([
            "--namespace",
            &self.namespace,
            "--timeout",
            timeout,
            command,
        ]);
        let manifests = manifests.to_owned();
        let ended = tokio::task::spawn_blocking(move || run(flux, &manifests)).await;
        ended.expect("flux")
    }

    /// The same, which must go well within minutes.
    pub async fn flux_ok(&self, command: &str, manifests: &str) -> Applied {
        let applied = self.flux(command, "3m", manifests).await;
        assert_eq!(applied.error, "", "{applied:#?}");
        applied
    }
}

/// Runs a program that reads all of its input before it answers.
fn run<T: DeserializeOwned>(mut command: Command, input: &str) -> T {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let mut pipe = child.stdin.take().expect("its standard input");
    pipe.write_all(input.as_bytes()).expect("it reads");
    drop(pipe);
    let output = child.wait_with_output().expect("a child of ours");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|why| panic!("{command:?}: {why}: {said}"))
}
