//! Names and facts of password sync groups: what a person wants, what the tenant
//! shows, what a resource remembers. Parsed once at the edges; no IO, no clock.
//!
//! # Layout
//! - [`api_version`]: the versions of the identity API.
//! - [`condition_type`]: the conditions of both kinds.
//! - [`ids`]: identifiers that are safe in a URL path, and references by name or id.
//! - [`facts`]: sources, policies, groups and policy holders of a tenant.
//! - [`desired`]: one group as its manifest wants it.
//! - [`recorded`]: what a resource's status remembers, the memory of every protocol.
//! - [`password_changes`]: what audit events tell of password changes.
//! - [`password_rules`]: what a policy demands of a password.
//! - [`picture`]: everything read of one tenant, and how reads and writes merge.
//! - [`text`]: what people see of text that others wrote.
//! - [`time`]: arithmetic on timestamps that cannot overflow.

pub mod api_version;
pub mod condition_type;
pub mod desired;
pub mod facts;
pub mod ids;
pub mod password_changes;
pub mod password_rules;
pub mod picture;
pub mod recorded;
pub mod text;
pub mod time;

pub use api_version::ApiVersion;
pub use condition_type::ConditionType;
pub use desired::{AdoptionPolicy, DeletionPolicy, Desired, ManagementPolicy};
pub use facts::{Group, Holder, HolderSelectors, Kind, Policy, Source, Unreadable};
pub use ids::{
    ChangeId, GroupId, InvalidId, NamespacedName, PolicyId, Ref, SourceId, TenantKey, TenantName,
};
pub use password_changes::{Change, ChangeEvent, ChangeStep, FailureCause, Failures};
pub use password_rules::{Limit, PasswordRules, Rule, Stated, Undecided};
pub use picture::{Changes, Picture, Presence};
pub use recorded::{
    Assign, Contested, Deletion, Drift, Intent, Origin, PolicyPin, Reassignment,
    ReassignmentResult, Recorded, Refused, SourcePin, Update,
};
