//! One tenant: handles every request in the order of a service behind a gateway.
//!
//! Flow: due effects → route → token → rate limit → ordered fault → experimental header → scope and
//! level → licence → the operation → what the fault does to the answer → ledger.
//! No IO; the moment is an argument and the randomness is the tenant's own.

mod distort;
mod spoil;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::spoil::{Answered, spoiled};
use crate::{
    auth::{self, Auth, Credential, Issuer},
    call::{Call, Lies, Reply},
    errors::{self, Refusal},
    faults::{FaultKind, Faults},
    latency::Latency,
    ledger::{self, Entry, Ledger},
    limiter::{Limiter, RateLimit},
    odd::Odd,
    passwords::Passwords,
    request::{Cut, Query, Request, Response},
    rng::Rng,
    routes::{self, Found, Op},
    seed::{Seed, SeedError},
    state::State,
    switches::{Licence, MissingExperimentalHeader, PostAnswer, RateWindow, Switches},
};

/// The header in which the service sends the id of an answer.
const REQUEST_ID: &str = "SLPT-Request-ID";

/// A tenant in memory.
#[derive(Debug)]
#[expect(
    clippy::struct_field_names,
    reason = "tenant_id is the wire's own name"
)]
pub struct Tenant {
    /// The name on the control port.
    pub name: String,
    pub(crate) org: String,
    pub(crate) tenant_id: String,
    pub(crate) pod: String,
    pub(crate) auth: Auth,
    pub(crate) state: State,
    pub(crate) switches: Switches,
    /// The objects that answers show oddly, by their ids.
    pub(crate) odd: BTreeMap<String, Odd>,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    pub(crate) limiter: Limiter,
    pub(crate) rate_limit: RateLimit,
    pub(crate) latency: Latency,
    pub(crate) rng: Rng,
    pub(crate) passwords: Passwords,
    /// The id of the request that is being answered, for the answer and the ledger.
    pub(crate) request_id: String,
    pub(crate) pending: BTreeMap<(Timestamp, u64), Effect>,
    effects: u64,
}

/// Something the service does later.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Assign {
        source: String,
        policy: String,
    },
    Carry(Request),
    /// Names the change; the password stays in it, so that no effect shows one.
    RetryPasswordChange {
        number: u64,
        source: String,
    },
}

impl Tenant {
    /// A tenant as its seed describes it.
    pub fn new(seed: Seed, rng_seed: u64, now: Timestamp) -> Result<Self, SeedError> {
        let mut rng = Rng::new(rng_seed);
        let seed = seed.completed(&mut rng, now)?;
        let credentials: BTreeMap<String, Credential> = seed
            .credentials
            .into_iter()
            .map(|one| (one.client_id.clone(), one))
            .collect();
        let mut state = State::seeded(seed.groups, seed.policies, seed.sources, seed.apps, now);
        state.accounts = seed
            .accounts
            .into_iter()
            .map(|one| (one.source_id, one.count))
            .collect();
        Ok(Self {
            name: seed.name,
            org: seed.org,
            tenant_id: seed.tenant_id,
            pod: seed.pod,
            auth: Auth {
                credentials,
                tokens: BTreeMap::new(),
            },
            state,
            switches: seed.switches,
            odd: seed.odd,
            faults: Faults::default(),
            ledger: Ledger::default(),
            limiter: Limiter::default(),
            rate_limit: seed.rate_limit,
            latency: seed.latency,
            rng,
            passwords: Passwords::new(seed.identities, seed.endpoints, rng_seed),
            request_id: String::new(),
            pending: BTreeMap::new(),
            effects: 0,
        })
    }

    /// Answers one request at one moment.
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        self.settle(now);
        self.request_id = Rng::new(self.ledger.next()).hex_id();
        let segments = request.segments();
        let found = routes::find(&request.method, &segments, &self.switches);
        let token_route = request.path == "/oauth/token" || request.path == "/oauth/info";
        let mut answered = match &found {
            _ if token_route => self.answer_oauth(request, now),
            _ => self.answer_api(request, found.as_ref(), now),
        };
        answered.response.set_header(REQUEST_ID, &self.request_id);
        answered.response.delay += self.latency.sample(&mut self.rng);
        let secret = token_route.then(String::new);
        let body = (!token_route).then(|| ledger::kept_body(request)).flatten();
        let route = match &found {
            _ if token_route => request.path.clone(),
            Some(found) => found.route.template.to_owned(),
            None => "unknown".to_owned(),
        };
        self.ledger.record(Entry {
            seq: 0,
            at: now,
            method: request.method.clone(),
            path: request.path.clone(),
            query: secret.unwrap_or_else(|| request.query.clone()),
            route,
            version: found.map(|found| found.version.prefix().to_owned()),
            client_id: answered.client_id,
            tracking_id: self.request_id.clone(),
            status: (answered.response.cut != Some(Cut::Before))
                .then_some(answered.response.status),
            applied: answered.applied,
            fault: answered.fault.map(str::to_owned),
            request_body: body,
            response_bytes: answered.response.body.len(),
        });
        answered.response
    }

    /// Applies every effect that is due.
    pub fn settle(&mut self, now: Timestamp) {
        while self.settle_next(now) {}
    }

    /// Applies the first effect that is due; false if there is none.
    pub fn settle_next(&mut self, now: Timestamp) -> bool {
        let next = self.pending.first_entry();
        let Some(next) = next.filter(|next| next.key().0 <= now) else {
            return false;
        };
        let ((due, _), effect) = next.remove_entry();
        match effect {
            Effect::Assign { source, policy } => self.assign(&source, &policy, due),
            Effect::RetryPasswordChange { number, source } => {
                self.retry_password_change(number, &source, due);
            }
            Effect::Carry(request) => {
                let found = routes::find(&request.method, &request.segments(), &self.switches);
                if let Some(found) = found {
                    // The request has ended for the client already, so a refusal is dropped.
                    let _ = self.carry_out(&request, &found, Lies::default(), due);
                }
            }
        }
        true
    }

    /// Puts a policy on a source now, replacing what it had.
    pub fn assign(&mut self, source: &str, policy: &str, now: Timestamp) {
        let holder = crate::model::Holder {
            policy_id: policy.to_owned(),
            ..Default::default()
        };
        self.state.set_holders(source, vec![holder], now);
        self.tell_policy_assigned(source, now);
    }

    /// Puts a policy on a source later.
    pub(crate) fn assign_later(&mut self, source: String, policy: String, due: Timestamp) {
        self.schedule(due, Effect::Assign { source, policy });
    }

    pub(crate) fn schedule(&mut self, due: Timestamp, effect: Effect) {
        self.effects += 1;
        self.pending.insert((due, self.effects), effect);
    }

    fn answer_oauth(&mut self, request: &Request, now: Timestamp) -> Answered {
        let fault = self
            .faults
            .take(&request.method, &request.path, &request.path);
        let client_id = auth::client_id_of(request);
        if let Some(refusing) = fault
            .as_ref()
            .and_then(|kind| self.instead(request, kind, now))
        {
            return Answered {
                client_id,
                ..refusing
            };
        }
        let (response, client_id) = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/oauth/token") => {
                let issuer = Issuer {
                    org: &self.org,
                    tenant_id: &self.tenant_id,
                    pod: &self.pod,
                    life: self.switches.token_life,
                    scope: self.switches.token_scope,
                };
                self.auth.mint(request, &issuer, &mut self.rng, now)
            }
            ("GET", "/oauth/info") => (Response::json(200, &self.issuer_info()), None),
            _ => (self.refuse(&Refusal::no_such_route(), now), None),
        };
        let applied = response.status < 400;
        spoiled(
            Answered {
                response,
                applied,
                fault: None,
                client_id,
            },
            fault.as_ref(),
        )
    }

    fn answer_api(&mut self, request: &Request, found: Option<&Found>, now: Timestamp) -> Answered {
        let (client_id, limiter_key) = match self.auth.check(request, now) {
            Ok(token) => (
                token.client_id.clone(),
                self.limiter_key(request, token, found),
            ),
            Err(refusal) => {
                return Answered {
                    response: self.refuse(&refusal, now),
                    ..Answered::default()
                };
            }
        };
        let window = self.switches.rate_window;
        if let Err(wait) = self
            .limiter
            .admit(&limiter_key, window, self.rate_limit, now)
        {
            let response = self.refuse(&Refusal::too_many(wait), now);
            return Answered {
                response,
                client_id: Some(client_id),
                ..Answered::default()
            };
        }
        let Some(found) = found else {
            let response = self.refuse(&Refusal::no_such_route(), now);
            return Answered {
                response,
                client_id: Some(client_id),
                ..Answered::default()
            };
        };
        let fault = self
            .faults
            .take(&request.method, found.route.template, &request.path);
        if let Some(refusing) = fault
            .as_ref()
            .and_then(|kind| self.instead(request, kind, now))
        {
            return Answered {
                client_id: Some(client_id),
                ..refusing
            };
        }
        let lies = fault.as_ref().map_or_else(Lies::default, FaultKind::lies);
        let outcome = self
            .permit(request, found, now)
            .and_then(|()| self.carry_out(request, found, lies, now));
        let applied = outcome.is_ok();
        let mut response = match outcome {
            Ok(mut reply) => {
                reply.body.iter_mut().for_each(|body| self.distort(body));
                reply.into_response()
            }
            Err(refusal) => self.refuse(&refusal, now),
        };
        if applied && found.route.op == Op::CreateGroup {
            self.spoil_post(&mut response);
        }
        spoiled(
            Answered {
                response,
                applied,
                fault: None,
                client_id: Some(client_id),
            },
            fault.as_ref(),
        )
    }

    fn limiter_key(&self, request: &Request, token: &auth::Token, found: Option<&Found>) -> String {
        let version = found.map_or("unknown", |found| found.version.prefix());
        match self.switches.rate_window {
            RateWindow::Fixed | RateWindow::Sliding | RateWindow::TokenBucket => {
                format!("{} {version}", token.client_id)
            }
            // The whole token would put a credential into the control port's answers.
            _ => {
                let token = auth::bearer(request).unwrap_or_default();
                format!(
                    "token …{}",
                    token
                        .get(token.len().saturating_sub(8)..)
                        .unwrap_or_default()
                )
            }
        }
    }

    fn permit(&self, request: &Request, found: &Found, now: Timestamp) -> Result<(), Refusal> {
        let header = request
            .headers
            .get("x-sailpoint-experimental")
            .map(String::as_str);
        if found.route.experimental.contains(&found.version) && header != Some("true") {
            let text = "This operation needs the header X-SailPoint-Experimental: true";
            match self.switches.missing_experimental_header {
                MissingExperimentalHeader::BadRequest => return Err(Refusal::bad_request(text)),
                MissingExperimentalHeader::NotFound => return Err(Refusal::no_such_route()),
                MissingExperimentalHeader::Forbidden => return Err(Refusal::forbidden()),
                MissingExperimentalHeader::Accept => {}
            }
        }
        self.auth
            .allow(self.auth.check(request, now)?, found.route)?;
        match self.switches.licence {
            _ if request.method == "GET" || found.route.op == Op::Search => Ok(()),
            Licence::Present => Ok(()),
            Licence::MissingForbidden => Err(Refusal::forbidden()),
            Licence::MissingBadRequest => Err(Refusal::bad_request(
                "Password Management is not licensed for this org",
            )),
        }
    }

    fn carry_out(
        &mut self,
        request: &Request,
        found: &Found,
        lies: Lies,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let query = Query::parse(&request.query);
        let call = Call {
            id: &found.id,
            query,
            request,
            now,
            lies,
        };
        match found.route.op {
            Op::ListGroups => self.list_groups(&call),
            Op::CreateGroup => self.create_group(&call),
            Op::ReadGroup => self.read_group(&call),
            Op::UpdateGroup => self.update_group(&call),
            Op::DeleteGroup => self.delete_group(&call),
            Op::AvailableSources => Ok(self.available_sources()),
            Op::ListPolicies => self.list_policies(&call),
            Op::CreatePolicy => self.create_policy(&call),
            Op::ReadPolicy => self.read_policy(&call),
            Op::UpdatePolicy => self.update_policy(&call),
            Op::DeletePolicy => self.delete_policy(&call),
            Op::ListSources => self.list_sources(&call),
            Op::ReadSource => self.read_source(&call),
            Op::ReadHolders => self.read_holders(&call),
            Op::WriteHolders => self.write_holders(&call),
            Op::SourceConnections => self.source_connections(&call),
            Op::SourceHealth => self.source_health(&call),
            Op::TestSource => self.test_source(&call),
            Op::ListApps => self.list_apps(&call, true),
            Op::ListAllApps => self.list_apps(&call, false),
            Op::ListAccounts => self.list_accounts(&call),
            Op::ListOwnTokens => self.list_own_tokens(&call),
            Op::QueryPasswordInfo => self.query_password_info(&call),
            Op::SetPassword => self.set_password(&call),
            Op::PasswordChangeStatus => self.password_change_status(&call),
            Op::Search => self.search(&call),
        }
    }

    fn spoil_post(&self, response: &mut Response) {
        match self.switches.post_answer {
            PostAnswer::Sent => {}
            PostAnswer::Lost => response.cut = Some(Cut::Before),
            PostAnswer::BadGateway => *response = errors::html(502),
            PostAnswer::GatewayTimeout => *response = errors::html(504),
        }
    }

    pub(crate) fn refuse(&self, refusal: &Refusal, now: Timestamp) -> Response {
        refusal.render(&self.request_id, &self.switches, now)
    }

    fn issuer_info(&self) -> Value {
        json!({
            "tenantId": self.tenant_id,
            "tenantName": self.org,
            "pod": self.pod,
            "tokenEndpoint": "/oauth/token",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{A, B, Bench, GROUPS, group, value};

    #[test]
    fn row_23_the_limit_counts_clients_or_tokens() {
        let second_token = |setting: &str, version: &str| {
            let mut bench = Bench::with(json!({"rate_window": setting}));
            bench.tenant.set_rate_limit(RateLimit {
                requests: 2,
                seconds: 10,
            });
            let first = [(); 3].map(|()| bench.ask("GET", GROUPS).status);
            assert_eq!(first, [200, 200, 429], "{setting}");
            bench.token = bench.mint();
            bench
                .ask("GET", &format!("/{version}/password-sync-groups"))
                .status
        };
        for per_client in ["fixed", "sliding", "token_bucket"] {
            assert_eq!(second_token(per_client, "v3"), 429);
            assert_eq!(second_token(per_client, "v2025"), 200);
        }
        for per_token in [
            "fixed_per_token",
            "sliding_per_token",
            "token_bucket_per_token",
        ] {
            assert_eq!(second_token(per_token, "v3"), 200);
        }
    }

    #[test]
    fn row_24_the_experimental_header() {
        let status = |setting: &str, path: &str| {
            let mut bench = Bench::with(json!({"missing_experimental_header": setting}));
            let request = Request::new("GET", path).bearer(&bench.token);
            bench.raw(&request).status
        };
        let all = ["bad_request", "not_found", "forbidden", "accept"];
        assert_eq!(
            all.map(|one| status(one, "/v2025/password-policies")),
            [400, 404, 403, 200]
        );
        assert_eq!(status("bad_request", "/source-apps/v1/all"), 400);
        assert_eq!(status("bad_request", "/v3/password-policies"), 200);
        assert_eq!(status("bad_request", "/beta/source-apps/all"), 200);
    }

    #[test]
    fn row_25_the_answer_of_a_post() {
        let post = |setting: &str| {
            let mut bench = Bench::with(json!({"post_answer": setting}));
            let answer = bench.post_group(&group("x", &[A, B]));
            assert_eq!(bench.tenant.state().groups.len(), 1);
            (answer.status, answer.cut)
        };
        assert_eq!(post("sent"), (200, None));
        assert_eq!(post("lost"), (200, Some(Cut::Before)));
        assert_eq!(post("bad_gateway"), (502, None));
        assert_eq!(post("gateway_timeout"), (504, None));
    }

    #[test]
    fn row_26_a_tenant_without_the_licence() {
        for (setting, status) in [
            ("present", 200),
            ("missing_forbidden", 403),
            ("missing_bad_request", 400),
        ] {
            let mut bench = Bench::with(json!({"licence": setting}));
            assert_eq!(bench.post_group(&group("x", &[A, B])).status, status);
            assert_eq!(bench.ask("GET", GROUPS).status, 200);
        }
    }

    #[test]
    fn one_seed_gives_one_trace() {
        let trace = || {
            let mut bench = Bench::with(json!({"source_ids": "shuffle"}));
            let path = bench.group("x", &[A, B]);
            (value(&bench.ask("GET", &path)), bench.token, path)
        };
        assert_eq!(trace(), trace());
    }
}
