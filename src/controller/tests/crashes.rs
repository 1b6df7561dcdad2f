//! Death before and after every single side effect of every scenario, each also with a watch that
//! lags behind; then restart, and the world must be as if nothing had happened.

use super::{fuse::Crash, scenarios, world::play};

#[tokio::test(start_paused = true)]
async fn every_scenario_reaches_its_end_undisturbed() {
    for scenario in scenarios::all() {
        let effects = play(&scenario, &[], 0).await;
        assert!(effects > 0, "{}: nothing happened", scenario.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_effect_loses_and_doubles_nothing() {
    for scenario in scenarios::all() {
        let effects = play(&scenario, &[], 0).await;
        for at in 0..effects {
            for crash in [Crash::Before(at), Crash::Unheard(at)] {
                for lag in 0..2 {
                    play(&scenario, &[crash], lag).await;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_crashes_in_a_row_lose_and_double_nothing() {
    for scenario in scenarios::all() {
        let effects = play(&scenario, &[], 0).await;
        for first in 0..effects {
            for second in 0..effects {
                play(
                    &scenario,
                    &[Crash::Unheard(first), Crash::Unheard(second)],
                    0,
                )
                .await;
                play(
                    &scenario,
                    &[Crash::Before(first), Crash::Unheard(second)],
                    1,
                )
                .await;
            }
        }
    }
}
