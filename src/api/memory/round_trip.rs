//! Every memory that is written to a status is read back unchanged.

use jiff::Timestamp;
use psg_domain::{
    Assign, Contested, Deletion, Drift, GroupId, Intent, Origin, PolicyId, PolicyPin, Reassignment,
    ReassignmentResult, Recorded, Refused, SourceId, SourcePin, TenantKey, Update,
};
use serde_json::json;

use super::{
    status_of,
    write::{MAX_DRIFT, MAX_MESSAGE, MAX_NAME, MAX_VALUE},
};
use crate::{group_status::PasswordSyncGroupStatus, merge_patch};

/// A small random generator: the same seed always gives the same memory.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn some<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.roll(3) > 0).then(|| make(self))
    }

    fn many<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.roll(6)).map(|_| make(self)).collect()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        let sides = u64::try_from(of.len()).unwrap();
        of[usize::try_from(self.roll(sides)).unwrap()]
    }

    fn text(&mut self) -> String {
        let words = [
            "",
            "Active Directory",
            "Ä ß 字 \u{1F511}",
            "quote \" and \\",
            "line\nbreak",
            "null",
            "~",
        ];
        format!("{}{}", self.one(&words), self.roll(1000))
    }

    fn id(&mut self) -> String {
        format!("2c91-{}", self.roll(u64::MAX))
    }

    fn source(&mut self) -> SourceId {
        SourceId::parse(&self.id()).unwrap()
    }

    fn policy(&mut self) -> PolicyId {
        PolicyId::parse(&self.id()).unwrap()
    }

    fn group(&mut self) -> GroupId {
        GroupId::parse(&self.id()).unwrap()
    }

    fn time(&mut self) -> Timestamp {
        let second = i64::try_from(self.roll(4_000_000_000)).unwrap();
        let nanosecond = i32::try_from(self.roll(1_000_000_000)).unwrap();
        let whole = self.one(&[0, nanosecond]);
        Timestamp::new(second, whole).unwrap()
    }

    fn reassign(&mut self) -> Reassignment {
        let results = [
            ReassignmentResult::ByService,
            ReassignmentResult::ByOperator,
            ReassignmentResult::InAnotherGroup,
            ReassignmentResult::SourceGone,
            ReassignmentResult::PolicyGone,
            ReassignmentResult::HasOwnPolicy,
        ];
        Reassignment {
            source: self.source(),
            name: self.text(),
            policy: self.policy(),
            assign: self.one(&[Assign::Always, Assign::IfNone]),
            result: self.some(|dice| dice.one(&results)),
        }
    }

    fn recorded(&mut self) -> Recorded {
        Recorded {
            observed_generation: self.some(|dice| i64::try_from(dice.roll(100)).unwrap()),
            group: self.some(Self::group),
            origin: self
                .some(|dice| dice.one(&[Origin::Created, Origin::Adopted, Origin::Observed])),
            tenant: self.some(|dice| TenantKey {
                org: dice.text(),
                tenant_id: dice.text(),
            }),
            name: self.some(Self::text),
            policy: self.some(|dice| PolicyPin {
                reference: dice.text(),
                id: dice.policy(),
                name: dice.text(),
            }),
            sources: self.many(|dice| SourcePin {
                reference: dice.text(),
                id: dice.source(),
                name: dice.text(),
                policy_before: dice.some(Self::policy),
            }),
            intent: self.some(|dice| Intent {
                attempt: i64::try_from(dice.roll(9)).unwrap(),
                name: dice.text(),
                policy: dice.policy(),
                sources: dice.many(Self::source).into_iter().collect(),
                started_at: dice.time(),
            }),
            update: self.some(|dice| Update {
                name: dice.text(),
                policy: dice.policy(),
                sources: dice.many(Self::source).into_iter().collect(),
                started_at: dice.time(),
            }),
            refused: self.some(|dice| Refused {
                generation: i64::try_from(dice.roll(9)).unwrap(),
                facts: dice.text(),
                message: dice.text(),
                attempts: u32::try_from(dice.roll(9)).unwrap(),
                at: dice.some(Self::time),
            }),
            contested: self.some(|dice| Contested {
                generation: i64::try_from(dice.roll(100)).unwrap(),
                reconcile_at: dice.some(Self::text),
                field: dice.text(),
                found: dice.text(),
            }),
            leaving: self.many(Self::reassign),
            deletion: self.some(|dice| Deletion {
                group: dice.group(),
                recorded_at: dice.time(),
                sources: dice.many(Self::reassign),
            }),
            drift: self.many(|dice| Drift {
                field: dice.text(),
                wanted: dice.text(),
                found: dice.text(),
            }),
        }
    }
}

#[test]
fn what_is_recorded_is_read_back_through_json() {
    for seed in 0..2_000 {
        let recorded = Dice(seed).recorded();
        let stored = serde_json::to_value(status_of(&recorded, vec![])).unwrap();
        let status: PasswordSyncGroupStatus = serde_json::from_value(stored).unwrap();
        assert_eq!(status.recorded().as_ref(), Ok(&recorded), "seed {seed}");
    }
}

#[test]
fn nothing_recorded_is_an_empty_status() {
    let status = status_of(&Recorded::default(), vec![]);
    assert_eq!(status, PasswordSyncGroupStatus::default());
    assert_eq!(
        serde_json::to_value(status).unwrap(),
        json!({"observedGeneration": -1})
    );
    let empty: PasswordSyncGroupStatus = serde_json::from_value(json!({})).unwrap();
    assert_eq!(empty.recorded(), Ok(Recorded::default()));
}

#[test]
fn an_unchanged_memory_is_an_empty_patch_and_fields_of_a_newer_operator_are_not_touched() {
    for seed in 0..200 {
        let mut stored = serde_json::to_value(status_of(&Dice(seed).recorded(), vec![])).unwrap();
        stored["laterField"] = json!({"of": "a newer operator"});
        let old: PasswordSyncGroupStatus = serde_json::from_value(stored.clone()).unwrap();
        let new = status_of(&old.recorded().unwrap(), old.conditions.clone());
        let [old, new] = [&old, &new].map(|status| serde_json::to_value(status).unwrap());
        assert_eq!(merge_patch(&old, &new), None, "seed {seed}");
    }
}

#[test]
fn a_status_that_cannot_be_read_is_an_error_that_names_the_entry() {
    let source = json!({"id": "a", "name": "A", "policyID": "p", "result": "ByMagic"});
    let cases = [
        (
            json!({"groupID": "../x"}),
            "status.groupID is \"../x\", not an id of 1 to 64",
        ),
        (
            json!({"origin": "Stolen"}),
            "status.origin is \"Stolen\", no origin that this operator knows",
        ),
        (
            json!({"policy": {"ref": "P", "id": "", "name": "P"}}),
            "status.policy.id is \"\"",
        ),
        (
            json!({"sources": [{"ref": "A", "id": "a", "name": "A"}, {"ref": "B", "id": "b/c", "name": "B"}]}),
            "status.sources[1].id is \"b/c\"",
        ),
        (
            json!({"intent": {"attempt": 1, "name": "n", "policyID": "p", "sourceIDs": ["a", "?"], "startedAt": "2026-11-23T05:00:00Z"}}),
            "status.intent.sourceIDs[1] is \"?\"",
        ),
        (
            json!({"intent": {"attempt": 1, "name": "n", "policyID": "p", "sourceIDs": [], "startedAt": "yesterday"}}),
            "status.intent.startedAt is \"yesterday\"",
        ),
        (
            json!({"leaving": [source]}),
            "status.leaving[0].result is \"ByMagic\", no result",
        ),
        (
            json!({"deletion": {"groupID": "g", "recordedAt": "2026-11-23T05:00:00Z", "sources": [source]}}),
            "status.deletion.sources[0].result is \"ByMagic\"",
        ),
    ];
    for (stored, message) in cases {
        let status: PasswordSyncGroupStatus = serde_json::from_value(stored).unwrap();
        let error = status.recorded().unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn texts_for_people_are_cut_to_what_the_server_stores() {
    let long = "字".repeat(10_000);
    let mut recorded = Dice(0).recorded();
    recorded.policy = Some(PolicyPin {
        reference: "P".to_owned(),
        id: Dice(1).policy(),
        name: long.clone(),
    });
    recorded.refused = Some(Refused {
        generation: 1,
        facts: "f".to_owned(),
        message: long.clone(),
        attempts: 1,
        at: None,
    });
    recorded.drift = vec![
        Drift {
            field: "name".to_owned(),
            wanted: long.clone(),
            found: long
        };
        40
    ];
    let status = status_of(&recorded, vec![]);
    let length = |text: &str| text.chars().count();
    assert_eq!(length(&status.policy.unwrap().name), MAX_NAME);
    assert_eq!(
        length(&status.refused.as_ref().unwrap().message),
        MAX_MESSAGE
    );
    assert_eq!(length(&status.drift[0].found), MAX_VALUE);
    assert_eq!(status.drift.len(), MAX_DRIFT);
    assert!(status.refused.unwrap().message.ends_with('…'));
}
