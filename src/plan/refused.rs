//! Rule 9, the terminal half: what the tenant refused is not repeated until the manifest,
//! the tenant's facts or the credentials change.

use psg_domain::{Group, Refused};

use crate::{
    case::{Case, Move},
    reason::{Finding, Reason},
};

/// Stands in the way if exactly this was refused before.
pub fn standing(case: &Case<'_>) -> Option<Move> {
    let Refused {
        generation,
        facts,
        message,
    } = case.recorded.refused.as_ref()?;
    let same = *generation == case.object.generation && *facts == fingerprint(case);
    same.then(|| {
        Move::Stalled(Finding::new(
            Reason::Refused,
            format!("the tenant refused the group: {message}"),
        ))
    })
}

/// What a write was decided on. Its refusal tells nothing of a manifest or of facts that came while
/// it was under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Basis {
    /// The generation of the manifest.
    pub generation: i64,
    /// See [`fingerprint`].
    pub facts: String,
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
            let policy = case.picture.policy(&resolved.policy.id);
            facts.push(format!("{} {policy:?} {namesakes}", resolved.name));
            facts.extend(resolved.source_ids().iter().map(|id| {
                let source = case.picture.source(id);
                let source = source.map(|s| (s.direct, s.password, s.authenticates));
                let groups = ids(&case.picture.groups_with(id));
                let has_application = case.picture.applications(id) > 0;
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
