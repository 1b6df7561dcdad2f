//! Creating without idempotency keys. The intent is stored before the one POST that it stands for;
//! if its answer is lost, the operator looks for the group. Only two complete walks, begun after
//! the time in which a late POST may still take effect, prove that there is none.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use psg_domain::{Group, Intent, Origin, Presence, SourceId, time};

use crate::{
    action::{Action, Memory, Next, Remembered, What},
    case::Case,
    outcome::Outcome,
    reason::{Finding, Reason},
    resolve::Resolved,
    rules::{
        prerequisites, refused,
        write::{paused, write},
    },
};

/// How many creates without an answer follow one another with no pause but the time to prove that
/// the previous one had no effect.
const AT_ONCE: u32 = 3;

/// How long the read of one source's holders may take at the slowest rate that can be set.
const READ_OF_ONE: Duration = Duration::from_secs(3);

/// The recorded intent; none if its POST certainly had no effect.
pub fn open<'a>(case: &'a Case<'_>) -> Option<&'a Intent> {
    let void = |intent: &Intent| {
        case.engine.expectations.not_made.is_some()
            && case.engine.expectations.posted == Some(intent.started_at)
    };
    case.recorded.intent.as_ref().filter(|intent| !void(intent))
}

/// Starts a create: the picture has no group of this name, and every prerequisite is read first.
pub fn begin(case: &Case<'_>, now: Timestamp, resolved: &Resolved) -> Next {
    if let Some(paused) = paused(case, now) {
        return paused;
    }
    if let Some(stands) = refused::standing(case, now) {
        return stands;
    }
    if let Some(setback) = case
        .engine
        .expectations
        .not_made
        .as_ref()
        .filter(|setback| setback.until > now)
    {
        return Next::Wait {
            until: setback.until,
            why: setback.why.clone(),
        };
    }
    if let Some(wait) = pause(case, now, resolved) {
        return wait;
    }
    let ids = resolved.source_ids();
    if let Some(wait) = prerequisites::unknown(case, now, &ids) {
        return wait;
    }
    if let Some(read) = read_groups(case, now).or_else(|| read_holders(case, now, &ids)) {
        return read;
    }
    if let Some(stop) = Next::stalled(prerequisites::exceptions(&ids, case.picture)) {
        return stop;
    }
    if let Some(wait) = unreadable(case, now, &resolved.name, &ids) {
        return wait;
    }
    let intent = Intent {
        attempt: case
            .recorded
            .intent
            .as_ref()
            .map_or(0, |intent| intent.attempt)
            .saturating_add(1),
        name: resolved.name.clone(),
        policy: resolved.policy.id.clone(),
        sources: ids,
        started_at: now,
    };
    write(case, now, Action::Record(Memory::Intent(intent)))
}

/// After [`AT_ONCE`] creates without an answer and without an effect, each further one of the same
/// content waits longer, up to [`refused::LONGEST`].
fn pause(case: &Case<'_>, now: Timestamp, resolved: &Resolved) -> Option<Next> {
    let intent = case.recorded.intent.as_ref()?;
    let is_same = intent.name == resolved.name
        && intent.policy == resolved.policy.id
        && intent.sources == resolved.source_ids();
    let doublings = case.engine.expectations.unanswered.checked_sub(AT_ONCE)?;
    if !is_same || intent.started_at > now {
        return None;
    }
    let until = time::after(intent.started_at, refused::pause(case, doublings));
    let message = format!(
        "{} creates of the group had no effect{}: it is tried again at {until}",
        case.engine.expectations.unanswered,
        last_answer(case)
    );
    let why = Finding::new(Reason::Retrying, message);
    (now < until).then_some(Next::Wait { until, why })
}

/// Why the last create had no answer, in brackets.
fn last_answer(case: &Case<'_>) -> String {
    let why = case.engine.expectations.unanswered_why.as_ref();
    why.map_or_else(String::new, |why| format!(" ({why})"))
}

/// Asks for a walk over all groups if the newest is too old to create, adopt or write a group by
/// it: older than one interval, or too old to show what a resource of another IdentityTenant left
/// in the tenant.
pub fn read_groups(case: &Case<'_>, now: Timestamp) -> Option<Next> {
    if let Some(left) = case.claims.let_go_elsewhere(&case.object.uid) {
        let shown = time::after(left, case.timers.settle);
        if case.picture.groups_as_of() < Some(shown) {
            return Some(read_what_was_left(case, now, shown));
        }
    }
    let fresh = time::before(now, case.tenant.interval);
    let stale = case
        .picture
        .groups_as_of()
        .is_none_or(|as_of| as_of < fresh);
    stale.then_some(Next::Refresh {
        what: What::Groups,
        newer_than: fresh,
    })
}

/// A walk that begins at `shown` or later shows what the other resource left.
fn read_what_was_left(case: &Case<'_>, now: Timestamp, shown: Timestamp) -> Next {
    if now >= shown {
        return Next::Refresh {
            what: What::Groups,
            newer_than: shown,
        };
    }
    let reason = if case.recorded.group.is_some() {
        Reason::Updating
    } else {
        Reason::Creating
    };
    let message = format!(
        "a resource of another IdentityTenant let go of what it had in this tenant, and reads may not show \
         yet what it left: the groups are read again at {shown}"
    );
    Next::Wait {
        until: shown,
        why: Finding::new(reason, message),
    }
}

/// Since when the holders of so many sources must have been read: of a hundred sources, the first
/// must not count as too old once the last is read.
pub fn fresh_holders(case: &Case<'_>, now: Timestamp, sources: usize) -> Timestamp {
    let reading = READ_OF_ONE.saturating_mul(u32::try_from(sources).unwrap_or(u32::MAX));
    time::before(now, case.tenant.interval.saturating_add(reading))
}

/// Asks for a read of a group by id if the newest walk shows only a part of it: nothing is decided
/// on a part.
pub fn read_part(case: &Case<'_>, group: &Group) -> Option<Next> {
    match case.picture.group(&group.id) {
        Presence::Unknown(after) if case.picture.is_shown_in_part(&group.id) => {
            Some(Next::read_group(&group.id, after))
        }
        _ => None,
    }
}

/// Waits while the tenant shows a group that cannot be read and that may be the group of this name
/// and these sources: then it is not known that there is no such group.
fn unreadable(
    case: &Case<'_>,
    now: Timestamp,
    name: &str,
    sources: &BTreeSet<SourceId>,
) -> Option<Next> {
    let mut groups = case.picture.unreadable_groups();
    let group = groups.find(|group| group.may_be(name, sources))?;
    let message = format!(
        "the tenant shows a group that cannot be read and may be \"{name}\" ({group}): mend or remove \
         it in the tenant"
    );
    Some(Next::Wait {
        until: time::after(now, case.tenant.interval),
        why: Finding::new(Reason::GroupUnreadable, message),
    })
}

/// Asks for the holders of sources that are about to join, unless they were read lately.
pub fn read_holders<'a>(
    case: &Case<'_>,
    now: Timestamp,
    joining: impl IntoIterator<Item = &'a SourceId, IntoIter: ExactSizeIterator>,
) -> Option<Next> {
    let joining = joining.into_iter();
    let fresh = fresh_holders(case, now, joining.len());
    let stale: Vec<_> = joining
        .filter(|id| {
            case.picture
                .holders(id)
                .is_none_or(|(_, as_of)| as_of < fresh)
        })
        .cloned()
        .collect();
    if stale.is_empty() {
        return None;
    }
    let held_up = stale
        .iter()
        .filter_map(|id| case.engine.expectations.blocked.get(id));
    if let Some(setback) = held_up
        .filter(|setback| setback.until > now)
        .max_by_key(|s| s.until)
    {
        return Some(Next::Wait {
            until: setback.until,
            why: setback.why.clone(),
        });
    }
    Some(Next::Refresh {
        what: What::Holders(stale),
        newer_than: fresh,
    })
}

/// What the tenant says about an open intent.
pub enum Settlement {
    /// Not settled yet: do this first.
    Open(Next),
    /// The POST certainly had no effect and never will.
    Void,
}

/// Sends the POST of an intent that was just stored, or finds out what became of an older one.
pub fn settle(case: &Case<'_>, now: Timestamp, intent: &Intent) -> Settlement {
    // A group made for an earlier intent says nothing of an intent that another process stored
    // since.
    if let Some(Outcome::Made(group)) = &case.engine.last
        && case.engine.expectations.posted == Some(intent.started_at)
    {
        return Settlement::Open(ours(group));
    }
    if case.just_recorded(Remembered::Intent) {
        return Settlement::Open(Next::Do(Action::CreateGroup(intent.clone())));
    }
    // A `started_at` in the future comes from another clock and is ignored.
    let announced = Some(intent.started_at).filter(|at| *at <= now);
    let since = case
        .engine
        .expectations
        .unanswered_at
        .max(announced)
        .unwrap_or(now);
    if case
        .picture
        .groups_as_of()
        .is_none_or(|as_of| as_of <= since)
    {
        let newer_than = time::after(since, Duration::from_nanos(1));
        return Settlement::Open(Next::Refresh {
            what: What::Groups,
            newer_than,
        });
    }
    let candidates: Vec<&Group> = case
        .picture
        .groups_named(&intent.name)
        .into_iter()
        .filter(|group| {
            case.claims
                .recorded_owner_of_group(&case.object.uid, &group.id)
                .is_none()
        })
        .collect();
    if let Some(read) = candidates.iter().find_map(|group| read_part(case, group)) {
        return Settlement::Open(read);
    }
    match candidates.as_slice() {
        [only] if intent.made(only) => Settlement::Open(ours(only)),
        [] => absent(case, now, since, intent),
        several => Settlement::Open(match chosen(case, several) {
            Some(group) => ours(group),
            None => Next::Stalled(ambiguous(intent, several)),
        }),
    }
}

/// The candidate that `groupID` names. It matters only once the resource is being deleted: before
/// that, `groupID` takes precedence over the intent.
fn chosen<'a>(case: &Case<'_>, candidates: &[&'a Group]) -> Option<&'a Group> {
    let asked = case.desired.as_ref().ok()?.group_id.as_ref()?;
    candidates.iter().find(|group| group.id == *asked).copied()
}

fn ours(group: &Group) -> Next {
    Next::Do(Action::Record(Memory::Group(
        group.clone(),
        Origin::Created,
    )))
}

/// `since` is the later of when the POST was given up and when its intent was stored, as far as
/// known.
fn absent(case: &Case<'_>, now: Timestamp, since: Timestamp, intent: &Intent) -> Settlement {
    let deadline = time::after(since, case.timers.settle);
    let refresh = |newer_than| {
        Settlement::Open(Next::Refresh {
            what: What::Groups,
            newer_than,
        })
    };
    let wait = |until: Timestamp| {
        let message = format!(
            "the answer to a create was lost{} and no group of that name shows; until {until} it may still appear",
            last_answer(case)
        );
        Settlement::Open(Next::Wait {
            until,
            why: Finding::new(Reason::Creating, message),
        })
    };
    if now < deadline {
        return wait(deadline);
    }
    if let Some(wait) = unreadable(case, now, &intent.name, &intent.sources) {
        return Settlement::Open(wait);
    }
    let Some(first) = case.picture.first_walk_since(deadline) else {
        return refresh(deadline);
    };
    let second = time::after(first, case.timers.confirm_gap);
    if case
        .picture
        .groups_as_of()
        .is_some_and(|as_of| as_of >= second)
    {
        return Settlement::Void;
    }
    if now < second {
        wait(second)
    } else {
        refresh(second)
    }
}

fn ambiguous(intent: &Intent, candidates: &[&Group]) -> Finding {
    let ids: Vec<String> = candidates
        .iter()
        .map(|group| {
            let same = if intent.made(group) {
                "same content"
            } else {
                "other content"
            };
            format!("{} ({same})", group.id)
        })
        .collect();
    Finding::new(
        Reason::CreateAmbiguous,
        format!(
            "a create of \"{}\" was sent and its answer was lost; it could be any of: {}. \
             Set spec.groupID to the right one",
            intent.name,
            ids.join(", ")
        ),
    )
}
