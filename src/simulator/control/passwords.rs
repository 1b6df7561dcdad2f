//! The control port's part for password changes: starts them as Password Manager does, and shows the
//! outcome of each on each source. No IO.
//!
//! The body of a change holds a password in clear, so no answer repeats any of it.

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::{Outcome, body, no_route, ok, one_or_many};
use crate::{
    errors::Refusal,
    group_body::{object, text},
    password_changes::Ask,
    passwords::{Endpoint, Identity},
    request::{Request, Response},
    tenant::Tenant,
};

/// Answers one request below `password-changes`, `outbox`, `identities` or `endpoints`.
pub(super) fn passwords(
    tenant: &mut Tenant,
    method: &str,
    path: &[&str],
    request: &Request,
    now: Timestamp,
) -> Outcome {
    match (method, path) {
        ("POST", ["password-changes"]) => {
            change(tenant, request, now).map_err(|refusal| said(&refusal))
        }
        ("GET", ["password-changes"]) => Ok(ok(&tenant.password_changes())),
        ("GET", ["outbox"]) => Ok(ok(&tenant.outbox())),
        ("GET", ["identities"]) => Ok(ok(&tenant.identities_shown())),
        ("PUT" | "PATCH", ["identities"]) => {
            let people = one_or_many::<Identity>(request)?;
            let alone = method == "PUT";
            let put = tenant.put_identities(people, alone);
            put.map_err(|why| (400, why))?;
            Ok(ok(&tenant.identities_shown()))
        }
        ("GET", ["endpoints"]) => Ok(ok(&json!(endpoints(tenant)))),
        ("PATCH", ["endpoints", source]) => {
            let patched = patched(tenant, source, &body(request)?)?;
            let shown = json!(patched);
            tenant.put_endpoint(patched);
            Ok(ok(&shown))
        }
        _ => Err(no_route(request)),
    }
}

/// The system behind each source, by the order of the sources.
pub(super) fn endpoints(tenant: &Tenant) -> Vec<Endpoint> {
    let sources = tenant.state.sources.iter();
    sources
        .map(|source| tenant.passwords.endpoint(&source.id))
        .collect()
}

fn change(tenant: &mut Tenant, request: &Request, now: Timestamp) -> Result<Response, Refusal> {
    const KNOWN: [&str; 5] = ["identity", "source", "password", "passThrough", "account"];
    // Not by serde: its errors repeat the value that they do not like.
    let object = object(&request.body)?;
    if let Some(field) = object.keys().find(|field| !KNOWN.contains(&field.as_str())) {
        return Err(Refusal::bad_request(format!("unknown field {field}")));
    }
    let name = needed(&object, "identity")?;
    let mut identities = tenant.passwords.identities.iter();
    let identity = identities.find(|one| one.name == name).cloned();
    let missing = || Refusal::new(404, format!("there is no identity \"{name}\""));
    let identity = identity.ok_or_else(missing)?;
    let named = needed(&object, "source")?;
    let source = source_id(tenant, &named)?;
    let account = match text(&object, "account")? {
        None => None,
        Some(name) => {
            let found = identity.on(&source).find(|one| one.name == name);
            let missing = || Refusal::new(404, format!("there is no account \"{name}\""));
            Some(found.ok_or_else(missing)?.id.clone())
        }
    };
    let pass_through = match object.get("passThrough") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(set)) => *set,
        Some(_) => return Err(Refusal::bad_request("passThrough must be true or false")),
    };
    let ask = Ask {
        identity: identity.id,
        source,
        account,
        password: SecretString::from(needed(&object, "password")?),
        pass_through,
        actor: None,
    };
    let request_id = tenant.start_password_change(ask, now)?;
    let change = tenant.passwords.change(&request_id);
    let state = change.map(|change| change.state().name());
    Ok(ok(&json!({"requestId": request_id, "state": state})))
}

/// The id of the source of that id or name.
fn source_id(tenant: &Tenant, named: &str) -> Result<String, Refusal> {
    let mut sources = tenant.state.sources.iter();
    let source = sources.find(|one| one.id == named || one.name == named);
    let missing = || Refusal::new(404, format!("there is no source \"{named}\""));
    source.map(|one| one.id.clone()).ok_or_else(missing)
}

fn needed(object: &Map<String, Value>, name: &str) -> Result<String, Refusal> {
    let found = text(object, name)?;
    found.ok_or_else(|| Refusal::bad_request(format!("{name} is missing")))
}

fn said(refusal: &Refusal) -> (u16, String) {
    (refusal.status, refusal.texts.join("; "))
}

/// The endpoint with some of its fields replaced.
fn patched(tenant: &Tenant, source: &str, patch: &Value) -> Result<Endpoint, (u16, String)> {
    if tenant.state.sources.find(source).is_none() {
        return Err((404, format!("there is no source {source}")));
    }
    let mut merged = json!(tenant.passwords.endpoint(source));
    match (merged.as_object_mut(), patch.as_object()) {
        (Some(merged), Some(patch)) => merged.extend(patch.clone()),
        _ => return Err((400, "an endpoint is an object".to_owned())),
    }
    merged["source"] = json!(source);
    let endpoint: Endpoint =
        serde_json::from_value(merged).map_err(|error| (400, error.to_string()))?;
    if let Some(policy) = &endpoint.demands
        && tenant.state.policies.find(policy).is_none()
    {
        return Err((400, format!("there is no policy {policy}")));
    }
    Ok(endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::tests::Port;

    const AD: &str = "2c918084660f45d6016617daa9210501";
    const CHANGES: &str = "/tenants/acme/password-changes";

    #[test]
    fn a_change_is_started_and_the_truth_is_shown() {
        let mut port = Port::new();
        let body = json!({
            "identity": "ada.kaya", "source": "Active Directory",
            "password": "Correct horse 1!", "account": "akaya",
        });
        let (status, started) = port.ask("POST", CHANGES, &body);
        assert_eq!((status, &started["state"]), (200, &json!("FINISHED")));
        let change = port.get(CHANGES)[0].clone();
        assert_eq!(change["requestId"], started["requestId"]);
        assert_eq!(change["passThrough"], false);
        let source = &change["sources"][0];
        assert_eq!(
            (&source["sourceId"], &source["outcome"]),
            (&json!(AD), &json!("Changed"))
        );
        assert_eq!(source["applications"], json!(["Windows Logon"]));
        let mail = port.get("/tenants/acme/outbox")[0].clone();
        assert_eq!(mail["requestId"], started["requestId"]);
        for (field, wrong, status) in [
            ("identity", json!("nobody"), 404),
            ("source", json!("nowhere"), 404),
            ("account", json!("x"), 404),
            ("source", json!("HR Feed"), 404),
            ("passThrough", json!("yes"), 400),
            ("password", json!("short"), 400),
            ("password", Value::Null, 400),
            ("x", json!(1), 400),
        ] {
            let mut body = body.clone();
            body[field] = wrong;
            let (answered, why) = port.ask("POST", CHANGES, &body);
            assert_eq!(answered, status, "{field}: {why}");
        }
    }

    #[test]
    fn endpoints_are_patched_field_by_field() {
        let mut port = Port::new();
        let path = format!("/tenants/acme/endpoints/{AD}");
        let patch = json!({"reachable": false, "minSecondsBetweenChanges": 60});
        let (status, shown) = port.ask("PATCH", &path, &patch);
        let expected = json!({
            "source": AD, "reachable": false, "demands": null, "minSecondsBetweenChanges": 60,
        });
        assert_eq!((status, shown), (200, expected));
        let patch = json!({"reachable": true, "demands": "2c91808d744ba0ce01746f93b6204502"});
        assert_eq!(
            port.ask("PATCH", &path, &patch).1["minSecondsBetweenChanges"],
            60
        );
        assert_eq!(port.get("/tenants/acme/endpoints")[0]["reachable"], true);
        for (patch, status) in [
            (json!({"demands": "none"}), 400),
            (json!({"x": 1}), 400),
            (json!([]), 400),
        ] {
            assert_eq!(port.ask("PATCH", &path, &patch).0, status, "{patch}");
        }
        let path = "/tenants/acme/endpoints/nowhere";
        assert_eq!(port.ask("PATCH", path, &json!({})).0, 404);
    }

    #[test]
    fn people_are_added_and_replaced() {
        let mut port = Port::new();
        let before = port.get("/tenants/acme/identities");
        let path = "/tenants/acme/identities";
        let one = json!({"name": "Zoe", "accounts": [{"source": AD, "name": "zoe"}]});
        let (status, all) = port.ask("PATCH", path, &one);
        let added = before.as_array().unwrap().len() + 1;
        assert_eq!((status, all.as_array().map(Vec::len)), (200, Some(added)));
        assert_eq!(all[added - 1]["accounts"][0]["changedBy"], Value::Null);
        let locked =
            json!({"name": "Zoe", "accounts": [{"source": AD, "name": "z", "locked": true}]});
        let (_, all) = port.ask("PATCH", path, &json!([locked]));
        assert_eq!(all[added - 1]["accounts"][0]["locked"], true);
        let (_, alone) = port.ask("PUT", path, &one);
        assert_eq!(alone.as_array().map(Vec::len), Some(1));
        let twice = json!([{"id": "1", "name": "a"}, {"id": "1", "name": "b"}]);
        assert_eq!(port.ask("PUT", path, &twice).0, 400);
        assert_eq!(port.ask("DELETE", path, &Value::Null).0, 404);
    }
}
