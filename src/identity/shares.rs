//! Which call goes next, of the clients that use one client id and API version. Time is an
//! argument; the only side effects are wake-ups.
//!
//! Each client has a share, with a rate of its own. A request counts in the window of its share and
//! in the common window, whose rate is the highest of all shares. So a low rate limits only the
//! client that has it, and all clients together send no more than the highest rate allows.
//!
//! Shares take turns: of those whose window has room, the one that was served longest ago sends its
//! most urgent call. Lanes order the calls of one share only. Between shares they would let the
//! backlog of one share, whose calls have aged into the most urgent lane, delay a new call of
//! another.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{sync::Notify, time::Instant};

use crate::{
    lane::Lane,
    window::{Full, Rate, Window},
};

/// How long a call waits before it moves up one lane.
pub const AGEING: Duration = Duration::from_secs(10);

/// What a client may send, and how many clients share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The client's own rate.
    pub own: Rate,
    /// What all clients of the client id may send together: the highest of their rates.
    pub common: Rate,
    /// How many clients share it, including this one. A client that is being replaced counts until
    /// it is dropped.
    pub shares: usize,
}

/// How far a client has used its rate limit, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many requests may go now.
    pub left: usize,
    /// How many calls wait until they may go.
    pub waiting: usize,
}

/// The calls of one client that wait, and what it has sent.
struct Share {
    window: Window,
    waiting: BTreeMap<Lane, BTreeMap<u64, Waiter>>,
    /// When it was served last, as a number that grows.
    served: u64,
}

struct Waiter {
    since: Instant,
    wake: Arc<Notify>,
}

/// A call in the queue of one share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub share: u64,
    lane: Lane,
    number: u64,
}

/// All shares of one client id and API version.
pub(crate) struct Shares {
    common: Window,
    by_number: BTreeMap<u64, Share>,
    last_number: u64,
}

impl Shares {
    /// Without shares yet; `rate` is that of the first client that joins.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self {
            common: Window::half_used(rate, now),
            by_number: BTreeMap::new(),
            last_number: 0,
        }
    }

    /// Adds a share, and returns its number.
    pub fn join(&mut self, rate: Rate, now: Instant) -> u64 {
        let number = self.number();
        let share = Share {
            window: Window::half_used(rate, now),
            waiting: BTreeMap::new(),
            served: 0,
        };
        self.by_number.insert(number, share);
        self.adopt_the_widest_rate(now);
        number
    }

    /// Removes a share. What it sent still counts in the common window.
    pub fn leave(&mut self, share: u64, now: Instant) {
        self.by_number.remove(&share);
        self.adopt_the_widest_rate(now);
    }

    /// Puts a call into the queue of a share; the [`Notify`] wakes it when it should look again.
    pub fn enqueue(&mut self, share: u64, lane: Lane, now: Instant) -> (Ticket, Arc<Notify>) {
        let number = self.number();
        let wake = Arc::new(Notify::new());
        let waiter = Waiter {
            since: now,
            wake: Arc::clone(&wake),
        };
        if let Some(share) = self.by_number.get_mut(&share) {
            share
                .waiting
                .entry(lane)
                .or_default()
                .insert(number, waiter);
        }
        let ticket = Ticket {
            share,
            lane,
            number,
        };
        (ticket, wake)
    }

    /// Takes a call out of its queue, if it is still there.
    pub fn give_up(&mut self, ticket: Ticket) -> bool {
        let share = self.by_number.get_mut(&ticket.share);
        share.is_some_and(|share| share.give_up(ticket))
    }

    /// The call that goes next, once there is room.
    ///
    /// If every share must wait for its own window, it is a call of the share with the shortest
    /// wait. So no other call could go before it.
    pub fn next(&self, now: Instant) -> Option<Ticket> {
        let waiting = self.by_number.iter().filter(|(_, share)| share.waits());
        let (number, share) =
            waiting.min_by_key(|(_, share)| (share.window.full(now), share.served))?;
        share.front(*number, now)
    }

    /// Lets the request of the next call go, or says why it may not go now.
    pub fn take(&mut self, ticket: Ticket, now: Instant) -> Result<(), Full> {
        let served = self.number();
        let Some(share) = self.by_number.get_mut(&ticket.share) else {
            return Err(Full::UntilAnswer);
        };
        if let Some(full) = share.window.full(now).max(self.common.full(now)) {
            return Err(full);
        }
        share.window.take();
        self.common.take();
        share.served = served;
        share.give_up(ticket);
        Ok(())
    }

    /// Records that a request of a share was answered or given up.
    pub fn landed(&mut self, share: u64, now: Instant) {
        self.common.landed(now);
        if let Some(share) = self.by_number.get_mut(&share) {
            share.window.landed(now);
        }
    }

    /// Wakes the call that goes next, which then sleeps until it may go.
    pub fn wake_next(&self, now: Instant) {
        if let Some(ticket) = self.next(now)
            && let Some(share) = self.by_number.get(&ticket.share)
            && let Some(waiter) = share
                .waiting
                .get(&ticket.lane)
                .and_then(|queue| queue.get(&ticket.number))
        {
            waiter.wake.notify_one();
        }
    }

    /// What a share may send.
    pub fn budget(&self, share: u64) -> Budget {
        let common = self.common.rate();
        let share = self.by_number.get(&share);
        Budget {
            own: share.map_or(common, |share| share.window.rate()),
            common,
            shares: self.by_number.len(),
        }
    }

    /// How far a share is used.
    pub fn load(&self, share: u64, now: Instant) -> Load {
        let common = self.common.left(now);
        let share = self.by_number.get(&share);
        Load {
            left: share.map_or(common, |share| share.window.left(now).min(common)),
            waiting: share.map_or(0, |share| share.waiting.values().map(BTreeMap::len).sum()),
        }
    }

    /// Whether no client has a share, and no request that was sent counts any more.
    pub fn is_forgotten(&self, now: Instant) -> bool {
        self.by_number.is_empty() && self.common.is_idle(now)
    }

    /// How many calls of a share wait in each lane.
    #[cfg(test)]
    pub fn waiting(&self, share: u64) -> BTreeMap<Lane, usize> {
        let queues = self.by_number[&share].waiting.iter();
        queues.map(|(lane, queue)| (*lane, queue.len())).collect()
    }

    /// Sets the common rate to the highest of the shares. Without shares it stays as it was, since
    /// requests that were sent still count.
    fn adopt_the_widest_rate(&mut self, now: Instant) {
        let rates = self.by_number.values().map(|share| share.window.rate());
        if let Some(widest) = rates.max_by(Rate::compare) {
            self.common.set_rate(widest, now);
        }
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

impl Share {
    fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The most urgent call: the lowest rank after ageing, then the oldest.
    fn front(&self, share: u64, now: Instant) -> Option<Ticket> {
        let fronts = self.waiting.iter().filter_map(|(lane, queue)| {
            let (number, waiter) = queue.first_key_value()?;
            let waited = now.saturating_duration_since(waiter.since);
            Some((aged_rank(*lane, waited), *number, *lane))
        });
        fronts.min().map(|(_, number, lane)| Ticket {
            share,
            lane,
            number,
        })
    }

    fn give_up(&mut self, ticket: Ticket) -> bool {
        let Some(queue) = self.waiting.get_mut(&ticket.lane) else {
            return false;
        };
        let was_there = queue.remove(&ticket.number).is_some();
        if queue.is_empty() {
            self.waiting.remove(&ticket.lane);
        }
        was_there
    }
}

fn aged_rank(lane: Lane, waited: Duration) -> u64 {
    lane.rank()
        .saturating_sub(waited.as_secs() / AGEING.as_secs())
}
