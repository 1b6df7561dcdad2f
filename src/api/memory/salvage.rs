//! What an unreadable status still says about what its resource holds. It is used for claims only:
//! nothing else may be decided on it, but what it holds must not count as free.

use jiff::Timestamp;
use psg_domain::{
    Assign, Deletion, GroupId, Intent, InvalidId, Origin, PolicyId, Reassignment, Recorded,
    SourceId, SourcePin, TenantKey, Update,
};
use serde_json::Value;

use super::origin_word;
use crate::group_status::PasswordSyncGroupStatus;

/// What a status holds: its memory, or, if that cannot be read, each part of it that can.
///
/// A claim needs no policy and no time, so placeholders stand for those that cannot be read.
pub fn held_of(status: &Value) -> Recorded {
    let read = serde_json::from_value::<PasswordSyncGroupStatus>(status.clone()).ok();
    let whole = read.and_then(|status| status.recorded().ok());
    whole.unwrap_or_else(|| Recorded {
        group: id(&status["groupID"], GroupId::parse),
        // Only `Observed` means not held: a word of a newer operator is more likely a new way to
        // own a group.
        origin: (status["origin"] == origin_word(Origin::Observed)).then_some(Origin::Observed),
        tenant: tenant(&status["tenant"]),
        name: text(&status["name"]),
        sources: each(&status["sources"], source),
        intent: intent(&status["intent"]),
        update: update(&status["update"]),
        leaving: each(&status["leaving"], reassign),
        deletion: deletion(&status["deletion"]),
        ..Recorded::default()
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn id<T>(value: &Value, parse: fn(&str) -> Result<T, InvalidId>) -> Option<T> {
    parse(value.as_str()?).ok()
}

fn each<T>(list: &Value, read: fn(&Value) -> Option<T>) -> Vec<T> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(read)
        .collect()
}

fn tenant(value: &Value) -> Option<TenantKey> {
    Some(TenantKey {
        org: text(&value["org"])?,
        tenant_id: text(&value["tenantID"])?,
    })
}

fn source(entry: &Value) -> Option<SourcePin> {
    Some(SourcePin {
        reference: text(&entry["ref"]).unwrap_or_default(),
        id: id(&entry["id"], SourceId::parse)?,
        name: text(&entry["name"]).unwrap_or_default(),
        policy_before: None,
    })
}

fn intent(value: &Value) -> Option<Intent> {
    value.as_object()?;
    Some(Intent {
        attempt: 0,
        name: text(&value["name"]).unwrap_or_default(),
        policy: policy(&value["policyID"])?,
        sources: each(&value["sourceIDs"], |one| id(one, SourceId::parse))
            .into_iter()
            .collect(),
        started_at: Timestamp::UNIX_EPOCH,
    })
}

fn update(value: &Value) -> Option<Update> {
    let sent = intent(value)?;
    Some(Update {
        name: sent.name,
        policy: sent.policy,
        sources: sent.sources,
        started_at: sent.started_at,
    })
}

fn reassign(entry: &Value) -> Option<Reassignment> {
    Some(Reassignment {
        source: id(&entry["id"], SourceId::parse)?,
        name: text(&entry["name"]).unwrap_or_default(),
        policy: policy(&entry["policyID"])?,
        assign: Assign::default(),
        result: None,
    })
}

fn deletion(value: &Value) -> Option<Deletion> {
    Some(Deletion {
        group: id(&value["groupID"], GroupId::parse)?,
        recorded_at: Timestamp::UNIX_EPOCH,
        sources: each(&value["sources"], reassign),
    })
}

fn policy(value: &Value) -> Option<PolicyId> {
    id(value, PolicyId::parse).or_else(|| PolicyId::parse("unread").ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored() -> Value {
        json!({
            "observedGeneration": 1, "groupID": "g1", "origin": "Created", "name": "Ours",
            "tenant": {"org": "acme", "tenantID": "t1"},
            "sources": [{"ref": "A", "id": "s1", "name": "A"}, {"ref": "B", "id": "s2", "name": "B"}],
            "intent": {
                "attempt": 1, "name": "Next", "policyID": "p", "sourceIDs": ["s3"],
                "startedAt": "2026-01-01T00:00:00Z",
            },
            "leaving": [{"id": "s4", "name": "D", "policyID": "p"}],
            "deletion": {
                "groupID": "g1", "recordedAt": "2026-01-01T00:00:00Z",
                "sources": [{"id": "s5", "name": "E", "policyID": "p"}],
            },
        })
    }

    /// Everything that a claim is made of.
    fn claimed(recorded: &Recorded) -> impl PartialEq + std::fmt::Debug + use<> {
        let open = recorded
            .leaving
            .iter()
            .chain(recorded.deletion.iter().flat_map(|one| &one.sources));
        (
            recorded.tenant.clone(),
            recorded.held().cloned(),
            recorded.name.clone(),
            recorded.source_ids(),
            recorded
                .intent
                .as_ref()
                .map(|intent| (intent.name.clone(), intent.sources.clone())),
            open.map(|entry| entry.source.clone()).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn a_status_that_can_be_read_is_taken_as_it_is() {
        let status: PasswordSyncGroupStatus = serde_json::from_value(stored()).unwrap();
        assert_eq!(held_of(&stored()), status.recorded().unwrap());
        assert_eq!(held_of(&Value::Null), Recorded::default());
    }

    #[test]
    fn what_cannot_be_read_beside_it_frees_nothing_that_is_held() {
        let whole = claimed(&held_of(&stored()));
        for (pointer, odd) in [
            ("/observedGeneration", json!("one")),
            ("/origin", json!("Inherited")),
            ("/origin", json!(7)),
            ("/intent/policyID", json!({"id": "p"})),
            ("/intent/startedAt", json!("soon")),
            ("/sources/0/name", json!(null)),
            ("/leaving/0/policyID", json!("../p")),
            ("/deletion/recordedAt", json!(3)),
        ] {
            let mut status = stored();
            *status.pointer_mut(pointer).unwrap() = odd;
            assert_eq!(claimed(&held_of(&status)), whole, "{pointer}");
        }
        let mut status = stored();
        status["deletion"]["sources"][0]["result"] = json!("HandedOn");
        assert_eq!(claimed(&held_of(&status)), whole);
    }

    #[test]
    fn a_group_that_is_only_looked_at_is_no_claim() {
        let mut status = stored();
        status["origin"] = json!("Observed");
        status["observedGeneration"] = json!("one");
        assert_eq!(held_of(&status).held(), None);
    }
}
