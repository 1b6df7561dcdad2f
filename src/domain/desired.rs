//! One group as its manifest wants it, already parsed.

use serde::{Deserialize, Serialize};

use crate::ids::{GroupId, Ref};

/// What a `PasswordSyncGroup` asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Desired {
    /// The group's name in the tenant.
    pub name: String,
    /// Its password policy.
    pub policy: Ref,
    /// Its sources, 2 to 100.
    pub sources: Vec<Ref>,
    /// How far the tenant is kept equal.
    pub management: ManagementPolicy,
    /// What happens to a group of this name that exists already.
    pub adoption: AdoptionPolicy,
    /// What happens to the tenant's group on deletion.
    pub deletion: DeletionPolicy,
    /// Manage exactly this group and never create one.
    pub group_id: Option<GroupId>,
}

/// How far the tenant is kept equal to the manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ManagementPolicy {
    /// The tenant always equals the manifest.
    #[default]
    Enforce,
    /// Written when the manifest changes; a change made in the tenant is only reported.
    OnChange,
    /// Never written.
    Observe,
}

/// What happens to a group of the same name that exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AdoptionPolicy {
    /// Adopted if policy and sources are equal, without a write.
    #[default]
    IfIdentical,
    /// Adopted and made equal.
    Overwrite,
    /// Left alone.
    Never,
}

/// What happens to the tenant's group when the resource is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// Deleted, and its policy reassigned to every source.
    #[default]
    Delete,
    /// Left in the tenant.
    Orphan,
}
