//! The rate limit of one client id and API version: waiting in lanes, most urgent first.
//!
//! Decides who goes next. A call that has waited moves up one lane every [`AGEING`], so none
//! starves; within a lane, first come first served. Dropping a wait loses nothing.
//!
//! How it wakes: the call at the head holds a timer; whoever stops being the head, or leaves
//! the queue, wakes the one that is. So while anybody waits, somebody who looks is awake.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    lane::Lane,
    window::{Full, Rate, Window},
};

/// How long a call waits before it moves up one lane.
pub const AGEING: Duration = Duration::from_secs(10);

/// One limit, shared by every call that counts against it.
pub struct Limiter {
    state: Mutex<State>,
    pause: Arc<Pause>,
}

/// A tenant's wish to be left alone, shared by all limits of one client id.
#[derive(Default)]
pub(crate) struct Pause(Mutex<Option<Instant>>);

/// The right to send one request now; dropped when the request is answered or given up.
#[must_use = "dropping it says that the request was answered"]
pub struct Permit {
    limiter: Arc<Limiter>,
}

struct State {
    window: Window,
    waiting: BTreeMap<Lane, BTreeMap<u64, Waiter>>,
    next_ticket: u64,
}

struct Waiter {
    since: Instant,
    wake: Arc<Notify>,
}

/// What a waiting call does next.
enum Turn {
    Go,
    Sleep(Duration),
    Wait,
}

impl Limiter {
    /// A limit of its own, half of it used.
    pub fn new(rate: Rate) -> Arc<Self> {
        Self::with_pause(rate, Arc::default())
    }

    pub(crate) fn with_pause(rate: Rate, pause: Arc<Pause>) -> Arc<Self> {
        let state = State {
            window: Window::half_used(rate, Instant::now()),
            waiting: BTreeMap::new(),
            next_ticket: 0,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            pause,
        })
    }

    /// Waits for the right to send one request. May be dropped at any time.
    pub async fn acquire(self: &Arc<Self>, lane: Lane) -> Permit {
        let place = self.join(lane);
        loop {
            match self.turn(&place) {
                Turn::Go => {
                    return Permit {
                        limiter: Arc::clone(self),
                    };
                }
                Turn::Wait => place.wake.notified().await,
                // A notice may shorten the sleep: an answer can make room before its time.
                Turn::Sleep(time) => {
                    tokio::time::timeout(time, place.wake.notified()).await.ok();
                }
            }
        }
    }

    /// Sends nothing for a time, in no lane; a shorter pause never ends a longer one.
    pub fn pause(&self, time: Duration) {
        self.pause.extend(Instant::now() + time);
    }

    /// How many calls wait in each lane.
    pub fn waiting(&self) -> BTreeMap<Lane, usize> {
        self.lock()
            .waiting
            .iter()
            .map(|(lane, queue)| (*lane, queue.len()))
            .collect()
    }

    pub(crate) fn set_rate(&self, rate: Rate) {
        let mut state = self.lock();
        state.window.set_rate(rate);
        state.wake_head(Instant::now());
    }

    pub(crate) fn is_idle(&self) -> bool {
        let now = Instant::now();
        self.pause.left(now).is_none() && self.lock().window.is_idle(now)
    }

    fn join(self: &Arc<Self>, lane: Lane) -> Place {
        let mut state = self.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let wake = Arc::new(Notify::new());
        let waiter = Waiter {
            since: Instant::now(),
            wake: Arc::clone(&wake),
        };
        state
            .waiting
            .entry(lane)
            .or_default()
            .insert(ticket, waiter);
        Place {
            limiter: Arc::clone(self),
            lane,
            ticket,
            wake,
        }
    }

    fn turn(&self, place: &Place) -> Turn {
        let now = Instant::now();
        let mut state = self.lock();
        if state.head(now) != Some((place.lane, place.ticket)) {
            state.wake_head(now);
            return Turn::Wait;
        }
        if let Some(left) = self.pause.left(now) {
            return Turn::Sleep(left);
        }
        match state.window.try_take(now) {
            Ok(()) => {
                state.leave(place.lane, place.ticket);
                state.wake_head(now);
                Turn::Go
            }
            Err(Full::For(time)) => Turn::Sleep(time),
            Err(Full::UntilAnswer) => Turn::Wait,
        }
    }

    /// The state, whatever became of a thread that held it: every change of it is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Who goes next: the lowest rank after ageing, then the oldest.
    fn head(&self, now: Instant) -> Option<(Lane, u64)> {
        let fronts = self.waiting.iter().filter_map(|(lane, queue)| {
            let (ticket, waiter) = queue.first_key_value()?;
            Some((
                aged_rank(*lane, now.saturating_duration_since(waiter.since)),
                *ticket,
                *lane,
            ))
        });
        fronts.min().map(|(_, ticket, lane)| (lane, ticket))
    }

    fn wake_head(&self, now: Instant) {
        if let Some((lane, ticket)) = self.head(now)
            && let Some(waiter) = self.waiting.get(&lane).and_then(|queue| queue.get(&ticket))
        {
            waiter.wake.notify_one();
        }
    }

    fn leave(&mut self, lane: Lane, ticket: u64) -> bool {
        let Some(queue) = self.waiting.get_mut(&lane) else {
            return false;
        };
        let left = queue.remove(&ticket).is_some();
        if queue.is_empty() {
            self.waiting.remove(&lane);
        }
        left
    }
}

fn aged_rank(lane: Lane, waited: Duration) -> u64 {
    lane.rank()
        .saturating_sub(waited.as_secs() / AGEING.as_secs())
}

/// A place in the queue; dropping it gives it up.
struct Place {
    limiter: Arc<Limiter>,
    lane: Lane,
    ticket: u64,
    wake: Arc<Notify>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        if state.leave(self.lane, self.ticket) {
            state.wake_head(Instant::now());
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.limiter.lock();
        state.window.landed(now);
        state.wake_head(now);
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
