//! How a record changes the status, and what this process remembers with it.

use psg_domain::{Group, PolicyPin, Recorded};

use crate::{
    action::Memory,
    case::Case,
    differ,
    rules::{leavers, reassign},
};

impl Case<'_> {
    /// The case as it stands once `memory` is stored.
    #[must_use]
    pub fn with(&self, memory: &Memory) -> Self {
        let mut case = self.clone();
        case.engine.recorded(memory);
        let recorded = &mut case.recorded;
        match memory {
            Memory::Intent(intent) => {
                leave_behind(recorded, None, self);
                recorded.group = None;
                recorded.origin = None;
                recorded.tenant.clone_from(&self.tenant.key);
                recorded.intent = Some(intent.clone());
                if let Ok(resolved) = self.resolve() {
                    recorded.policy = Some(resolved.policy);
                    recorded.sources = resolved.sources;
                }
            }
            Memory::Refused(refused) => {
                recorded.intent = None;
                recorded.refused = Some(refused.clone());
            }
            Memory::Contested(contested) => {
                recorded.contested = Some(contested.clone());
            }
            Memory::Group(group, origin) => {
                leave_behind(recorded, Some(group), self);
                recorded.intent = None;
                recorded.refused = None;
                recorded.group = Some(group.id.clone());
                recorded.origin = Some(*origin);
                recorded.tenant.clone_from(&self.tenant.key);
                pin_group(recorded, group, self);
            }
            Memory::Update(update, leaving) => {
                recorded.update = Some(update.clone());
                recorded.leaving.clone_from(leaving);
            }
            Memory::Deletion(deletion) => {
                recorded.leaving.clear();
                recorded.update = None;
                recorded.deletion = Some(deletion.clone());
            }
            Memory::Reassigned(sources) => match &mut recorded.deletion {
                Some(deletion) => deletion.sources.clone_from(sources),
                None => recorded.leaving.clone_from(sources),
            },
        }
        case
    }
}

/// Sources of a group that is gone, or that another group replaces, may be without a policy: those
/// that are not in the group `now` are remembered as leaving.
fn leave_behind(recorded: &mut Recorded, now: Option<&Group>, case: &Case<'_>) {
    let was = recorded.held().cloned();
    if was.is_some_and(|was| now.is_none_or(|now| now.id != was)) {
        reassign::enlist(&mut recorded.leaving, leavers::members(case, None));
        recorded.update = None;
    }
    if let Some(now) = now {
        recorded
            .leaving
            .retain(|left| !now.sources.contains(&left.source));
    }
}

/// Records name, policy and sources of a group that the resource takes on, or that shows its
/// change: under the manifest's own references, or those recorded before, where they lead to the
/// same object.
pub fn pin_group(recorded: &mut Recorded, group: &Group, case: &Case<'_>) {
    recorded.name = Some(group.name.clone());
    let resolved = case.resolve().ok();
    if let Some(id) = &group.policy {
        let wanted = resolved.as_ref().map(|resolved| &resolved.policy);
        recorded.policy = Some(
            wanted
                .filter(|pin| pin.id == *id)
                .or_else(|| recorded.policy.as_ref().filter(|pin| pin.id == *id))
                .cloned()
                .unwrap_or_else(|| {
                    let name = differ::policy(id, case.picture);
                    PolicyPin {
                        reference: id.to_string(),
                        id: id.clone(),
                        name,
                    }
                }),
        );
    }
    let wanted = resolved
        .map(|resolved| resolved.sources)
        .unwrap_or_default();
    let ordered = wanted
        .iter()
        .filter(|pin| group.sources.contains(&pin.id))
        .cloned();
    let others = group
        .sources
        .iter()
        .filter(|id| wanted.iter().all(|pin| pin.id != **id));
    let others = others.map(|id| differ::pin(recorded, id, case.picture));
    recorded.sources = ordered.chain(others).collect();
}
