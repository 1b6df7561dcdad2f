//! The rule ownership: what a manifest wants and cannot have now. If an owner keeps it, or a group
//! that no resource manages has it, a person must act; a source whose owner lets it go is only
//! waited for.

use psg_domain::{Group, GroupId, Presence, Source};

use crate::{
    case::Case,
    claims::Claimant,
    reason::{Finding, Reason},
    resolve::Resolved,
};

/// Everything that the manifest wants and cannot have now.
pub struct Conflicts<'a> {
    /// What another resource owns, or what is in a group that no resource manages.
    pub findings: Vec<Finding>,
    /// The sources that another resource holds and lets go.
    pub awaited: Vec<Awaited<'a>>,
}

/// A source that another resource still holds and no longer asks for.
#[derive(Clone, Copy)]
pub struct Awaited<'a> {
    /// The source.
    pub source: &'a Source,
    /// The resource that holds it.
    pub owner: &'a Claimant,
}

/// Looks for other owners of what is wanted, and for other groups that have its sources. `mine` is
/// the group that the resource manages, or that the manifest asks for.
pub fn conflicts<'a>(
    case: &'a Case<'_>,
    resolved: &Resolved,
    mine: Option<&GroupId>,
) -> Conflicts<'a> {
    let me = case.object.uid.as_str();
    let mut findings = Vec::new();
    let mut awaited = Vec::new();
    let owned = |what: String, owner: &Claimant| {
        let owner = owner.called_from(&case.object.namespace);
        let message = format!("{what} belongs to {owner}: one of the two must let it go");
        Finding::new(Reason::OwnedByAnother, message)
    };
    if let Some(owner) = case.claims.owner_of_name(me, &resolved.name) {
        findings.push(owned(
            format!("the group name \"{}\"", resolved.name),
            owner,
        ));
    }
    if let Some(id) = mine
        && let Some(owner) = case.claims.owner_of_group(me, id)
    {
        findings.push(owned(format!("group {id}"), owner));
    }
    let pins = resolved.sources.iter();
    let sources: Vec<&Source> = pins
        .filter_map(|pin| case.picture.source(&pin.id))
        .collect();
    for source in &sources {
        match case.claims.owner_of_source(me, source) {
            Some(owner) if owner.lets_go(source) => awaited.push(Awaited { source, owner }),
            Some(owner) => findings.push(owned(format!("source \"{}\"", source.name), owner)),
            None => {}
        }
    }
    findings.extend(in_groups_without_id(case, &sources, mine));
    // While `mine` does not show, a group of the wanted name may become it, and is no rival.
    let certain = mine.is_some_and(|id| matches!(case.picture.group(id), Presence::There(..)));
    let rival =
        |group: &&Group| Some(&group.id) != mine && (certain || group.name != resolved.name);
    for source in sources {
        let elsewhere = case.picture.groups_with(&source.id).into_iter();
        for group in elsewhere.filter(rival) {
            let owned = case.claims.owner_of_source(me, source).is_some();
            match case.claims.recorded_owner_of_group(me, &group.id) {
                Some(_) if owned => {}
                Some(owner) if owner.lets_go(source) => awaited.push(Awaited { source, owner }),
                Some(owner) => {
                    let owner = owner.called_from(&case.object.namespace);
                    findings.push(Finding::new(
                        Reason::OwnedByAnother,
                        format!(
                            "source \"{}\" is in the group of {owner}: take it out there, or here",
                            source.name
                        ),
                    ));
                }
                None => findings.push(Finding::new(
                    Reason::SourceInAnotherGroup,
                    format!(
                        "\"{}\" is in tenant group \"{}\" ({}), which no PasswordSyncGroup manages. \
                         Remove it there, or adopt that group",
                        source.name, group.name, group.id
                    ),
                )),
            }
        }
    }
    // The first finding gives the reason, which must not change with what other resources claim.
    findings.sort_by_key(|finding| finding.reason != Reason::SourceInAnotherGroup);
    Conflicts { findings, awaited }
}

/// Sources that are to join, and that the tenant shows in a group without an id. Such a group may
/// be `mine`, so members of `mine` are not looked for; while they are unknown, no source is.
fn in_groups_without_id(
    case: &Case<'_>,
    sources: &[&Source],
    mine: Option<&GroupId>,
) -> Vec<Finding> {
    let members = match mine.map(|id| case.picture.group(id)) {
        Some(Presence::Unknown(_)) => return Vec::new(),
        Some(Presence::There(group, _)) => Some(&group.sources),
        Some(Presence::Gone(_)) | None => None,
    };
    let joining = sources.iter();
    let joining = joining.filter(|source| !members.is_some_and(|them| them.contains(&source.id)));
    let found = joining.filter_map(|source| {
        let group = case.picture.group_without_id_with(&source.id)?;
        let message = format!(
            "\"{}\" is in a tenant group that cannot be read ({group}): mend or remove that group in \
             the tenant",
            source.name
        );
        Some(Finding::new(Reason::SourceInAnotherGroup, message))
    });
    found.collect()
}
