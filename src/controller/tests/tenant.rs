//! The simulated tenants of the scenarios: the simulator's own library.

use std::collections::BTreeMap;

use identity_simulator::{FaultKind, Seed, Tenant};
use jiff::Timestamp;
use serde_json::{Value, json};

pub const CLIENT: &str = "psg-operator";
pub const SECRET: &str = "s3cr3t";
pub const STRONG: &str = "2c91808d744ba0ce01746f93b6204501";
pub const STANDARD: &str = "2c91808d744ba0ce01746f93b6204502";

/// A source's name: A, B …
pub fn source_name(number: usize) -> String {
    char::from(b'A' + u8::try_from(number).unwrap()).to_string()
}

/// The id of a source.
pub fn source_id(number: usize) -> String {
    format!("2c918084660f45d6016617daa92105{:02}", number + 1)
}

/// Two policies, and so many sources under the one named Standard.
pub fn small(sources: usize, switches: &Value, latency: &Value, seed: u64) -> Tenant {
    let source = |n| {
        json!({
            "id": source_id(n), "name": source_name(n), "features": ["PASSWORD"],
            "holders": [{"policyId": STANDARD}],
        })
    };
    made(
        &json!((0..sources).map(source).collect::<Vec<_>>()),
        switches,
        latency,
        seed,
    )
}

/// Eight sources as in [`small`], and others that nobody wants, on a second page.
pub fn wide(sources: usize, switches: &Value) -> Tenant {
    let source = |n: usize| {
        let (id, name) = if n < 8 {
            (source_id(n), source_name(n))
        } else {
            (format!("{n:032x}"), format!("S{n}"))
        };
        json!({"id": id, "name": name, "features": ["PASSWORD"], "holders": [{"policyId": STANDARD}]})
    };
    let sources = json!((0..sources).map(source).collect::<Vec<_>>());
    made(&sources, switches, &json!("none"), 7)
}

/// A tenant with two sources for each of so many groups, and answers that take a while.
pub fn roomy(groups: usize, switches: &Value) -> Tenant {
    let source = |n: usize| json!({"id": format!("{n:032x}"), "name": format!("S{n}"), "features": ["PASSWORD"]});
    let sources = json!((0..2 * groups).map(source).collect::<Vec<_>>());
    let latency = json!({"lognormal": {"median_ms": 80, "p99_ms": 400}});
    made(&sources, switches, &latency, 7)
}

fn made(sources: &Value, switches: &Value, latency: &Value, seed: u64) -> Tenant {
    let text = json!({
        "name": "t", "org": "acme",
        "credentials": [{"clientId": CLIENT, "clientSecret": SECRET}],
        "policies": [
            {"id": STRONG, "name": "Strong"},
            {"id": STANDARD, "name": "Standard", "defaultPolicy": true},
        ],
        "sources": sources, "latency": latency,
    });
    let mut parsed = Seed::parse(&text.to_string()).unwrap();
    parsed.switches = identity_simulator::switches::patched(&parsed.switches, switches).unwrap();
    Tenant::new(parsed, seed, Timestamp::UNIX_EPOCH).unwrap()
}

/// An answer of this status, and nothing done.
pub fn status(code: u16) -> FaultKind {
    FaultKind::Status {
        code,
        body: None,
        headers: BTreeMap::new(),
        retry_after: None,
    }
}
