//! The document for a terminal: lines of at most 80 columns where the names allow it. Pure.

use psg_domain::text;

use super::document::{Document, Group, Place, Readiness, Tenant};
use crate::{
    inventory::table::{Cell, Table},
    terminal::{Line, Page, Tone, WIDTH, clipped},
};

/// The most lines of a message; `kubectl describe` and `-o json` have all of it.
const MESSAGE_LINES: usize = 2;
/// The indent of a message.
const INDENT: &str = "    ";

/// All lines: tenants, groups by reason, what is not ready, waits, warnings, totals.
pub fn lines(document: &Document) -> Vec<Line> {
    let mut out = Out {
        page: Page::default(),
        with_namespaces: document.namespace.is_none(),
    };
    out.page.title(&match &document.namespace {
        Some(namespace) => format!("Tenants of namespace {namespace}"),
        None => "Tenants of all namespaces".to_owned(),
    });
    out.tenants(&document.tenants);
    out.reasons(document);
    out.not_ready(&document.groups);
    out.waits(document);
    for warning in &document.warnings {
        out.page.hanging(
            Tone::Changed,
            "",
            &text::line(&format!("warning: {warning}")),
        );
    }
    let all = &document.summary;
    let paused = match all.groups_paused {
        0 => String::new(),
        paused => format!(" Paused groups: {paused}."),
    };
    let said = format!(
        "Ready: {} of {} groups, {} of {} tenants.{paused}",
        all.groups_ready, all.groups, all.tenants_ready, all.tenants
    );
    out.page.hanging(Tone::Strong, "", &said);
    if document.namespace.is_some() && all.tenants + all.groups == 0 {
        out.page
            .hanging(Tone::Plain, "", "-A shows those of all namespaces.");
    }
    if super::code(document) == 2 {
        let hint = "`kubectl psg explain REASON` says what a reason means and what to do.";
        out.page.hanging(Tone::Plain, "", hint);
    }
    out.page.0
}

struct Out {
    page: Page,
    with_namespaces: bool,
}

impl Out {
    fn called(&self, place: &Place) -> String {
        if self.with_namespaces {
            format!("{}/{}", place.namespace, place.name)
        } else {
            place.name.clone()
        }
    }

    fn tenants(&mut self, tenants: &[Tenant]) {
        if tenants.is_empty() {
            self.page.line(Tone::Plain, "none".to_owned());
        } else {
            let mut table =
                Table::new(&["NAME", "READY", "REASON", "GROUPS", "MANAGED", "READ EVERY"]);
            for tenant in tenants {
                let number = |number: Option<i64>| Cell::number(number.map(|it| it.to_string()));
                let cells = vec![
                    Cell::words(&self.called(&tenant.place)),
                    Cell::words(if tenant.readiness.ready { "yes" } else { "no" }),
                    Cell::words(&tenant.readiness.reason.0),
                    number(tenant.groups),
                    number(tenant.managed_groups),
                    Cell::words(&tenant.read_interval.0),
                ];
                table.row(tone(&tenant.readiness), cells);
            }
            self.page.0.extend(table.lines());
        }
        let several = tenants.len() > 1;
        for tenant in tenants.iter().filter(|tenant| !tenant.readiness.ready) {
            if several {
                self.page
                    .line(Tone::Changed, format!("{}:", self.called(&tenant.place)));
            }
            self.message(&tenant.readiness);
        }
        self.page.blank();
    }

    fn reasons(&mut self, document: &Document) {
        if document.reasons.is_empty() {
            return;
        }
        self.page.title("Groups by reason");
        let width = document.summary.groups.to_string().len();
        for counted in &document.reasons {
            let said = format!("{:>width$}  {}", counted.groups, counted.reason.0);
            self.page.line(Tone::Plain, said);
        }
        self.page.blank();
    }

    fn not_ready(&mut self, groups: &[Group]) {
        let all: Vec<&Group> = groups.iter().filter(|it| !it.readiness.ready).collect();
        if all.is_empty() {
            return;
        }
        self.page.title("Not ready");
        for group in all {
            let mut said = format!(
                "{}  {}",
                self.called(&group.place),
                group.readiness.reason.0
            );
            if group.paused && group.readiness.reason.0 != "Paused" {
                said.push_str(", paused");
            }
            if group.deleting && group.readiness.reason.0 != "Deleting" {
                said.push_str(", being deleted");
            }
            self.page.line(Tone::Changed, said);
            self.message(&group.readiness);
        }
        self.page.blank();
    }

    fn message(&mut self, readiness: &Readiness) {
        let message = text::line(&readiness.message.0);
        for part in clipped(&message, WIDTH - INDENT.len(), MESSAGE_LINES) {
            self.page.line(Tone::Plain, format!("{INDENT}{part}"));
        }
    }

    fn waits(&mut self, document: &Document) {
        if document.waits.is_empty() {
            return;
        }
        self.page.title("Waiting for sources");
        for wait in &document.waits {
            let said = format!(
                "{} waits for source \"{}\", which {} holds",
                self.called(&wait.waiting),
                wait.source.0,
                self.called(&wait.holder)
            );
            self.page.hanging(Tone::Plain, "", &text::line(&said));
        }
        self.page.blank();
    }
}

fn tone(readiness: &Readiness) -> Tone {
    if readiness.ready {
        Tone::Plain
    } else {
        Tone::Changed
    }
}
