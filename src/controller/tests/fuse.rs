//! Counts side effects, and ends the process at one of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_util::sync::CancellationToken;

/// Where a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Just before the effect.
    Before(usize),
    /// The effect took place, and nobody heard.
    Unheard(usize),
}

/// One process's fuse. Cancelled means dead.
#[derive(Debug, Default)]
pub struct Fuse {
    effects: AtomicUsize,
    crash: Option<Crash>,
    pub dead: CancellationToken,
}

impl Fuse {
    pub fn new(crash: Option<Crash>) -> Self {
        Self {
            crash,
            ..Self::default()
        }
    }

    pub fn effects(&self) -> usize {
        self.effects.load(Ordering::SeqCst)
    }

    /// Lets one effect happen, or not.
    pub async fn effect<T>(&self, happen: impl FnOnce() -> T) -> T {
        let this = self.effects.fetch_add(1, Ordering::SeqCst);
        if self.crash == Some(Crash::Before(this)) || self.dead.is_cancelled() {
            self.dead.cancel();
            std::future::pending::<()>().await;
        }
        let result = happen();
        if self.crash == Some(Crash::Unheard(this)) {
            self.dead.cancel();
            std::future::pending::<()>().await;
        }
        result
    }
}
