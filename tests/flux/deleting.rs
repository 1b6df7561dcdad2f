//! What Flux's engine deletes: how long it waits, what it leaves alone, and how a group comes back.

use serde_json::{Value, json};

use super::{BRIEF, LATER, PAUSED, action, good, status};
use crate::support::World;

#[tokio::test]
async fn flux_sees_a_deletion_end_when_the_operator_has_let_go() {
    let world = World::still("flux-delete", "v1").start().await;
    world.flux_ok("apply", &good()).await;
    world.annotate_group("good", PAUSED, Some(LATER)).await;
    world.wait_condition("good", "Paused", "True", None).await;
    let meanwhile = async {
        world
            .wait_group("good", "its deletion", |group| {
                group.metadata.deletion_timestamp.is_some()
            })
            .await;
        // A later commit that wants it back does not get it back, and is not done either.
        let wanted = world.flux("apply", BRIEF, &good()).await;
        assert_eq!(status(&wanted, "/good"), "Terminating");
        let waited = "/good status: 'Terminating'";
        assert!(wanted.error.contains(waited), "{}", wanted.error);
        world.annotate_group("good", PAUSED, None).await;
    };
    let manifest = good();
    let (gone, ()) = tokio::join!(world.flux_ok("delete", &manifest), meanwhile);
    assert_eq!(
        (action(&gone, "/good"), status(&gone, "/good")),
        ("deleted", "NotFound")
    );
    assert!(world.tenant.group("Good").await.is_none());
}

/// docs/gitops.md says what to do if a commit took groups away by mistake.
#[tokio::test]
async fn flux_gets_a_group_back_that_the_brake_holds_by_a_revert_with_orphan() {
    let held = json!({
        "readInterval": "1h", "identityAPIVersion": "v1", "deletionBrake": {"max": 0, "percent": 0},
    });
    let world = World::builder("flux-revert")
        .tenant_spec(held)
        .start()
        .await;
    world.flux_ok("apply", &good()).await;
    let before = world.status("good").await["groupID"].clone();
    world.tenant.clear_ledger().await;
    let going = world.flux("delete", BRIEF, &good()).await;
    assert_eq!(status(&going, "/good"), "Terminating");
    world.wait_reason("good", "DeletionPaused").await;

    // A revert alone brings nothing back.
    let reverted = world.flux("apply", BRIEF, &good()).await;
    assert_eq!(status(&reverted, "/good"), "Terminating");
    let mut orphan: Value = serde_json::from_str(&good()).unwrap();
    orphan["spec"]["deletionPolicy"] = json!("Orphan");
    world.flux("apply", BRIEF, &orphan.to_string()).await;
    world.wait_gone("good").await;

    let back = world.flux_ok("apply", &orphan.to_string()).await;
    assert_eq!(
        (action(&back, "/good"), status(&back, "/good")),
        ("created", "Current")
    );
    world.flux_ok("apply", &good()).await;
    let now = world.status("good").await;
    assert_eq!(
        (&now["groupID"], &now["origin"]),
        (&before, &json!("Adopted"))
    );
    let policy = &world.group("good").await.data["spec"]["deletionPolicy"];
    assert_eq!(policy, "Delete");
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn flux_deletes_neither_what_is_protected_nor_what_it_is_told_to_keep() {
    let world = World::still("flux-protect", "v1").start().await;
    world.flux_ok("apply", &good()).await;
    world
        .annotate_group("good", "passwordsync.dev/protect", Some("true"))
        .await;
    world
        .wait("the policy to be enforced", async || {
            let tried = world
                .kubectl(&["delete", "psg", "good", "--dry-run=server"])
                .await;
            if tried.status == 0 {
                Err(tried.stdout)
            } else {
                Ok(())
            }
        })
        .await;
    let kept = world.flux("delete", BRIEF, &good()).await;
    assert!(
        kept.error
            .contains("PasswordSyncGroup \"good\" is protected"),
        "{}",
        kept.error
    );
    assert_eq!(status(&kept, "/good"), "Current");

    world
        .annotate_group("good", "passwordsync.dev/protect", None)
        .await;
    world
        .annotate_group(
            "good",
            "kustomize.toolkit.fluxcd.io/prune",
            Some("disabled"),
        )
        .await;
    let kept = world.flux_ok("delete", &good()).await;
    assert_eq!(
        (action(&kept, "/good"), status(&kept, "/good")),
        ("skipped", "Current")
    );
    let group = world.group("good").await;
    assert_eq!(group.metadata.deletion_timestamp, None);
}
