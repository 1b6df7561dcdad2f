//! One reconcile: observe → decide → act → report.
//!
//! The only crate that carries out actions. It decides nothing about groups: every effect is a
//! value that [`psg_plan::Engine::decide`] returned, run over two ports, so that the very same code runs
//! against a cluster and a tenant, or against models of both.
//!
//! # Modules
//! Each module may use those above it, and none below.
//! - [`kubernetes`]: the Kubernetes port, the client behind it, and objects that are not what this
//!   version expects.
//! - [`audit`]: the format of the audit trail.
//! - [`context`]: what all passes share: tenants, claims, resource states, metrics, the requeues.
//! - [`group`]: one pass over one PasswordSyncGroup, which drives the engine of `plan`. Only
//!   `group/execute.rs` writes a tenant.
//! - [`tenant`]: the actor of one IdentityTenant: credentials, reads, status, and the finalizers of
//!   the tenant and its Secret.
//! - [`watch`]: the watches that drive it all.

mod audit;
pub mod context;
mod group;
pub mod kubernetes;
mod tenant;
mod watch;

pub use audit::{Audit, AuditLog};
pub use context::{
    Context, Settings,
    clock::ProcessClock,
    metrics::Metrics,
    readiness::Readiness,
    role::{Role, RoleReceiver},
    unreadable::AllUnreadable,
};
pub use watch::{Scope, run};

#[cfg(test)]
mod tests;
