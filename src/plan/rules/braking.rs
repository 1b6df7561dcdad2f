//! The rule brake: no more than a part of a tenant's groups is deleted within ten minutes, unless a
//! person confirms it.

use jiff::Timestamp;
use psg_domain::time;

use crate::{
    action::Next,
    brake::{WINDOW, Wave},
    case::Case,
    reason::{Finding, Reason},
};

/// Holds back a deletion that was not begun; nothing if the deletion may begin.
pub fn holds(case: &Case<'_>, now: Timestamp) -> Option<Next> {
    if case.tenant.is_acknowledged(now) {
        return None;
    }
    let tenant = &case.claims.claimant(&case.object.uid)?.tenant;
    let Wave {
        managed,
        going,
        held_back,
    } = case.claims.wave(tenant, time::before(now, WINDOW));
    let limit = case.tenant.brake.limit(managed);
    if going <= limit && held_back == 0 {
        return None;
    }
    let message = format!(
        "{going} of {managed} groups are going or went within 10 minutes, and deletionBrake of IdentityTenant \
         {tenant} allows {limit}: the group is not deleted until passwordsync.dev/acknowledged-until is set \
         there to a time to come; deletionPolicy: Orphan lets this resource go without it"
    );
    Some(Next::Wait {
        until: time::after(now, WINDOW),
        why: Finding::new(Reason::DeletionPaused, message),
    })
}
