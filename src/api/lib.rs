//! The custom resources, their schemas, and their conversion to and from domain types. No IO, no
//! clock, no client.
//!
//! # Layout
//! - [`group`], [`group_status`]: the kind `PasswordSyncGroup`.
//! - [`tenant`]: the kind `IdentityTenant`.
//! - [`convert`]: a manifest's spec, checked again and parsed: [`psg_domain::Desired`].
//! - [`settings`]: a tenant's spec, checked again and parsed: [`TenantSettings`].
//! - [`memory`]: a status and the memory it holds: [`psg_domain::Recorded`], both ways.
//! - [`entries`], [`rest`]: the fields that a newer operator put into the lists of a status.
//! - [`merge_patch`]: what is sent to change a status, so that foreign fields survive.
//! - [`crds`]: the definitions as they are installed, generated into `crds/`.
//! - [`schemas`]: the same as JSON schemas that refuse unknown fields, generated into `schemas/`.
//! - [`reference`]: every field as a page, generated into `docs/reference.md`.
//! - [`annotations`]: what people ask for by annotations.
//! - [`proxy`]: which proxy leads to an API server.
//! - [`names`]: every name that manifests and other programs rely on.

pub mod annotations;
pub mod convert;
pub mod crds;
pub mod entries;
pub mod group;
pub mod group_status;
pub mod memory;
pub mod merge_patch;
pub mod names;
pub mod proxy;
pub mod reference;
pub mod rest;
pub mod schemas;
pub mod settings;
pub mod tenant;

pub use convert::InvalidSpec;
pub use group::{
    AdoptionPolicy, DeletionPolicy, ManagementPolicy, NameOrId, PasswordSyncGroup,
    PasswordSyncGroupSpec, TenantKind, TenantRef,
};
pub use group_status::{PasswordSyncGroupStatus, SourceToReassign};
pub use memory::{InvalidStatus, held_of, status_of};
pub use merge_patch::merge_patch;
pub use rest::Condition;
pub use settings::{RateLimit, TenantSettings};
pub use tenant::{
    IdentityApiVersion, IdentityTenant, IdentityTenantSpec, IdentityTenantStatus, RateLimitSpec,
    SecretRef,
};

#[cfg(any(test, feature = "properties"))]
pub mod properties;
#[cfg(test)]
mod rules;
