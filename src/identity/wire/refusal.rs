//! The text of a refusal, which the API writes in three forms: `ErrorResponseDto` for most,
//! `{error}` for 401, `{message}` for 429.
//!
//! A body of another form was written by something between the operator and the tenant, such as a
//! web filter, and says nothing about the tenant.

use serde_json::{Map, Value};

/// The longest refusal that is read. None of the API's own comes near it.
const LONGEST: usize = 64 * 1024;

/// The fields of the three shapes, and that of OAuth. The vendor's schema requires none of them.
const FIELDS: [&str; 7] = [
    "detailCode",
    "trackingId",
    "messages",
    "causes",
    "error",
    "error_description",
    "message",
];

/// The words of a refusal, not yet scrubbed or cut.
pub(crate) struct Refusal {
    /// First message and causes.
    pub text: String,
    /// The vendor's handle for support.
    pub tracking_id: Option<String>,
}

impl Refusal {
    /// Reads a refusal; `None` if the body is not the API's own: no JSON object, far too long, or
    /// with fields of which none is the API's.
    pub fn read(body: &[u8]) -> Option<Self> {
        if body.len() > LONGEST {
            return None;
        }
        let Value::Object(body) = serde_json::from_slice(body).ok()? else {
            return None;
        };
        if !body.is_empty() && !FIELDS.iter().any(|field| body.contains_key(*field)) {
            return None;
        }
        let tracking_id = string(&body, "trackingId").map(str::to_owned);
        let mut text = first_words(&body)
            .unwrap_or("no reason given")
            .trim()
            .to_owned();
        let causes: Vec<&str> = texts(&body, "causes").collect();
        if !causes.is_empty() {
            text = format!("{text} (because: {})", causes.join("; "));
        }
        Some(Self { text, tracking_id })
    }
}

/// Whether an answer without success can be the API's own: its gateway also refuses without a body.
pub(crate) fn may_be_the_apis_own(body: &[u8]) -> bool {
    body.trim_ascii().is_empty() || Refusal::read(body).is_some()
}

fn first_words(body: &Map<String, Value>) -> Option<&str> {
    texts(body, "messages")
        .next()
        .or_else(|| string(body, "error_description"))
        .or_else(|| string(body, "error"))
        .or_else(|| string(body, "message"))
        .or_else(|| string(body, "detailCode"))
}

fn texts<'a>(body: &'a Map<String, Value>, field: &str) -> impl Iterator<Item = &'a str> {
    let items = body
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    items.filter_map(|item| item.get("text").unwrap_or(item).as_str())
}

fn string<'a>(body: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    body.get(field)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_apis_own_forms_are_refusals() {
        for (body, is_one, may_be) in [
            (r#"{"messages":[{"text":"no"}]}"#, true, true),
            (r#"{"error":"JWT is expired"}"#, true, true),
            (r#"{"error":{"code":7}}"#, true, true),
            (r#"{"message":"no"}"#, true, true),
            (r#"{"trackingId":"7","novel":1}"#, true, true),
            ("{}", true, true),
            ("", false, true),
            (" \r\n", false, true),
            (r#"{"blocked":true,"category":"news"}"#, false, false),
            (r#"["error"]"#, false, false),
            ("null", false, false),
            ("blocked", false, false),
            ("<html>", false, false),
        ] {
            assert_eq!(Refusal::read(body.as_bytes()).is_some(), is_one, "{body}");
            assert_eq!(may_be_the_apis_own(body.as_bytes()), may_be, "{body}");
        }
    }

    #[test]
    fn what_is_longer_than_any_refusal_of_the_api_is_none() {
        let of = |length: usize| {
            let around = r#"{"message":""}"#.len();
            format!(r#"{{"message":"{}"}}"#, "x".repeat(length - around))
        };
        assert!(Refusal::read(of(65_536).as_bytes()).is_some());
        assert!(Refusal::read(of(65_537).as_bytes()).is_none());
        assert!(Refusal::read(of(100_000).as_bytes()).is_none());
    }
}
