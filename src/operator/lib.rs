//! The process: arguments, telemetry, health, wiring. Decides nothing.
//!
//! # Layout
//! - [`args`]: what was typed, and what it means.
//! - [`telemetry`]: the logs, on standard error.
//! - [`health`]: `/livez`, `/readyz`, `/metrics`.
//! - [`serve`]: everything put together, until a signal.

pub mod args;
pub mod health;
pub mod serve;
pub mod telemetry;
