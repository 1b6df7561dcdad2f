//! What `diff` says: the versioned document that `-o json` and `-o yaml` print, and that the text is made of.
//! Only types.
//!
//! Within one version of [`API_VERSION`] fields are added, and never renamed or removed.

use serde::Serialize;

use crate::forms::Text;

/// The version of the document.
pub const API_VERSION: &str = "diff.passwordsync.dev/v1alpha1";

/// Two tenants, compared by names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// [`API_VERSION`].
    pub api_version: &'static str,
    /// `Diff`.
    pub kind: &'static str,
    /// The tenant of `--from`.
    pub from: Side,
    /// The tenant of `--to`.
    pub to: Side,
    /// Groups that only the tenant of `--from` has, by name.
    pub only_in_from: Vec<Group>,
    /// Groups that only the tenant of `--to` has, by name.
    pub only_in_to: Vec<Group>,
    /// Groups that both tenants have, with different policies or sources.
    pub different: Vec<Different>,
    /// The names of the groups that are equal.
    pub equal: Vec<Text>,
    /// Names that several groups of one tenant have, so that none of these groups is compared.
    pub ambiguous: Vec<Ambiguous>,
    /// What each tenant lacks for the groups of the other.
    pub lacks: Lacks,
    /// What could not be read, so that a difference in it would not be seen.
    pub unreadable: Vec<Text>,
    /// Further warnings for the user.
    pub warnings: Vec<String>,
}

/// One of the two tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// Its name in `--from` or `--to`.
    pub name: String,
    /// The host that answered.
    pub host: String,
    /// The namespace of its IdentityTenant; none without a cluster.
    pub namespace: Option<String>,
}

/// A group that one of the tenants has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its name.
    pub name: Text,
    /// The name of its policy; none if the tenant does not tell.
    pub policy: Option<Text>,
    /// The names of its sources; an id where the tenant does not tell the name.
    pub sources: Vec<Text>,
}

/// A group that both tenants have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Different {
    /// Its name.
    pub name: Text,
    /// The names of both policies; left out if they are equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policies>,
    /// Sources that only the group of the first tenant has.
    pub sources_only_in_from: Vec<Text>,
    /// Sources that only the group of the second tenant has.
    pub sources_only_in_to: Vec<Text>,
    /// How many sources both groups have.
    pub sources_in_both: usize,
}

/// Two policies by name; none where the tenant does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policies {
    /// The policy in the first tenant.
    pub from: Option<Text>,
    /// The policy in the second tenant.
    pub to: Option<Text>,
}

/// A name that several groups of one tenant have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ambiguous {
    /// The name.
    pub name: Text,
    /// How many groups of the first tenant have it.
    pub in_from: usize,
    /// How many groups of the second tenant have it.
    pub in_to: usize,
}

/// What each tenant lacks for the groups of the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lacks {
    /// What the first tenant lacks.
    pub from: Vec<Lack>,
    /// What the second tenant lacks.
    pub to: Vec<Lack>,
}

/// A name that a manifest of the other tenant needs, and that is missing or ambiguous here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lack {
    /// The kind of object that should have the name.
    pub kind: Lacking,
    /// The name.
    pub name: Text,
    /// How many objects here have it: none, or several, so that the name is ambiguous.
    pub found: usize,
    /// The groups of the other tenant that need it.
    pub needed_by: Vec<Text>,
}

/// What a group refers to by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // the words say it
pub enum Lacking {
    Policy,
    Source,
}
