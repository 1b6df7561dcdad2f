//! Where the programs are: the workspace's own, and those of the control plane.
//!
//! What is missing is built, once for each run, and says on stderr how long that takes.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::Instant,
};

use serde_json::Value;

/// The folder of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ is in the repository")
}

/// A program of this workspace, built from what is in the tree.
///
/// `PSG_TEST_BIN_DIR` names a folder with programs that are to be used instead.
pub fn own(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| match std::env::var_os("PSG_TEST_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => build_own(),
    });
    let path = folder.join(name);
    assert!(path.exists(), "there is no {}", path.display());
    path
}

/// A program of the control plane: `etcd`, `kube-apiserver`, `kube-controller-manager`, `kubectl`.
pub fn of_cluster(name: &str) -> PathBuf {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let given = assets.map(|folder| folder.join(name));
    given
        .filter(|path| path.exists())
        .unwrap_or_else(|| built("cluster").join(name))
}

/// A tool from `hack/tools`: `helm`, `kustomize`, `kubeconform`, `promtool`.
pub fn tool(name: &str) -> PathBuf {
    built("tools").join(name)
}

/// A program of `hack/gitops`: `kstatus`, `flux`, `lua`.
pub fn gitops(name: &str) -> PathBuf {
    built("gitops").join(name)
}

/// `hack/<what>/bin`, complete.
fn built(what: &str) -> PathBuf {
    static CLUSTER: OnceLock<PathBuf> = OnceLock::new();
    static TOOLS: OnceLock<PathBuf> = OnceLock::new();
    static GITOPS: OnceLock<PathBuf> = OnceLock::new();
    let once = match what {
        "cluster" => &CLUSTER,
        "tools" => &TOOLS,
        _ => &GITOPS,
    };
    let folder = once.get_or_init(|| {
        let bin = repository().join("hack").join(what).join("bin");
        if !bin.join(".built").exists() {
            eprintln!("hack/{what}/bin is not there: `make {what}` builds it now");
            let mut make = Command::new("make");
            // What make prints is progress, and stdout is not ours.
            make.arg(what).current_dir(repository());
            make.stdout(std::io::stderr()).stdin(Stdio::null());
            let status = make.status().expect("make is installed");
            assert!(status.success(), "`make {what}` failed: {status}");
        }
        bin
    });
    folder.clone()
}

fn build_own() -> PathBuf {
    eprintln!("building the programs of this workspace (two minutes at first, then a second)");
    let begin = Instant::now();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--workspace", "--bins", "--locked"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(repository())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    // Under `cargo run` and `cargo test` these are about this package; build scripts that look at
    // them, and all that stands on them, would be built anew.
    for (name, _) in std::env::vars_os() {
        let about = |prefix| name.to_string_lossy().starts_with(prefix);
        if about("CARGO_PKG_") || about("CARGO_MANIFEST_") || about("CARGO_CRATE_") {
            cargo.env_remove(&name);
        }
    }
    let mut cargo = cargo.spawn().expect("cargo is installed");
    let messages = BufReader::new(cargo.stdout.take().expect("its output"));
    let mut folder = None;
    for line in messages.lines() {
        let message: Value = serde_json::from_str(&line.expect("UTF-8")).unwrap_or_default();
        let executable = message["executable"].as_str().map(Path::new);
        folder = folder.or_else(|| executable?.parent().map(Path::to_path_buf));
    }
    let status = cargo.wait().expect("a child of ours");
    assert!(status.success(), "cargo build --workspace --bins: {status}");
    eprintln!("built in {:.1?}", begin.elapsed());
    folder.expect("cargo named no program")
}
