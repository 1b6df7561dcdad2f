//! Every operation in every version that serves it, answered and refused: [`Bench`] checks each
//! answer against the table. Tests only.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::table;
use crate::{
    CredentialPatch, RateLimit, Request,
    passwords::crypto::encrypt,
    routes::{Op, ROUTES, Route, Version},
    testing::{A, B, Bench, C, DEFAULT, STRONG, group, value},
};

const ADA: &str = "2c9180867d4b5ac1017d5d5e10010101";
const ADA_ON_A: &str = "2c91808a7b5e1c70017b5e1c7f6a0001";
const ABSENT: &str = "6881f631-3bd5-4213-9c75-000000000000";

/// A tenant with one group, and the group's id.
fn bench() -> (Bench, String) {
    let mut bench = Bench::with(json!({"available_sources": "served"}));
    let path = bench.group("x", &[A, B]);
    (bench, path.rsplit_once('/').unwrap().1.to_owned())
}

fn body(bench: &mut Bench, route: &Route) -> Value {
    match (route.method, route.template) {
        ("POST", "/query-password-info") => json!({"userName": "ada", "sourceName": "A"}),
        ("POST", "/set-password") => {
            let key = bench.tenant.passwords.key.made().unwrap();
            json!({
                "identityId": ADA,
                "sourceId": A,
                "accountId": ADA_ON_A,
                "publicKeyId": key.id,
                "encryptedPassword": encrypt(&key.public, "correct horse"),
            })
        }
        ("POST", "/search") => {
            json!({"indices": ["events"], "query": {"query": "type:PASSWORD_ACTIVITY"}})
        }
        ("PATCH", _) => json!([{"policyId": STRONG, "selectors": null}]),
        ("PUT" | "POST", "/password-policies" | "/password-policies/{id}") => json!({"name": "P"}),
        ("PUT", _) => group("y", &[A, B]),
        ("POST", "/password-sync-groups") => group("y", &[C, B]),
        _ => Value::Null,
    }
}

fn send(bench: &mut Bench, route: &Route, version: Version, id: &str) -> u16 {
    let path = version.path(route.template).replace("{id}", id);
    let counted = if route.method == "GET" {
        "?count=true"
    } else {
        ""
    };
    let target = format!("{path}{counted}");
    let body = body(bench, route);
    let answer = bench.send(route.method, &target, &body);
    let total = answer.header("x-total-count").is_some();
    assert_eq!(total, answer.status == 200 && paged(route), "{target}");
    answer.status
}

/// Whether an operation lists by pages; `AvailableSources` and `ListOwnTokens` do not.
fn paged(route: &Route) -> bool {
    let operation = format!("{} {}", route.method, route.template);
    let lists = route.method == "GET" && table::lists(&operation);
    lists && !matches!(route.op, Op::AvailableSources | Op::ListOwnTokens)
}

fn id_for(route: &Route, group: &str, policy: &str, change: &str) -> String {
    let id = match route.template.split('/').nth(1) {
        Some("password-sync-groups") => group,
        Some("password-policies") => policy,
        Some("password-change-status") => change,
        _ => C,
    };
    id.to_owned()
}

#[test]
fn the_table_has_every_operation_and_no_other() {
    let served = ROUTES
        .iter()
        .map(|route| format!("{} {}", route.method, route.template));
    let oauth = ["POST /oauth/token", "GET /oauth/info"].map(str::to_owned);
    let served: BTreeSet<String> = served.chain(oauth).collect();
    let listed: BTreeSet<String> = table::operations().into_iter().map(str::to_owned).collect();
    assert_eq!(served, listed);
}

#[test]
fn what_every_operation_answers_is_in_the_table() {
    for route in &ROUTES {
        for version in route.versions {
            let (mut bench, group) = bench();
            bench.tenant.switches_mut().source_in_two_groups =
                crate::switches::SourceInTwoGroups::Allow;
            let made = bench.send("POST", "/v3/password-policies", &json!({"name": "New"}));
            let policy = value(&made)["id"].as_str().unwrap().to_owned();
            let change = if route.op == Op::PasswordChangeStatus {
                let made = bench.set_password("ada", "A", "correct horse");
                value(&made)["requestId"].as_str().unwrap().to_owned()
            } else {
                String::new()
            };
            let id = id_for(route, &group, &policy, &change);
            let status = send(&mut bench, route, *version, &id);
            let expected = match route.op {
                Op::SetPassword => 202,
                _ if route.method == "DELETE" => 204,
                _ => 200,
            };
            assert_eq!(status, expected, "{} {}", route.method, route.template);
        }
    }
    let mut bench = Bench::new();
    assert_eq!(bench.ask("GET", "/oauth/info").status, 200);
}

#[test]
fn what_every_operation_refuses_is_in_the_table() {
    for route in &ROUTES {
        let version = route.versions[0];
        let (mut bench, _) = bench();
        let operation = format!("{} {}", route.method, route.template);
        let status = send(&mut bench, route, version, ABSENT);
        let missing = if route.op == Op::DeleteGroup {
            204
        } else {
            404
        };
        if route.template.contains("{id}") {
            assert_eq!(status, missing, "{operation}");
        }
        let path = version.path(route.template);
        if paged(route) {
            let target = format!("{path}?limit=-1").replace("{id}", C);
            assert_eq!(bench.ask("GET", &target).status, 400, "{operation}");
        }
        let without = Request::new(route.method, &path);
        assert_eq!(bench.raw(&without).status, 401, "{operation}");
        let none = CredentialPatch {
            scopes: Some(Vec::new()),
            ..CredentialPatch::default()
        };
        bench.tenant.patch_credentials(&none).unwrap();
        bench.token = bench.mint();
        assert_eq!(send(&mut bench, route, version, C), 403, "{operation}");
        bench.tenant.set_rate_limit(RateLimit {
            requests: 0,
            seconds: 10,
        });
        assert_eq!(send(&mut bench, route, version, C), 429, "{operation}");
    }
}

#[test]
fn what_a_tenant_with_loose_ends_shows_is_in_the_table() {
    let mut bench =
        Bench::with(json!({"unknown_reference": "accept", "delete_used_policy": "allow"}));
    // A group without a policy, and a group whose policy is deleted.
    bench.post_group(&json!({"name": "bare", "sourceIds": [C, "gone"]}));
    bench.group("x", &[A, B]);
    for policy in [STRONG, DEFAULT] {
        let path = format!("/v3/password-policies/{policy}");
        assert_eq!(bench.ask("DELETE", &path).status, 204);
    }
    let state = bench.tenant.state_mut();
    let now = bench.now;
    for app in [
        json!({"id": "1", "name": "Nowhere"}),
        json!({"id": "2", "name": "Empty", "accountSource": {"id": ""}}),
        json!({"id": "3", "name": "Gone", "accountSource": {"id": "gone"}}),
    ] {
        state.put_app(serde_json::from_value(app).unwrap(), now);
    }
    let source = json!({"id": "new", "name": "New"});
    state.put_source(serde_json::from_value(source).unwrap(), now);
    let policy = json!({"id": "new", "name": "New"});
    state
        .policies
        .put(serde_json::from_value(policy).unwrap(), now);
    for list in [
        "/v3/password-sync-groups",
        "/v3/password-policies",
        "/v3/sources?includeIDNSource=true",
        "/v3/accounts",
        "/v2025/source-apps/all",
        &format!("/v2025/sources/{C}/password-policies"),
        &format!("/v3/sources/{A}/connections"),
        "/v3/sources/new/source-health",
    ] {
        bench.get(list);
    }
}
