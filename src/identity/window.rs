//! A sliding window over requests: pure, its time is an argument.
//!
//! Guarantee: whatever the network does to their order and speed, no more than the limit
//! *arrive* in any window. A request counts from when it is let go until one window after its
//! answer, since it arrived somewhere between; a token bucket, or a log of departures, would
//! let up to twice the limit through.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The clock behind `Instant` may be this coarse.
const GRAIN: Duration = Duration::from_millis(1);

/// So many requests in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; at least one is allowed.
    pub requests: usize,
    /// In how long.
    pub per: Duration,
}

impl Default for Rate {
    /// The operator's share of the vendor's 100 in 10 seconds.
    fn default() -> Self {
        Self {
            requests: 90,
            per: Duration::from_secs(10),
        }
    }
}

/// The log of one limit.
#[derive(Clone, Debug)]
pub struct Window {
    rate: Rate,
    flying: usize,
    landed: VecDeque<Instant>,
}

/// Why no request may go now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// One may go after this time, if none is let go before.
    For(Duration),
    /// Only an answer to a request under way can make room.
    UntilAnswer,
}

impl Window {
    /// A window of which half counts as used: a process before this one may have used it.
    pub fn half_used(rate: Rate, now: Instant) -> Self {
        let used = rate.requests / 2;
        Self {
            rate,
            flying: 0,
            landed: std::iter::repeat_n(now, used).collect(),
        }
    }

    /// Lets one request go, or says why not.
    pub fn try_take(&mut self, now: Instant) -> Result<(), Full> {
        self.forget(now);
        let limit = self.rate.requests.max(1);
        let used = self.flying + self.landed.len();
        if used < limit {
            self.flying += 1;
            return Ok(());
        }
        // After a lowered rate more than one must be forgotten before there is room.
        match self.landed.get(used - limit) {
            Some(landed) => {
                let gone = now.saturating_duration_since(*landed);
                Err(Full::For((self.rate.per + GRAIN).saturating_sub(gone)))
            }
            None => Err(Full::UntilAnswer),
        }
    }

    /// A request that was let go is answered, or given up.
    pub fn landed(&mut self, now: Instant) {
        self.flying = self.flying.saturating_sub(1);
        self.landed.push_back(now);
    }

    /// Another rate from now on; what was sent still counts.
    pub fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// Whether nothing that was sent counts any more.
    pub fn is_idle(&mut self, now: Instant) -> bool {
        self.forget(now);
        self.flying == 0 && self.landed.is_empty()
    }

    fn forget(&mut self, now: Instant) {
        let per = self.rate.per;
        while self
            .landed
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) > per)
        {
            self.landed.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PER: Duration = Duration::from_secs(10);

    fn rate(requests: usize) -> Rate {
        Rate { requests, per: PER }
    }

    #[test]
    fn half_is_used_at_the_start_and_free_after_one_window() {
        let start = Instant::now();
        let mut window = Window::half_used(rate(10), start);
        let at_start = (0..99)
            .take_while(|_| window.try_take(start).is_ok())
            .count();
        assert_eq!(at_start, 5);
        let wait = window.try_take(start);
        assert_eq!(wait, Err(Full::For(PER + GRAIN)));
        let later = start + PER + GRAIN;
        let after = (0..99)
            .take_while(|_| window.try_take(later).is_ok())
            .count();
        assert_eq!(after, 5, "the other half flies still");
        assert_eq!(window.try_take(later), Err(Full::UntilAnswer));
    }

    #[test]
    fn a_slow_answer_counts_from_its_end() {
        let start = Instant::now();
        let mut window = Window::half_used(rate(1), start);
        assert_eq!(window.try_take(start), Ok(()));
        let landed = start + Duration::from_secs(8);
        window.landed(landed);
        assert_eq!(
            window.try_take(start + PER + GRAIN),
            Err(Full::For(Duration::from_secs(8)))
        );
        assert_eq!(window.try_take(landed + PER + GRAIN), Ok(()));
    }

    #[test]
    fn a_lowered_rate_waits_for_enough_to_be_forgotten() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut window = Window::half_used(rate(0), start);
        window.set_rate(rate(3));
        for at in 0..3 {
            assert_eq!(window.try_take(start + second * at), Ok(()));
            window.landed(start + second * at);
        }
        window.set_rate(rate(2));
        let now = start + second * 3;
        assert_eq!(
            window.try_take(now),
            Err(Full::For(Duration::from_millis(8_001)))
        );
        window.set_rate(rate(0));
        assert_eq!(
            window.try_take(now),
            Err(Full::For(Duration::from_millis(9_001))),
            "one is always allowed"
        );
    }

    proptest! {
        /// Each step: time passes, one request is tried, one that flies may land. A request
        /// arrives at the tenant at any moment of its flight.
        #[test]
        fn no_more_than_the_limit_arrive_in_any_window(
            limit in 1_usize..8,
            steps in proptest::collection::vec((0_u64..3000, any::<bool>(), any::<bool>(), 0_u64..=100), 1..200),
        ) {
            let start = Instant::now();
            let mut now = start;
            let mut window = Window::half_used(rate(limit), start);
            let mut flying: VecDeque<(Instant, u64)> = VecDeque::new();
            let mut arrived = Vec::new();
            for (pass, land, newest, percent) in steps {
                now += Duration::from_millis(pass);
                if window.try_take(now).is_ok() {
                    flying.push_back((now, percent));
                }
                let landing = land.then(|| if newest { flying.pop_back() } else { flying.pop_front() });
                if let Some((left, percent)) = landing.flatten() {
                    let flight = now - left;
                    arrived.push(left + flight * u32::try_from(percent).unwrap() / 100);
                    window.landed(now);
                }
            }
            arrived.sort();
            for (index, first) in arrived.iter().enumerate() {
                let inside = arrived[index..].iter().take_while(|at| **at - *first <= PER).count();
                prop_assert!(inside <= limit, "{inside} in one window of {limit}");
            }
        }

        /// A wait that is named is neither too short nor longer than needed.
        #[test]
        fn the_wait_named_is_exact(limit in 1_usize..8, gaps in proptest::collection::vec(0_u64..5000, 1..50)) {
            let mut now = Instant::now();
            let mut window = Window::half_used(rate(limit), now);
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let Err(Full::For(wait)) = window.try_take(now) {
                    prop_assert!(window.clone().try_take(now + wait.saturating_sub(GRAIN)).is_err());
                    now += wait;
                    prop_assert_eq!(window.try_take(now), Ok(()));
                }
                window.landed(now);
            }
        }
    }
}
