//! The log of requests and their answers. No IO.
//!
//! Bodies and queries of the token endpoint are never kept: they hold secrets. Of a body that sets a
//! password only the ids are kept.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::request::Request;

const KEPT: usize = 200_000;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Counts from 1 and is never reset.
    pub seq: u64,
    /// When it arrived.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path as it arrived.
    pub path: String,
    /// The query as it arrived.
    pub query: String,
    /// The route template without version, or `unknown`.
    pub route: String,
    /// The version, if the path has one.
    pub version: Option<String>,
    /// The client that asked, if it is known.
    #[serde(rename = "client_id")]
    pub client_id: Option<String>,
    /// The id of the answer, in its header and in a refusal's body.
    pub tracking_id: String,
    /// The status that was sent; none if the connection was cut before.
    pub status: Option<u16>,
    /// Whether the tenant carried out the request.
    pub applied: bool,
    /// The fault that hit it.
    pub fault: Option<String>,
    /// The request's body as text.
    pub request_body: Option<String>,
    /// The size of the response's body.
    pub response_bytes: usize,
}

/// The body of a request as the ledger may keep it.
pub(crate) fn kept_body(request: &Request) -> Option<String> {
    const IDS: [&str; 4] = ["identityId", "sourceId", "accountId", "publicKeyId"];
    if request.body.is_empty() {
        return None;
    }
    // By the path alone: what no version serves may hold a password all the same.
    if !request.segments().iter().any(|part| part == "set-password") {
        return Some(String::from_utf8_lossy(&request.body).into_owned());
    }
    let Ok(Value::Object(mut body)) = serde_json::from_slice(&request.body) else {
        return Some("[redacted]".to_owned());
    };
    for (name, value) in &mut body {
        if !IDS.contains(&name.as_str()) {
            *value = json!("[redacted]");
        }
    }
    Some(Value::Object(body).to_string())
}

/// All requests of one tenant, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    entries: VecDeque<Entry>,
    counts: BTreeMap<String, u64>,
    last: u64,
}

impl Ledger {
    /// Stores an entry and gives it its number.
    pub fn record(&mut self, mut entry: Entry) {
        self.last += 1;
        entry.seq = self.last;
        let key = format!("{} {}", entry.method, entry.route);
        *self.counts.entry(key).or_default() += 1;
        if entry.status == Some(429) {
            *self.counts.entry("429".to_owned()).or_default() += 1;
        }
        self.entries.push_back(entry);
        if self.entries.len() > KEPT {
            self.entries.pop_front();
        }
    }

    /// The number of the next entry.
    pub fn next(&self) -> u64 {
        self.last + 1
    }

    /// The entries after a number.
    pub fn since(&self, seq: u64) -> impl Iterator<Item = &Entry> {
        let from = self.entries.partition_point(|entry| entry.seq <= seq);
        self.entries.range(from..)
    }

    /// How often each route was asked, and under `429` how often the limit was hit.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// How often one route was asked, for example `POST /password-sync-groups`.
    pub fn count(&self, route: &str) -> u64 {
        self.counts.get(route).copied().unwrap_or(0)
    }

    /// Forgets entries and counts; numbers go on.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.counts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Request,
        testing::{A, B, Bench, GROUPS, STRONG},
    };

    #[test]
    fn of_a_password_that_is_set_only_the_ids_are_kept() {
        let kept = |path: &str, body: &str| kept_body(&Request::new("POST", path).json(body));
        let body = r#"{"sourceId":"s","encryptedPassword":"hush","password":{"x":"hush"}}"#;
        let expected =
            r#"{"encryptedPassword":"[redacted]","password":"[redacted]","sourceId":"s"}"#;
        for path in ["/v3/set-password", "/set-password/v1", "/v9/set%2Dpassword"] {
            assert_eq!(kept(path, body).as_deref(), Some(expected), "{path}");
            assert_eq!(kept(path, "hush").as_deref(), Some("[redacted]"));
        }
        assert_eq!(kept("/v3/search", "hush").as_deref(), Some("hush"));
        assert_eq!(kept("/v3/set-password", ""), None);
    }

    #[test]
    fn the_ledger_holds_everything_but_secrets() {
        let mut bench = Bench::new();
        bench.raw(&Request::new("POST", "/oauth/token?client_secret=hush").form("client_id=id"));
        bench.group("x", &[A, B]);
        bench.ask("GET", "/v3/nonsense?x=1");
        let entries: Vec<&Entry> = bench.tenant.ledger().since(0).collect();
        assert_eq!(
            entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
            [1, 2, 3, 4]
        );
        assert_eq!(
            (entries[1].query.as_str(), &entries[1].request_body),
            ("", &None)
        );
        let post = entries[2];
        assert!(post.applied && post.request_body.as_ref().unwrap().contains(STRONG));
        assert_eq!(post.client_id.as_deref(), Some("id"));
        assert_eq!(
            (entries[3].route.as_str(), entries[3].status),
            ("unknown", Some(404))
        );
        let ledger = bench.tenant.ledger();
        assert_eq!(ledger.count("POST /oauth/token"), 2);
        assert_eq!(ledger.count("POST /password-sync-groups"), 1);
        assert_eq!(ledger.since(3).count(), 1);
        bench.tenant.clear_ledger();
        assert_eq!(bench.tenant.ledger().since(0).count(), 0);
        bench.get(GROUPS);
        assert_eq!(
            bench.tenant.ledger().since(0).next().map(|entry| entry.seq),
            Some(5)
        );
    }
}
