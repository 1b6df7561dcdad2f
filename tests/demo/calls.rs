//! What the tenant was asked, by its own ledger: the operator is no witness for itself.

use std::collections::BTreeMap;

use psg_tests::support::TenantSim;
use serde_json::Value;

/// The requests of one scene.
#[derive(Debug, Default)]
pub struct Calls(Vec<Value>);

impl Calls {
    /// Those after a number, and the number of the last.
    pub async fn since(tenant: &TenantSim, seq: u64) -> (Self, u64) {
        let entries = tenant.ledger_since(seq).await;
        let last = entries.last().and_then(|entry| entry["seq"].as_u64());
        (Self(entries), last.unwrap_or(seq))
    }

    /// How often something was written, as `POST /route`.
    pub fn writes(&self) -> BTreeMap<String, usize> {
        let writes = self.0.iter().filter(|entry| is_write(entry));
        count(writes.map(|entry| format!("{} {}", text(entry, "method"), text(entry, "route"))))
    }

    /// What was written, as `POST /path` without the version of the API, one after the other.
    pub fn in_order(&self) -> Vec<String> {
        let writes = self.0.iter().filter(|entry| is_write(entry));
        let said = |entry: &Value| {
            let path = text(entry, "path").trim_start_matches('/');
            let (_version, path) = path.split_once('/').unwrap_or_default();
            format!("{} /{path}", text(entry, "method"))
        };
        writes.map(said).collect()
    }

    /// How often one route was written, under any of its ids.
    pub fn written(&self, route: &str) -> usize {
        self.writes().get(route).copied().unwrap_or(0)
    }

    /// The paths that a route was written under: which objects.
    pub fn paths(&self, route: &str) -> Vec<&str> {
        let of_route = self.0.iter().filter(|entry| {
            is_write(entry)
                && format!("{} {}", text(entry, "method"), text(entry, "route")) == route
        });
        of_route.map(|entry| text(entry, "path")).collect()
    }

    /// A line or two for a person.
    pub fn shown(&self) -> String {
        let writes = self.writes();
        let total: usize = writes.values().sum();
        let each: Vec<String> = writes
            .iter()
            .map(|(route, count)| format!("{count} × {route}"))
            .collect();
        let written = match total {
            0 => "no write".to_owned(),
            _ => each.join(", "),
        };
        let reads = self.0.iter().filter(|entry| !is_write(entry));
        let reads = count(reads.map(|entry| purpose(text(entry, "route")).to_owned()));
        let total: usize = reads.values().sum();
        let each: Vec<String> = reads
            .iter()
            .map(|(what, count)| format!("{what} {count}"))
            .collect();
        let read = match total {
            0 => "No read".to_owned(),
            _ => format!("Reads: {total} ({})", each.join(", ")),
        };
        format!("Tenant calls: {written}. {read}.")
    }
}

fn is_write(entry: &Value) -> bool {
    let reads = ["/oauth", "/search"];
    let route = text(entry, "route");
    text(entry, "method") != "GET" && !reads.iter().any(|read| route.starts_with(read))
}

/// What a read is for.
fn purpose(route: &str) -> &str {
    match route {
        "/password-sync-groups" => "groups",
        "/password-sync-groups/{id}" => "one group",
        "/password-policies" => "policies",
        "/sources" => "sources",
        "/sources/{id}/password-policies" => "a source's policies",
        "/accounts" => "accounts",
        "/source-apps/all" | "/source-apps" => "applications",
        "/oauth/token" => "token",
        other => other,
    }
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap_or_default()
}

fn count(words: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}
