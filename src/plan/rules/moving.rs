//! The rule moving: sources that move between groups. An edit goes as far as it can: a source that another
//! group still holds joins when it is free, and sources leave first as long as two stay.
//!
//! A resource that lets a source go keeps its claim until the tenant shows the group without it and
//! the source has a policy of its own, so that no other resource takes it while it is being
//! written.

use jiff::Timestamp;
use psg_domain::{Group, PolicyId, Presence, Recorded, SourceId, SourcePin, time};

use crate::{
    action::Next,
    case::Case,
    claims::Claimant,
    differ,
    reason::{Finding, Reason},
    resolve::Resolved,
    rules::{
        conflicts::Awaited,
        swap_graph::{Cycle, SwapGraph},
    },
};

/// What the manifest wants, with the sources that the group can have now.
pub fn reach(
    case: &Case<'_>,
    resolved: &Resolved,
    group: &Group,
    awaited: &[Awaited<'_>],
) -> Resolved {
    if awaited.is_empty() {
        return resolved.clone();
    }
    let reached = SwapGraph::around(case, resolved, group, awaited).reach(&case.object.uid);
    let wanted = resolved.sources.iter();
    let mut sources: Vec<SourcePin> = wanted
        .filter(|pin| reached.contains(&pin.id))
        .cloned()
        .collect();
    let wanted = resolved.source_ids();
    // Sources that will leave and cannot yet.
    let stay = reached.difference(&wanted);
    sources.extend(stay.map(|id| differ::pin(&case.recorded, id, case.picture)));
    Resolved {
        sources,
        ..resolved.clone()
    }
}

/// The end of a pass over a group that has everything it can have now.
pub fn wait_or_blocked(
    case: &Case<'_>,
    now: Timestamp,
    resolved: &Resolved,
    group: &Group,
    awaited: &[Awaited<'_>],
) -> Next {
    match SwapGraph::around(case, resolved, group, awaited).cycle(&case.object.uid) {
        Some(cycle) => Next::Stalled(blocked(case, group, &cycle)),
        None => wait(case, now, awaited),
    }
}

/// Waits for sources that their owners let go.
pub fn wait(case: &Case<'_>, now: Timestamp, awaited: &[Awaited<'_>]) -> Next {
    let each: Vec<String> = awaited
        .iter()
        .map(|Awaited { source, owner }| {
            let owner = told(case, owner);
            format!("source \"{}\" is still held by {owner}", source.name)
        })
        .collect();
    let message = format!(
        "{}; it is to leave there, and joins by itself then",
        each.join(", ")
    );
    Next::Wait {
        until: time::after(now, case.tenant.interval),
        why: Finding::new(Reason::WaitingForSource, message),
    }
}

fn blocked(case: &Case<'_>, group: &Group, cycle: &Cycle) -> Finding {
    let claimant = |uid: &String| case.claims.claimant(uid);
    let named = |id: &SourceId| format!("\"{}\"", differ::source(id, case.picture));
    let holds = cycle.missing.iter().map(|(id, owner)| {
        let owner = claimant(owner).map_or_else(String::new, |owner| told(case, owner));
        format!("{} is held by {owner}", named(id))
    });
    let seeks = cycle.sought.iter().map(|(id, seeker)| {
        let seeker = claimant(seeker).map_or_else(String::new, |seeker| told(case, seeker));
        format!(
            "{}, held here (group \"{}\"), is waited for by {seeker}",
            named(id),
            group.name
        )
    });
    let each: Vec<String> = holds.chain(seeks).collect();
    Finding::new(
        Reason::SourceSwapBlocked,
        format!(
            "{}; none can let go first, since a group would fall under two sources. Add a third \
             source to one of them for the time, or delete one of them and apply it again afterwards",
            each.join("; ")
        ),
    )
}

/// How another resource and its group may be named to this resource.
fn told(case: &Case<'_>, other: &Claimant) -> String {
    let called = other.called_from(&case.object.namespace);
    let group = other
        .group()
        .filter(|_| other.namespace == case.object.namespace);
    match group.map(|id| case.picture.group(id)) {
        Some(Presence::There(group, _)) => format!("{called} (group \"{}\")", group.name),
        _ => called,
    }
}

/// Records how far a group has come, once every source that left it has been looked after: sources
/// that it let go are free from then on. A wanted source that someone else took out stays claimed.
pub fn settle(recorded: &mut Recorded, case: &Case<'_>, resolved: &Resolved, group: &Group) {
    if resolved.name == group.name {
        recorded.name = Some(resolved.name.clone());
    }
    let policy = |id: &PolicyId| resolved.policy.id == *id;
    if group.policy.as_ref().is_some_and(policy) {
        recorded.policy = Some(resolved.policy.clone());
    }
    let held = recorded.source_ids();
    let wanted = resolved.sources.iter();
    let mut sources: Vec<SourcePin> = wanted
        .filter(|pin| group.sources.contains(&pin.id) || held.contains(&pin.id))
        .cloned()
        .collect();
    let wanted = resolved.source_ids();
    let stay = group.sources.difference(&wanted);
    sources.extend(stay.map(|id| differ::pin(&case.recorded, id, case.picture)));
    recorded.sources = sources;
    recorded.refused = None;
}
