//! The Events about groups: one for each change, never one for each pass.

use psg_api::PasswordSyncGroupStatus;
use psg_domain::{Drift, Group, Picture, PolicyId, Reassignment, ReassignmentResult};
use psg_plan::{Release, ReleaseKind, WriteCause};

use crate::kubernetes::Note;

/// A group was made.
pub fn created(group: &Group) -> Note {
    let text = format!(
        "created group \"{}\" ({}) with {} sources",
        group.name,
        group.id,
        group.sources.len()
    );
    note("Created", text, "Create")
}

/// An existing group now belongs to the resource.
pub fn adopted(group: &Group) -> Note {
    note(
        "Adopted",
        format!("adopted group \"{}\" ({})", group.name, group.id),
        "Adopt",
    )
}

/// A group was changed, because its manifest was edited or to undo a change in the tenant.
pub fn updated(cause: WriteCause, changes: &[Drift]) -> Note {
    let each: Vec<String> = changes
        .iter()
        .map(|change| {
            format!(
                "{}: was {}, is {}",
                change.field, change.found, change.wanted
            )
        })
        .collect();
    let text = each.join("; ");
    match cause {
        WriteCause::Edit => note("Updated", text, "Update"),
        WriteCause::Drift => note(
            "DriftRepaired",
            format!("the tenant was changed behind our back; {text}"),
            "Repair",
        ),
    }
}

/// The resource is released. `status` and `picture` give the names of the policies.
pub fn released(
    release: &Release,
    status: Option<&PasswordSyncGroupStatus>,
    picture: &Picture,
) -> Option<Note> {
    let group = release
        .group
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    match release.kind {
        ReleaseKind::NothingMade => None,
        ReleaseKind::Orphaned => Some(note(
            "Orphaned",
            format!("left group {group} in the tenant as it is"),
            "Orphan",
        )),
        ReleaseKind::Observed => Some(note(
            "LetGo",
            format!("group {group} is only observed from now on"),
            "Observe",
        )),
        ReleaseKind::Deleted => {
            let words = Words { status, picture };
            let each = release.sources.iter().map(|left| words.source(left));
            let each: Vec<String> = each.collect();
            // The advice comes first: a long list is cut at its end.
            let text = format!(
                "deleted group {group}; from now on change each source's policy on the source. {}",
                each.join("; ")
            );
            Some(note("Deleted", text, "Delete"))
        }
    }
}

/// Names in place of ids, as far as they are known.
struct Words<'a> {
    status: Option<&'a PasswordSyncGroupStatus>,
    picture: &'a Picture,
}

impl Words<'_> {
    fn source(&self, source: &Reassignment) -> String {
        let policy = self.policy(&source.policy);
        let what = match source.result {
            Some(ReassignmentResult::ByService) => self.assigned(source, "the service"),
            Some(ReassignmentResult::ByOperator) => self.assigned(source, "the operator"),
            Some(ReassignmentResult::InAnotherGroup) => "is in another group".to_owned(),
            Some(ReassignmentResult::SourceGone) => "is gone".to_owned(),
            Some(ReassignmentResult::PolicyGone) => {
                format!("was left as it is: policy {policy} is gone")
            }
            Some(ReassignmentResult::HasOwnPolicy) => "keeps its own policy".to_owned(),
            None => "was not looked at".to_owned(),
        };
        format!("\"{}\" {what}", source.name)
    }

    /// The policy of a source before it joined the group, if known, its policy now, and who
    /// assigned it.
    fn assigned(&self, source: &Reassignment, whom: &str) -> String {
        let pins = self.status.iter().flat_map(|status| &status.sources);
        let before = pins
            .filter(|pin| pin.id == source.source.as_str())
            .find_map(|pin| PolicyId::parse(pin.policy_before.as_deref()?).ok());
        let was = before.map_or_else(String::new, |id| format!("was {}, ", self.policy(&id)));
        format!("{was}is {}, by {whom}", self.policy(&source.policy))
    }

    fn policy(&self, id: &PolicyId) -> String {
        let pinned = self.status.and_then(|status| status.policy.as_ref());
        let pinned = pinned.filter(|pin| pin.id == id.as_str());
        match (self.picture.policy(id), pinned) {
            (Some(policy), _) => policy.name.clone(),
            (None, Some(pin)) => pin.name.clone(),
            (None, None) => id.to_string(),
        }
    }
}

fn note(reason: &str, text: String, action: &'static str) -> Note {
    Note {
        warning: false,
        reason: reason.to_owned(),
        text,
        action,
    }
}

#[cfg(test)]
mod tests {
    use psg_domain::{GroupId, SourceId};

    use super::*;

    #[test]
    fn a_long_farewell_begins_with_the_advice_and_keeps_ids_that_have_no_name() {
        let source = |number: usize| Reassignment {
            source: SourceId::parse(&format!("s{number}")).unwrap(),
            name: format!("Source {number}"),
            policy: PolicyId::parse("p1").unwrap(),
            assign: psg_domain::Assign::Always,
            result: Some(ReassignmentResult::ByOperator),
        };
        let release = Release {
            kind: ReleaseKind::Deleted,
            group: GroupId::parse("g1").ok(),
            sources: (0..100).map(source).collect(),
        };
        let note = released(&release, None, &Picture::default()).unwrap();
        let begin = "deleted group g1; from now on change each source's policy on the source. \
                     \"Source 0\" is p1, by the operator; \"Source 1\" is";
        assert!(note.text.starts_with(begin), "{}", note.text);
    }
}
