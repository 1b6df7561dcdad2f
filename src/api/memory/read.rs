//! From a status to the memory it holds. A status may have been written by a newer operator
//! or by hand: what cannot be read is an error value, and nothing may be decided on it.

use std::fmt::Display;

use jiff::Timestamp;
use psg_domain::{
    Assign, Contested, Deletion, Drift, GroupId, Intent, InvalidId, Origin, PolicyId, PolicyPin,
    Reassignment, ReassignmentResult, Recorded, Refused, SourceId, SourcePin, TenantKey, Update,
};

use super::{assign_word, held_of, origin_word, result_word};
use crate::group_status::{
    ContestedField, CreateIntent, DeletionRecord, DriftedField, PasswordSyncGroupStatus,
    PinnedPolicy, PinnedSource, RefusedChange, SourceToReassign, UpdateRecord,
};

/// A status with a value that this operator cannot read. Nothing may be decided on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("status.{field} is {found:?}, {problem}")]
pub struct InvalidStatus {
    /// The field's path under `status`.
    pub field: String,
    /// What it says.
    pub found: String,
    /// Why this value cannot be read.
    pub problem: String,
}

impl InvalidStatus {
    fn new(field: impl Into<String>, found: &str, problem: impl Display) -> Self {
        Self {
            field: field.into(),
            found: found.to_owned(),
            problem: problem.to_string(),
        }
    }
}

impl PasswordSyncGroupStatus {
    /// The memory that this status holds.
    ///
    /// # Errors
    /// The first entry that cannot be read, such as a word of a newer operator.
    pub fn recorded(&self) -> Result<Recorded, InvalidStatus> {
        Ok(Recorded {
            observed_generation: (self.observed_generation >= 0)
                .then_some(self.observed_generation),
            group: parse_some("groupID", self.group_id.as_deref(), GroupId::parse)?,
            origin: self.origin.as_deref().map(origin).transpose()?,
            tenant: self.tenant.as_ref().map(|tenant| TenantKey {
                org: tenant.org.clone(),
                tenant_id: tenant.tenant_id.clone(),
            }),
            name: self.name.clone(),
            policy: self.policy.as_ref().map(policy_pin).transpose()?,
            sources: each("sources", &self.sources, source_pin)?,
            intent: self.intent.as_ref().map(intent).transpose()?,
            update: self.update.as_ref().map(update).transpose()?,
            refused: self.refused.as_ref().map(refused).transpose()?,
            contested: self.contested.as_ref().map(contested),
            leaving: each("leaving", &self.leaving, reassign)?,
            deletion: self.deletion.as_ref().map(deletion).transpose()?,
            drift: self.drift.iter().map(drift).collect(),
        })
    }

    /// Like [`Self::recorded`], or, if an entry cannot be read, what [`held_of`] reads of this
    /// status. It must not count as empty: what it holds would then count as free.
    pub fn recorded_or_held(&self) -> Recorded {
        let held = |_| held_of(&serde_json::json!(self));
        self.recorded().unwrap_or_else(held)
    }
}

fn parse<T>(
    field: impl Into<String>,
    text: &str,
    parse: fn(&str) -> Result<T, InvalidId>,
) -> Result<T, InvalidStatus> {
    parse(text).map_err(|why| InvalidStatus::new(field, text, why))
}

fn parse_some<T>(
    field: &str,
    text: Option<&str>,
    parser: fn(&str) -> Result<T, InvalidId>,
) -> Result<Option<T>, InvalidStatus> {
    text.map(|text| parse(field, text, parser)).transpose()
}

fn each<T, U>(
    field: &str,
    entries: &[T],
    read: fn(&str, &T) -> Result<U, InvalidStatus>,
) -> Result<Vec<U>, InvalidStatus> {
    let entries = entries.iter().enumerate();
    entries
        .map(|(index, entry)| read(&format!("{field}[{index}]"), entry))
        .collect()
}

fn time(field: &str, text: &str) -> Result<Timestamp, InvalidStatus> {
    text.parse()
        .map_err(|why: jiff::Error| InvalidStatus::new(field, text, why))
}

fn origin(word: &str) -> Result<Origin, InvalidStatus> {
    let all = [Origin::Created, Origin::Adopted, Origin::Observed];
    let found = all.into_iter().find(|origin| origin_word(*origin) == word);
    found.ok_or_else(|| InvalidStatus::new("origin", word, "no origin that this operator knows"))
}

fn policy_pin(pin: &PinnedPolicy) -> Result<PolicyPin, InvalidStatus> {
    Ok(PolicyPin {
        reference: pin.reference.clone(),
        id: parse("policy.id", &pin.id, PolicyId::parse)?,
        name: pin.name.clone(),
    })
}

fn source_pin(field: &str, pin: &PinnedSource) -> Result<SourcePin, InvalidStatus> {
    let before = pin.policy_before.as_deref();
    Ok(SourcePin {
        reference: pin.reference.clone(),
        id: parse(format!("{field}.id"), &pin.id, SourceId::parse)?,
        name: pin.name.clone(),
        policy_before: parse_some(&format!("{field}.policyBefore"), before, PolicyId::parse)?,
    })
}

fn intent(intent: &CreateIntent) -> Result<Intent, InvalidStatus> {
    let source = |field: &str, id: &String| parse(field, id, SourceId::parse);
    Ok(Intent {
        attempt: intent.attempt,
        name: intent.name.clone(),
        policy: parse("intent.policyID", &intent.policy_id, PolicyId::parse)?,
        sources: each("intent.sourceIDs", &intent.source_ids, source)?
            .into_iter()
            .collect(),
        started_at: time("intent.startedAt", &intent.started_at)?,
    })
}

fn update(update: &UpdateRecord) -> Result<Update, InvalidStatus> {
    let source = |field: &str, id: &String| parse(field, id, SourceId::parse);
    Ok(Update {
        name: update.name.clone(),
        policy: parse("update.policyID", &update.policy_id, PolicyId::parse)?,
        sources: each("update.sourceIDs", &update.source_ids, source)?
            .into_iter()
            .collect(),
        started_at: time("update.startedAt", &update.started_at)?,
    })
}

fn refused(refused: &RefusedChange) -> Result<Refused, InvalidStatus> {
    let at = refused.refused_at.as_deref();
    Ok(Refused {
        generation: refused.generation,
        facts: refused.facts.clone(),
        message: refused.message.clone(),
        attempts: u32::try_from(refused.attempts.unwrap_or_default()).unwrap_or(u32::MAX),
        at: at.map(|at| time("refused.refusedAt", at)).transpose()?,
    })
}

fn assign(field: &str, word: Option<&str>) -> Result<Assign, InvalidStatus> {
    let all = [Assign::Always, Assign::IfNone];
    let found = all.into_iter().find(|assign| assign_word(*assign) == word);
    found.ok_or_else(|| {
        let problem = "no word that this operator knows";
        InvalidStatus::new(format!("{field}.assign"), word.unwrap_or_default(), problem)
    })
}

fn reassign(field: &str, entry: &SourceToReassign) -> Result<Reassignment, InvalidStatus> {
    let result = entry.result.as_deref();
    Ok(Reassignment {
        source: parse(format!("{field}.id"), &entry.id, SourceId::parse)?,
        name: entry.name.clone(),
        policy: parse(
            format!("{field}.policyID"),
            &entry.policy_id,
            PolicyId::parse,
        )?,
        assign: assign(field, entry.assign.as_deref())?,
        result: result
            .map(|word| reassignment_result(field, word))
            .transpose()?,
    })
}

fn reassignment_result(field: &str, word: &str) -> Result<ReassignmentResult, InvalidStatus> {
    let all = [
        ReassignmentResult::ByService,
        ReassignmentResult::ByOperator,
        ReassignmentResult::InAnotherGroup,
        ReassignmentResult::SourceGone,
        ReassignmentResult::PolicyGone,
        ReassignmentResult::HasOwnPolicy,
    ];
    let found = all.into_iter().find(|result| result_word(*result) == word);
    found.ok_or_else(|| {
        let problem = "no result that this operator knows";
        InvalidStatus::new(format!("{field}.result"), word, problem)
    })
}

fn deletion(record: &DeletionRecord) -> Result<Deletion, InvalidStatus> {
    Ok(Deletion {
        group: parse("deletion.groupID", &record.group_id, GroupId::parse)?,
        recorded_at: time("deletion.recordedAt", &record.recorded_at)?,
        sources: each("deletion.sources", &record.sources, reassign)?,
    })
}

fn contested(field: &ContestedField) -> Contested {
    let ContestedField {
        generation,
        reconcile_at,
        field,
        found,
    } = field.clone();
    Contested {
        generation,
        reconcile_at,
        field,
        found,
    }
}

fn drift(field: &DriftedField) -> Drift {
    let DriftedField {
        field,
        wanted,
        found,
        rest: _,
    } = field.clone();
    Drift {
        field,
        wanted,
        found,
    }
}
