//! The odd answers of docs/simulator.md that need no switch: each is a fault or a part of a seed,
//! written here as the control port takes it. Tests only.

use serde_json::{Value, json};

use crate::{
    Fault,
    testing::{A, B, Bench, C, GROUPS, group, value},
};

const ALL_APPS: &str = "/v2025/source-apps/all";

fn spoilt(fault: Value) -> Bench {
    let mut bench = Bench::new();
    let fault: Fault = serde_json::from_value(fault).unwrap();
    bench.tenant.add_fault(fault);
    bench
}

fn total(bench: &mut Bench, list: &str) -> Option<String> {
    let answer = bench.ask("GET", &format!("{list}?count=true"));
    answer.header("x-total-count").map(str::to_owned)
}

#[test]
fn a_list_of_applications_can_be_refused_each_time() {
    for code in [400, 404, 500] {
        let kind = json!({"status": {"code": code}});
        let mut bench = spoilt(json!({"match": "GET /source-apps/all", "kind": kind}));
        for _ in 0..3 {
            let answer = bench.ask("GET", ALL_APPS);
            assert_eq!(answer.status, code);
            let detail = value(&answer)["detailCode"].as_str().unwrap().to_owned();
            assert!(detail.starts_with(&code.to_string()), "{detail}");
        }
        assert_eq!(bench.ask("GET", "/v2025/source-apps").status, 200);
    }
}

#[test]
fn one_list_can_count_wrongly_each_time() {
    for (by, shown) in [(1, "3"), (-1, "1")] {
        let kind = json!({"wrong_total": {"by": by}});
        let mut bench = spoilt(json!({"match": "GET /source-apps/all", "kind": kind}));
        for _ in 0..3 {
            assert_eq!(total(&mut bench, ALL_APPS).as_deref(), Some(shown));
        }
        assert_eq!(total(&mut bench, "/v3/sources").as_deref(), Some("4"));
    }
}

#[test]
fn one_list_can_hold_an_id_twice() {
    let mut bench = spoilt(json!({"match": "GET /sources", "kind": "row_twice"}));
    let ids = |list: &Value| -> Vec<Value> {
        let rows = list.as_array().unwrap().iter();
        rows.map(|row| row["id"].clone()).collect()
    };
    let list = bench.get("/v3/sources");
    assert_eq!(ids(&list).iter().filter(|id| **id == A).count(), 2);
    assert_eq!(ids(&bench.get("/v3/sources?limit=2&offset=4")), [A]);
    assert_eq!(total(&mut bench, "/v3/sources").as_deref(), Some("5"));
    bench.tenant.switches_mut().totals = crate::switches::Totals::OneLow;
    assert_eq!(total(&mut bench, "/v3/sources").as_deref(), Some("4"));
}

#[test]
fn an_application_can_have_no_source_or_one_without_an_id() {
    let mut bench = Bench::new();
    for app in [
        json!({"id": "1", "name": "Nowhere"}),
        json!({"id": "2", "name": "Empty", "accountSource": {"id": ""}}),
    ] {
        let app = serde_json::from_value(app).unwrap();
        bench.tenant.state_mut().put_app(app, bench.now);
    }
    let list = bench.get(ALL_APPS);
    assert_eq!(list[2]["accountSource"], Value::Null);
    assert_eq!(list[3]["accountSource"]["id"], "");
}

#[test]
fn a_group_can_be_refused_each_time_with_a_500() {
    let kind = json!({"status": {"code": 500}});
    let mut bench = spoilt(json!({"match": "POST /password-sync-groups", "kind": kind}));
    for _ in 0..3 {
        let answer = bench.post_group(&group("x", &[A, B]));
        assert_eq!(answer.status, 500);
        let body = value(&answer);
        assert_eq!(body["detailCode"], "500.0 Internal Fault");
        assert_eq!(body["messages"][0]["text"], "An internal fault occurred.");
    }
    assert_eq!(bench.get(GROUPS), json!([]));
}

#[test]
fn a_source_can_be_listed_and_yet_have_no_policies_to_read() {
    let mut bench = spoilt(json!({
        "match": "GET /sources/{id}/password-policies", "path_contains": C,
        "kind": {"status": {"code": 404}},
    }));
    let of = |source: &str| format!("/v2025/sources/{source}/password-policies");
    assert_eq!(bench.ask("GET", &of(C)).status, 404);
    assert_eq!(bench.ask("GET", &of(B)).status, 200);
    assert_eq!(bench.get(&format!("/v3/sources/{C}"))["name"], "C");
}

#[test]
fn a_web_filter_can_stand_in_the_way_once() {
    let page = "<html><body>Blocked by policy</body></html>";
    let mut bench = spoilt(json!({
        "match": "PUT /password-sync-groups/{id}", "times": 1,
        "kind": {"status": {"code": 403, "body": page, "headers": {"content-type": "text/html"}}},
    }));
    let path = bench.group("x", &[A, B]);
    let blocked = bench.send("PUT", &path, &group("y", &[A, B]));
    assert_eq!(
        (blocked.status, blocked.body.as_slice()),
        (403, page.as_bytes())
    );
    assert_eq!(blocked.header("content-type"), Some("text/html"));
    assert_eq!(bench.get(&path)["name"], "x");
    assert_eq!(bench.send("PUT", &path, &group("y", &[A, B])).status, 200);
}
