//! The simulator's library behind the client's transport, with a fuse at every write.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, StatusCode};
use identity_simulator::{Cut, Seed, Tenant, request};
use jiff::Timestamp;
use psg_identity::{Kind, Request, Response, Transport, TransportError};

use super::fuse::Fuse;

pub const STRONG: &str = "2c91808d744ba0ce01746f93b6204501";
pub const STANDARD: &str = "2c91808d744ba0ce01746f93b6204502";

const SEED: &str = r#"
name: t
org: acme
credentials: [{clientId: psg-operator, clientSecret: s3cr3t}]
policies:
  - {id: 2c91808d744ba0ce01746f93b6204501, name: Strong}
  - {id: 2c91808d744ba0ce01746f93b6204502, name: Standard, defaultPolicy: true}
sources:
  - {id: "2c918084660f45d6016617daa9210501", name: A, features: [PASSWORD], holders: [{policyId: 2c91808d744ba0ce01746f93b6204502}]}
  - {id: "2c918084660f45d6016617daa9210502", name: B, features: [PASSWORD], holders: [{policyId: 2c91808d744ba0ce01746f93b6204502}]}
  - {id: "2c918084660f45d6016617daa9210503", name: C, features: [PASSWORD], holders: [{policyId: 2c91808d744ba0ce01746f93b6204502}]}
  - {id: "2c918084660f45d6016617daa9210504", name: D, features: [PASSWORD], holders: [{policyId: 2c91808d744ba0ce01746f93b6204502}]}
  - {id: "2c918084660f45d6016617daa9210505", name: E, features: [PASSWORD], holders: [{policyId: 2c91808d744ba0ce01746f93b6204502}]}
  - {id: "2c918084660f45d6016617daa9210506", name: F, features: [PASSWORD], holders: [{policyId: 2c91808d744ba0ce01746f93b6204502}]}
"#;

/// A simulated tenant, shared by every process that runs after another.
pub type Shared = Arc<Mutex<Tenant>>;

pub fn tenant(switches: &serde_json::Value) -> Shared {
    let mut seed = Seed::parse(SEED).unwrap();
    seed.switches = identity_simulator::switches::patched(&seed.switches, switches).unwrap();
    Arc::new(Mutex::new(
        Tenant::new(seed, 7, Timestamp::UNIX_EPOCH).unwrap(),
    ))
}

/// A tenant with two sources for each of so many groups, and answers that take a while.
pub fn roomy(groups: usize, switches: &serde_json::Value) -> Shared {
    let source = |n: usize| {
        serde_json::json!({
            "id": format!("{n:032x}"), "name": format!("S{n}"), "features": ["PASSWORD"],
        })
    };
    let seed = serde_json::json!({
        "name": "t", "org": "acme", "switches": switches,
        "credentials": [{"clientId": "psg-operator", "clientSecret": "s3cr3t"}],
        "policies": [{"id": STRONG, "name": "Strong"}],
        "sources": (0..2 * groups).map(source).collect::<Vec<_>>(),
        "latency": {"lognormal": {"median_ms": 80, "p99_ms": 400}},
    });
    let seed = Seed::parse(&seed.to_string()).unwrap();
    Arc::new(Mutex::new(
        Tenant::new(seed, 7, Timestamp::UNIX_EPOCH).unwrap(),
    ))
}

/// One process's way to the tenant.
pub struct Wire {
    pub tenant: Shared,
    pub fuse: Arc<Fuse>,
    pub now: psg_snapshot::Clock,
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, sent: Request) -> Result<Response, TransportError> {
        let mut asked = request::Request::new(sent.method.as_str(), &sent.target);
        for (name, value) in &sent.headers {
            asked = asked.header(name.as_str(), value.to_str().unwrap());
        }
        asked.body = sent
            .body
            .as_ref()
            .map(|body| body.to_vec())
            .unwrap_or_default();
        let handle = || self.tenant.lock().unwrap().handle(&asked, (self.now)());
        let is_write = sent.kind == Kind::Write && !sent.target.contains("/oauth/");
        let answer = if is_write {
            self.fuse.effect(handle).await
        } else {
            handle()
        };
        let unknown = |why: &str| {
            Err(TransportError::Unknown {
                why: why.to_owned(),
            })
        };
        if answer.delay > sent.timeout {
            tokio::time::sleep(sent.timeout).await;
            return unknown("timeout");
        }
        tokio::time::sleep(answer.delay).await;
        if matches!(answer.cut, Some(Cut::Before | Cut::Middle)) {
            return unknown("connection cut");
        }
        let headers = answer.headers.into_iter().map(|(name, value)| {
            (
                HeaderName::try_from(name).unwrap(),
                HeaderValue::try_from(value).unwrap(),
            )
        });
        Ok(Response {
            status: StatusCode::from_u16(answer.status).unwrap(),
            headers: headers.collect(),
            body: answer.body.into(),
        })
    }
}
