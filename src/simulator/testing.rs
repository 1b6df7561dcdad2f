//! What tests share: a small tenant and short ways to ask it. Tests only.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    Fault, FaultKind, Request, Response, Seed, Tenant,
    clock::{Clock, plus_seconds},
    contract::table,
    passwords::crypto::encrypt,
    switches,
};

pub(crate) const STRONG: &str = "2c91808d744ba0ce01746f93b6204501";
pub(crate) const DEFAULT: &str = "2c91808d744ba0ce01746f93b6204502";
pub(crate) const A: &str = "2c918084660f45d6016617daa9210584";
pub(crate) const B: &str = "2c918084660f45d6016617daa9210500";
pub(crate) const C: &str = "2c918084660f45d6016617daa9210503";
pub(crate) const FEED: &str = "2c918084660f45d6016617daa9210507";
pub(crate) const GROUPS: &str = "/v3/password-sync-groups";

const SEED: &str = r#"
name: t
credentials:
  - {clientId: id, clientSecret: secret}
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
  - {id: 2c918084660f45d6016617daa9210508, name: IdentityNow, builtIn: true, features: [AUTHENTICATE]}
apps:
  - {name: Logon, accountSource: {id: 2c918084660f45d6016617daa9210584}}
  - {name: Closed, enabled: false, accountSource: {id: 2c918084660f45d6016617daa9210500}}
accounts:
  - {sourceId: 2c918084660f45d6016617daa9210584, count: 300}
  - {sourceId: 2c918084660f45d6016617daa9210500, count: 5}
identities:
  - id: 2c9180867d4b5ac1017d5d5e10010101
    name: ada
    accounts:
      - {source: 2c918084660f45d6016617daa9210584, id: 2c91808a7b5e1c70017b5e1c7f6a0001, name: ada-a}
      - {source: 2c918084660f45d6016617daa9210584, id: 2c91808a7b5e1c70017b5e1c7f6a0002, name: ada-admin}
      - {source: 2c918084660f45d6016617daa9210500, id: 2c91808a7b5e1c70017b5e1c7f6a0003, name: ada-b}
      - {source: 2c918084660f45d6016617daa9210503, id: 2c91808a7b5e1c70017b5e1c7f6a0004, name: ada-c}
  - {id: 2c9180867d4b5ac1017d5d5e10010102, name: bob, accounts: [{source: 2c918084660f45d6016617daa9210584, id: 2c91808a7b5e1c70017b5e1c7f6a0005, name: bob-a}]}
rateLimit: {requests: 100000, seconds: 10}
"#;

/// A tenant, a token for it, and a clock that stands still.
pub(crate) struct Bench {
    pub(crate) tenant: Tenant,
    pub(crate) token: String,
    pub(crate) now: Timestamp,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(json!({}))
    }

    /// A tenant with some switches set.
    #[expect(clippy::needless_pass_by_value, reason = "json! stands in each call")]
    pub(crate) fn with(patch: Value) -> Self {
        let now = Clock::fixed().now();
        let mut seed = Seed::parse(SEED).unwrap();
        seed.switches = switches::patched(&seed.switches, &patch).unwrap();
        let mut bench = Self {
            tenant: Tenant::new(seed, 1, now).unwrap(),
            token: String::new(),
            now,
        };
        bench.token = bench.mint();
        bench
    }

    pub(crate) fn mint(&mut self) -> String {
        let body = "grant_type=client_credentials&client_id=id&client_secret=secret";
        let answer = self.raw(&Request::new("POST", "/oauth/token").form(body));
        value(&answer)["access_token"].as_str().unwrap().to_owned()
    }

    /// The answer to a request, checked against the table of the vendor's facts.
    pub(crate) fn raw(&mut self, request: &Request) -> Response {
        let answer = self.tenant.handle(request, self.now);
        table::hold(&self.tenant, &answer);
        answer
    }

    pub(crate) fn ask(&mut self, method: &str, target: &str) -> Response {
        let request = Request::new(method, target).bearer(&self.token);
        self.raw(&request.header("x-sailpoint-experimental", "true"))
    }

    pub(crate) fn get(&mut self, target: &str) -> Value {
        let answer = self.ask("GET", target);
        assert_eq!(
            answer.status,
            200,
            "{target}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        value(&answer)
    }

    pub(crate) fn send(&mut self, method: &str, target: &str, body: &Value) -> Response {
        let request = Request::new(method, target)
            .bearer(&self.token)
            .json(body.to_string());
        self.raw(&request.header("x-sailpoint-experimental", "true"))
    }

    /// Sets the password of a person's first account on a source, as a client does.
    pub(crate) fn set_password(&mut self, user: &str, source: &str, password: &str) -> Response {
        let facts = json!({"userName": user, "sourceName": source});
        let facts = value(&self.send("POST", "/v3/query-password-info", &facts));
        let public = facts["publicKey"].as_str().unwrap();
        let body = json!({
            "identityId": facts["identityId"],
            "sourceId": facts["sourceId"],
            "accountId": facts["accounts"][0]["accountId"],
            "publicKeyId": facts["publicKeyId"],
            "encryptedPassword": encrypt(public, password),
        });
        self.send("POST", "/v3/set-password", &body)
    }

    pub(crate) fn post_group(&mut self, body: &Value) -> Response {
        self.send("POST", GROUPS, body)
    }

    /// Makes a group and returns its path.
    pub(crate) fn group(&mut self, name: &str, sources: &[&str]) -> String {
        let answer = self.post_group(&group(name, sources));
        assert_eq!(
            answer.status,
            200,
            "{}",
            String::from_utf8_lossy(&answer.body)
        );
        format!("{GROUPS}/{}", value(&answer)["id"].as_str().unwrap())
    }

    pub(crate) fn fault(&mut self, matches: &str, kind: FaultKind) {
        self.tenant.add_fault(Fault::new(matches, 1, kind));
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now = plus_seconds(self.now, seconds);
    }

    /// The policies put on a source itself; an exception ends in `?`.
    pub(crate) fn holders(&mut self, source: &str) -> Vec<String> {
        let list = self.get(&format!("/v2025/sources/{source}/password-policies"));
        let one = |holder: &Value| {
            let mark = if holder["selectors"].is_null() {
                ""
            } else {
                "?"
            };
            format!("{}{mark}", holder["policyId"].as_str().unwrap())
        };
        list.as_array().unwrap().iter().map(one).collect()
    }
}

pub(crate) fn group(name: &str, sources: &[&str]) -> Value {
    json!({"name": name, "passwordPolicyId": STRONG, "sourceIds": sources})
}

pub(crate) fn value(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}
