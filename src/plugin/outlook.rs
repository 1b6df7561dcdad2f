//! What a preview says, as text of at most 80 columns where names allow it. Pure.

use std::fmt::Write;

use psg_domain::{Picture, SourceId};
use psg_plan::preview::{Change, Ending, Outlook};

/// 0: nothing to do; 2: changes; 3: a rule refuses at least one.
pub fn code(outlooks: &[Outlook]) -> u8 {
    let refused = |one: &Outlook| matches!(one.ending, Ending::Refused(_) | Ending::Waits(_));
    if outlooks.iter().any(refused) {
        3
    } else if outlooks.iter().any(|one| !one.changes.is_empty()) {
        2
    } else {
        0
    }
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
    match change {
        Change::Create(group) => {
            line(text, format_args!("  create group \"{}\"", group.name));
            let policy = group.policy.as_ref().map(|id| {
                let known = picture.policy(id);
                known.map_or_else(|| id.to_string(), |policy| policy.name.clone())
            });
            line(
                text,
                format_args!("      policy  {}", policy.unwrap_or_default()),
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
        Change::Assign(id, policy) => {
            let policy = policy.as_ref().map(|id| {
                let known = picture.policy(id);
                known.map_or_else(|| id.to_string(), |policy| policy.name.clone())
            });
            let policy = policy.unwrap_or_else(|| "none".to_owned());
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
    let refused = |one: &&Outlook| matches!(one.ending, Ending::Refused(_) | Ending::Waits(_));
    line(
        text,
        format_args!(
            "\n{} to create, {} to adopt, {} to update, {} to delete, {} policies to assign; {} refused",
            count(|change| matches!(change, Change::Create(_))),
            count(|change| matches!(change, Change::Adopt(_))),
            count(|change| matches!(change, Change::Update(..))),
            count(|change| matches!(change, Change::Delete(_))),
            count(|change| matches!(change, Change::Assign(..))),
            outlooks.iter().filter(refused).count(),
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
