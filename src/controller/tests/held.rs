//! What must stay for the groups stays: the IdentityTenant and its Secret, from before the first group
//! is made until the last is undone.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use kube::ResourceExt;
use psg_api::{IdentityTenant, PasswordSyncGroup, names};
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

/// A group that holds nothing, since it is paused, in a tenant that is held and deleted by hand.
async fn tenant_is_deleted() -> (Arc<World>, Process) {
    let (world, process) = at_rest().await;
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    let long = (world.clock)() + SignedDuration::from_hours(24);
    let long = Some(long.to_string());
    world
        .cluster
        .groups
        .annotate("g", names::PAUSED_UNTIL, long);
    tokio::time::sleep(A_WHILE).await;
    let tenants = &world.cluster.tenants;
    let tenant = tenants.get("default").unwrap();
    let hold = |tenant: &mut IdentityTenant| {
        tenant.metadata.finalizers = Some(vec![names::IN_USE.to_owned()]);
    };
    tenants.write(&tenant.metadata, hold).unwrap();
    tenants.delete("default");
    (world, process)
}

#[tokio::test(start_paused = true)]
async fn a_tenant_goes_though_a_group_is_left_that_needs_nothing() {
    let (world, _process) = tenant_is_deleted().await;
    tokio::time::sleep(Duration::from_secs(65)).await;
    assert!(!is_held(&world), "{}", world.story());
}

#[tokio::test(start_paused = true)]
async fn a_tenant_stays_for_a_group_that_the_watch_does_not_show_yet_as_needing_it() {
    let (world, _process) = tenant_is_deleted().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let groups = &world.cluster.groups;
    let group = groups.get("g").unwrap();
    let hold = |group: &mut PasswordSyncGroup| {
        group.metadata.finalizers = Some(vec![names::FINALIZER.to_owned()]);
    };
    groups.write(&group.metadata, hold).unwrap();
    tokio::time::sleep(Duration::from_secs(55)).await;
    assert!(is_held(&world), "{}", world.story());
}
