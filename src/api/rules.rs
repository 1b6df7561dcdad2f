//! Tests of every rule of the schemas: what it accepts, what it refuses, and its message.

use serde_json::{Value, json};

use crate::{group::PasswordSyncGroup, group_status::DeletionRecord, tenant::IdentityTenant};

fn group_with(path: &str, value: Value) -> PasswordSyncGroup {
    let mut object = json!({
        "apiVersion": "passwordsync.dev/v1alpha1",
        "kind": "PasswordSyncGroup",
        "metadata": {"name": "corporate-directory", "namespace": "identity"},
        "spec": {
            "name": "Corporate Directory",
            "passwordPolicyRef": {"name": "Corporate Strong"},
            "sourceRefs": [{"name": "Active Directory"}, {"id": "2c918084660f45d6"}],
        },
    });
    set(&mut object, path, value);
    serde_json::from_value(object).unwrap()
}

fn tenant_with(path: &str, value: Value) -> IdentityTenant {
    let mut object = json!({
        "apiVersion": "passwordsync.dev/v1alpha1",
        "kind": "IdentityTenant",
        "metadata": {"name": "acme", "namespace": "identity"},
        "spec": {"credentialsSecretRef": {"name": "acme-pat"}, "rateLimit": {}},
    });
    set(&mut object, path, value);
    serde_json::from_value(object).unwrap()
}

fn set(object: &mut Value, path: &str, value: Value) {
    let (parent, key) = path.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[key] = value;
}

/// The verdict as text, empty if everything is accepted.
fn said<E: ToString>(verdict: Result<(), E>) -> String {
    verdict
        .err()
        .map(|errors| errors.to_string())
        .unwrap_or_default()
}

fn refused(verdict: Result<(), impl ToString>, field: &str, message: &str) {
    let said = said(verdict);
    assert!(said.contains(message), "{message:?} is not in {said:?}");
    assert!(said.contains(field), "{field:?} is not in {said:?}");
}

fn accepted(verdict: Result<(), impl ToString>) {
    assert_eq!(said(verdict), "");
}

#[test]
fn the_smallest_group_is_accepted_and_its_defaults_are_what_the_page_says() {
    let group = group_with("/spec/name", json!("Corporate Directory"));
    accepted(group.validate_cel());
    let spec = serde_json::to_value(&group.spec).unwrap();
    assert_eq!(
        spec["tenantRef"],
        json!({"kind": "IdentityTenant", "name": "default"})
    );
    assert_eq!(spec["managementPolicy"], "Enforce");
    assert_eq!(spec["adoptionPolicy"], "IfIdentical");
    assert_eq!(spec["deletionPolicy"], "Delete");
    assert!(spec.get("groupID").is_none());
}

#[test]
fn a_blank_name_is_refused() {
    for blank in [" ", "\t \n"] {
        let group = group_with("/spec/name", json!(blank));
        refused(
            group.validate_cel(),
            "spec.name",
            "name is blank: give the name that people",
        );
    }
}

#[test]
fn fewer_than_two_sources_are_refused() {
    for few in [json!([]), json!([{"name": "A"}])] {
        let group = group_with("/spec/sourceRefs", few);
        refused(
            group.validate_cel(),
            "spec.sourceRefs",
            "fewer than two sources",
        );
    }
}

#[test]
fn a_source_given_twice_is_refused() {
    for twice in [
        json!([{"name": "A"}, {"name": "B"}, {"name": "A"}]),
        json!([{"id": "a"}, {"id": "a"}]),
    ] {
        let group = group_with("/spec/sourceRefs", twice);
        refused(
            group.validate_cel(),
            "spec.sourceRefs",
            "the same source twice: remove one",
        );
    }
    accepted(group_with("/spec/sourceRefs", json!([{"name": "a"}, {"id": "a"}])).validate_cel());
}

#[test]
fn a_reference_has_a_name_or_an_id_and_never_both() {
    for wrong in [json!({}), json!({"name": "A", "id": "a"})] {
        let message = "give name or id, exactly one of the two";
        let policy = group_with("/spec/passwordPolicyRef", wrong.clone());
        refused(policy.validate_cel(), "spec.passwordPolicyRef", message);
        let source = group_with("/spec/sourceRefs", json!([{"name": "B"}, wrong]));
        refused(source.validate_cel(), "spec.sourceRefs[1]", message);
    }
    accepted(group_with("/spec/passwordPolicyRef", json!({"id": "p"})).validate_cel());
}

#[test]
fn blank_names_and_impossible_ids_of_references_are_refused() {
    let blank = group_with("/spec/passwordPolicyRef", json!({"name": "  "}));
    refused(
        blank.validate_cel(),
        "spec.passwordPolicyRef.name",
        "name is blank",
    );
    for bad in ["a/b", "..", "a b", "é", "a\nb"] {
        let group = group_with("/spec/sourceRefs", json!([{"name": "A"}, {"id": bad}]));
        refused(
            group.validate_cel(),
            "spec.sourceRefs[1].id",
            "id is not an id: give it as",
        );
        let group = group_with("/spec/groupID", json!(bad));
        refused(
            group.validate_cel(),
            "spec.groupID",
            "groupID is not an id: give the group's id",
        );
    }
}

#[test]
fn the_tenant_of_a_group_cannot_be_changed() {
    let acme = group_with("/spec/tenantRef", json!({"name": "acme"}));
    let other = group_with("/spec/tenantRef", json!({"name": "other"}));
    let default = group_with("/spec/tenantRef", json!({}));
    accepted(acme.validate_cel_update(&acme));
    refused(
        other.validate_cel_update(&acme),
        "spec.tenantRef",
        "tenantRef is immutable: it is acme, asked for other (left out means default)",
    );
    refused(
        default.validate_cel_update(&acme),
        "spec.tenantRef",
        "asked for default",
    );
}

#[test]
fn a_group_id_may_come_and_go_and_changes_only_while_no_group_is_managed() {
    let none = group_with("/spec/name", json!("Corporate Directory"));
    let first = group_with("/spec/groupID", json!("6881f631"));
    let second = group_with("/spec/groupID", json!("7992"));
    accepted(first.validate_cel_update(&none));
    accepted(first.validate_cel_update(&first));
    accepted(none.validate_cel_update(&first));
    accepted(second.validate_cel_update(&first));
    let managing = |group: &PasswordSyncGroup| {
        let mut group = group.clone();
        group.status.get_or_insert_default().group_id = Some("6881f631".to_owned());
        group
    };
    accepted(managing(&none).validate_cel_update(&managing(&first)));
    refused(
        managing(&second).validate_cel_update(&managing(&first)),
        "groupID",
        "groupID may not change while a group is managed: it is 6881f631; put it back, or remove it",
    );
}

#[test]
fn everything_else_of_a_group_may_change() {
    let old = group_with("/spec/name", json!("Corporate Directory"));
    for (path, value) in [
        ("/spec/name", json!("Renamed")),
        ("/spec/passwordPolicyRef", json!({"id": "p"})),
        ("/spec/sourceRefs", json!([{"name": "B"}, {"name": "C"}])),
        ("/spec/managementPolicy", json!("Observe")),
        ("/spec/adoptionPolicy", json!("Never")),
        ("/spec/deletionPolicy", json!("Orphan")),
    ] {
        accepted(group_with(path, value).validate_cel_update(&old));
    }
}

#[test]
fn unknown_words_do_not_decode() {
    for path in ["managementPolicy", "adoptionPolicy", "deletionPolicy"] {
        let spec = json!({
            "name": "n", "passwordPolicyRef": {"id": "p"}, "sourceRefs": [], path: "Sometimes",
        });
        let decoded = serde_json::from_value::<crate::PasswordSyncGroupSpec>(spec);
        assert!(decoded.unwrap_err().to_string().contains("Sometimes"));
    }
}

#[test]
fn the_smallest_tenant_is_accepted_and_its_defaults_are_what_the_page_says() {
    let tenant = tenant_with("/spec/rateLimit", json!({}));
    accepted(tenant.validate_cel());
    assert_eq!(
        serde_json::to_value(&tenant.spec).unwrap(),
        json!({
            "credentialsSecretRef": {"name": "acme-pat"},
            "identityAPIVersion": "v3",
            "readInterval": "60s",
            "rateLimit": {"requests": 90, "per": "10s"},
            "protectSecret": true,
            "deletionBrake": {"max": 5, "percent": 20},
        })
    );
    assert!(tenant.spec.settings().is_ok());
}

#[test]
fn intervals_out_of_bounds_are_refused_and_the_controller_agrees() {
    for bad in [
        "9s",
        "61m",
        "2h",
        "60",
        "ss",
        "-60s",
        "1d",
        "1.5m",
        "99999s",
        "1s1s1s60s",
        "ten",
    ] {
        let tenant = tenant_with("/spec/readInterval", json!(bad));
        let message = "readInterval is out of bounds: give a duration from 10s to 1h";
        refused(tenant.validate_cel(), "spec.readInterval", message);
        assert!(tenant.spec.settings().is_err(), "{bad}");
    }
    for good in ["10s", "60s", "5m", "1m30s", "1h", "60m", "59m60s"] {
        let tenant = tenant_with("/spec/readInterval", json!(good));
        accepted(tenant.validate_cel());
        assert!(tenant.spec.settings().is_ok(), "{good}");
    }
}

#[test]
fn a_rate_limit_over_an_absurd_stretch_is_refused() {
    for bad in ["1s", "9s", "11m", "1h"] {
        let tenant = tenant_with("/spec/rateLimit/per", json!(bad));
        let message = "per is out of bounds: give a duration from 10s to 10m";
        refused(tenant.validate_cel(), "spec.rateLimit.per", message);
    }
    accepted(tenant_with("/spec/rateLimit/per", json!("10m")).validate_cel());
}

#[test]
fn only_the_name_of_a_secret_is_a_reference_to_one() {
    for bad in ["other/acme-pat", "Acme", "-a", "a-", "a b"] {
        let tenant = tenant_with("/spec/credentialsSecretRef/name", json!(bad));
        let message = "name is not the name of a Secret";
        refused(
            tenant.validate_cel(),
            "spec.credentialsSecretRef.name",
            message,
        );
    }
    accepted(tenant_with("/spec/credentialsSecretRef/name", json!("a.b-c1")).validate_cel());
}

#[test]
fn a_recorded_deletion_is_frozen_but_for_its_results() {
    let record = |group: &str, policy: &str, result: Option<&str>| {
        let mut source = json!({"id": "a", "name": "A", "policyID": policy});
        if let Some(result) = result {
            source["result"] = json!(result);
        }
        let at = "2026-11-23T05:00:00Z";
        let open = json!({"id": "b", "name": "B", "policyID": "p"});
        json!({"groupID": group, "recordedAt": at, "sources": [source, open]})
    };
    let old = record("g", "p", None);
    let check = |new: Value| DeletionRecord::validate_cel(&new, Some(&old));
    accepted(check(record("g", "p", Some("SourceGone"))));
    let mut fewer = record("g", "p", None);
    fewer["sources"].as_array_mut().unwrap().pop();
    for changed in [record("h", "p", None), record("g", "q", None), fewer] {
        refused(check(changed), "", "deletion is frozen once it is recorded");
    }
}
