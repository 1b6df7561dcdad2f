//! How a rule begins a write: a pause holds it back, and the finalizers of the tenant and of the
//! resource come first.

use jiff::Timestamp;
use psg_domain::time;

use crate::{
    action::{Action, Next},
    case::Case,
    observed::InUse,
    reason::{Finding, Reason},
};

/// Begins an action unless a pause holds it back; the finalizers of the tenant and of the resource
/// come first.
pub fn write(case: &Case<'_>, now: Timestamp, action: Action) -> Next {
    if let Some(paused) = paused(case, now) {
        return paused;
    }
    if let Some(wait) = not_kept(case, now) {
        return wait;
    }
    if !case.object.finalizer {
        return Next::Do(Action::HoldFinalizer);
    }
    Next::Do(action)
}

/// Nothing is begun in a tenant whose IdentityTenant could be gone before it is undone. This is
/// asked again once the resource holds its finalizer: only then does the IdentityTenant surely wait
/// for it.
fn not_kept(case: &Case<'_>, now: Timestamp) -> Option<Next> {
    if case.may_have_made() {
        return None;
    }
    let why = match case.tenant.in_use {
        InUse::Held => return None,
        InUse::No => Finding::new(Reason::Pending, "the IdentityTenant is not held yet"),
        InUse::Ending => Finding::new(
            Reason::TenantNotFound,
            "the IdentityTenant is being deleted and takes no new group: delete this resource as \
             well, and apply both again",
        ),
    };
    let until = time::after(now, case.tenant.interval);
    Some(Next::Wait { until, why })
}

/// What a paused resource waits for; nothing if it is not paused.
pub fn paused(case: &Case<'_>, now: Timestamp) -> Option<Next> {
    if !case.is_paused(now) {
        return None;
    }
    let (until, message) = case.object.pause(now);
    let why = Finding::new(Reason::Paused, message);
    Some(Next::Wait { until, why })
}
