//! Writes a report to the status of a group's resource, only if its meaning changed; no other
//! module writes that status. The patch is the difference of old and new, so that fields which this
//! version does not know survive, and it applies only to the version that was decided on.

use std::sync::Arc;

use jiff::Timestamp;
use psg_api::{PasswordSyncGroup, merge_patch, status_of};
use psg_plan::{Reason, Report, claims};

use crate::{
    context::Context,
    kubernetes::{
        KubeError,
        conditions::{json, merged, reason},
    },
};

/// Stores a report, if it says anything new; returns the resource as it is stored then.
///
/// # Errors
/// What Kubernetes answered; [`KubeError::Conflict`] asks to decide again.
pub async fn store(
    context: &Context,
    group: &Arc<PasswordSyncGroup>,
    report: &Report,
) -> Result<Arc<PasswordSyncGroup>, KubeError> {
    let old = group.status.clone().unwrap_or_default();
    let generation = group.metadata.generation.unwrap_or_default();
    let conditions = merged(
        &old.conditions,
        &report.conditions,
        generation,
        context.now(),
    );
    let mut new = status_of(&report.recorded, conditions).keeping(&old);
    new.source_count = i64::try_from(report.recorded.sources.len()).ok();
    let Some(patch) = merge_patch(&json(&old)?, &json(&new)?) else {
        return Ok(Arc::clone(group));
    };
    let stored = context.kubernetes.patch_status(group, patch).await?;
    Ok(Arc::new(stored))
}

/// Whether the status of a resource says that the brake holds its deletion.
pub fn is_held_back(group: &PasswordSyncGroup) -> bool {
    let status = group.status.as_ref();
    let told = status.and_then(|status| reason(&status.conditions));
    told == Some(Reason::DeletionPaused.as_str())
}

/// Whether the status of a resource says that its newest manifest cannot be carried out, so that
/// the resource reserves nothing.
pub fn is_hindered(group: &PasswordSyncGroup, now: Timestamp) -> bool {
    hindered_from(group).is_some_and(|from| from <= now)
}

/// When [`is_hindered`] will become true, if it is not yet: only then can other resources get what
/// this resource reserves.
pub fn reserves_until(group: &PasswordSyncGroup, now: Timestamp) -> Option<Timestamp> {
    hindered_from(group).filter(|from| *from > now)
}

fn hindered_from(group: &PasswordSyncGroup) -> Option<Timestamp> {
    let (reason, since) = group.stalled()?;
    Some(claims::gives_way(Reason::named(reason), since))
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;
    use crate::tests::objects;

    #[test]
    fn a_group_that_the_brake_held_says_so_itself() {
        let held = |reason: Reason| {
            let ready = json!({
                "type": "Ready", "status": "False", "reason": reason.as_str(), "message": "",
                "lastTransitionTime": "1970-01-01T00:00:00Z",
            });
            let mut group = objects::group(&json!({"name": "g"}));
            let status = json!({"conditions": [ready]});
            group.status = Some(from_value(status).unwrap());
            is_held_back(&group)
        };
        assert!(held(Reason::DeletionPaused));
        assert!(!held(Reason::DeletionBlocked));
    }

    #[test]
    fn one_that_is_stalled_reserves_nothing_at_once_or_if_it_is_through_others_after_a_while() {
        let hindered = |kind: &str, reason: Reason, generation: i64, minutes: i64| {
            let told = json!({
                "type": kind, "status": "True", "reason": reason.as_str(), "message": "",
                "lastTransitionTime": "1970-01-01T00:00:00Z", "observedGeneration": 1,
            });
            let mut group = objects::group(&json!({"name": "g", "generation": generation}));
            group.status = Some(from_value(json!({"conditions": [told]})).unwrap());
            is_hindered(&group, Timestamp::from_second(60 * minutes).unwrap())
        };
        for reason in [
            Reason::SourceNotFound,
            Reason::NoApplication,
            Reason::SourceInAnotherGroup,
        ] {
            assert!(hindered("Stalled", reason, 1, 0));
            assert!(!hindered("Stalled", reason, 2, 0), "it was edited");
            assert!(!hindered("Reconciling", reason, 1, 0));
        }
        for reason in [Reason::OwnedByAnother, Reason::GroupExists] {
            assert!(!hindered("Stalled", reason, 1, 9));
            assert!(hindered("Stalled", reason, 1, 10));
        }
    }
}
