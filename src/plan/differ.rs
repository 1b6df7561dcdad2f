//! Compares a group with what is wanted. The order of sources means nothing.

use std::collections::BTreeSet;

use psg_domain::{Drift, Group, Picture, PolicyId, SourceId};

use crate::resolve::Resolved;

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
            sources(&ids, picture),
            sources(&group.sources, picture),
        );
    }
    drift
}

/// A policy as a person knows it.
pub fn policy(id: &PolicyId, picture: &Picture) -> String {
    picture
        .policy(id)
        .map_or_else(|| id.to_string(), |policy| policy.name.clone())
}

/// A source as a person knows it.
pub fn source(id: &SourceId, picture: &Picture) -> String {
    picture
        .source(id)
        .map_or_else(|| id.to_string(), |source| source.name.clone())
}

fn sources(ids: &BTreeSet<SourceId>, picture: &Picture) -> String {
    let mut names: Vec<String> = ids.iter().map(|id| source(id, picture)).collect();
    names.sort();
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
