//! The manifest of `kubectl psg` for krew: filled in by the script that a release runs, it has what krew
//! requires of a plugin.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{binaries::repository, leash::Folder};

/// Contents of archives, with their SHA-256 (FIPS 180-2 has both).
const ARCHIVES: [(&str, &str, &str); 3] = [
    (
        "linux_amd64",
        "abc",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ),
    (
        "linux_arm64",
        "",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    (
        "darwin_arm64",
        "abc",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ),
];

fn fill(args: &[&str]) -> Output {
    let mut bash = Command::new("bash");
    bash.arg(repository().join("hack/krew/fill.sh")).args(args);
    bash.output().unwrap()
}

#[test]
fn a_release_gets_a_manifest_that_krew_takes() {
    let folder = Folder::new("krew");
    for (platform, content, _) in ARCHIVES {
        folder.write(&format!("kubectl-psg_{platform}.tar.gz"), content);
    }
    let filled = fill(&["1.2.3", folder.path().to_str().unwrap()]);
    let text = String::from_utf8(filled.stdout).unwrap();
    assert!(
        filled.status.success(),
        "{}",
        String::from_utf8_lossy(&filled.stderr)
    );
    assert!(!text.contains('@'), "a placeholder is left: {text}");
    let plugin: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(
        plugin["apiVersion"],
        "krew.googlecontainertools.github.com/v1alpha2"
    );
    assert_eq!(plugin["kind"], "Plugin");
    assert_eq!(
        plugin["metadata"]["name"], "psg",
        "kubectl-psg without the prefix"
    );
    let spec = &plugin["spec"];
    assert_eq!(spec["version"], "v1.2.3");
    let short = spec["shortDescription"].as_str().unwrap();
    // The index asks for this, so that `kubectl krew search` has it in one line.
    assert!(
        (1..=50).contains(&short.len()) && !short.ends_with('.'),
        "{short}"
    );
    assert!(!short.contains('\n'), "{short}");
    let manifest = std::fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let home = spec["homepage"].as_str().unwrap();
    assert!(
        manifest.contains(&format!("repository = \"{home}\"")),
        "{home}"
    );
    let platforms = spec["platforms"].as_array().unwrap();
    assert_eq!(platforms.len(), ARCHIVES.len());
    for (platform, (name, _, checksum)) in platforms.iter().zip(ARCHIVES) {
        let (os, arch) = name.split_once('_').unwrap();
        assert_eq!(
            platform["selector"],
            json!({"matchLabels": {"os": os, "arch": arch}})
        );
        let uri = format!("{home}/releases/download/v1.2.3/kubectl-psg_{name}.tar.gz");
        assert_eq!(platform["uri"], json!(uri));
        assert_eq!(platform["sha256"], checksum);
        assert_eq!(platform["bin"], "kubectl-psg");
    }
}

#[test]
fn what_is_missing_is_named() {
    let folder = Folder::new("krew-errors");
    let place = folder.path().to_str().unwrap();
    for (args, remedy) in [
        (&["1.2.3", place][..], "build it first"),
        (&["v1.2.3", place], "not a version such as 1.2.3"),
        (&["1.2.3"], "give the version and the folder"),
    ] {
        let wrong = fill(args);
        let said = String::from_utf8(wrong.stderr).unwrap();
        assert_eq!(wrong.status.code(), Some(1), "{said}");
        assert!(
            said.contains(remedy) && said.lines().count() == 1,
            "{remedy}: {said}"
        );
        assert!(wrong.stdout.is_empty());
    }
}
