//! The interface under the client: one plain request in, one plain response out.
//!
//! It is implemented over HTTP ([`crate::wire_http`]), and by a simulated tenant in the same
//! process for deterministic tests. A transport sends each request once: no retries, no redirects.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::{address::BaseUrl, remedy::Obstacle};

/// Sends requests, each at most once.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and reads its whole answer, whatever its status.
    ///
    /// # Errors
    /// [`TransportError::NotSent`] only if the tenant cannot have executed the request.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;

    /// Waits until this transport sends no more writes; writes that are still queued are then given
    /// up.
    async fn closed(&self) {
        std::future::pending::<()>().await;
    }
}

/// One request. Its `Debug` shows neither headers nor body, which carry secrets.
pub struct Request {
    /// What it is for, as a label: `create_group`, `token`.
    pub operation: &'static str,
    /// The method.
    pub method: Method,
    /// The tenant.
    pub base: BaseUrl,
    /// Path and query, beginning with `/`, percent-encoded.
    pub target: String,
    /// The headers; `Authorization` is marked sensitive.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
    /// Whether the tenant is changed by it.
    pub kind: Kind,
    /// For everything from connecting to the body's last byte.
    pub timeout: Duration,
    /// The longest body that is read, in bytes.
    pub max_body: usize,
}

/// Whether a request changes the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It changes nothing: it may travel over a connection that was used before.
    Read,
    /// It changes something: it gets a connection of its own, so that no lower layer can replay it.
    Write,
}

/// One whole answer.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as sent: no content encoding is undone.
    pub body: Bytes,
}

/// Why there is no answer. Texts name causes, never URLs or bodies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Nothing was sent: no name, no connection, no TLS, or an address that is not allowed.
    #[error("not sent: {why}")]
    NotSent {
        /// The cause.
        why: String,
        /// What stands in the way, if it is known.
        obstacle: Option<Obstacle>,
    },
    /// Something may have been sent and executed: timeout, reset, a cut answer.
    #[error("no whole answer: {why}")]
    Unknown {
        /// The cause.
        why: String,
    },
    /// An answer came that is larger than [`Request::max_body`]; the request may have been executed.
    #[error("the answer is larger than {most} bytes")]
    TooLarge {
        /// How large it may be.
        most: usize,
    },
}

impl TransportError {
    /// Nothing was sent, and nothing of a company's network stands in the way.
    pub fn not_sent(why: impl Into<String>) -> Self {
        Self::NotSent {
            why: why.into(),
            obstacle: None,
        }
    }

    /// What of a company's network stood in the way, if it is known.
    pub fn obstacle(&self) -> Option<Obstacle> {
        match self {
            Self::NotSent { obstacle, .. } => *obstacle,
            Self::Unknown { .. } | Self::TooLarge { .. } => None,
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("target", &self.target)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
