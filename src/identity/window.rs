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
