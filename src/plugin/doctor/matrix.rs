//! The password changes of a group for a terminal: a row a change, a column a source. Pure.

use std::fmt::Display;

use psg_domain::text;

use super::document::{Change, Changes, Group, OutcomeKind, Reached};
use crate::terminal::{Page, Tone};

/// At most so many changes are shown; `-o json` has all of them.
const MOST_SHOWN: usize = 20;

/// The width of the column of names; a longer name pushes the others aside.
const NAME: usize = 24;

const LEGEND: &str = "+ changed   x failed   ~ being tried again   - not attempted   ? unknown";

/// Adds the rows, if there are any.
pub fn tell(page: &mut Page, group: &Group, within: &str) {
    let Changes { complete, listed } = &group.changes;
    if *complete == 0 && listed.is_empty() {
        return;
    }
    let count = |wanted: Reached| listed.iter().filter(|it| it.reached() == wanted).count();
    let unknown = count(Reached::Unknown);
    let said = format!(
        "password changes of {within}: {} reached every source, {} did not{}",
        complete + count(Reached::All),
        count(Reached::Some),
        match unknown {
            0 => String::new(),
            several => format!(", {several} not known"),
        }
    );
    page.hanging(Tone::Plain, "  ", &said);
    if listed.is_empty() {
        return;
    }
    for (source, number) in group.sources.iter().zip(1..) {
        let name = text::line(&source.name.0);
        page.line(Tone::Faint, format!("    {number:>2} {name}"));
    }
    let numbers = columns(1..=group.sources.len());
    page.line(
        Tone::Strong,
        format!("    {:16}  {:NAME$}{numbers}", "at (UTC)", "whose"),
    );
    for change in listed.iter().take(MOST_SHOWN) {
        row(page, group, change);
    }
    let more = listed.len().saturating_sub(MOST_SHOWN);
    if more > 0 {
        page.line(
            Tone::Plain,
            format!("    and {more} older ones: -o json has all of them"),
        );
    }
    page.line(Tone::Faint, format!("    {LEGEND}"));
}

fn row(page: &mut Page, group: &Group, change: &Change) {
    let at: String = change.at.replace('T', " ").chars().take(16).collect();
    let identity = change.identity.as_ref().map(|name| text::line(&name.0));
    let identity = identity.unwrap_or_else(|| "(not told)".to_owned());
    let marks = group.sources.iter().map(|source| {
        let outcome = change.on(&source.name);
        outcome.map_or(' ', |outcome| mark(outcome.outcome))
    });
    let marks = columns(marks);
    let tone = match change.reached() {
        Reached::All => Tone::Plain,
        Reached::Some | Reached::Unknown => Tone::Changed,
    };
    page.line(tone, format!("    {at}  {identity:NAME$}{marks}"));
    if let Some(id) = &change.id {
        let id = text::line(&id.0);
        page.line(Tone::Faint, format!("      --change {id}"));
    }
}

fn columns<T: Display>(cells: impl Iterator<Item = T>) -> String {
    let cells: Vec<String> = cells.map(|cell| format!("{cell:>3}")).collect();
    cells.concat()
}

fn mark(outcome: OutcomeKind) -> char {
    match outcome {
        OutcomeKind::Changed => '+',
        OutcomeKind::Failed => 'x',
        OutcomeKind::Retrying => '~',
        OutcomeKind::NotAttempted => '-',
        OutcomeKind::Unknown => '?',
    }
}
