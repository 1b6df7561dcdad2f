//! The wait for the rate limit: the calls of a client queue here for a permit.
//!
//! `shares` decides which call goes next. A wait may be dropped at any time.
//!
//! How calls wake: the call that goes next sleeps on a timer, or until an answer makes room. A call
//! that stops being the next, or leaves the queue, wakes the one that is. So while calls wait, the
//! next one is always woken.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    lane::Lane,
    shares::{Budget, Load, Shares, Ticket},
    window::{Full, Rate},
};

/// One client's share of the rate limit of a client id and API version; dropping it gives the share
/// back.
pub struct Limiter {
    limit: Arc<Limit>,
    share: u64,
}

/// One limit, shared by every client whose calls count against it.
pub(crate) struct Limit {
    shares: Mutex<Shares>,
    pause: Arc<Pause>,
}

/// Until when a tenant wants no requests, shared by all limits of one client id.
#[derive(Default)]
pub(crate) struct Pause(Mutex<Option<Instant>>);

/// The right to send one request now; dropped when the request is answered or given up.
#[must_use = "dropping it says that the request was answered"]
pub struct Permit {
    limiter: Arc<Limiter>,
}

/// What a waiting call does next.
enum Turn {
    Go,
    Sleep(Duration),
    Wait,
}

impl Limit {
    /// A limit without clients yet; half of it counts as used.
    pub fn new(rate: Rate, pause: Arc<Pause>) -> Arc<Self> {
        let shares = Mutex::new(Shares::new(rate, Instant::now()));
        Arc::new(Self { shares, pause })
    }

    /// A share for one more client.
    pub fn share(self: &Arc<Self>, rate: Rate) -> Arc<Limiter> {
        let limit = Arc::clone(self);
        let share = self.change(|shares, now| shares.join(rate, now));
        Arc::new(Limiter { limit, share })
    }

    /// Whether a new limit in place of this one would let no more requests through.
    pub fn is_forgotten(&self) -> bool {
        let now = Instant::now();
        self.pause.left(now).is_none() && self.lock().is_forgotten(now)
    }

    /// Changes the shares, then wakes the call that goes next.
    fn change<R>(&self, change: impl FnOnce(&mut Shares, Instant) -> R) -> R {
        let mut shares = self.lock();
        let now = Instant::now();
        let changed = change(&mut shares, now);
        shares.wake_next(now);
        changed
    }

    /// The shares, even if a thread panicked while it held the lock: no change leaves them half
    /// made.
    fn lock(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limiter {
    /// Waits for the right to send one request. May be dropped at any time.
    pub async fn acquire(self: &Arc<Self>, lane: Lane) -> Permit {
        let queued = self.enqueue(lane);
        loop {
            match self.turn(queued.ticket) {
                Turn::Go => {
                    return Permit {
                        limiter: Arc::clone(self),
                    };
                }
                Turn::Wait => queued.wake.notified().await,
                // A notification may end the sleep early: an answer can make room sooner.
                Turn::Sleep(time) => {
                    tokio::time::timeout(time, queued.wake.notified())
                        .await
                        .ok();
                }
            }
        }
    }

    /// Lets no call go for a time, of any lane or share; a shorter pause never ends a longer one.
    pub fn pause(&self, time: Duration) {
        self.limit.pause.extend(Instant::now() + time);
    }

    /// What may be sent, and with how many clients that is shared.
    pub fn budget(&self) -> Budget {
        self.limit.lock().budget(self.share)
    }

    /// How far this client has used it.
    pub fn load(&self) -> Load {
        self.limit.lock().load(self.share, Instant::now())
    }

    #[cfg(test)]
    pub(crate) fn waiting(&self) -> std::collections::BTreeMap<Lane, usize> {
        self.limit.lock().waiting(self.share)
    }

    fn enqueue(self: &Arc<Self>, lane: Lane) -> Queued {
        let (ticket, wake) = self.limit.lock().enqueue(self.share, lane, Instant::now());
        Queued {
            limiter: Arc::clone(self),
            ticket,
            wake,
        }
    }

    fn turn(&self, ticket: Ticket) -> Turn {
        let mut shares = self.limit.lock();
        let now = Instant::now();
        if shares.next(now) != Some(ticket) {
            shares.wake_next(now);
            return Turn::Wait;
        }
        if let Some(left) = self.limit.pause.left(now) {
            return Turn::Sleep(left);
        }
        match shares.take(ticket, now) {
            Ok(()) => {
                shares.wake_next(now);
                Turn::Go
            }
            Err(Full::For(time)) => Turn::Sleep(time),
            Err(Full::UntilAnswer) => Turn::Wait,
        }
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.limit
            .change(|shares, now| shares.leave(self.share, now));
    }
}

/// A call in the queue; dropping it removes the call from the queue.
struct Queued {
    limiter: Arc<Limiter>,
    ticket: Ticket,
    wake: Arc<Notify>,
}

impl Drop for Queued {
    fn drop(&mut self) {
        let mut shares = self.limiter.limit.lock();
        if shares.give_up(self.ticket) {
            shares.wake_next(Instant::now());
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Limiter { limit, share } = &*self.limiter;
        limit.change(|shares, now| shares.landed(*share, now));
    }
}

impl Pause {
    fn extend(&self, until: Instant) {
        let mut paused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = (*paused).max(Some(until));
    }

    fn left(&self, now: Instant) -> Option<Duration> {
        let paused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paused
            .and_then(|until| until.checked_duration_since(now))
            .filter(|left| !left.is_zero())
    }
}
