//! The vendor's documented examples, word for word: the simulator accepts what the reference sends.
//! The table holds what the reference says of every answer. Tests only.

pub(crate) mod table;
mod walk;

use serde_json::{Value, json};

use crate::{
    Request, Seed, Tenant,
    clock::Clock,
    testing::{A, B, Bench, GROUPS, STRONG, value},
};

/// The body of the create and the update example in the reference of password sync groups.
const EXAMPLE: &str = r#"{
"created" : "2023-03-16T04:00:00Z",
"name" : "Password Sync Group 1",
"modified" : "2023-03-16T04:00:00Z",
"passwordPolicyId" : "2c91808d744ba0ce01746f93b6204501",
"id" : "6881f631-3bd5-4213-9c75-8e05cc3e35dd",
"sourceIds" : [ "2c918084660f45d6016617daa9210584", "2c918084660f45d6016617daa9210500" ]
}"#;
/// The token answer in the authentication guide, without texts that are secret or new each time.
const TOKEN: &str = r#"{
"access_token": "", "token_type": "bearer", "expires_in": 749, "scope": "read write",
"accessType": "OFFLINE", "tenant_id": "58eb06a4-dcd7-4e96-8fac-cca2afc03e61", "internal": false,
"pod": "cook", "strong_auth_supported": false, "org": "example", "user_id": "",
"identity_id": "", "strong_auth": true, "enabled": true, "jti": ""
}"#;
const EXAMPLE_ID: &str = "6881f631-3bd5-4213-9c75-8e05cc3e35dd";

fn post(bench: &mut Bench) -> crate::Response {
    let request = Request::new("POST", GROUPS)
        .bearer(&bench.token)
        .json(EXAMPLE);
    bench.raw(&request)
}

#[test]
fn the_create_example_is_a_200_with_the_whole_object() {
    let mut bench = Bench::new();
    let answer = post(&mut bench);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("location"), None);
    let made = value(&answer);
    assert_eq!(made["name"], "Password Sync Group 1");
    assert_eq!(made["passwordPolicyId"], STRONG);
    assert_eq!(made["sourceIds"], json!([A, B]));
    assert_ne!(made["id"], EXAMPLE_ID);
    assert_ne!(made["created"], "2023-03-16T04:00:00Z");
    let keys: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "created",
            "id",
            "modified",
            "name",
            "passwordPolicyId",
            "sourceIds"
        ]
    );
}

#[test]
fn the_update_example_is_a_200_with_the_whole_object() {
    let mut bench = Bench::with(json!({"post_read_only": "honour"}));
    assert_eq!(value(&post(&mut bench))["id"], EXAMPLE_ID);
    let path = format!("{GROUPS}/{EXAMPLE_ID}");
    let request = Request::new("PUT", &path)
        .bearer(&bench.token)
        .json(EXAMPLE);
    let answer = bench.raw(&request);
    assert_eq!(answer.status, 200);
    assert_eq!(value(&answer)["sourceIds"], json!([A, B]));
    assert_eq!(value(&answer)["created"], "2023-03-16T04:00:00.000Z");
}

#[test]
fn delete_is_a_204_without_a_body_and_get_then_a_404() {
    let mut bench = Bench::new();
    let path = bench.group("x", &[A, B]);
    assert_eq!(bench.get(&path)["name"], "x");
    let answer = bench.ask("DELETE", &path);
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(bench.ask("GET", &path).status, 404);
}

#[test]
fn a_list_is_a_bare_array() {
    let mut bench = Bench::new();
    assert_eq!(bench.get(GROUPS), json!([]));
    bench.group("x", &[A, B]);
    assert_eq!(bench.get(GROUPS).as_array().map(Vec::len), Some(1));
    let counted = bench.ask("GET", &format!("{GROUPS}?count=true&limit=0"));
    assert_eq!(
        (counted.header("x-total-count"), counted.body.as_slice()),
        (Some("1"), &b"[]"[..])
    );
}

#[test]
fn refusals_carry_the_vendors_error_object() {
    let mut bench = Bench::new();
    for (answer, status) in [
        (bench.post_group(&json!({})), 400),
        (bench.ask("GET", &format!("{GROUPS}/x")), 404),
    ] {
        assert_eq!(answer.status, status);
        let body = value(&answer);
        assert!(
            body["detailCode"]
                .as_str()
                .unwrap()
                .starts_with(&status.to_string())
        );
        assert_eq!(body["trackingId"].as_str().map(str::len), Some(32));
        assert_eq!(body["messages"][0]["locale"], "en-US");
        assert_eq!(body["messages"][0]["localeOrigin"], "DEFAULT");
        assert!(body["messages"][0]["text"].is_string());
        assert_eq!(body["causes"], json!([]));
    }
}

#[test]
fn the_token_answer_is_the_guides_example() {
    let seed = r#"{"name": "t", "org": "example", "pod": "cook",
        "tenantId": "58eb06a4-dcd7-4e96-8fac-cca2afc03e61",
        "credentials": [{"clientId": "id", "clientSecret": "secret"}],
        "switches": {"token_scope": "read_write"}}"#;
    let now = Clock::fixed().now();
    let mut tenant = Tenant::new(Seed::parse(seed).unwrap(), 1, now).unwrap();
    let body = "grant_type=client_credentials&client_id=id&client_secret=secret";
    let request = Request::new("POST", "/oauth/token").form(body);
    let mut answer = value(&tenant.handle(&request, now));
    let jti = answer["jti"].as_str().unwrap();
    assert_eq!(
        jti.split('-').map(str::len).collect::<Vec<_>>(),
        [8, 4, 4, 4, 12]
    );
    assert_eq!(
        answer["access_token"].as_str().unwrap().split('.').count(),
        3
    );
    for made in ["access_token", "user_id", "identity_id", "jti"] {
        assert_ne!(answer[made].as_str().unwrap(), "", "{made}");
        answer[made] = json!("");
    }
    let example: Value = serde_json::from_str(TOKEN).unwrap();
    assert_eq!(answer, example);
}

#[test]
fn the_token_answer_has_every_documented_field() {
    let mut bench = Bench::new();
    let body = "grant_type=client_credentials&client_id=id&client_secret=secret";
    let in_body = bench.raw(&Request::new("POST", "/oauth/token").form(body));
    let in_query = bench.raw(&Request::new("POST", &format!("/oauth/token?{body}")));
    for answer in [in_body, in_query] {
        let token: Value = value(&answer);
        assert_eq!(token["token_type"], "bearer");
        assert_eq!(token["expires_in"], 749);
        assert_eq!(token["scope"], "sp:scopes:all");
        for field in [
            "access_token",
            "tenant_id",
            "pod",
            "org",
            "user_id",
            "identity_id",
            "jti",
        ] {
            assert!(token[field].is_string(), "{field}");
        }
    }
}
