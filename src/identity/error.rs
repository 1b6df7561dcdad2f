//! What an answer that is no success means: typed by HTTP status, never by the tenant's own
//! codes, whose spelling varies. Pure.
//!
//! [`Error::effect`] says whether a write was made. Of all answers, only one in the API's own JSON,
//! or a 429, can say that it was not made; any other leaves the effect unknown.
//!
//! An answer in another form came from something between the operator and the tenant, such as a web
//! filter: it says nothing about credentials, rights or what exists, so it is a
//! [`Error::BadAnswer`], after which a read is tried again.

use std::time::Duration;

use http::StatusCode;

use crate::{
    remedy::Obstacle,
    retry_after,
    transport::{Kind, Response, TransportError},
    wire::refusal::{Refusal, may_be_the_apis_own},
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
    #[error("the tenant failed with status {status}{}", said(message.as_deref()))]
    Server {
        /// The HTTP status, 500 to 599.
        status: u16,
        /// What the tenant said, if the answer is in the API's own form.
        message: Option<String>,
        /// How long to wait, bounded, if the answer says so.
        retry_after: Option<Duration>,
    },
    /// Nothing of the request was sent.
    #[error("not sent: {why}")]
    NotSent {
        /// The cause.
        why: String,
        /// What stands in the way, if it is known.
        obstacle: Option<Obstacle>,
    },
    /// Nothing of the request was sent, since the answer to the token request has no usable token.
    #[error("no token: {why}")]
    NoToken {
        /// What is wrong with the answer, without its content.
        why: String,
    },
    /// The request may have been executed; no whole answer came.
    #[error("no whole answer: {why}")]
    Unknown {
        /// The cause.
        why: String,
    },
    /// The answer is larger than `most`, so it was not read. A write may have been executed.
    #[error("the answer is larger than {most} bytes")]
    TooLarge {
        /// How large it may be.
        most: usize,
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
            | Self::NoToken { .. }
            | Self::Refused {
                status: 400 | 409 | 422,
                ..
            } => Effect::NotMade,
            Self::Refused { .. }
            | Self::Server { .. }
            | Self::Unknown { .. }
            | Self::TooLarge { .. }
            | Self::BadAnswer { .. } => Effect::Unknown,
        }
    }

    /// How long the tenant asks the client to wait.
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
            Self::NoToken { .. } => "NoToken",
            Self::Unknown { .. } => "Unknown",
            Self::TooLarge { .. } => "TooLarge",
            Self::BadAnswer { .. } => "BadAnswer",
        }
    }

    pub(crate) fn bad(response: &Response, what: impl Into<String>) -> Self {
        Self::BadAnswer {
            status: response.status.as_u16(),
            what: what.into(),
        }
    }

    /// The error that an answer outside of 200 to 299 means. `secrets` are removed from its text.
    pub(crate) fn of(operation: &str, response: &Response, kind: Kind, secrets: &[&str]) -> Self {
        let status = response.status;
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Self::RateLimited {
                retry_after: retry_after::wait(&response.headers),
            };
        }
        let said = Refusal::read(&response.body);
        let tracking_id = said.as_ref().and_then(|said| said.tracking_id.as_deref());
        let tracking_id = tracking_id.map(|id| cut(&scrub(id, secrets)));
        let in_words = |text: &str| with_id(&scrub(text, secrets), tracking_id.as_deref());
        if status.is_server_error() {
            return Self::Server {
                status: status.as_u16(),
                message: said.as_ref().map(|said| in_words(&said.text)),
                retry_after: retry_after::wait_if_any(&response.headers),
            };
        }
        if !status.is_client_error() {
            return Self::bad(
                response,
                "neither success nor error; redirects are not followed",
            );
        }
        let text = said.as_ref().map(|said| said.text.as_str());
        let message = in_words(text.unwrap_or("no reason given"));
        // A refusal without a body may be the gateway's, and counts for a read. For a write it does
        // not prove that nothing was made.
        let is_a_refusal =
            said.is_some() || kind == Kind::Read && may_be_the_apis_own(&response.body);
        match status {
            StatusCode::UNAUTHORIZED if is_a_refusal => Self::Unauthorized { message },
            StatusCode::FORBIDDEN if is_a_refusal => Self::Forbidden { message },
            StatusCode::NOT_FOUND if said.is_some() => Self::NotFound { message },
            _ if said.is_some() => Self::Refused {
                status: status.as_u16(),
                message,
                tracking_id,
            },
            _ => Self::bad(response, not_the_apis_own(operation)),
        }
    }
}

impl Error {
    /// Nothing was sent, and nothing of a company's network stands in the way.
    pub fn not_sent(why: impl Into<String>) -> Self {
        TransportError::not_sent(why).into()
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::NotSent { why, obstacle } => Self::NotSent { why, obstacle },
            TransportError::Unknown { why } => Self::Unknown { why },
            TransportError::TooLarge { most } => Self::TooLarge { most },
        }
    }
}

fn said(message: Option<&str>) -> String {
    message.map_or_else(String::new, |message| format!(": {message}"))
}

/// The text for an answer that is not in the API's own form.
pub(crate) fn not_the_apis_own(operation: &str) -> String {
    format!(
        "the answer to {operation} is not in the API's own error form, so something in between \
         may have given it"
    )
}

/// A message and the vendor's tracking id; a cut shortens the message only.
fn with_id(text: &str, tracking_id: Option<&str>) -> String {
    match tracking_id {
        Some(id) => {
            let id = format!(" [trackingId {id}]");
            format!("{}{id}", cut_to(text, MAX_TEXT.saturating_sub(id.len())))
        }
        None => cut(text),
    }
}

/// Removes secrets from a foreign text, and everything that looks like a signed token.
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
    without_tokens(&text, GONE)
}

/// Goes over the text once, however many tokens are in it: a body may consist of tokens only.
fn without_tokens(text: &str, gone: &str) -> String {
    let is_token_byte = |c: char| c.is_ascii_alphanumeric() || "-_.=".contains(c);
    let mut parts = text.split("eyJ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    let mut inside = false;
    for part in parts {
        // A token that begins inside another token is a part of it.
        if !inside {
            out.push_str(gone);
        }
        let rest = part.trim_start_matches(is_token_byte);
        inside = rest.is_empty();
        out.push_str(rest);
    }
    out
}

/// One line of at most 256 bytes.
pub(crate) fn cut(text: &str) -> String {
    cut_to(text, MAX_TEXT)
}

fn cut_to(text: &str, longest: usize) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = line.trim();
    if line.len() <= longest {
        return line.to_owned();
    }
    let end = line.floor_char_boundary(longest.saturating_sub('…'.len_utf8()));
    format!("{}…", &line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::scripted::answer;

    const JSON: &str = r#"{"messages":[{"text":"no"}],"causes":[],"trackingId":"7"}"#;

    fn of(status: u16, body: &str, kind: Kind) -> Error {
        Error::of(
            "list_groups",
            &answer(status, &[("retry-after", "3")], body).unwrap(),
            kind,
            &[],
        )
    }

    /// The classification of every answer to a write.
    #[test]
    fn only_the_apis_own_refusal_says_that_a_write_was_not_made() {
        for (status, json, html) in [
            (302, "BadAnswer", "BadAnswer"),
            (400, "Refused", "BadAnswer"),
            (401, "Unauthorized", "BadAnswer"),
            (403, "Forbidden", "BadAnswer"),
            (404, "NotFound", "BadAnswer"),
            (408, "Refused", "BadAnswer"),
            (409, "Refused", "BadAnswer"),
            (418, "Refused", "BadAnswer"),
            (422, "Refused", "BadAnswer"),
            (429, "RateLimited", "RateLimited"),
            (500, "Server", "Server"),
            (502, "Server", "Server"),
            (504, "Server", "Server"),
        ] {
            let made_not = matches!(status, 400 | 401 | 403 | 404 | 409 | 422 | 429);
            let error = of(status, JSON, Kind::Write);
            assert_eq!(error.reason(), json, "{status}");
            assert_eq!(error.effect() == Effect::NotMade, made_not, "{status}");
            for body in [
                "",
                "<html>",
                "null",
                "[]",
                "\"text\"",
                "{",
                "{\"blocked\":true}",
            ] {
                let error = of(status, body, Kind::Write);
                assert_eq!(error.reason(), html, "{status} {body}");
                assert_eq!(
                    error.effect() == Effect::NotMade,
                    status == 429,
                    "{status} {body}"
                );
            }
        }
    }

    /// The classification of every answer to a read that is not the API's JSON.
    #[test]
    fn what_something_in_between_answers_to_a_read_says_nothing_about_the_tenant() {
        for (status, empty, foreign) in [
            (400, "BadAnswer", "BadAnswer"),
            (401, "Unauthorized", "BadAnswer"),
            (403, "Forbidden", "BadAnswer"),
            (404, "BadAnswer", "BadAnswer"),
            (409, "BadAnswer", "BadAnswer"),
            (429, "RateLimited", "RateLimited"),
            (503, "Server", "Server"),
        ] {
            assert_eq!(of(status, "", Kind::Read).reason(), empty, "{status}");
            for body in ["<html>", "blocked", "[]", r#"{"blocked":true}"#] {
                let error = of(status, body, Kind::Read);
                assert_eq!(error.reason(), foreign, "{status} {body}");
            }
        }
        assert_eq!(
            of(403, "<html>", Kind::Read).to_string(),
            "status 403 with an answer that cannot be used: the answer to list_groups is not in \
             the API's own error form, so something in between may have given it"
        );
    }

    #[test]
    fn waits_are_read_where_a_tenant_may_ask_for_one() {
        assert_eq!(
            of(429, "", Kind::Read).retry_after(),
            Some(Duration::from_secs(3))
        );
        assert_eq!(
            of(503, "", Kind::Read).retry_after(),
            Some(Duration::from_secs(3))
        );
        assert_eq!(of(400, JSON, Kind::Read).retry_after(), None);
        let without = answer(503, &[], "").unwrap();
        let without = Error::of("list_groups", &without, Kind::Read, &[]);
        assert_eq!(without.retry_after(), None);
    }

    #[test]
    fn what_the_tenant_says_is_shown_with_causes_and_its_handle() {
        let body = r#"{"detailCode":"400.1 Bad request content","trackingId":"abc",
            "messages":[{"locale":"en-US","text":"first\n"},{"text":"second"}],
            "causes":[{"text":"one"},{"locale":null,"text":"two"}]}"#;
        let error = of(400, body, Kind::Write);
        assert_eq!(
            error.to_string(),
            "refused with status 400: first (because: one; two) [trackingId abc]"
        );
        let long = format!(r#"{{"message":"{}","trackingId":"abc"}}"#, "x".repeat(500));
        let Error::Refused { message, .. } = of(400, &long, Kind::Write) else {
            panic!()
        };
        assert!(
            message.len() <= 256 && message.ends_with("… [trackingId abc]"),
            "{message}"
        );
        for (body, text) in [
            (r#"{"error":"JWT is expired"}"#, "JWT is expired"),
            (
                r#"{"message":" Rate Limit Exceeded "}"#,
                "Rate Limit Exceeded",
            ),
            (
                r#"{"messages":[],"detailCode":"403 Forbidden"}"#,
                "403 Forbidden",
            ),
            (r#"{"messages":null,"causes":7}"#, "no reason given"),
            ("{}", "no reason given"),
        ] {
            assert_eq!(
                of(403, body, Kind::Write),
                Error::Forbidden {
                    message: text.to_owned()
                }
            );
        }
    }

    #[test]
    fn what_looks_like_a_token_is_cut_out_up_to_its_end() {
        for (text, left) in [
            ("", ""),
            ("no token", "no token"),
            ("eyJ", "[redacted]"),
            ("a eyJhb.c-d_e= b", "a [redacted] b"),
            ("eyeyJab", "ey[redacted]"),
            ("eyJabeyJcd ef", "[redacted] ef"),
            ("eyJeyJ eyJ,eyJ", "[redacted] [redacted],[redacted]"),
            ("eyJ\u{e9}eyJ", "[redacted]\u{e9}[redacted]"),
        ] {
            assert_eq!(scrub(text, &[]), left, "{text}");
        }
    }

    #[test]
    fn the_wire_tells_what_was_sent() {
        let why = || "x".to_owned();
        let error = Error::from(TransportError::not_sent(why()));
        assert_eq!(
            (error.effect(), error.reason()),
            (Effect::NotMade, "NotSent")
        );
        let error = Error::from(TransportError::Unknown { why: why() });
        assert_eq!(
            (error.effect(), error.reason()),
            (Effect::Unknown, "Unknown")
        );
        let error = Error::from(TransportError::TooLarge { most: 7 });
        assert_eq!(
            (error.effect(), error.reason()),
            (Effect::Unknown, "TooLarge")
        );
        assert_eq!(error.to_string(), "the answer is larger than 7 bytes");
    }
}
