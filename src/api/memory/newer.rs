//! What happens to fields that this version does not know when it writes a status that a newer
//! version has stored. The rules are in docs/reliability.md, "Statuses of another version".

use psg_domain::{PolicyId, ReassignmentResult, Recorded, SourceId};
use serde_json::{Value, json};

use super::status_of;
use crate::{
    group_status::PasswordSyncGroupStatus,
    merge_patch::{apply, merge_patch},
};

/// A status in which every object has a field `later`.
fn stored() -> Value {
    json!({
        "later": {"deep": [1]}, "observedGeneration": 1, "groupID": "g1", "origin": "Created",
        "name": "Ours", "sourceCount": 2,
        "tenant": {"org": "acme", "tenantID": "t1", "later": 1},
        "policy": {"ref": "P", "id": "p1", "name": "P", "later": 1},
        "sources": [
            {"ref": "A", "id": "s1", "name": "A", "later": 1},
            {"ref": "B", "id": "s2", "name": "B", "later": 2},
        ],
        "intent": {
            "attempt": 1, "name": "Next", "policyID": "p", "sourceIDs": ["s3"],
            "startedAt": "2026-01-01T00:00:00Z", "later": 1,
        },
        "refused": {"generation": 1, "facts": "f", "message": "m", "later": 1},
        "contested": {"generation": 1, "field": "name", "found": "x", "later": 1},
        "leaving": [{
            "id": "s4", "name": "D", "policyID": "p", "result": "AssignedByService", "later": 1,
        }],
        "deletion": {
            "groupID": "g1", "recordedAt": "2026-01-01T00:00:00Z", "later": 1,
            "sources": [
                {"id": "s5", "name": "E", "policyID": "p", "later": 1},
                {"id": "s6", "name": "F", "policyID": "p", "later": 1},
            ],
        },
        "drift": [{"field": "name", "wanted": "a", "found": "b", "later": 1}],
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "InSync", "message": "Ours",
            "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z", "later": 1,
        }],
    })
}

/// What is stored after this version changed its memory in one way.
fn after(change: impl FnOnce(&mut Recorded)) -> Value {
    let mut stored = stored();
    let old: PasswordSyncGroupStatus = serde_json::from_value(stored.clone()).unwrap();
    let mut recorded = old.recorded().unwrap();
    change(&mut recorded);
    let mut conditions = old.conditions.clone();
    conditions[0].known.message = recorded.name.clone().unwrap_or_default();
    let mut new = status_of(&recorded, conditions).keeping(&old);
    new.source_count = old.source_count;
    if let Some(patch) = merge_patch(&json!(old), &json!(new)) {
        apply(&mut stored, &patch);
    }
    stored
}

/// The paths at which `later` is missing, compared with what was stored.
fn lost(after: &Value) -> Vec<String> {
    fn look(before: &Value, after: &Value, path: &str, lost: &mut Vec<String>) {
        match before {
            Value::Object(before) => {
                if before.contains_key("later") && after["later"] != before["later"] {
                    lost.push(path.to_owned());
                }
                for (key, value) in before {
                    look(value, &after[key], &format!("{path}/{key}"), lost);
                }
            }
            Value::Array(before) => {
                for (index, value) in before.iter().enumerate() {
                    let there = after.get(index).unwrap_or(&Value::Null);
                    look(value, there, &format!("{path}/{index}"), lost);
                }
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    look(&stored(), after, "", &mut all);
    all
}

#[test]
fn a_write_that_changes_nothing_sends_nothing() {
    assert_eq!(after(|_| ()), stored());
}

#[test]
fn fields_of_objects_outlive_a_change_of_their_neighbours() {
    let changed = after(|memory| {
        memory.observed_generation = Some(2);
        memory.name = Some("Renamed".to_owned());
        memory.policy.as_mut().unwrap().name = "Q".to_owned();
        let intent = memory.intent.as_mut().unwrap();
        intent.attempt = 2;
        memory.refused.as_mut().unwrap().message = "n".to_owned();
        memory.contested.as_mut().unwrap().found = "y".to_owned();
    });
    assert_eq!(lost(&changed), [""; 0]);
    assert_eq!(changed["intent"]["attempt"], 2);
}

#[test]
fn fields_of_an_entry_outlive_a_change_of_it_and_of_its_neighbours() {
    let changed = after(|memory| {
        memory.name = Some("Renamed".to_owned());
        memory.sources[0].name = "Z".to_owned();
        memory.sources[0].policy_before = Some(PolicyId::parse("p2").unwrap());
        memory.leaving[0].result = Some(ReassignmentResult::ByOperator);
        let deletion = memory.deletion.as_mut().unwrap();
        deletion.sources[0].result = Some(ReassignmentResult::ByOperator);
        memory.drift[0].found = "c".to_owned();
    });
    assert_eq!(lost(&changed), [""; 0]);
    assert_eq!(changed["sources"][0]["name"], "Z");
    assert_eq!(changed["conditions"][0]["message"], "Renamed");
    // A field that this version knows and removes is gone.
    let undone = after(|memory| memory.leaving[0].result = None);
    assert_eq!(undone["leaving"][0].get("result"), None);
}

#[test]
fn an_entry_that_goes_takes_its_fields_along_and_leaves_its_neighbours_theirs() {
    let changed = after(|memory| drop(memory.sources.remove(0)));
    let left = json!([{"ref": "B", "id": "s2", "name": "B", "later": 2}]);
    assert_eq!(changed["sources"], left);
    let pin = |changed: &Value| changed["sources"][0].clone();
    let other = after(|memory| memory.sources[0].id = SourceId::parse("s7").unwrap());
    assert_eq!(pin(&other), json!({"ref": "A", "id": "s7", "name": "A"}));
}

#[test]
fn what_ends_takes_its_fields_along() {
    let changed = after(|memory| {
        memory.intent = None;
        memory.refused = None;
    });
    assert_eq!(lost(&changed), ["/intent", "/refused"]);
    assert!(changed.get("intent").is_none());
}
