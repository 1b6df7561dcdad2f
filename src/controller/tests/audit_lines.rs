//! Tests of the words: each kind of line whole, and whose spec it was.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    FieldsV1, ManagedFieldsEntry, ObjectMeta, Time,
};
use psg_api::PasswordSyncGroupStatus;
use psg_domain::{
    Drift, Group, GroupId, Holder, HolderSelectors, Intent, Picture, PolicyId, Reassignment,
    ReassignmentResult, SourceId,
};
use psg_plan::{Action, Release, ReleaseKind, WriteCause};
use serde_json::{Value, json};

use crate::audit::{self, *};

fn policy(id: &str) -> PolicyId {
    PolicyId::parse(id).unwrap()
}

fn source(id: &str) -> SourceId {
    SourceId::parse(id).unwrap()
}

fn group(name: &str, sources: &[&str]) -> Group {
    Group {
        id: GroupId::parse("g1").unwrap(),
        name: name.to_owned(),
        policy: Some(policy("p1")),
        sources: sources.iter().map(|id| source(id)).collect(),
    }
}

fn picture() -> Picture {
    let mut picture = Picture::default();
    picture.merge_one(Timestamp::UNIX_EPOCH, group("Old", &["a", "b"]));
    let exception = Holder {
        policy: policy("p3"),
        selectors: Some(HolderSelectors(
            json!({"identityAttr": [{"value": "Jane"}]}),
        )),
    };
    let holders = vec![Holder::for_everybody(policy("p2")), exception];
    picture.merge_holders(Timestamp::UNIX_EPOCH, source("a"), Some(holders));
    picture
}

fn status() -> PasswordSyncGroupStatus {
    serde_json::from_value(json!({
        "observedGeneration": 3,
        "groupID": "g1",
        "sources": [{"ref": "A", "id": "a", "name": "A", "policyBefore": "p2"}],
        "deletion": {"groupID": "g1", "recordedAt": "1970-01-01T00:00:00Z", "sources": [
            {"id": "a", "name": "A", "policyID": "p1"}, {"id": "b", "name": "B", "policyID": "p1"},
        ]},
    }))
    .unwrap()
}

fn change(step: &Action) -> Value {
    json!(Change::of(step, &picture(), Some(&status())).unwrap())
}

#[test]
fn a_line_says_who_wrote_what_where_and_what_came_of_it() {
    let about = About {
        resource: Resource {
            namespace: "identity".to_owned(),
            name: "shared".to_owned(),
            uid: "u1".to_owned(),
            generation: 3,
        },
        manager: Some(Manager {
            name: "argocd-controller".to_owned(),
            time: Some(Timestamp::UNIX_EPOCH),
        }),
        annotations: [("ticket".to_owned(), "CHG1".to_owned())].into(),
        tenant: Tenant {
            namespace: "identity".to_owned(),
            name: "acme".to_owned(),
            org: Some("acme".to_owned()),
            host: Some("acme.api.identitynow.com".to_owned()),
        },
        operator: Operator {
            version: "0.1.0",
            replica: Some("pod_1".to_owned()),
        },
    };
    let step = Action::UpdateGroup {
        group: group("New", &["a", "c"]),
        changes: Vec::<Drift>::new(),
        cause: WriteCause::Drift,
    };
    let change = Change::of(&step, &picture(), None).unwrap();
    let line = Line {
        time: Timestamp::UNIX_EPOCH,
        what: What::Write(Write {
            change: &change,
            method: "PUT",
            path: "/v3/password-sync-groups/g1",
            result: Came {
                outcome: "made",
                status: Some(200),
                reason: None,
            },
            tracking_id: Some("t1"),
            duration_ms: 42,
        }),
        about: &about,
    };
    let expected = json!({
        "time": "1970-01-01T00:00:00Z",
        "kind": "write",
        "operation": "updateGroup",
        "cause": "drift",
        "id": "g1",
        "before": {"name": "Old", "policyId": "p1", "sourceIds": ["a", "b"]},
        "after": {"name": "New", "policyId": "p1", "sourceIds": ["a", "c"]},
        "method": "PUT",
        "path": "/v3/password-sync-groups/g1",
        "result": {"outcome": "made", "status": 200, "reason": null},
        "trackingId": "t1",
        "durationMs": 42,
        "resource": {"namespace": "identity", "name": "shared", "uid": "u1", "generation": 3},
        "manager": {"name": "argocd-controller", "time": "1970-01-01T00:00:00Z"},
        "annotations": {"ticket": "CHG1"},
        "tenant": {"namespace": "identity", "name": "acme", "org": "acme", "host": "acme.api.identitynow.com"},
        "operator": {"version": "0.1.0", "replica": "pod_1"},
    });
    assert_eq!(json!(line), expected);
}

#[test]
fn a_create_has_nothing_before_and_its_id_from_the_answer() {
    let intent = Intent {
        attempt: 1,
        name: "New".to_owned(),
        policy: policy("p1"),
        sources: BTreeSet::from([source("a"), source("b")]),
        started_at: Timestamp::UNIX_EPOCH,
    };
    let expected = json!({
        "operation": "createGroup", "id": null, "before": null,
        "after": {"name": "New", "policyId": "p1", "sourceIds": ["a", "b"]},
    });
    assert_eq!(change(&Action::CreateGroup(intent)), expected);
}

#[test]
fn a_deletion_lists_what_each_source_had_and_is_to_have() {
    let step = Action::DeleteGroup(GroupId::parse("g1").unwrap());
    let expected = json!({
        "operation": "deleteGroup", "id": "g1", "after": null,
        "before": {"name": "Old", "policyId": "p1", "sourceIds": ["a", "b"]},
        "sources": [
            {"id": "a", "name": "A", "before": "p2", "after": "p1"},
            {"id": "b", "name": "B", "before": null, "after": "p1"},
        ],
    });
    assert_eq!(change(&step), expected);
}

#[test]
fn an_assignment_tells_that_there_are_exceptions_but_not_for_whom() {
    let step = Action::AssignPolicy {
        source: source("a"),
        holders: vec![Holder::for_everybody(policy("p1"))],
    };
    let expected = json!({
        "operation": "assignPolicy", "id": "a",
        "before": {"policies": [
            {"policyId": "p2", "exception": false}, {"policyId": "p3", "exception": true},
        ]},
        "after": {"policies": [{"policyId": "p1", "exception": false}]},
    });
    assert_eq!(change(&step), expected);
}

#[test]
fn a_farewell_lists_each_source_and_what_is_orphaned_is_told_whole() {
    let left = |id: &str, result| Reassignment {
        source: source(id),
        name: id.to_uppercase(),
        policy: policy("p1"),
        assign: psg_domain::Assign::Always,
        result: Some(result),
    };
    let told = |kind| {
        let release = Release {
            kind,
            group: GroupId::parse("g1").ok(),
            sources: vec![
                left("a", ReassignmentResult::ByService),
                left("b", ReassignmentResult::ByOperator),
                left("c", ReassignmentResult::InAnotherGroup),
            ],
        };
        json!(audit::release(&release, Some(&status())))
    };
    let expected = json!({"kind": "reassigned", "id": "g1", "sources": [
        {"id": "a", "name": "A", "before": "p2", "after": "p1", "by": "service", "skipped": null},
        {"id": "b", "name": "B", "before": null, "after": "p1", "by": "operator", "skipped": null},
        {"id": "c", "name": "C", "before": null, "after": null, "by": null, "skipped": "inAnotherGroup"},
    ]});
    assert_eq!(told(ReleaseKind::Deleted), expected);
    let orphaned = told(ReleaseKind::Orphaned);
    assert_eq!(orphaned["kind"], "orphaned");
    assert_eq!(orphaned["record"], json!(status()));
    assert_eq!(told(ReleaseKind::NothingMade), Value::Null);
}

#[test]
fn the_last_manager_of_the_spec_is_named_and_no_other() {
    let entry = |name: &str, fields: Value, second: i64| ManagedFieldsEntry {
        manager: Some(name.to_owned()),
        fields_v1: Some(FieldsV1(fields)),
        time: Some(Time(Timestamp::from_second(second).unwrap())),
        ..ManagedFieldsEntry::default()
    };
    let spec = || json!({"f:spec": {"f:name": {}}});
    let metadata = ObjectMeta {
        managed_fields: Some(vec![
            entry("argocd-controller", spec(), 20),
            entry("kubectl-edit", spec(), 10),
            entry("psg-operator", json!({"f:status": {}}), 30),
        ]),
        ..ObjectMeta::default()
    };
    let manager = audit::manager(&metadata).unwrap();
    assert_eq!(manager.name, "argocd-controller");
    assert_eq!(audit::manager(&ObjectMeta::default()), None);
}

#[test]
fn only_annotations_that_are_asked_for_are_told_and_none_at_length() {
    let annotations = [("ticket", "é".repeat(300)), ("other", "x".to_owned())];
    let metadata = ObjectMeta {
        annotations: Some(
            annotations
                .map(|(key, value)| (key.to_owned(), value))
                .into(),
        ),
        ..ObjectMeta::default()
    };
    let asked = ["ticket".to_owned(), "missing".to_owned()];
    let told = audit::annotations(&metadata, &asked);
    assert_eq!(told, [("ticket".to_owned(), "é".repeat(256))].into());
}
