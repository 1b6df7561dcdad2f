//! A plan for a terminal: lines of at most 80 columns where the names allow it, each with a tone that
//! stands for a colour. Pure.

use super::document::{Aligned, Document, Field, Outcome, Resource, Source, Summary, Tenant};
use crate::terminal::{Line, Tone, WIDTH, wrapped};

/// The whole plan.
pub fn lines(plan: &Document) -> Vec<Line> {
    let mut out = Out::default();
    for tenant in &plan.tenants {
        out.tenant(tenant);
    }
    for warning in &plan.warnings {
        out.blank();
        out.wrapped(Tone::Changed, "warning: ", warning);
    }
    out.blank();
    out.wrapped(Tone::Strong, "", &totals(&plan.summary));
    if plan.summary.other_kinds > 0 {
        let skipped = plan.summary.other_kinds;
        out.line(
            Tone::Plain,
            format!("{skipped} objects of other kinds were left out."),
        );
    }
    out.line(Tone::Plain, "Nothing was written.".to_owned());
    out.0
}

/// The totals in one or two sentences.
pub fn totals(summary: &Summary) -> String {
    let policies = match summary.assign_policy {
        1 => "policy to assign",
        _ => "policies to assign",
    };
    let changes = counted(&[
        (summary.create, "to create"),
        (summary.adopt, "to adopt"),
        (summary.update, "to update"),
        (summary.delete, "to delete"),
        (summary.assign_policy, policies),
    ]);
    let rest = counted(&[
        (summary.refused, "refused"),
        (summary.unchanged, "unchanged"),
    ]);
    let said: Vec<String> = [changes.or_else(|| Some("nothing changes".to_owned())), rest]
        .into_iter()
        .flatten()
        .collect();
    let mut said = said.join("; ");
    said.push('.');
    if summary.sources > 0 {
        let sources = match summary.sources {
            1 => "1 source".to_owned(),
            several => format!("{several} sources"),
        };
        let accounts = grouped(summary.accounts);
        said = format!("{said} It touches passwords on {sources} with {accounts} accounts.");
    }
    said
}

/// The figures above zero, such as `1 to create, 2 to update`.
fn counted(figures: &[(usize, &str)]) -> Option<String> {
    let some = figures.iter().filter(|(count, _)| *count > 0);
    let said: Vec<String> = some
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// How many accounts a source has, as far as that is known.
pub fn accounts(source: &Source) -> String {
    source.accounts.map_or_else(unknown, grouped)
}

/// How many applications use a source, as far as that is known.
pub fn applications(source: &Source) -> String {
    let known = source.applications.map(|number| number.to_string());
    known.unwrap_or_else(unknown)
}

/// Why the policy of a source's group does not align with the source's own; none if it does.
pub fn misaligned(source: &Source) -> Option<String> {
    let alignment = source.alignment.as_ref()?;
    let wrong = alignment.verdict != Aligned::Aligned;
    wrong.then(|| alignment.message.clone())
}

fn unknown() -> String {
    "?".to_owned()
}

/// A number with a comma between thousands.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A resource in one sentence.
pub fn headline(resource: &Resource) -> String {
    let place = format!("{}/{}", resource.namespace, resource.name);
    let group = resource.group.as_ref().map(|group| match &group.id {
        Some(id) => format!(" group \"{}\" ({id})", group.name),
        None => format!(" group \"{}\"", group.name),
    });
    match (&resource.refusal, resource.outcome) {
        (Some(refusal), _) => format!("{place}: refused, {}", refusal.reason),
        (None, Outcome::Unchanged) => format!("{place}: no change"),
        (None, outcome) => format!("{place}: {}{}", outcome.word(), group.unwrap_or_default()),
    }
}

#[derive(Default)]
struct Out(Vec<Line>);

impl Out {
    fn line(&mut self, tone: Tone, text: String) {
        self.0.push(Line { tone, text });
    }

    fn blank(&mut self) {
        self.line(Tone::Plain, String::new());
    }

    /// Adds wrapped text: the first line after `lead`, the others indented by its width.
    fn wrapped(&mut self, tone: Tone, lead: &str, text: &str) {
        let room = lead.chars().count();
        for (number, part) in wrapped(text, WIDTH.saturating_sub(room))
            .into_iter()
            .enumerate()
        {
            let lead = if number == 0 {
                lead.to_owned()
            } else {
                " ".repeat(room)
            };
            self.line(tone, format!("{lead}{part}"));
        }
    }

    fn tenant(&mut self, tenant: &Tenant) {
        self.line(Tone::Strong, format!("Tenant {}", tenant.host));
        let changed = |resource: &&Resource| resource.outcome != Outcome::Unchanged;
        for resource in tenant.resources.iter().filter(changed) {
            self.blank();
            self.resource(resource);
        }
        self.requests(tenant);
        self.sources(tenant);
    }

    fn resource(&mut self, resource: &Resource) {
        self.line(tone(resource.outcome), headline(resource));
        for field in &resource.fields {
            self.field(field);
        }
        if let Some(refusal) = &resource.refusal {
            self.wrapped(Tone::Plain, "  ", &refusal.message);
            self.wrapped(Tone::Plain, "  ", &refusal.remedy);
        }
    }

    fn field(&mut self, field: &Field) {
        let mut name = label(field.field);
        let gone = field.was.difference(&field.will_be);
        let new = field.will_be.difference(&field.was);
        let signed = gone
            .map(|value| (Tone::Removed, '-', value))
            .chain(new.map(|value| (Tone::Added, '+', value)));
        for (tone, sign, value) in signed {
            self.line(tone, format!("  {name:<8} {sign} {value}"));
            name = "";
        }
        let kept = field.was.intersection(&field.will_be).count();
        if kept > 0 {
            self.line(Tone::Faint, format!("  {:<8}   ({kept} unchanged)", ""));
        }
    }

    fn requests(&mut self, tenant: &Tenant) {
        let requests = tenant.resources.iter().flat_map(|one| &one.requests);
        let mut requests: Vec<_> = requests.collect();
        if requests.is_empty() {
            return;
        }
        requests.sort_by_key(|request| request.order);
        self.blank();
        self.line(Tone::Strong, "Requests, in this order:".to_owned());
        for (number, request) in requests.iter().enumerate() {
            let number = number + 1;
            let (method, path) = (request.method, &request.path);
            self.line(Tone::Plain, format!("{number:>4}. {method:<6} {path}"));
            self.wrapped(Tone::Faint, "      ", &request.summary);
        }
    }

    fn sources(&mut self, tenant: &Tenant) {
        if tenant.sources.is_empty() {
            return;
        }
        self.blank();
        self.line(Tone::Strong, "Passwords on these sources:".to_owned());
        self.line(
            Tone::Faint,
            format!(
                "  {:<34}{:>10}{:>6}  {}",
                "SOURCE", "ACCOUNTS", "APPS", "CHANGE"
            ),
        );
        for source in &tenant.sources {
            self.source(source);
        }
    }

    fn source(&mut self, source: &Source) {
        let accounts = accounts(source);
        let applications = applications(source);
        self.line(
            Tone::Plain,
            format!(
                "  {:<34}{accounts:>10}{applications:>6}  {}",
                source.name,
                source.effect.words()
            ),
        );
        if source.before != source.after {
            let (before, after) = (source.before.words(), source.after.words());
            self.wrapped(Tone::Removed, "      before  ", &before);
            self.wrapped(Tone::Added, "      after   ", &after);
        }
        if let Some(said) = misaligned(source) {
            self.wrapped(Tone::Changed, "      policy  ", &said);
        }
    }
}

/// The name of a field as people say it.
pub fn label(field: &'static str) -> &'static str {
    match field {
        "passwordPolicy" => "policy",
        other => other,
    }
}

fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Create | Outcome::Adopt => Tone::Added,
        Outcome::Update => Tone::Changed,
        Outcome::Delete | Outcome::Refused => Tone::Removed,
        Outcome::Unchanged => Tone::Plain,
    }
}
