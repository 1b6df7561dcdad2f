//! Compares what two tenants show, by names. Pure.

use std::collections::{BTreeMap, BTreeSet};

use psg_domain::{Kind, Picture};

use super::document::{
    API_VERSION, Ambiguous, Different, Document, Group, Lack, Lacking, Lacks, Policies, Side,
};
use crate::{
    forms::Text,
    inventory::{build, document::Named, tenants::Seen},
};

/// The groups of a tenant by name.
type ByName = BTreeMap<Text, Vec<Group>>;

/// The whole document. Each tenant comes with its name from `--from` or `--to`.
pub fn document(from: (&str, &Seen), to: (&str, &Seen), warnings: Vec<String>) -> Document {
    let (old, new) = (groups(from.1), groups(to.1));
    let mut document = Document {
        api_version: API_VERSION,
        kind: "Diff",
        from: side(from),
        to: side(to),
        only_in_from: Vec::new(),
        only_in_to: Vec::new(),
        different: Vec::new(),
        equal: Vec::new(),
        ambiguous: Vec::new(),
        lacks: Lacks {
            from: lacks(&from.1.picture, &new),
            to: lacks(&to.1.picture, &old),
        },
        unreadable: [from.1, to.1].into_iter().flat_map(unreadable).collect(),
        warnings,
    };
    let names: BTreeSet<&Text> = old.keys().chain(new.keys()).collect();
    for name in names {
        let of = |named: &ByName| named.get(name).cloned().unwrap_or_default();
        match (&of(&old)[..], &of(&new)[..]) {
            ([group], []) => document.only_in_from.push(group.clone()),
            ([], [group]) => document.only_in_to.push(group.clone()),
            ([old], [new]) => match different(old, new) {
                Some(different) => document.different.push(different),
                None => document.equal.push(name.clone()),
            },
            (old, new) => document.ambiguous.push(Ambiguous {
                name: name.clone(),
                in_from: old.len(),
                in_to: new.len(),
            }),
        }
    }
    document
}

fn side((name, seen): (&str, &Seen)) -> Side {
    Side {
        name: name.to_owned(),
        host: seen.host.clone(),
        namespace: seen.namespace.clone(),
    }
}

fn groups(seen: &Seen) -> ByName {
    let mut named = ByName::new();
    for group in build::groups(seen) {
        let policy = group.policy.map(|policy| policy.name);
        let mut sources: Vec<Text> = group.sources.iter().map(Named::called).collect();
        sources.sort();
        let group = Group {
            name: group.named.name,
            policy: policy.filter(|name| !name.0.is_empty()),
            sources,
        };
        named.entry(group.name.clone()).or_default().push(group);
    }
    named
}

fn different(old: &Group, new: &Group) -> Option<Different> {
    let mut gone = Vec::new();
    // Names may repeat, so each source of the old group matches at most one of the new group.
    let mut added = new.sources.clone();
    for source in &old.sources {
        match added.iter().position(|other| other == source) {
            Some(found) => _ = added.remove(found),
            None => gone.push(source.clone()),
        }
    }
    let policy = (old.policy != new.policy).then(|| Policies {
        from: old.policy.clone(),
        to: new.policy.clone(),
    });
    let is_equal = policy.is_none() && gone.is_empty() && added.is_empty();
    (!is_equal).then(|| Different {
        name: old.name.clone(),
        policy,
        sources_in_both: old.sources.len() - gone.len(),
        sources_only_in_from: gone,
        sources_only_in_to: added,
    })
}

/// The names that groups of the other tenant refer to, if not exactly one object has the name here.
fn lacks(here: &Picture, others: &ByName) -> Vec<Lack> {
    let mut needed: BTreeMap<(Lacking, &Text), BTreeSet<&Text>> = BTreeMap::new();
    for group in others.values().flatten() {
        let sources = group.sources.iter().map(|name| (Lacking::Source, name));
        let policy = group.policy.iter().map(|name| (Lacking::Policy, name));
        for what in policy.chain(sources) {
            needed.entry(what).or_default().insert(&group.name);
        }
    }
    let lacks = needed.into_iter().filter_map(|((kind, name), groups)| {
        let (found, list) = match kind {
            Lacking::Policy => (here.policies_named(&name.0).len(), Kind::Policy),
            Lacking::Source => (here.sources_named(&name.0).len(), Kind::Source),
        };
        // An object that cannot be read is not lacking: `unreadable` reports it.
        let is_shown = found == 1 || here.unreadable_named(list, &name.0).is_some();
        (!is_shown).then(|| Lack {
            kind,
            name: name.clone(),
            found,
            needed_by: groups.into_iter().cloned().collect(),
        })
    });
    lacks.collect()
}

/// What cannot be read, and so may hide a difference.
fn unreadable(seen: &Seen) -> Vec<Text> {
    let host = &seen.host;
    let odd = seen.picture.unreadable();
    let mut said: Vec<Text> = odd.map(|odd| Text(format!("{host}: {odd}"))).collect();
    for group in build::groups(seen) {
        let name = &group.named.name.0;
        let mut hidden = |what: &str| {
            said.push(Text(format!(
                "{host}: group \"{name}\" has {what} whose name the tenant does not tell"
            )));
        };
        if group.policy.is_none_or(|policy| policy.name.0.is_empty()) {
            hidden("a policy");
        }
        if group.sources.iter().any(|source| source.name.0.is_empty()) {
            hidden("a source");
        }
    }
    said
}
