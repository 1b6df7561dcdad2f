//! The service's rate limit: which requests it admits, and how long the others must wait. No IO.
//!
//! Fixed windows are the default; they let twice the limit through around their edge, which a
//! client must not rely on. For each key, the most requests ever seen in one window are kept,
//! refused ones included: tests measure a client's rate by it.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::switches::RateWindow;

/// How many requests are let through in how many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// The requests.
    pub requests: u32,
    /// The seconds.
    pub seconds: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            requests: 100,
            seconds: 10,
        }
    }
}

/// The counters of one tenant, by key.
#[derive(Debug, Clone, Default)]
pub struct Limiter {
    keys: BTreeMap<String, Counter>,
}

#[derive(Debug, Clone, Default)]
struct Counter {
    window: i64,
    admitted: u32,
    log: VecDeque<i64>,
    spent_thousandths: i64,
    refilled: i64,
    seen: VecDeque<i64>,
    most: usize,
}

impl Limiter {
    /// Counts one request; `Err` holds the seconds to wait.
    pub fn admit(
        &mut self,
        key: &str,
        window: RateWindow,
        limit: RateLimit,
        now: Timestamp,
    ) -> Result<(), u64> {
        let now = now.as_millisecond();
        let length = i64::from(limit.seconds.max(1)) * 1000;
        let counter = self.keys.entry(key.to_owned()).or_default();
        counter.observe(now, length);
        let wait = match window {
            RateWindow::Fixed | RateWindow::FixedPerToken => counter.fixed(limit, now, length),
            RateWindow::Sliding | RateWindow::SlidingPerToken => {
                counter.sliding(limit, now, length)
            }
            RateWindow::TokenBucket | RateWindow::TokenBucketPerToken => {
                counter.bucket(limit, now, length)
            }
        };
        match wait {
            None => Ok(()),
            Some(millis) => Err(u64::try_from((millis + 999) / 1000).unwrap_or(0).max(1)),
        }
    }

    /// The most requests seen in any window, by key.
    pub fn most_in_window(&self) -> BTreeMap<String, usize> {
        self.keys
            .iter()
            .map(|(key, counter)| (key.clone(), counter.most))
            .collect()
    }

    /// Forgets the most requests seen, not the windows.
    pub fn forget_most(&mut self) {
        for counter in self.keys.values_mut() {
            counter.most = 0;
            counter.seen.clear();
        }
    }
}

impl Counter {
    fn observe(&mut self, now: i64, length: i64) {
        self.seen.push_back(now);
        drop_before(&mut self.seen, now - length);
        self.most = self.most.max(self.seen.len());
    }

    fn fixed(&mut self, limit: RateLimit, now: i64, length: i64) -> Option<i64> {
        let window = now - now.rem_euclid(length);
        if window != self.window {
            self.window = window;
            self.admitted = 0;
        }
        if self.admitted >= limit.requests {
            return Some(window + length - now);
        }
        self.admitted += 1;
        None
    }

    fn sliding(&mut self, limit: RateLimit, now: i64, length: i64) -> Option<i64> {
        drop_before(&mut self.log, now - length);
        let full = self.log.len() >= usize::try_from(limit.requests).unwrap_or(usize::MAX);
        match self.log.front() {
            Some(oldest) if full => Some(oldest + length - now),
            None if full => Some(length),
            _ => {
                self.log.push_back(now);
                None
            }
        }
    }

    fn bucket(&mut self, limit: RateLimit, now: i64, length: i64) -> Option<i64> {
        let requests = i64::from(limit.requests.max(1));
        let refill = (now - self.refilled).clamp(0, length) * requests * 1000 / length;
        self.spent_thousandths = (self.spent_thousandths - refill).max(0);
        self.refilled = now;
        let over = self.spent_thousandths + 1000 - requests * 1000;
        if over > 0 {
            return Some(over * length / (requests * 1000));
        }
        self.spent_thousandths += 1000;
        None
    }
}

fn drop_before(log: &mut VecDeque<i64>, cutoff: i64) {
    while log.front().is_some_and(|at| *at <= cutoff) {
        log.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    const LIMIT: RateLimit = RateLimit {
        requests: 3,
        seconds: 10,
    };

    fn at(millis: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis)
    }

    fn admitted(limiter: &mut Limiter, window: RateWindow, moments: &[i64]) -> Vec<bool> {
        let mut admit = |at_ms: &i64| limiter.admit("k", window, LIMIT, at(*at_ms)).is_ok();
        moments.iter().map(&mut admit).collect()
    }

    #[test]
    fn fixed_windows_let_twice_the_limit_through_at_their_edge() {
        let mut limiter = Limiter::default();
        let moments = [9_000, 9_100, 9_200, 9_300, 10_000, 10_100, 10_200, 10_300];
        let seen = admitted(&mut limiter, RateWindow::Fixed, &moments);
        assert_eq!(seen, [true, true, true, false, true, true, true, false]);
        assert_eq!(limiter.most_in_window()["k"], 8);
    }

    #[test]
    fn a_sliding_window_does_not() {
        let mut limiter = Limiter::default();
        let moments = [9_000, 9_100, 9_200, 9_300, 10_000, 18_999, 19_000, 19_001];
        let seen = admitted(&mut limiter, RateWindow::Sliding, &moments);
        assert_eq!(seen, [true, true, true, false, false, false, true, false]);
    }

    #[test]
    fn a_bucket_refills_drop_by_drop() {
        let mut limiter = Limiter::default();
        let moments = [100_000, 100_000, 100_000, 100_000, 103_400, 103_500];
        let seen = admitted(&mut limiter, RateWindow::TokenBucket, &moments);
        assert_eq!(seen, [true, true, true, false, true, false]);
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds() {
        let mut limiter = Limiter::default();
        admitted(&mut limiter, RateWindow::Fixed, &[12_000; 3]);
        assert_eq!(
            limiter.admit("k", RateWindow::Fixed, LIMIT, at(12_500)),
            Err(8)
        );
        assert_eq!(
            limiter.admit("other", RateWindow::Fixed, LIMIT, at(12_500)),
            Ok(())
        );
        let mut limiter = Limiter::default();
        admitted(&mut limiter, RateWindow::Sliding, &[12_000; 3]);
        assert_eq!(
            limiter.admit("k", RateWindow::Sliding, LIMIT, at(12_500)),
            Err(10)
        );
        let mut limiter = Limiter::default();
        admitted(&mut limiter, RateWindow::TokenBucket, &[12_000; 3]);
        assert_eq!(
            limiter.admit("k", RateWindow::TokenBucket, LIMIT, at(12_000)),
            Err(4)
        );
    }
}
