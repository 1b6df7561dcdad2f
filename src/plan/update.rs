//! A change that was sent and that reads may not show yet. Its record stands in the status before
//! the PUT is sent, and is closed by a read that began after the settle time of the last PUT: until
//! then no difference is called drift, and every source of the record may be in the group.

use jiff::Timestamp;
use psg_domain::{
    Assign, Group, GroupId, HandBack, PolicyId, Presence, Recorded, SourceId, Update, time,
};

use crate::{
    absence,
    case::{Case, Memory, Move, Puts, Step},
    create, differ, hand_back,
    hand_back::Progress,
    reason::{Finding, Reason},
    resolve::Resolved,
    sync::{self, read_group},
};

/// From when on a read shows what became of every PUT of the open record; none if none is open, or
/// none was sent.
///
/// A PUT that was answered has taken effect, and reads may lag behind it for the settle time. One
/// that was not may take effect as late, and reads may lag behind that.
pub fn shown_from(case: &Case<'_>) -> Option<Timestamp> {
    let update = case.recorded.update.as_ref()?;
    let Some(puts) = &case.engine.sent.puts else {
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

/// Whether the open record is of something else than what is wanted.
pub fn is_of_another(case: &Case<'_>, wanted: &Resolved) -> bool {
    let (name, policy) = (&wanted.name, &wanted.policy.id);
    case.recorded.update.as_ref().is_some_and(|update| {
        (&update.name, &update.policy) != (name, policy) || update.sources != wanted.source_ids()
    })
}

/// Whether no PUT of what is recorded was answered yet, or one that nobody answered may have taken
/// effect after the last one that was: a difference is ours to mend.
pub fn is_unfinished(case: &Case<'_>) -> bool {
    if case.recorded.update.is_none() {
        return false;
    }
    let puts = case.engine.sent.puts.unwrap_or_default();
    let late = puts
        .unanswered_at
        .map(|at| time::after(at, case.timers.settle));
    puts.taken_at.is_none() || late.is_some_and(|late| puts.answered_at.is_none_or(|at| at <= late))
}

/// Waits for a read that shows the last change, or asks for it.
pub fn wait(case: &Case<'_>, now: Timestamp, group: &Group, reason: Reason) -> Option<Move> {
    let from = shown_from(case)?;
    if now >= from {
        return Some(read_group(&group.id, from));
    }
    let message = format!(
        "a change of group {} was sent and may not show yet: it is read again at {from}",
        group.id
    );
    let why = Finding::new(reason, message);
    Some(Move::Wait { until: from, why })
}

/// Every source that may be without a policy without our group: those that a read shows in it or,
/// if it is gone, those that were last made equal; and, only if they have no policy then, those that
/// our own records put into it and that do not show.
pub fn members(case: &Case<'_>, read: Option<&Group>) -> Vec<HandBack> {
    let recorded = &case.recorded;
    let pinned = recorded.policy.as_ref().map(|pin| &pin.id);
    let list = |sources: Vec<&SourceId>, policy: Option<&PolicyId>, assign| {
        let policy = policy.cloned();
        let open = move |source: &SourceId| {
            Some(HandBack {
                source: source.clone(),
                name: differ::source(source, case.picture),
                policy: policy.clone()?,
                assign,
                result: None,
            })
        };
        sources.into_iter().filter_map(open).collect::<Vec<_>>()
    };
    let made_equal = || recorded.sources.iter().map(|pin| &pin.id).collect();
    let mut members = match read {
        Some(group) => {
            let policy = group.policy.as_ref().or(pinned);
            list(group.sources.iter().collect(), policy, Assign::Always)
        }
        None => list(made_equal(), pinned, Assign::Always),
    };
    hand_back::enlist(&mut members, list(made_equal(), pinned, Assign::IfNone));
    if let Some(update) = &recorded.update {
        let sent = update.sources.iter().collect();
        let sent = list(sent, Some(&update.policy), Assign::IfNone);
        hand_back::enlist(&mut members, sent);
    }
    members
}

/// How far the sources are that left by our changes, or may have left; nothing if none is left to be
/// looked after.
pub fn leavers(case: &Case<'_>, now: Timestamp) -> Option<Progress> {
    let Some(held) = case.recorded.held() else {
        return leavers_without_a_group(case, now);
    };
    let (group, as_of) = match case.picture.group(held) {
        Presence::There(group, as_of) => (group, as_of),
        _ if case.recorded.leaving.iter().all(|one| one.result.is_some()) => return None,
        Presence::Gone(_) => return leavers_of_one_that_is_gone(case, now, held),
        Presence::Unknown(after) => return Some(Progress::Next(read_group(held, after))),
    };
    let hidden = is_hidden(case, as_of);
    let list = &case.recorded.leaving;
    let sent = case.engine.sent.puts.is_none_or(Puts::was_sent);
    if let Some(update) = case.recorded.update.as_ref().filter(|_| sent && !hidden) {
        let is_missing = |one: &HandBack| {
            update.sources.contains(&one.source) && !group.sources.contains(&one.source)
        };
        let missing = members(case, Some(group)).into_iter().filter(is_missing);
        let mut longer = list.clone();
        hand_back::enlist(&mut longer, missing);
        if longer != *list {
            let memory = Memory::HandedBack(longer);
            return Some(Progress::Next(Move::Do(Step::Record(memory))));
        }
    }
    // One that is back in the group is the group's. Whether the others have left for good, only a read
    // that shows the last change tells: of those that a read showed as members, and that an answered
    // PUT took out, that is certain.
    let is_member = |one: &HandBack| group.sources.contains(&one.source);
    let puts = case.engine.sent.puts.unwrap_or_default();
    let certain = puts.answered_at.is_some() && puts.unanswered_at.is_none();
    let is_early = |one: &HandBack| hidden && !(certain && one.assign == Assign::Always);
    let waits = |one: &HandBack| is_member(one) || is_early(one);
    // What holders were read since: the answer of the PUT or, where another may have followed, the
    // first moment at which a read shows both.
    let since = match puts.answered_at.filter(|_| certain) {
        Some(answered) => answered.min(as_of),
        None => shown_from(case).map_or(as_of, |from| from.min(as_of)),
    };
    let group_id = Some(&group.id);
    let results = match hand_back::progress(case, now, list, waits, group_id, since) {
        Progress::Done(results) => results,
        next @ Progress::Next(_) => return Some(next),
    };
    let mut open = results.iter().filter(|one| one.result.is_none());
    if !open.any(|one| !is_member(one)) {
        return Some(Progress::Done(results));
    }
    let next = if results == *list {
        wait(case, now, group, Reason::Updating)?
    } else {
        Move::Do(Step::Record(Memory::HandedBack(results)))
    };
    Some(Progress::Next(next))
}

/// The same once the group is gone: none of them can be in it any more.
fn leavers_of_one_that_is_gone(
    case: &Case<'_>,
    now: Timestamp,
    held: &GroupId,
) -> Option<Progress> {
    let in_doubt = absence::in_doubt(case, now, held, |sure| {
        let message = format!(
            "group {held} does not show; the sources that left it get their policy if that is still so \
             at {sure}"
        );
        Finding::new(Reason::Updating, message)
    });
    if let Some(wait) = in_doubt {
        return Some(Progress::Next(wait));
    }
    let since = case.picture.gone_since(held)?;
    let list = &case.recorded.leaving;
    let progress = hand_back::progress(case, now, list, |_| false, Some(held), since);
    Some(progress)
}

/// The same after the group was gone and before there is another. Those that a create may be about to
/// put into a group wait for its end.
fn leavers_without_a_group(case: &Case<'_>, now: Timestamp) -> Option<Progress> {
    let Recorded {
        leaving,
        intent,
        refused,
        ..
    } = &case.recorded;
    if leaving.iter().all(|one| one.result.is_some()) {
        return None;
    }
    let sent = create::open(case).map(|intent| &intent.sources);
    let waits = |one: &HandBack| sent.is_some_and(|sent| sent.contains(&one.source));
    // Either was recorded when the group was gone for sure; what another clock dated later says nothing.
    let refused = refused.as_ref().and_then(|refused| refused.at);
    let sent_at = intent.as_ref().map(|intent| intent.started_at);
    let recorded = [sent_at, refused].into_iter().flatten();
    let since = recorded.filter(|at| *at <= now).max();
    let since = since.or_else(|| case.picture.groups_as_of())?;
    Some(hand_back::progress(case, now, leaving, waits, None, since))
}

/// Remembers at the end of a pass what became of the leavers. Closes the record once its change
/// shows, or a later edit has made it void; a change that is still to be carried out stays recorded.
pub fn close(recorded: &mut Recorded, case: &Case<'_>, ended: &Move, now: Timestamp) {
    if recorded.update.is_none() && recorded.leaving.is_empty() {
        return;
    }
    let Some(Progress::Done(leavers)) = leavers(case, now) else {
        return;
    };
    let shown = recorded.held().map(|id| case.picture.group(id));
    let Some(Presence::There(group, as_of)) = shown else {
        recorded.leaving = leavers;
        return;
    };
    let made = recorded.update.as_ref().map(|update| update.made(group));
    let is_over = *ended == Move::Settled || made.unwrap_or(true) || !is_unfinished(case);
    // What the tenant stores otherwise is counted with the record: closed, it would be sent anew.
    let puts = case.engine.sent.puts.unwrap_or_default();
    let is_otherwise = made == Some(false) && puts.otherwise > 0;
    if is_hidden(case, as_of) || is_otherwise || !is_over {
        recorded.leaving = leavers;
        return;
    }
    recorded.leaving = Vec::new();
    recorded.update = None;
    // Another manifest may have come meanwhile that leads nowhere: what was made stays recorded, or a
    // source that joined would be in no status.
    if made == Some(true) && *ended != Move::Settled {
        sync::pin_group(recorded, group, case);
    }
}

/// The record of a PUT that makes a group this, and every source that it takes out, or that an
/// earlier PUT may have put in.
pub fn record(
    case: &Case<'_>,
    now: Timestamp,
    wanted: &Group,
    shown: &Group,
) -> Option<(Update, Vec<HandBack>)> {
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
            // What was handed back before it joined anew says nothing of this time.
            (true, _) => false,
            (false, false) => true,
            // The PUT may fail, and the manifest change again.
            (false, true) => gone.result.is_none(),
        }
    });
    let mut leaving: Vec<HandBack> = known.cloned().collect();
    let left = members(case, Some(shown)).into_iter();
    let left = left.filter(|open| !wanted.sources.contains(&open.source));
    hand_back::enlist(&mut leaving, left);
    let repeated = case
        .recorded
        .update
        .as_ref()
        .is_some_and(|open| open.is_repeated_by(&update));
    (!repeated || leaving != case.recorded.leaving).then_some((update, leaving))
}
