//! The process: arguments, telemetry, health, wiring. Decides nothing.
//!
//! # Layout
//! - [`args`]: the flags, and what they mean.
//! - [`values`]: what one value of a flag may be.
//! - [`audit`]: where the audit trail goes.
//! - [`telemetry`]: the logs, on standard error.
//! - [`health`]: `/livez`, `/readyz`, `/metrics`; [`listen`]: serves them, within limits.
//! - [`aside`]: the thread on which they are served and the Lease is renewed.
//! - [`connect`]: connections to Kubernetes.
//! - [`definitions`]: reports which definitions of the operator's kinds a cluster lacks.
//! - [`election`]: what to do about the Lease; pure.
//! - [`fence`]: until when this process may act; [`leadership`]: reads and writes the Lease.
//! - [`serve`]: everything put together, until a signal.

pub mod args;
pub mod aside;
pub mod audit;
pub mod company;
pub mod connect;
pub mod definitions;
pub mod election;
pub mod error;
pub mod fence;
pub mod health;
pub mod leadership;
pub mod listen;
pub mod requests;
pub mod serve;
pub mod telemetry;
pub mod values;
