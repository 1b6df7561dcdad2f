//! The lists for a terminal: a table for each tenant, of at most 80 columns where the names allow it. Pure.

use super::{
    document::{Connection, Document, Group, Named, Policy, Resource, Source, Tenant},
    table::{Cell, Table},
};
use crate::{
    plan::text::grouped,
    terminal::{Line, Tone, WIDTH, wrapped},
};

/// The sources.
pub fn sources(document: &Document<Source>, wide: bool) -> Vec<Line> {
    let all = document.tenants.iter().flat_map(|tenant| &tenant.items);
    let counted = all.clone().any(|source| source.accounts.is_some());
    let mut heading = vec!["NAME", "TYPE", "PASSWORD", "SIGN-IN", "APPS"];
    heading.extend(counted.then_some("ACCOUNTS"));
    heading.extend(["HEALTHY", "GROUP"]);
    if wide {
        heading.extend(["RESOURCE", "POLICY", "OWNER", "STATUS", "ID"]);
    }
    let mut lines = tables(document, &heading, |source: &Source| {
        let groups = source.groups.iter();
        let mut cells = vec![
            name(&source.named),
            Cell::words(match source.connection {
                Connection::Direct => "direct",
                Connection::FileFed => "files",
                Connection::Unknown => "?",
            }),
            yes(source.changes_passwords),
            yes(source.authenticates),
            Cell::number(source.applications.map(|number| number.to_string())),
        ];
        cells.extend(counted.then(|| Cell::number(source.accounts.map(grouped))));
        cells.push(yes(source.healthy));
        cells.push(list(groups.clone().map(|group| called(&group.named))));
        if wide {
            cells.push(list(
                groups.filter_map(|group| group.resource.as_ref().map(place)),
            ));
            cells.push(list(source.policies.iter().map(called)));
            cells.push(list(source.owner.iter().map(|owner| owner.0.clone())));
            cells.push(Cell::words(&source.status.0));
            cells.push(Cell::words(&source.named.id));
        }
        (tone(source), cells)
    });
    let fit = all.clone().filter(|source| tone(source) == Tone::Plain);
    let (count, fit) = (all.clone().count(), fit.count());
    let free = all.filter(|source| source.groups.is_empty()).count();
    ending(
        document,
        &mut lines,
        &format!(
            "Sources: {count}. Direct, healthy and able to change passwords: {fit}. In no group: {free}."
        ),
    );
    lines
}

/// The policies.
pub fn policies(document: &Document<Policy>, wide: bool) -> Vec<Line> {
    let mut heading = vec!["NAME", "GROUPS", "SOURCES", "ID"];
    if wide {
        heading.extend(["IN GROUPS", "ON SOURCES"]);
    }
    let mut lines = tables(document, &heading, |policy: &Policy| {
        let mut cells = vec![
            name(&policy.named),
            Cell::number(Some(policy.groups.len().to_string())),
            Cell::number(Some(policy.sources.len().to_string())),
            Cell::words(&policy.named.id),
        ];
        if wide {
            cells.push(list(policy.groups.iter().map(called)));
            cells.push(list(policy.sources.iter().map(called)));
        }
        (Tone::Plain, cells)
    });
    let all = document.tenants.iter().flat_map(|tenant| &tenant.items);
    let used = all.clone().filter(|policy| !policy.groups.is_empty());
    let (count, used) = (all.clone().count(), used.count());
    let said = format!("Policies: {count}. In groups: {used}.");
    ending(document, &mut lines, &said);
    lines
}

/// The groups; the resources of a cluster, if one was asked.
pub fn groups(document: &Document<Group>, wide: bool) -> Vec<Line> {
    let mut tenants = document.tenants.iter();
    let with_cluster = tenants.any(|tenant| tenant.namespace.is_some());
    let mut heading = vec!["NAME", "POLICY", "SOURCES"];
    heading.extend(with_cluster.then_some("RESOURCE"));
    heading.extend((with_cluster && wide).then_some("MODE"));
    heading.extend((!with_cluster || wide).then_some("ID"));
    heading.extend(wide.then_some("ITS SOURCES"));
    let mut lines = tables(document, &heading, |group: &Group| {
        let resource = group.resource.iter();
        let mut cells = vec![
            name(&group.named),
            Cell::words(&group.policy.as_ref().map_or_else(|| "?".to_owned(), called)),
            Cell::number(Some(group.sources.len().to_string())),
        ];
        cells.extend(with_cluster.then(|| list(resource.clone().map(place))));
        let mode = || list(resource.map(|it| format!("{:?}", it.management_policy)));
        cells.extend((with_cluster && wide).then(mode));
        cells.extend((!with_cluster || wide).then(|| Cell::words(&group.named.id)));
        cells.extend(wide.then(|| list(group.sources.iter().map(called))));
        (Tone::Plain, cells)
    });
    let all = document.tenants.iter().flat_map(|tenant| &tenant.items);
    let count = all.clone().count();
    let mut said = format!("Groups: {count}.");
    if with_cluster {
        let free = all.filter(|group| group.resource.is_none()).count();
        said = format!("{said} Without a PasswordSyncGroup: {free}.");
        if free > 0 {
            said.push_str(" `kubectl psg export` writes manifests for them.");
        }
    }
    ending(document, &mut lines, &said);
    lines
}

fn tables<T>(
    document: &Document<T>,
    heading: &[&str],
    row: impl Fn(&T) -> (Tone, Vec<Cell>),
) -> Vec<Line> {
    let mut lines = Vec::new();
    for tenant in &document.tenants {
        lines.push(Line {
            tone: Tone::Strong,
            text: title(tenant),
        });
        if !tenant.items.is_empty() {
            let mut table = Table::new(heading);
            for item in &tenant.items {
                let (tone, cells) = row(item);
                table.row(tone, cells);
            }
            lines.extend(table.lines());
        }
        for odd in &tenant.unreadable {
            said(
                &mut lines,
                Tone::Changed,
                &format!("cannot be read: {}", odd.0),
            );
        }
        said(&mut lines, Tone::Plain, "");
    }
    lines
}

fn title<T>(tenant: &Tenant<T>) -> String {
    let names = tenant.identity_tenants.join(", ");
    match &tenant.namespace {
        Some(namespace) => format!(
            "Tenant {} (IdentityTenant {namespace}/{names})",
            tenant.host
        ),
        None => format!("Tenant {}", tenant.host),
    }
}

fn ending<T>(document: &Document<T>, lines: &mut Vec<Line>, totals: &str) {
    for warning in &document.warnings {
        said(lines, Tone::Changed, &format!("warning: {warning}"));
    }
    said(lines, Tone::Strong, totals);
}

/// Adds a text in as many lines as it needs; at least one.
fn said(lines: &mut Vec<Line>, tone: Tone, text: &str) {
    let mut parts = wrapped(text, WIDTH);
    if parts.is_empty() {
        parts.push(String::new());
    }
    lines.extend(parts.into_iter().map(|text| Line { tone, text }));
}

/// A source that no group may have is faint; a source that may not work has a colour.
fn tone(source: &Source) -> Tone {
    if source.connection == Connection::FileFed || !source.changes_passwords {
        Tone::Faint
    } else if source.connection == Connection::Unknown || !source.healthy {
        Tone::Changed
    } else {
        Tone::Plain
    }
}

fn yes(is: bool) -> Cell {
    Cell::words(if is { "yes" } else { "no" })
}

fn name(named: &Named) -> Cell {
    Cell::words(&called(named))
}

fn called(named: &Named) -> String {
    named.called().0
}

fn list(words: impl Iterator<Item = String>) -> Cell {
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        Cell::words("-")
    } else {
        Cell::words(&words.join(", "))
    }
}

fn place(resource: &Resource) -> String {
    format!("{}/{}", resource.namespace, resource.name)
}
