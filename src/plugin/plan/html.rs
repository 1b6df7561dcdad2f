//! A plan as one page for a change ticket. Pure.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{
    document::{Document, Field, Membership, Named, Outcome, Resource, Source, Tenant},
    text::{accounts, applications, headline, label, misaligned, totals},
};
use crate::page::{page as framed, shown};

/// The whole plan.
pub fn page(plan: &Document) -> String {
    let body = html! {
        p.totals { (totals(&plan.summary)) }
        @for warning in &plan.warnings {
            p.warning { "Warning: " (shown(warning)) }
        }
        @for tenant in &plan.tenants { (of_tenant(tenant)) }
    };
    framed("Password sync plan", &body)
}

fn of_tenant(tenant: &Tenant) -> Markup {
    let changed = |resource: &&Resource| resource.outcome != Outcome::Unchanged;
    html! {
        section {
            h2 { "Tenant " code { (shown(&tenant.host)) } }
            @for resource in tenant.resources.iter().filter(changed) { (of_resource(resource)) }
            @if !tenant.sources.is_empty() {
                h3 { "Sources and groups" }
                (matrix(tenant))
                h3 { "Passwords" }
                (passwords(tenant))
            }
            (requests(tenant))
        }
    }
}

fn of_resource(resource: &Resource) -> Markup {
    html! {
        article class=(class(resource.outcome)) {
            h3 { (shown(&headline(resource))) }
            @if let Some(refusal) = &resource.refusal {
                p { (shown(&refusal.message)) }
                p.remedy { (shown(&refusal.remedy)) }
            }
            @if !resource.fields.is_empty() {
                dl {
                    @for field in &resource.fields { (of_field(field)) }
                }
            }
        }
    }
}

fn of_field(field: &Field) -> Markup {
    html! {
        dt { (label(field.field)) }
        @for gone in field.was.difference(&field.will_be) {
            dd { del { (shown(gone)) } }
        }
        @for new in field.will_be.difference(&field.was) {
            dd { ins { (shown(new)) } }
        }
    }
}

/// Whether a source is in a group, before and after.
#[derive(Clone, Copy)]
enum Cell {
    Apart,
    Stays,
    Joins,
    Leaves,
}

impl Cell {
    fn of(source: &Source, group: &Named) -> Self {
        let is_in = |membership: &Membership| {
            let of = membership.group.as_ref();
            of.is_some_and(|of| is_same(of, group))
        };
        match (is_in(&source.before), is_in(&source.after)) {
            (true, true) => Self::Stays,
            (false, true) => Self::Joins,
            (true, false) => Self::Leaves,
            (false, false) => Self::Apart,
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Apart => ("apart", ""),
            Self::Stays => ("stays", "●"),
            Self::Joins => ("joins", "+"),
            Self::Leaves => ("leaves", "−"),
        }
    }
}

fn matrix(tenant: &Tenant) -> Markup {
    let columns = columns(tenant);
    html! {
        div.wide tabindex="0" {
            table.matrix {
                thead {
                    tr {
                        th scope="col" { "source" }
                        @for group in &columns { th scope="col" { (shown(&group.name)) } }
                    }
                }
                tbody {
                    @for source in &tenant.sources {
                        tr {
                            th scope="row" { (shown(&source.name)) }
                            @for group in &columns {
                                @let (word, sign) = Cell::of(source, group).words();
                                td class=(word) title=(word) { (sign) }
                            }
                        }
                    }
                }
            }
        }
        p.key {
            span.joins { "+" } " joins  "
            span.leaves { "−" } " leaves  "
            span.stays { "●" } " stays"
        }
    }
}

/// The groups that the sources are in, now or then. A group that is renamed is one column, under its
/// new name.
fn columns(tenant: &Tenant) -> Vec<Named> {
    let after = tenant.sources.iter().map(|source| &source.after);
    let before = tenant.sources.iter().map(|source| &source.before);
    let mut columns: Vec<Named> = Vec::new();
    for group in after.chain(before).filter_map(|one| one.group.as_ref()) {
        if !columns.iter().any(|known| is_same(known, group)) {
            columns.push(group.clone());
        }
    }
    columns.sort();
    columns
}

/// Whether both are one group: by its id or, of a group that is yet to be created, by its name.
fn is_same(one: &Named, other: &Named) -> bool {
    match (&one.id, &other.id) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.name == other.name,
        _ => false,
    }
}

fn passwords(tenant: &Tenant) -> Markup {
    html! {
        div.wide tabindex="0" {
            table.passwords {
                thead {
                    tr {
                        @for title in ["source", "accounts", "applications", "change", "before", "after"] {
                            th scope="col" { (title) }
                        }
                    }
                }
                tbody {
                    @for source in &tenant.sources {
                        tr {
                            th scope="row" { (shown(&source.name)) }
                            td.number { (accounts(source)) }
                            td.number { (applications(source)) }
                            td {
                                (source.effect.words())
                                @if let Some(wrong) = misaligned(source) {
                                    p.warning { (shown(&wrong)) }
                                }
                            }
                            td { (shown(&source.before.words())) }
                            td { (shown(&source.after.words())) }
                        }
                    }
                }
            }
        }
    }
}

fn requests(tenant: &Tenant) -> Markup {
    let all = tenant.resources.iter().flat_map(|one| &one.requests);
    let ordered: BTreeMap<usize, _> = all.map(|request| (request.order, request)).collect();
    html! {
        @if !ordered.is_empty() {
            h3 { "Requests, in this order" }
            ol.requests {
                @for request in ordered.values() {
                    li { code { (request.method) " " (shown(&request.path)) } br; (shown(&request.summary)) }
                }
            }
        }
    }
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Create | Outcome::Adopt => "added",
        Outcome::Update => "changed",
        Outcome::Delete => "removed",
        Outcome::Refused => "refused",
        Outcome::Unchanged => "unchanged",
    }
}
