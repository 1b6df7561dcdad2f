//! The workflows of the public CI: valid, pinned, and calling what the Makefile has.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::binaries::{repository, tool};

fn text(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap()
}

/// Each workflow by its name, as text.
fn workflows() -> BTreeMap<String, String> {
    let entries = fs::read_dir(repository().join(".github/workflows")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let all: BTreeMap<_, _> = names
        .map(|name| (name.clone(), text(&format!(".github/workflows/{name}"))))
        .collect();
    assert!(all.contains_key("test.yaml") && all.contains_key("release.yaml"));
    all
}

/// Each job of each workflow.
fn jobs() -> Vec<(String, Value)> {
    let each = workflows().into_iter().flat_map(|(file, text)| {
        let workflow: Value = serde_saphyr::from_str(&text).unwrap();
        // Nothing that a job does not ask for: the token of a run may otherwise write.
        assert_eq!(
            workflow["permissions"],
            serde_json::json!({"contents": "read"}),
            "{file}"
        );
        let jobs = workflow["jobs"].as_object().unwrap().clone().into_iter();
        jobs.map(move |(name, job)| (format!("{file}: {name}"), job))
    });
    each.collect()
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().into_iter().flatten()
}

/// Every line that a job runs.
fn commands(job: &Value) -> Vec<&str> {
    let runs = steps(job).filter_map(|step| step["run"].as_str());
    runs.flat_map(str::lines).map(str::trim).collect()
}

#[test]
fn actionlint_finds_nothing() {
    let mut actionlint = Command::new(tool("actionlint"));
    // Where shellcheck is installed it would be asked as well: no two machines would check the same.
    actionlint.args(["-shellcheck=", "-pyflakes=", "-no-color"]);
    let output = actionlint
        .current_dir(repository())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn what_others_wrote_is_pinned_by_its_whole_hash() {
    let mut pinned = 0;
    for (file, text) in workflows() {
        for line in text.lines() {
            let Some((_, used)) = line.split_once("uses: ") else {
                continue;
            };
            if used.starts_with("./") {
                continue;
            }
            let (_, version) = used.split_once('@').unwrap();
            let (hash, version) = version.split_once(" # v").unwrap_or((version, ""));
            let whole = hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(whole && !version.is_empty(), "{file}: {used}");
            pinned += 1;
        }
    }
    assert!(pinned > 10, "{pinned}");
}

#[test]
fn one_base_and_one_toolchain_everywhere() {
    let dockerfile = text("Dockerfile");
    let froms: Vec<_> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM "))
        .collect();
    let [build, "scratch"] = froms[..] else {
        panic!("two stages, and nothing below the second: {froms:?}");
    };
    let base = build.split(' ').find(|word| word.contains('@')).unwrap();
    let (name, digest) = base.split_once("@sha256:").unwrap();
    assert_eq!(digest.len(), 64, "{base}");
    let makefile = text("Makefile");
    let rust = makefile
        .lines()
        .find_map(|line| line.strip_prefix("RUST_VERSION := "))
        .unwrap();
    let (minor, _) = rust.rsplit_once('.').unwrap();
    assert_eq!(name, format!("rust:{minor}-bookworm"));
    assert!(text("Cargo.toml").contains(&format!("rust-version = \"{minor}\"\n")));
    let containers: Vec<_> = jobs()
        .into_iter()
        .filter_map(|(_, job)| job["container"].as_str().map(str::to_owned))
        .collect();
    assert!(containers.len() > 2);
    assert!(
        containers.iter().all(|container| container == base),
        "{containers:?}"
    );
    for (name, job) in jobs() {
        for step in steps(&job) {
            let Some(go) = step["with"]["go-version"].as_str() else {
                continue;
            };
            let modules = text("hack/tools/go.mod");
            assert!(modules.contains(&format!("\ngo {go}.")), "{name}");
        }
    }
}

#[test]
fn a_job_runs_targets_that_there_are_and_a_job_that_publishes_runs_none() {
    let makefile = text("Makefile");
    let mut called = Vec::new();
    for (name, job) in jobs() {
        let publishes = ["packages", "contents", "id-token"]
            .iter()
            .any(|right| job["permissions"][right] == "write");
        for command in commands(&job) {
            let Some(target) = command.strip_prefix("make ") else {
                continue;
            };
            let (target, _) = target.split_once(' ').unwrap_or((target, ""));
            assert!(
                makefile.contains(&format!("\n{target}:")),
                "{name}: make {target}"
            );
            assert!(
                !publishes,
                "{name} builds where the right to publish is: make {target}"
            );
            called.push(command.to_owned());
        }
    }
    for needed in [
        "make verify",
        "make image",
        "make image-check",
        "make deny",
        "make lint-workflows",
    ] {
        assert!(
            called.iter().any(|found| found == needed),
            "nothing runs {needed}"
        );
    }
    assert!(called.iter().any(|found| found.starts_with("make fuzz ")));
    // Each archive that the manifest of krew names is built by some job.
    let krew = text("hack/krew/psg.yaml");
    let platforms = krew.split("@SHA256_").skip(1);
    for platform in platforms.filter_map(|rest| rest.split('@').next()) {
        let build = format!("make plugin PLATFORM={platform}");
        assert!(called.contains(&build), "nothing runs {build}");
    }
}
