//! From when on a read shows a change that was sent. Until then no difference is called drift.

use jiff::Timestamp;
use psg_domain::{Group, Presence, Recorded, time};

use crate::{
    action::Next,
    case::Case,
    reason::{Finding, Reason},
};

/// From when on a read shows the result of every PUT of the open update; none if no update is open,
/// or no PUT was sent.
///
/// A PUT that was answered has taken effect, and reads may lag behind it for the settle time. A PUT
/// without an answer may take effect until the settle time is over, and reads may lag behind that
/// for the confirm gap.
pub fn shown_from(case: &Case<'_>) -> Option<Timestamp> {
    let update = case.recorded.update.as_ref()?;
    let Some(puts) = &case.engine.expectations.puts else {
        return Some(update.started_at);
    };
    let answered = puts
        .answered_at
        .map(|at| time::after(at, case.timers.settle));
    let unanswered = puts.unanswered_at.map(|at| {
        let late = time::after(at, case.timers.settle);
        time::after(late, case.timers.confirm_gap)
    });
    answered.max(unanswered)
}

/// Whether a read that began at `as_of` may not show the last change yet.
pub fn is_hidden(case: &Case<'_>, as_of: Timestamp) -> bool {
    shown_from(case).is_some_and(|from| as_of < from)
}

/// When a record that stays open at the end of a pass is to be looked at again: once a regular read
/// shows its change.
pub fn next_look(case: &Case<'_>, stored: &Recorded, now: Timestamp) -> Option<Timestamp> {
    stored.update.as_ref()?;
    let from = shown_from(case)?;
    let hidden = match case.picture.group(stored.held()?) {
        Presence::There(_, as_of) => as_of < from,
        Presence::Gone(_) | Presence::Unknown(_) => now < from,
    };
    hidden.then(|| time::after(from.max(now), case.tenant.interval))
}

/// Waits for a read that shows the last change, or asks for it.
pub fn wait(case: &Case<'_>, now: Timestamp, group: &Group, reason: Reason) -> Option<Next> {
    let from = shown_from(case)?;
    if now >= from {
        return Some(Next::read_group(&group.id, from));
    }
    let message = format!(
        "a change of group {} was sent and may not show yet: it is read again at {from}",
        group.id
    );
    let why = Finding::new(reason, message);
    Some(Next::Wait { until: from, why })
}
