//! What a plan says: the versioned document that `-o json` and `-o yaml` print, and that the other
//! forms are made of. Only types.
//!
//! Within one version of [`API_VERSION`] fields are added, and never renamed or removed.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::forms;

/// The version of the document.
pub const API_VERSION: &str = "plan.passwordsync.dev/v1alpha1";

/// A whole plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// [`API_VERSION`].
    pub api_version: &'static str,
    /// `Plan`.
    pub kind: &'static str,
    /// The totals.
    pub summary: Summary,
    /// Each tenant that the manifests are for.
    pub tenants: Vec<Tenant>,
    /// Further warnings for the user.
    #[serde(serialize_with = "forms::texts")]
    pub warnings: Vec<String>,
}

/// How much would change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Groups that are made.
    pub create: usize,
    /// Groups that exist and are taken over.
    pub adopt: usize,
    /// Groups that are changed.
    pub update: usize,
    /// Groups that are deleted.
    pub delete: usize,
    /// Sources that are given a policy of their own.
    pub assign_policy: usize,
    /// Resources that a rule refuses, or that wait for something which a plan cannot foresee.
    pub refused: usize,
    /// Resources that stay as they are.
    pub unchanged: usize,
    /// Sources that share their password with others than before, or follow another policy.
    pub sources: usize,
    /// Accounts on these sources, as far as they could be counted.
    pub accounts: usize,
    /// Objects of other kinds among the manifests, which are left out.
    pub other_kinds: usize,
}

impl Summary {
    /// Whether nothing would be sent: a group that is only adopted stays as it is.
    pub fn is_unchanged(&self) -> bool {
        self.create + self.update + self.delete + self.assign_policy == 0
    }
}

/// What would change in one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// The host that answered.
    #[serde(serialize_with = "forms::text")]
    pub host: String,
    /// Each PasswordSyncGroup.
    pub resources: Vec<Resource>,
    /// Each source of a group that changes.
    pub sources: Vec<Source>,
}

/// What would happen to one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Its namespace.
    #[serde(serialize_with = "forms::text")]
    pub namespace: String,
    /// Its name.
    #[serde(serialize_with = "forms::text")]
    pub name: String,
    /// What would happen to it, in one word.
    pub outcome: Outcome,
    /// Why its manifest would not be carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// Its group in the tenant; without an id if it is yet to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Named>,
    /// The fields of the group that change.
    pub fields: Vec<Field>,
    /// What would be sent to the tenant.
    pub requests: Vec<Request>,
}

/// What would happen to a resource, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Nothing is sent.
    Unchanged,
    /// Its group is made.
    Create,
    /// An existing group becomes its group, and is changed where it differs from the manifest.
    Adopt,
    /// Its group is changed.
    Update,
    /// Its group is deleted.
    Delete,
    /// Nothing, or not everything, is sent for now: a rule refuses it, or it waits.
    Refused,
}

impl Outcome {
    /// As it is shown to a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "no change",
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Refused => "refused",
        }
    }
}

/// What the resource's status would say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The reason of the condition `Ready`.
    pub reason: &'static str,
    /// Its message.
    #[serde(serialize_with = "forms::text")]
    pub message: String,
    /// What to do.
    #[serde(serialize_with = "forms::text")]
    pub remedy: String,
}

/// An object in the tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(serialize_with = "forms::text")]
    pub name: String,
}

/// One field of a group, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// `name`, `passwordPolicy` or `sources`.
    pub field: &'static str,
    /// The names that it holds now; empty if the group is yet to be made.
    #[serde(serialize_with = "forms::texts")]
    pub was: BTreeSet<String>,
    /// The names that it will hold; empty if the group will be gone.
    #[serde(serialize_with = "forms::texts")]
    pub will_be: BTreeSet<String>,
}

/// One request to the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Its place in the order of all requests to this tenant.
    pub order: usize,
    /// `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The path, without the version of the API.
    #[serde(serialize_with = "forms::text")]
    pub path: String,
    /// What it does.
    #[serde(serialize_with = "forms::text")]
    pub summary: String,
}

/// One source, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Its id.
    #[serde(serialize_with = "forms::text")]
    pub id: String,
    /// Its name.
    #[serde(serialize_with = "forms::text")]
    pub name: String,
    /// What the change means for its passwords.
    pub effect: Effect,
    /// Its group and policy now.
    pub before: Membership,
    /// Its group and policy afterwards.
    pub after: Membership,
    /// Whether each password that its group's policy admits passes its own policy; none if both are
    /// the same policy, or one of them is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Alignment>,
    /// How many accounts it has; none if the tenant did not say, or was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<usize>,
    /// How many applications use it; none if the tenant did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applications: Option<u32>,
}

/// How the policy of a group compares to the own policy of a source in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alignment {
    /// The result in one word.
    pub verdict: Aligned,
    /// The result in a sentence, with an example or the rules that contradict each other.
    #[serde(serialize_with = "forms::text")]
    pub message: String,
    /// Demands that cannot be decided from a password alone, such as `useDictionary`.
    pub undecided: Vec<&'static str>,
}

/// How a group's policy compares to a source's own policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Aligned {
    /// Each password that the group's policy admits passes the source's.
    Aligned,
    /// Some of these passwords do not pass.
    Mismatched,
    /// None of these passwords passes.
    Impossible,
}

/// What a change means for the passwords on a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// It joins a group: it then shares one password with the other members.
    Shared,
    /// It leaves its group: its password becomes its own.
    Independent,
    /// It changes from one group to another.
    Moved,
    /// It stays where it is, under another policy.
    OtherPolicy,
    /// It stays, and other sources join or leave its group.
    OtherMembers,
    /// Nothing changes for it.
    Unchanged,
}

impl Effect {
    /// As it is shown to a person.
    pub fn words(self) -> &'static str {
        match self {
            Self::Shared => "becomes shared",
            Self::Independent => "becomes independent",
            Self::Moved => "moves to another group",
            Self::OtherPolicy => "gets another policy",
            Self::OtherMembers => "is shared with others",
            Self::Unchanged => "stays",
        }
    }
}

/// The group of a source, and the policy that applies to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// Its group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Named>,
    /// The policy that applies to its passwords; none if it has none, or it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Named>,
}

impl Membership {
    /// The policy, and whether it is the group's or the source's own.
    pub fn words(&self) -> String {
        let policy = self.policy.as_ref().map(|policy| policy.name.clone());
        match (&self.group, policy) {
            (Some(group), Some(policy)) => format!("{policy} (group {})", group.name),
            (Some(group), None) => format!("no policy (group {})", group.name),
            (None, Some(policy)) => format!("{policy} (its own)"),
            (None, None) => "no policy".to_owned(),
        }
    }
}
