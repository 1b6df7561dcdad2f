//! What must stay for the groups stays: the IdentityTenant and its Secret, from before the first group
//! is made until the last is undone.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use kube::ResourceExt;
use psg_api::{IdentityTenant, IdentityTenantStatus, PasswordSyncGroup, names};
use serde_json::json;

use super::{
    process::{Life, Process},
    scenarios::spec,
    tenant::{STRONG, small},
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
    world.cluster.remove_tenant_by_force("default");
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
    world.pause("g", SignedDuration::from_hours(24));
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

/// A hand changes the tenant's resource and the tenant just before a read, which the watch shows
/// only after it.
async fn another_hand(world: &World, change: fn(&World)) -> Option<IdentityTenantStatus> {
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.add_group("Of another", STRONG, &[1, 2]);
    change(world);
    tokio::time::sleep(Duration::from_secs(57)).await;
    let tenant = world.cluster.tenants.get("default");
    tenant.unwrap().status.clone()
}

#[tokio::test(start_paused = true)]
async fn a_status_is_stored_though_another_hand_changed_the_resource() {
    let (world, _process) = at_rest().await;
    let annotate = |world: &World| {
        let value = Some("hand".to_owned());
        world
            .cluster
            .tenants
            .annotate("default", "of-another", value);
    };
    let status = another_hand(&world, annotate).await.unwrap();
    assert_eq!(status.groups, Some(1), "{}", world.story());
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_made_again_is_not_described_by_the_actor_of_the_old_one() {
    let (world, _process) = at_rest().await;
    let remake = |world: &World| {
        world.cluster.remove_tenant_by_force("default");
        world.make_tenant();
    };
    let status = another_hand(&world, remake).await;
    assert!(status.is_none(), "{}", world.story());
}

/// How often the operator put its finalizer on the Secret, or tried to.
fn attempts(world: &World) -> usize {
    let trace = world.trace();
    let writes = trace
        .iter()
        .filter_map(|line| line.split_once(" Secret finalizers "));
    writes
        .filter(|(_, what)| what.contains(names::IN_USE))
        .count()
}

fn secret_is_held(world: &World) -> bool {
    let finalizers = world.cluster.secret().metadata.finalizers;
    finalizers.is_some_and(|held| held.iter().any(|held| held == names::IN_USE))
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_somebody_lets_go_is_held_again() {
    let (world, _process) = at_rest().await;
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(A_WHILE).await;
    assert!(secret_is_held(&world));
    assert_eq!(attempts(&world), 1, "not more often than needed");
    let known = world.cluster.secret().metadata;
    let others = vec!["of/another".to_owned()];
    world.cluster.set_secret_finalizers(&known, others).unwrap();
    tokio::time::sleep(Duration::from_secs(65)).await;
    assert!(secret_is_held(&world), "{}", world.story());
    assert_eq!(attempts(&world), 2, "once more");
    let both = ["of/another", names::IN_USE];
    assert_eq!(world.cluster.secret().metadata.finalizers.unwrap(), both);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_may_not_be_held_is_tried_again_only_now_and_then() {
    let (world, _process) = at_rest().await;
    world.weather.lock().unwrap().secret_forbidden = true;
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(25)).await;
    assert!(world.quiet(), "it holds up nobody");
    assert_eq!(attempts(&world), 3, "every ten minutes");
    let says = || {
        let tenant = world.cluster.tenants.get("default").unwrap();
        json!(tenant.status)
            .to_string()
            .contains("SecretNotProtected")
    };
    assert!(says());
    world.weather.lock().unwrap().secret_forbidden = false;
    tokio::time::sleep(Duration::from_mins(11)).await;
    assert!(secret_is_held(&world), "{}", world.story());
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(!says());
}

#[tokio::test(start_paused = true)]
async fn no_finalizer_is_tried_on_a_secret_that_is_being_deleted() {
    let (world, _process) = at_rest().await;
    // Another's finalizer keeps it for a while.
    let known = world.cluster.secret().metadata;
    let others = vec!["of/another".to_owned()];
    world.cluster.set_secret_finalizers(&known, others).unwrap();
    world.cluster.delete_secret();
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(A_WHILE).await;
    assert!(world.quiet(), "{:?}", world.restless());
    assert_eq!(attempts(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_held_is_read_for_what_it_holds_alone() {
    let (world, _process) = at_rest().await;
    let reads = || world.cluster.secret().reads;
    let before = reads();
    tokio::time::sleep(A_WHILE).await;
    let for_its_content = reads() - before;
    assert!(for_its_content > 0);
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(A_WHILE).await;
    for deleted in [false, true] {
        if deleted {
            world.cluster.delete_secret();
            tokio::time::sleep(Duration::from_mins(2)).await;
        }
        let before = reads();
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(reads() - before, for_its_content, "deleted: {deleted}");
    }
    assert!(world.quiet() && is_held(&world), "{}", world.story());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_two_tenants_share_is_let_go_with_the_last_of_them() {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    let _process = Process::start(&world, Life::default());
    let shared = json!({"credentialsSecretRef": {"name": "pat"}});
    world.cluster.tenants.apply("second", &shared);
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    let mut of_the_second = spec("H", &["C", "D"]);
    of_the_second["tenantRef"] = json!({"name": "second"});
    world.cluster.apply("h", &of_the_second);
    tokio::time::sleep(A_WHILE).await;
    assert!(world.quiet() && is_held(&world), "{:?}", world.restless());
    let let_go = || {
        let trace = world.trace();
        trace
            .iter()
            .any(|line| line.contains(" Secret finalizers []"))
    };
    world.cluster.delete("g");
    tokio::time::sleep(A_WHILE).await;
    assert!(!is_held(&world), "the first tenant is needed no more");
    assert!(secret_is_held(&world) && !let_go(), "{}", world.story());
    world.cluster.delete("h");
    tokio::time::sleep(A_WHILE).await;
    assert!(!secret_is_held(&world) && let_go(), "{}", world.story());
}

/// The finalizer of a group and the end of its tenant's cross on the way.
#[tokio::test(start_paused = true)]
async fn a_finalizer_that_comes_after_the_tenant_is_gone_begins_nothing_and_holds_up_nobody() {
    let mut crossed = 0;
    for seed in 0..600 {
        let world = World::new(small(3, &json!({}), &json!("none"), seed));
        let life = Life {
            pace: Duration::from_millis(500),
            seed: Some(seed),
            ..Life::default()
        };
        let _process = Process::start(&world, life);
        world.cluster.apply("g", &spec("G", &["A", "B"]));
        tokio::time::sleep(Duration::from_millis(10 * (seed % 200))).await;
        world.cluster.tenants.delete("default");
        tokio::time::sleep(A_WHILE).await;
        let gone = || world.cluster.tenants.get("default").is_none();
        let group = world.cluster.groups.get("g").unwrap();
        if gone() && !group.finalizers().is_empty() {
            assert_eq!(world.tenant_writes(), 0, "{}", world.story());
            crossed += 1;
        }
        world.cluster.delete("g");
        assert!(world.until(A_WHILE, gone).await, "{}", world.story());
        let gone = || world.cluster.groups.all().is_empty();
        assert!(world.until(A_WHILE, gone).await, "{}", world.story());
    }
    assert!(crossed > 0, "they never crossed");
}
