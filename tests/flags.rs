//! Every variable of the operator's flags, as a real process reads it: one that is empty counts as not
//! set, and one that cannot be right ends the process with the flag and the remedy.
//!
//! What each text means is a table in `src/operator/values/tests.rs`.

use std::{
    collections::BTreeSet,
    process::{Command, Output},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{Operator, World, binaries, kubernetes::ours, stays, world::spec};

/// A variable, its flag, a value that is refused, and a part of what is said.
const VARIABLES: [(&str, &str, &str, &str); 21] = [
    (
        "PSG_WATCH_NAMESPACES",
        "--watch-namespace",
        "a,b c",
        "\"b c\" is not the name of a namespace",
    ),
    ("PSG_LISTEN", "--listen", ":8080", "such as 0.0.0.0:8080"),
    (
        "PSG_METRICS_LISTEN",
        "--metrics-listen",
        "9090",
        "such as 0.0.0.0:8080",
    ),
    (
        "PSG_ALLOW_HOSTS",
        "--allow-host",
        "https://a.example/",
        "write a.example",
    ),
    (
        "PSG_ALLOW_INSECURE_TENANTS",
        "--allow-insecure-tenants",
        "ture",
        "neither true nor false",
    ),
    ("PSG_SETTLE", "--settle", "30", "such as 500ms"),
    ("PSG_CONFIRM_GAP", "--confirm-gap", "soon", "such as 500ms"),
    ("PSG_POST_TIMEOUT", "--post-timeout", "0s", "from 10ms"),
    (
        "PSG_CREDENTIALS_RETRY",
        "--credentials-retry",
        "-1s",
        "such as 500ms",
    ),
    (
        "PSG_PROBE_INTERVAL",
        "--probe-interval",
        "1",
        "such as 500ms",
    ),
    ("PSG_RESYNC", "--resync", "9000h", "to 8760h"),
    (
        "PSG_LEASE",
        "--lease",
        "ns/lease",
        "not the name of a Lease",
    ),
    (
        "PSG_LEASE_NAMESPACE",
        "--lease-namespace",
        "A",
        "not the name of a namespace",
    ),
    (
        "POD_NAME",
        "--lease-identity",
        "a b",
        "not a name for a replica",
    ),
    (
        "PSG_LEASE_DURATION",
        "--lease-duration",
        "x",
        "such as 500ms",
    ),
    ("PSG_LEASE_RENEW", "--lease-renew", "1ms", "from 10ms"),
    ("PSG_DRAIN", "--drain", "1d1", "such as 500ms"),
    (
        "PSG_AUDIT_LOG",
        "--audit-log",
        "stdout",
        "which may be ./stdout",
    ),
    (
        "PSG_AUDIT_ANNOTATIONS",
        "--audit-annotations",
        "a=b",
        "not the key of an annotation",
    ),
    (
        "PSG_LOG_FORMAT",
        "--log-format",
        "logfmt",
        "neither json nor text",
    ),
    (
        "RUST_LOG",
        "--log-level",
        "verbose",
        "off, error, warn, info, debug or trace",
    ),
];

/// Those that are judged after all flags are read: the value of the first is never repeated.
const JUDGED_LATER: [(&str, &str, &str, &str); 2] = [
    (
        "PSG_TENANT_PROXY",
        "--tenant-proxy",
        "user:hush@proxy.example",
        "give http://HOST:PORT",
    ),
    (
        "PSG_TENANT_CA",
        "--tenant-ca",
        "Cargo.lock",
        "holds no certificate",
    ),
];

/// Runs an operator that has no cluster, so it ends at once in any case.
fn run(variables: &[(&str, &str)], flags: &[&str]) -> Output {
    let mut command = Command::new(binaries::own("psg-operator"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("PSG_") || name.starts_with("KUBE") || name == "RUST_LOG" {
            command.env_remove(&*name);
        }
    }
    command.args(flags).envs(variables.iter().copied());
    command
        .env("KUBECONFIG", "no-such-kubeconfig")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_variable_that_cannot_be_right_ends_the_process_with_its_flag_and_the_remedy() {
    for (variable, flag, wrong, remedy) in VARIABLES {
        let ended = run(&[(variable, wrong)], &[]);
        let said = said(&ended);
        assert_eq!(ended.status.code(), Some(2), "{variable}={wrong}: {said}");
        assert!(
            said.contains(flag) && said.contains(remedy),
            "{variable}={wrong}: {said}"
        );
    }
}

#[test]
fn a_way_to_tenants_that_cannot_be_right_ends_the_process_without_repeating_it() {
    let lock = binaries::repository().join("Cargo.lock");
    for (variable, flag, wrong, remedy) in JUDGED_LATER {
        let wrong = match variable {
            "PSG_TENANT_CA" => lock.to_str().unwrap(),
            _ => wrong,
        };
        let ended = run(&[(variable, wrong)], &[]);
        let said = [ended.stdout.clone(), ended.stderr.clone()].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(flag) && said.contains(remedy), "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
    let missing = run(&[("PSG_TENANT_CA", "/no/such/file")], &[]);
    let said = [missing.stdout, missing.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.contains("--tenant-ca /no/such/file cannot be read: No such file"),
        "{said}"
    );
}

#[test]
fn a_variable_that_is_empty_counts_as_not_set() {
    for (variable, ..) in VARIABLES.into_iter().chain(JUDGED_LATER) {
        for empty in ["", " "] {
            let said = said(&run(&[(variable, empty)], &[]));
            // It came as far as without the variable.
            assert!(
                said.contains("no way to Kubernetes"),
                "{variable}={empty:?}: {said}"
            );
        }
    }
}

#[test]
fn no_variable_is_missing_in_the_table() {
    let help = run(&[], &["--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let named = help.split("[env: ").skip(1);
    let named: BTreeSet<&str> = named
        .map(|text| text.split(['=', ']']).next().unwrap())
        .collect();
    let all = VARIABLES.iter().chain(&JUDGED_LATER);
    let listed: BTreeSet<&str> = all.map(|row| row.0).collect();
    assert_eq!(named, listed);
}

#[test]
fn flags_that_do_not_fit_together_are_refused_with_both_names() {
    let insecure = ["--allow-host=10.0.0.1"];
    for (flags, parts) in [
        (&["--settle=5s"][..], ["--settle", "--post-timeout"]),
        (
            &["--lease=a", "--lease-duration=13s"],
            ["--lease-duration", "--lease-renew"],
        ),
        (
            &["--metrics-listen=0.0.0.0:8080"],
            ["--metrics-listen", "--listen"],
        ),
        (&insecure, ["--allow-host", "--allow-insecure-tenants"]),
    ] {
        let ended = run(&[], flags);
        let said = said(&ended);
        assert!(!ended.status.success(), "{flags:?}: {said}");
        for part in parts {
            assert!(said.contains(part), "{flags:?}: {said}");
        }
    }
}

/// A level that silences everything, which `warning` was before it was known.
#[test]
fn a_level_that_people_write_silences_nothing() {
    let said = said(&run(&[("RUST_LOG", "warning")], &[]));
    assert!(said.contains("no way to Kubernetes"), "{said}");
}

#[tokio::test]
async fn a_comma_too_many_does_not_make_the_operator_manage_every_namespace() {
    let world = World::v1("one-namespace").without_operator().start().await;
    let other = world.plane.namespace("not-watched").await;
    let list = format!(" {},", &*world.namespace);
    let listed = [("PSG_WATCH_NAMESPACES", list.as_str())];
    let operator = Operator::start_with(world.plane, &[], &[], &listed).await;
    let log = operator.log();
    let meant = format!("\"namespaces\":\"{}\"", &*world.namespace);
    assert!(log.contains(&meant), "{log}");
    let group = spec("Watched", &["Salesforce", "Workday"]);
    world.apply_group("watched", &group).await;
    world.apply_group_in(&other, "unseen", &group).await;
    world.wait_ready("watched").await;
    let unseen = ours(&world.client, &other, "PasswordSyncGroup");
    let untouched = async || {
        let group = unseen.get("unseen").await.unwrap();
        let status: Value = group.data["status"].clone();
        let free = group.metadata.finalizers.is_none();
        (free && status == json!({"observedGeneration": -1}))
            .then_some(())
            .ok_or_else(|| status.to_string())
    };
    stays(
        "a group of another namespace",
        Duration::from_secs(2),
        untouched,
    )
    .await;
}
