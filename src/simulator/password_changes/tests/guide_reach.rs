//! The sentences of the admin guide about what a change reaches, one test each, in the guide's
//! order: groups, sources, applications, and the deletion of a group. Tests only.

use serde_json::json;

use super::steps::{GOOD, texts};
use crate::testing::{A, B, Bench, C, STRONG, group};

#[test]
fn a_change_on_one_source_of_a_group_reaches_every_source_and_all_their_applications() {
    let mut bench = Bench::new();
    bench.app("Remote Desktop", A);
    bench.group("x", &[A, B, C]);
    let change = bench.change(B, GOOD, false);
    assert_eq!(
        bench.outcomes(change),
        ["B Changed", "A Changed", "C Changed"]
    );
    let truth = bench.truth(change);
    let mut on_a = texts(&truth["sources"][1]["applications"]);
    on_a.sort_unstable();
    assert_eq!(on_a, ["Logon", "Remote Desktop"]);
    assert_eq!(texts(&truth["sources"][0]["applications"]), ["Closed"]);
    assert_eq!(
        (&truth["state"], &truth["identity"]),
        (&json!("FINISHED"), &json!("ada"))
    );
}

#[test]
fn a_source_on_which_the_person_has_no_account_is_not_reached() {
    let mut bench = Bench::new();
    bench.group("x", &[A, B]);
    let people = &mut bench.tenant.passwords.identities[0].accounts;
    people.retain(|account| account.source != B);
    let change = bench.change(A, GOOD, false);
    assert_eq!(bench.outcomes(change), ["A Changed"]);
}

#[test]
fn a_multi_application_source_changes_with_all_its_applications() {
    let mut bench = Bench::new();
    bench.app("Remote Desktop", A);
    let change = bench.change(A, GOOD, false);
    assert_eq!(bench.outcomes(change), ["A Changed"]);
    let truth = bench.truth(change);
    assert_eq!(texts(&truth["sources"][0]["applications"]).len(), 2);
}

#[test]
fn a_standalone_application_changes_alone() {
    let mut bench = Bench::new();
    let change = bench.change(B, GOOD, false);
    assert_eq!(bench.outcomes(change), ["B Changed"]);
    assert_eq!(
        texts(&bench.truth(change)["sources"][0]["applications"]),
        ["Closed"]
    );
}

#[test]
fn after_a_deletion_a_change_reaches_one_source_alone() {
    let mut bench = Bench::new();
    let path = bench.group("x", &[A, B]);
    assert_eq!(bench.ask("DELETE", &path).status, 204);
    for (source, reached) in [(A, ["A Changed"]), (B, ["B Changed"])] {
        let change = bench.change(source, GOOD, false);
        assert_eq!(bench.outcomes(change), reached);
        assert_eq!(
            texts(&bench.truth(change)["sources"][0]["applications"]).len(),
            1
        );
    }
}

#[test]
fn a_source_that_left_its_group_changes_alone() {
    let mut bench = Bench::new();
    let path = bench.group("x", &[A, B, C]);
    assert_eq!(bench.send("PUT", &path, &group("x", &[A, B])).status, 200);
    let change = bench.change(C, GOOD, false);
    assert_eq!(bench.outcomes(change), ["C Changed"]);
    let change = bench.change(A, GOOD, false);
    assert_eq!(bench.outcomes(change), ["A Changed", "B Changed"]);
}

#[test]
fn a_change_reaches_the_sources_of_the_moment_at_which_it_was_asked_for() {
    let mut bench = Bench::new();
    let path = bench.group("x", &[A, B]);
    bench.endpoint(B, &json!({"reachable": false}));
    let change = bench.change(A, GOOD, false);
    assert_eq!(bench.ask("DELETE", &path).status, 204);
    bench.endpoint(B, &json!({"reachable": true}));
    bench.pass(5);
    assert_eq!(bench.outcomes(change), ["A Changed", "B Changed"]);
}

#[test]
fn after_a_deletion_each_source_has_the_policy_of_the_group_as_its_own() {
    let mut bench = Bench::new();
    let long = json!({"name": "Strong", "minLength": 14});
    let path = format!("/v3/password-policies/{STRONG}");
    assert_eq!(bench.send("PUT", &path, &long).status, 200);
    assert_eq!(bench.set_password("ada", "B", GOOD).status, 202);
    let path = bench.group("x", &[A, B]);
    assert_eq!(bench.set_password("ada", "B", GOOD).status, 400);
    assert_eq!(bench.ask("DELETE", &path).status, 204);
    assert_eq!(bench.set_password("ada", "B", GOOD).status, 400);
    let assigned = bench.events("action:SOURCE_PASSWORD_POLICY_ASSIGNED");
    let expected = ["A", "B"].map(|one| format!("SOURCE_PASSWORD_POLICY_ASSIGN_PASSED {one}"));
    assert_eq!(assigned, expected);
}
