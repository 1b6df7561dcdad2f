//! Rules 5, 6 and 7 for a group that is ours: write only on a difference, tell an edit from
//! drift, and let no source leave without a policy. How far an edit can go now is for
//! [`moving`] to say.

use jiff::Timestamp;
use psg_domain::{
    Group, HandBack, ManagementPolicy, PolicyPin, Recorded, SourceId, SourcePin, time,
};

use crate::{
    case::{Case, Memory, Move, Step, What, WriteCause, stalled, write},
    conflicts::Awaited,
    contested, create, differ, hand_back,
    hand_back::Progress,
    moving, prerequisites,
    reason::{Finding, Reason},
    refused,
    resolve::Resolved,
    traffic::FEWEST,
};

/// Makes the tenant's group equal, as far as the management policy allows.
pub fn sync(
    case: &Case<'_>,
    now: Timestamp,
    management: ManagementPolicy,
    resolved: &Resolved,
    (group, as_of): (&Group, Timestamp),
    awaited: &[Awaited<'_>],
) -> Move {
    let reached = moving::reach(case, resolved, group, awaited);
    let edited = is_edit(&case.recorded, resolved);
    // An edit that waits for others has been carried out as far as it can be.
    let cause = if edited && is_edit(&case.recorded, &reached) {
        WriteCause::Edit
    } else {
        WriteCause::Drift
    };
    let due = if edited { &reached } else { resolved };
    let drift = differ::differences(due, group, case.picture);
    let drifted = !drift.is_empty() && cause == WriteCause::Drift;
    let left_alone = if drifted && management == ManagementPolicy::OnChange {
        let why = Finding::new(Reason::Drifted, differ::in_words(&drift));
        Some(Move::Stalled(why))
    } else if drifted {
        contested::stop(case, now, &drift)
    } else {
        None
    };
    if let Some(stop) = left_alone {
        // Whatever left by an earlier edit gets its policy all the same.
        return settle_leavers(case, now, group, as_of).unwrap_or(stop);
    }
    let drift = differ::differences(&reached, group, case.picture);
    if drift.is_empty() || reached.sources.len() < FEWEST {
        return settle_leavers(case, now, group, as_of).unwrap_or_else(|| match awaited {
            [] => Move::Settled,
            _ => moving::wait_or_blocked(case, now, resolved, group, awaited),
        });
    }
    if let Some(stop) = name_taken(case, resolved, group).or_else(|| refused::standing(case)) {
        return stop;
    }
    if let Some(sent) = case.sent.updated_at.filter(|sent| as_of < *sent) {
        return read_group(&group.id, sent);
    }
    // What it shows may be what was sent, and more be possible by now.
    if let Some(sent) = case.sent.updated_at
        && case.sent.updated.as_ref() != Some(group)
        && now < time::after(sent, case.backoff)
    {
        let message = format!(
            "the tenant took the change and shows it otherwise ({})",
            differ::in_words(&drift)
        );
        let until = time::after(sent, case.backoff);
        return Move::Wait {
            until,
            why: Finding::new(Reason::Retrying, message),
        };
    }
    let wanted = reached.source_ids();
    let joining: Vec<&SourceId> = wanted.difference(&group.sources).collect();
    if !case.is_paused(now) {
        let read = create::read_groups(case, now)
            .or_else(|| create::read_holders(case, now, joining.iter().copied()));
        if let Some(read) = read {
            return read;
        }
        if let Some(stop) = stalled(prerequisites::exceptions(joining, case.picture)) {
            return stop;
        }
    }
    let leaving = leaving(case, &reached, group, as_of);
    if leaving != case.recorded.leaving {
        return write(case, now, Step::Record(Memory::Leaving(leaving)));
    }
    let group = Group {
        id: group.id.clone(),
        name: reached.name,
        policy: Some(reached.policy.id),
        sources: wanted,
    };
    write(
        case,
        now,
        Step::UpdateGroup {
            group,
            changes: drift,
            cause,
        },
    )
}

/// What is left to do for a group that needs no write; nothing if every leaver is settled.
fn settle_leavers(
    case: &Case<'_>,
    now: Timestamp,
    group: &Group,
    as_of: Timestamp,
) -> Option<Move> {
    if !case.object.finalizer && !case.is_paused(now) {
        return Some(Move::Do(Step::HoldFinalizer));
    }
    // One that came back before it was ever taken out is the group's again.
    let left: Vec<HandBack> = case
        .recorded
        .leaving
        .iter()
        .filter(|left| !group.sources.contains(&left.source))
        .cloned()
        .collect();
    // Every walk shows the group anew; holders read since our PUT need not be read again for that.
    let since = case.sent.updated_at.map_or(as_of, |sent| sent.min(as_of));
    match hand_back::progress(case, now, &left, Some(&group.id), since) {
        Progress::Done(_) => None,
        Progress::Next(next) => Some(next),
    }
}

/// The manifest asks for something else than what was last made equal: an edit, not drift.
pub fn is_edit(recorded: &Recorded, resolved: &Resolved) -> bool {
    recorded.name.as_ref() != Some(&resolved.name)
        || recorded.policy.as_ref().map(|pin| &pin.id) != Some(&resolved.policy.id)
        || recorded.source_ids() != resolved.source_ids()
}

fn name_taken(case: &Case<'_>, resolved: &Resolved, group: &Group) -> Option<Move> {
    if resolved.name == group.name {
        return None;
    }
    let others = case.picture.groups_named(&resolved.name);
    let other = others.into_iter().find(|other| other.id != group.id)?;
    let message = format!(
        "cannot rename group {} to \"{}\": group {} has that name already; choose another name",
        group.id, resolved.name, other.id
    );
    Some(Move::Stalled(Finding::new(Reason::GroupExists, message)))
}

/// Every source that this PUT takes out, with the policy in force before it. One that comes back
/// stays on the list until the group has it: the PUT may fail, and the manifest change again.
fn leaving(case: &Case<'_>, resolved: &Resolved, group: &Group, as_of: Timestamp) -> Vec<HandBack> {
    let wanted = resolved.source_ids();
    let known = case.recorded.leaving.iter().filter(|gone| {
        let there = group.sources.contains(&gone.source);
        let back = wanted.contains(&gone.source);
        match (there, back) {
            (true, true) => false,
            (false, false) => true,
            // What was handed back before it joined anew says nothing of this time.
            (true, false) | (false, true) => gone.result.is_none(),
        }
    });
    let mut leaving: Vec<HandBack> = known.cloned().collect();
    let ruled = hand_back::ruled(case, Some((group, as_of))).into_iter();
    hand_back::enlist(
        &mut leaving,
        ruled.filter(|open| !wanted.contains(&open.source)),
    );
    leaving
}

/// Sources of a group that is gone, or of one that another takes the place of, may be without a
/// policy: whatever is not in the group of now is remembered as leaving.
pub fn leave_behind(recorded: &mut Recorded, now: Option<&Group>) {
    if let (Some(was), Some(policy)) = (recorded.held(), &recorded.policy)
        && now.is_none_or(|now| now.id != *was)
    {
        let open = recorded.sources.iter().map(|pin| HandBack {
            source: pin.id.clone(),
            name: pin.name.clone(),
            policy: policy.id.clone(),
            result: None,
        });
        hand_back::enlist(&mut recorded.leaving, open);
    }
    if let Some(now) = now {
        recorded
            .leaving
            .retain(|left| !now.sources.contains(&left.source));
    }
}

/// Remembers what a group held when it became ours, under the manifest's own references
/// where they lead to the same object.
pub fn pin_group(recorded: &mut Recorded, group: &Group, case: &Case<'_>) {
    let resolved = case.resolve().ok();
    if let Some(id) = &group.policy {
        let wanted = resolved.as_ref().map(|resolved| &resolved.policy);
        recorded.policy = Some(
            wanted
                .filter(|pin| pin.id == *id)
                .cloned()
                .unwrap_or_else(|| {
                    let name = differ::policy(id, case.picture);
                    PolicyPin {
                        reference: id.to_string(),
                        id: id.clone(),
                        name,
                    }
                }),
        );
    }
    let wanted = resolved
        .map(|resolved| resolved.sources)
        .unwrap_or_default();
    let ordered = wanted
        .iter()
        .filter(|pin| group.sources.contains(&pin.id))
        .cloned();
    let others = group
        .sources
        .iter()
        .filter(|id| wanted.iter().all(|pin| pin.id != **id));
    let others = others.map(|id| SourcePin {
        reference: id.to_string(),
        id: id.clone(),
        name: differ::source(id, case.picture),
        policy_before: None,
    });
    recorded.sources = ordered.chain(others).collect();
}

/// A read of one group, after the moment given.
pub fn read_group(id: &psg_domain::GroupId, after: Timestamp) -> Move {
    let newer_than = time::after(after, std::time::Duration::from_nanos(1));
    Move::Refresh {
        what: What::Group(id.clone()),
        newer_than,
    }
}
