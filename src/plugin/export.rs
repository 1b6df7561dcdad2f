//! `kubectl psg export`: manifests of the groups that tenants have.
//!
//! # Layout
//! - [`choose`]: which groups are asked for.
//! - [`names`]: what the resources are called.
//! - [`manifest`]: the manifest of one group, or why there can be none.
//! - [`judge`]: leaves out manifests that the operator would refuse, or that would change the
//!   tenant.
//! - [`print`], [`folder`]: as text, and as files.

pub mod choose;
pub mod folder;
pub mod judge;
pub mod manifest;
pub mod names;
pub mod print;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use jiff::Timestamp;
use manifest::{Manifest, Metadata, Style};
use psg_domain::{Group, GroupId, text};

use crate::{
    args::Export,
    at::At,
    inventory::tenants::{self, DEFAULT, Seen},
};

/// The result for one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The group has a manifest, with remarks for the person who reads it.
    Whole(Manifest, Vec<String>),
    /// The group has no manifest: which group, and why.
    LeftOut(String, String),
}

/// Writes the manifests of the groups that were asked for, and returns what to print.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn run(at: &At, asked: &Export, clock: fn() -> Timestamp) -> Result<String, String> {
    let read = tenants::read(at, &asked.access, clock).await?;
    for warning in &read.warnings {
        let _ = writeln!(io::stderr(), "warning: {}", text::line(warning));
    }
    let seen: Vec<&Seen> = read.tenants.iter().map(|read| &read.seen).collect();
    let chosen = choose::groups(&asked.groups, &seen)?;
    let style = Style {
        takeover: asked.takeover,
        portable: asked.portable,
    };
    let namespace = at.namespace.as_deref();
    let written = all(&seen, &chosen, style, namespace, read.now);
    match &asked.directory {
        Some(directory) => folder::write(directory, &written),
        None => print::text(&written),
    }
}

/// The result for each chosen group, ordered by tenant and name.
pub fn all(
    seen: &[&Seen],
    chosen: &[BTreeSet<GroupId>],
    style: Style,
    namespace: Option<&str>,
    now: Timestamp,
) -> Vec<Written> {
    let mut taken = BTreeSet::from([folder::KUSTOMIZATION.to_owned()]);
    let mut written = Vec::new();
    for (seen, chosen) in seen.iter().zip(chosen) {
        let namespace = namespace.or(seen.namespace.as_deref());
        let there = seen.owners.resources.iter();
        let there = there.filter(|place| Some(place.namespace.as_str()) == namespace);
        taken.extend(there.map(|place| place.name.clone()));
        let names = names::of(seen.picture.groups(), &mut taken);
        let mut groups: Vec<&Group> = seen.picture.groups().collect();
        groups.retain(|group| chosen.contains(&group.id));
        groups.sort_by_key(|group| (&group.name, &group.id));
        let one = |group| one(group, seen, style, namespace, &names);
        let here: Vec<Written> = groups.into_iter().map(one).collect();
        written.extend(judge::all(here, seen, namespace, now));
        let odd = seen.picture.unreadable_groups();
        let odd = odd.filter(|odd| {
            let is_whole_request = chosen.len() == seen.picture.groups().count();
            is_whole_request && odd.id.is_none()
        });
        written.extend(odd.map(|odd| {
            let what = format!("of tenant {}", seen.host);
            Written::LeftOut(what, format!("it cannot be read: {odd}"))
        }));
    }
    written
}

fn one(
    group: &Group,
    seen: &Seen,
    style: Style,
    namespace: Option<&str>,
    names: &BTreeMap<GroupId, String>,
) -> Written {
    let left_out = |why| Written::LeftOut(called(group), why);
    let owner = seen.owners.of(&group.id);
    if let Some(owner) = owner.filter(|owner| !owner.observes) {
        let (namespace, name) = (&owner.namespace, &owner.name);
        return left_out(format!(
            "PasswordSyncGroup {namespace}/{name} has it already"
        ));
    }
    // If an exported manifest was applied before, its resource keeps its name.
    let observer = owner.filter(|owner| Some(owner.namespace.as_str()) == namespace);
    let name = observer
        .map(|owner| &owner.name)
        .or_else(|| names.get(&group.id));
    let metadata = Metadata {
        name: name.cloned().unwrap_or_default(),
        namespace: namespace.filter(|_| !style.portable).map(str::to_owned),
    };
    let tenant = seen.names.first().map(String::as_str);
    let tenant = tenant.filter(|name| *name != DEFAULT);
    match manifest::of(group, &seen.picture, style, metadata, tenant) {
        Ok((manifest, remarks)) => Written::Whole(manifest, remarks),
        Err(why) => left_out(why),
    }
}

/// How messages name a group.
fn called(group: &Group) -> String {
    format!("\"{}\" ({})", group.name, group.id)
}
