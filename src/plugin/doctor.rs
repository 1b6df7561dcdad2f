//! `kubectl psg doctor`: why a password change may not reach all sources of a group.
//!
//! It looks for what the vendor's guide names, in its order, and says for each finding what the tenant
//! shows, what to do and whom to ask. Tenants are only read.
//!
//! # Layout
//! - [`examine`]: the findings of one group.
//! - [`document`]: the versioned document.
//! - [`text`]: the document for a terminal.

pub mod document;
pub mod examine;
pub mod text;

#[cfg(test)]
mod tests;

use document::{API_VERSION, Document, Tenant};
use jiff::Timestamp;
use psg_domain::{Group, SourceId};

use crate::{
    args::Doctor,
    at::At,
    forms,
    inventory::tenants::{self, Read, Seen},
};

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
        complete &= failed.is_none();
        let said = |what, error| format!("{}: {what}: {error}", seen.host);
        read.warnings.extend(failed);
        read.warnings
            .extend(unowned.map(|error| said("the owners of sources", error)));
        let groups = meant(seen, asked.name.as_deref());
        // Without a cluster the token is the caller's own, which need not do what the operator's must.
        let of_the_operator = seen.namespace.is_some();
        let findings = of_the_operator.then(|| examine::token(&tenant.token));
        found.push(Tenant {
            host: seen.host.clone(),
            findings: findings.unwrap_or_default(),
            groups: groups
                .map(|group| examine::group(seen, group, &owners))
                .collect(),
        });
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
        tenants: found,
        warnings: read.warnings,
    };
    let printed = forms::report(&asked.report, &document, text::lines)?;
    Ok((printed, code(&document)))
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
    let mut groups = document.tenants.iter().flat_map(|tenant| &tenant.groups);
    let mut tenants = document.tenants.iter();
    if tenants.any(|tenant| !tenant.findings.is_empty())
        || groups.any(|group| !group.findings.is_empty())
    {
        2
    } else {
        u8::from(!document.complete)
    }
}
