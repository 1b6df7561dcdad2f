//! Tests of the waiting in lanes, in virtual time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use proptest::prelude::*;
use tokio::time::Instant;

use crate::{
    Lane, Limiters, Rate,
    limiter::{AGEING, Limiter},
};

const PER: Duration = Duration::from_secs(10);

fn rate(requests: usize) -> Rate {
    Rate { requests, per: PER }
}

/// A limiter of which nothing is used.
async fn fresh(requests: usize) -> Arc<Limiter> {
    let limiter = Limiter::new(rate(requests));
    tokio::time::advance(PER * 2).await;
    limiter
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
    let limiter = fresh(1).await;
    let log = Arc::default();
    let held = limiter.acquire(Lane::Read).await;
    let mut tasks = Vec::new();
    for lane in Lane::ALL.into_iter().rev() {
        for name in ["first", "second"] {
            tasks.push(queue(&limiter, &log, lane, &format!("{lane:?} {name}")));
            settle().await;
        }
    }
    assert_eq!(limiter.waiting().values().sum::<usize>(), 12);
    // Nothing ages here: all wait for the one answer, and the rate is opened at once.
    limiter.set_rate(rate(100));
    drop(held);
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
    let one = of("h", "id", "v3");
    assert!(Arc::ptr_eq(&one, &of("h", "id", "v3")));
    for other in [
        of("h2", "id", "v3"),
        of("h", "id2", "v3"),
        of("h", "id", "v2025"),
    ] {
        assert!(!Arc::ptr_eq(&one, &other));
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

    /// Callers of every lane come at any time, take any time, and some give up: never more
    /// than the limit in any window, everybody else is served, and nobody is left behind.
    #[test]
    fn whoever_comes_and_goes_the_limit_holds_and_all_are_served(
        limit in 1_usize..6,
        callers in proptest::collection::vec((0_u64..30_000, 0_usize..6, 0_u64..4_000, proptest::option::of(0_u64..20_000)), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let limiter = Limiter::new(rate(limit));
            let sent: Arc<Mutex<Vec<Instant>>> = Arc::default();
            let tasks: Vec<_> = callers.into_iter().map(|(comes, lane, takes, patience)| {
                let (limiter, sent) = (limiter.clone(), sent.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(comes)).await;
                    let call = async {
                        let permit = limiter.acquire(Lane::ALL[lane]).await;
                        sent.lock().unwrap().push(Instant::now());
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
            let all = futures::future::join_all(tasks);
            let served = tokio::time::timeout(Duration::from_hours(1), all).await;
            prop_assert!(served.is_ok(), "somebody waits for ever");
            prop_assert!(limiter.waiting().is_empty());
            let sent = sent.lock().unwrap();
            for (index, first) in sent.iter().enumerate() {
                let inside = sent[index..].iter().take_while(|at| **at - *first <= PER).count();
                prop_assert!(inside <= limit, "{inside} in one window of {limit}");
            }
            Ok(())
        })?;
    }
}
