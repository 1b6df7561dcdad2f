//! The sentences of the admin guide about changes that fail, one test each, in the guide's order:
//! mails and events, retries, several accounts, pass-through, and the three common issues. Tests
//! only.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::steps::{ADA, GOOD, texts};
use crate::{
    password_changes::Ask,
    testing::{A, B, Bench, C, DEFAULT, GROUPS, value},
};

/// Seconds after the first attempt.
const RETRIES: [u64; 6] = [5, 60, 180, 600, 1800, 5400];

#[test]
fn a_person_is_told_by_mail_which_sources_failed() {
    let mut bench = Bench::new();
    bench.endpoint(A, &json!({"minSecondsBetweenChanges": 60}));
    bench.change(A, GOOD, false);
    bench.group("x", &[A, B]);
    bench.change(B, GOOD, false);
    let outbox = bench.tenant.outbox();
    assert_eq!(outbox.as_array().map(Vec::len), Some(2));
    let (alone, grouped) = (&outbox[0], &outbox[1]);
    assert_eq!(
        (&alone["template"], &alone["to"]),
        (&json!("App Password Changed"), &json!("ada"))
    );
    assert!(alone["subject"].as_str().unwrap().ends_with("succeeded"));
    assert_eq!(grouped["template"], "User Password Changed");
    assert!(grouped["subject"].as_str().unwrap().ends_with("failed"));
    let text = grouped["text"].as_str().unwrap();
    assert!(
        text.contains("B: Changed\nA: Failed (A: the source changes"),
        "{text}"
    );
}

#[test]
fn a_mail_is_sent_only_when_the_last_retry_is_over() {
    let mut bench = Bench::new();
    bench.endpoint(A, &json!({"reachable": false}));
    bench.change(A, GOOD, false);
    bench.pass(5399);
    bench.tenant.settle(bench.now);
    assert_eq!(bench.tenant.outbox(), json!([]));
    bench.pass(1);
    bench.tenant.settle(bench.now);
    assert_eq!(bench.tenant.outbox().as_array().map(Vec::len), Some(1));
}

#[test]
fn failures_are_shown_in_the_audit_events() {
    let mut bench = Bench::new();
    bench.group("x", &[A, B, C]);
    bench.endpoint(B, &json!({"reachable": false}));
    let change = bench.change(A, GOOD, false);
    bench.pass(6000);
    let id = bench.truth(change)["requestId"]
        .as_str()
        .unwrap()
        .to_owned();
    let events = bench.events(&format!("trackingNumber:{id}"));
    let first = [
        "PASSWORD_CHANGE_STARTED A",
        "PASSWORD_ACTION_CHANGE_PASSED A",
        "PASSWORD_CHANGE_FAILED B",
        "PASSWORD_ACTION_CHANGE_PASSED C",
    ];
    assert_eq!(events[..4], first);
    assert_eq!(events[4..], ["PASSWORD_CHANGE_FAILED B"; 6]);
    let query = format!("trackingNumber:{id} AND attributes.sourceName:B");
    let body = json!({"indices": ["events"], "query": {"query": query}, "sort": ["created"]});
    let found = value(&bench.send("POST", "/v3/search", &body));
    let mut times: Vec<&str> = Vec::new();
    for event in found.as_array().unwrap() {
        let error = event["attributes"]["errors"].as_str().unwrap();
        assert_eq!(error, "B: the source cannot be reached");
        assert_eq!(event["action"], "passwordChangeFailure");
        times.push(event["created"].as_str().unwrap());
    }
    assert_eq!(times.first(), Some(&"2026-01-01T00:00:00.000Z"));
    assert_eq!(times.last(), Some(&"2026-01-01T01:30:00.000Z"));
    assert!(times.is_sorted());
}

#[test]
fn an_unreachable_source_is_tried_six_times_over_90_minutes() {
    let mut bench = Bench::new();
    bench.endpoint(A, &json!({"reachable": false}));
    let change = bench.change(A, GOOD, false);
    let mut passed = 0;
    for (tried, at) in RETRIES.into_iter().enumerate() {
        bench.pass(at - passed - 1);
        let truth = bench.truth(change);
        assert_eq!(truth["sources"][0]["attempts"], tried + 1);
        assert_eq!(truth["state"], "IN_PROGRESS");
        assert_eq!(truth["sources"][0]["outcome"], "Retrying");
        bench.pass(1);
        passed = at;
    }
    assert_eq!(passed, 90 * 60);
    let truth = bench.truth(change);
    assert_eq!(
        (&truth["state"], &truth["endedAt"]),
        (&json!("FAILED"), &json!(bench.now))
    );
    let part = &truth["sources"][0];
    assert_eq!(
        (&part["outcome"], &part["attempts"]),
        (&json!("Failed"), &json!(7))
    );
    assert_eq!(texts(&part["errors"]).len(), 7);
    assert_eq!(bench.tenant.pending(), 0);
    bench.pass(90_000);
    assert_eq!(bench.truth(change)["sources"][0]["attempts"], 7);
}

#[test]
fn a_source_that_comes_back_takes_the_password_at_the_next_retry() {
    let mut bench = Bench::new();
    bench.group("x", &[A, B]);
    bench.endpoint(B, &json!({"reachable": false}));
    let change = bench.change(A, GOOD, false);
    assert_eq!(bench.outcomes(change), ["A Changed", "B Retrying"]);
    bench.pass(70);
    assert_eq!(bench.truth(change)["sources"][1]["attempts"], 3);
    bench.endpoint(B, &json!({"reachable": true}));
    bench.pass(110);
    assert_eq!(bench.outcomes(change), ["A Changed", "B Changed"]);
    assert_eq!(bench.truth(change)["state"], "FINISHED");
    assert_eq!(bench.tenant.pending(), 0);
}

#[test]
fn all_accounts_of_a_source_change_if_it_says_so() {
    let changed = |all: bool, grouped: bool| {
        let mut bench = Bench::new();
        if all {
            bench.all_accounts(A);
        }
        bench.group("x", &[A, B]);
        let change = bench.change(if grouped { B } else { A }, GOOD, false);
        let truth = bench.truth(change);
        let part = &truth["sources"][usize::from(grouped)];
        part["accounts"].as_array().unwrap().len()
    };
    assert_eq!([changed(true, false), changed(true, true)], [2, 2]);
    assert_eq!([changed(false, false), changed(false, true)], [1, 1]);
}

#[test]
fn without_that_the_account_that_was_named_changes() {
    let mut bench = Bench::new();
    let ask = Ask {
        identity: ADA.to_owned(),
        source: A.to_owned(),
        account: Some("2c91808a7b5e1c70017b5e1c7f6a0002".to_owned()),
        password: SecretString::from(GOOD),
        pass_through: false,
        actor: None,
    };
    let id = bench.tenant.start_password_change(ask, bench.now).unwrap();
    let accounts = &bench.tenant.identities_shown()[0]["accounts"];
    assert_eq!(
        (&accounts[0]["changedBy"], &accounts[1]["changedBy"]),
        (&Value::Null, &json!(id))
    );
}

#[test]
fn a_first_account_that_fails_does_not_stop_the_others() {
    let mut bench = Bench::new();
    bench.all_accounts(A);
    bench.lock("ada-a");
    let change = bench.change(A, GOOD, false);
    let truth = bench.truth(change);
    let part = &truth["sources"][0];
    let changed = [
        &part["accounts"][0]["changed"],
        &part["accounts"][1]["changed"],
    ];
    assert_eq!(changed, [&json!(false), &json!(true)]);
    assert_eq!(
        (&part["outcome"], &part["attempts"]),
        (&json!("Failed"), &json!(1))
    );
    assert_eq!(texts(&part["errors"]), ["A: the account ada-a is locked"]);
    assert_eq!(bench.tenant.pending(), 0);
}

#[test]
fn a_failing_pass_through_change_stops_the_other_sources() {
    let mut bench = Bench::new();
    bench.group("x", &[A, B, C]);
    bench.endpoint(A, &json!({"reachable": false}));
    let change = bench.change(A, GOOD, true);
    assert_eq!(
        bench.outcomes(change),
        ["A Failed", "B NotAttempted", "C NotAttempted"]
    );
    assert_eq!(bench.truth(change)["state"], "FAILED");
    assert_eq!(bench.tenant.pending(), 0);
    let events = bench.events("type:PASSWORD_ACTIVITY");
    assert_eq!(
        events,
        ["PASSWORD_CHANGE_STARTED A", "PASSWORD_CHANGE_FAILED A"]
    );
}

#[test]
fn a_pass_through_change_that_its_source_takes_reaches_the_others() {
    let mut bench = Bench::new();
    bench.group("x", &[A, B, C]);
    bench.endpoint(B, &json!({"reachable": false}));
    let change = bench.change(A, GOOD, true);
    assert_eq!(
        bench.outcomes(change),
        ["A Changed", "B Retrying", "C Changed"]
    );
}

#[test]
fn without_pass_through_some_sources_change_while_others_fail() {
    let mut bench = Bench::new();
    bench.group("x", &[A, B, C]);
    bench.endpoint(A, &json!({"demands": DEFAULT}));
    let path = format!("/v3/password-policies/{DEFAULT}");
    let long = json!({"name": "Default", "minLength": 40});
    assert_eq!(bench.send("PUT", &path, &long).status, 200);
    let change = bench.change(A, GOOD, false);
    assert_eq!(
        bench.outcomes(change),
        ["A Failed", "B Changed", "C Changed"]
    );
    assert_eq!(bench.truth(change)["state"], "FAILED");
}

#[test]
fn partial_success_is_possible_when_two_changes_meet() {
    let mut bench = Bench::new();
    bench.group("x", &[A, B]);
    bench.endpoint(B, &json!({"reachable": false}));
    let older = bench.change(A, GOOD, false);
    bench.endpoint(B, &json!({"reachable": true}));
    bench.pass(2);
    let newer = bench.change(A, "another horse", false);
    assert_eq!(bench.outcomes(newer), ["A Changed", "B Changed"]);
    bench.pass(3);
    assert_eq!(bench.outcomes(older), ["A Changed", "B Failed"]);
    let truth = bench.truth(older);
    assert_eq!(truth["state"], "FAILED");
    let last = texts(&truth["sources"][1]["errors"])
        .pop()
        .unwrap()
        .to_owned();
    assert_eq!(last, "B: a newer password change replaced this one");
    let accounts = &bench.tenant.identities_shown()[0]["accounts"];
    let newest = bench.tenant.password_changes()[newer]["requestId"].clone();
    assert_eq!(
        (&accounts[0]["changedBy"], &accounts[2]["changedBy"]),
        (&newest, &newest)
    );
}

#[test]
fn a_test_of_the_connection_shows_that_a_source_cannot_be_reached() {
    let mut bench = Bench::new();
    let test = format!("/v2025/sources/{A}/connector/check-connection");
    assert_eq!(value(&bench.ask("POST", &test))["status"], "SUCCESS");
    bench.endpoint(A, &json!({"reachable": false}));
    assert_eq!(value(&bench.ask("POST", &test))["status"], "FAILURE");
}

#[test]
fn a_source_that_demands_more_than_the_group_fails_and_names_policy_and_rule() {
    let mut bench = Bench::new();
    let path = format!("/v3/password-policies/{DEFAULT}");
    let special = json!({"name": "Default", "minSpecial": 2});
    assert_eq!(bench.send("PUT", &path, &special).status, 200);
    bench.group("x", &[A, B]);
    bench.endpoint(B, &json!({"demands": DEFAULT}));
    let answer = value(&bench.set_password("ada", "A", GOOD));
    assert_eq!(answer["state"], "FAILED");
    let id = answer["requestId"].as_str().unwrap();
    let status = bench.get(&format!("/v3/password-change-status/{id}"));
    let errors = texts(&status["errors"]);
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].starts_with("B: ") && errors[0].contains("\"Default\""),
        "{errors:?}"
    );
    assert!(errors[0].ends_with("passwordMinSpecial is 2"), "{errors:?}");
    assert_eq!(
        (&status["sourceIds"], bench.tenant.pending()),
        (&json!([A, B]), 0)
    );
}

#[test]
fn a_source_that_limits_how_often_a_password_changes_fails_the_next_one() {
    let mut bench = Bench::new();
    bench.endpoint(A, &json!({"minSecondsBetweenChanges": 86_400}));
    let first = bench.change(A, GOOD, false);
    bench.pass(86_399);
    let second = bench.change(A, GOOD, false);
    bench.pass(1);
    let third = bench.change(A, GOOD, false);
    let all = [first, second, third].map(|one| bench.outcomes(one).remove(0));
    assert_eq!(all, ["A Changed", "A Failed", "A Changed"]);
    let truth = bench.truth(second);
    let error = texts(&truth["sources"][0]["errors"])[0].to_owned();
    assert!(error.contains("at most once in 86400 seconds"), "{error}");
    assert_eq!(bench.tenant.pending(), 0);
}

#[test]
fn a_password_is_dropped_when_its_change_ends() {
    let mut bench = Bench::new();
    bench.endpoint(A, &json!({"reachable": false}));
    bench.change(A, GOOD, false);
    let held = |bench: &Bench| {
        let mut changes = bench.tenant.passwords.changes();
        changes.any(|change| change.password.is_some())
    };
    bench.pass(5399);
    bench.tenant.settle(bench.now);
    assert!(held(&bench));
    bench.pass(1);
    bench.tenant.settle(bench.now);
    assert!(!held(&bench));
}

#[test]
fn one_seed_gives_one_story_of_changes() {
    let story = || {
        let mut bench = Bench::new();
        bench.group("x", &[A, B]);
        bench.set_password("ada", "A", GOOD);
        let body = json!({"indices": ["events"], "query": {"query": "type:PASSWORD_ACTIVITY"}});
        let events = value(&bench.send("POST", "/v3/search", &body));
        (bench.tenant.password_changes(), events, bench.get(GROUPS))
    };
    assert_eq!(story(), story());
}
