//! Replicas: one acts, the others stand by; whatever ends the one that acts, another goes on, and
//! nothing is written twice. Real processes, and the periods of the lease as shipped.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api,
    api::{DeleteParams, PostParams},
};
use serde_json::json;

use crate::support::{
    Operator, World,
    audit::{Write, counts},
    stays,
    world::spec,
};

const LEASE: &str = "psg-operator";
const POST: &str = "POST /password-sync-groups";
const HOLDERS: &str = "GET /sources/{id}/password-policies";
const SOURCES: [&str; 2] = ["Salesforce", "Workday"];

/// A world whose operators take part in an election; it has none yet.
async fn world(name: &str) -> World {
    let spec = json!({"readInterval": "1h", "identityAPIVersion": "v1"});
    let world = World::builder(name).tenant_spec(spec);
    world.audited().without_operator().start().await
}

/// One more replica, with the timers as shipped.
async fn replica(world: &World, name: &str) -> Operator {
    let namespace = format!("--lease-namespace={}", &*world.namespace);
    let flags = [
        "--lease=psg-operator",
        &namespace,
        "--settle=30s",
        "--confirm-gap=10s",
        "--post-timeout=8s",
    ];
    let namespaces = [&*world.namespace];
    Operator::start_with(world.plane, &namespaces, &flags, &[("POD_NAME", name)]).await
}

fn leases(world: &World) -> Api<Lease> {
    Api::namespaced(world.client.clone(), &world.namespace)
}

/// The Lease as an earlier leader left it, so that nobody waits for one that may be there.
async fn lease_held_by(world: &World, holder: Option<&str>, seconds: u32) {
    let lease = json!({
        "metadata": {"name": LEASE},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": seconds},
    });
    let lease = serde_json::from_value(lease).unwrap();
    let made = leases(world).create(&PostParams::default(), &lease).await;
    made.expect("a Lease");
}

async fn holder(world: &World) -> String {
    let lease = leases(world).get_opt(LEASE).await.expect("an answer");
    let spec = lease.and_then(|lease| lease.spec).unwrap_or_default();
    spec.holder_identity.unwrap_or_default()
}

async fn stands(operator: &Operator, word: &str) -> bool {
    operator.page("/readyz").await == (200, format!("{word}\n"))
}

async fn wait_leads(world: &World, operator: &Operator) {
    world
        .wait("a replica to lead", async || {
            if stands(operator, "leading").await {
                Ok(())
            } else {
                Err(operator.log_tail())
            }
        })
        .await;
}

/// A leader and a standby.
async fn pair(world: &World) -> (Operator, Operator) {
    lease_held_by(world, None, 15).await;
    let leader = replica(world, "first").await;
    wait_leads(world, &leader).await;
    let standby = replica(world, "second").await;
    assert!(stands(&standby, "standby").await);
    (leader, standby)
}

async fn wait_asked(world: &World, what: &str) {
    world
        .wait(what, async || match world.tenant.asked(what).await.len() {
            0 => Err("not asked yet".to_owned()),
            _ => Ok(()),
        })
        .await;
}

/// When the tenant was asked first, by its own clock.
async fn asked_at(world: &World, what: &str) -> Timestamp {
    let asked = world.tenant.asked(what).await;
    let at = asked[0]["at"].as_str().expect("a time");
    at.parse().expect("a time")
}

/// Applies a group; how long until the tenant was asked to make it.
async fn time_to_post(world: &World, since: Instant) -> Duration {
    wait_asked(world, POST).await;
    since.elapsed()
}

fn without_leases(mut writes: Vec<Write>) -> Vec<Write> {
    writes.retain(|write| write.resource != "leases");
    writes
}

#[tokio::test]
async fn a_standby_calls_no_tenant_and_writes_nothing() {
    let world = world("standby").await;
    lease_held_by(&world, Some("somebody-else"), 3600).await;
    let audit = world.audit().await;
    let standby = replica(&world, "second").await;
    world.apply_group("one", &spec("One", &SOURCES)).await;
    stays("a standby", Duration::from_secs(8), async || {
        match (
            stands(&standby, "standby").await,
            world.tenant.ledger().await.len(),
        ) {
            (true, 0) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let (_, metrics) = standby.page("/metrics").await;
    assert!(metrics.contains("\npsg_leader 0\n"), "{metrics}");
    let audit = audit.expect("a control plane of our own");
    assert_eq!(world.operator_writes(&audit).await, []);
    assert!(world.group("one").await.data["status"]["conditions"].is_null());
}

#[tokio::test]
async fn of_two_replicas_that_start_together_one_leads_and_a_deleted_lease_changes_nothing_of_that()
{
    let world = world("two_replicas").await;
    let (first, second) = tokio::join!(replica(&world, "first"), replica(&world, "second"));
    let mut pair = [first, second];
    let leads = async |pair: &[Operator; 2]| {
        let leads = (
            stands(&pair[0], "leading").await,
            stands(&pair[1], "leading").await,
        );
        assert_ne!(leads, (true, true), "both lead");
        leads
    };
    let leader = world
        .wait("one to lead", async || match leads(&pair).await {
            (true, _) => Ok(0),
            (_, true) => Ok(1),
            _ => Err("none leads".to_owned()),
        })
        .await;
    world.apply_group("one", &spec("One", &SOURCES)).await;
    world.wait_ready("one").await;

    // Nobody may take it before its leader has stopped to count on it.
    let deleted = Instant::now();
    let params = DeleteParams::default();
    leases(&world)
        .delete(LEASE, &params)
        .await
        .expect("a Lease");
    let ended = pair[leader].wait_ended().await;
    assert_eq!(ended.code(), Some(1), "{}", pair[leader].log_tail());
    assert!(deleted.elapsed() < Duration::from_secs(8));
    wait_leads(&world, &pair[1 - leader]).await;
    assert!(deleted.elapsed() >= Duration::from_secs(15));
    let (_, metrics) = pair[1 - leader].page("/metrics").await;
    assert!(metrics.contains("\npsg_leader 1\n"), "{metrics}");
    world
        .apply_group("two", &spec("Two", &["GitHub", "G Suite"]))
        .await;
    world.wait_ready("two").await;
    assert_eq!(world.tenant.writes().await, [POST, POST]);
}

/// The API server makes a Lease by an update where there is none, so that it refuses this one is
/// not a matter of course: a leader must not go on under a Lease that is not the one it held.
#[tokio::test]
async fn an_update_of_a_lease_that_was_deleted_is_refused() {
    let world = world("deleted_lease").await;
    lease_held_by(&world, Some("somebody"), 15).await;
    let leases = leases(&world);
    let lease = leases.get(LEASE).await.unwrap();
    let params = DeleteParams::default();
    leases.delete(LEASE, &params).await.expect("a Lease");
    let updated = leases.replace(LEASE, &PostParams::default(), &lease).await;
    assert!(updated.is_err(), "{updated:?}");
    assert_eq!(leases.get_opt(LEASE).await.unwrap(), None);
}

#[tokio::test]
async fn when_the_leader_is_killed_the_standby_acts_within_twenty_seconds() {
    let world = world("leader_killed").await;
    let (mut leader, standby) = pair(&world).await;
    leader.kill9();
    let killed = Instant::now();
    world.apply_group("one", &spec("One", &SOURCES)).await;
    let acted = time_to_post(&world, killed).await;
    eprintln!("kill -9: the standby acted after {acted:.1?}");
    assert!(acted < Duration::from_secs(20), "{acted:?}");
    world.wait_ready("one").await;
    assert!(stands(&standby, "leading").await);
    assert_eq!(world.tenant.writes().await, [POST]);
    let lease = leases(&world).get(LEASE).await.unwrap().spec.unwrap();
    assert!(lease.holder_identity.unwrap().starts_with("second_"));
    assert_eq!(lease.lease_transitions, Some(2));
}

#[tokio::test]
async fn a_leader_asked_to_stop_finishes_its_write_and_hands_over_within_two_seconds() {
    let world = world("leader_terminated").await;
    let (mut leader, standby) = pair(&world).await;
    let slow = json!({"match": POST, "times": 1, "kind": {"delay": {"ms": 3000}}});
    world.tenant.fault(slow).await;
    world.apply_group("one", &spec("One", &SOURCES)).await;
    wait_asked(&world, POST).await;
    let ended = leader.terminate().await;
    assert_eq!(ended.code(), Some(0), "{}", leader.log_tail());
    let answered = asked_at(&world, POST).await + SignedDuration::from_secs(3);
    world.tenant.clear_ledger().await;
    world
        .apply_group("two", &spec("Two", &["GitHub", "G Suite"]))
        .await;
    wait_asked(&world, POST).await;
    // From the answer of the write in hand, by the tenant's own clock.
    let acted = asked_at(&world, POST).await.duration_since(answered);
    eprintln!("SIGTERM: the standby acted {acted:.1?} after the write in hand");
    assert!(
        acted < SignedDuration::from_secs(2),
        "{acted:?}\n{}",
        standby.log()
    );
    let group = world.group("one").await;
    let there = world.tenant.group("One").await.expect("one group");
    assert_eq!(group.data["status"]["groupID"], there["id"]);
    assert!(group.data["status"]["intent"].is_null());
    world.wait_ready("two").await;
    assert_eq!(world.tenant.writes().await, [POST]);
}

#[tokio::test]
async fn a_leader_paused_in_the_middle_of_a_create_ends_when_it_goes_on_and_makes_no_second() {
    let world = world("leader_paused").await;
    let (mut leader, standby) = pair(&world).await;
    let slow = json!({"match": POST, "times": 1, "kind": {"delay": {"ms": 2000}}});
    world.tenant.fault(slow).await;
    world.apply_group("one", &spec("One", &SOURCES)).await;
    wait_asked(&world, POST).await;
    leader.pause();
    wait_leads(&world, &standby).await;
    let group = world.wait_ready("one").await;
    // The Event follows the status.
    world.told("one", "Created").await;
    let audit = world.audit().await.expect("a control plane of our own");
    let requests = world.tenant.last_request().await;

    leader.go_on();
    let going = Instant::now();
    let ended = leader.wait_ended().await;
    eprintln!(
        "SIGCONT: the old leader ended after {:.1?}",
        going.elapsed()
    );
    assert!(going.elapsed() < Duration::from_secs(1));
    assert_eq!(ended.code(), Some(1), "{}", leader.log_tail());
    assert!(leader.log().contains("not the leader any more"));
    let writes = without_leases(world.operator_writes(&audit).await);
    assert_eq!(writes, [], "by neither");
    assert_eq!(world.tenant.last_request().await, requests, "by neither");
    let there = world.tenant.group("One").await.expect("one group");
    assert_eq!(group.data["status"]["groupID"], there["id"]);
    assert_eq!(world.tenant.writes().await, [POST]);
    assert!(holder(&world).await.starts_with("second_"));
}

#[tokio::test]
async fn a_leader_paused_before_a_create_begins_nothing_when_it_goes_on() {
    let world = world("leader_paused_before").await;
    let (mut leader, standby) = pair(&world).await;
    let audit = world.audit().await.expect("a control plane of our own");
    let slow = json!({"match": HOLDERS, "times": 2, "kind": {"delay": {"ms": 2000}}});
    world.tenant.fault(slow).await;
    world.apply_group("one", &spec("One", &SOURCES)).await;
    wait_asked(&world, HOLDERS).await;
    leader.pause();
    wait_leads(&world, &standby).await;
    world.wait_ready("one").await;
    world.told("one", "Created").await;
    leader.go_on();
    assert_eq!(leader.wait_ended().await.code(), Some(1));
    assert_eq!(world.tenant.writes().await, [POST]);
    let mut writes = without_leases(world.operator_writes(&audit).await);
    writes.retain(|write| {
        write.resource.starts_with("passwordsyncgroups") || write.resource == "events"
    });
    let counts: Vec<_> = counts(&writes).into_iter().collect();
    let expected = [
        ("create events", 1),
        ("patch passwordsyncgroups", 1),
        ("patch passwordsyncgroups/status", 2),
    ];
    let expected = expected.map(|(what, count)| (what.to_owned(), count));
    assert_eq!(counts, expected, "{writes:#?}");
}
