//! Tells those that wait that something changed, in the order in which they came: tokio's own `watch`
//! requeue its receivers in a random one, and a seed would tell several stories.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub struct Bell {
    rung: AtomicU64,
    waiting: Notify,
}

/// What one listener has heard.
#[derive(Debug)]
pub struct Heard<'a> {
    bell: &'a Bell,
    until: u64,
}

impl Bell {
    pub fn ring(&self) {
        self.rung.fetch_add(1, Ordering::SeqCst);
        self.waiting.notify_waiters();
    }

    pub fn listen(&self) -> Heard<'_> {
        Heard {
            bell: self,
            until: self.rung.load(Ordering::SeqCst),
        }
    }
}

impl Heard<'_> {
    /// Waits for a ring since the last one that was heard.
    pub async fn ring(&mut self) {
        loop {
            let next = self.bell.waiting.notified();
            let rung = self.bell.rung.load(Ordering::SeqCst);
            if rung > self.until {
                self.until = rung;
                return;
            }
            next.await;
        }
    }
}
