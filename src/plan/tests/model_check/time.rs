//! Time, as far as the plan can tell: a tick of ten seconds, which every period is a multiple of.
//!
//! Now is always the same moment; a tick makes everything else older. The plan only compares
//! moments with `x + period < y`, and no such period is longer than the longest of [`Periods`]. So
//! a gap between two neighbouring moments may shrink to one tick more than that, and no comparison
//! of any two moments changes. States that differ in nothing else become one: time goes on for
//! ever in a finite number of states.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::state::State;
use crate::Timers;

pub const NOW: Timestamp = Timestamp::constant(1_000_000, 0);
pub const TICK: Duration = Duration::from_secs(10);

/// The periods of a world, in ticks.
#[derive(Clone, Copy, Debug)]
pub struct Periods {
    pub settle: u32,
    pub confirm_gap: u32,
    pub interval: u32,
    pub backoff: u32,
}

impl Periods {
    pub fn timers(self) -> Timers {
        Timers {
            settle: TICK * self.settle,
            confirm_gap: TICK * self.confirm_gap,
        }
    }

    fn longest(self) -> Duration {
        let settled = self.settle + self.confirm_gap;
        TICK * settled.max(self.interval).max(self.backoff)
    }
}

/// One tick later.
pub fn pass(state: &mut State, periods: Periods) {
    let tick = SignedDuration::try_from(TICK).unwrap();
    let cap = SignedDuration::try_from(periods.longest()).unwrap() + tick;
    let mut moments = vec![NOW];
    state.each_time(&mut |at| moments.push(*at - tick));
    moments.sort_unstable();
    moments.dedup();
    let here = moments.iter().position(|at| *at == NOW).unwrap();
    let mut shrunk = BTreeMap::from([(NOW, NOW)]);
    let mut to = NOW;
    for pair in moments[here..].windows(2) {
        to += pair[1].duration_since(pair[0]).min(cap);
        shrunk.insert(pair[1], to);
    }
    to = NOW;
    for pair in moments[..=here].windows(2).rev() {
        to -= pair[1].duration_since(pair[0]).min(cap);
        shrunk.insert(pair[0], to);
    }
    state.each_time(&mut |at| *at = shrunk[&(*at - tick)]);
}
