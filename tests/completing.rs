//! `kubectl psg completion`: what bash and kubectl complete, with names from a real API server.

use std::{path::Path, time::Instant};

use tokio::process::Command;

use crate::support::{User, World, binaries, leash::Folder, world::spec};

/// What bash offers in place of the last word of a line, by the script that the plugin prints.
const IN_BASH: &str = r#"
source <(kubectl-psg completion bash) || exit 3
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
_clap_complete_kubectl_psg kubectl-psg "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
complete -p kubectl-psg >&2
printf '%s\n' "${COMPREPLY[@]}"
"#;

fn path(first: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(first.to_path_buf()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap()
}

async fn in_bash(kubeconfig: &Path, line: &[&str]) -> Option<Vec<String>> {
    let plugin = binaries::own("kubectl-psg");
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", IN_BASH, "bash"])
        .args(line)
        .env("PATH", path(plugin.parent().unwrap()))
        .env("KUBECONFIG", kubeconfig);
    let output = match bash.output().await {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: no bash: {error}");
            return None;
        }
    };
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("-F _clap_complete_kubectl_psg kubectl-psg"),
        "{said}"
    );
    assert_eq!(
        said.lines().count(),
        1,
        "nothing is printed into the line: {said}"
    );
    let offered = String::from_utf8(output.stdout).unwrap();
    Some(
        offered
            .lines()
            .map(str::to_owned)
            .filter(|line| !line.is_empty())
            .collect(),
    )
}

/// Two groups, whose names begin alike.
async fn world(name: &str) -> World {
    let world = World::builder(name).without_operator().start().await;
    let sources = ["Salesforce", "Workday"];
    world
        .apply_group("shared-one", &spec("One", &sources))
        .await;
    world
        .apply_group("shared-two", &spec("Two", &sources))
        .await;
    world
}

#[tokio::test]
async fn bash_completes_commands_flags_and_names_of_the_cluster() {
    let world = world("complete-bash").await;
    let kubeconfig = world.plane.kubeconfig(User::Viewer);
    let namespace = &*world.namespace;
    let Some(commands) = in_bash(&kubeconfig, &["kubectl-psg", "st"]).await else {
        return;
    };
    assert_eq!(commands, ["status"]);
    let offered = async |words: &[&str]| {
        let line = [&["kubectl-psg"], words].concat();
        in_bash(&kubeconfig, &line).await.unwrap()
    };
    let both = ["shared-one", "shared-two"];
    assert_eq!(offered(&["pause", "-n", namespace, "shared"]).await, both);
    assert_eq!(
        offered(&["orphan", "-n", namespace, "shared-t"]).await,
        ["shared-two"]
    );
    assert_eq!(
        offered(&["plan", "-n", namespace, "--delete", "s"]).await,
        both
    );
    assert_eq!(
        offered(&["diff", "-n", namespace, "--from", ""]).await,
        ["default"]
    );
    assert_eq!(
        offered(&["status", "-o", ""]).await,
        ["text", "json", "yaml"]
    );
    assert_eq!(
        offered(&["explain", "SourceSw"]).await,
        ["SourceSwapBlocked"]
    );
}

/// A cluster that takes the connection and says nothing must not hold up who presses the tab key.
#[tokio::test]
async fn a_cluster_that_does_not_answer_is_given_up_soon_and_in_silence() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = Folder::new("complete-silent");
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: c, cluster: {{server: 'http://{}'}}}}]\n\
         users: [{{name: u, user: {{token: t}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n",
        silent.local_addr().unwrap()
    );
    let kubeconfig = folder.write("config", &config);
    for kubeconfig in [kubeconfig, folder.path().join("no-such-file")] {
        let begin = Instant::now();
        let Some(offered) = in_bash(&kubeconfig, &["kubectl-psg", "resume", "s"]).await else {
            return;
        };
        assert_eq!(offered, Vec::<String>::new());
        // Two seconds, and what two busy cores add to that; a request may take thirty.
        assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn kubectl_completes_its_plugin_by_a_link_to_it() {
    let world = world("complete-kubectl").await;
    let plugin = binaries::own("kubectl-psg");
    let folder = Folder::new("complete-kubectl");
    std::os::unix::fs::symlink(&plugin, folder.path().join("kubectl-psg")).unwrap();
    std::os::unix::fs::symlink(&plugin, folder.path().join("kubectl_complete-psg")).unwrap();
    let offered = async |words: &[&str]| {
        let mut kubectl = Command::new(world.plane.kubectl_path());
        kubectl
            .args(["__complete", "psg"])
            .args(words)
            .env("PATH", path(folder.path()))
            .env("KUBECONFIG", world.plane.kubeconfig(User::Viewer));
        let output = kubectl.output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
        assert_eq!(lines.pop().as_deref(), Some(":4"), "{said}");
        lines
    };
    let namespace = &*world.namespace;
    let both = ["shared-one", "shared-two"];
    assert_eq!(offered(&["pause", "-n", namespace, "sh"]).await, both);
    assert_eq!(
        offered(&["reconcile", "-n", namespace, "psg/shared-t"]).await,
        ["psg/shared-two"]
    );
    let status = offered(&["stat"]).await;
    assert!(
        status[0].starts_with("status\tSay at a glance"),
        "{status:?}"
    );
}
