//! The rule refusals: what the tenant refused is tried again at once only when the manifest, the
//! tenant's facts or the credentials change. The cause may be one that no read shows, and may be
//! gone: so the write is also tried again after pauses that grow from [`SHORTEST`] to [`LONGEST`].

use std::time::Duration;

use jiff::Timestamp;
use psg_domain::{Group, Policy, Refused, Source, time};

use crate::{
    action::Next,
    case::Case,
    outcome::Basis,
    reason::{Finding, Reason},
};

/// The shortest pause before what was refused is tried again.
pub const SHORTEST: Duration = Duration::from_mins(1);

/// The longest pause before what was refused is tried again.
pub const LONGEST: Duration = Duration::from_hours(1);

/// Stalls if the tenant refused exactly this, and it is not yet time to try again.
pub fn standing(case: &Case<'_>, now: Timestamp) -> Option<Next> {
    let refused = of(case, &case.basis())?;
    next_try(case, refused, now)?;
    Some(Next::Stalled(Finding::new(
        Reason::Refused,
        format!("the tenant refused the group: {}", refused.message),
    )))
}

/// The recorded refusal, if it was decided on this basis.
pub fn of<'a>(case: &'a Case<'_>, basis: &Basis) -> Option<&'a Refused> {
    let refused = case.recorded.refused.as_ref();
    refused.filter(|it| (it.generation, &it.facts) == (basis.generation, &basis.facts))
}

/// The record of a refusal that came just now.
pub fn again(case: &Case<'_>, now: Timestamp, basis: &Basis, message: &str) -> Refused {
    let before = of(case, basis).map_or(0, |refused| refused.attempts);
    Refused {
        generation: basis.generation,
        facts: basis.facts.clone(),
        message: message.to_owned(),
        attempts: before.saturating_add(1),
        at: Some(now),
    }
}

/// When the write is tried again; none if that is now. A [`Refused::at`] in the future comes from
/// another clock and is ignored.
pub fn next_try(case: &Case<'_>, refused: &Refused, now: Timestamp) -> Option<Timestamp> {
    let at = refused.at.filter(|at| *at <= now)?;
    let next = time::after(at, pause(case, refused.attempts.saturating_sub(1)));
    (next > now).then_some(next)
}

/// The pause before a write without effect is tried again, after so many doublings.
pub fn pause(case: &Case<'_>, doublings: u32) -> Duration {
    let first = case.tenant.interval.max(SHORTEST);
    let pause = first.saturating_mul(1 << doublings.min(16));
    pause.min(LONGEST.max(first))
}

impl Case<'_> {
    /// What a write is decided on now.
    pub fn basis(&self) -> Basis {
        Basis {
            generation: self.object.generation,
            facts: fingerprint(self),
        }
    }
}

/// Everything whose change makes another try worth while, in 16 hex digits.
pub fn fingerprint(case: &Case<'_>) -> String {
    let mut facts = vec![case.tenant.credentials.clone()];
    match case.resolve() {
        Err(unresolved) => facts.push(format!("{unresolved:?}")),
        Ok(resolved) => {
            let namesakes = ids(&case.picture.groups_named(&resolved.name));
            // In the form that earlier builds stored. The password rules of a policy do not decide
            // whether the tenant takes a group.
            let policy = case.picture.policy(&resolved.policy.id);
            let policy = policy.map_or_else(
                || "None".to_owned(),
                |Policy { id, name, .. }| format!("Some(Policy {{ id: {id:?}, name: {name:?} }})"),
            );
            facts.push(format!("{} {policy} {namesakes}", resolved.name));
            facts.extend(resolved.source_ids().iter().map(|id| {
                let source = case.picture.source(id);
                let direct = |s: &Source| s.direct != Some(false);
                let source = source.map(|s| (direct(s), s.password, s.authenticates));
                let groups = ids(&case.picture.groups_with(id));
                let applications = case.picture.applications(id);
                let has_application = applications.is_some_and(|count| count > 0);
                format!("{id} {source:?} {groups} {has_application}")
            }));
        }
    }
    format!("{:016x}", fnv1a(facts.join("\n").as_bytes()))
}

fn ids(groups: &[&Group]) -> String {
    let ids: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    ids.join(",")
}

/// Needs to be the same in every build and process, which std's hasher does not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
