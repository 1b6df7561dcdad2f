//! One reconcile: observe → plan → act → report.
//!
//! The only crate that carries out steps. It decides nothing about groups: every effect is a
//! value that [`psg_plan::next`] returned, run over two ports, so that the very same code runs
//! against a cluster and a tenant, or against models of both.
//!
//! # Layout
//! - [`reconcile`]: one pass over one resource, the loop around `plan::next`.
//! - [`act`]: carries out one step; the only place that writes the tenant.
//! - [`audit`]: the words of the audit trail; `trail` writes one step's lines.
//! - [`status`]: what a report becomes; the only place that writes a status.
//! - [`tenant`], [`actor`]: one IdentityTenant, its snapshot and its own status.
//! - [`ports`]: the Kubernetes side; [`kubernetes`] is the real one.
//! - [`context`]: everything shared; [`mind`]: what a process remembers of a resource.
//! - [`events`], [`metrics`]: what is told to people and machines.
//! - [`standing`]: whether this process acts, or only watches.
//! - [`run`]: the watches that drive it all.

pub mod act;
pub mod actor;
pub mod audit;
pub mod clock;
pub mod context;
pub mod events;
pub mod kubernetes;
pub mod metrics;
pub mod mind;
pub mod ports;
pub mod reconcile;
pub mod run;
pub mod standing;
pub mod status;
pub mod tenant;
pub mod wakes;

mod trail;

pub use audit::{Audit, AuditLog};
pub use clock::ProcessClock;
pub use context::{Context, Settings};
pub use metrics::Metrics;
pub use run::{Readiness, Scope, run};
pub use standing::{Standing, Stands};

#[cfg(test)]
mod tests;
