//! The Secret is taken away while groups need it: what the process still holds undoes them, whatever
//! was wrong with it before or meanwhile, as soon as the tenant takes it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    calls::Hindrance,
    process::{Life, Process},
    scenarios::spec,
    tenant::{SECRET, small, status},
    world::World,
};

const A_WHILE: Duration = Duration::from_mins(3);
/// A tenant that refuses is asked again every ten minutes.
const TWO_PROBES: Duration = Duration::from_mins(25);
const DELETE: &str = "DELETE /password-sync-groups/{id}";

async fn with_a_group() -> (Arc<World>, Process) {
    let world = World::new(small(2, &json!({}), &json!("none"), 7));
    let process = Process::start(&world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(A_WHILE).await;
    assert!(world.quiet(), "{:?}", world.restless());
    (world, process)
}

fn tenant_says(world: &World, reason: &str) {
    let tenant = world.cluster.tenants.get("default").unwrap();
    let said: Value = json!(tenant.status);
    assert_eq!(said["conditions"][0]["reason"], reason, "{}", world.story());
}

/// They are refused once.
async fn with_credentials_that_are_refused() -> (Arc<World>, Process) {
    let (world, process) = with_a_group().await;
    world.strike("GET /password-sync-groups", 1, status(401));
    world.strike("POST /oauth/token", 1, status(401));
    tokio::time::sleep(Duration::from_secs(65)).await;
    tenant_says(&world, "CredentialsInvalid");
    (world, process)
}

async fn is_undone(world: &World) {
    let gone = || world.cluster.groups.all().is_empty();
    assert!(world.until(TWO_PROBES, gone).await, "{}", world.story());
    assert_eq!(world.groups(), []);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_refused_then_is_tried_again() {
    let (world, _process) = with_a_group().await;
    world.cluster.set_secret(None);
    tokio::time::sleep(A_WHILE).await;
    tenant_says(&world, "SecretNotFound");
    world.strike(DELETE, 1, status(403));
    let before = world.calls("*");
    world.cluster.delete("g");
    tokio::time::sleep(A_WHILE).await;
    tenant_says(&world, "Forbidden");
    assert!(world.calls("*") - before < 10, "it is asked sparingly");
    is_undone(&world).await;
    tenant_says(&world, "SecretNotFound");
    assert_eq!(world.calls(DELETE), 2);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_were_refused_before_are_tried_again() {
    let (world, _process) = with_credentials_that_are_refused().await;
    world.cluster.set_secret(None);
    let before = world.calls("*");
    world.cluster.delete("g");
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(world.calls("*"), before, "not before its time");
    is_undone(&world).await;
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_refused_then_are_tried_again() {
    let (world, _process) = with_a_group().await;
    world.cluster.set_secret(None);
    tokio::time::sleep(A_WHILE).await;
    world.strike(DELETE, 1, status(401));
    world.strike("POST /oauth/token", 1, status(401));
    world.strike("POST /oauth/token", 1, status(401));
    world.cluster.delete("g");
    tokio::time::sleep(A_WHILE).await;
    tenant_says(&world, "CredentialsInvalid");
    is_undone(&world).await;
}

#[tokio::test(start_paused = true)]
async fn credentials_that_nobody_could_try_yet_are_tried_when_the_tenant_is_there() {
    let (world, process) = with_a_group().await;
    drop(process);
    world.weather.lock().unwrap().no_route = true;
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(A_WHILE).await;
    world.cluster.set_secret(None);
    world.cluster.delete("g");
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(world.groups().len(), 1);
    world.weather.lock().unwrap().no_route = false;
    is_undone(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_removed_by_force_while_it_refuses_a_write_is_served_when_it_does_not() {
    let (world, _process) = with_a_group().await;
    world.strike(DELETE, 1, status(403));
    world.cluster.delete("g");
    tokio::time::sleep(Duration::from_secs(30)).await;
    tenant_says(&world, "Forbidden");
    world.cluster.remove_tenant_by_force("default");
    is_undone(&world).await;
}

#[tokio::test(start_paused = true)]
async fn credentials_that_a_person_took_out_of_the_secret_are_not_used_any_more() {
    let (world, _process) = with_a_group().await;
    world.cluster.set_secret(Some(""));
    tokio::time::sleep(A_WHILE).await;
    tenant_says(&world, "SecretMalformed");
    let before = world.calls("*");
    world.cluster.delete("g");
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(world.calls("*"), before, "{}", world.story());
    world.cluster.set_secret(Some(SECRET));
    is_undone(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_went_away_too_is_asked_less_and_less_often() {
    let (world, _process) = with_credentials_that_are_refused().await;
    world.weather.lock().unwrap().no_route = true;
    world.cluster.set_secret(None);
    world.cluster.delete("g");
    let since = Instant::now();
    tokio::time::sleep(Duration::from_mins(40)).await;
    tenant_says(&world, "SecretNotFound");
    let asked = world.calls.hindered(since, Hindrance::NoRoute).len();
    assert!((2..30).contains(&asked), "{asked} times");
    world.weather.lock().unwrap().no_route = false;
    is_undone(&world).await;
}
