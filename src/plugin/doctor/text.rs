//! The diagnosis for a terminal: lines of at most 80 columns where the names allow it. Pure.

use psg_domain::text;

use super::{
    document::{Document, Finding, Group},
    matrix,
};
use crate::terminal::{Line, Page, Tone};

/// All lines.
pub fn lines(document: &Document) -> Vec<Line> {
    let mut page = Page::default();
    let groups = document.tenants.iter().flat_map(|tenant| &tenant.groups);
    for tenant in &document.tenants {
        page.title(&format!("Tenant {}", tenant.host));
        page.blank();
        for finding in &tenant.findings {
            let evidence = text::line(&finding.evidence.0);
            let said = format!("{}: {evidence}", finding.check.words());
            page.hanging(Tone::Changed, "", &said);
            page.hanging(Tone::Plain, "  ", finding.remedy);
            page.blank();
        }
        for group in &tenant.groups {
            one(&mut page, group, &document.looked_back);
            page.blank();
        }
    }
    for warning in &document.warnings {
        let said = format!("warning: {}", text::line(warning));
        page.hanging(Tone::Changed, "", &said);
    }
    let ill = groups.clone().filter(|group| !group.findings.is_empty());
    let of_groups = groups.clone().map(|group| group.findings.len());
    let of_tenants = document.tenants.iter().map(|tenant| tenant.findings.len());
    let findings = of_groups.chain(of_tenants).sum::<usize>();
    let (count, ill) = (groups.count(), ill.count());
    let said = match findings {
        0 => format!(
            "Groups: {count}. Nothing was found that keeps a password change from a source."
        ),
        _ => format!("Groups: {count}, {ill} of them with findings: {findings}."),
    };
    page.hanging(Tone::Strong, "", &said);
    if !document.complete {
        let said = "Not everything could be read: see the warnings.";
        page.hanging(Tone::Changed, "", said);
    }
    page.0
}

fn one(page: &mut Page, group: &Group, looked_back: &str) {
    let name = text::line(&group.named.name.0);
    let resource = group.resource.as_ref();
    let has = resource.map(|it| format!(" ({}/{})", it.namespace, it.name));
    let tone = if group.findings.is_empty() {
        Tone::Plain
    } else {
        Tone::Changed
    };
    let count = group.sources.len();
    let said = match group.findings.len() {
        0 => "no finding".to_owned(),
        1 => "1 finding".to_owned(),
        several => format!("{several} findings"),
    };
    let has = has.unwrap_or_default();
    page.hanging(
        tone,
        "",
        &format!("\"{name}\"{has}: {count} sources, {said}"),
    );
    for finding in &group.findings {
        tell(page, finding);
    }
    for unknown in &group.unknown {
        let said = format!("not compared: {}", text::line(&unknown.0));
        page.hanging(Tone::Plain, "  ", &said);
    }
    matrix::tell(page, group, looked_back);
}

fn tell(page: &mut Page, finding: &Finding) {
    let source = text::line(&finding.source.0);
    let evidence = text::line(&finding.evidence.0);
    let said = format!("{}: \"{source}\": {evidence}", finding.check.words());
    page.hanging(Tone::Changed, "  ", &said);
    page.hanging(Tone::Plain, "    ", finding.remedy);
    if let Some(owner) = &finding.ask {
        let said = format!("Ask {}, who owns the source.", text::line(&owner.0));
        page.hanging(Tone::Plain, "    ", &said);
    }
}
