//! The condition `PasswordChangesHealthy`: what it costs, what it says of each group, and that it holds
//! nothing else up.

use std::{sync::Arc, time::Duration};

use identity_simulator::{Account, Endpoint, Identity, switches};
use serde_json::{Value, json};

use super::{
    process::{Life, Process},
    scenarios::spec,
    tenant::{roomy, small, source_id},
    world::World,
};

const SEARCH: &str = "POST /search";
const SETTLED: Duration = Duration::from_mins(5);

/// The IdentityTenant asks for its audit events, or no longer.
fn read_events(world: &World, interval: Option<&str>) {
    let mut spec = json!({"credentialsSecretRef": {"name": "pat"}});
    if let Some(interval) = interval {
        spec["passwordChanges"] = json!({"interval": interval});
    }
    world.cluster.tenants.apply("default", &spec);
}

fn condition_of(status: &Value) -> Option<(String, String, String)> {
    let conditions = status["conditions"].as_array()?;
    let found = conditions
        .iter()
        .find(|one| one["type"] == "PasswordChangesHealthy")?;
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    Some((text("status"), text("reason"), text("message")))
}

fn of_group(world: &World, name: &str) -> Option<(String, String, String)> {
    let group = world.cluster.groups.get(name).unwrap();
    condition_of(&json!(group.status))
}

fn of_tenant(world: &World) -> Option<(String, String, String)> {
    let tenant = world.cluster.tenants.get("default").unwrap();
    condition_of(&json!(tenant.status))
}

fn events(world: &World) -> Vec<String> {
    let trace = world.trace();
    let events = trace.iter().filter_map(|line| {
        let (_, told) = line.split_once(" event on Some(\"default\"): ")?;
        Some(told.to_owned())
    });
    events.collect()
}

/// Two groups, of A and B and of C and D, and a person with an account on each.
fn two_groups() -> Arc<World> {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    let accounts = (0..4).map(|number| Account {
        source: source_id(number),
        name: "ada".to_owned(),
        ..Account::default()
    });
    let ada = Identity {
        name: "ada".to_owned(),
        accounts: accounts.collect(),
        ..Identity::default()
    };
    world
        .tenant
        .lock()
        .unwrap()
        .put_identities(vec![ada], true)
        .unwrap();
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    world.cluster.apply("h", &spec("H", &["C", "D"]));
    world
}

fn reachable(world: &World, source: usize, reachable: bool) {
    let endpoint = Endpoint {
        source: source_id(source),
        reachable,
        ..Endpoint::default()
    };
    world.tenant.lock().unwrap().put_endpoint(endpoint);
}

fn switch(world: &World, patch: &Value) {
    let mut tenant = world.tenant.lock().unwrap();
    let patched = switches::patched(tenant.switches(), patch).unwrap();
    *tenant.switches_mut() = patched;
}

fn change(world: &World, source: usize) {
    let now = (world.clock)();
    let mut tenant = world.tenant.lock().unwrap();
    tenant
        .change_password("ada", &source_id(source), "Correct horse 1!", false, now)
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn with_300_groups_one_search_a_period_and_no_write_while_nothing_changes() {
    let world = World::new(roomy(300, &json!({})));
    for n in 0..300 {
        let (one, other) = (format!("S{}", 2 * n), format!("S{}", 2 * n + 1));
        world
            .cluster
            .apply(&format!("g{n}"), &spec(&format!("G{n}"), &[&one, &other]));
    }
    read_events(&world, Some("5m"));
    let _process = Process::start(&world, Life::default());
    assert!(world.until(Duration::from_mins(30), || world.quiet()).await);
    tokio::time::sleep(Duration::from_mins(10)).await;
    let healthy = Some(("True".to_owned(), "NoFailures".to_owned(), String::new()));
    assert_eq!(of_group(&world, "g0"), healthy);
    assert_eq!(of_group(&world, "g299"), healthy);
    let writes = || {
        (
            world.cluster.groups.writes(),
            world.cluster.tenants.writes(),
            world.tenant_writes(),
        )
    };
    let (before, searches) = (writes(), world.calls(SEARCH));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(writes(), before);
    assert_eq!(world.calls(SEARCH) - searches, 12);
}

#[tokio::test(start_paused = true)]
async fn unless_it_is_asked_for_nothing_is_searched_and_nothing_said() {
    let world = two_groups();
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(
        (
            world.calls(SEARCH),
            of_group(&world, "g"),
            of_tenant(&world)
        ),
        (0, None, None)
    );
    read_events(&world, Some("5m"));
    tokio::time::sleep(SETTLED).await;
    assert!(
        of_group(&world, "g").is_some(),
        "at once, without a restart"
    );
    read_events(&world, None);
    tokio::time::sleep(SETTLED).await;
    assert_eq!(of_group(&world, "g"), None);
    let searches = world.calls(SEARCH);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(world.calls(SEARCH), searches);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_begins_to_fail_is_told_once_and_by_its_own_groups() {
    let world = two_groups();
    read_events(&world, Some("5m"));
    let process = Process::start(&world, Life::default());
    tokio::time::sleep(SETTLED).await;
    reachable(&world, 0, false);
    change(&world, 1);
    change(&world, 2);
    tokio::time::sleep(SETTLED).await;
    let (truth, reason, message) = of_group(&world, "g").unwrap();
    assert_eq!(
        (truth.as_str(), reason.as_str()),
        ("False", "PasswordChangesFailing")
    );
    assert_eq!(
        message,
        "password changes that failed in the last 2 hours: \"A\": 1 because the tenant cannot \
         communicate with the source"
    );
    assert_eq!(of_group(&world, "h").unwrap().0, "True");
    let ready = json!(world.cluster.groups.get("g").unwrap().status).to_string();
    assert!(ready.contains("\"reason\":\"InSync\""), "{ready}");
    let failed =
        "psg_tenant_password_changes_failed{tenant=\"identity/default\",cause=\"communication\"} 1";
    assert!(process.figures().contains(failed), "{}", process.figures());
    // It is reached again before the last retry, so the change comes to a good end.
    reachable(&world, 0, true);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(of_group(&world, "g").unwrap().0, "True");
    let told = events(&world);
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    assert_eq!(
        told,
        [
            "PasswordChangesFailing password changes began to fail on \"A\": kubectl psg doctor shows each of them",
            "PasswordChangesHealthy no password change fails any more on \"A\"",
        ]
    );
}

/// An event that names no source makes every group doubtful; the source that is named is told of all the
/// same, and so is one that began to fail while nothing could be read.
#[tokio::test(start_paused = true)]
async fn a_source_is_told_of_whatever_else_becomes_doubtful() {
    let world = two_groups();
    read_events(&world, Some("5m"));
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(SETTLED).await;
    reachable(&world, 0, false);
    switch(&world, &json!({"event_source_names": "left_out"}));
    change(&world, 2);
    change(&world, 0);
    switch(&world, &json!({"event_source_names": "present"}));
    change(&world, 0);
    tokio::time::sleep(SETTLED).await;
    assert_eq!(of_group(&world, "h").unwrap().1, "AuditUnreadable");
    let began = "PasswordChangesFailing password changes began to fail on \"A\"";
    let told = |what: &str| {
        events(&world)
            .iter()
            .filter(|told| told.starts_with(what))
            .count()
    };
    assert_eq!(told(began), 1);
    switch(&world, &json!({"search": "forbidden"}));
    tokio::time::sleep(SETTLED).await;
    reachable(&world, 2, false);
    change(&world, 2);
    switch(&world, &json!({"search": "served"}));
    tokio::time::sleep(SETTLED).await;
    let began = "PasswordChangesFailing password changes began to fail on \"C\"";
    assert_eq!(told(began), 1, "{:?}", events(&world));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_may_not_search_is_said_and_holds_nothing_else_up() {
    let world = two_groups();
    let search = |how: &str| switch(&world, &json!({"search": how}));
    search("forbidden");
    read_events(&world, Some("5m"));
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(SETTLED).await;
    assert!(world.quiet(), "{:?}", world.restless());
    let (truth, reason, message) = of_group(&world, "g").unwrap();
    assert_eq!(
        (truth.as_str(), reason.as_str()),
        ("Unknown", "AuditUnreadable")
    );
    assert!(message.contains("sp:search:read"), "{message}");
    assert_eq!(of_tenant(&world).unwrap().1, "AuditUnreadable");
    // An edit goes through as ever.
    world.cluster.apply("g", &spec("Renamed", &["A", "B"]));
    tokio::time::sleep(SETTLED).await;
    assert!(world.groups().iter().any(|(name, _)| name == "Renamed"));
    search("served");
    tokio::time::sleep(SETTLED).await;
    assert_eq!(of_group(&world, "g").unwrap().0, "True");
    assert_eq!(of_tenant(&world), None);
}
