//! The decisions. Pure: no async, no IO, no clock, no log; `now` is an argument.
//!
//! Every side effect, on Kubernetes or on the tenant, is a value that [`Engine::decide`] returns. A
//! driver carries out one step, tells the engine how it ended and asks again.
//!
//! # Layout
//! - [`engine`]: what a driver sees, what comes out, and what a reply or a stored record changes; the
//!   only caller of the rules.
//! - [`case`]: what a rule sees, and [`Move`], what it answers.
//! - [`next()`]: the order of the rules for a resource that lives; [`delete`] for one that goes.
//! - [`resolve`], [`prerequisites`], [`claims`], [`conflicts`], [`absence`], [`adopt`], [`create`],
//!   [`sync`], [`update`], [`contested`], [`brake`], [`hand_back`], [`moving`] with [`traffic`]: one rule, one file.
//! - [`alignment`]: whether two password policies align; no other rule asks it.
//! - [`preview`]: a driver that sends nothing, with the replies of `predict`.
//! - [`verdict`]: what the status says after a move; [`tenant_verdict()`] for a tenant.
//! - [`reason`]: the catalogue of reasons, from which the documentation is made.
//! - [`claims::ClaimIndex`]: who owns what, over all resources.

mod absence;
mod adopt;
pub mod alignment;
pub mod brake;
mod case;
pub mod claims;
mod conflicts;
mod contested;
mod create;
mod delete;
mod differ;
mod engine;
mod hand_back;
// Mutants are built by the hundred, and this takes longest to compile.
#[cfg(test)]
#[cfg(not(mutants))]
mod model_check;
mod moving;
mod near;
mod next;
mod predict;
mod prerequisites;
pub mod preview;
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
    Farewell, FarewellKind, InUse, Memory, Move, Object, Setback, Step, TenantState, TenantView,
    Timers, What, WriteCause,
};
pub use claims::{ClaimIndex, Claimant};
pub use engine::{Decision, Engine, Learned, Observation, Reply};
pub use near::Search;
pub use prerequisites::Lack;
pub use reason::{Finding, Reason};
pub use refused::Basis;
pub use resolve::{Resolved, Unresolved, resolve};
pub use tenant_verdict::tenant_verdict;
pub use verdict::{Condition, Report, Truth};

// The tests of single rules ask about one case, without the engine.
#[cfg(test)]
use case::{Case, Outcome, Puts, Remembered, Sent};
#[cfg(test)]
use contested::Repairs;
#[cfg(test)]
use next::next;
#[cfg(test)]
use verdict::verdict;
