//! A Secret that nobody needs any more is let go: by the last of those who share it.

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
