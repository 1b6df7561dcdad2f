//! Until when this process may act, by its own clocks: asked at the last moment before each write.

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
    /// Closed until the Lease is ours.
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

    /// The Lease was renewed by a call that was sent then.
    pub fn renew(&self, sent: Moment) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent);
    }

    /// Nothing begins any more.
    pub fn shut(&self) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until it is time to give up, unless it is renewed before.
    pub async fn given_up(&self) {
        match self.renewed() {
            Some(renewed) => {
                let lasts = self.terms.duration.saturating_sub(self.terms.to_end());
                tokio::time::sleep_until(self.started + renewed.monotonic + lasts).await;
            }
            None => std::future::pending().await,
        }
    }
}
