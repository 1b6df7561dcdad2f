//! A copy of the project with every bug in it, built once.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::catalogue::{self, Bug};

/// In whose tests the programs are.
const CRATES: [&str; 4] = ["psg-plan", "psg-identity", "psg-controller", "psg-operator"];

const SWITCH: &str = r#"
/// Whether this planted bug is on.
pub fn planted(bug: &str) -> bool {
    static ON: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| std::env::var("PSG_PLANTED").unwrap_or_default());
    *ON == bug
}
"#;

/// The test programs of the copy, by crate.
pub fn programs(root: &Path, bugs: &[Bug]) -> BTreeMap<String, PathBuf> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let copy = target.join("planted");
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output();
    let listed = listed.expect("git ls-files").stdout;
    let files = listed
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    for file in files.map(|name| std::str::from_utf8(name).expect("a name in UTF-8")) {
        let Ok(bytes) = fs::read(root.join(file)) else {
            continue; // deleted, and not committed
        };
        let Ok(text) = String::from_utf8(bytes) else {
            continue; // no source text
        };
        let mut text = catalogue::splice(file, &text, bugs).unwrap_or_else(|why| panic!("{why}"));
        if file == "src/domain/lib.rs" {
            text.push_str(SWITCH);
        }
        let to = copy.join(file);
        // What is as it was keeps its time, so that little is built anew.
        if fs::read_to_string(&to).is_ok_and(|there| there == text) {
            continue;
        }
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::write(&to, text).expect("a file of the copy");
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "test",
        "--locked",
        "--lib",
        "--no-run",
        "--message-format=json-render-diagnostics",
    ]);
    for name in CRATES {
        cargo.args(["--package", name]);
    }
    // Of its own: cargo takes the crates of two copies for the same, and either for the other's.
    cargo.env("CARGO_TARGET_DIR", copy.join("target"));
    let built = cargo
        .current_dir(&copy)
        .stderr(std::process::Stdio::inherit())
        .output();
    let built = built.expect("cargo");
    assert!(
        built.status.success(),
        "the copy with the bugs does not build"
    );
    let messages = built.stdout.split(|byte| *byte == b'\n');
    messages
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter_map(|message| {
            let executable = message["executable"].as_str()?.into();
            let name = message["target"]["name"].as_str()?.replace('_', "-");
            Some((name, executable))
        })
        .collect()
}
