//! A resource that is being deleted. If its group is to be deleted, our finalizer is taken off only
//! once reads show that the group is gone, and every source has the policy that the group had
//! imposed, or a result that says why not.

use jiff::Timestamp;
use psg_domain::{Assign, Deletion, DeletionPolicy, GroupId, Presence, Reassignment, time};

use crate::{
    action::{Action, Memory, Next, Release, ReleaseKind, Remembered},
    case::Case,
    observed::TenantState,
    reason::{Finding, Reason},
    rules::{
        absence, braking,
        create::{self, Settlement},
        leavers, read_lag,
        reassign::{self, Progress},
        write::paused,
    },
};

/// What to do next for a resource that is being deleted.
pub fn next(case: &Case<'_>, now: Timestamp) -> Next {
    if !case.object.finalizer {
        return Next::Settled;
    }
    let recorded = &case.recorded;
    if !case.may_have_made() {
        return release(case, ReleaseKind::NothingMade, Vec::new());
    }
    let planned = recorded.deletion.as_ref().map(|d| &d.sources);
    let planned = planned.unwrap_or(&recorded.leaving);
    if case.observes() {
        return release(case, ReleaseKind::Observed, planned.clone());
    }
    if case
        .desired
        .as_ref()
        .is_ok_and(|desired| desired.deletion == DeletionPolicy::Orphan)
    {
        return release(case, ReleaseKind::Orphaned, planned.clone());
    }
    if let Some(paused) = paused(case, now) {
        return paused;
    }
    // Before the tenant is checked: with another reason in the status, a restart would forget that
    // the deletion was held back.
    let unbegun = recorded.deletion.is_none() && recorded.held().is_some();
    if let Some(wait) = braking::holds(case, now).filter(|_| unbegun) {
        return wait;
    }
    if let Some(wait) = tenant_in_the_way(case, now) {
        return wait;
    }
    if let Some(intent) = create::open(case) {
        return match create::settle(case, now, intent) {
            Settlement::Open(Next::Stalled(finding)) => blocked(case, now, finding.message),
            Settlement::Open(next) => next,
            Settlement::Void => without_a_group(case, now),
        };
    }
    let Some(group) = recorded
        .deletion
        .as_ref()
        .map(|d| &d.group)
        .or_else(|| recorded.held())
    else {
        return without_a_group(case, now);
    };
    match &recorded.deletion {
        None => record(case, now, group),
        Some(deletion) => undo(case, now, deletion),
    }
}

fn tenant_in_the_way(case: &Case<'_>, now: Timestamp) -> Option<Next> {
    let until = time::after(now, case.tenant.interval);
    if let (Some(pinned), Some(key)) = (&case.recorded.tenant, &case.tenant.key)
        && pinned != key
    {
        let message =
            format!("the group is in tenant {pinned}, but {key} answers behind the Secret");
        let message = format!("{}: {message}", Reason::TenantChanged);
        return Some(blocked(case, now, message));
    }
    match &case.tenant.state {
        TenantState::Ready | TenantState::Withdrawn(_) => None,
        TenantState::Pending => {
            let why = Finding::new(Reason::Pending, "the tenant has not been read yet");
            Some(Next::Wait { until, why })
        }
        TenantState::Blocked(finding) | TenantState::Unreachable(finding) => {
            let message = format!("{}: {}", finding.reason, finding.message);
            Some(blocked(case, now, message))
        }
    }
}

/// Records every source that the status or a read puts into the group. The read must show the last
/// change: an earlier one may lack a member that has just joined.
fn record(case: &Case<'_>, now: Timestamp, group: &GroupId) -> Next {
    let shown_from = read_lag::shown_from(case);
    if let Some(from) = shown_from.filter(|from| now < *from) {
        let message = format!(
            "a change of group {group} was sent and may not show yet: its deletion begins at {from}"
        );
        let why = Finding::new(Reason::Deleting, message);
        return Next::Wait { until: from, why };
    }
    let fresh = time::before(now, case.tenant.interval).max(shown_from.unwrap_or(Timestamp::MIN));
    let read = match case.picture.group(group) {
        Presence::Unknown(after) => return Next::read_group(group, after),
        Presence::There(_, as_of) if as_of < fresh => return Next::read_group(group, fresh),
        Presence::Gone(as_of) if Some(as_of) < shown_from => return Next::read_group(group, fresh),
        Presence::There(there, _) => Some(there),
        Presence::Gone(_) => None,
    };
    let leaving = case.recorded.leaving.iter();
    let (done, open): (Vec<_>, Vec<_>) = leaving.partition(|left| left.result.is_some());
    // A source that already has a result is not looked at again, unless it is a member again.
    let is_open = |one: &Reassignment| {
        let is_member = read.is_some_and(|group| group.sources.contains(&one.source));
        is_member || done.iter().all(|left| left.source != one.source)
    };
    let members = leavers::members(case, read).into_iter().filter(is_open);
    let (mut sources, others): (Vec<_>, Vec<_>) =
        members.partition(|one| one.assign == Assign::Always);
    reassign::enlist(&mut sources, open.into_iter().cloned());
    reassign::enlist(&mut sources, others);
    let deletion = Deletion {
        group: group.clone(),
        recorded_at: now,
        sources,
    };
    Next::Do(Action::Record(Memory::Deletion(deletion)))
}

/// No group is left to delete, but sources of an earlier group may be without a policy.
fn without_a_group(case: &Case<'_>, now: Timestamp) -> Next {
    let left = &case.recorded.leaving;
    let fresh = create::fresh_holders(case, now, left.len());
    match reassign::progress(case, now, left, |_| false, None, fresh) {
        Progress::Open(next) => next,
        Progress::Done(sources) if sources.is_empty() => {
            release(case, ReleaseKind::NothingMade, sources)
        }
        Progress::Done(sources) => release(case, ReleaseKind::Deleted, sources),
    }
}

fn undo(case: &Case<'_>, now: Timestamp, deletion: &Deletion) -> Next {
    let delete = || Next::Do(Action::DeleteGroup(deletion.group.clone()));
    let just_recorded = case.just_recorded(Remembered::Deletion);
    match case.picture.group(&deletion.group) {
        Presence::There(..) | Presence::Unknown(_) if just_recorded => delete(),
        Presence::Unknown(after) => Next::read_group(&deletion.group, after),
        // A `recorded_at` in the future comes from another clock, and no read would be newer.
        Presence::There(_, as_of)
            if as_of <= deletion.recorded_at && deletion.recorded_at <= now =>
        {
            Next::read_group(&deletion.group, deletion.recorded_at)
        }
        Presence::There(_, as_of) => match case.engine.expectations.deleted_at {
            Some(sent) if as_of >= sent && now < time::after(sent, case.backoff) => {
                let until = time::after(sent, case.backoff);
                let message = format!(
                    "the tenant still shows group {} after its deletion",
                    deletion.group
                );
                Next::Wait {
                    until,
                    why: Finding::new(Reason::DeletionBlocked, message),
                }
            }
            _ => delete(),
        },
        // A read may lag behind a create and not show the group; a DELETE finds it.
        Presence::Gone(_) if case.engine.expectations.deleted_at.is_none() && just_recorded => {
            delete()
        }
        Presence::Gone(as_of) => {
            if case.engine.expectations.deleted_at.is_none()
                && let Some(wait) = in_doubt(case, now, &deletion.group)
            {
                return wait;
            }
            let (sources, group) = (&deletion.sources, Some(&deletion.group));
            // The group may be gone for long: the holders must be read after the deletion was
            // recorded.
            let recorded = Some(deletion.recorded_at).filter(|at| *at <= now);
            let as_of = as_of.max(recorded.unwrap_or(as_of));
            match reassign::progress(case, now, sources, |_| false, group, as_of) {
                Progress::Open(next) => next,
                Progress::Done(sources) => release(case, ReleaseKind::Deleted, sources),
            }
        }
    }
}

fn in_doubt(case: &Case<'_>, now: Timestamp, group: &GroupId) -> Option<Next> {
    absence::in_doubt(case, now, group, |sure| {
        let message = format!(
            "group {group} does not show; it counts as deleted if that is still so at {sure}"
        );
        Finding::new(Reason::DeletionBlocked, message)
    })
}

fn release(case: &Case<'_>, kind: ReleaseKind, sources: Vec<Reassignment>) -> Next {
    let group = case
        .recorded
        .deletion
        .as_ref()
        .map(|d| &d.group)
        .or_else(|| case.recorded.held());
    Next::Do(Action::ReleaseFinalizer(Release {
        kind,
        group: group.cloned(),
        sources,
    }))
}

fn blocked(case: &Case<'_>, now: Timestamp, message: String) -> Next {
    let until = time::after(now, case.tenant.interval);
    Next::Wait {
        until,
        why: Finding::new(Reason::DeletionBlocked, message),
    }
}
