//! The rule adoption: whether a group that exists already may be taken over.

use jiff::Timestamp;
use psg_domain::{AdoptionPolicy, Desired, Group, Origin};

use crate::{
    action::{Action, Memory, Next},
    case::Case,
    differ,
    reason::{Finding, Reason},
    resolve::Resolved,
    rules::{create, write::write},
};

/// Takes over a group that exists already, or says why not.
pub fn adopt(
    case: &Case<'_>,
    now: Timestamp,
    desired: &Desired,
    resolved: &Resolved,
    group: &Group,
) -> Next {
    if let Some(read) = create::read_part(case, group) {
        return read;
    }
    let drift = differ::differences(resolved, group, case.picture);
    if case.observes() {
        return if drift.is_empty() {
            Next::Settled
        } else {
            Next::Stalled(Finding::new(Reason::Drifted, differ::in_words(&drift)))
        };
    }
    let what = format!("group \"{}\" ({})", group.name, group.id);
    // The name is free for this resource, but another one owns the group: it was renamed in the
    // tenant, or the other's `groupID` asks for it.
    if let Some(owner) = case.claims.owner_of_group(&case.object.uid, &group.id) {
        let owner = owner.called_from(&case.object.namespace);
        let message = format!("{what} belongs to {owner}: one of the two must let it go");
        return Next::Stalled(Finding::new(Reason::OwnedByAnother, message));
    }
    if let Some(read) = create::read_groups(case, now) {
        return read;
    }
    let exists = |why: String| {
        Next::Stalled(Finding::new(
            Reason::GroupExists,
            format!("{what} exists already{why}"),
        ))
    };
    // `Never` is about groups found by name; with `groupID` the manifest asks for this group.
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
        Action::Record(Memory::Group(group.clone(), Origin::Adopted)),
    )
}
