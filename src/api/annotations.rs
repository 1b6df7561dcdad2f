//! What people ask for by annotations. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::names;

/// How many characters of an annotation a status keeps.
const LONGEST: usize = 256;

/// Until when nothing is written to the tenant for a group.
pub fn paused_until(metadata: &ObjectMeta) -> Option<Timestamp> {
    annotation(metadata, names::PAUSED_UNTIL)?.parse().ok()
}

/// The value of the pause annotation, cut to 64 characters, if it is not a time.
pub fn unreadable_pause(metadata: &ObjectMeta) -> Option<String> {
    let written = annotation(metadata, names::PAUSED_UNTIL)?;
    let unreadable = written.parse::<Timestamp>().is_err();
    unreadable.then(|| written.chars().take(64).collect())
}

/// The value of the annotation that asks for a reconcile, as far as a status keeps it.
pub fn reconcile_at(metadata: &ObjectMeta) -> Option<String> {
    let asked = annotation(metadata, names::RECONCILE_AT)?;
    Some(asked.chars().take(LONGEST).collect())
}

/// Until when a person allows what the brake of a tenant holds back.
pub fn acknowledged_until(metadata: &ObjectMeta) -> Option<Timestamp> {
    let until = annotation(metadata, names::ACKNOWLEDGED_UNTIL)?;
    until.parse().ok()
}

/// One annotation.
pub fn annotation<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a String> {
    metadata.annotations.as_ref()?.get(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> ObjectMeta {
        ObjectMeta {
            annotations: Some([(name.to_owned(), value.to_owned())].into()),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn what_was_asked_is_recorded_as_far_as_it_fits() {
        let asked = |text: &str| reconcile_at(&with(names::RECONCILE_AT, text)).unwrap();
        assert_eq!(asked("now"), "now");
        assert_eq!(asked(&"x".repeat(10_000)), "x".repeat(LONGEST));
    }

    #[test]
    fn a_pause_that_is_no_time_is_kept_as_it_is_written() {
        let good = with(names::PAUSED_UNTIL, "2026-11-30T00:00:00Z");
        assert!(paused_until(&good).is_some() && unreadable_pause(&good).is_none());
        let bad = with(names::PAUSED_UNTIL, "tomorrow");
        assert_eq!(paused_until(&bad), None);
        assert_eq!(unreadable_pause(&bad).as_deref(), Some("tomorrow"));
    }
}
