//! `kubectl psg uninstall` against a real API server and a real operator: what would wait for ever is
//! named, and by either way on nothing is left behind.

use kube::ResourceExt;
use serde_json::json;

use crate::support::{World, kubectl::Printed, world::spec};

/// A tenant, and two groups that are Ready.
async fn with_groups(name: &str) -> World {
    let world = World::v1(name).start().await;
    for (name, sources) in [
        ("one", ["Salesforce", "Workday"]),
        ("two", ["GitHub", "G Suite"]),
    ] {
        world.apply_group(name, &spec(name, &sources)).await;
        world.wait_ready(name).await;
    }
    world
}

async fn uninstall(world: &World, args: &[&str]) -> Printed {
    world.kubectl(&[&["psg", "uninstall"], args].concat()).await
}

/// Nothing of the namespace holds a finalizer of the operator.
async fn nothing_is_left(world: &World) {
    assert!(
        world
            .groups()
            .list(&kube::api::ListParams::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let tenant = world.tenants().get("default").await.unwrap();
    assert_eq!(tenant.finalizers(), [] as [&str; 0]);
    let secret = world.kubectl(&[
        "get",
        "secret",
        "tenant",
        "-o",
        "jsonpath={.metadata.finalizers}",
    ]);
    assert_eq!(secret.await.ok(), "");
    let checked = uninstall(world, &[]).await.ok();
    assert!(checked.contains("helm uninstall"), "{checked}");
}

#[tokio::test]
async fn a_check_names_what_would_wait_and_orphan_leaves_the_groups_in_the_tenant() {
    let world = with_groups("uninstall-orphan").await;
    let checked = uninstall(&world, &[]).await;
    assert_eq!(checked.status, 2, "{checked:?}");
    let place = |name: &str| format!("{}/{name}\n", &*world.namespace);
    for part in [
        &*format!("psg/{}", place("one")),
        &*format!("psg/{}", place("two")),
        &*format!("idt/{}", place("default")),
        &*format!("secret/{}", place("tenant")),
        "kubectl psg uninstall --orphan",
        "kubectl psg uninstall --delete",
    ] {
        assert!(checked.stdout.contains(part), "{part}: {}", checked.stdout);
    }
    let nobody = uninstall(&world, &["--orphan"]).await.refused();
    assert!(nobody.contains("--yes"), "{nobody}");
    assert_eq!(uninstall(&world, &[]).await, checked, "nothing was changed");

    world.tenant.clear_ledger().await;
    let done = uninstall(&world, &["--orphan", "--yes"]).await;
    let meaning = done.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        meaning.contains("This deletes 2 PasswordSyncGroups"),
        "{meaning}"
    );
    assert!(
        meaning.contains("The groups stay in their tenants"),
        "{meaning}"
    );
    done.ok();
    nothing_is_left(&world).await;
    assert!(world.tenant.group("one").await.is_some());
    assert!(world.tenant.group("two").await.is_some());
    assert_eq!(world.tenant.writes().await, [] as [&str; 0]);
}

#[tokio::test]
async fn delete_has_the_groups_deleted_unless_one_is_protected() {
    let world = with_groups("uninstall-delete").await;
    let protect = json!({"metadata": {"annotations": {"passwordsync.dev/protect": "true"}}});
    world.patch_group("two", protect).await;
    let refused = uninstall(&world, &["--delete", "--yes"]).await.refused();
    assert!(
        refused.contains(&format!(
            "psg/{}/two; nothing was changed",
            &*world.namespace
        )),
        "{refused}"
    );
    assert!(
        world
            .group("one")
            .await
            .metadata
            .deletion_timestamp
            .is_none()
    );

    let unprotect = json!({"metadata": {"annotations": {"passwordsync.dev/protect": null}}});
    world.patch_group("two", unprotect).await;
    uninstall(&world, &["--delete", "--yes"]).await.ok();
    nothing_is_left(&world).await;
    assert!(world.tenant.group("one").await.is_none());
    assert!(world.tenant.group("two").await.is_none());
}

#[tokio::test]
async fn without_an_operator_it_ends_in_time_and_says_what_is_left() {
    let mut world = with_groups("uninstall-alone").await;
    world.operator().kill9();
    let args = ["--delete", "--yes", "--timeout", "1s"];
    let late = uninstall(&world, &args).await.refused();
    let one = format!("psg/{}/one: ", &*world.namespace);
    assert!(late.contains(&one), "{late}");
    assert!(late.contains("Does the operator run?"), "{late}");
    let checked = uninstall(&world, &[]).await;
    assert!(checked.stdout.contains("being deleted: "), "{checked:?}");

    // A second run waits for the same deletions.
    world.restart().await;
    uninstall(&world, &["--delete", "--yes"]).await.ok();
    nothing_is_left(&world).await;
}
