//! The merge patch that each command sends, and the message that is printed afterwards. Pure: `now`
//! is an argument.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use psg_api::names;
use serde_json::{Value, json};

/// What is to be changed about one PasswordSyncGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// A merge patch.
    pub patch: Value,
    /// The message once the patch is applied.
    pub said: String,
}

/// Asks for a read of the tenant now: any new value of the annotation does.
pub fn reconcile(name: &str, now: Timestamp) -> Change {
    change(
        name,
        names::RECONCILE_AT,
        json!(now.to_string()),
        "the tenant is read now",
    )
}

/// Holds every write to the tenant for a while.
///
/// # Errors
/// The end of the pause is past the end of the calendar.
pub fn pause(name: &str, length: Duration, now: Timestamp) -> Result<Change, String> {
    let until = now
        .checked_add(length)
        .and_then(|until| until.round(Unit::Second))
        .map_err(|error| error.to_string())?;
    Ok(change(
        name,
        names::PAUSED_UNTIL,
        json!(until.to_string()),
        &format!("nothing is written to the tenant until {until}"),
    ))
}

/// Ends a pause.
pub fn resume(name: &str) -> Change {
    change(name, names::PAUSED_UNTIL, Value::Null, "no longer paused")
}

fn change(name: &str, annotation: &str, value: Value, said: &str) -> Change {
    let group = names::GROUP;
    let annotations: serde_json::Map<String, Value> =
        std::iter::once((annotation.to_owned(), value)).collect();
    Change {
        name: name.to_owned(),
        patch: json!({"metadata": {"annotations": annotations}}),
        said: format!("passwordsyncgroup.{group}/{name}: {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T05:00:00.25Z".parse().unwrap()
    }

    #[test]
    fn a_pause_ends_at_a_whole_second_that_the_operator_can_read() {
        let change = pause("corporate", Duration::from_mins(150), now()).unwrap();
        let until = "2026-11-23T07:30:00Z";
        assert_eq!(
            change.patch,
            json!({"metadata": {"annotations": {"passwordsync.dev/paused-until": until}}})
        );
        assert_eq!(
            change.said,
            "passwordsyncgroup.passwordsync.dev/corporate: nothing is written to the tenant until 2026-11-23T07:30:00Z"
        );
        assert!(pause("a", Duration::MAX, now()).is_err());
    }

    #[test]
    fn resuming_takes_the_annotation_away() {
        let patch = resume("corporate").patch;
        let annotations = &patch["metadata"]["annotations"];
        assert_eq!(annotations, &json!({"passwordsync.dev/paused-until": null}));
    }

    #[test]
    fn each_request_to_reconcile_is_a_new_value() {
        let value = |now| {
            let patch = reconcile("a", now).patch;
            patch["metadata"]["annotations"]["passwordsync.dev/reconcile-at"].clone()
        };
        let later = now() + Duration::from_millis(1);
        assert_ne!(value(now()), value(later));
        assert_eq!(value(now()), "2026-11-23T05:00:00.25Z");
    }
}
