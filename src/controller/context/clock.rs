//! The time of day as one process tells it.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A clock that starts at the wall clock's time and goes on by the monotonic clock, so that no jump
/// of the wall clock can shorten a wait. It never returns one time twice, so that "began after" is
/// always decided.
#[derive(Debug)]
pub struct ProcessClock {
    wall: Timestamp,
    started: Instant,
    last: AtomicI64,
}

impl ProcessClock {
    /// A clock that shows `wall` now.
    pub fn starting_at(wall: Timestamp) -> Self {
        Self {
            wall,
            started: Instant::now(),
            last: AtomicI64::new(0),
        }
    }

    /// The time now, later than any that was returned before.
    pub fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX);
        let told = self.last.fetch_max(elapsed, Ordering::SeqCst);
        let told = if told >= elapsed {
            self.last.fetch_add(1, Ordering::SeqCst) + 1
        } else {
            elapsed
        };
        self.wall
            .checked_add(SignedDuration::from_nanos(told))
            .unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_moment_is_told_twice_even_while_time_stands() {
        let clock = ProcessClock::starting_at(Timestamp::UNIX_EPOCH);
        let first = clock.now();
        let second = clock.now();
        assert!(second > first);
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        assert!(clock.now().as_second() == 1);
    }
}
