//! A group that is protected cannot be deleted before somebody takes the protection off.

use kube::{Api, api::DeleteParams};
use serde_json::{Value, json};

use crate::support::{World, kubectl::Printed, world::spec};

const PROTECT: &str = "passwordsync.dev/protect";

/// A Ready group, and a policy that the server enforces by now: it learns of one after a moment.
async fn protected(name: &str) -> World {
    let world = World::still(name, "v1").start().await;
    world
        .apply_group("corporate", &spec("Corporate", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("corporate").await;
    world
        .annotate_group("corporate", PROTECT, Some("true"))
        .await;
    world
        .wait("the policy to be enforced", async || {
            let tried = delete(&world, &["--dry-run=server"]).await;
            if tried.status == 0 {
                Err(tried.stdout)
            } else {
                Ok(())
            }
        })
        .await;
    world
}

async fn delete(world: &World, more: &[&str]) -> Printed {
    let args = [&["delete", "psg", "corporate", "--wait=false"], more].concat();
    world.kubectl(&args).await
}

#[tokio::test]
async fn kubectl_delete_is_refused_with_what_would_become_of_the_sources_and_how_to_go_on() {
    let world = protected("protect").await;
    let refused = delete(&world, &[]).await;
    assert_ne!(refused.status, 0);
    for words in [
        "PasswordSyncGroup \"corporate\" is protected",
        "deletes the group \"Corporate\" in the tenant",
        "the passwords of these sources are independent of each other: Salesforce, Workday",
        &format!(
            "kubectl annotate psg corporate -n {} passwordsync.dev/protect-",
            &*world.namespace
        ),
    ] {
        assert!(
            refused.stderr.contains(words),
            "{words}: {}",
            refused.stderr
        );
    }
    let group = world.group("corporate").await;
    assert_eq!(group.metadata.deletion_timestamp, None);

    // What it says helps.
    let off = ["annotate", "psg", "corporate", "passwordsync.dev/protect-"];
    world.kubectl(&off).await.ok();
    delete(&world, &[]).await.ok();
    world.wait_gone("corporate").await;
    assert_eq!(world.tenant.group("Corporate").await, None);
}

/// The server leaves out what is longer than 5 KiB or has a line feed, and says nothing of any group.
#[tokio::test]
async fn however_long_the_names_are_it_is_said_what_would_become_of_it() {
    let world = protected("protect_long").await;
    let name = |n: usize| format!("{n:03}\n{}", "\u{540d}".repeat(100));
    let refs: Vec<Value> = (0..100).map(|n| json!({"name": name(n)})).collect();
    let long = json!({
        "name": "\u{540d}".repeat(128), "passwordPolicyRef": {"name": "Corporate Strong"},
        "sourceRefs": refs,
    });
    world.apply_group("corporate", &long.to_string()).await;
    let refused = delete(&world, &[]).await;
    assert_ne!(refused.status, 0);
    for words in [
        "000 ",
        "009 ",
        "... and 90 more",
        "passwordsync.dev/protect-",
    ] {
        assert!(
            refused.stderr.contains(words),
            "{words}: {}",
            refused.stderr
        );
    }
    assert!(!refused.stderr.contains("010 "), "{}", refused.stderr);

    let orphan = json!({"spec": {"name": "Corporate", "deletionPolicy": "Orphan"}});
    world.patch_group("corporate", orphan).await;
    let refused = delete(&world, &[]).await.stderr;
    let words = "leaves the group \"Corporate\" in the tenant as it is";
    assert!(refused.contains(words), "{refused}");
}

#[tokio::test]
async fn another_value_protects_nothing() {
    let world = protected("protect-not").await;
    world
        .annotate_group("corporate", PROTECT, Some("false"))
        .await;
    delete(&world, &[]).await.ok();
    world.wait_gone("corporate").await;
}

#[tokio::test]
async fn a_namespace_with_a_protected_group_waits_until_the_protection_is_off() {
    use k8s_openapi::api::core::v1::Namespace;
    let world = protected("protect-ns").await;
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    let (name, params) = (world.namespace.to_string(), DeleteParams::default());
    namespaces.delete(&name, &params).await.unwrap();
    world
        .wait("the namespace to say what holds it", async || {
            let found = namespaces.get(&name).await.map_err(|why| why.to_string())?;
            let said = format!("{:?}", found.status);
            if said.contains("is protected") {
                Ok(())
            } else {
                Err(said)
            }
        })
        .await;
    let group = world.group("corporate").await;
    assert_eq!(group.metadata.deletion_timestamp, None);
    world.annotate_group("corporate", PROTECT, None).await;
    world
        .wait("the namespace to end", async || {
            let found = namespaces.get_opt(&name).await;
            let found = found.map_err(|why| why.to_string())?;
            found.map_or(Ok(()), |left| Err(format!("{:?}", left.status)))
        })
        .await;
    assert_eq!(world.tenant.group("Corporate").await, None);
}
