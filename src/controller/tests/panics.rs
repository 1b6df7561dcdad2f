//! A panic ends nothing but what it struck: it is counted and tried again, later each time, and
//! everything else goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream};
use serde_json::json;
use tokio::time::Instant;

use super::{
    process::{Life, Process},
    tenant,
    world::World,
};
use crate::watch::panics::Watched;

const LIMIT: Duration = Duration::from_mins(5);

fn world() -> Arc<World> {
    let world = World::new(tenant::small(4, &json!({}), &json!("none"), 1));
    for (name, sources) in [("one", ["A", "B"]), ("two", ["C", "D"])] {
        let sources = sources.map(|name| json!({"name": name}));
        let policy = json!({"name": "Strong"});
        let spec = json!({"name": name, "passwordPolicyRef": policy, "sourceRefs": sources});
        world.cluster.apply(name, &spec);
    }
    world
}

/// How long it took from each panic to the next, in seconds.
fn gaps(world: &World) -> Vec<f64> {
    let trace = world.trace();
    let panics = trace.iter().filter(|line| line.contains("panic over"));
    let times: Vec<f64> = panics
        .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
        .collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_pass_holds_up_its_own_group_alone() {
    let world = world();
    world.weather.lock().unwrap().panics = [("one".to_owned(), 5)].into();
    let process = Process::start(&world, Life::default());
    let is_made = |name: &str| world.groups().iter().any(|(group, _)| group == name);
    assert!(world.until(Duration::from_secs(5), || is_made("two")).await);
    assert!(!is_made("one"), "{}", world.story());
    assert!(
        world.until(LIMIT, || world.quiet()).await,
        "{}",
        world.story()
    );
    assert!(!process.is_broken());
    assert_eq!(process.context.metrics.panics("pass"), 5);
    assert_eq!(world.calls("POST /password-sync-groups"), 2, "once each");
    let gaps = gaps(&world);
    // The first ones come with the news of the start, which wake everybody.
    assert!(gaps.len() == 4 && gaps[2] > 2.0, "{gaps:?}");
    assert!(gaps[3] > gaps[2] * 1.5, "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_actor_begins_it_anew() {
    let world = world();
    world.weather.lock().unwrap().panics = [("the Secret".to_owned(), 4)].into();
    let process = Process::start(&world, Life::default());
    assert!(
        world.until(LIMIT, || world.quiet()).await,
        "{}",
        world.story()
    );
    assert!(!process.is_broken());
    assert_eq!(process.context.metrics.panics("actor"), 4);
    let gaps = gaps(&world);
    assert!(
        gaps.windows(2).all(|pair| pair[1] > pair[0] * 1.5),
        "{gaps:?}"
    );
}

/// An actor that worked and then panics: what it had read is read again.
#[tokio::test(start_paused = true)]
async fn a_panic_in_an_actor_that_had_read_its_tenant_loses_nothing() {
    let world = world();
    let process = Process::start(&world, Life::default());
    assert!(
        world.until(LIMIT, || world.quiet()).await,
        "{}",
        world.story()
    );
    world.weather.lock().unwrap().panics = [("the Secret".to_owned(), 2)].into();
    let panicked = || process.context.metrics.panics("actor") == 2;
    assert!(world.until(LIMIT, panicked).await, "{}", world.story());
    world.edit_group("one", |group| group.name = "renamed".to_owned());
    let repaired = || world.groups().iter().any(|(name, _)| name == "one");
    assert!(world.until(LIMIT, repaired).await, "{}", world.story());
    assert_eq!(world.groups().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_an_event_means_may_panic_and_is_listed_afresh() {
    let world = world();
    let process = Process::start(&world, Life::default());
    let (watched, lists) = (Arc::new(Watched::default()), Arc::new(AtomicU32::new(0)));
    let listed = Arc::clone(&lists);
    // A watch that shows three objects and then nothing more.
    let watch = move || {
        let list = listed.fetch_add(1, Ordering::SeqCst);
        stream::iter([(list, "a"), (list, "bad"), (list, "c")]).chain(stream::pending())
    };
    let events = Arc::clone(&watched).events(process.context.clone(), watch);
    let mut events = std::pin::pin!(events);
    let mut taken = Vec::new();
    let began = Instant::now();
    while taken.len() < 3 * 3 {
        let (list, name) = events.next().await.unwrap();
        let at = began.elapsed();
        taken.push((list, name, at));
        watched.take_in(&process.context, || {
            assert!(name != "bad" || list == 2, "a planted panic");
        });
    }
    let shown: Vec<_> = taken.iter().map(|(list, name, _)| (*list, *name)).collect();
    assert_eq!(shown[..4], [(0, "a"), (0, "bad"), (0, "c"), (1, "a")]);
    assert_eq!(process.context.metrics.panics("watch"), 2);
    let (first, second) = (taken[3].2, taken[6].2.saturating_sub(taken[3].2));
    assert!(first >= Duration::from_millis(500), "{first:?}");
    assert!(second > first, "{first:?} {second:?}");
    // The third list was taken in whole: nothing asks for another.
    let more = tokio::time::timeout(Duration::from_hours(1), events.next());
    more.await.unwrap_err();
}
