//! A transport that sends writes only while a gate is open.
//!
//! A write may have waited long for the rate limit; the gate is asked at the last moment
//! before the socket, so a process that lost its lease meanwhile does not write.

use std::sync::Arc;

use async_trait::async_trait;

use crate::transport::{Kind, Request, Response, Transport, TransportError};

/// Whether a write may start now.
pub type MayWrite = dyn Fn() -> bool + Send + Sync;

/// Sends reads always, writes only while the gate is open.
pub struct Gated {
    inner: Arc<dyn Transport>,
    may_write: Arc<MayWrite>,
}

impl Gated {
    /// Puts a gate before a transport.
    pub fn new(inner: Arc<dyn Transport>, may_write: Arc<MayWrite>) -> Self {
        Self { inner, may_write }
    }
}

#[async_trait]
impl Transport for Gated {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if request.kind == Kind::Write && !(self.may_write)() {
            let why = "this process may not write now".to_owned();
            return Err(TransportError::NotSent { why });
        }
        self.inner.send(request).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use psg_domain::GroupId;

    use super::*;
    use crate::{
        Effect, Lane, Page,
        scripted::{Scripted, answer, client},
    };

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_holds_writes_and_lets_reads_through() {
        let open = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&open);
        let transport = Scripted::minting(|_| answer(204, &[], ""));
        let gated = Gated::new(
            transport.clone(),
            Arc::new(move || asked.load(Ordering::SeqCst)),
        );
        let client = client(Arc::new(gated));
        let id = GroupId::parse("g").unwrap();
        client.delete_group(&id, Lane::Deletion).await.unwrap();
        open.store(false, Ordering::SeqCst);
        let error = client.delete_group(&id, Lane::Deletion).await.unwrap_err();
        assert_eq!(error.effect(), Effect::NotMade);
        client
            .list_groups(Page::first(), Lane::Read)
            .await
            .unwrap_err();
        let counts = (
            transport.count("delete_group"),
            transport.count("list_groups"),
        );
        assert_eq!(counts, (1, 1));
    }
}
