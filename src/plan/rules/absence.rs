//! When a group that no read by id shows counts as gone. A read may lag behind a create, and
//! another process may have made the group a moment ago: the group counts as gone only if it stays
//! absent for the settle time.

use jiff::Timestamp;
use psg_domain::{GroupId, Presence, time};

use crate::{action::Next, case::Case, reason::Finding};

/// What must be waited for or read before a group that does not show counts as gone; `said` is told
/// when that will be. Nothing if the group is not [`Presence::Gone`], or if its absence has lasted.
pub fn in_doubt(
    case: &Case<'_>,
    now: Timestamp,
    id: &GroupId,
    said: impl FnOnce(Timestamp) -> Finding,
) -> Option<Next> {
    let Presence::Gone(as_of) = case.picture.group(id) else {
        return None;
    };
    let since = case.picture.gone_since(id).unwrap_or(as_of);
    let sure = time::after(since, case.timers.settle);
    if as_of >= sure {
        return None;
    }
    if now >= sure {
        return Some(Next::read_group(id, sure));
    }
    let why = said(sure);
    Some(Next::Wait { until: sure, why })
}
