//! Compares a group with what is wanted. The order of sources means nothing.

use std::collections::BTreeSet;

use psg_domain::{Drift, Group, Picture, PolicyId, Recorded, SourceId, SourcePin};

use crate::resolve::Resolved;

/// The longest list of sources that is shown whole.
const SHORT: usize = 10;

/// Every field in which the tenant's group is not what is wanted, in words for a person.
pub fn differences(wanted: &Resolved, group: &Group, picture: &Picture) -> Vec<Drift> {
    let mut drift = Vec::new();
    let mut note = |field: &str, wanted: String, found: String| {
        drift.push(Drift {
            field: field.to_owned(),
            wanted,
            found,
        });
    };
    if wanted.name != group.name {
        note("name", wanted.name.clone(), group.name.clone());
    }
    if group.policy.as_ref() != Some(&wanted.policy.id) {
        let found = group
            .policy
            .as_ref()
            .map_or_else(|| "none".to_owned(), |id| policy(id, picture));
        note("passwordPolicy", policy(&wanted.policy.id, picture), found);
    }
    let ids = wanted.source_ids();
    if ids != group.sources {
        note(
            "sources",
            sources(&ids, &group.sources, picture),
            sources(&group.sources, &ids, picture),
        );
    }
    drift
}

/// The name of a policy, or its id if the picture does not have it.
pub fn policy(id: &PolicyId, picture: &Picture) -> String {
    picture
        .policy(id)
        .map_or_else(|| id.to_string(), |policy| policy.name.clone())
}

/// The pin of a source that the manifest does not ask for: as recorded before, or under its id.
pub fn pin(recorded: &Recorded, id: &SourceId, picture: &Picture) -> SourcePin {
    let known = recorded.sources.iter().find(|pin| pin.id == *id);
    known.cloned().unwrap_or_else(|| SourcePin {
        reference: id.to_string(),
        id: id.clone(),
        name: source(id, picture),
        policy_before: None,
    })
}

/// The name of a source, or its id if the picture does not have it.
pub fn source(id: &SourceId, picture: &Picture) -> String {
    picture
        .source(id)
        .map_or_else(|| id.to_string(), |source| source.name.clone())
}

/// All names of a short list. Of a long list, only those that the other lacks: what differs could
/// be cut off otherwise.
fn sources(ids: &BTreeSet<SourceId>, other: &BTreeSet<SourceId>, picture: &Picture) -> String {
    let common = ids.intersection(other).count();
    let is_long = ids.len().max(other.len()) > SHORT;
    let shown = ids.iter().filter(|id| !is_long || !other.contains(*id));
    let mut names: Vec<String> = shown.map(|id| source(id, picture)).collect();
    names.sort();
    if is_long && common > 0 {
        names.push(format!("{common} that both have"));
    }
    names.join(", ")
}

/// Differences in one line.
pub fn in_words(drift: &[Drift]) -> String {
    let each: Vec<String> = drift
        .iter()
        .map(|drift| {
            format!(
                "{}: wanted {}, found {}",
                drift.field, drift.wanted, drift.found
            )
        })
        .collect();
    each.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_list_what_differs_is_shown() {
        let ids = |range: std::ops::Range<u32>| -> BTreeSet<SourceId> {
            range
                .map(|n| SourceId::parse(&format!("s{n:02}")).unwrap())
                .collect()
        };
        let said =
            |ids: &BTreeSet<_>, other: &BTreeSet<_>| sources(ids, other, &Picture::default());
        let (wanted, found) = (ids(0..55), ids(1..56));
        assert_eq!(said(&wanted, &found), "s00, 54 that both have");
        assert_eq!(said(&found, &wanted), "s55, 54 that both have");
        assert_eq!(said(&ids(0..2), &ids(1..3)), "s00, s01");
        let (ten, eleven) = (ids(0..10), ids(0..11));
        assert_eq!(said(&ten, &ten).matches('s').count(), 10, "all of ten");
        assert_eq!(said(&ten, &eleven), "10 that both have");
        let strangers = said(&eleven, &ids(20..22));
        assert!(!strangers.contains("both"), "{strangers}");
    }
}
