//! A candidate over an API server in memory, in virtual time. What it decides is tried in
//! `election`; here is what it makes of it: calls, the fence, what the process is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use http::{Method, Request, Response};
use kube::{Client, client::Body};
use serde_json::{Value, from_slice, json};
use tokio::time::Instant;

use super::*;
use crate::election::tests::server::Server;

const TERMS: Terms = Terms {
    duration: Duration::from_secs(15),
    renew: Duration::from_secs(2),
    post_timeout: Duration::from_secs(8),
};

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// It is refused.
    Refused,
    /// It is done, and nobody hears of it.
    Unheard,
    /// A write is answered as if it had been done, and changes nothing.
    Idle,
}

#[derive(Default)]
struct Cluster {
    server: Server,
    asked: Vec<String>,
    /// In store for the next requests; none for one that is answered.
    troubles: VecDeque<Option<Trouble>>,
    /// In store for all later ones.
    always: Option<Trouble>,
}

type Shared = Arc<Mutex<Cluster>>;

fn candidate(cluster: &Shared, identity: &str) -> Candidate {
    let cluster = Arc::clone(cluster);
    let service = tower::service_fn(move |request: Request<Body>| {
        let cluster = Arc::clone(&cluster);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap();
            let answer = answer(&cluster, &head.method, &head.uri.to_string(), &body);
            let Some((code, body)) = answer else {
                return std::future::pending().await;
            };
            let body = Body::from(serde_json::to_vec(&body).unwrap());
            Response::builder().status(code).body(body)
        }
    });
    let leases = Api::namespaced(Client::new(service, "default"), "ops");
    Candidate::new(leases, "psg".to_owned(), identity.to_owned(), TERMS)
}

fn answer(cluster: &Shared, method: &Method, path: &str, body: &[u8]) -> Option<(u16, Value)> {
    let mut cluster = cluster.lock().unwrap();
    cluster.asked.push(format!("{method} {path}"));
    let trouble = cluster.troubles.pop_front().flatten().or(cluster.always);
    let refusal = |code, why: &str| (code, json!({"kind": "Status", "code": code, "reason": why}));
    let answer = match (trouble, method) {
        (Some(Trouble::Refused), _) => refusal(503, "ServiceUnavailable"),
        (Some(Trouble::Idle), &Method::PUT | &Method::POST) => (200, from_slice(body).unwrap()),
        (_, &Method::GET) => match &cluster.server.lease {
            Some(lease) => (200, json!(lease)),
            None => refusal(404, "NotFound"),
        },
        _ => match cluster.server.store(from_slice(body).unwrap()) {
            Some(stored) => (200, json!(stored)),
            None => refusal(409, "Conflict"),
        },
    };
    (!matches!(trouble, Some(Trouble::Unheard))).then_some(answer)
}

fn count(cluster: &Shared, method: &str) -> usize {
    let cluster = cluster.lock().unwrap();
    let asked = cluster.asked.iter();
    asked.filter(|asked| asked.starts_with(method)).count()
}

fn holder_of(cluster: &Shared) -> Option<String> {
    let cluster = cluster.lock().unwrap();
    election::holder(cluster.server.lease.as_ref()).map(str::to_owned)
}

/// Somebody's own hand at the Lease.
fn set_holder(cluster: &Shared, holder: &str) {
    let mut cluster = cluster.lock().unwrap();
    let mut lease = cluster.server.lease.clone().unwrap();
    lease.spec.as_mut().unwrap().holder_identity = Some(holder.to_owned());
    cluster.server.store(lease).unwrap();
}

/// Lets it campaign for so long; why it lost, if it did.
async fn campaigns(candidate: &mut Candidate, seconds: u64) -> Option<Lost> {
    let time = Duration::from_secs(seconds);
    tokio::time::timeout(time, candidate.campaign()).await.ok()
}

fn standing(candidate: &Candidate) -> (Role, i64, bool) {
    let fence = candidate.fence();
    let role = *candidate.roles().borrow();
    (role, candidate.metric().get(), fence.may_write_tenant())
}

const LEADS: (Role, i64, bool) = (Role::Leader, 1, true);
const STANDS_BY: (Role, i64, bool) = (Role::Standby, 0, false);

/// One that leads, by a Lease that was free.
async fn leader() -> (Shared, Candidate) {
    let cluster = Shared::default();
    let mut candidate = candidate(&cluster, "me_1");
    assert_eq!(campaigns(&mut candidate, 17).await, None);
    assert_eq!(standing(&candidate), LEADS);
    (cluster, candidate)
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_not_there_is_made_and_waited_out() {
    let cluster = Shared::default();
    let mut candidate = candidate(&cluster, "me_1");
    assert_eq!(standing(&candidate), (Role::Unknown, 0, false));
    assert_eq!(campaigns(&mut candidate, 14).await, None);
    assert_eq!(holder_of(&cluster).as_deref(), Some("nobody"));
    assert_eq!(standing(&candidate), STANDS_BY);
    let asked = cluster.lock().unwrap().asked.clone();
    let leases = "/apis/coordination.k8s.io/v1/namespaces/ops/leases";
    assert_eq!(asked[0], format!("GET {leases}/psg"));
    assert_eq!(
        asked[1],
        format!("POST {leases}?&fieldManager=psg-operator")
    );
    assert_eq!(asked.len(), 15, "a look each second: {asked:?}");

    assert_eq!(campaigns(&mut candidate, 3).await, None);
    assert_eq!(holder_of(&cluster).as_deref(), Some("me_1"));
    assert_eq!(standing(&candidate), LEADS);
    let asked = cluster.lock().unwrap().asked.clone();
    let put = format!("PUT {leases}/psg?&fieldManager=psg-operator");
    assert!(asked.contains(&put), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_leader_renews_as_often_as_it_was_told_and_tells_nobody() {
    let (cluster, mut leader) = leader().await;
    let (role, puts) = (leader.roles(), count(&cluster, "PUT"));
    assert_eq!(campaigns(&mut leader, 59).await, None);
    assert_eq!(count(&cluster, "PUT") - puts, 30, "every 2 s");
    assert_eq!(standing(&leader), LEADS);
    assert!(!role.has_changed().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_standby_tells_each_holder_once() {
    let (cluster, _leader) = leader().await;
    let mut standby = candidate(&cluster, "other_2");
    let mut role = standby.roles();
    assert_eq!(campaigns(&mut standby, 1).await, None);
    assert!(role.has_changed().unwrap());
    assert_eq!(*role.borrow_and_update(), Role::Standby);
    assert_eq!(campaigns(&mut standby, 5).await, None);
    assert!(!role.has_changed().unwrap());
    set_holder(&cluster, "third_3");
    assert_eq!(campaigns(&mut standby, 2).await, None);
    assert!(role.has_changed().unwrap());
    assert_eq!(standing(&standby), STANDS_BY);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_released_is_taken_at_the_next_look() {
    let (cluster, mut leader) = leader().await;
    let mut standby = candidate(&cluster, "other_2");
    assert_eq!(campaigns(&mut standby, 3).await, None);
    leader.release().await;
    assert_eq!(leader.metric().get(), 0);
    assert_eq!(holder_of(&cluster), None);
    assert_eq!(campaigns(&mut standby, 1).await, None);
    assert_eq!(standing(&standby), LEADS);
    assert_eq!(holder_of(&cluster).as_deref(), Some("other_2"));
}

#[tokio::test(start_paused = true)]
async fn a_release_is_tried_three_times() {
    for (troubles, released) in [
        (vec![None, Some(Trouble::Refused)], true),
        (vec![Some(Trouble::Refused); 2], true),
        (vec![Some(Trouble::Refused); 3], false),
    ] {
        let (cluster, mut leader) = leader().await;
        cluster.lock().unwrap().troubles = troubles.clone().into();
        leader.release().await;
        assert_eq!(holder_of(&cluster).is_none(), released, "{troubles:?}");
        assert_eq!(leader.metric().get(), i64::from(!released));
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_nobody_answers_does_not_hold_up_the_end() {
    let (cluster, mut leader) = leader().await;
    cluster.lock().unwrap().always = Some(Trouble::Unheard);
    let began = Instant::now();
    leader.release().await;
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_lead_releases_nothing() {
    let (cluster, mut leader) = leader().await;
    let mut standby = candidate(&cluster, "other_2");
    assert_eq!(campaigns(&mut standby, 3).await, None);
    let before = cluster.lock().unwrap().asked.len();
    standby.release().await;
    assert_eq!(cluster.lock().unwrap().asked.len(), before);

    set_holder(&cluster, "other_2");
    let puts = count(&cluster, "PUT");
    leader.release().await;
    assert_eq!(count(&cluster, "PUT"), puts, "it is another's by now");
    assert_eq!(holder_of(&cluster).as_deref(), Some("other_2"));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_gives_up_before_its_lease_ends() {
    for trouble in [Trouble::Refused, Trouble::Unheard, Trouble::Idle] {
        let (cluster, mut leader) = leader().await;
        cluster.lock().unwrap().always = Some(trouble);
        let began = Instant::now();
        let lost = campaigns(&mut leader, 60).await;
        assert_eq!(lost, Some(Lost::Overdue(Duration::from_secs(13))));
        let took = began.elapsed().as_secs();
        assert!((10..=13).contains(&took), "{trouble:?}: {took}");
        let fence = leader.fence();
        assert!(!fence.may_write_tenant() && !fence.may_write_kubernetes());
        assert_eq!(leader.metric().get(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_now_and_then_loses_nothing() {
    let (cluster, mut leader) = leader().await;
    for trouble in [Trouble::Refused, Trouble::Unheard, Trouble::Idle] {
        // Of the look, or of the write after it.
        for troubles in [vec![Some(trouble)], vec![None, Some(trouble)]] {
            cluster.lock().unwrap().troubles = troubles.into();
            assert_eq!(campaigns(&mut leader, 30).await, None, "{trouble:?}");
            assert_eq!(standing(&leader), LEADS);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_in_another_hand_is_lost_at_the_next_look() {
    let (cluster, mut leader) = leader().await;
    set_holder(&cluster, "other_2");
    let lost = campaigns(&mut leader, 3).await;
    assert_eq!(lost, Some(Lost::Taken("other_2".to_owned())));
    assert_eq!(leader.metric().get(), 0);
    assert!(!leader.fence().may_write_kubernetes());
    assert_eq!(holder_of(&cluster).as_deref(), Some("other_2"));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_deleted_under_a_leader_is_lost() {
    let (cluster, mut leader) = leader().await;
    cluster.lock().unwrap().server.lease = None;
    let lost = campaigns(&mut leader, 3).await;
    assert_eq!(lost, Some(Lost::Taken("nobody".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_changed_nothing_makes_no_leader() {
    let cluster = Shared::default();
    let mut candidate = candidate(&cluster, "me_1");
    assert_eq!(campaigns(&mut candidate, 5).await, None);
    set_holder(&cluster, "");
    cluster.lock().unwrap().always = Some(Trouble::Idle);
    assert_eq!(campaigns(&mut candidate, 30).await, None);
    assert_eq!(standing(&candidate), STANDS_BY);
    cluster.lock().unwrap().always = None;
    assert_eq!(campaigns(&mut candidate, 2).await, None);
    assert_eq!(standing(&candidate), LEADS);
}
