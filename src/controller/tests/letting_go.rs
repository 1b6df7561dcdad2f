//! A Secret that nobody needs any more is let go: by the last of those who share it, and if that is not
//! allowed, it is said and the IdentityTenant stays.

use std::{sync::Arc, time::Duration};

use kube::ResourceExt;
use psg_api::names;
use serde_json::{Value, json};

use super::{
    process::{Life, Process},
    scenarios::spec,
    tenant::small,
    world::World,
};

const A_WHILE: Duration = Duration::from_mins(10);

/// A process whose watch shows what happens a minute later.
fn started() -> (Arc<World>, Process) {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    let life = Life {
        lag: Duration::from_mins(1),
        ..Life::default()
    };
    let process = Process::start(&world, life);
    (world, process)
}

fn holders(world: &World) -> Vec<String> {
    let finalizers = world.cluster.secret().metadata.finalizers;
    finalizers.unwrap_or_default()
}

fn recorded(world: &World, tenant: &str) -> Option<String> {
    let tenant = world.cluster.tenants.get(tenant)?;
    tenant.status.as_ref()?.protected_secret.clone()
}

fn of_tenant(name: &str, mut spec: Value) -> Value {
    spec["tenantRef"] = json!({"name": name});
    spec
}

#[tokio::test(start_paused = true)]
async fn of_two_tenants_that_let_one_secret_go_the_last_does_not_wait_for_the_first() {
    let (world, _process) = started();
    let pat = json!({"credentialsSecretRef": {"name": "pat"}});
    world.cluster.tenants.apply("second", &pat);
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    let other = of_tenant("second", spec("H", &["C", "D"]));
    world.cluster.apply("h", &other);
    tokio::time::sleep(A_WHILE).await;
    assert!(world.quiet(), "{:?}", world.restless());
    for tenant in ["default", "second"] {
        assert_eq!(recorded(&world, tenant).as_deref(), Some("pat"), "{tenant}");
    }
    world.cluster.delete("g");
    // The watch does not show yet that the first has let go when the second does.
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.cluster.delete("h");
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(world.cluster.groups.all(), []);
    for tenant in ["default", "second"] {
        assert_eq!(recorded(&world, tenant), None, "{tenant}");
    }
    assert_eq!(holders(&world), [""; 0], "{}", world.story());
}

#[tokio::test(start_paused = true)]
async fn who_needs_a_secret_again_that_it_has_let_go_counts_for_others() {
    let (world, _process) = started();
    let pat = json!({"credentialsSecretRef": {"name": "pat"}});
    world.cluster.tenants.apply("second", &pat);
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(A_WHILE).await;
    world.cluster.delete("g");
    tokio::time::sleep(A_WHILE).await;
    let other = of_tenant("second", spec("H", &["C", "D"]));
    world.cluster.apply("h", &other);
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(A_WHILE).await;
    world.cluster.delete("h");
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(recorded(&world, "second"), None);
    assert_eq!(holders(&world), [names::IN_USE], "{}", world.story());
    let tenant = world.cluster.tenants.get("default").unwrap();
    assert_eq!(tenant.finalizers(), [names::IN_USE]);
}

/// The right to change Secrets is lost while one is held, and its last group goes.
async fn may_not_let_go() -> (Arc<World>, Process) {
    let (world, process) = started();
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(holders(&world), [names::IN_USE]);
    let known = world.cluster.secret().metadata;
    let both = vec!["of/another".to_owned(), names::IN_USE.to_owned()];
    world.cluster.set_secret_finalizers(&known, both).unwrap();
    world.weather.lock().unwrap().secret_forbidden = true;
    world.cluster.delete("g");
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(world.cluster.groups.all(), []);
    (world, process)
}

fn said(world: &World) -> String {
    let tenant = world.cluster.tenants.get("default").unwrap();
    let conditions = tenant.status.clone().unwrap_or_default().conditions;
    let mut of_secret = conditions.iter();
    let of_secret = of_secret.find(|condition| condition.type_ == "SecretProtected");
    of_secret.map_or_else(String::new, |found| {
        format!("{} {} {}", found.status, found.reason, found.message)
    })
}

fn tenant_is_gone(world: &World) -> bool {
    world.cluster.tenants.get("default").is_none()
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_may_not_be_let_go_keeps_its_record_and_its_tenant_until_a_person_does_it() {
    let (world, _process) = may_not_let_go().await;
    assert_eq!(recorded(&world, "default").as_deref(), Some("pat"));
    let command = "kubectl patch secret pat -n identity --type=merge \
                   -p '{\"metadata\":{\"finalizers\":[\"of/another\"]}}'";
    for part in ["True SecretNotReleased", "grant get and patch", command] {
        assert!(said(&world).contains(part), "{part}: {}", said(&world));
    }
    world.cluster.tenants.delete("default");
    tokio::time::sleep(A_WHILE).await;
    assert!(!tenant_is_gone(&world), "{}", world.story());
    let known = world.cluster.secret().metadata;
    let left = vec!["of/another".to_owned()];
    world.cluster.set_secret_finalizers(&known, left).unwrap();
    assert!(world.until(A_WHILE, || tenant_is_gone(&world)).await);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_may_not_be_let_go_is_let_go_once_it_may() {
    let (world, process) = may_not_let_go().await;
    // Another process does not know what was said, only what is recorded.
    drop(process);
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(A_WHILE).await;
    assert!(
        said(&world).contains("SecretNotReleased"),
        "{}",
        said(&world)
    );
    world.weather.lock().unwrap().secret_forbidden = false;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(holders(&world), ["of/another"]);
    assert_eq!(
        (recorded(&world, "default"), said(&world)),
        (None, String::new())
    );
    world.cluster.tenants.delete("default");
    assert!(world.until(A_WHILE, || tenant_is_gone(&world)).await);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_may_not_be_let_go_and_is_needed_again_is_nothing_to_be_told_of() {
    let (world, _process) = may_not_let_go().await;
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(A_WHILE).await;
    assert!(world.quiet(), "{:?}", world.restless());
    assert_eq!(said(&world), "");
}
