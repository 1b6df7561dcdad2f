//! `kubectl psg sources`, `policies` and `groups`: what tenants have, for a person who is about to make or
//! to take over a group.
//!
//! # Layout
//! - [`tenants`]: which tenants are meant; signs in to them and reads them.
//! - [`owners`]: which resource of a cluster has which group.
//! - [`document`]: the versioned documents, made by [`build`].
//! - [`text`]: the documents for a terminal, by [`table`].

pub mod build;
pub mod document;
pub mod owners;
pub mod table;
pub mod tenants;
pub mod text;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use document::Document;
use jiff::Timestamp;
use psg_domain::{Kind, SourceId};
use serde::Serialize;
use tenants::{Read, Seen};

use crate::{
    args::{Listing, Shape, Sources},
    at::At,
    forms,
    tenant::{Accounts, Owners},
    terminal::{self, Line},
};

/// Lists sources.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn sources(at: &At, asked: &Sources, clock: fn() -> Timestamp) -> Result<String, String> {
    let mut read = tenants::read(at, &asked.listing.access, clock).await?;
    let mut counted: BTreeMap<String, Accounts> = BTreeMap::new();
    let mut owned: BTreeMap<String, Owners> = BTreeMap::new();
    for Read { tenant, seen } in &read.tenants {
        let (owners, failed) = tenant.read_owners().await;
        owned.insert(seen.host.clone(), owners);
        let said = failed.map(|said| format!("{}: the owners of sources: {said}", seen.host));
        read.warnings.extend(said);
        if asked.accounts {
            let all: Vec<SourceId> = seen.picture.sources().map(|it| it.id.clone()).collect();
            let (accounts, failed) = tenant.count_accounts(&all).await;
            counted.insert(seen.host.clone(), accounts);
            let said = failed.map(|said| format!("{}: {said}", seen.host));
            read.warnings.extend(said);
        }
    }
    let document = read.document("Sources", Kind::Source, |seen| {
        build::sources(seen, owned.get(&seen.host), counted.get(&seen.host))
    });
    printed(&document, &asked.listing, text::sources)
}

/// Lists password policies.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn policies(
    at: &At,
    asked: &Listing,
    clock: fn() -> Timestamp,
) -> Result<String, String> {
    let read = tenants::read(at, &asked.access, clock).await?;
    let document = read.document("Policies", Kind::Policy, build::policies);
    printed(&document, asked, text::policies)
}

/// Lists password sync groups.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn groups(at: &At, asked: &Listing, clock: fn() -> Timestamp) -> Result<String, String> {
    let read = tenants::read(at, &asked.access, clock).await?;
    let document = read.document("Groups", Kind::Group, build::groups);
    printed(&document, asked, text::groups)
}

impl tenants::Tenants {
    fn document<T>(
        &self,
        kind: &'static str,
        list: Kind,
        items: impl Fn(&Seen) -> Vec<T>,
    ) -> Document<T> {
        let seen = self.tenants.iter().map(|read| &read.seen);
        let tenants = seen.map(|seen| build::tenant(seen, list, items(seen)));
        Document {
            api_version: document::API_VERSION,
            kind,
            tenants: tenants.collect(),
            warnings: self.warnings.clone(),
        }
    }
}

fn printed<T: Serialize>(
    document: &Document<T>,
    asked: &Listing,
    lines: impl Fn(&Document<T>, bool) -> Vec<Line>,
) -> Result<String, String> {
    let coloured = || asked.color.is_on(|name| std::env::var(name).ok());
    match asked.output {
        Shape::Text => Ok(terminal::print(&lines(document, false), coloured())),
        Shape::Wide => Ok(terminal::print(&lines(document, true), coloured())),
        Shape::Json => forms::json(document),
        Shape::Yaml => forms::yaml(document),
    }
}
