//! What the lists say: the versioned documents that `-o json` and `-o yaml` print, and that the tables are
//! made of. Only types.
//!
//! Within one version of [`API_VERSION`] fields are added, and never renamed or removed.

use psg_api::ManagementPolicy;
use serde::Serialize;

use crate::forms::Text;

/// The version of the documents.
pub const API_VERSION: &str = "inventory.passwordsync.dev/v1alpha1";

/// One kind of object of every tenant that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document<T> {
    /// [`API_VERSION`].
    pub api_version: &'static str,
    /// `Sources`, `Policies` or `Groups`.
    pub kind: &'static str,
    /// Each tenant.
    pub tenants: Vec<Tenant<T>>,
    /// Further warnings for the user.
    pub warnings: Vec<String>,
}

/// What one tenant has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant<T> {
    /// The host that answered.
    pub host: String,
    /// The namespace of its IdentityTenants; none without a cluster.
    pub namespace: Option<String>,
    /// The IdentityTenants that lead to it.
    pub identity_tenants: Vec<String>,
    /// All objects of the kind, ordered by name and id.
    pub items: Vec<T>,
    /// Objects of the same kind that cannot be read as a whole, with what is wrong with each.
    pub unreadable: Vec<Text>,
}

/// An object by its id and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// Its name; empty if the tenant does not tell it.
    pub name: Text,
    /// Its id.
    pub id: String,
}

impl Named {
    /// The name or, if the tenant does not tell it, the id.
    pub fn called(&self) -> Text {
        if self.name.0.is_empty() {
            Text(self.id.clone())
        } else {
            self.name.clone()
        }
    }
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Its name and id.
    #[serde(flatten)]
    pub named: Named,
    /// How the tenant reaches it.
    #[serde(rename = "type")]
    pub connection: Connection,
    /// It can change passwords (feature `PASSWORD`), which a group needs.
    pub changes_passwords: bool,
    /// It is used to sign in (feature `AUTHENTICATE`): a group then needs an application on it.
    pub authenticates: bool,
    /// The tenant's last health check passed.
    pub healthy: bool,
    /// The tenant's own word for its health.
    pub status: Text,
    /// Who owns it: whom to ask about it; none if the tenant does not tell.
    pub owner: Option<Text>,
    /// How many applications use it; none if the tenant does not tell.
    pub applications: Option<u32>,
    /// How many accounts it has, if that was asked for and the tenant tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<usize>,
    /// The password policies that the tenant shows for the whole source: one, as a rule.
    pub policies: Vec<Named>,
    /// The password sync groups that it is in: one at most, as a rule.
    pub groups: Vec<Membership>,
}

/// How a tenant reaches a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Connection {
    /// Directly, which a group needs.
    Direct,
    /// By files that somebody uploads.
    FileFed,
    /// The tenant does not say.
    Unknown,
}

/// A group that a source is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The group.
    #[serde(flatten)]
    pub named: Named,
    /// The resource that has it; none without a cluster.
    pub resource: Option<Resource>,
}

/// A password policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Its name and id.
    #[serde(flatten)]
    pub named: Named,
    /// The groups that have it.
    pub groups: Vec<Named>,
    /// The sources for which the tenant shows it.
    pub sources: Vec<Named>,
}

/// A password sync group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its name and id.
    #[serde(flatten)]
    pub named: Named,
    /// Its password policy; none if the tenant does not tell.
    pub policy: Option<Named>,
    /// Its sources.
    pub sources: Vec<Named>,
    /// The resource that has it; none if it may be adopted, or without a cluster.
    pub resource: Option<Resource>,
}

/// A PasswordSyncGroup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How far the operator makes the group equal to the resource.
    pub management_policy: ManagementPolicy,
}
