//! The order of the rules. Level-triggered: no rule trusts that an earlier action happened; each
//! looks at what is recorded and what is observed.

pub mod absence;
pub mod adopt;
pub mod braking;
pub mod conflicts;
pub mod contested;
pub mod create;
pub mod delete;
pub mod leavers;
pub mod moving;
pub mod prerequisites;
pub mod read_lag;
pub mod reassign;
pub mod recording;
pub mod refused;
pub mod swap_graph;
pub mod sync;
pub mod update;
pub mod write;

use jiff::Timestamp;
use psg_domain::{Desired, Group, ManagementPolicy, Presence, time};

use self::{conflicts::conflicts, create::Settlement};
use crate::{
    action::{Action, Memory, Next, Release, ReleaseKind},
    case::Case,
    observed::TenantState,
    outcome::Outcome,
    reason::{Finding, Reason},
    resolve,
    resolve::Resolved,
};

/// What to do next for one resource.
pub fn next(case: &Case<'_>, now: Timestamp) -> Next {
    if let Some(stop) = setback(case, now) {
        return stop;
    }
    if case.object.deleting {
        delete::next(case, now)
    } else {
        live(case, now)
    }
}

/// A failed action ends the pass; only after a create without an answer does the pass go on at
/// once, to look for the group.
fn setback(case: &Case<'_>, now: Timestamp) -> Option<Next> {
    match case.engine.last.as_ref()? {
        Outcome::Refused(_, message) if case.object.deleting => {
            let until = time::after(now, case.backoff);
            let why = Finding::new(
                Reason::DeletionBlocked,
                format!("the tenant refused it: {message}"),
            );
            Some(Next::Wait { until, why })
        }
        Outcome::Refused(of, message) => {
            if let Some(stands) = refused::standing(case, now) {
                return Some(stands);
            }
            let refused = refused::again(case, now, of, message);
            Some(Next::Do(Action::Record(Memory::Refused(refused))))
        }
        Outcome::NotMade(setback) if setback.until > now => Some(Next::Wait {
            until: setback.until,
            why: setback.why.clone(),
        }),
        Outcome::Unknown(setback) if setback.until > now && create::open(case).is_none() => {
            Some(Next::Wait {
                until: setback.until,
                why: setback.why.clone(),
            })
        }
        _ => None,
    }
}

/// Sources that left by an earlier change get their policy even if the manifest stalls or waits,
/// unless the tenant is the reason.
fn live(case: &Case<'_>, now: Timestamp) -> Next {
    let next = wanted(case, now);
    let stops = matches!(next, Next::Stalled(_) | Next::Wait { .. });
    let may_have_left = !case.recorded.leaving.is_empty() || case.recorded.update.is_some();
    let looked_after =
        stops && may_have_left && !case.observes() && tenant_in_the_way(case, now).is_none();
    let leavers = looked_after.then(|| leavers::look_after(case, now));
    match (leavers.flatten(), next) {
        (Some(Next::Wait { until, why }), Next::Wait { until: other, .. }) => Next::Wait {
            until: until.min(other),
            why,
        },
        (Some(leavers), _) => leavers,
        (None, next) => next,
    }
}

fn wanted(case: &Case<'_>, now: Timestamp) -> Next {
    let desired = match &case.desired {
        Ok(desired) => desired,
        Err(why) => return Next::Stalled(Finding::new(Reason::InvalidSpec, why.clone())),
    };
    if case.observes() && case.object.finalizer {
        return Next::Do(Action::ReleaseFinalizer(Release {
            kind: ReleaseKind::Observed,
            group: case.recorded.held().cloned(),
            sources: case.recorded.leaving.clone(),
        }));
    }
    if let Some(stop) = tenant_in_the_way(case, now) {
        return stop;
    }
    // `groupID` names the group, so the open intent need not be settled.
    let intent = create::open(case).filter(|_| desired.group_id.is_none() && !case.observes());
    if let Some(intent) = intent
        && let Settlement::Open(next) = create::settle(case, now, intent)
    {
        return next;
    }
    let resolved = match case.resolve() {
        Ok(resolved) => resolved,
        Err(unresolved) => {
            let findings = resolve::findings(unresolved, case.picture);
            return Next::stalled(findings).unwrap_or(Next::Settled);
        }
    };
    if let (Some(held), Some(asked)) = (case.recorded.held(), &desired.group_id)
        && held != asked
        && !case.observes()
    {
        let message = format!(
            "groupID asks for {asked}, but this resource manages {held}: remove groupID, or use another resource for that group"
        );
        return Next::Stalled(Finding::new(Reason::InvalidSpec, message));
    }
    let mine = if case.observes() {
        desired.group_id.as_ref().or(case.recorded.group.as_ref())
    } else {
        case.recorded.held().or(desired.group_id.as_ref())
    };
    let mut findings = prerequisites::unmet(&resolved, case.picture);
    let mut awaited = Vec::new();
    if !case.observes() {
        let conflicts = conflicts(case, &resolved, mine);
        findings.extend(conflicts.findings);
        awaited = conflicts.awaited;
    }
    if let Some(stop) = Next::stalled(findings) {
        return stop;
    }
    let presence = mine.map(|id| case.picture.group(id));
    match (mine, presence) {
        (Some(id), Some(Presence::Unknown(after))) => Next::read_group(id, after),
        (Some(id), Some(Presence::There(group, as_of)))
            if case.recorded.held() == Some(id) && !case.observes() =>
        {
            let shown = (group, as_of);
            sync::sync(case, now, desired.management, &resolved, shown, &awaited)
        }
        // To create, create again or adopt a group, all its sources must be free.
        _ if !awaited.is_empty() => moving::wait(case, now, &awaited),
        (Some(_), Some(Presence::There(group, _))) => {
            adopt::adopt(case, now, desired, &resolved, group)
        }
        (Some(id), Some(Presence::Gone(_))) if desired.group_id.is_some() => {
            let message =
                format!("there is no group {id} in the tenant; with groupID none is created");
            Next::Stalled(Finding::new(Reason::GroupNotFound, message))
        }
        (Some(_), Some(Presence::Gone(_))) if !case.observes() => {
            vanished(case, now, desired, &resolved)
        }
        _ => without_a_group(case, now, desired, &resolved),
    }
}

fn tenant_in_the_way(case: &Case<'_>, now: Timestamp) -> Option<Next> {
    let until = time::after(now, case.tenant.interval);
    if let (Some(pinned), Some(key)) = (&case.recorded.tenant, &case.tenant.key)
        && pinned != key
        && (case.recorded.held().is_some() || case.recorded.intent.is_some())
    {
        let message =
            format!("the group is in tenant {pinned}, but {key} answers behind the Secret");
        return Some(Next::Stalled(Finding::new(Reason::TenantChanged, message)));
    }
    match &case.tenant.state {
        TenantState::Ready => None,
        TenantState::Pending => {
            let why = Finding::new(Reason::Pending, "the tenant has not been read yet");
            Some(Next::Wait { until, why })
        }
        TenantState::Blocked(why) | TenantState::Unreachable(why) | TenantState::Withdrawn(why) => {
            Some(Next::Wait {
                until,
                why: why.clone(),
            })
        }
    }
}

fn without_a_group(
    case: &Case<'_>,
    now: Timestamp,
    desired: &Desired,
    resolved: &Resolved,
) -> Next {
    match case.picture.groups_named(&resolved.name).as_slice() {
        [] if case.observes() => Next::Stalled(Finding::new(
            Reason::GroupNotFound,
            format!(
                "there is no group \"{}\" in the tenant to observe",
                resolved.name
            ),
        )),
        [] => create::begin(case, now, resolved),
        // No intent is open any more, so a group of this name was not made for this resource.
        [only] => adopt::adopt(case, now, desired, resolved, only),
        several => Next::Stalled(ambiguous(resolved, several)),
    }
}

/// The rule drift for a group that a read by id no longer finds.
fn vanished(case: &Case<'_>, now: Timestamp, desired: &Desired, resolved: &Resolved) -> Next {
    let gone = case
        .recorded
        .held()
        .map(ToString::to_string)
        .unwrap_or_default();
    let in_doubt = case.recorded.held().and_then(|id| {
        absence::in_doubt(case, now, id, |sure| {
            let message = format!(
                "group {id} does not show; it counts as gone if that is still so at {sure}"
            );
            Finding::new(Reason::Creating, message)
        })
    });
    if let Some(wait) = in_doubt {
        return wait;
    }
    // Only now: while the absence is in doubt, a read that lags may show a deleted group of this
    // name.
    if !case.picture.groups_named(&resolved.name).is_empty() {
        return without_a_group(case, now, desired, resolved);
    }
    if desired.management != ManagementPolicy::Enforce && !sync::is_edit(case, resolved) {
        let message = format!(
            "group {gone} was deleted in the tenant; managementPolicy OnChange does not make it again"
        );
        return Next::Stalled(Finding::new(Reason::GroupVanished, message));
    }
    let acknowledged = case.tenant.is_acknowledged(now);
    if let Some((missing, managed)) = case.tenant.vanished.filter(|_| !acknowledged) {
        let message = format!(
            "{missing} of {managed} managed groups are missing from the tenant at once; none is created \
             again until passwordsync.dev/acknowledged-until is set on the IdentityTenant"
        );
        return Next::Stalled(Finding::new(Reason::GroupsVanished, message));
    }
    create::begin(case, now, resolved)
}

fn ambiguous(resolved: &Resolved, several: &[&Group]) -> Finding {
    let ids: Vec<String> = several.iter().map(|group| group.id.to_string()).collect();
    Finding::new(
        Reason::AmbiguousGroup,
        format!(
            "{} groups are called \"{}\" ({}): set groupID",
            ids.len(),
            resolved.name,
            ids.join(", ")
        ),
    )
}
