//! Conditions as a status stores them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition as KubeCondition, Time};
use psg_api::Condition as StoredCondition;
use psg_domain::{ConditionType, text};
use psg_plan::Condition;
use serde_json::Value;

use crate::kubernetes::KubeError;

/// The reason of the condition `Ready`.
pub fn reason(conditions: &[StoredCondition]) -> Option<&str> {
    conditions
        .iter()
        .find(|known| known.type_ == ConditionType::Ready.as_str())
        .map(|known| known.reason.as_str())
}

/// Our conditions as they are now, and foreign ones unchanged; `lastTransitionTime` changes only
/// with `status`. Fields that a newer operator adds to a condition are kept.
pub fn merged(
    old: &[StoredCondition],
    new: &[Condition],
    generation: i64,
    now: Timestamp,
) -> Vec<StoredCondition> {
    let ours = new.iter().map(|condition| {
        let known = old
            .iter()
            .find(|known| known.type_ == condition.kind.as_str());
        let status = condition.truth.as_str();
        let since = known
            .filter(|known| known.status == status)
            .map(|known| known.last_transition_time.clone());
        let plain = KubeCondition {
            type_: condition.kind.as_str().to_owned(),
            status: status.to_owned(),
            reason: condition.reason.to_owned(),
            message: text::line(&condition.message),
            observed_generation: Some(generation),
            last_transition_time: since.unwrap_or_else(|| Time(seconds(now))),
        };
        StoredCondition {
            known: plain,
            rest: known.map(|known| known.rest.clone()).unwrap_or_default(),
        }
    });
    let foreign = old
        .iter()
        .filter(|known| {
            ConditionType::ALL
                .iter()
                .all(|ours| ours.as_str() != known.type_)
        })
        .cloned();
    ours.chain(foreign).collect()
}

/// Kubernetes keeps whole seconds.
fn seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// A status as it is sent.
///
/// # Errors
/// It cannot be written as json.
pub fn json<T: serde::Serialize>(status: &T) -> Result<Value, KubeError> {
    serde_json::to_value(status).map_err(|error| KubeError::Other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_hidden_reaches_a_condition(message in any::<String>()) {
            let new = Condition {
                kind: ConditionType::Ready,
                truth: psg_plan::Truth::False,
                reason: "Refused",
                message,
            };
            let stored = merged(&[], &[new], 1, Timestamp::UNIX_EPOCH);
            prop_assert!(!stored[0].message.contains(text::is_hidden));
        }
    }
}
