//! How a refusal looks on the wire. No IO.
//!
//! 400, 403, 404 and 500 carry the vendor's error object with a tracking id; 401 and 429 come from
//! the gateway and have shapes of their own. Switch 21 distorts 401, 403 and 429.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    clock::plus_seconds,
    request::Response,
    switches::{BogusContentEncoding, GatewayErrors, Switches},
};

/// A request that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) texts: Vec<String>,
    pub(crate) retry_after: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(status: u16, text: impl Into<String>) -> Self {
        Self {
            status,
            texts: vec![text.into()],
            retry_after: None,
        }
    }

    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(400, text)
    }

    pub(crate) fn not_found(id: &str) -> Self {
        Self::new(404, format!("Referenced id \"{id}\" was not found"))
    }

    pub(crate) fn no_such_route() -> Self {
        Self::of(404)
    }

    pub(crate) fn forbidden() -> Self {
        Self::of(403)
    }

    pub(crate) fn too_many(retry_after: u64) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::of(429)
        }
    }

    /// The refusal of that status in the words of the vendor's documents.
    pub(crate) fn of(status: u16) -> Self {
        let text = match status {
            400 => "The request was syntactically correct but its content is semantically invalid.",
            401 => "JWT validation failed: JWT is expired",
            403 => "The server understood the request but refuses to authorize it.",
            404 => "The server did not find a current representation for the target resource.",
            429 => " Rate Limit Exceeded ",
            _ => "An internal fault occurred.",
        };
        Self::new(status, text)
    }

    /// The response, in the form that the switches set.
    pub(crate) fn render(
        &self,
        tracking_id: &str,
        switches: &Switches,
        now: Timestamp,
    ) -> Response {
        let mut response = match (self.gateways_own(), switches.gateway_errors) {
            (true, GatewayErrors::Empty) => Response::empty(self.status),
            (true, GatewayErrors::Html) => html(self.status),
            _ => Response::json(self.status, &self.body(tracking_id)),
        };
        if let Some(seconds) = self.retry_after {
            match switches.gateway_errors {
                GatewayErrors::NoRetryAfter => {}
                GatewayErrors::RetryAfterZero => response.set_header("retry-after", "0"),
                GatewayErrors::RetryAfterDate => {
                    response.set_header("retry-after", &http_date(plus_seconds(now, seconds)));
                }
                _ => response.set_header("retry-after", &seconds.to_string()),
            }
        }
        if switches.bogus_content_encoding == BogusContentEncoding::On && self.status < 500 {
            response.set_header("content-encoding", "UTF-8");
        }
        response
    }

    fn gateways_own(&self) -> bool {
        matches!(self.status, 401 | 403 | 429)
    }

    fn body(&self, tracking_id: &str) -> Value {
        let first = self.texts.first().map_or("", String::as_str);
        match self.status {
            401 => json!({"error": first}),
            429 => json!({"message": first}),
            _ => json!({
                "detailCode": self.detail_code(),
                "trackingId": tracking_id,
                "messages": self.texts.iter().flat_map(|text| messages(text)).collect::<Vec<_>>(),
                "causes": [],
            }),
        }
    }

    fn detail_code(&self) -> &'static str {
        match self.status {
            400 => "400.1 Bad request content",
            403 => "403 Forbidden",
            404 => "404 Not found",
            _ => "500.0 Internal Fault",
        }
    }
}

/// The service sends each text twice: in its default language and in the caller's.
fn messages(text: &str) -> [Value; 2] {
    [
        json!({"locale": "en-US", "localeOrigin": "DEFAULT", "text": text}),
        json!({"locale": "und", "localeOrigin": "REQUEST", "text": text}),
    ]
}

/// An HTML page as a proxy sends it.
pub(crate) fn html(status: u16) -> Response {
    let page = format!("<html><head><title>{status}</title></head><body>nginx</body></html>");
    Response::with_body(status, "text/html", page.into_bytes())
}

fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::switches::patched;

    fn rendered(refusal: &Refusal, patch: &Value) -> Response {
        let switches = patched(&Switches::default(), patch).unwrap();
        refusal.render("0", &switches, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn row_21_what_the_gateway_says() {
        let too_many =
            |setting: &str| rendered(&Refusal::too_many(7), &json!({"gateway_errors": setting}));
        let documented = too_many("as_documented");
        assert_eq!(documented.body, br#"{"message":" Rate Limit Exceeded "}"#);
        let retry_after =
            |setting: &str| too_many(setting).header("retry-after").map(str::to_owned);
        assert_eq!(retry_after("as_documented").as_deref(), Some("7"));
        assert_eq!(retry_after("no_retry_after"), None);
        assert_eq!(retry_after("retry_after_zero").as_deref(), Some("0"));
        let date = "Thu, 01 Jan 1970 00:00:07 GMT";
        assert_eq!(retry_after("retry_after_date").as_deref(), Some(date));
        assert!(too_many("empty").body.is_empty());
        assert!(too_many("html").body.starts_with(b"<html>"));
        let not_found = rendered(&Refusal::not_found("x"), &json!({"gateway_errors": "html"}));
        assert!(not_found.body.starts_with(b"{"));
    }

    #[test]
    fn row_31_a_content_encoding_that_is_none() {
        let encoding = |setting: &str, refusal: &Refusal| {
            let answer = rendered(refusal, &json!({"bogus_content_encoding": setting}));
            answer.header("content-encoding").map(str::to_owned)
        };
        let refusal = Refusal::bad_request("no");
        assert_eq!(encoding("off", &refusal), None);
        assert_eq!(encoding("on", &refusal).as_deref(), Some("UTF-8"));
        assert_eq!(encoding("on", &Refusal::new(500, "no")), None);
    }
}
