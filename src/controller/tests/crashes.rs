//! Death before, just after and well after every single side effect of every scenario, each also
//! with a watch that lags behind, and every pair of deaths; then restart, and the world must be as
//! if nothing had happened.

use std::time::Duration;

use serde_json::json;

use super::{
    fuse::Crash,
    process::{Life, Process},
    scenarios::{self, Scenario},
    tenant::small,
    world::World,
};

/// Longer than any forced wait: settle, confirmation, back-off.
const LIMIT: Duration = Duration::from_hours(2);
const LAGS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(3),
];

/// After which every read shows what was, however far reads lag.
const LAGGING: Duration = Duration::from_secs(30);

/// Runs a scenario in which the operator dies as told, and is started again each time; returns
/// how many effects the first life after the scenario's act had.
pub async fn play(scenario: &Scenario, crashes: &[Crash], as_told: Life) -> usize {
    let what = format!("{} with {crashes:?}, {as_told:?}", scenario.name);
    let world = World::new(small(6, &scenario.switches, &json!("none"), 7));
    (scenario.before)(&world);
    let calm = Process::start(&world, Life::default());
    assert!(
        world.until(LIMIT, || world.quiet()).await,
        "{what}: before: {:?}",
        world.restless()
    );
    drop(calm);
    tokio::time::sleep(LAGGING).await;
    let done = || (scenario.done)(&world);
    let mut effects = 0;
    (scenario.act)(&world);
    for (life, crash) in crashes
        .iter()
        .map(|crash| Some(*crash))
        .chain([None])
        .enumerate()
    {
        let process = Process::start(&world, Life { crash, ..as_told });
        if life == 0
            && let Some(then) = scenario.then
        {
            tokio::time::sleep(Duration::from_secs(1)).await;
            then(&world);
        }
        let ended = world.until(LIMIT, || process.is_dead() || done()).await;
        if life == 0 {
            effects = process.fuse.effects();
        }
        assert!(
            ended,
            "{what}: not settled: {:#?}\n{}",
            world.restless(),
            world.story()
        );
        if !process.is_dead() {
            break;
        }
    }
    (scenario.check)(&world);
    tokio::time::sleep(LAGGING).await;
    let _later = Process::start(&world, Life::default());
    world.must_rest(Duration::from_mins(5), &what).await;
    effects
}

fn lagging(lag: Duration) -> Life {
    Life {
        lag,
        ..Life::default()
    }
}

#[tokio::test(start_paused = true)]
async fn every_scenario_reaches_its_end_undisturbed() {
    for scenario in scenarios::all() {
        let effects = play(&scenario, &[], Life::default()).await;
        assert!(effects > 0, "{}: nothing happened", scenario.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_effect_loses_and_doubles_nothing() {
    let mut played = 0;
    for scenario in scenarios::all() {
        let effects = play(&scenario, &[], Life::default()).await;
        for at in 0..effects {
            for crash in [Crash::Before(at), Crash::Unheard(at), Crash::Heard(at)] {
                for lag in LAGS {
                    play(&scenario, &[crash], lagging(lag)).await;
                    played += 1;
                }
            }
        }
    }
    println!(
        "{} scenarios, {played} histories with one crash",
        scenarios::all().len()
    );
}

#[tokio::test(start_paused = true)]
async fn two_crashes_in_a_row_lose_and_double_nothing() {
    let moments = [Crash::Before, Crash::Unheard, Crash::Heard];
    let mut lags = LAGS.into_iter().cycle();
    let mut played = 0;
    for scenario in scenarios::all() {
        let effects = play(&scenario, &[], Life::default()).await;
        for first in 0..effects {
            for second in 0..effects {
                for (one, other) in moments
                    .iter()
                    .flat_map(|one| moments.map(|other| (one, other)))
                {
                    let pair = [one(first), other(second)];
                    play(&scenario, &pair, lagging(lags.next().unwrap_or_default())).await;
                    played += 1;
                }
                // Nine pairs and three lags: the next pair of effects begins with another.
                lags.next();
            }
        }
    }
    println!(
        "{} scenarios, {played} histories with two crashes",
        scenarios::all().len()
    );
}
