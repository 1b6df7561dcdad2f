//! What `status` says: the versioned document that `-o json` and `-o yaml` print, and that the text is made
//! of. Only types.
//!
//! Within one version of [`API_VERSION`] fields are added, and never renamed or removed.

use serde::Serialize;

use crate::forms::Text;

/// The version of the document.
pub const API_VERSION: &str = "status.passwordsync.dev/v1alpha1";

/// The state of the resources of both kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// [`API_VERSION`].
    pub api_version: &'static str,
    /// `Status`.
    pub kind: &'static str,
    /// The namespace that was looked at; none if it was all of them.
    pub namespace: Option<String>,
    /// Every IdentityTenant, by namespace and name.
    pub tenants: Vec<Tenant>,
    /// How many groups have each reason; the most first.
    pub reasons: Vec<Reason>,
    /// Every PasswordSyncGroup, by namespace and name.
    pub groups: Vec<Group>,
    /// Which group waits for a source of which other group.
    pub waits: Vec<Wait>,
    /// What was left out, since it could not be read.
    pub warnings: Vec<String>,
    /// The totals.
    pub summary: Summary,
}

/// A resource by its namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What the condition Ready says about the newest manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// It is ready for its newest manifest, and is not being deleted.
    pub ready: bool,
    /// The reason, a word of the catalogue.
    pub reason: Text,
    /// The message that belongs to the reason.
    pub message: Text,
    /// Since when the condition has its status.
    pub since: Option<String>,
}

/// An IdentityTenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// Its namespace and name.
    #[serde(flatten)]
    pub place: Place,
    /// Whether it is ready, and why.
    #[serde(flatten)]
    pub readiness: Readiness,
    /// The host that answers.
    pub host: Option<Text>,
    /// How many password sync groups the tenant has.
    pub groups: Option<i64>,
    /// How many of them a PasswordSyncGroup manages.
    pub managed_groups: Option<i64>,
    /// How often the tenant is read. A tenant that is ready was read within five of these.
    pub read_interval: Text,
}

/// How many groups have one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The reason, a word of the catalogue.
    pub reason: Text,
    /// How many groups have it.
    pub groups: usize,
}

/// A PasswordSyncGroup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its namespace and name.
    #[serde(flatten)]
    pub place: Place,
    /// The name of its group in the tenant, as the manifest has it.
    pub group: Text,
    /// The IdentityTenant that it refers to.
    pub tenant: String,
    /// Whether it is ready, and why.
    #[serde(flatten)]
    pub readiness: Readiness,
    /// Nothing is written to the tenant for now, because a person paused it.
    pub paused: bool,
    /// It is being deleted.
    pub deleting: bool,
}

/// A group that waits for a source of another group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// The resource that waits.
    pub waiting: Place,
    /// The source that it waits for.
    pub source: Text,
    /// The resource that holds the source.
    pub holder: Place,
}

/// The totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// IdentityTenants.
    pub tenants: usize,
    /// Those that are ready.
    pub tenants_ready: usize,
    /// PasswordSyncGroups.
    pub groups: usize,
    /// Those that are ready.
    pub groups_ready: usize,
    /// Those that are paused, ready or not.
    pub groups_paused: usize,
}
