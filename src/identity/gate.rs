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
