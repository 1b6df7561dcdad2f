//! One reconcile: observe → plan → act → report.
//!
//! The only crate that carries out steps. It decides nothing about groups: every effect is a
//! value that [`psg_plan::Engine::decide`] returned, run over two ports, so that the very same code runs
//! against a cluster and a tenant, or against models of both.
//!
//! # Layout
//! - [`reconcile`]: one pass over one resource, which drives the engine of `plan`.
//! - [`act`]: carries out one step; the only place that writes the tenant.
//! - [`audit`]: the words of the audit trail; `trail` writes one step's lines.
//! - [`status`]: what a report becomes; the only place that writes a status.
//! - [`tenant`], [`actor`]: one IdentityTenant, its snapshot and its own status; [`in_use`]: whether
//!   it may go; [`protect`]: whether its Secret may.
//! - [`ports`]: the Kubernetes side; [`kubernetes`] is the real one.
//! - [`context`]: everything shared; [`mind`]: what a process remembers of a resource.
//! - [`events`], [`metrics`]: what is told to people and machines.
//! - [`standing`]: whether this process acts, or only watches.
//! - [`run`]: the watches that drive it all; [`intake`]: what their events mean.
//! - [`tolerant`], [`unreadable`]: objects that are not what this version expects.
//! - [`guard`]: a panic ends nothing but what it struck.

pub mod act;
pub mod actor;
pub mod audit;
pub mod clock;
pub mod context;
pub mod events;
pub mod guard;
pub mod in_use;
pub mod intake;
pub mod kubernetes;
pub mod metrics;
pub mod mind;
pub mod ports;
pub mod protect;
pub mod readiness;
pub mod reconcile;
pub mod run;
mod spam;
pub mod standing;
pub mod status;
pub mod tenant;
pub mod tolerant;
pub mod unreadable;
pub mod wakes;

mod trail;

pub use audit::{Audit, AuditLog};
pub use clock::ProcessClock;
pub use context::{Context, Settings};
pub use intake::Scope;
pub use metrics::Metrics;
pub use readiness::Readiness;
pub use run::run;
pub use standing::{Standing, Stands};

#[cfg(test)]
mod tests;
