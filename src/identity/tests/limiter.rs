//! Tests of the waiting in lanes, in virtual time.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use tokio::time::Instant;

use crate::{
    Budget, Client, Lane, Limiters, Load, Options, Rate,
    limiter::Limiter,
    shares::AGEING,
    tests::scripted::{Scripted, answer, credentials_of},
};

const PER: Duration = Duration::from_secs(10);

fn rate(requests: usize) -> Rate {
    Rate { requests, per: PER }
}

/// A limiter of which nothing is used.
async fn fresh(requests: usize) -> Arc<Limiter> {
    let [limiter] = sharing([rate(requests)]).await;
    limiter
}

/// Clients of one client id with these rates, of which nothing is used.
async fn sharing<const N: usize>(rates: [Rate; N]) -> [Arc<Limiter>; N] {
    let limiters = Limiters::default();
    let shares = rates.map(|rate| limiters.limiter("h", "id", "v3", rate));
    tokio::time::advance(Duration::from_hours(1)).await;
    shares
}

/// So many calls of a client wait at once, and each that is let go is counted.
fn busy(limiter: &Arc<Limiter>, calls: usize, lane: Lane) -> Arc<AtomicUsize> {
    let sent = Arc::new(AtomicUsize::new(0));
    for _ in 0..calls {
        let (limiter, sent) = (Arc::clone(limiter), Arc::clone(&sent));
        tokio::spawn(async move {
            let permit = limiter.acquire(lane).await;
            sent.fetch_add(1, Ordering::SeqCst);
            drop(permit);
        });
    }
    sent
}

/// Uses a window up, so that all who come next stand in line together.
async fn use_up(limiter: &Arc<Limiter>, requests: usize) {
    for _ in 0..requests {
        drop(limiter.acquire(Lane::Read).await);
    }
}

fn count(sent: &AtomicUsize) -> usize {
    sent.load(Ordering::SeqCst)
}

/// Waits in a task of its own and notes the name when its turn comes.
fn queue(
    limiter: &Arc<Limiter>,
    log: &Arc<Mutex<Vec<String>>>,
    lane: Lane,
    name: &str,
) -> tokio::task::JoinHandle<()> {
    let (limiter, log, name) = (Arc::clone(limiter), Arc::clone(log), name.to_owned());
    tokio::spawn(async move {
        let permit = limiter.acquire(lane).await;
        log.lock().unwrap().push(name);
        drop(permit);
    })
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_most_urgent_goes_first_and_within_a_lane_the_first() {
    // Nothing ages here: there is room for all of them at once before the first moves up.
    let (per, all) = (AGEING / 2, 2 * Lane::ALL.len());
    let [limiter] = sharing([Rate { requests: all, per }]).await;
    let log = Arc::default();
    use_up(&limiter, all).await;
    let mut tasks = Vec::new();
    for lane in Lane::ALL.into_iter().rev() {
        for name in ["first", "second"] {
            tasks.push(queue(&limiter, &log, lane, &format!("{lane:?} {name}")));
            settle().await;
        }
    }
    assert_eq!(limiter.waiting().values().sum::<usize>(), all);
    futures::future::join_all(tasks).await;
    let expected: Vec<String> = Lane::ALL
        .into_iter()
        .flat_map(|lane| ["first", "second"].map(|name| format!("{lane:?} {name}")))
        .collect();
    assert_eq!(*log.lock().unwrap(), expected);
    assert!(limiter.waiting().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_least_urgent_is_not_starved_by_a_stream_of_the_most_urgent() {
    let limiter = fresh(1).await;
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    queue(&limiter, &log, Lane::Deletion, "before");
    settle().await;
    let patient = queue(&limiter, &log, Lane::Counts, "patient");
    let began = Instant::now();
    while !patient.is_finished() {
        queue(&limiter, &log, Lane::Deletion, "urgent");
        queue(&limiter, &log, Lane::Deletion, "urgent");
        tokio::time::sleep(PER).await;
        assert!(began.elapsed() < AGEING * 20, "starved");
    }
    let urgent = log
        .lock()
        .unwrap()
        .iter()
        .position(|name| name == "patient")
        .unwrap();
    assert!(urgent >= 5, "it waited its time: {urgent}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_every_lane_and_a_shorter_one_does_not_end_it() {
    let limiter = fresh(10).await;
    let began = Instant::now();
    limiter.pause(Duration::from_secs(30));
    limiter.pause(Duration::from_secs(1));
    drop(limiter.acquire(Lane::Deletion).await);
    assert!(began.elapsed() >= Duration::from_secs(30));
    assert!(began.elapsed() < Duration::from_secs(31));
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_comes_while_waiting_is_kept_as_well() {
    let limiter = fresh(1).await;
    drop(limiter.acquire(Lane::Read).await);
    let began = Instant::now();
    let waits = {
        let limiter = limiter.clone();
        tokio::spawn(async move { drop(limiter.acquire(Lane::Read).await) })
    };
    settle().await;
    limiter.pause(Duration::from_mins(1));
    waits.await.unwrap();
    assert!(began.elapsed() >= Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_holds_up_nobody_while_there_is_room() {
    let [one, other] = sharing([rate(2), rate(2)]).await;
    use_up(&one, 2).await;
    let began = Instant::now();
    let slow = [&one, &other].map(|limiter| {
        let limiter = Arc::clone(limiter);
        tokio::spawn(async move {
            let _permit = limiter.acquire(Lane::Read).await;
            let waited = began.elapsed();
            tokio::time::sleep(Duration::from_mins(1)).await;
            waited
        })
    });
    for waited in futures::future::join_all(slow).await {
        assert_eq!(waited.unwrap(), PER + Duration::from_millis(1));
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_given_up_at_any_point_loses_nobody() {
    for given_up in 0..4 {
        let limiter = fresh(1).await;
        let log = Arc::default();
        let held = limiter.acquire(Lane::Read).await;
        let mut tasks: Vec<_> = (0..4)
            .map(|at| queue(&limiter, &log, Lane::Read, &at.to_string()))
            .collect();
        settle().await;
        let victim = tasks.remove(given_up);
        victim.abort();
        drop(held);
        let all = futures::future::join_all(tasks);
        tokio::time::timeout(Duration::from_mins(2), all)
            .await
            .expect("nobody was woken");
        assert_eq!(log.lock().unwrap().len(), 3);
        assert!(limiter.waiting().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_credentials_share_a_limit_and_each_version_has_its_own() {
    let limiters = Limiters::default();
    let of = |host, id, prefix| limiters.limiter(host, id, prefix, rate(4));
    let (one, other) = (of("h", "id", "v3"), of("h", "id", "v3"));
    assert_eq!((one.budget().shares, other.budget().shares), (2, 2));
    for another in [
        of("h2", "id", "v3"),
        of("h", "id2", "v3"),
        of("h", "id", "v2025"),
    ] {
        assert_eq!(another.budget().shares, 1);
    }
    let sibling = of("h", "id", "v2025");
    one.pause(Duration::from_secs(7));
    let began = Instant::now();
    drop(sibling.acquire(Lane::Deletion).await);
    assert_eq!(
        began.elapsed().as_secs(),
        7,
        "the whole tenant is left alone"
    );
}

/// Five requests in ten minutes, as somebody may have set it for a tenant of no importance.
const NARROW: Rate = Rate {
    requests: 5,
    per: Duration::from_mins(10),
};

#[tokio::test(start_paused = true)]
async fn a_neighbour_with_a_narrow_rate_slows_nobody_else() {
    for (calls_of_the_neighbour, own, others) in [(0, 540, 0), (100, 535, 5)] {
        let [wide, narrow] = sharing([rate(90), NARROW]).await;
        let neighbour = busy(&narrow, calls_of_the_neighbour, Lane::Deletion);
        let sent = busy(&wide, 1000, Lane::Read);
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!((count(&sent), count(&neighbour)), (own, others));
        let all = [wide.budget().common, narrow.budget().common];
        assert_eq!(all, [rate(90); 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_that_goes_gives_its_part_back() {
    let [one, other] = sharing([rate(90), rate(90)]).await;
    use_up(&one, 90).await;
    let sent = busy(&one, 1000, Lane::Read);
    let waits = {
        let other = Arc::clone(&other);
        tokio::spawn(async move {
            loop {
                drop(other.acquire(Lane::Read).await);
            }
        })
    };
    tokio::time::sleep(PER * 3).await;
    assert_eq!(count(&sent), 90, "half of two windows");
    waits.abort();
    drop(other);
    tokio::time::sleep(PER).await;
    assert_eq!(count(&sent), 180, "a whole one");
    assert_eq!(one.budget().shares, 1);
}

#[tokio::test(start_paused = true)]
async fn a_narrow_share_is_not_held_by_what_a_wide_one_sent_that_is_gone() {
    let [wide, narrow] = sharing([rate(90), NARROW]).await;
    use_up(&wide, 90).await;
    drop(wide);
    assert_eq!(narrow.budget().common, NARROW);
    let began = Instant::now();
    use_up(&narrow, 5).await;
    assert_eq!(began.elapsed().as_secs(), 10, "one window of the wide rate");
    drop(narrow.acquire(Lane::Read).await);
    assert_eq!(began.elapsed().as_secs(), 610);
}

#[tokio::test(start_paused = true)]
async fn busy_shares_get_the_same_whatever_their_lanes() {
    let [one, other, third] = sharing([rate(90), rate(90), rate(30)]).await;
    use_up(&one, 90).await;
    let sent = [
        busy(&one, 1000, Lane::Deletion),
        busy(&other, 500, Lane::Read),
    ];
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(sent.map(|sent| count(&sent)), [225, 225]);
    let third = busy(&third, 300, Lane::Counts);
    tokio::time::sleep(PER).await;
    assert_eq!(count(&third), 30);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_waiting_calls_do_not_hold_up_a_single_one_of_another() {
    for lane in Lane::ALL {
        let [crowd, single] = sharing([rate(90), rate(90)]).await;
        let sent = busy(&crowd, 1000, Lane::Deletion);
        // All of them have aged to the front of all lanes.
        tokio::time::sleep(Duration::from_secs(65)).await;
        let before = count(&sent);
        let began = Instant::now();
        let permit = single.acquire(lane).await;
        assert!(began.elapsed() < PER, "{lane:?}");
        assert!(count(&sent) <= before + 1, "{lane:?}");
        drop(permit);
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_that_has_used_its_own_rate_up_holds_up_nobody() {
    let [used_up, other] = sharing([NARROW, rate(90)]).await;
    let sent = busy(&used_up, 6, Lane::Deletion);
    settle().await;
    assert_eq!(count(&sent), 5);
    let began = Instant::now();
    use_up(&other, 85).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    tokio::time::sleep(NARROW.per + Duration::from_secs(1)).await;
    assert_eq!(count(&sent), 6, "it goes when its own window has room");
}

#[tokio::test(start_paused = true)]
async fn a_client_tells_its_budget() {
    let limiters = Limiters::default();
    let client = |id, requests| {
        let options = Options {
            rate: rate(requests),
            ..Options::default()
        };
        let transport = Scripted::minting(|_| answer(200, &[], "[]"));
        Client::new(credentials_of(id, "s"), options, transport, &limiters)
    };
    let (narrow, other) = (client("id", 5), client("another", 7));
    let budget = |own, common, shares| Budget {
        own: rate(own),
        common: rate(common),
        shares,
    };
    assert_eq!(narrow.budget(), budget(5, 5, 1));
    let wide = client("id", 90);
    assert_eq!(narrow.budget(), budget(5, 90, 2));
    assert_eq!(wide.budget(), budget(90, 90, 2));
    assert_eq!(other.budget(), budget(7, 7, 1));
    let clone = wide.clone();
    drop(wide);
    assert_eq!(
        narrow.budget(),
        budget(5, 90, 2),
        "a clone is the same client"
    );
    drop(clone);
    assert_eq!(narrow.budget(), budget(5, 5, 1));
}

#[tokio::test(start_paused = true)]
async fn a_client_tells_how_far_its_limit_is_used() {
    let [limiter, other] = sharing([rate(5), rate(90)]).await;
    let load = |left, waiting| Load { left, waiting };
    assert_eq!(limiter.load(), load(5, 0));
    let flying = limiter.acquire(Lane::Read).await;
    assert_eq!(limiter.load(), load(4, 0), "a request under way counts");
    drop(flying);
    assert_eq!(limiter.load(), load(4, 0), "so does one that was answered");
    busy(&limiter, 7, Lane::Read);
    settle().await;
    assert_eq!(limiter.load(), load(0, 3));
    assert_eq!(other.load(), load(85, 0), "the limit of both is used by 5");
    tokio::time::sleep(PER + Duration::from_secs(1)).await;
    assert_eq!(limiter.load(), load(2, 0), "the three went");
    tokio::time::sleep(PER + Duration::from_secs(1)).await;
    assert_eq!(limiter.load(), load(5, 0));
}

#[tokio::test(start_paused = true)]
async fn a_limit_outlives_its_clients_until_nothing_counts() {
    let limiters = Limiters::default();
    let of = || limiters.limiter("h", "id", "v3", rate(4));
    for _ in 0..2 {
        drop(of().acquire(Lane::Read).await);
    }
    let began = Instant::now();
    drop(of().acquire(Lane::Read).await);
    assert!(began.elapsed() >= PER, "dropping a client frees nothing");
    tokio::time::advance(PER * 2).await;
    limiters.limiter("other", "id", "v3", rate(4));
    let again = of();
    drop(again.acquire(Lane::Read).await);
    drop(again.acquire(Lane::Read).await);
    let began = Instant::now();
    drop(again.acquire(Lane::Read).await);
    assert!(began.elapsed() >= PER, "a new limit begins half used");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Callers of several clients and every lane come at any time, take any time, and some give up.
    /// Never more than a client's limit, nor all together more than the widest, are let go in any
    /// window; everybody else is served, and nobody is left behind. A client is dropped after its
    /// last call.
    #[test]
    fn the_limit_holds_and_all_are_served_while_clients_come_and_go(
        limits in proptest::collection::vec(1_usize..6, 1..4),
        callers in proptest::collection::vec((0_usize..3, 0_u64..30_000, 0_usize..6, 0_u64..4_000, proptest::option::of(0_u64..20_000)), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let limiters = Limiters::default();
            let clients: Vec<_> = limits.iter()
                .map(|limit| limiters.limiter("h", "id", "v3", rate(*limit)))
                .collect();
            let sent: Arc<Mutex<Vec<(usize, Instant)>>> = Arc::default();
            let tasks: Vec<_> = callers.into_iter().map(|(client, comes, lane, takes, patience)| {
                let client = client % clients.len();
                let (limiter, sent) = (clients[client].clone(), sent.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(comes)).await;
                    let call = async {
                        let permit = limiter.acquire(Lane::ALL[lane]).await;
                        sent.lock().unwrap().push((client, Instant::now()));
                        tokio::time::sleep(Duration::from_millis(takes)).await;
                        drop(permit);
                    };
                    match patience {
                        Some(patience) => {
                            tokio::time::timeout(Duration::from_millis(patience), call).await.ok();
                        }
                        None => call.await,
                    }
                })
            }).collect();
            let last = clients[0].clone();
            drop(clients);
            let all = futures::future::join_all(tasks);
            let served = tokio::time::timeout(Duration::from_hours(1), all).await;
            prop_assert!(served.is_ok(), "somebody waits for ever");
            prop_assert!(last.waiting().is_empty());
            prop_assert_eq!(last.budget().shares, 1);
            prop_assert_eq!(last.budget().common, rate(limits[0]));
            let sent = sent.lock().unwrap();
            let at_most = |limit: usize, sent: &[Instant]| {
                for (index, first) in sent.iter().enumerate() {
                    let inside = sent[index..].iter().take_while(|at| **at - *first <= PER).count();
                    prop_assert!(inside <= limit, "{inside} in one window of {limit}");
                }
                Ok(())
            };
            let all: Vec<Instant> = sent.iter().map(|(_, at)| *at).collect();
            at_most(*limits.iter().max().unwrap(), &all)?;
            for (client, limit) in limits.iter().enumerate() {
                let of = sent.iter().filter(|(of, _)| *of == client);
                at_most(*limit, &of.map(|(_, at)| *at).collect::<Vec<_>>())?;
            }
            Ok(())
        })?;
    }
}
