//! What a group must be before it is stored. No IO, no changes: it only says no, or tidies up.
//!
//! All complaints are told at once, each in its own message.

use std::collections::BTreeSet;

use crate::{
    errors::Refusal,
    model::{Group, Source},
    state::State,
    switches::{
        DuplicateName, NameRule, SourceIds, SourceInTwoGroups, SourceWithExceptions, Switches,
        TooFewSources, UnfitSource, UnknownReference,
    },
};

const LONGEST_NAME: usize = 128;

/// The group as it will be stored, or why it will not.
pub(crate) fn checked(
    mut group: Group,
    state: &State,
    switches: &Switches,
) -> Result<Group, Refusal> {
    let mut complaints = Vec::new();
    tidy(&mut group, switches);
    name(&group, state, switches, &mut complaints);
    count(&group, switches, &mut complaints);
    let missing = references(&group, state, switches, &mut complaints);
    for source in group
        .source_ids
        .iter()
        .filter_map(|id| state.sources.find(id))
    {
        fitness(source, state, switches, &mut complaints);
        membership(source, &group, state, switches, &mut complaints);
    }
    match missing {
        _ if !complaints.is_empty() => Err(Refusal {
            status: 400,
            texts: complaints,
            retry_after: None,
        }),
        Some(id) => Err(Refusal::not_found(&id)),
        None => Ok(group),
    }
}

fn tidy(group: &mut Group, switches: &Switches) {
    if switches.name_rule == NameRule::Trim {
        group.name = group.name.trim().to_owned();
    }
    if switches.source_ids != SourceIds::Keep {
        let mut seen = BTreeSet::new();
        group.source_ids.retain(|id| seen.insert(id.clone()));
    }
    if switches.source_ids == SourceIds::Sort {
        group.source_ids.sort();
    }
}

fn name(group: &Group, state: &State, switches: &Switches, complaints: &mut Vec<String>) {
    if switches.name_rule != NameRule::Unchecked {
        if group.name.trim().is_empty() {
            complaints.push("name must not be empty".to_owned());
        } else if group.name.chars().count() > LONGEST_NAME {
            complaints.push(format!(
                "name must not be longer than {LONGEST_NAME} characters"
            ));
        }
    }
    let mut others = state
        .groups_named(&group.name)
        .filter(|other| other.id != group.id);
    let taken = match switches.duplicate_name {
        DuplicateName::Allow => false,
        DuplicateName::Refuse => others.any(|other| other.name == group.name),
        DuplicateName::RefuseIgnoringCase => others.next().is_some(),
    };
    if taken {
        complaints.push(format!(
            "A password sync group named \"{}\" exists already",
            group.name
        ));
    }
}

fn count(group: &Group, switches: &Switches, complaints: &mut Vec<String>) {
    let distinct = group.source_ids.iter().collect::<BTreeSet<_>>().len();
    let (least, text) = match switches.too_few_sources {
        TooFewSources::Refuse => (2, "at least two sources"),
        TooFewSources::AllowOne => (1, "at least one source"),
        TooFewSources::AllowNone => (0, ""),
    };
    if distinct < least {
        complaints.push(format!(
            "A password sync group needs {text}, got {distinct}"
        ));
    }
}

/// Complains about ids that lead nowhere, or returns the first for a 404.
fn references(
    group: &Group,
    state: &State,
    switches: &Switches,
    complaints: &mut Vec<String>,
) -> Option<String> {
    if switches.unknown_reference == UnknownReference::Accept {
        return None;
    }
    let Some(policy) = &group.password_policy_id else {
        complaints.push("passwordPolicyId is required".to_owned());
        return None;
    };
    let policy = state
        .policies
        .find(policy)
        .is_none()
        .then_some(("passwordPolicyId", policy));
    let sources = group
        .source_ids
        .iter()
        .filter(|id| state.sources.find(id).is_none());
    let mut missing = policy
        .into_iter()
        .chain(sources.map(|id| ("sourceIds", id)));
    if switches.unknown_reference == UnknownReference::NotFound {
        return missing.next().map(|(_, id)| id.clone());
    }
    complaints.extend(missing.map(|(field, id)| format!("{field}: \"{id}\" does not exist")));
    None
}

fn fitness(source: &Source, state: &State, switches: &Switches, complaints: &mut Vec<String>) {
    let exceptions = source
        .holders
        .iter()
        .any(|holder| holder.selectors.is_some());
    if exceptions && switches.source_with_exceptions == SourceWithExceptions::Refuse {
        complaints.push(format!(
            "Source \"{}\" has password policy exceptions, which a sync group cannot use",
            source.name
        ));
    }
    if switches.unfit_source == UnfitSource::Accept {
        return;
    }
    if source.connection_type.as_deref() != Some("direct") {
        complaints.push(format!(
            "Source \"{}\" is not a direct connect source",
            source.name
        ));
    }
    if !source.has("PASSWORD") {
        complaints.push(format!(
            "Source \"{}\" does not support password management",
            source.name
        ));
    }
    if source.has("AUTHENTICATE") && state.apps_of(&source.id).next().is_none() {
        complaints.push(format!(
            "Authentication source \"{}\" needs an application",
            source.name
        ));
    }
}

fn membership(
    source: &Source,
    group: &Group,
    state: &State,
    switches: &Switches,
    complaints: &mut Vec<String>,
) {
    if switches.source_in_two_groups != SourceInTwoGroups::Refuse {
        return;
    }
    if let Some(other) = state
        .groups_of(&source.id)
        .find(|other| other.id != group.id)
    {
        complaints.push(format!(
            "Source \"{}\" is in password sync group \"{}\" already",
            source.name, other.name
        ));
    }
}
