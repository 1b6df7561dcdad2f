//! What is told to people: one Event a change, never one a pass.

use psg_domain::{Drift, Group, HandBack, HandBackResult};
use psg_plan::{Condition, Farewell, FarewellKind, Truth, WriteCause};

use crate::ports::Note;

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

/// A group that was there is ours now.
pub fn adopted(group: &Group) -> Note {
    note(
        "Adopted",
        format!("adopted group \"{}\" ({})", group.name, group.id),
        "Adopt",
    )
}

/// A group was changed: by the manifest, or back to it.
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

/// The resource is let go.
pub fn farewell(farewell: &Farewell) -> Option<Note> {
    let group = farewell
        .group
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    match farewell.kind {
        FarewellKind::NothingMade => None,
        FarewellKind::Orphaned => Some(note(
            "Orphaned",
            format!("left group {group} in the tenant as it is"),
            "Orphan",
        )),
        FarewellKind::Observed => Some(note(
            "LetGo",
            format!("group {group} is only observed from now on"),
            "Observe",
        )),
        FarewellKind::Deleted => {
            let sources: Vec<String> = farewell.sources.iter().map(source).collect();
            let text = format!(
                "deleted group {group}. {}. From now on change each source's policy on the source",
                sources.join("; ")
            );
            Some(note("Deleted", text, "Delete"))
        }
    }
}

/// Something needs a person, and did not before.
pub fn warning(ready: &Condition) -> Option<Note> {
    let tell = ready.truth == Truth::False;
    tell.then(|| Note {
        warning: true,
        reason: ready.reason.to_owned(),
        text: ready.message.clone(),
        action: "Reconcile",
    })
}

fn source(source: &HandBack) -> String {
    let what = match source.result {
        Some(HandBackResult::ByService) => {
            format!("has policy {} (assigned by the service)", source.policy)
        }
        Some(HandBackResult::ByOperator) => {
            format!("has policy {} (assigned by the operator)", source.policy)
        }
        Some(HandBackResult::InAnotherGroup) => "is in another group".to_owned(),
        Some(HandBackResult::SourceGone) => "is gone".to_owned(),
        Some(HandBackResult::PolicyGone) => {
            format!("was left as it is: policy {} is gone", source.policy)
        }
        None => "was not looked at".to_owned(),
    };
    format!("\"{}\" {what}", source.name)
}

fn note(reason: &str, text: String, action: &'static str) -> Note {
    Note {
        warning: false,
        reason: reason.to_owned(),
        text,
        action,
    }
}
