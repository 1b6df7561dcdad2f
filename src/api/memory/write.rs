//! From the memory to the status that holds it. A status that the server refused would stop
//! its group for good, so texts that are only for people are cut to the schema's bounds.

use psg_domain::{Drift, Reassignment, Recorded, SourcePin};

use super::{assign_word, origin_word, result_word};
use crate::{
    group_status::{
        ContestedField, CreateIntent, DeletionRecord, DriftedField, PasswordSyncGroupStatus,
        PinnedPolicy, PinnedSource, PinnedTenant, RefusedChange, SourceToReassign, UpdateRecord,
    },
    rest::{Condition, Rest},
};

/// The longest name of a tenant's object that is kept, in characters.
pub(super) const MAX_NAME: usize = 1024;
/// The longest message of the tenant that is kept, in characters.
pub(super) const MAX_MESSAGE: usize = 2048;
/// The longest value of a drifted field that is kept, in characters.
pub(super) const MAX_VALUE: usize = 4096;
/// How many drifted fields are kept; there are three.
pub(super) const MAX_DRIFT: usize = 16;

/// The status that holds this memory, with these conditions. The caller then
/// [keeps](PasswordSyncGroupStatus::keeping) the unknown fields of the old status.
pub fn status_of(recorded: &Recorded, conditions: Vec<Condition>) -> PasswordSyncGroupStatus {
    // Without `..`, so that the compiler reports a new field that is not written here.
    let Recorded {
        observed_generation,
        group,
        origin,
        tenant,
        name,
        policy,
        sources,
        intent,
        update,
        refused,
        contested,
        leaving,
        deletion,
        drift,
    } = recorded;
    PasswordSyncGroupStatus {
        observed_generation: observed_generation.unwrap_or(-1),
        group_id: group.as_ref().map(ToString::to_string),
        origin: origin.map(|origin| origin_word(origin).to_owned()),
        tenant: tenant.as_ref().map(|tenant| PinnedTenant {
            org: tenant.org.clone(),
            tenant_id: tenant.tenant_id.clone(),
        }),
        name: name.clone(),
        policy: policy.as_ref().map(|pin| PinnedPolicy {
            reference: pin.reference.clone(),
            id: pin.id.to_string(),
            name: clip(&pin.name, MAX_NAME),
        }),
        sources: sources.iter().map(pinned_source).collect(),
        source_count: i64::try_from(sources.len()).ok().filter(|count| *count > 0),
        drift: drift.iter().take(MAX_DRIFT).map(drifted_field).collect(),
        conditions,
        intent: intent.as_ref().map(|intent| CreateIntent {
            attempt: intent.attempt,
            name: intent.name.clone(),
            policy_id: intent.policy.to_string(),
            source_ids: intent.sources.iter().map(ToString::to_string).collect(),
            started_at: intent.started_at.to_string(),
        }),
        update: update.as_ref().map(|update| UpdateRecord {
            name: update.name.clone(),
            policy_id: update.policy.to_string(),
            source_ids: update.sources.iter().map(ToString::to_string).collect(),
            started_at: update.started_at.to_string(),
        }),
        refused: refused.as_ref().map(|refused| RefusedChange {
            generation: refused.generation,
            facts: refused.facts.clone(),
            message: clip(&refused.message, MAX_MESSAGE),
            attempts: Some(i64::from(refused.attempts)).filter(|attempts| *attempts > 0),
            refused_at: refused.at.map(|at| at.to_string()),
        }),
        contested: contested.as_ref().map(|contested| ContestedField {
            generation: contested.generation,
            reconcile_at: contested.reconcile_at.clone(),
            field: contested.field.clone(),
            found: clip(&contested.found, MAX_VALUE),
        }),
        leaving: leaving.iter().map(source_to_reassign).collect(),
        deletion: deletion.as_ref().map(|deletion| DeletionRecord {
            group_id: deletion.group.to_string(),
            recorded_at: deletion.recorded_at.to_string(),
            sources: deletion.sources.iter().map(source_to_reassign).collect(),
        }),
    }
}

/// Cuts a text that is only for people.
fn clip(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept = text.chars().take(max.saturating_sub(1));
    kept.chain(['…']).collect()
}

fn pinned_source(pin: &SourcePin) -> PinnedSource {
    PinnedSource {
        reference: pin.reference.clone(),
        id: pin.id.to_string(),
        name: clip(&pin.name, MAX_NAME),
        policy_before: pin.policy_before.as_ref().map(ToString::to_string),
        rest: Rest::new(),
    }
}

fn source_to_reassign(entry: &Reassignment) -> SourceToReassign {
    SourceToReassign {
        id: entry.source.to_string(),
        name: clip(&entry.name, MAX_NAME),
        policy_id: entry.policy.to_string(),
        assign: assign_word(entry.assign).map(str::to_owned),
        result: entry.result.map(|result| result_word(result).to_owned()),
        rest: Rest::new(),
    }
}

fn drifted_field(drift: &Drift) -> DriftedField {
    DriftedField {
        field: drift.field.clone(),
        wanted: clip(&drift.wanted, MAX_VALUE),
        found: clip(&drift.found, MAX_VALUE),
        rest: Rest::new(),
    }
}
