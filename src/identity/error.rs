//! What an answer that is no success means: typed by HTTP status, never by the tenant's own
//! codes, whose spelling varies. Pure.
//!
//! The question that matters is [`Error::effect`]: only an answer in the API's own JSON says
//! that a write was not made; everything else leaves it unknown.

use std::time::Duration;

use http::StatusCode;

use crate::{
    retry_after,
    transport::{Kind, Response, TransportError},
    wire::refusal::Refusal,
};

const MAX_TEXT: usize = 256;

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The credentials are refused, or a fresh token is.
    #[error("credentials refused: {message}")]
    Unauthorized {
        /// What the tenant said.
        message: String,
    },
    /// The token's owner may not do this.
    #[error("forbidden: {message}")]
    Forbidden {
        /// What the tenant said.
        message: String,
    },
    /// There is no such object, in the API's own words.
    #[error("not found: {message}")]
    NotFound {
        /// What the tenant said.
        message: String,
    },
    /// The request is understood and refused; repeating it changes nothing.
    #[error("refused with status {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the tenant said.
        message: String,
        /// The vendor's handle for support.
        tracking_id: Option<String>,
    },
    /// Too many requests; every call to the tenant waits.
    #[error("rate limited: the tenant asks to wait {} s", retry_after.as_secs())]
    RateLimited {
        /// How long to wait, bounded.
        retry_after: Duration,
    },
    /// The tenant failed.
    #[error("the tenant failed with status {status}")]
    Server {
        /// The HTTP status, 500 to 599.
        status: u16,
        /// How long to wait, bounded, if it said so.
        retry_after: Option<Duration>,
    },
    /// Nothing of the request was sent.
    #[error("not sent: {why}")]
    NotSent {
        /// The cause.
        why: String,
    },
    /// The request may have been executed; no whole answer came.
    #[error("no whole answer: {why}")]
    Unknown {
        /// The cause.
        why: String,
    },
    /// An answer came that cannot be understood.
    #[error("status {status} with an answer that cannot be used: {what}")]
    BadAnswer {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it, without its content.
        what: String,
    },
}

/// Whether a write that failed was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It was certainly not made.
    NotMade,
    /// It may have been made: only a later read tells.
    Unknown,
}

impl Error {
    /// Whether the write that failed with this was made.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::RateLimited { .. }
            | Self::NotSent { .. }
            | Self::Refused {
                status: 400 | 409 | 422,
                ..
            } => Effect::NotMade,
            Self::Refused { .. }
            | Self::Server { .. }
            | Self::Unknown { .. }
            | Self::BadAnswer { .. } => Effect::Unknown,
        }
    }

    /// How long the tenant asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::Server { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The kind of error, as a label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "Unauthorized",
            Self::Forbidden { .. } => "Forbidden",
            Self::NotFound { .. } => "NotFound",
            Self::Refused { .. } => "Refused",
            Self::RateLimited { .. } => "RateLimited",
            Self::Server { .. } => "Server",
            Self::NotSent { .. } => "NotSent",
            Self::Unknown { .. } => "Unknown",
            Self::BadAnswer { .. } => "BadAnswer",
        }
    }

    pub(crate) fn bad(response: &Response, what: impl Into<String>) -> Self {
        Self::BadAnswer {
            status: response.status.as_u16(),
            what: what.into(),
        }
    }

    /// What an answer outside of 200 to 299 means. `secrets` are cut out of its words.
    pub(crate) fn of(response: &Response, kind: Kind, secrets: &[&str]) -> Self {
        let status = response.status;
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Self::RateLimited {
                retry_after: retry_after::wait(&response.headers),
            };
        }
        if status.is_server_error() {
            let retry_after = retry_after::wait_if_any(&response.headers);
            return Self::Server {
                status: status.as_u16(),
                retry_after,
            };
        }
        if !status.is_client_error() {
            return Self::bad(
                response,
                "neither success nor error; redirects are not followed",
            );
        }
        let said = Refusal::read(&response.body);
        let words = |said: &Option<Refusal>| {
            let text = said
                .as_ref()
                .map_or("no reason given", |said| said.text.as_str());
            cut(&scrub(text, secrets))
        };
        match (status, &said) {
            // A proxy's page on a read is a matter of credentials and rights, too.
            (StatusCode::UNAUTHORIZED, _) if said.is_some() || kind == Kind::Read => {
                Self::Unauthorized {
                    message: words(&said),
                }
            }
            (StatusCode::FORBIDDEN, _) if said.is_some() || kind == Kind::Read => Self::Forbidden {
                message: words(&said),
            },
            (StatusCode::NOT_FOUND, Some(_)) => Self::NotFound {
                message: words(&said),
            },
            (_, Some(refusal)) => Self::Refused {
                status: status.as_u16(),
                message: words(&said),
                tracking_id: refusal
                    .tracking_id
                    .as_deref()
                    .map(|id| cut(&scrub(id, secrets))),
            },
            (_, None) => Self::bad(response, "not the API's JSON, so something else answered"),
        }
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::NotSent { why } => Self::NotSent { why },
            TransportError::Unknown { why } => Self::Unknown { why },
        }
    }
}

/// Cuts secrets out of a foreign text, and whatever looks like a signed token.
pub(crate) fn scrub(text: &str, secrets: &[&str]) -> String {
    const GONE: &str = "[redacted]";
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let mut encoded = Vec::new();
        crate::form::encode(secret, &mut encoded);
        text = text
            .replace(secret, GONE)
            .replace(&*String::from_utf8_lossy(&encoded), GONE);
    }
    let is_token_byte = |c: char| c.is_ascii_alphanumeric() || "-_.=".contains(c);
    while let Some(start) = text.find("eyJ") {
        let rest = &text[start..];
        let end = start + rest.find(|c| !is_token_byte(c)).unwrap_or(rest.len());
        text.replace_range(start..end, GONE);
    }
    text
}

/// One line of at most 256 bytes.
pub(crate) fn cut(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = line.trim();
    if line.len() <= MAX_TEXT {
        return line.to_owned();
    }
    let end = line.floor_char_boundary(MAX_TEXT - '…'.len_utf8());
    format!("{}…", &line[..end])
}
