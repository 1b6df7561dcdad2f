//! Tests: the simulator's library behind the transport, in this process and in virtual time.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, StatusCode};
use identity_simulator::{Cut, Seed, Tenant, request};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::{
    Client, Limiters, Options, Request, Response, Transport, TransportError,
    tests::scripted::credentials_of,
};
use psg_domain::ApiVersion;

pub(crate) const STRONG: &str = "2c91808d744ba0ce01746f93b6204501";
pub(crate) const DEFAULT: &str = "2c91808d744ba0ce01746f93b6204502";
pub(crate) const A: &str = "2c918084660f45d6016617daa9210584";
pub(crate) const B: &str = "2c918084660f45d6016617daa9210500";
pub(crate) const C: &str = "2c918084660f45d6016617daa9210503";

const SEED: &str = r#"
name: t
org: acme
credentials:
  - {clientId: psg-operator, clientSecret: s3cr3t}
policies:
  - {id: 2c91808d744ba0ce01746f93b6204501, name: Strong}
  - {id: 2c91808d744ba0ce01746f93b6204502, name: Default, defaultPolicy: true}
sources:
  - {id: 2c918084660f45d6016617daa9210584, name: A, features: [PASSWORD, AUTHENTICATE]}
  - {id: 2c918084660f45d6016617daa9210500, name: B, features: [PASSWORD], holders: [{policyId: 2c91808d744ba0ce01746f93b6204502}]}
  - id: 2c918084660f45d6016617daa9210503
    name: C
    features: [PASSWORD]
    holders:
      - {policyId: 2c91808d744ba0ce01746f93b6204502}
      - {policyId: 2c91808d744ba0ce01746f93b6204501, selectors: {identityAttr: [{name: x, value: "y"}]}}
  - {id: 2c918084660f45d6016617daa9210507, name: Feed, connectionType: file}
apps:
  - {name: Logon, accountSource: {id: 2c918084660f45d6016617daa9210584}}
  - {name: Mail, accountSource: {id: 2c918084660f45d6016617daa9210584}}
  - {name: Nowhere}
accounts:
  - {sourceId: 2c918084660f45d6016617daa9210584, count: 300}
  - {sourceId: 2c918084660f45d6016617daa9210500, count: 5}
"#;

/// A simulated tenant behind the transport.
pub(crate) struct Simulated {
    pub tenant: Mutex<Tenant>,
    began: Instant,
}

impl Simulated {
    /// The small tenant above, with switches as JSON.
    pub fn new(switches: &serde_json::Value) -> Arc<Self> {
        Self::grown(switches, |_| {})
    }

    /// The same with more in it.
    pub fn grown(switches: &serde_json::Value, grow: impl FnOnce(&mut Seed)) -> Arc<Self> {
        let mut seed = Seed::parse(SEED).unwrap();
        grow(&mut seed);
        seed.switches = identity_simulator::switches::patched(&seed.switches, switches).unwrap();
        let tenant = Tenant::new(seed, 7, Timestamp::UNIX_EPOCH).unwrap();
        Arc::new(Self {
            tenant: Mutex::new(tenant),
            began: Instant::now(),
        })
    }

    pub fn client(self: &Arc<Self>, version: ApiVersion) -> Client {
        let options = Options {
            version,
            ..Options::default()
        };
        Client::new(
            credentials_of("psg-operator", "s3cr3t"),
            options,
            self.clone(),
            &Limiters::default(),
        )
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::try_from(self.began.elapsed()).unwrap()
    }
}

#[async_trait]
impl Transport for Simulated {
    async fn send(&self, sent: Request) -> Result<Response, TransportError> {
        let mut asked = request::Request::new(sent.method.as_str(), &sent.target);
        for (name, value) in &sent.headers {
            asked = asked.header(name.as_str(), value.to_str().unwrap());
        }
        asked.body = sent.body.map(|body| body.to_vec()).unwrap_or_default();
        let answer = self.tenant.lock().unwrap().handle(&asked, self.now());
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
        if answer.body.len() > sent.max_body {
            let most = sent.max_body;
            return Err(TransportError::TooLarge { most });
        }
        let pair = |(name, value): (String, String)| {
            (
                HeaderName::try_from(name).unwrap(),
                HeaderValue::try_from(value).unwrap(),
            )
        };
        Ok(Response {
            status: StatusCode::from_u16(answer.status).unwrap(),
            headers: answer.headers.into_iter().map(pair).collect(),
            body: answer.body.into(),
        })
    }
}
