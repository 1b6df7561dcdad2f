//! A plan as a comment of a pull request. Pure.
//!
//! It stays below [`LONGEST`] letters whatever the manifests hold, and no name in it is read as markup,
//! as HTML or as a mention of somebody.

use std::fmt::Write;

use super::{
    document::{Document, Effect, Field, Outcome, Resource, Source, Tenant},
    text::{accounts, applications, label, misaligned, totals},
};

/// GitHub refuses a comment of more than 65,536 letters.
pub const LONGEST: usize = 65_000;

/// How much room is kept for the end of the comment.
const END: usize = 1_000;

/// How many values of one field are shown before the rest is only counted.
const MOST_VALUES: usize = 20;

/// The longest text of one cell.
const LONGEST_CELL: usize = 2_000;

/// The whole plan.
pub fn comment(plan: &Document) -> String {
    let mut text = format!("### Password sync plan\n\n{}\n", totals(&plan.summary));
    let mut left_out = 0;
    for tenant in &plan.tenants {
        let _ = write!(text, "\nTenant {}\n", code(&tenant.host));
        left_out += resources(&mut text, tenant);
        left_out += sources(&mut text, tenant);
        left_out += requests(&mut text, tenant);
    }
    for warning in &plan.warnings {
        left_out += add(
            &mut text,
            &format!("\n> **Warning** {}\n", escaped(warning)),
        );
    }
    if left_out > 0 {
        let _ = write!(
            text,
            "\n**{left_out} lines do not fit into this comment**; `kubectl psg plan` prints all.\n"
        );
    }
    text.push_str("\nNothing was written.\n");
    text
}

/// Adds a line, unless the comment is full; returns 1 if the line was left out.
fn add(text: &mut String, line: &str) -> usize {
    if text.len() + line.len() > LONGEST - END {
        return 1;
    }
    text.push_str(line);
    0
}

fn resources(text: &mut String, tenant: &Tenant) -> usize {
    let changed = |resource: &&Resource| resource.outcome != Outcome::Unchanged;
    let mut left_out = 0;
    let mut resources = tenant.resources.iter().filter(changed).peekable();
    if resources.peek().is_some() {
        text.push_str("\n| resource | what | change |\n|---|---|---|\n");
    }
    for resource in resources {
        left_out += add(text, &row(resource));
    }
    left_out
}

fn row(resource: &Resource) -> String {
    let place = format!("{}/{}", resource.namespace, resource.name);
    let mut said: Vec<String> = resource.fields.iter().flat_map(field).collect();
    if let Some(refusal) = &resource.refusal {
        said.push(format!("**{}**", refusal.reason));
        said.push(escaped(&refusal.message));
        said.push(escaped(&refusal.remedy));
    }
    let group = resource.group.as_ref();
    let what = match group {
        Some(group) => format!("{} {}", resource.outcome.word(), code(&group.name)),
        None => resource.outcome.word().to_owned(),
    };
    format!("| {} | {what} | {} |\n", code(&place), said.join("<br>"))
}

fn field(field: &Field) -> Vec<String> {
    let sign = |sign, value: &String| format!("{} {sign} {}", label(field.field), code(value));
    let gone = field.was.difference(&field.will_be);
    let new = field.will_be.difference(&field.was);
    let all: Vec<String> = gone
        .map(|value| sign("−", value))
        .chain(new.map(|value| sign("+", value)))
        .collect();
    let more = all.len().saturating_sub(MOST_VALUES);
    let mut shown: Vec<String> = all.into_iter().take(MOST_VALUES).collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown
}

fn sources(text: &mut String, tenant: &Tenant) -> usize {
    let changed = |source: &&Source| source.effect != Effect::Unchanged;
    let count = tenant.sources.iter().filter(changed).count();
    if count == 0 {
        return 0;
    }
    let _ = write!(
        text,
        "\n<details><summary>Passwords on {count} sources</summary>\n\n\
         | source | accounts | applications | change | before | after |\n|---|--:|--:|---|---|---|\n"
    );
    let mut left_out = 0;
    for source in tenant.sources.iter().filter(changed) {
        let accounts = accounts(source);
        let applications = applications(source);
        let line = format!(
            "| {} | {accounts} | {applications} | {} | {} | {} |\n",
            code(&source.name),
            change(source),
            code(&source.before.words()),
            code(&source.after.words()),
        );
        left_out += add(text, &line);
    }
    text.push_str("\n</details>\n");
    left_out
}

fn change(source: &Source) -> String {
    let effect = source.effect.words();
    match misaligned(source) {
        Some(wrong) => format!("{effect}<br>⚠ {}", escaped(&wrong)),
        None => effect.to_owned(),
    }
}

fn requests(text: &mut String, tenant: &Tenant) -> usize {
    let requests = tenant.resources.iter().flat_map(|one| &one.requests);
    let mut requests: Vec<_> = requests.collect();
    if requests.is_empty() {
        return 0;
    }
    requests.sort_by_key(|request| request.order);
    let _ = write!(
        text,
        "\n<details><summary>{} request{}, in this order</summary>\n\n",
        requests.len(),
        if requests.len() == 1 { "" } else { "s" }
    );
    let mut left_out = 0;
    for (number, request) in requests.iter().enumerate() {
        let line = format!(
            "{}. {}: {}\n",
            number + 1,
            code(&format!("{} {}", request.method, request.path)),
            escaped(&request.summary)
        );
        left_out += add(text, &line);
    }
    text.push_str("\n</details>\n");
    left_out
}

/// A name in which nothing is markup. HTML's `code` and not backticks: a name may hold backticks, and
/// a table's cell ends at a bar even between them.
fn code(name: &str) -> String {
    format!("<code>{}</code>", escaped(name))
}

/// Text in which nothing is markup, on one line.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in psg_domain::text::line(text).chars() {
        if safe.len() > LONGEST_CELL {
            safe.push('…');
            break;
        }
        match letter {
            // The characters of Markdown, tables, mentions and issue links on GitHub.
            '&' | '<' | '>' | '"' | '\'' | '|' | '`' | '*' | '_' | '~' | '[' | ']' | '(' | ')'
            | '\\' | '#' | '@' | '!' | ':' | '$' => _ = write!(safe, "&#{};", u32::from(letter)),
            other => safe.push(other),
        }
    }
    safe
}
