//! The walls of the house: which crate may name which, read from the manifests.
//!
//! A crate whose manifest has no `kube` cannot do Kubernetes IO, and the compiler sees to that. This
//! test sees to the manifests. Dev-dependencies are exempt: tests may look behind walls.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::support::binaries::repository;

/// Each crate of `src/` and `hack/`, and the crates of ours that it may name.
const ARROWS: [(&str, &[&str]); 10] = [
    ("psg-domain", &[]),
    ("psg-plan", &["psg-domain"]),
    ("psg-api", &["psg-domain"]),
    ("psg-identity", &["psg-domain"]),
    ("psg-snapshot", &["psg-domain", "psg-identity"]),
    (
        "psg-controller",
        &[
            "psg-api",
            "psg-domain",
            "psg-identity",
            "psg-plan",
            "psg-snapshot",
        ],
    ),
    (
        "psg-operator",
        &[
            "psg-api",
            "psg-controller",
            "psg-domain",
            "psg-identity",
            "psg-plan",
            "psg-snapshot",
        ],
    ),
    (
        "psg-plugin",
        &[
            "psg-api",
            "psg-domain",
            "psg-identity",
            "psg-plan",
            "psg-snapshot",
        ],
    ),
    // Shares no type with the client: a shared type hides the same mistake on both sides.
    ("identity-simulator", &[]),
    // Packs files, whatever they do.
    ("psg-image", &[]),
];

/// These know nothing of Kubernetes.
const WITHOUT_KUBERNETES: [&str; 6] = [
    "psg-domain",
    "psg-plan",
    "psg-identity",
    "psg-snapshot",
    "identity-simulator",
    "psg-image",
];
const KUBERNETES: [&str; 4] = ["kube", "kube-runtime", "kube-core", "k8s-openapi"];

/// These do no IO of any kind and do not wait.
const PURE: [&str; 2] = ["psg-domain", "psg-plan"];
const IO: [&str; 9] = [
    "tokio",
    "tokio-util",
    "futures",
    "async-trait",
    "reqwest",
    "axum",
    "http",
    "tracing",
    "rand",
];

/// Each crate of the workspace with the dependencies of its manifest, without those of tests.
fn manifests() -> BTreeMap<String, BTreeSet<String>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "metadata",
        "--no-deps",
        "--format-version=1",
        "--offline",
        "--locked",
    ]);
    let output = cargo.current_dir(repository()).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let named = package["dependencies"].as_array().unwrap().iter();
            let named = named.filter(|dependency| dependency["kind"] != "dev");
            (
                text(&package["name"]),
                named.map(|dependency| text(&dependency["name"])).collect(),
            )
        });
    packages.collect()
}

#[test]
fn a_crate_names_only_the_crates_below_it() {
    let manifests = manifests();
    let ours: BTreeSet<&String> = manifests.keys().collect();
    let expected: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<&str> = ours.iter().map(|name| name.as_str()).collect();
    let beside = found.difference(&expected).collect::<Vec<_>>();
    assert_eq!(
        beside,
        [&"psg-tests"],
        "a crate that this test does not know"
    );
    for (name, allowed) in ARROWS {
        for named in manifests[name].iter().filter(|named| ours.contains(named)) {
            let why = format!("{name} must not depend on {named}");
            assert!(allowed.contains(&named.as_str()), "{why}");
        }
    }
}

#[test]
fn only_some_crates_know_kubernetes() {
    none_of(&WITHOUT_KUBERNETES, &KUBERNETES);
}

#[test]
fn the_decisions_do_no_io() {
    none_of(&PURE, &IO);
}

fn none_of(crates: &[&str], forbidden: &[&str]) {
    let manifests = manifests();
    for name in crates {
        let found = forbidden
            .iter()
            .find(|what| manifests[*name].contains(**what));
        assert_eq!(found, None, "{name} must do without it");
    }
}
