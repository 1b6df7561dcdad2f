//! Until when this process may act, by its own clocks: checked immediately before each write.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::election::{Moment, Terms};

/// Open while enough is left of the lease.
pub struct Fence {
    started: Instant,
    terms: Terms,
    renewed: Mutex<Option<Moment>>,
}

impl Fence {
    /// Closed until this process holds the Lease.
    pub fn new(terms: Terms) -> Self {
        Self {
            started: Instant::now(),
            terms,
            renewed: Mutex::default(),
        }
    }

    /// Whether a write to a tenant may begin.
    pub fn may_write_tenant(&self) -> bool {
        self.left() > self.terms.to_write()
    }

    /// Whether a write to Kubernetes may begin.
    pub fn may_write_kubernetes(&self) -> bool {
        self.left() > self.terms.to_end()
    }

    fn left(&self) -> Duration {
        let now = self.now();
        self.renewed()
            .map_or(Duration::ZERO, |renewed| self.terms.left(renewed, now))
    }

    /// Now, by both clocks.
    pub fn now(&self) -> Moment {
        Moment {
            monotonic: self.started.elapsed(),
            wall: Timestamp::now(),
        }
    }

    fn renewed(&self) -> Option<Moment> {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that a call that was sent at `sent` renewed the Lease.
    pub fn renew(&self, sent: Moment) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent);
    }

    /// Closes the fence: no write begins any more.
    pub fn shut(&self) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until a leader that did not renew the Lease must give up; returns how long it did not.
    pub async fn given_up(&self) -> Duration {
        let lasts = self.terms.duration.saturating_sub(self.terms.to_end());
        // The Lease may have been renewed during the sleep.
        while let Some(renewed) = self.renewed() {
            let ends = self.started + renewed.monotonic + lasts;
            if ends <= Instant::now() {
                return lasts;
            }
            tokio::time::sleep_until(ends).await;
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn fence() -> Fence {
        Fence::new(Terms {
            duration: Duration::from_secs(15),
            renew: Duration::from_secs(2),
            post_timeout: Duration::from_secs(8),
        })
    }

    fn open(fence: &Fence) -> (bool, bool) {
        (fence.may_write_tenant(), fence.may_write_kubernetes())
    }

    #[tokio::test(start_paused = true)]
    async fn it_closes_for_the_tenant_first_and_then_for_all() {
        let fence = fence();
        assert_eq!(open(&fence), (false, false), "not ours yet");
        let sent = fence.now();
        advance(Duration::from_millis(1500)).await;
        fence.renew(sent);
        advance(Duration::from_millis(3400)).await;
        assert_eq!(open(&fence), (true, true), "4.9 s after it was sent");
        advance(Duration::from_millis(100)).await;
        assert_eq!(open(&fence), (false, true));
        advance(Duration::from_secs(8)).await;
        assert_eq!(open(&fence), (false, false));
        fence.renew(fence.now());
        assert_eq!(open(&fence), (true, true));
        fence.shut();
        assert_eq!(open(&fence), (false, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_gives_up_one_renewal_before_its_lease_ends() {
        let fence = fence();
        advance(Duration::from_secs(100)).await;
        fence.renew(fence.now());
        let renewed = Instant::now();
        fence.given_up().await;
        assert_eq!(renewed.elapsed().as_secs(), 13);
        assert!(!fence.may_write_kubernetes());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_just_renewed_gives_nothing_up() {
        let fence = fence();
        fence.renew(fence.now());
        let began = Instant::now();
        let renewal = async {
            tokio::time::sleep(Duration::from_millis(12_500)).await;
            fence.renew(fence.now());
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            _ = fence.given_up() => {}
            () = renewal => {}
        }
        assert_eq!(began.elapsed().as_millis(), 25_500);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_lead_gives_nothing_up() {
        let fence = fence();
        let waited = tokio::time::timeout(Duration::from_hours(1), fence.given_up());
        assert!(waited.await.is_err());
    }
}
