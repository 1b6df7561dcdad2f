//! `kubectl psg orphan` against a real API server: the one field is set, and the group stays in the tenant
//! when the resource goes.

use serde_json::json;

use crate::support::{User, World, world::spec};

#[tokio::test]
async fn a_group_that_was_orphaned_stays_when_its_resource_is_deleted() {
    let world = World::still("psg-orphan", "v1").start().await;
    let shared = spec("Shared Password", &["Salesforce", "Workday"]);
    world.apply_group("shared", &shared).await;
    world.wait_ready("shared").await;
    let before = world.tenant.shown("Shared Password").await;
    world.tenant.clear_ledger().await;
    let policy = async || world.group("shared").await.data["spec"]["deletionPolicy"].clone();

    let nobody = world.kubectl(&["psg", "orphan", "shared"]).await.refused();
    assert_eq!(
        nobody,
        format!(
            "error: standard input is no terminal, so nobody can confirm this: run `kubectl psg orphan shared -n {} \
             --yes`\n",
            &*world.namespace
        )
    );
    assert_eq!(policy().await, json!("Delete"));
    let args = ["psg", "orphan", "shared", "--yes"];
    let viewer = world
        .plane
        .kubectl(User::Viewer, &world.namespace, &args)
        .await;
    assert!(viewer.refused().contains("you may not do that"));
    assert_eq!(policy().await, json!("Delete"));

    let args = ["psg", "orphan", "psg/shared", "--yes"];
    let done = world.kubectl(&args).await;
    let meaning = done
        .stderr
        .split_whitespace()
        .collect::<Vec<&str>>()
        .join(" ");
    assert!(
        meaning.contains(&format!(
            "has group \"Shared Password\" ({}) of tenant {}: \"Salesforce\", \"Workday\" share policy \
             \"Corporate Strong\".",
            before.id, world.tenant.name
        )),
        "{meaning}"
    );
    assert!(
        done.stderr.lines().all(|line| line.chars().count() <= 80),
        "{done:?}"
    );
    let told = "passwordsyncgroup.passwordsync.dev/shared: deletionPolicy is Orphan";
    assert_eq!(
        done.ok(),
        format!("{told}; its deletion leaves the group in the tenant\n")
    );
    assert_eq!(policy().await, json!("Orphan"));
    let again = world.kubectl(&["psg", "orphan", "shared", "--yes"]).await;
    assert_eq!(again.ok(), format!("{told} already\n"));

    world.delete_group("shared").await;
    world.wait_gone("shared").await;
    assert_eq!(world.tenant.shown("Shared Password").await, before);
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    let absent = world
        .kubectl(&["psg", "orphan", "shared", "--yes"])
        .await
        .refused();
    assert!(
        absent.contains("there is no PasswordSyncGroup \"shared\""),
        "{absent}"
    );
}
