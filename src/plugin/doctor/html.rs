//! The diagnosis as one page for a ticket. Pure.

use maud::{Markup, html};

use super::document::{Change, Document, Finding, Group, OutcomeKind, Tenant};
use crate::{
    forms::Text,
    page::{page as framed, shown},
};

/// The whole diagnosis.
pub fn page(document: &Document) -> String {
    let body = html! {
        @for warning in &document.warnings {
            p.warning { "Warning: " (shown(warning)) }
        }
        @if !document.complete {
            p.warning { "Not everything could be read: see the warnings." }
        }
        @for tenant in &document.tenants { (of_tenant(tenant, &document.looked_back)) }
    };
    framed("Password sync diagnosis", &body)
}

fn of_tenant(tenant: &Tenant, looked_back: &str) -> Markup {
    html! {
        section {
            h2 { "Tenant " code { (shown(&tenant.host)) } }
            @for finding in &tenant.findings {
                article.changed {
                    h3 { (finding.check.words()) ": " (shown(&finding.evidence.0)) }
                    p.remedy { (finding.remedy) }
                }
            }
            @for group in &tenant.groups { (of_group(group, looked_back)) }
        }
    }
}

fn of_group(group: &Group, looked_back: &str) -> Markup {
    html! {
        h3 {
            (shown(&group.named.name.0))
            @if let Some(resource) = &group.resource {
                " (" (shown(&resource.namespace)) "/" (shown(&resource.name)) ")"
            }
        }
        @if group.findings.is_empty() { p { "Nothing was found." } }
        @for finding in &group.findings { (of_finding(finding)) }
        @for unknown in &group.unknown { p.remedy { "Not compared: " (shown(&unknown.0)) } }
        @if group.changes.complete > 0 || !group.changes.listed.is_empty() {
            p {
                "Password changes of " (looked_back) " that reached every source: "
                (group.changes.complete)
            }
        }
        @if !group.changes.listed.is_empty() { (matrix(group)) }
    }
}

fn of_finding(finding: &Finding) -> Markup {
    html! {
        article.changed {
            h3 { (finding.check.words()) ": " (shown(&finding.source.0)) }
            p { (shown(&finding.evidence.0)) }
            p.remedy {
                (finding.remedy)
                @if let Some(owner) = &finding.ask { " Ask " (shown(&owner.0)) ", who owns the source." }
            }
        }
    }
}

/// A row a change, a column a source.
fn matrix(group: &Group) -> Markup {
    html! {
        div.wide tabindex="0" {
            table.matrix {
                thead {
                    tr {
                        th scope="col" { "change" }
                        @for source in &group.sources { th scope="col" { (shown(&source.name.0)) } }
                    }
                }
                tbody {
                    @for change in &group.changes.listed {
                        tr {
                            th scope="row" { (named(change)) }
                            @for source in &group.sources { (cell(change, &source.name)) }
                        }
                    }
                }
            }
        }
    }
}

fn named(change: &Change) -> Markup {
    html! {
        (shown(&change.at))
        @if let Some(identity) = &change.identity { br; (shown(&identity.0)) }
        @if let Some(id) = &change.id { br; code { (shown(&id.0)) } }
    }
}

fn cell(change: &Change, source: &Text) -> Markup {
    let Some(outcome) = change.on(source) else {
        return html! { td { } };
    };
    let (class, words) = match outcome.outcome {
        OutcomeKind::Changed => ("joins", "changed"),
        OutcomeKind::Failed => ("leaves", "failed"),
        OutcomeKind::Retrying => ("waits", "being tried again"),
        OutcomeKind::NotAttempted => ("leaves", "not attempted"),
        OutcomeKind::Unknown => ("waits", "not known"),
    };
    let evidence = outcome.evidence.as_ref().map(|words| shown(&words.0));
    html! { td class=(class) title=[evidence] { (words) } }
}
