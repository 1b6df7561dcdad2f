//! `kubectl psg doctor`: why a password change may not reach all sources of a group.
//!
//! It looks for what the vendor's guide names, in its order, and says for each finding what the tenant
//! shows, what to do and whom to ask. Tenants are only read.
//!
//! # Layout
//! - [`way`]: the findings of the way to a tenant.
//! - [`examine`]: the findings of one group.
//! - [`changes`]: what became of the password changes of a group.
//! - [`document`]: the versioned document.
//! - [`text`] with [`matrix`]: the document for a terminal. [`html`]: as a page.

pub mod changes;
pub mod document;
pub mod examine;
mod html;
mod matrix;
pub mod text;
pub mod way;

#[cfg(test)]
mod tests;

use std::time::Duration;

use changes::Changes;
use document::{API_VERSION, Document, Reached, Tenant};
use jiff::Timestamp;
use psg_domain::{Group, SourceId, time};
use way::Way;

use crate::{
    args::{DiagnosisForm, Doctor, Output, Report},
    at::At,
    forms,
    inventory::tenants::{self, Read, Seen},
};

/// How many changes are asked for one by one: ten seconds of the tenant's rate limit.
const MOST_ASKED: usize = 90;

/// Reads tenants and examines their groups; returns what to print, and the exit code.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn run(
    at: &At,
    asked: &Doctor,
    clock: fn() -> Timestamp,
) -> Result<(String, u8), String> {
    let mut read = tenants::read(at, &asked.access, clock).await?;
    let (mut found, mut complete) = (Vec::new(), true);
    for Read { tenant, seen } in &mut read.tenants {
        let sources: Vec<SourceId> = meant(seen, asked.name.as_deref())
            .flat_map(|group| group.sources.iter().cloned())
            .collect();
        if sources.is_empty() {
            continue;
        }
        let failed = tenant.read_holders(&sources).await.err();
        seen.picture = tenant.picture();
        let (owners, unowned) = tenant.read_owners().await;
        let (changes, missing, answered_at) = read_changes(tenant, seen, asked, read.now).await;
        let tested = if asked.test_connection {
            tenant.test_connections(&sources).await
        } else {
            Vec::new()
        };
        complete &= failed.is_none() && missing.is_empty();
        complete &= tested.iter().all(|(_, tested)| tested.is_ok());
        let said = |what, error| format!("{}: {what}: {error}", seen.host);
        read.warnings.extend(failed);
        read.warnings
            .extend(unowned.map(|error| said("the owners of sources", error)));
        let missing = missing.into_iter();
        read.warnings
            .extend(missing.map(|missing| said("password changes", missing)));
        let groups = meant(seen, asked.name.as_deref());
        // Without a cluster the token is the caller's own, which need not do what the operator's must.
        let of_the_operator = seen.namespace.is_some();
        let findings = if of_the_operator {
            way::findings(&Way {
                token: &tenant.token,
                end: tenant.token_end().await,
                answered_at,
                now: read.now,
                rate_limit: &seen.rate_limit,
            })
        } else {
            Vec::new()
        };
        let read = examine::Read {
            owners: &owners,
            changes: &changes,
            tested: &tested,
        };
        found.push(Tenant {
            host: seen.host.clone(),
            findings,
            groups: groups
                .map(|group| examine::group(seen, group, &read))
                .collect(),
        });
    }
    if let Some(change) = &asked.change {
        let groups = found.iter().flat_map(|tenant| &tenant.groups);
        if complete && groups.clone().all(|group| group.changes.listed.is_empty()) {
            return Err(format!(
                "no group has a password change {change} within {}: look further back with --since, or leave \
                 --change out to see all of them",
                within(asked.since)
            ));
        }
    }
    if let (Some(name), true) = (&asked.name, found.is_empty()) {
        return Err(format!(
            "no PasswordSyncGroup and no group of the tenant is called \"{name}\": `kubectl psg groups` lists \
             them"
        ));
    }
    let document = Document {
        api_version: API_VERSION,
        kind: "Diagnosis",
        complete,
        looked_back: within(asked.since),
        tenants: found,
        warnings: read.warnings,
    };
    let report = |output| Report {
        output,
        color: asked.color,
    };
    let plain = |output| forms::report(&report(output), &document, text::lines);
    let printed = match asked.output {
        DiagnosisForm::Text => plain(Output::Text)?,
        DiagnosisForm::Json => plain(Output::Json)?,
        DiagnosisForm::Yaml => plain(Output::Yaml)?,
        DiagnosisForm::Html => html::page(&document),
    };
    Ok((printed, code(&document)))
}

/// Reads the password changes of the time that the user asks about; and what could not be read.
async fn read_changes(
    tenant: &crate::tenant::Tenant,
    seen: &Seen,
    asked: &Doctor,
    now: Timestamp,
) -> (Changes, Vec<String>, Option<Timestamp>) {
    let read = tenant
        .read_changes(time::before(now, asked.since), now)
        .await;
    let (mut missing, answered_at) = (read.missing, read.answered_at);
    let mut changes = Changes::new(read.changes, within(asked.since));
    changes.only.clone_from(&asked.change);
    let mut unclear = match &asked.change {
        Some(change) => vec![change.clone()],
        None => changes.unclear(meant(seen, asked.name.as_deref()), &seen.picture),
    };
    let left = unclear.len().saturating_sub(MOST_ASKED);
    unclear.truncate(MOST_ASKED);
    let (statuses, failed) = tenant.read_statuses(&unclear).await;
    changes.statuses = statuses;
    missing.extend(failed);
    missing.extend((left > 0).then(|| {
        format!("{left} older changes were not asked for: what is not in their events is unknown")
    }));
    (changes, missing, answered_at)
}

fn within(since: Duration) -> String {
    let minutes = since.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("the last {minutes} min"),
        (hours, 0) => format!("the last {hours} h"),
        (hours, minutes) => format!("the last {hours} h {minutes} min"),
    }
}

/// The groups of a tenant that the user asks about: `name` is the name of the resource, or the name
/// or id of the group.
fn meant<'a>(seen: &'a Seen, name: Option<&'a str>) -> impl Iterator<Item = &'a Group> {
    let called = move |group: &&Group| {
        let owner = seen.owners.of(&group.id);
        name.is_none_or(|name| {
            let resource = name.strip_prefix("psg/").unwrap_or(name);
            owner.is_some_and(|owner| owner.name == resource)
                || group.name == name
                || group.id.as_str() == name
        })
    };
    seen.picture.groups().filter(called)
}

/// 0: nothing was found; 2: something was found; 1: nothing was found, and not everything could be read.
pub fn code(document: &Document) -> u8 {
    let mut groups = groups_of(document);
    let mut tenants = document.tenants.iter();
    if tenants.any(|tenant| !tenant.findings.is_empty())
        || groups.any(|group| !group.findings.is_empty())
    {
        2
    } else {
        let mut changes = groups_of(document).flat_map(|group| &group.changes.listed);
        let unknown = changes.any(|change| change.reached() == Reached::Unknown);
        u8::from(!document.complete || unknown)
    }
}

fn groups_of(document: &Document) -> impl Iterator<Item = &document::Group> {
    document.tenants.iter().flat_map(|tenant| &tenant.groups)
}
