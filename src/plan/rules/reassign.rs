//! Gives sources a policy of their own again: after a deletion, and after an edit took them out.
//! Each source is read first, since the service may have assigned the policy by itself; it is
//! written only if it lacks the policy, and read back.

use jiff::Timestamp;
use psg_domain::{
    Assign, GroupId, Holder, Reassignment, ReassignmentResult, facts::default_policy, time,
};

use crate::{
    action::{Action, Memory, Next, What},
    case::Case,
    outcome::Setback,
    reason::{Finding, Reason},
    rules::write::write,
};

/// After so many new results, they are recorded: a crash repeats no more than their reads.
const BATCH: usize = 10;

/// How far a reassignment is.
pub enum Progress {
    /// Every source has a result, or is to wait.
    Done(Vec<Reassignment>),
    /// Do this first.
    Open(Next),
}

enum Source {
    Decided(ReassignmentResult),
    Unread(Timestamp),
    /// Only a walk that began then or later tells which group rules the source.
    Unplaced(Timestamp),
    Lacking(Vec<Holder>),
    Blocked(Setback),
}

/// Adds sources to a list; a source that is already on it stays as it is.
pub fn enlist(list: &mut Vec<Reassignment>, more: impl IntoIterator<Item = Reassignment>) {
    for open in more {
        if list.iter().all(|known| known.source != open.source) {
            list.push(open);
        }
    }
}

/// Looks at every open source, except those for which `waits` is true. `after` is the moment since
/// which `group` no longer rules them.
pub fn progress(
    case: &Case<'_>,
    now: Timestamp,
    sources: &[Reassignment],
    waits: impl Fn(&Reassignment) -> bool,
    group: Option<&GroupId>,
    after: Timestamp,
) -> Progress {
    let mut results = sources.to_vec();
    let mut unread = Vec::new();
    let mut unplaced = None;
    let mut newer_than = after;
    let mut lacking = None;
    let mut blocked: Vec<(String, Setback)> = Vec::new();
    for open in results
        .iter_mut()
        .filter(|open| open.result.is_none() && !waits(open))
    {
        match look(case, now, open, group, after) {
            Source::Decided(result) => open.result = Some(result),
            Source::Unread(since) => {
                newer_than = newer_than.max(since);
                unread.push(open.source.clone());
            }
            Source::Unplaced(since) => unplaced = unplaced.max(Some(since)),
            Source::Lacking(holders) => {
                lacking = lacking.or_else(|| Some((open.source.clone(), holders)));
            }
            Source::Blocked(setback) => blocked.push((open.name.clone(), setback)),
        }
    }
    let decided = |list: &[Reassignment]| list.iter().filter(|one| one.result.is_some()).count();
    if !unread.is_empty() {
        let newer_than = time::after(newer_than, std::time::Duration::from_nanos(1));
        return Progress::Open(Next::Refresh {
            what: What::Holders(unread),
            newer_than,
        });
    }
    if let Some(newer_than) = unplaced {
        return Progress::Open(Next::Refresh {
            what: What::Groups,
            newer_than,
        });
    }
    // Results are also stored before a wait: meanwhile a person may give those sources another
    // policy.
    let waits = lacking.is_none() && !blocked.is_empty();
    let new = decided(&results) - decided(sources);
    if new >= if waits { 1 } else { BATCH } && decided(&results) < results.len() {
        return Progress::Open(Next::Do(Action::Record(Memory::Reassigned(results))));
    }
    if let Some((source, holders)) = lacking {
        return Progress::Open(write(case, now, Action::AssignPolicy { source, holders }));
    }
    if let Some(until) = blocked.iter().map(|(_, setback)| setback.until).min() {
        let each: Vec<String> = blocked
            .iter()
            .map(|(name, setback)| format!("\"{name}\": {}", setback.why.message))
            .collect();
        let message = format!(
            "sources that do not have their policy yet: {}",
            each.join("; ")
        );
        let reason = if case.object.deleting {
            Reason::DeletionBlocked
        } else {
            Reason::Retrying
        };
        let why = Finding::new(reason, message);
        return Progress::Open(Next::Wait { until, why });
    }
    Progress::Done(results)
}

fn look(
    case: &Case<'_>,
    now: Timestamp,
    open: &Reassignment,
    group: Option<&GroupId>,
    after: Timestamp,
) -> Source {
    let picture = case.picture;
    // Only a walk that began at `after` or later tells which group rules the source now.
    let walked = picture.groups_as_of().unwrap_or(Timestamp::MIN);
    let elsewhere = picture.groups_with(&open.source).into_iter();
    let others = elsewhere
        .filter(|other| Some(&other.id) != group && picture.shows_member(&other.id, &open.source));
    // A group without an id may be `group` itself, as it was before.
    let without_id = picture.group_without_id_with(&open.source);
    if let Some(since) = others
        .filter_map(|other| picture.shown_since(&other.id))
        .chain(without_id.map(|_| after))
        .min()
    {
        // A read that lags may show a group that has let the source go: only a membership that
        // lasts counts.
        let sure = time::after(since, case.timers.settle);
        return if walked >= sure.max(after) {
            Source::Decided(ReassignmentResult::InAnotherGroup)
        } else if now < sure {
            let message = format!("another group has it; it is left to that if it is so at {sure}");
            let why = Finding::new(Reason::Retrying, message);
            Source::Blocked(Setback { until: sure, why })
        } else {
            Source::Unplaced(sure.max(after))
        };
    }
    // If another resource records the source, the source may already be in that resource's group,
    // by a write of an earlier process that no read shows yet.
    let first = picture.first_walk_since(Timestamp::MIN).unwrap_or(now);
    let sure = time::after(first, case.timers.settle);
    let me = case.object.uid.as_str();
    if walked < sure && case.claims.is_recorded_elsewhere(me, &open.source) {
        if now >= sure {
            return Source::Unplaced(sure);
        }
        let message =
            format!("another PasswordSyncGroup records it; it is looked at again at {sure}");
        let why = Finding::new(Reason::Retrying, message);
        return Source::Blocked(Setback { until: sure, why });
    }
    let placed = walked >= after;
    if let Some(setback) = case
        .engine
        .expectations
        .blocked
        .get(&open.source)
        .filter(|setback| setback.until > now)
    {
        return Source::Blocked(setback.clone());
    }
    let assigned = case.engine.expectations.assigned.get(&open.source).copied();
    let since = assigned.map_or(after, |at| at.max(after));
    let holders = match picture.holders(&open.source) {
        Some((Some(holders), as_of)) if as_of > since => holders,
        Some((None, as_of)) if as_of > since => return not_found(case, now, open, as_of),
        _ => return Source::Unread(since),
    };
    if default_policy(holders) == Some(&open.policy) {
        let by = assigned.map_or(ReassignmentResult::ByService, |_| {
            ReassignmentResult::ByOperator
        });
        return Source::Decided(by);
    }
    let own = holders.iter().any(|holder| !holder.is_exception());
    if open.assign == Assign::IfNone && own {
        return Source::Decided(ReassignmentResult::HasOwnPolicy);
    }
    if picture.lacks_policy(&open.policy) {
        return Source::Decided(ReassignmentResult::PolicyGone);
    }
    if let Some(at) = assigned {
        let until = time::after(at, case.backoff);
        if now < until {
            let message = "the policy was assigned and does not show yet".to_owned();
            return Source::Blocked(Setback {
                until,
                why: Finding::new(Reason::Retrying, message),
            });
        }
    }
    if !placed {
        return Source::Unplaced(after);
    }
    let exceptions = holders
        .iter()
        .filter(|holder| holder.is_exception())
        .cloned();
    let ours = Holder::for_everybody(open.policy.clone());
    Source::Lacking(std::iter::once(ours).chain(exceptions).collect())
}

/// The tenant answered 404 for the policies of a source. A proxy in between may answer 404 as well,
/// so the source counts as gone only if the list of sources does not show it either.
fn not_found(case: &Case<'_>, now: Timestamp, open: &Reassignment, as_of: Timestamp) -> Source {
    if case.picture.lacks_source(&open.source) {
        return Source::Decided(ReassignmentResult::SourceGone);
    }
    // By then the list of sources is newer.
    let until = time::after(as_of, case.tenant.interval.max(case.backoff));
    if now >= until {
        return Source::Unread(as_of);
    }
    let message =
        "the tenant answers 404 where its policies are read, and its list of sources does not \
                   show that the source is gone"
            .to_owned();
    Source::Blocked(Setback {
        until,
        why: Finding::new(Reason::Retrying, message),
    })
}
