//! The manifest of a group that exists, or why there can be none. Pure.

use psg_api::{DeletionPolicy, ManagementPolicy, names::API_VERSION};
use psg_domain::{Group, Picture, PolicyId, SourceId};
use serde::Serialize;

use crate::forms::Text;

/// The longest names that a manifest may hold, in characters: of a group, and of a policy or
/// source.
const LONGEST_NAME: usize = 128;
const LONGEST_REFERENCE: usize = 256;
/// How many sources a manifest may hold.
const FEWEST: usize = 2;
const MOST: usize = 100;

/// How manifests are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether they take the group over.
    pub takeover: bool,
    /// Whether they leave ids out.
    pub portable: bool,
}

/// A PasswordSyncGroup as a person would write it: without defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    api_version: &'static str,
    kind: &'static str,
    /// Its name and namespace.
    pub metadata: Metadata,
    spec: Spec,
}

impl Manifest {
    /// How messages name the group.
    pub fn called(&self) -> String {
        let name = &self.spec.name.0;
        match &self.spec.group_id {
            Some(id) => format!("\"{name}\" ({id})"),
            None => format!("\"{name}\""),
        }
    }
}

/// The name and namespace of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Its name.
    pub name: String,
    /// Its namespace; none: the namespace that it is applied to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    name: Text,
    #[serde(rename = "groupID", skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_ref: Option<TenantName>,
    password_policy_ref: Reference,
    source_refs: Vec<Reference>,
    management_policy: ManagementPolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_policy: Option<DeletionPolicy>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct TenantName {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
enum Reference {
    Name(Text),
    Id(String),
}

/// The manifest of a group, with remarks for the person who reads it.
///
/// # Errors
/// Why the group cannot be managed as it is; the text follows the group's name.
pub fn of(
    group: &Group,
    picture: &Picture,
    style: Style,
    metadata: Metadata,
    tenant: Option<&str>,
) -> Result<(Manifest, Vec<String>), String> {
    if picture.is_shown_in_part(&group.id) {
        let mut odd = picture.unreadable_groups();
        let odd = odd.find(|odd| odd.id.as_deref() == Some(group.id.as_str()));
        let why = odd.map_or("the tenant shows only a part of it", |odd| &odd.why);
        return Err(format!("it cannot be read: {why}"));
    }
    fits("its name", &group.name, LONGEST_NAME)?;
    if style.portable && picture.groups_named(&group.name).len() > 1 {
        return Err("another group has the same name, and --portable leaves the id out".to_owned());
    }
    let Some(policy) = &group.policy else {
        return Err("the tenant does not tell its password policy".to_owned());
    };
    let count = group.sources.len();
    if count < FEWEST {
        return Err(format!("it has fewer than {FEWEST} sources ({count})"));
    }
    if count > MOST {
        return Err(format!(
            "it has {count} sources, and a manifest holds at most {MOST}"
        ));
    }
    let mut remarks = Vec::new();
    let policy = self::policy(policy, picture, style, &mut remarks)?;
    let mut sources = Vec::new();
    for id in &group.sources {
        sources.push(source(id, picture, style, &mut remarks)?);
    }
    sources.sort();
    let (management, deletion) = if style.takeover {
        (ManagementPolicy::Enforce, None)
    } else {
        (ManagementPolicy::Observe, Some(DeletionPolicy::Orphan))
    };
    let manifest = Manifest {
        api_version: API_VERSION,
        kind: "PasswordSyncGroup",
        metadata,
        spec: Spec {
            name: Text(group.name.clone()),
            group_id: (!style.portable).then(|| group.id.to_string()),
            tenant_ref: tenant.map(|name| TenantName {
                name: name.to_owned(),
            }),
            password_policy_ref: policy,
            source_refs: sources,
            management_policy: management,
            deletion_policy: deletion,
        },
    };
    Ok((manifest, remarks))
}

fn policy(
    id: &PolicyId,
    picture: &Picture,
    style: Style,
    remarks: &mut Vec<String>,
) -> Result<Reference, String> {
    let Some(policy) = picture.policy(id) else {
        return Err(format!(
            "its password policy {id} is not among those that the tenant shows"
        ));
    };
    let alike = picture.policies_named(&policy.name).len();
    let what = ("password policy", policy.name.as_str(), id.as_str());
    reference(what, alike, style, remarks)
}

fn source(
    id: &SourceId,
    picture: &Picture,
    style: Style,
    remarks: &mut Vec<String>,
) -> Result<Reference, String> {
    let Some(source) = picture.source(id) else {
        return Err(format!(
            "its source {id} is not among those that the tenant shows"
        ));
    };
    let alike = picture.sources_named(&source.name).len();
    let what = ("source", source.name.as_str(), id.as_str());
    reference(what, alike, style, remarks)
}

/// Refers to an object by name, if no other object has that name.
fn reference(
    (kind, name, id): (&str, &str, &str),
    alike: usize,
    style: Style,
    remarks: &mut Vec<String>,
) -> Result<Reference, String> {
    let why = match fits("its name", name, LONGEST_REFERENCE) {
        Ok(()) if alike == 1 => return Ok(Reference::Name(Text::from(name))),
        Ok(()) => format!("{alike} have that name"),
        Err(why) => why,
    };
    let remark = format!("{kind} \"{name}\" is referred to by id ({id}): {why}");
    if style.portable {
        return Err(format!(
            "{kind} \"{name}\" ({id}) cannot be referred to by name: {why}"
        ));
    }
    remarks.push(remark);
    Ok(Reference::Id(id.to_owned()))
}

fn fits(what: &str, name: &str, longest: usize) -> Result<(), String> {
    let length = name.chars().count();
    if name.trim().is_empty() {
        return Err(format!("{what} is blank"));
    }
    if length > longest {
        return Err(format!(
            "{what} has {length} characters, and a manifest holds at most {longest}"
        ));
    }
    Ok(())
}
