//! A change that was sent and that reads may not show yet. Its record is stored in the status
//! before the PUT is sent, and is closed by a read that began after the settle time of the last
//! PUT: until then no difference is called drift, and every source of the record may be in the
//! group.

use jiff::Timestamp;
use psg_domain::{Group, Presence, Reassignment, Recorded, Update, time};

use crate::{
    action::Next,
    case::Case,
    resolve::Resolved,
    rules::{
        leavers, read_lag,
        reassign::{self, Progress},
        recording,
    },
};

/// Whether the open update leads to something else than what is wanted.
pub fn is_of_another(case: &Case<'_>, wanted: &Resolved) -> bool {
    let (name, policy) = (&wanted.name, &wanted.policy.id);
    case.recorded.update.as_ref().is_some_and(|update| {
        (&update.name, &update.policy) != (name, policy) || update.sources != wanted.source_ids()
    })
}

/// Whether no PUT of the recorded update was answered yet, or a PUT without an answer may have
/// taken effect after the last answered one: then a difference is no drift.
pub fn is_unfinished(case: &Case<'_>) -> bool {
    if case.recorded.update.is_none() {
        return false;
    }
    let puts = case.engine.expectations.puts.unwrap_or_default();
    let late = puts
        .unanswered_at
        .map(|at| time::after(at, case.timers.settle));
    puts.taken_at.is_none() || late.is_some_and(|late| puts.answered_at.is_none_or(|at| at <= late))
}

/// At the end of a pass, records the results of the leaving sources; closes the update once its
/// change shows or a later edit has made it void. A change that is still to be carried out stays
/// recorded.
pub fn close(recorded: &mut Recorded, case: &Case<'_>, ended: &Next, now: Timestamp) {
    if recorded.update.is_none() && recorded.leaving.is_empty() {
        return;
    }
    let Some(Progress::Done(leavers)) = leavers::progress(case, now) else {
        return;
    };
    let shown = recorded.held().map(|id| case.picture.group(id));
    let Some(Presence::There(group, as_of)) = shown else {
        recorded.leaving = leavers;
        return;
    };
    let made = recorded.update.as_ref().map(|update| update.made(group));
    let is_over = *ended == Next::Settled || made.unwrap_or(true) || !is_unfinished(case);
    // `puts.otherwise` is counted for this record: if it were closed, the change would be sent
    // anew.
    let puts = case.engine.expectations.puts.unwrap_or_default();
    let is_otherwise = made == Some(false) && puts.otherwise > 0;
    if read_lag::is_hidden(case, as_of) || is_otherwise || !is_over {
        recorded.leaving = leavers;
        return;
    }
    recorded.leaving = Vec::new();
    recorded.update = None;
    // The manifest may have been replaced by one that cannot be carried out: what the PUT made must
    // be recorded, or a source that joined would be in no status.
    if made == Some(true) && *ended != Next::Settled {
        recording::pin_group(recorded, group, case);
    }
}

/// The record of a PUT that makes the group `wanted`, with every source that it takes out, or that
/// an earlier PUT may have put in. None if just this is recorded already.
pub fn record(
    case: &Case<'_>,
    now: Timestamp,
    wanted: &Group,
    shown: &Group,
) -> Option<(Update, Vec<Reassignment>)> {
    let update = Update {
        name: wanted.name.clone(),
        policy: wanted.policy.clone()?,
        sources: wanted.sources.clone(),
        started_at: now,
    };
    let known = case.recorded.leaving.iter().filter(|gone| {
        let there = shown.sources.contains(&gone.source);
        let back = wanted.sources.contains(&gone.source);
        match (there, back) {
            // The source is a member again: a result of an earlier leaving says nothing of this
            // one.
            (true, _) => false,
            (false, false) => true,
            // The PUT may fail, and the manifest change again.
            (false, true) => gone.result.is_none(),
        }
    });
    let mut leaving: Vec<Reassignment> = known.cloned().collect();
    let left = leavers::members(case, Some(shown)).into_iter();
    let left = left.filter(|open| !wanted.sources.contains(&open.source));
    reassign::enlist(&mut leaving, left);
    let repeated = case
        .recorded
        .update
        .as_ref()
        .is_some_and(|open| open.is_repeated_by(&update));
    (!repeated || leaving != case.recorded.leaving).then_some((update, leaving))
}
