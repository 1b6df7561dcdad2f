//! The comparison for a terminal: lines of at most 80 columns where the names allow it. A minus
//! marks what only the first tenant has, a plus what only the second tenant has. Pure.

use psg_domain::text;

use super::document::{Different, Document, Group, Lack, Lacking};
use crate::{
    forms::Text,
    terminal::{Line, Page, Tone, WIDTH, listed},
};

/// The indent of the lines about a group.
const FIELD: &str = "    ";

/// All lines.
pub fn lines(document: &Document) -> Vec<Line> {
    let mut page = Page::default();
    let (from, to) = (&document.from.name, &document.to.name);
    let width = from.chars().count().max(to.chars().count());
    for (sign, side) in [("- from", &document.from), ("+ to  ", &document.to)] {
        page.line(
            Tone::Strong,
            format!("{sign}  {:width$}  {}", side.name, side.host),
        );
    }
    page.blank();
    only(
        &mut page,
        from,
        ("-", Tone::Removed),
        &document.only_in_from,
    );
    only(&mut page, to, ("+", Tone::Added), &document.only_in_to);
    differing(&mut page, &document.different);
    if !document.ambiguous.is_empty() {
        page.title("Not compared, since several groups of a tenant have the name");
        for name in &document.ambiguous {
            let said = format!(
                "  \"{}\": {} in {from}, {} in {to}",
                name.name.0, name.in_from, name.in_to
            );
            page.line(Tone::Changed, said);
        }
        page.blank();
    }
    lacking(&mut page, (from, to), &document.lacks.from);
    lacking(&mut page, (to, from), &document.lacks.to);
    for odd in &document.unreadable {
        let said = format!("cannot be read: {}", text::line(&odd.0));
        page.hanging(Tone::Changed, "", &said);
    }
    for warning in &document.warnings {
        let said = format!("warning: {}", text::line(warning));
        page.hanging(Tone::Changed, "", &said);
    }
    let said = format!(
        "Groups: {} equal, {} different, {} only in {from}, {} only in {to}.",
        document.equal.len(),
        document.different.len(),
        document.only_in_from.len(),
        document.only_in_to.len()
    );
    page.hanging(Tone::Strong, "", &said);
    page.0
}

fn only(page: &mut Page, side: &str, (sign, tone): (&str, Tone), groups: &[Group]) {
    if groups.is_empty() {
        return;
    }
    page.title(&format!("Only in {side}"));
    for group in groups {
        page.line(tone, format!("{sign} {}", group.name.0));
        let policy = told(group.policy.as_ref());
        page.line(Tone::Plain, format!("{FIELD}policy   {policy}"));
        let names: Vec<String> = group.sources.iter().map(|name| name.0.clone()).collect();
        list(page, Tone::Plain, "    sources  ", &names);
    }
    page.blank();
}

fn differing(page: &mut Page, groups: &[Different]) {
    if groups.is_empty() {
        return;
    }
    page.title("Different");
    for group in groups {
        page.line(Tone::Changed, format!("~ {}", group.name.0));
        if let Some(policies) = &group.policy {
            let (from, to) = (policies.from.as_ref(), policies.to.as_ref());
            page.line(Tone::Removed, format!("{FIELD}policy   - {}", told(from)));
            page.line(Tone::Added, format!("{FIELD}         + {}", told(to)));
        }
        let gone = group.sources_only_in_from.iter();
        let gone = gone.map(|name| (Tone::Removed, format!("- {}", name.0)));
        let added = group.sources_only_in_to.iter();
        let added = added.map(|name| (Tone::Added, format!("+ {}", name.0)));
        let mut field = "sources";
        for (tone, said) in gone.chain(added) {
            page.line(tone, format!("{FIELD}{field:7}  {said}"));
            field = "";
        }
        if field.is_empty() {
            let both = group.sources_in_both;
            page.line(Tone::Faint, format!("{FIELD}         ({both} in both)"));
        }
    }
    page.blank();
}

fn lacking(page: &mut Page, (side, other): (&str, &str), lacks: &[Lack]) {
    if lacks.is_empty() {
        return;
    }
    page.title(&format!("{side} lacks, for groups of {other}"));
    for lack in lacks {
        let kind = match lack.kind {
            Lacking::Policy => "policy",
            Lacking::Source => "source",
        };
        let found = match lack.found {
            0 => "none has that name".to_owned(),
            several => format!("{several} have that name"),
        };
        let name = &lack.name.0;
        page.line(Tone::Changed, format!("  {kind} \"{name}\": {found}"));
        let groups = lack.needed_by.iter();
        let groups: Vec<String> = groups.map(|group| format!("\"{}\"", group.0)).collect();
        list(page, Tone::Plain, "      for ", &groups);
    }
    page.blank();
}

/// Names after a word; further lines of names are indented as far as the first.
fn list(page: &mut Page, tone: Tone, word: &str, names: &[String]) {
    let mut before = word.to_owned();
    for names in listed(names, WIDTH - word.len()) {
        page.line(tone, format!("{before}{names}"));
        before = " ".repeat(word.len());
    }
}

fn told(name: Option<&Text>) -> &str {
    name.map_or("?", |name| name.0.as_str())
}
