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
    /// Groups that only the first one has, by name.
    pub only_in_from: Vec<Group>,
    /// Groups that only the second one has, by name.
    pub only_in_to: Vec<Group>,
    /// Groups that both have, with another policy or other sources.
    pub different: Vec<Different>,
    /// The names of the groups that are equal.
    pub equal: Vec<Text>,
    /// Names that several groups of one tenant have, so that none of these groups is compared.
    pub ambiguous: Vec<Ambiguous>,
    /// What each tenant lacks for the groups of the other.
    pub lacks: Lacks,
    /// What could not be read, so that a difference in it would not be seen.
    pub unreadable: Vec<Text>,
    /// What a person should know beside that.
    pub warnings: Vec<String>,
}

/// One of the two tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// The name that it was asked for by.
    pub name: String,
    /// The host that answered.
    pub host: String,
    /// The namespace of its IdentityTenant; none without a cluster.
    pub namespace: Option<String>,
}

/// A group that one of them has.
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

/// A group that both have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Different {
    /// Its name.
    pub name: Text,
    /// The names of both policies; left out if they are equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policies>,
    /// Sources of the first one's group alone.
    pub sources_only_in_from: Vec<Text>,
    /// Sources of the second one's group alone.
    pub sources_only_in_to: Vec<Text>,
    /// How many sources both have.
    pub sources_in_both: usize,
}

/// Two policies by name; none where the tenant does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policies {
    /// That of the first one.
    pub from: Option<Text>,
    /// That of the second one.
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
    /// How many of the second.
    pub in_to: usize,
}

/// What each tenant lacks for the groups of the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lacks {
    /// What the first one lacks.
    pub from: Vec<Lack>,
    /// What the second one lacks.
    pub to: Vec<Lack>,
}

/// A name that a manifest of the other tenant could not be applied with here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lack {
    /// What would have it.
    pub kind: Lacking,
    /// The name.
    pub name: Text,
    /// How many have it here: none, or several, of which a name alone means none.
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
