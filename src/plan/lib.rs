//! The decisions. Pure: no async, no IO, no clock, no log; `now` is an argument.
//!
//! Every side effect, on Kubernetes or on the tenant, is a value that [`Engine::decide`] returns. A
//! driver carries out one action, tells the engine how it ended and asks again.
//!
//! # Layout
//! - [`engine`]: what a process remembers of one resource, and what a reply or a stored record changes.
//! - [`decide`]: what a driver observes, and what is decided from it; the only caller of the rules.
//! - [`action`], [`outcome`]: what can be done, and how it can end. [`observed`], [`expectations`],
//!   [`repairs`]: what was observed, and what is expected of what was sent.
//! - [`rules`]: the order in which the rules judge one [`case`]; below it, one file for each rule.
//! - [`resolve`] with [`near`], [`differ`], [`claims`], [`brake`]: questions that several rules
//!   ask.
//! - [`conditions`]: what a status says after a decision; [`tenant_conditions()`] for a tenant.
//!   [`reason`]: the catalogue of reasons, from which the documentation is made.
//! - [`preview`]: a driver that sends nothing, with the replies of [`predict`].
//! - [`alignment`]: whether two password policies align.

mod action;
pub mod alignment;
pub mod brake;
mod case;
pub mod claims;
mod conditions;
mod decide;
mod differ;
mod engine;
mod expectations;
mod near;
mod observed;
mod outcome;
mod predict;
pub mod preview;
pub mod reason;
mod repairs;
mod resolve;
mod rules;
mod tenant_conditions;
#[cfg(test)]
mod tests;

pub use action::{Action, Memory, Next, Release, ReleaseKind, What, WriteCause};
pub use brake::{Brake, Going};
pub use claims::{ClaimIndex, Claimant};
pub use conditions::{
    Condition, Report, Truth, password_changes::WINDOW as FAILURES_WINDOW, reason_of,
};
pub use decide::{Decision, Observation, Pace};
pub use engine::Engine;
pub use near::Search;
pub use observed::{InUse, Object, PasswordChanges, TenantState, TenantView, Timers};
pub use outcome::{Basis, Learned, Reply, Setback};
pub use reason::{Finding, Reason};
pub use resolve::{Resolved, Unresolved, resolve};
pub use rules::prerequisites::Lack;
pub use tenant_conditions::tenant_conditions;

// Tests of single rules build a `Case` and ask the rules directly, without `Engine::decide`.
#[cfg(test)]
use {
    action::Remembered,
    case::Case,
    conditions::report,
    expectations::{Expectations, Puts},
    outcome::Outcome,
    repairs::Repairs,
    rules::{next, refused},
};
