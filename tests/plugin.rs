//! `kubectl psg` against a real API server: what it says is done is done, and what it cannot do right
//! it refuses.

use jiff::Timestamp;

use crate::support::{User, World, binaries, world::spec};

async fn world(name: &str) -> World {
    let world = World::still(name, "v1").start().await;
    world
        .apply_group("shared", &spec("Shared", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("shared").await;
    world
}

async fn annotation(world: &World, key: &str) -> Option<String> {
    let group = world.group("shared").await;
    let annotations = group.metadata.annotations.unwrap_or_default();
    annotations.get(key).cloned()
}

const PAUSED: &str = "passwordsync.dev/paused-until";

#[tokio::test]
async fn a_pause_is_stored_until_the_time_that_is_said_and_seen_in_the_table() {
    let world = world("plugin-pause").await;
    let before = Timestamp::now();
    let args = ["psg", "pause", "psg/shared", "--for", "2h"];
    let said = world.kubectl(&args).await.ok();
    let until = annotation(&world, PAUSED).await.unwrap();
    let told = "passwordsyncgroup.passwordsync.dev/shared: nothing is written to the tenant until ";
    assert_eq!(said, format!("{told}{until}\n"));
    let left = until.parse::<Timestamp>().unwrap().duration_since(before);
    assert!((7199..=7230).contains(&left.as_secs()), "{left}");
    world
        .wait_condition("shared", "Paused", "True", Some("Paused"))
        .await;

    let said = world.kubectl(&["psg", "resume", "shared"]).await.ok();
    assert!(said.ends_with("shared: no longer paused\n"), "{said}");
    assert_eq!(annotation(&world, PAUSED).await, None);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_refused_before_anything_is_sent() {
    let world = world("plugin-names").await;
    for name in [
        "shared/status",
        "psg/shared/status",
        "base/status",
        "../shared",
        "Shared",
    ] {
        let args = ["psg", "pause", name, "--for", "2h"];
        let said = world.kubectl(&args).await.refused();
        assert!(said.contains("for '<NAME>'"), "{name}: {said}");
    }
    assert_eq!(annotation(&world, PAUSED).await, None);
    let args = ["psg", "pause", "absent", "--for", "2h"];
    let said = world.kubectl(&args).await.refused();
    assert!(
        said.contains("there is no PasswordSyncGroup \"absent\""),
        "{said}"
    );
}

#[tokio::test]
async fn a_file_of_kubeconfig_that_is_not_there_is_passed_over() {
    let world = world("plugin-list").await;
    let there = world.plane.kubeconfig(User::Admin);
    let missing = there.with_file_name("no-such.kubeconfig");
    for list in [[&missing, &there], [&there, &missing]] {
        let list = std::env::join_paths(list).unwrap();
        let mut command = tokio::process::Command::new(binaries::own("kubectl-psg"));
        command.args(["reconcile", "shared", "-n", &world.namespace]);
        let output = command.env("KUBECONFIG", list).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
    }
}
