//! The control port: seed, steer, spoil and look. No IO; the HTTP skin is elsewhere.
//!
//! Everything here is outside the simulated service: no token, no limit, no ledger entry. Edits of
//! objects skip the API's rules as a person in the admin console would, but the service still does
//! by itself what it does, such as handing a deleted group's policy to its sources.

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
    request::{Query, Request, Response},
    seed::Seed,
    switches,
    tenant::Tenant,
    world::World,
};

/// An answer, or a status and why.
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
        (_, [kind, rest @ ..]) => edit(tenant, method, kind, rest, request, now),
        _ => Err(no_route(request)),
    }
}

/// Edits behind the API's back.
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
        Ok(tenant) => Ok(ok(&tenant.shown(now))),
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

/// The object in the body under the id of the path, whatever the body says.
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
