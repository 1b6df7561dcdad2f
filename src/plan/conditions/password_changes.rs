//! The condition `PasswordChangesHealthy`: on which sources of a group password changes failed
//! lately, and why. It warns, and blocks nothing. It is absent unless the IdentityTenant asks for it.
//!
//! `True` is said only if all events of the time were read and understood.

use std::time::Duration;

use psg_domain::{ConditionType, FailureCause, Failures, password_changes::SourceFailures};

use super::{Condition, NO_FAILURES, Truth, condition};
use crate::{case::Case, observed::PasswordChanges, reason::Reason, resolve::Resolved};

/// How far back failures count. The service tries a change again for up to 90 minutes, so what is
/// tried again is still seen.
pub const WINDOW: Duration = Duration::from_hours(2);

/// At most so many sources are described; a message has room for no more.
const MOST_DESCRIBED: usize = 5;

/// The condition, if the audit events are read.
pub fn condition_of(case: &Case<'_>, resolved: &Resolved) -> Option<Condition> {
    let kind = ConditionType::PasswordChangesHealthy;
    let unknown = |message: String| {
        let reason = Reason::AuditUnreadable.as_str();
        condition(kind, Truth::Unknown, reason, message)
    };
    Some(match case.tenant.password_changes.as_deref()? {
        PasswordChanges::Unreadable(why) => unknown(format!(
            "the audit events of the tenant cannot be read: {why}"
        )),
        PasswordChanges::Read(failures) => match failing(case, resolved, failures) {
            Some(message) => {
                let reason = Reason::PasswordChangesFailing.as_str();
                condition(kind, Truth::False, reason, message)
            }
            None => match doubt(failures) {
                Some(message) => unknown(message),
                None => condition(kind, Truth::True, NO_FAILURES, String::new()),
            },
        },
    })
}

/// What failed on the sources of the group, the most failures first.
fn failing(case: &Case<'_>, resolved: &Resolved, failures: &Failures) -> Option<String> {
    let pins = resolved.sources.iter();
    let sources = pins.filter_map(|pin| case.picture.source(&pin.id));
    let mut failing: Vec<(&str, &SourceFailures)> = sources
        .filter_map(|source| Some((source.name.as_str(), failures.sources.get(&source.name)?)))
        .collect();
    failing.sort_by_key(|(name, counts)| (u32::MAX - counts.total(), *name));
    let left = failing.len().saturating_sub(MOST_DESCRIBED);
    let described = failing.iter().take(MOST_DESCRIBED);
    let mut parts: Vec<String> = described
        .map(|(name, counts)| {
            let causes = counts.by_cause().filter(|(_, count)| *count > 0);
            let causes: Vec<String> = causes.map(in_words).collect();
            format!("\"{name}\": {}", causes.join(", "))
        })
        .collect();
    parts.extend((left > 0).then(|| format!("and {left} more sources")));
    let hours = WINDOW.as_secs() / 3600;
    (!parts.is_empty()).then(|| {
        format!(
            "password changes that failed in the last {hours} hours: {}",
            parts.join("; ")
        )
    })
}

fn in_words((cause, count): (FailureCause, u32)) -> String {
    format!("{count} because {}", cause.because())
}

/// Why no failure that was found does not mean that there is none.
fn doubt(failures: &Failures) -> Option<String> {
    if failures.unknown > 0 {
        Some(format!(
            "{} audit events do not say on which source a password change failed",
            failures.unknown
        ))
    } else if failures.more {
        Some("there are more audit events of password changes than are read".to_owned())
    } else {
        None
    }
}
