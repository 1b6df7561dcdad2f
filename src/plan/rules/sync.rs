//! The rules update, drift and reassigning for a group that the resource manages: write only on a
//! difference, tell an edit from drift, and let no source leave without a policy. [`moving`] says
//! how far an edit can go now.

use jiff::Timestamp;
use psg_domain::{Group, ManagementPolicy, SourceId, time};

use crate::{
    action::{Action, Memory, Next, WriteCause},
    case::Case,
    differ,
    reason::{Finding, Reason},
    resolve::Resolved,
    rules::{
        conflicts::Awaited, contested, create, leavers, moving, prerequisites, read_lag, refused,
        swap_graph::FEWEST, update, write::write,
    },
};

/// After so many answers that show something else than the PUT sent, the PUT is not sent again.
const OTHERWISE: u32 = 3;

/// Makes the tenant's group equal, as far as the management policy allows.
pub fn sync(
    case: &Case<'_>,
    now: Timestamp,
    management: ManagementPolicy,
    resolved: &Resolved,
    (group, as_of): (&Group, Timestamp),
    awaited: &[Awaited<'_>],
) -> Next {
    let reached = moving::reach(case, resolved, group, awaited);
    let edited = is_edit(case, resolved);
    // If the part of an edit that can be reached is already recorded, what differs is drift.
    let cause = if edited && is_edit(case, &reached) {
        WriteCause::Edit
    } else {
        WriteCause::Drift
    };
    let due = if edited { &reached } else { resolved };
    let drift = differ::differences(due, group, case.picture);
    let ours = update::is_unfinished(case);
    let drifted = !drift.is_empty() && cause == WriteCause::Drift && !ours;
    if drifted && read_lag::is_hidden(case, as_of) {
        let wait = read_lag::wait(case, now, group, Reason::Updating);
        return leavers::look_after(case, now)
            .or(wait)
            .unwrap_or(Next::Settled);
    }
    let left_alone = if drifted && management == ManagementPolicy::OnChange {
        let why = Finding::new(Reason::Drifted, differ::in_words(&drift));
        Some(Next::Stalled(why))
    } else if drifted {
        contested::stop(case, now, &drift)
    } else {
        None
    };
    if let Some(stop) = left_alone {
        return stop;
    }
    let drift = differ::differences(&reached, group, case.picture);
    if drift.is_empty() || reached.sources.len() < FEWEST {
        if let Some(next) = leavers::look_after(case, now) {
            return next;
        }
        // This read may be older than a recorded change to something else.
        let undone = drift.is_empty() && update::is_of_another(case, &reached);
        if undone
            && read_lag::is_hidden(case, as_of)
            && let Some(wait) = read_lag::wait(case, now, group, Reason::Updating)
        {
            return wait;
        }
        return match awaited {
            [] => Next::Settled,
            _ => moving::wait_or_blocked(case, now, resolved, group, awaited),
        };
    }
    if let Some(wait) = in_two_places(case, now, group, awaited) {
        return wait;
    }
    if let Some(stop) = name_taken(case, resolved, group).or_else(|| refused::standing(case, now)) {
        return stop;
    }
    let answered_at = case
        .engine
        .expectations
        .puts
        .and_then(|puts| puts.answered_at);
    if let Some(sent) = answered_at.filter(|sent| as_of < *sent) {
        return Next::read_group(&group.id, sent);
    }
    let wanted = reached.source_ids();
    let joining: Vec<&SourceId> = wanted.difference(&group.sources).collect();
    if !case.is_paused(now) {
        if let Some(wait) = prerequisites::unknown(case, now, joining.iter().copied()) {
            return wait;
        }
        let read = create::read_groups(case, now)
            .or_else(|| create::read_holders(case, now, joining.iter().copied()));
        if let Some(read) = read {
            return read;
        }
        if let Some(stop) = Next::stalled(prerequisites::exceptions(joining, case.picture)) {
            return stop;
        }
    }
    let shown = group;
    let group = Group {
        id: shown.id.clone(),
        name: reached.name,
        policy: Some(reached.policy.id),
        sources: wanted,
    };
    if let Some((update, leaving)) = update::record(case, now, &group, shown) {
        return write(case, now, Action::Record(Memory::Update(update, leaving)));
    }
    if case
        .engine
        .expectations
        .puts
        .is_some_and(|puts| puts.otherwise >= OTHERWISE)
    {
        let message = format!(
            "the tenant takes the change and stores something else ({}): write it as the tenant \
             stores it",
            differ::in_words(&drift)
        );
        return Next::Stalled(Finding::new(Reason::StoredOtherwise, message));
    }
    let taken_at = case.engine.expectations.puts.and_then(|puts| puts.taken_at);
    if let Some(sent) = taken_at
        && now < time::after(sent, case.backoff)
    {
        let message = format!(
            "the tenant took the change and shows it otherwise ({})",
            differ::in_words(&drift)
        );
        let until = time::after(sent, case.backoff);
        return Next::Wait {
            until,
            why: Finding::new(Reason::Retrying, message),
        };
    }
    // Under OnChange only an edit is written, and what earlier PUTs of an edit left unfinished.
    let cause = match management {
        ManagementPolicy::OnChange => WriteCause::Edit,
        _ => cause,
    };
    write(
        case,
        now,
        Action::UpdateGroup {
            group,
            changes: drift,
            cause,
        },
    )
}

/// Waits for sources that a read shows in this group while another resource holds them: the read or
/// the claim is older than a move. They are neither kept nor taken out by a guess.
fn in_two_places(
    case: &Case<'_>,
    now: Timestamp,
    group: &Group,
    awaited: &[Awaited<'_>],
) -> Option<Next> {
    let shown = |one: &&Awaited<'_>| group.sources.contains(&one.source.id);
    let both: Vec<Awaited<'_>> = awaited.iter().filter(shown).copied().collect();
    (!both.is_empty()).then(|| moving::wait(case, now, &both))
}

/// The manifest asks for something else than what was last made equal or sent: an edit, not drift.
pub fn is_edit(case: &Case<'_>, resolved: &Resolved) -> bool {
    let recorded = &case.recorded;
    update::is_of_another(case, resolved)
        || recorded.name.as_ref() != Some(&resolved.name)
        || recorded.policy.as_ref().map(|pin| &pin.id) != Some(&resolved.policy.id)
        || recorded.source_ids() != resolved.source_ids()
}

fn name_taken(case: &Case<'_>, resolved: &Resolved, group: &Group) -> Option<Next> {
    if resolved.name == group.name {
        return None;
    }
    let others = case.picture.groups_named(&resolved.name);
    let other = others.into_iter().find(|other| other.id != group.id)?;
    let message = format!(
        "cannot rename group {} to \"{}\": group {} has that name already; choose another name",
        group.id, resolved.name, other.id
    );
    Some(Next::Stalled(Finding::new(Reason::GroupExists, message)))
}
