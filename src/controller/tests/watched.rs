//! The same under the watches of the real process, kube's Controller included: what a person does
//! reaches a pass, and a pass that asks for another gets it.

use std::{sync::Arc, time::Duration};

use psg_api::names;
use serde_json::json;

use super::{
    crashes::{deaths, play},
    process::{Life, Process},
    scenarios::{self, one_group, reason, spec},
    tenant::small,
    world::World,
};

/// Far less than a resync.
const SOON: Duration = Duration::from_mins(1);

fn watched() -> Life {
    Life {
        watched: true,
        ..Life::default()
    }
}

fn world() -> Arc<World> {
    World::new(small(6, &json!({}), &json!("none"), 7))
}

async fn settled() -> (Arc<World>, Process) {
    let world = world();
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    let process = Process::start(&world, watched());
    assert!(world.until(SOON, || world.quiet()).await);
    (world, process)
}

#[tokio::test(start_paused = true)]
async fn every_scenario_reaches_its_end_under_the_real_watches() {
    for scenario in scenarios::all() {
        let effects = play(&scenario, &[], watched()).await[0];
        assert!(effects > 0, "{}: nothing happened", scenario.name);
    }
}

#[tokio::test(start_paused = true)]
async fn under_the_real_watches_it_may_die_at_any_effect() {
    let mut played = 0;
    for scenario in scenarios::all() {
        let effects = play(&scenario, &[], watched()).await[0];
        for crash in deaths(effects) {
            // No story is told twice: where this one has fewer effects, nobody dies.
            let lives = play(&scenario, &[crash], watched()).await;
            played += lives.len() - 1;
        }
    }
    println!("{played} histories with one crash under the real watches");
}

#[tokio::test(start_paused = true)]
async fn each_kind_is_listed_once_by_pages_and_then_watched() {
    let (world, _process) = settled().await;
    tokio::time::sleep(Duration::from_mins(30)).await;
    for kind in ["passwordsyncgroups", "identitytenants"] {
        let asked = world.trace();
        let asked: Vec<_> = asked
            .iter()
            .filter_map(|line| line.split_once("watches: GET "))
            .map(|(_, path)| path)
            .filter(|path| path.starts_with(&format!("/apis/passwordsync.dev/v1alpha1/{kind}?")))
            .collect();
        let (watches, lists): (Vec<_>, _) = asked
            .into_iter()
            .partition(|path| path.contains("watch=true"));
        assert_eq!(lists.len(), 1, "{lists:?}");
        assert!(lists[0].contains("limit=100"), "{lists:?}");
        assert!(
            !lists[0].contains("resourceVersion"),
            "the newest: {lists:?}"
        );
        assert!(watches.len() > 5, "{watches:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_standby_begins_with_what_it_watched_as_soon_as_it_leads() {
    let world = world();
    let standby = Process::start(
        &world,
        Life {
            standby: true,
            ..watched()
        },
    );
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    let mut nowhere = spec("H", &["A", "C"]);
    nowhere["tenantRef"] = json!({"name": "nowhere"});
    world.cluster.apply("h", &nowhere);
    tokio::time::sleep(Duration::from_mins(20)).await;
    assert_eq!((world.calls("*"), world.cluster.groups.writes()), (0, 0));
    standby.lead();
    tokio::time::sleep(SOON).await;
    one_group(&world, "G", &["A", "B"]);
    assert_eq!(reason(&world, "h").as_deref(), Some("TenantNotFound"));
}

#[tokio::test(start_paused = true)]
async fn a_pass_follows_on_our_annotations_alone() {
    let (world, process) = settled().await;
    // The first read since the create requeues it once more.
    tokio::time::sleep(3 * SOON).await;
    let passes = || {
        let figures = process.figures();
        let lines = figures
            .lines()
            .filter(|line| line.starts_with("psg_passes_total"));
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum::<u64>()
    };
    for (annotation, requeue) in [
        ("somebody/else", false),
        (names::RECONCILE_AT, true),
        (names::PAUSED_UNTIL, true),
    ] {
        let before = passes();
        assert!(before > 0, "{}", process.figures());
        world
            .cluster
            .groups
            .annotate("g", annotation, Some("2026-01-01T00:00:00Z".to_owned()));
        tokio::time::sleep(SOON).await;
        assert_eq!(
            passes() > before,
            requeue,
            "{annotation}\n{}",
            world.story()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_was_mended_is_looked_at_though_its_generation_is_the_same() {
    let (world, _process) = settled().await;
    world.weather.lock().unwrap().spoilt = Some("g".to_owned());
    world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
    tokio::time::sleep(SOON).await;
    one_group(&world, "G", &["A", "B"]);
    world.weather.lock().unwrap().spoilt = None;
    world
        .cluster
        .groups
        .annotate("g", "mended", Some("yes".to_owned()));
    assert!(world.until(SOON, || world.quiet()).await);
    one_group(&world, "G", &["A", "B", "C"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_while_nothing_could_be_watched_is_listed() {
    let (world, _process) = settled().await;
    world.weather.lock().unwrap().watch_cut = true;
    world.cluster.groups.remove_by_force("g");
    world.drop_group("G");
    world.cluster.apply("h", &spec("H", &["B", "C"]));
    tokio::time::sleep(5 * SOON).await;
    assert_eq!(world.groups(), Vec::new());
    world.weather.lock().unwrap().watch_cut = false;
    assert!(world.until(2 * SOON, || world.quiet()).await);
    one_group(&world, "H", &["B", "C"]);
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_fails_is_tried_again_with_growing_pauses() {
    let (world, _process) = settled().await;
    world.weather.lock().unwrap().api_forbids = true;
    world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
    tokio::time::sleep(Duration::from_mins(30)).await;
    let trace = world.trace();
    let refused = trace
        .iter()
        .filter(|line| line.ends_with("forbidden"))
        .count();
    assert!((5..100).contains(&refused), "{refused}\n{}", world.story());
    world.weather.lock().unwrap().api_forbids = false;
    assert!(world.until(Duration::from_mins(10), || world.quiet()).await);
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_it_ends() {
    let (world, process) = settled().await;
    assert!(!process.has_ended());
    process.stop();
    assert!(world.until(SOON, || process.has_ended()).await);
}
