//! A request and a response as plain data. No IO.
//!
//! Besides status, headers and body, a [`Response`] says with which faults it is sent: a delay, a
//! cut connection, a slow body. [`crate::serve`] carries them out.

use std::{collections::BTreeMap, time::Duration};

/// One request as it was received. Header names are lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The method, upper case.
    pub method: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query without its question mark, still percent-encoded.
    pub query: String,
    /// The headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Where the connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// Nothing of the answer is sent.
    Before,
    /// Status, headers and half of the body are sent.
    Middle,
    /// The whole answer is sent, then the connection is closed.
    After,
}

/// One response, and how to send it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the answer is held back.
    pub delay: Duration,
    /// Whether and where the connection is cut.
    pub cut: Option<Cut>,
    /// Bytes per second, if the body is sent slowly.
    pub drip: Option<u32>,
}

/// A decoded query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(BTreeMap<String, String>);

impl Request {
    /// A request without headers or body; `target` may carry a query.
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            query: query.to_owned(),
            ..Self::default()
        }
    }

    /// The same with one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers
            .insert(name.to_ascii_lowercase(), value.to_owned());
        self
    }

    /// The same with a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn json(self, body: impl Into<Vec<u8>>) -> Self {
        let mut request = self.header("content-type", "application/json");
        request.body = body.into();
        request
    }

    /// The same with a form as its body.
    #[must_use]
    pub fn form(self, body: &str) -> Self {
        let mut request = self.header("content-type", "application/x-www-form-urlencoded");
        request.body = body.as_bytes().to_vec();
        request
    }

    /// The same with a multipart form of texts as its body.
    #[must_use]
    pub fn multipart(self, fields: &[(&str, &str)]) -> Self {
        const BOUNDARY: &str = "----psg-a3f1c9";
        let part = |(name, text): &(&str, &str)| {
            let head = format!("Content-Disposition: form-data; name=\"{name}\"");
            format!("--{BOUNDARY}\r\n{head}\r\n\r\n{text}\r\n")
        };
        let parts: String = fields.iter().map(part).collect();
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let mut request = self.header("content-type", &content_type);
        request.body = format!("{parts}--{BOUNDARY}--\r\n").into_bytes();
        request
    }

    /// The path's segments, decoded; empty ones are dropped.
    pub fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| decode(part, false))
            .collect()
    }
}

impl Response {
    /// A JSON response.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::with_body(status, "application/json", body.to_string().into_bytes())
    }

    /// A response with a body of some type.
    pub fn with_body(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self {
            status,
            headers,
            body,
            ..Self::default()
        }
    }

    /// A response without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Sets a header, replacing what was there.
    pub fn set_header(&mut self, name: &str, value: &str) {
        self.headers
            .retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }
}

impl FromIterator<(String, String)> for Query {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl Query {
    /// Reads `a=1&b=2`, percent-encoded; the last of two equal names wins.
    pub fn parse(raw: &str) -> Self {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name, true), decode(value, true))
                })
                .collect(),
        )
    }

    /// One value.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

fn decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(decoded) = escaped {
            out.push(decoded);
            at += 3;
        } else {
            out.push(if byte == b'+' && plus_is_space {
                b' '
            } else {
                byte
            });
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded() {
        let query = Query::parse("filters=name%20eq%20%22A%26B%22&limit=5&x=a+b&bad=%zz");
        assert_eq!(query.value("filters"), Some(r#"name eq "A&B""#));
        assert_eq!(query.value("limit"), Some("5"));
        assert_eq!(query.value("x"), Some("a b"));
        assert_eq!(query.value("bad"), Some("%zz"));
        assert_eq!(query.value("absent"), None);
    }

    #[test]
    fn a_slash_inside_a_segment_stays_inside() {
        let request = Request::new("get", "/v3/sources/a%2Fb?x=1");
        assert_eq!(request.segments(), ["v3", "sources", "a/b"]);
        assert_eq!(
            (request.method.as_str(), request.query.as_str()),
            ("GET", "x=1")
        );
    }
}
