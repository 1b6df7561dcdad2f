//! The kind `PasswordSyncGroup`: what a person writes. Its doc texts are what
//! `kubectl explain` shows; each says the default and what leaving the field out means.

#![allow(clippy::duplicated_attributes)] // columns of one type are no duplicates

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{group_status::PasswordSyncGroupStatus, rest::Condition};

/// What is asked for: one password sync group of one identity tenant.
/// A password changed on one of its sources is changed on all of them.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "passwordsync.dev",
    version = "v1alpha1",
    kind = "PasswordSyncGroup",
    namespaced,
    cel,
    status = "PasswordSyncGroupStatus",
    derive = "PartialEq",
    doc = "A password sync group of an identity tenant: sources that share one password policy and one password.",
    shortname = "psg",
    category = "passwordsync",
    selectable = ".spec.name",
    selectable = ".spec.tenantRef.name",
    printcolumn(
        name = "Ready",
        type_ = "string",
        description = "Whether the tenant equals this.",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        description = "Why, in one word.",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(
        name = "Paused",
        type_ = "string",
        description = "Whether nothing is written to the tenant for now, because a person said so.",
        json_path = r#".status.conditions[?(@.type=="Paused")].status"#
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Sources",
        type_ = "integer",
        description = "How many sources the group has in the tenant.",
        json_path = ".status.sourceCount",
        priority = 1
    ),
    printcolumn(
        name = "Policy",
        type_ = "string",
        description = "The password policy last made equal.",
        json_path = ".status.policy.name",
        priority = 1
    ),
    printcolumn(
        name = "Tenant",
        type_ = "string",
        description = "The IdentityTenant it belongs to.",
        json_path = ".spec.tenantRef.name",
        priority = 1
    ),
    printcolumn(
        name = "Mode",
        type_ = "string",
        description = "How far the tenant is kept equal.",
        json_path = ".spec.managementPolicy",
        priority = 1
    ),
    printcolumn(
        name = "Group-ID",
        type_ = "string",
        description = "The id of the tenant's group.",
        json_path = ".status.groupID",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        description = "Why, in a sentence.",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    ),
    validation = Rule::new("!has(oldSelf.spec.groupID) || !has(self.spec.groupID) || self.spec.groupID == oldSelf.spec.groupID || !has(oldSelf.status) || !has(oldSelf.status.groupID)")
        .message(Message::Expression("'groupID may not change while a group is managed: it is ' + oldSelf.spec.groupID + '; put it back, or remove it, or use another resource for the other group'".to_owned()))
        .field_path(".spec.groupID")
)]
#[serde(rename_all = "camelCase")]
pub struct PasswordSyncGroupSpec {
    /// The group's name in the tenant: what people see in Password Manager.
    /// Required, 1 to 128 characters, not blank. It may be changed: the tenant's group is renamed.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new("self.trim().size() > 0")
        .message("name is blank: give the name that people are to see in Password Manager, 1 to 128 characters"))]
    pub name: String,

    /// The tenant that the group is in: an IdentityTenant of this namespace.
    /// Left out, it is the IdentityTenant named `default`. Immutable: to move a group to another
    /// tenant, delete this resource and create one there.
    #[serde(default)]
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message(Message::Expression("'tenantRef is immutable: it is ' + oldSelf.name + ', asked for ' + self.name + ' (left out means default); put it back, or delete this resource and create another'".to_owned())))]
    pub tenant_ref: TenantRef,

    /// The password policy of every source in the group, by name or by id.
    /// Required; it must exist in the tenant, and a name must match exactly one policy.
    pub password_policy_ref: NameOrId,

    /// The sources that share one password, each by name or by id. Required: 2 to 100, no two
    /// the same; their order means nothing. Each must be connected directly, be able to change
    /// passwords and be in no other group; one that is used to sign in needs an application.
    /// A source that is removed here keeps a password policy of its own.
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Atomic,
        validation = Rule::new("self.size() >= 2")
            .message("sourceRefs has fewer than two sources: passwords are synchronised between two or more; add one, or delete this resource"),
        validation = Rule::new("self.all(x, self.exists_one(y, x == y))")
            .message("sourceRefs has the same source twice: remove one of them"))]
    pub source_refs: Vec<NameOrId>,

    /// How far the tenant is kept equal to this. Left out, it is `Enforce`.
    /// `Enforce`: the tenant always equals this; a change made there is undone.
    /// `OnChange`: written when this resource changes; a change made in the tenant is only reported.
    /// `Observe`: never written, only reported; deleting this resource leaves the tenant alone.
    #[serde(default)]
    pub management_policy: ManagementPolicy,

    /// What happens to a group of this name that the tenant has already. Left out, it is `IfIdentical`.
    /// `IfIdentical`: it is adopted if its policy and sources are equal, without a write; if not, nothing is done.
    /// `Overwrite`: it is adopted and made equal.
    /// `Never`: it is left alone, and this resource is not ready.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,

    /// What happens to the tenant's group when this resource is deleted. Left out, it is `Delete`.
    /// `Delete`: it is deleted, and its password policy is reassigned to every source.
    /// `Orphan`: it is left in the tenant as it is. May be set while the resource is being deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// The id of the one group to manage: exactly that group is adopted, and none is ever
    /// created. Left out, the group is found by its name, or created. It may be set and removed, but
    /// not changed while a group is managed. 1 to 64 letters, digits and dashes.
    #[serde(rename = "groupID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9-]+$')")
        .message("groupID is not an id: give the group's id as the tenant shows it (letters, digits and dashes), or leave it out"))]
    pub group_id: Option<String>,
}

/// Points at the tenant, in the namespace of the resource.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TenantRef {
    /// The kind of tenant. Left out, it is `IdentityTenant`, the only one there is.
    #[serde(default)]
    pub kind: TenantKind,

    /// The name of the IdentityTenant in this namespace. Left out, it is `default`.
    #[serde(default = "TenantRef::default_name")]
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

impl TenantRef {
    fn default_name() -> String {
        "default".to_owned()
    }
}

impl Default for TenantRef {
    fn default() -> Self {
        Self {
            kind: TenantKind::default(),
            name: Self::default_name(),
        }
    }
}

/// Kinds of tenant.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TenantKind {
    /// The kind `IdentityTenant` of this API group.
    #[default]
    IdentityTenant,
}

/// Points at one object of the tenant, by name or by id: exactly one of the two.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.name) != has(self.id)")
    .message("give name or id, exactly one of the two"))]
pub struct NameOrId {
    /// The name that the tenant shows, 1 to 256 characters, not blank; it must match exactly one
    /// object. What it matched is kept: a rename in the tenant changes nothing here.
    /// Left out, `id` is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new("self.trim().size() > 0")
        .message("name is blank: give the name that the tenant shows, or id instead"))]
    pub name: Option<String>,

    /// The id that the tenant shows, 1 to 64 letters, digits and dashes. Left out, `name` is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9-]+$')")
        .message("id is not an id: give it as the tenant shows it (letters, digits and dashes), or name instead"))]
    pub id: Option<String>,
}

/// How far the tenant is kept equal.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManagementPolicy {
    /// The tenant always equals the manifest.
    #[default]
    Enforce,
    /// Written when the manifest changes.
    OnChange,
    /// Never written.
    Observe,
}

/// What happens to a group of the same name that exists already.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdoptionPolicy {
    /// Adopted if policy and sources are equal.
    #[default]
    IfIdentical,
    /// Adopted and made equal.
    Overwrite,
    /// Left alone.
    Never,
}

/// What happens to the tenant's group on deletion.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// Deleted, and its policy reassigned to every source.
    #[default]
    Delete,
    /// Left in the tenant.
    Orphan,
}

impl PasswordSyncGroup {
    /// The reason for which the status says of the newest manifest that it cannot be carried out, and
    /// since when it says so of any manifest.
    pub fn stalled(&self) -> Option<(&str, Timestamp)> {
        let stalled = self.stalled_condition()?;
        let is_newest = stalled.observed_generation == self.metadata.generation;
        is_newest.then_some((&stalled.reason, stalled.last_transition_time.0))
    }

    /// Since when the status says that manifests, whichever they were, cannot be carried out.
    pub fn stalled_since(&self) -> Option<Timestamp> {
        Some(self.stalled_condition()?.last_transition_time.0)
    }

    fn stalled_condition(&self) -> Option<&Condition> {
        let mut conditions = self.status.iter().flat_map(|status| &status.conditions);
        conditions.find(|it| it.type_ == "Stalled" && it.status == "True")
    }
}
