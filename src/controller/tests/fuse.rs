//! Counts side effects, and ends or pauses the process at one of them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio_util::sync::CancellationToken;

use super::bell::Bell;

/// Where a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Just before the effect.
    Before(usize),
    /// The effect took place, and nobody heard.
    Unheard(usize),
    /// The answer was heard, and nothing was done about it outside of the process.
    Heard(usize),
}

/// One process's fuse. Cancelled means dead.
#[derive(Debug, Default)]
pub struct Fuse {
    effects: AtomicUsize,
    crash: Option<Crash>,
    /// The effect took place whose answer is the last that the process hears.
    struck: AtomicBool,
    heard: AtomicBool,
    paused: AtomicBool,
    goes_on: Bell,
    pub dead: CancellationToken,
}

impl Fuse {
    /// It dies as told, and when the history is over.
    pub fn new(crash: Option<Crash>, over: &CancellationToken) -> Self {
        Self {
            crash,
            dead: over.child_token(),
            ..Self::default()
        }
    }

    pub fn effects(&self) -> usize {
        self.effects.load(Ordering::SeqCst)
    }

    /// Stops the process at its next way out, as a stopped virtual machine does, or lets it go on.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::SeqCst);
        self.goes_on.ring();
    }

    /// Every way out of the process leads through here, reads too.
    pub async fn pass(&self) {
        if self.heard.load(Ordering::SeqCst) {
            self.dead.cancel();
        }
        if self.dead.is_cancelled() {
            std::future::pending::<()>().await;
        }
        let mut goes_on = self.goes_on.listen();
        while self.paused.load(Ordering::SeqCst) {
            goes_on.ring().await;
        }
    }

    /// Lets one effect happen, or not; the process that asks has passed just before.
    pub async fn effect<T>(&self, happen: impl FnOnce() -> T) -> T {
        let this = self.effects.fetch_add(1, Ordering::SeqCst);
        if self.crash == Some(Crash::Before(this)) {
            self.dead.cancel();
            self.pass().await;
        }
        let result = happen();
        match self.crash {
            Some(Crash::Unheard(at)) if at == this => {
                self.dead.cancel();
                self.pass().await;
            }
            Some(Crash::Heard(at)) if at == this => self.struck.store(true, Ordering::SeqCst),
            _ => {}
        }
        result
    }

    /// The answer of an effect is about to be heard: the process ends at its next way out.
    pub fn answered(&self) {
        if self.struck.load(Ordering::SeqCst) {
            self.heard.store(true, Ordering::SeqCst);
        }
    }
}
