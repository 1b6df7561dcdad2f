//! What a preview says, as text of at most 80 columns where names allow it. Pure.

use std::fmt::Write;

use psg_domain::{Picture, PolicyId, SourceId};
use psg_plan::preview::{Change, Ending, Outlook};

/// 0: nothing to do; 2: changes; 3: a rule refuses at least one.
pub fn code(outlooks: &[Outlook]) -> u8 {
    if outlooks.iter().any(is_refused) {
        3
    } else if outlooks.iter().any(|one| !one.changes.is_empty()) {
        2
    } else {
        0
    }
}

fn is_refused(outlook: &Outlook) -> bool {
    matches!(outlook.ending, Ending::Refused(_) | Ending::Waits(_))
}

/// Each resource with its changes in order, then totals.
pub fn text(outlooks: &[Outlook], picture: &Picture, others: usize) -> String {
    let mut text = String::new();
    for outlook in outlooks {
        one(&mut text, outlook, picture);
    }
    totals(&mut text, outlooks, others);
    text
}

// Writing to a string cannot fail.
fn line(text: &mut String, said: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{said}");
}

fn one(text: &mut String, outlook: &Outlook, picture: &Picture) {
    let (namespace, name) = &outlook.name;
    let place = format!("{namespace}/{name}");
    if outlook.changes.is_empty() && outlook.ending == Ending::InSync {
        return line(text, format_args!("{place}: no change"));
    }
    line(text, format_args!("{place}:"));
    for change in &outlook.changes {
        self::change(text, change, picture);
    }
    match &outlook.ending {
        Ending::Refused(why) | Ending::Waits(why) => {
            line(text, format_args!("  refused, {}", why.reason.as_str()));
            line(text, format_args!("      {}", why.message));
            line(text, format_args!("      {}", why.reason.act()));
        }
        Ending::InSync | Ending::Gone => {}
    }
}

fn change(text: &mut String, change: &Change, picture: &Picture) {
    let source = |id: &SourceId| {
        let known = picture.source(id);
        known.map_or_else(|| id.to_string(), |source| source.name.clone())
    };
    let policy = |id: Option<&PolicyId>| {
        let known = id.and_then(|id| picture.policy(id));
        let name = known.map(|policy| policy.name.clone());
        let id = || id.map_or_else(|| "none".to_owned(), ToString::to_string);
        name.unwrap_or_else(id)
    };
    match change {
        Change::Create(group) => {
            line(text, format_args!("  create group \"{}\"", group.name));
            line(
                text,
                format_args!("      policy  {}", policy(group.policy.as_ref())),
            );
            for id in &group.sources {
                line(text, format_args!("      + {}", source(id)));
            }
        }
        Change::Adopt(group) => line(
            text,
            format_args!("  adopt group \"{}\" ({})", group.name, group.id),
        ),
        Change::Update(id, fields) => {
            line(text, format_args!("  update group {id}"));
            for field in fields {
                line(text, format_args!("      {}", field.field));
                line(text, format_args!("        was      {}", field.found));
                line(text, format_args!("        will be  {}", field.wanted));
            }
        }
        Change::Delete(id) => line(text, format_args!("  delete group {id}")),
        Change::Assign(id, assigned) => {
            let policy = policy(assigned.as_ref());
            line(
                text,
                format_args!("  assign policy \"{policy}\" to source {}", source(id)),
            );
        }
    }
}

fn totals(text: &mut String, outlooks: &[Outlook], others: usize) {
    let count = |is: fn(&Change) -> bool| {
        let changes = outlooks.iter().flat_map(|one| &one.changes);
        changes.filter(|change| is(change)).count()
    };
    line(
        text,
        format_args!(
            "\n{} to create, {} to adopt, {} to update, {} to delete, {} policies to assign; {} refused",
            count(|change| matches!(change, Change::Create(_))),
            count(|change| matches!(change, Change::Adopt(_))),
            count(|change| matches!(change, Change::Update(..))),
            count(|change| matches!(change, Change::Delete(_))),
            count(|change| matches!(change, Change::Assign(..))),
            outlooks.iter().filter(|one| is_refused(one)).count(),
        ),
    );
    if others > 0 {
        line(
            text,
            format_args!("{others} objects of other kinds were left out"),
        );
    }
    line(text, format_args!("Nothing was written."));
}
