//! A sliding window over requests: pure, its time is an argument.
//!
//! Guarantee: whatever the network does to the order and speed of requests, no more than the limit
//! *arrive* in any window. A request counts from its sending until one window after its answer,
//! since it arrived at some time between the two; a token bucket, or a log of the times of sending,
//! would let up to twice the limit through.

use std::{cmp::Ordering, collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The clock behind `Instant` may be this coarse.
const GRAIN: Duration = Duration::from_millis(1);

/// A number of requests in a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; at least one is allowed.
    pub requests: usize,
    /// In how long.
    pub per: Duration,
}

impl Rate {
    /// Which of two rates lets more through in the long run. If they are equal in that, the rate
    /// with the shorter period is the lesser: it lets fewer through at once.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let share = |rate: &Self, of: &Self| rate.requests.max(1) as u128 * of.per.as_nanos();
        share(self, other)
            .cmp(&share(other, self))
            .then(self.per.cmp(&other.per))
    }
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
    /// Until when each answered request counts, the earliest time in front.
    landed: VecDeque<Instant>,
}

/// Why no request may go now. The greater value is the longer wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Full {
    /// One may go after this time, if none is let go before.
    For(Duration),
    /// Only an answer to a request under way can make room.
    UntilAnswer,
}

impl Window {
    /// A window of which half counts as used: the process before this one may have sent requests.
    pub fn half_used(rate: Rate, now: Instant) -> Self {
        let used = rate.requests / 2;
        Self {
            rate,
            flying: 0,
            landed: std::iter::repeat_n(now + rate.per, used).collect(),
        }
    }

    /// Why no request may go now, if none may.
    pub fn full(&self, now: Instant) -> Option<Full> {
        let forgotten = self.forgotten(now);
        let limit = self.rate.requests.max(1);
        let used = self.flying + self.landed.len() - forgotten;
        if used < limit {
            return None;
        }
        // After the rate was lowered, more than one request must expire before there is room.
        let makes_room = self.landed.get(forgotten + used - limit);
        Some(makes_room.map_or(Full::UntilAnswer, |until| {
            Full::For((*until + GRAIN).saturating_duration_since(now))
        }))
    }

    /// How many requests may go now.
    pub fn left(&self, now: Instant) -> usize {
        let used = self.flying + self.landed.len() - self.forgotten(now);
        self.rate.requests.max(1).saturating_sub(used)
    }

    /// Counts one request as sent, for which the caller has asked [`Self::full`].
    pub fn take(&mut self) {
        self.flying += 1;
    }

    /// Counts a request that was sent as answered or given up.
    pub fn landed(&mut self, now: Instant) {
        self.flying = self.flying.saturating_sub(1);
        self.landed.drain(..self.forgotten(now));
        self.landed.push_back(now + self.rate.per);
    }

    /// How many may go, and in how long.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Sets another rate. A request that was answered before counts no longer than the old rate
    /// says: a new, longer period does not apply to it. A shorter one does.
    pub fn set_rate(&mut self, rate: Rate, now: Instant) {
        self.rate = rate;
        let latest = now + rate.per;
        for until in &mut self.landed {
            *until = latest.min(*until);
        }
    }

    /// Whether nothing that was sent counts any more.
    pub fn is_idle(&self, now: Instant) -> bool {
        self.flying == 0 && self.forgotten(now) == self.landed.len()
    }

    fn forgotten(&self, now: Instant) -> usize {
        self.landed.partition_point(|until| *until < now)
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

    fn try_take(window: &mut Window, now: Instant) -> Result<(), Full> {
        window.full(now).map_or(Ok(()), Err)?;
        window.take();
        Ok(())
    }

    #[test]
    fn half_is_used_at_the_start_and_free_after_one_window() {
        let start = Instant::now();
        let mut window = Window::half_used(rate(10), start);
        let at_start = (0..99)
            .take_while(|_| try_take(&mut window, start).is_ok())
            .count();
        assert_eq!(at_start, 5);
        let wait = try_take(&mut window, start);
        assert_eq!(wait, Err(Full::For(PER + GRAIN)));
        let later = start + PER + GRAIN;
        let after = (0..99)
            .take_while(|_| try_take(&mut window, later).is_ok())
            .count();
        assert_eq!(after, 5, "the other half flies still");
        assert_eq!(try_take(&mut window, later), Err(Full::UntilAnswer));
    }

    #[test]
    fn a_slow_answer_counts_from_its_end() {
        let start = Instant::now();
        let mut window = Window::half_used(rate(1), start);
        assert_eq!(try_take(&mut window, start), Ok(()));
        let landed = start + Duration::from_secs(8);
        window.landed(landed);
        assert_eq!(
            try_take(&mut window, start + PER + GRAIN),
            Err(Full::For(Duration::from_secs(8)))
        );
        assert_eq!(try_take(&mut window, landed + PER + GRAIN), Ok(()));
    }

    #[test]
    fn a_lowered_rate_waits_for_enough_to_be_forgotten() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut window = Window::half_used(rate(0), start);
        window.set_rate(rate(3), start);
        for at in 0..3 {
            assert_eq!(try_take(&mut window, start + second * at), Ok(()));
            window.landed(start + second * at);
        }
        let now = start + second * 3;
        window.set_rate(rate(2), now);
        assert_eq!(
            try_take(&mut window, now),
            Err(Full::For(Duration::from_millis(8_001)))
        );
        window.set_rate(rate(0), now);
        assert_eq!(
            try_take(&mut window, now),
            Err(Full::For(Duration::from_millis(9_001))),
            "one is always allowed"
        );
    }

    #[test]
    fn what_was_sent_counts_as_long_as_the_rate_said_under_which_it_was_sent() {
        let start = Instant::now();
        let mut window = Window::half_used(rate(8), start);
        let narrow = Rate {
            requests: 2,
            per: Duration::from_mins(10),
        };
        window.set_rate(narrow, start);
        assert_eq!(window.full(start), Some(Full::For(PER + GRAIN)));
        let later = start + PER + GRAIN;
        window.take();
        window.take();
        window.landed(later);
        window.landed(later);
        let whole = Full::For(narrow.per + GRAIN);
        assert_eq!(window.full(later), Some(whole));
        window.set_rate(rate(2), later);
        assert_eq!(window.full(later), Some(Full::For(PER + GRAIN)));
    }

    #[test]
    fn of_two_rates_the_one_is_greater_that_lets_more_through_in_the_long_run() {
        let of = |requests, seconds| Rate {
            requests,
            per: Duration::from_secs(seconds),
        };
        for (less, more) in [
            (of(5, 600), of(90, 10)),
            (of(600, 600), of(11, 10)),
            (of(0, 10), of(2, 10)),
            // As many in the long run, and fewer of them at once.
            (of(9, 1), of(90, 10)),
        ] {
            assert_eq!(less.compare(&more), Ordering::Less);
            assert_eq!(more.compare(&less), Ordering::Greater);
            assert_eq!(more.compare(&more), Ordering::Equal);
        }
    }

    proptest! {
        /// Each step: time passes, one request is tried, and one that was sent may be answered. A
        /// request arrives at the tenant at any moment before its answer.
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
                if try_take(&mut window, now).is_ok() {
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

        /// The wait in [`Full::For`] is neither too short nor longer than needed.
        #[test]
        fn the_wait_named_is_exact(limit in 1_usize..8, gaps in proptest::collection::vec(0_u64..5000, 1..50)) {
            let mut now = Instant::now();
            let mut window = Window::half_used(rate(limit), now);
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let Err(Full::For(wait)) = try_take(&mut window, now) {
                    prop_assert!(try_take(&mut window.clone(), now + wait.saturating_sub(GRAIN)).is_err());
                    now += wait;
                    prop_assert_eq!(try_take(&mut window, now), Ok(()));
                }
                window.landed(now);
            }
        }
    }
}
