//! Sources that a change of the operator took out of a group, or may have taken out: each gets the
//! group's policy as its own. `reassign` says how.

use jiff::Timestamp;
use psg_domain::{Assign, Group, GroupId, PolicyId, Presence, Reassignment, Recorded, SourceId};

use crate::{
    action::{Action, Memory, Next},
    case::Case,
    differ,
    expectations::Puts,
    reason::{Finding, Reason},
    rules::{
        absence, create,
        read_lag::{is_hidden, shown_from, wait},
        reassign,
        reassign::Progress,
    },
};

/// Every source that may have no policy once it is out of the group: those that a read shows in it
/// or, without a read, those last made equal ([`Assign::Always`]); then the others that the records
/// put into it, which get the policy only if they have none ([`Assign::IfNone`]).
pub fn members(case: &Case<'_>, read: Option<&Group>) -> Vec<Reassignment> {
    let recorded = &case.recorded;
    let pinned = recorded.policy.as_ref().map(|pin| &pin.id);
    let list = |sources: Vec<&SourceId>, policy: Option<&PolicyId>, assign| {
        let policy = policy.cloned();
        let open = move |source: &SourceId| {
            Some(Reassignment {
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
    reassign::enlist(&mut members, list(made_equal(), pinned, Assign::IfNone));
    if let Some(update) = &recorded.update {
        let sent = update.sources.iter().collect();
        let sent = list(sent, Some(&update.policy), Assign::IfNone);
        reassign::enlist(&mut members, sent);
    }
    members
}

/// How far the reassignment is of the sources that a change took out, or may have taken out;
/// nothing if the group does not show and no source is open.
pub fn progress(case: &Case<'_>, now: Timestamp) -> Option<Progress> {
    let Some(held) = case.recorded.held() else {
        return leavers_without_a_group(case, now);
    };
    let (group, as_of) = match case.picture.group(held) {
        Presence::There(group, as_of) => (group, as_of),
        _ if case.recorded.leaving.iter().all(|one| one.result.is_some()) => return None,
        Presence::Gone(_) => return leavers_of_one_that_is_gone(case, now, held),
        Presence::Unknown(after) => return Some(Progress::Open(Next::read_group(held, after))),
    };
    let hidden = is_hidden(case, as_of);
    let list = &case.recorded.leaving;
    let sent = case.engine.expectations.puts.is_none_or(Puts::was_sent);
    if let Some(update) = case.recorded.update.as_ref().filter(|_| sent && !hidden) {
        let is_missing = |one: &Reassignment| {
            update.sources.contains(&one.source) && !group.sources.contains(&one.source)
        };
        let missing = members(case, Some(group)).into_iter().filter(is_missing);
        let mut longer = list.clone();
        reassign::enlist(&mut longer, missing);
        if longer != *list {
            let memory = Memory::Reassigned(longer);
            return Some(Progress::Open(Next::Do(Action::Record(memory))));
        }
    }
    // A source that is back in the group needs no policy of its own. Whether the others have left
    // for good, only a read that shows the last change tells; but it is certain for a source that a
    // read showed as a member and that an answered PUT took out.
    let is_member = |one: &Reassignment| group.sources.contains(&one.source);
    let puts = case.engine.expectations.puts.unwrap_or_default();
    let certain = puts.answered_at.is_some() && puts.unanswered_at.is_none();
    let is_early = |one: &Reassignment| hidden && !(certain && one.assign == Assign::Always);
    let waits = |one: &Reassignment| is_member(one) || is_early(one);
    // From when on a read of holders counts: from the answer of the PUT or, if a PUT had no answer,
    // from when a read shows every PUT; but not later than this read of the group.
    let since = match puts.answered_at.filter(|_| certain) {
        Some(answered) => answered.min(as_of),
        None => shown_from(case).map_or(as_of, |from| from.min(as_of)),
    };
    let group_id = Some(&group.id);
    let results = match reassign::progress(case, now, list, waits, group_id, since) {
        Progress::Done(results) => results,
        next @ Progress::Open(_) => return Some(next),
    };
    let mut open = results.iter().filter(|one| one.result.is_none());
    if !open.any(|one| !is_member(one)) {
        return Some(Progress::Done(results));
    }
    let next = if results == *list {
        wait(case, now, group, Reason::Updating)?
    } else {
        Next::Do(Action::Record(Memory::Reassigned(results)))
    };
    Some(Progress::Open(next))
}

/// Like [`progress`], once the group is gone: no source can be in it any more.
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
        return Some(Progress::Open(wait));
    }
    let since = case.picture.gone_since(held)?;
    let list = &case.recorded.leaving;
    let progress = reassign::progress(case, now, list, |_| false, Some(held), since);
    Some(progress)
}

/// Like [`progress`], after the group was gone and before there is another. Sources that an open
/// create may put into a group wait until it is settled.
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
    let waits = |one: &Reassignment| sent.is_some_and(|sent| sent.contains(&one.source));
    // The intent and the refusal are recorded only once the group is gone for sure; a moment in the
    // future comes from another clock and is ignored.
    let refused = refused.as_ref().and_then(|refused| refused.at);
    let sent_at = intent.as_ref().map(|intent| intent.started_at);
    let recorded = [sent_at, refused].into_iter().flatten();
    let since = recorded.filter(|at| *at <= now).max();
    let since = since.or_else(|| case.picture.groups_as_of())?;
    Some(reassign::progress(case, now, leaving, waits, None, since))
}

/// What is still to be done for the sources that a change took out; nothing if each has its policy,
/// or may not have left yet.
pub fn look_after(case: &Case<'_>, now: Timestamp) -> Option<Next> {
    if !case.object.finalizer && !case.is_paused(now) {
        return Some(Next::Do(Action::HoldFinalizer));
    }
    match progress(case, now)? {
        Progress::Done(_) => None,
        Progress::Open(next) => Some(next),
    }
}
