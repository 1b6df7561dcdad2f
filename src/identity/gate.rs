//! A transport that sends writes only while a gate is open.
//!
//! A write may wait long for the rate limit. The gate is checked immediately before a request is
//! sent, so a process that lost its lease in the meantime does not write. Once the process is asked
//! to stop, waiting writes are given up: an answer could come too late to be stored.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::transport::{Kind, Request, Response, Transport, TransportError};

/// Whether a write may start now.
pub type MayWrite = dyn Fn() -> bool + Send + Sync;

/// Sends reads always, writes only while the gate is open.
pub struct Gated {
    inner: Arc<dyn Transport>,
    may_write: Arc<MayWrite>,
    stop: CancellationToken,
}

impl Gated {
    /// Puts a gate before a transport.
    pub fn new(inner: Arc<dyn Transport>, may_write: Arc<MayWrite>) -> Self {
        let stop = CancellationToken::new();
        Self {
            inner,
            may_write,
            stop,
        }
    }

    /// Closes the gate for good when `stop` is cancelled.
    #[must_use]
    pub fn until(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }
}

#[async_trait]
impl Transport for Gated {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if request.kind == Kind::Write && !(self.may_write)() {
            return Err(TransportError::not_sent("this process may not write now"));
        }
        if request.kind == Kind::Write && self.stop.is_cancelled() {
            return Err(TransportError::not_sent("this process is about to end"));
        }
        self.inner.send(request).await
    }

    async fn closed(&self) {
        self.stop.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use psg_domain::GroupId;

    use super::*;
    use crate::{
        Effect, Lane, Page,
        tests::scripted::{Scripted, answer, client},
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

    #[tokio::test(start_paused = true)]
    async fn a_write_that_waits_gives_up_once_the_process_is_asked_to_stop() {
        let stop = CancellationToken::new();
        let transport = Scripted::minting(|_| answer(204, &[], ""));
        let open = Arc::new(|| true);
        let client = client(Arc::new(
            Gated::new(transport.clone(), open).until(stop.clone()),
        ));
        let id = GroupId::parse("g").unwrap();
        // Use up the limit, so that the next deletion has to wait.
        while tokio::time::timeout(
            std::time::Duration::from_millis(1),
            client.delete_group(&id, Lane::Deletion),
        )
        .await
        .is_ok()
        {}
        let sent = transport.count("delete_group");
        let began = tokio::time::Instant::now();
        let (error, ()) = tokio::join!(client.delete_group(&id, Lane::Deletion), async {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            stop.cancel();
        });
        assert_eq!(error.unwrap_err().effect(), Effect::NotMade);
        assert_eq!(began.elapsed().as_millis(), 5, "at once");
        tokio::time::sleep(std::time::Duration::from_mins(1)).await;
        client.delete_group(&id, Lane::Deletion).await.unwrap_err();
        assert_eq!(transport.count("delete_group"), sent);
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_that_is_shut_for_good_holds_what_comes_to_it_all_the_same() {
        let stop = CancellationToken::new();
        let transport = Scripted::minting(|_| answer(204, &[], ""));
        let gated = Gated::new(transport.clone(), Arc::new(|| true)).until(stop.clone());
        let request = |kind| Request {
            operation: "any",
            method: http::Method::GET,
            base: client(transport.clone()).credentials().base_url.clone(),
            target: "/".to_owned(),
            headers: http::HeaderMap::new(),
            body: None,
            kind,
            timeout: std::time::Duration::from_secs(1),
            max_body: 1,
        };
        gated.send(request(Kind::Write)).await.unwrap();
        stop.cancel();
        let refused = gated.send(request(Kind::Write)).await;
        assert!(matches!(refused, Err(TransportError::NotSent { .. })));
        gated.send(request(Kind::Read)).await.unwrap();
    }
}
