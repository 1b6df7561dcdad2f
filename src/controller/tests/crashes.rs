//! Death before, just after and well after every single side effect of every scenario, each also
//! with a watch that lags behind, and every pair of deaths; then restart, and the world must be as
//! if nothing had happened.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::json;

use super::{
    fuse::Crash,
    in_virtual_time, on_all_cores,
    process::{Life, Process},
    scenarios::{self, Scenario},
    tenant::small,
    world::World,
};

/// Longer than any forced wait: settle, confirmation, back-off.
const LIMIT: Duration = Duration::from_hours(2);
/// How far the watch is behind. Pairs of deaths are played with the first three.
const LAGS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(3),
    Duration::from_mins(2),
];

/// After which every read shows what was, however far reads lag.
const LAGGING: Duration = Duration::from_secs(30);

/// Runs a scenario in which the operator dies as told, and is started again each time; returns
/// how many effects each life had. The last one did not die.
pub async fn play(scenario: &Scenario, crashes: &[Crash], as_told: Life) -> Vec<usize> {
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
    let mut lives = Vec::new();
    (scenario.act)(&world);
    for crash in crashes.iter().map(|crash| Some(*crash)).chain([None]) {
        let process = Process::start(&world, Life { crash, ..as_told });
        if lives.is_empty()
            && let Some(then) = scenario.then
        {
            tokio::time::sleep(Duration::from_secs(1)).await;
            then(&world);
        }
        let ended = world.until(LIMIT, || process.is_dead() || done()).await;
        lives.push(process.fuse.effects());
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
    lives
}

/// Every death that a life of so many effects may die.
pub fn deaths(effects: usize) -> impl Iterator<Item = Crash> {
    (0..effects).flat_map(|at| [Crash::Before(at), Crash::Unheard(at), Crash::Heard(at)])
}

/// The same, but a death that does not come is no history of its own. Only what follows the answer
/// of the very last effect may come to its end first.
async fn die(scenario: &Scenario, crashes: &[Crash], lag: Duration, effects: usize) -> Vec<usize> {
    let life = Life {
        lag,
        ..Life::default()
    };
    let lives = play(scenario, crashes, life).await;
    let last = crashes.last() == Some(&Crash::Heard(effects - 1));
    assert!(
        lives.len() == crashes.len() + 1 || last && lives.len() == crashes.len(),
        "{}: of {crashes:?} at {lag:?} not all came: {lives:?}",
        scenario.name
    );
    lives
}

/// Plays something of every scenario with every lag, on all cores; the sum of what it counted.
fn everywhere<F>(lags: &[Duration], play: impl Fn(Scenario, Duration) -> F + Sync) -> usize
where
    F: Future<Output = usize>,
{
    let stories = scenarios::all().len() * lags.len();
    let played = AtomicUsize::new(0);
    on_all_cores(0..stories as u64, |story| {
        let story = usize::try_from(story).unwrap();
        let scenario = scenarios::all().swap_remove(story / lags.len());
        let lag = lags[story % lags.len()];
        let counted = in_virtual_time(play(scenario, lag));
        played.fetch_add(counted, Ordering::SeqCst);
        ControlFlow::Continue(())
    });
    played.into_inner()
}

#[tokio::test(start_paused = true)]
async fn every_scenario_reaches_its_end_undisturbed() {
    for scenario in scenarios::all() {
        let effects = play(&scenario, &[], Life::default()).await[0];
        assert!(effects > 0, "{}: nothing happened", scenario.name);
    }
}

#[test]
fn a_crash_at_any_effect_loses_and_doubles_nothing() {
    let played = everywhere(&LAGS, async |scenario, lag| {
        let effects = undisturbed(&scenario, lag).await;
        let mut played = 0;
        for crash in deaths(effects) {
            die(&scenario, &[crash], lag, effects).await;
            played += 1;
        }
        played
    });
    println!(
        "{} scenarios, {played} histories with one crash",
        scenarios::all().len()
    );
}

/// The second strikes the process that is there after the first, at every effect that it has. Every
/// test run plays each scenario with one of the lags, and every third effect as the first death;
/// `make prove` all of both.
#[test]
fn two_crashes_in_a_row_lose_and_double_nothing() {
    let all = std::env::var_os("PSG_PROVE").is_some();
    let names: Vec<&str> = scenarios::all().iter().map(|it| it.name).collect();
    let played = everywhere(&LAGS[..3], async |scenario, lag| {
        let number = names.iter().position(|name| *name == scenario.name);
        if !all && LAGS[number.unwrap() % 3] != lag {
            return 0;
        }
        let effects = undisturbed(&scenario, lag).await;
        let mut played = 0;
        let firsts = deaths(effects).step_by(if all { 1 } else { 3 });
        for first in firsts {
            let lives = die(&scenario, &[first], lag, effects).await;
            let effects = lives.get(1).copied().unwrap_or_default();
            for second in deaths(effects) {
                die(&scenario, &[first, second], lag, effects).await;
                played += 1;
            }
        }
        played
    });
    println!(
        "{} scenarios, {played} histories with two crashes",
        scenarios::all().len()
    );
}

async fn undisturbed(scenario: &Scenario, lag: Duration) -> usize {
    let life = Life {
        lag,
        ..Life::default()
    };
    play(scenario, &[], life).await[0]
}
