//! The control port: seeds, changes and shows tenants, and orders faults. No IO: [`crate::serve`]
//! speaks HTTP.
//!
//! Everything here is outside the simulated service: no token, no limit, no ledger entry. Edits of
//! objects skip the API's rules, as edits in the admin console do. The service's own effects still
//! follow, such as giving a deleted group's policy to its sources.

mod passwords;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    auth::CredentialPatch,
    clock::Clock,
    faults::Fault,
    latency::Latency,
    limiter::RateLimit,
    model::{App, Group, Holder, Policy, Source},
    odd::Odd,
    request::{Query, Request, Response},
    seed::Seed,
    switches,
    tenant::Tenant,
    world::World,
};

/// An answer, or a status and the reason.
type Outcome = Result<Response, (u16, String)>;

/// Answers one request to the control port.
pub fn control(world: &mut World, clock: &mut Clock, request: &Request) -> Response {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let outcome = match (request.method.as_str(), path.as_slice()) {
        ("GET", ["healthz"]) => Ok(Response::with_body(200, "text/plain", b"ok".to_vec())),
        ("GET", ["clock"]) => Ok(show_clock(*clock)),
        ("POST", ["clock", "advance"]) => advance(world, clock, request),
        ("GET", ["tenants"]) => Ok(ok(&json!(world.names().collect::<Vec<_>>()))),
        ("PUT", ["tenants", name]) => put_tenant(world, name, request, clock.now()),
        ("DELETE", ["tenants", name]) => Ok(done(world.remove(name))),
        (method, ["tenants", name, rest @ ..]) => match world.tenant(name) {
            Some(tenant) => {
                let now = clock.now();
                tenant.settle(now);
                on_tenant(tenant, method, rest, request, now)
            }
            None => Err((404, format!("there is no tenant {name}"))),
        },
        _ => Err(no_route(request)),
    };
    outcome.unwrap_or_else(|(status, why)| Response::json(status, &json!({"error": why})))
}

fn on_tenant(
    tenant: &mut Tenant,
    method: &str,
    path: &[&str],
    request: &Request,
    now: Timestamp,
) -> Outcome {
    match (method, path) {
        ("GET", []) => Ok(ok(&tenant.shown(now))),
        ("GET", ["switches"]) => Ok(ok(&json!(tenant.switches()))),
        ("PATCH", ["switches"]) => {
            let patch: Value = body(request)?;
            let patched = switches::patched(tenant.switches(), &patch);
            *tenant.switches_mut() = patched.map_err(|error| (400, error.to_string()))?;
            Ok(ok(&json!(tenant.switches())))
        }
        ("PUT", ["odd", id]) => {
            tenant.show_oddly(id, body::<Odd>(request)?);
            Ok(done(true))
        }
        ("DELETE", ["odd", id]) => Ok(done(tenant.show_plainly(id))),
        ("PUT", ["latency"]) => {
            tenant.set_latency(body::<Latency>(request)?);
            Ok(done(true))
        }
        ("PUT", ["rate-limit"]) => {
            tenant.set_rate_limit(body::<RateLimit>(request)?);
            Ok(done(true))
        }
        ("POST", ["faults"]) => {
            for fault in one_or_many::<Fault>(request)? {
                tenant.add_fault(fault);
            }
            Ok(ok(&json!(tenant.faults())))
        }
        ("GET", ["faults"]) => Ok(ok(&json!(tenant.faults()))),
        ("DELETE", ["faults"]) => {
            tenant.clear_faults();
            Ok(done(true))
        }
        ("GET", ["ledger"]) => {
            let query = Query::parse(&request.query);
            let since = query.value("since").map_or(Ok(0), str::parse);
            let since = since.map_err(|_| (400, "since is no number".to_owned()))?;
            Ok(ok(&json!(tenant.ledger().since(since).collect::<Vec<_>>())))
        }
        ("GET", ["ledger", "counts"]) => {
            let mut counts = json!(tenant.ledger().counts());
            counts["maxInWindow"] = json!(tenant.most_in_window());
            Ok(ok(&counts))
        }
        ("DELETE", ["ledger"]) => {
            tenant.clear_ledger();
            Ok(done(true))
        }
        ("POST", ["tokens", "revoke"]) => Ok(ok(&json!({"revoked": tenant.revoke_tokens()}))),
        ("PATCH", ["credentials"]) => {
            let patch: CredentialPatch = body(request)?;
            tenant.patch_credentials(&patch).map_err(|why| (400, why))?;
            Ok(done(true))
        }
        (
            _,
            [
                "password-changes" | "outbox" | "identities" | "endpoints",
                ..,
            ],
        ) => passwords::passwords(tenant, method, path, request, now),
        (_, [kind, rest @ ..]) => edit(tenant, method, kind, rest, request, now),
        _ => Err(no_route(request)),
    }
}

/// Edits objects without the API's rules.
fn edit(
    tenant: &mut Tenant,
    method: &str,
    kind: &str,
    path: &[&str],
    request: &Request,
    now: Timestamp,
) -> Outcome {
    match (method, kind, path) {
        ("POST", "groups", []) => {
            let mut group: Group = body(request)?;
            if group.id.is_empty() {
                group.id = tenant.rng.uuid();
            }
            Ok(put_group(tenant, group, now))
        }
        ("PUT", "groups", [id]) => {
            let group = Group {
                id: (*id).to_owned(),
                ..with_id(request, id)?
            };
            Ok(put_group(tenant, group, now))
        }
        ("DELETE", "groups", [id]) => Ok(done(tenant.drop_group(id, now).is_some())),
        ("PUT", "sources", [id]) => {
            let source: Source = with_id(request, id)?;
            tenant.state.put_source(source, now);
            Ok(done(true))
        }
        ("PUT", "sources", [id, "holders"]) => {
            let holders: Vec<Holder> = body(request)?;
            Ok(done(tenant.state.set_holders(id, holders, now)))
        }
        ("DELETE", "sources", [id]) => Ok(done(tenant.state.remove_source(id, now).is_some())),
        ("PUT", "policies", [id]) => {
            let policy: Policy = with_id(request, id)?;
            tenant.state.policies.put(policy, now);
            Ok(done(true))
        }
        ("DELETE", "policies", [id]) => Ok(done(tenant.state.policies.remove(id, now).is_some())),
        ("PUT", "apps", [id]) => {
            let app: App = with_id(request, id)?;
            tenant.state.put_app(app, now);
            Ok(done(true))
        }
        ("DELETE", "apps", [id]) => Ok(done(tenant.state.remove_app(id, now).is_some())),
        _ => Err(no_route(request)),
    }
}

fn put_group(tenant: &mut Tenant, mut group: Group, now: Timestamp) -> Response {
    group.created.get_or_insert(now);
    group.modified = Some(now);
    let shown = json!(group);
    tenant.store_group(group, now);
    ok(&shown)
}

fn put_tenant(world: &mut World, name: &str, request: &Request, now: Timestamp) -> Outcome {
    let text = String::from_utf8_lossy(&request.body);
    let mut seed = Seed::parse(&text).map_err(|error| (400, error.to_string()))?;
    name.clone_into(&mut seed.name);
    match world.put(seed, now) {
        Ok(tenant) => Ok(ok(&json!({
            "name": tenant.name,
            "groups": tenant.state.groups.len(),
            "policies": tenant.state.policies.len(),
            "sources": tenant.state.sources.len(),
            "apps": tenant.state.apps.len(),
        }))),
        Err(error) => Err((400, error.to_string())),
    }
}

fn advance(world: &mut World, clock: &mut Clock, request: &Request) -> Outcome {
    let wanted: Value = body(request)?;
    let seconds = wanted["seconds"].as_f64().filter(|seconds| *seconds >= 0.0);
    let seconds = seconds.ok_or_else(|| (400, "seconds is a number from 0 up".to_owned()))?;
    let by = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MAX);
    if !clock.advance(by) {
        return Err((
            409,
            "the clock is real: start with --clock virtual".to_owned(),
        ));
    }
    let names: Vec<String> = world.names().map(str::to_owned).collect();
    for name in names {
        if let Some(tenant) = world.tenant(&name) {
            tenant.settle(clock.now());
        }
    }
    Ok(show_clock(*clock))
}

fn show_clock(clock: Clock) -> Response {
    ok(&json!({"now": clock.now(), "virtual": clock != Clock::Real}))
}

impl Tenant {
    /// The whole state for a reader; secrets and tokens are left out.
    pub fn shown(&self, now: Timestamp) -> Value {
        let rule = self.switches.policy_while_grouped;
        let sources = self.state.sources.iter().map(|source| {
            let mut shown = json!(source);
            shown["passwordPolicies"] = json!(self.state.policies_shown(source, rule, now));
            shown
        });
        json!({
            "name": self.name,
            "org": self.org,
            "tenantId": self.tenant_id,
            "pod": self.pod,
            "clock": now,
            "credentials": self.auth.credentials.values().collect::<Vec<_>>(),
            "groups": self.state.groups.iter().collect::<Vec<_>>(),
            "policies": self.state.policies.iter().collect::<Vec<_>>(),
            "sources": sources.collect::<Vec<_>>(),
            "apps": self.state.apps.iter().collect::<Vec<_>>(),
            "accounts": self.state.accounts,
            "identities": self.identities_shown(),
            "endpoints": passwords::endpoints(self),
            "odd": self.odd,
            "switches": self.switches,
            "rateLimit": self.rate_limit,
            "latency": self.latency,
            "pendingEffects": self.pending(),
        })
    }
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, (u16, String)> {
    serde_json::from_slice(&request.body).map_err(|error| (400, error.to_string()))
}

/// The object in the body; the id of the path replaces the body's id.
fn with_id<T: DeserializeOwned>(request: &Request, id: &str) -> Result<T, (u16, String)> {
    let mut object: Value = body(request)?;
    if let Some(object) = object.as_object_mut() {
        object.insert("id".to_owned(), json!(id));
    }
    serde_json::from_value(object).map_err(|error| (400, error.to_string()))
}

fn one_or_many<T: DeserializeOwned>(request: &Request) -> Result<Vec<T>, (u16, String)> {
    let value: Value = body(request)?;
    let many = if value.is_array() {
        value
    } else {
        json!([value])
    };
    serde_json::from_value(many).map_err(|error| (400, error.to_string()))
}

fn no_route(request: &Request) -> (u16, String) {
    (
        404,
        format!(
            "the control port has no {} {}",
            request.method, request.path
        ),
    )
}

fn ok(body: &Value) -> Response {
    Response::json(200, body)
}

fn done(found: bool) -> Response {
    Response::empty(if found { 204 } else { 404 })
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) struct Port {
        pub(super) world: World,
        clock: Clock,
    }

    impl Port {
        pub(super) fn new() -> Self {
            let mut port = Self {
                world: World::new(1),
                clock: Clock::fixed(),
            };
            let seed = include_str!("seeds/acme.yaml");
            let request = Request::new("PUT", "/tenants/acme").form(seed);
            assert_eq!(
                control(&mut port.world, &mut port.clock, &request).status,
                200
            );
            port
        }

        pub(super) fn ask(&mut self, method: &str, target: &str, body: &Value) -> (u16, Value) {
            let request = Request::new(method, target).json(body.to_string());
            let answer = control(&mut self.world, &mut self.clock, &request);
            (
                answer.status,
                serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
            )
        }

        pub(super) fn get(&mut self, target: &str) -> Value {
            let (status, body) = self.ask("GET", target, &Value::Null);
            assert_eq!(status, 200, "{target}: {body}");
            body
        }
    }

    const GROUP: &str = "/tenants/acme/groups/6881f631-3bd5-4213-9c75-8e05cc3e35dd";
    const ZENDESK: &str = "2c918084660f45d6016617daa921050c";
    const CLOUD: &str = "2c91808d744ba0ce01746f93b6204502";

    #[test]
    fn the_state_is_shown_without_secrets() {
        let state = Port::new().get("/tenants/acme");
        assert_eq!(state["groups"][0]["name"], "Support Tools");
        assert_eq!(
            state["sources"][0]["holders"][0]["policyId"],
            "2c91808d744ba0ce01746f93b6204501"
        );
        assert_eq!(state["switches"]["duplicate_name"], "allow");
        assert!(!state.to_string().contains("not-a-secret"));
    }

    #[test]
    fn edits_behind_the_apis_back_skip_its_rules_but_not_its_effects() {
        let mut port = Port::new();
        let lonely = json!({"name": "", "sourceIds": ["nonsense"]});
        assert_eq!(port.ask("POST", "/tenants/acme/groups", &lonely).0, 200);
        let (status, _) = port.ask(
            "PUT",
            &format!("/tenants/acme/sources/{ZENDESK}/holders"),
            &json!([]),
        );
        assert_eq!(status, 204);
        assert_eq!(port.ask("DELETE", GROUP, &Value::Null).0, 204);
        assert_eq!(port.ask("DELETE", GROUP, &Value::Null).0, 404);
        let tenant = port.world.tenant("acme").unwrap();
        assert_eq!(
            tenant.state.sources.find(ZENDESK).unwrap().holders[0].policy_id,
            CLOUD
        );
        let group = json!({"name": "Back", "sourceIds": [ZENDESK]});
        assert_eq!(port.ask("PUT", GROUP, &group).1["name"], "Back");
        for (kind, body) in [
            ("sources", json!({"name": "S"})),
            ("policies", json!({"name": "P"})),
            (
                "apps",
                json!({"name": "A", "accountSource": {"id": ZENDESK}}),
            ),
        ] {
            let path = format!("/tenants/acme/{kind}/new");
            assert_eq!(port.ask("PUT", &path, &body).0, 204, "{kind}");
            assert_eq!(port.ask("DELETE", &path, &Value::Null).0, 204, "{kind}");
            assert_eq!(port.ask("DELETE", &path, &Value::Null).0, 404, "{kind}");
        }
    }

    #[test]
    fn switches_faults_and_limits_are_set_and_shown() {
        let mut port = Port::new();
        let (_, switches) = port.ask(
            "PATCH",
            "/tenants/acme/switches",
            &json!({"reads": "shuffled"}),
        );
        assert_eq!(switches["reads"], "shuffled");
        assert_eq!(
            port.ask("PATCH", "/tenants/acme/switches", &json!({"reads": "x"}))
                .0,
            400
        );
        let fault = json!({"match": "*", "times": 1, "kind": "lost_answer"});
        assert_eq!(port.ask("POST", "/tenants/acme/faults", &fault).0, 200);
        let many = json!([fault, fault]);
        assert_eq!(
            port.ask("POST", "/tenants/acme/faults", &many)
                .1
                .as_array()
                .map(Vec::len),
            Some(3)
        );
        assert_eq!(
            port.ask("DELETE", "/tenants/acme/faults", &Value::Null).0,
            204
        );
        assert_eq!(port.get("/tenants/acme/faults"), json!([]));
        let limit = json!({"requests": 5, "seconds": 1});
        assert_eq!(port.ask("PUT", "/tenants/acme/rate-limit", &limit).0, 204);
        let latency = json!({"lognormal": {"median_ms": 80, "p99_ms": 400}});
        assert_eq!(port.ask("PUT", "/tenants/acme/latency", &latency).0, 204);
        assert_eq!(port.get("/tenants/acme")["latency"], latency);
    }

    #[test]
    fn odd_objects_are_set_shown_and_ended() {
        let mut port = Port::new();
        let odd = json!({"set": {"name": null}, "leaveOut": ["connectionType"]});
        let path = format!("/tenants/acme/odd/{ZENDESK}");
        assert_eq!(port.ask("PUT", &path, &odd).0, 204);
        assert_eq!(port.get("/tenants/acme")["odd"][ZENDESK], odd);
        assert_eq!(port.ask("PUT", &path, &json!({"x": 1})).0, 400);
        assert_eq!(port.ask("DELETE", &path, &Value::Null).0, 204);
        assert_eq!(port.ask("DELETE", &path, &Value::Null).0, 404);
    }

    #[test]
    fn credentials_tokens_and_ledger_are_within_reach() {
        let mut port = Port::new();
        assert_eq!(
            port.ask(
                "PATCH",
                "/tenants/acme/credentials",
                &json!({"orgAdmin": false})
            )
            .0,
            204
        );
        assert_eq!(
            port.ask("PATCH", "/tenants/acme/credentials", &json!({"x": 1}))
                .0,
            400
        );
        let wrong = json!({"clientId": "nobody", "orgAdmin": true});
        assert_eq!(
            port.ask("PATCH", "/tenants/acme/credentials", &wrong).0,
            400
        );
        assert_eq!(
            port.ask("POST", "/tenants/acme/tokens/revoke", &Value::Null)
                .1["revoked"],
            0
        );
        let now = port.clock.now();
        port.world.handle(&Request::new("GET", "/v3/sources"), now);
        assert_eq!(port.get("/tenants/acme/ledger")[0]["status"], 401);
        assert_eq!(port.get("/tenants/acme/ledger?since=1"), json!([]));
        assert_eq!(port.get("/tenants/acme/ledger/counts")["GET /sources"], 1);
        assert_eq!(
            port.ask("DELETE", "/tenants/acme/ledger", &Value::Null).0,
            204
        );
        assert_eq!(
            port.get("/tenants/acme/ledger/counts"),
            json!({"maxInWindow": {}})
        );
    }

    #[test]
    fn the_clock_moves_and_what_is_due_happens() {
        let mut port = Port::new();
        let delayed = json!({"policy_after_delete": {"delayed": {"seconds": 30}}});
        port.ask("PATCH", "/tenants/acme/switches", &delayed);
        port.ask("DELETE", GROUP, &Value::Null);
        assert_eq!(port.get("/tenants/acme")["pendingEffects"], 2);
        let (status, _) = port.ask("POST", "/clock/advance", &json!({"seconds": 30}));
        assert_eq!(
            (status, &port.get("/tenants/acme")["pendingEffects"]),
            (200, &json!(0))
        );
        assert_eq!(port.get("/clock")["virtual"], true);
        assert_eq!(
            port.ask("POST", "/clock/advance", &json!({"seconds": -1}))
                .0,
            400
        );
        port.clock = Clock::Real;
        assert_eq!(
            port.ask("POST", "/clock/advance", &json!({"seconds": 1})).0,
            409
        );
    }

    #[test]
    fn what_is_not_there_is_a_404() {
        let mut port = Port::new();
        for (method, target) in [
            ("GET", "/tenants/nobody"),
            ("GET", "/nonsense"),
            ("PATCH", "/tenants/acme/nonsense"),
            ("DELETE", "/tenants/nobody"),
        ] {
            assert_eq!(port.ask(method, target, &Value::Null).0, 404, "{target}");
        }
        assert_eq!(port.get("/tenants"), json!(["acme"]));
        assert_eq!(
            port.ask("PUT", "/tenants/x", &json!({"nonsense": 1})).0,
            400
        );
        assert_eq!(port.ask("DELETE", "/tenants/acme", &Value::Null).0, 204);
    }
}
