//! What must stay for the groups stays: the IdentityTenant and its Secret, from before the first group
//! is made until the last is undone.

use std::{sync::Arc, time::Duration};

use kube::ResourceExt;
use psg_api::names;
use serde_json::json;

use super::{
    process::{Life, Process},
    scenarios::spec,
    tenant::small,
    world::World,
};

const A_WHILE: Duration = Duration::from_mins(10);

/// A process at rest, whose watch shows what happens a minute later.
async fn at_rest() -> (Arc<World>, Process) {
    let world = World::new(small(3, &json!({}), &json!("none"), 7));
    let life = Life {
        lag: Duration::from_mins(1),
        ..Life::default()
    };
    let process = Process::start(&world, life);
    tokio::time::sleep(A_WHILE).await;
    (world, process)
}

fn is_held(world: &World) -> bool {
    let tenant = world.cluster.tenants.get("default");
    tenant.is_some_and(|tenant| tenant.finalizers().iter().any(|held| held == names::IN_USE))
}

#[tokio::test(start_paused = true)]
async fn a_tenant_and_its_secret_are_held_before_a_group_is_made_and_let_go_after_the_last() {
    let (world, _process) = at_rest().await;
    assert!(!is_held(&world), "nobody needs it");
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(A_WHILE).await;
    assert!(world.quiet() && is_held(&world), "{}", world.story());
    let story = world.trace();
    let first = |what: &str| story.iter().position(|line| line.contains(what)).unwrap();
    let made = first("tenant: POST /v3/password-sync-groups");
    assert!(first("tenant Some(\"default\") finalizers [\"passwordsync.dev/in-use\"]") < made);
    assert_eq!(
        world.cluster.secret().metadata.finalizers.unwrap(),
        [names::IN_USE]
    );
    world.cluster.delete("g");
    tokio::time::sleep(A_WHILE).await;
    assert!(!is_held(&world), "{}", world.story());
    let left = world.cluster.secret().metadata.finalizers;
    assert_eq!(left.unwrap_or_default(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_another_hand_changes_meanwhile_is_held_at_once() {
    let (world, _process) = at_rest().await;
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_secs(50)).await;
    let (key, value) = ("of-another", Some("hand".to_owned()));
    world.cluster.tenants.annotate("default", key, value);
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert!(is_held(&world), "{}", world.story());
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_made_again_is_not_held_on_behalf_of_the_old_one() {
    let (world, _process) = at_rest().await;
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_secs(50)).await;
    world.cluster.remove_tenant_by_force();
    world.make_tenant();
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert!(!is_held(&world), "{}", world.story());
    tokio::time::sleep(A_WHILE).await;
    assert!(world.quiet() && is_held(&world), "{}", world.story());
}
