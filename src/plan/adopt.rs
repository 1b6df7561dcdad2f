//! Rules 3 and 4 before a group is ours: who owns the name, the group and the sources, and
//! whether a group that exists already may be taken over.

use jiff::Timestamp;
use psg_domain::{AdoptionPolicy, Desired, Group, GroupId, Origin, Presence};

use crate::{
    case::{Case, Memory, Move, Step, write},
    create, differ,
    reason::{Finding, Reason},
    resolve::Resolved,
};

/// Everything wanted that belongs to another resource or to a group that no resource manages.
pub fn conflicts(case: &Case<'_>, resolved: &Resolved, mine: Option<&GroupId>) -> Vec<Finding> {
    let me = case.object.uid.as_str();
    let mut findings = Vec::new();
    let mut owned = |what: String, owner: &crate::Claimant| {
        let owner = owner.called_from(&case.object.namespace);
        let message = format!("{what} belongs to {owner}: one of the two must let it go");
        findings.push(Finding::new(Reason::OwnedByAnother, message));
    };
    if let Some(owner) = case.claims.owner_of_name(me, &resolved.name) {
        owned(format!("the group name \"{}\"", resolved.name), owner);
    }
    if let Some(id) = mine
        && let Some(owner) = case.claims.owner_of_group(me, id)
    {
        owned(format!("group {id}"), owner);
    }
    let sources = || {
        resolved
            .sources
            .iter()
            .filter_map(|pin| case.picture.source(&pin.id))
    };
    for source in sources() {
        if let Some(owner) = case.claims.owner_of_source(me, source) {
            owned(format!("source \"{}\"", source.name), owner);
        }
    }
    // As long as no group is ours for certain, the one of the wanted name may become it.
    let certain = mine.is_some_and(|id| matches!(case.picture.group(id), Presence::There(..)));
    let rival =
        |group: &&Group| Some(&group.id) != mine && (certain || group.name != resolved.name);
    for source in sources() {
        let elsewhere = case.picture.groups_with(&source.id).into_iter();
        for group in elsewhere.filter(rival) {
            if let Some(holder) = case.claims.holder_of_group(me, &group.id) {
                if case.claims.owner_of_source(me, source).is_none() {
                    let owner = holder.called_from(&case.object.namespace);
                    let message = format!(
                        "source \"{}\" is in the group of {owner}: take it out there, or here",
                        source.name
                    );
                    findings.push(Finding::new(Reason::OwnedByAnother, message));
                }
                continue;
            }
            findings.push(Finding::new(
                Reason::SourceInAnotherGroup,
                format!(
                    "\"{}\" is in tenant group \"{}\" ({}), which no PasswordSyncGroup manages. \
                     Remove it there, or adopt that group",
                    source.name, group.name, group.id
                ),
            ));
        }
    }
    findings
}

/// Takes over a group that exists already, or says why not.
pub fn adopt(
    case: &Case<'_>,
    now: Timestamp,
    desired: &Desired,
    resolved: &Resolved,
    group: &Group,
) -> Move {
    let drift = differ::differences(resolved, group, case.picture);
    if case.observes() {
        return if drift.is_empty() {
            Move::Settled
        } else {
            Move::Stalled(Finding::new(Reason::Drifted, differ::in_words(&drift)))
        };
    }
    let what = format!("group \"{}\" ({})", group.name, group.id);
    // By its name it is ours to want, by its owner's record it is not: it was renamed in the tenant.
    if let Some(owner) = case.claims.owner_of_group(&case.object.uid, &group.id) {
        let owner = owner.called_from(&case.object.namespace);
        let message = format!("{what} belongs to {owner}: one of the two must let it go");
        return Move::Stalled(Finding::new(Reason::OwnedByAnother, message));
    }
    if let Some(read) = create::read_groups(case, now) {
        return read;
    }
    let exists = |why: String| {
        Move::Stalled(Finding::new(
            Reason::GroupExists,
            format!("{what} exists already{why}"),
        ))
    };
    // Whoever names the very id has asked for that group; `Never` is about names.
    if desired.adoption == AdoptionPolicy::Never && desired.group_id.is_none() {
        return exists(
            " and adoptionPolicy is Never: choose another name, or allow adoption".to_owned(),
        );
    }
    if desired.adoption != AdoptionPolicy::Overwrite && !drift.is_empty() {
        let differs = differ::in_words(&drift);
        return exists(format!(
            " and differs ({differs}): adoptionPolicy: Overwrite would change it"
        ));
    }
    write(
        case,
        now,
        Step::Record(Memory::Group(group.clone(), Origin::Adopted)),
    )
}
