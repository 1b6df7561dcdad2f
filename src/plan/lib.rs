//! The decisions. Pure: no async, no IO, no clock, no log; `now` is an argument.
//!
//! Every side effect, on Kubernetes or on the tenant, is a value returned by [`next`].
//! Whoever runs it carries out one step, puts the outcome into the case and asks again.
//!
//! # Layout
//! - [`case`]: what goes in, and [`Move`], what comes out.
//! - [`next()`]: the order of the rules for a resource that lives; [`delete`] for one that goes.
//! - [`resolve`], [`prerequisites`], [`claims`], [`conflicts`], [`absence`], [`adopt`], [`create`],
//!   [`sync`], [`update`], [`contested`], [`brake`], [`hand_back`], [`moving`] with [`traffic`]: one rule, one file.
//! - [`verdict`]: what the status says after a move; [`tenant_verdict()`] for a tenant.
//! - [`reason`]: the catalogue of reasons, from which the documentation is made.
//! - [`claims::ClaimIndex`]: who owns what, over all resources.

mod absence;
mod adopt;
pub mod brake;
pub mod case;
pub mod claims;
mod conflicts;
mod contested;
mod create;
mod delete;
mod differ;
mod hand_back;
// Mutants are built by the hundred, and this takes longest to compile.
#[cfg(test)]
#[cfg(not(mutants))]
mod model_check;
mod moving;
mod near;
mod next;
mod prerequisites;
pub mod reason;
pub mod refused;
pub mod resolve;
mod sync;
mod tenant_verdict;
#[cfg(test)]
mod tests;
mod traffic;
pub mod update;
pub mod verdict;

pub use brake::{Brake, Going};
pub use case::{
    Case, Farewell, FarewellKind, InUse, Memory, Move, Object, Outcome, Puts, Remembered, Sent,
    Setback, Step, TenantState, TenantView, Timers, What, WriteCause,
};
pub use claims::{ClaimIndex, Claimant};
pub use contested::Repairs;
pub use next::next;
pub use reason::{Finding, Reason};
pub use refused::Basis;
pub use resolve::{Resolved, Unresolved, resolve};
pub use tenant_verdict::tenant_verdict;
pub use verdict::{Condition, Report, Truth, verdict};
