//! A simulated tenant: the service's API and rules, with faults on demand.
//!
//! This file only names the parts. The rules are a synchronous library without IO, clock or
//! external randomness: [`Tenant::handle`] maps a request and a moment to a response. [`World`]
//! holds many tenants, [`control`] steers them, and only [`serve`] and `wire` touch sockets.
//! Nothing here is shared with the client under test: a shared type would hide a shared mistake.

pub mod clock;
pub mod control;
pub mod faults;
pub mod latency;
pub mod ledger;
pub mod limiter;
pub mod model;
pub mod request;
pub mod rng;
pub mod routes;
pub mod seed;
pub mod serve;
pub mod state;
pub mod switches;
pub mod table;
pub mod tenant;
pub mod world;

mod access;
mod accounts;
mod apps;
mod auth;
mod call;
mod errors;
mod filter;
mod group_body;
mod group_rules;
mod groups;
mod handover;
mod holders;
mod multipart;
mod odd;
mod own_tokens;
mod paging;
mod password_changes;
mod passwords;
mod policies;
mod sources;
mod wire;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod recipes;
#[cfg(test)]
mod testing;

pub use auth::{Credential, CredentialPatch};
pub use faults::{Fault, FaultKind};
pub use limiter::RateLimit;
pub use odd::Odd;
pub use passwords::{Account, Endpoint, Identity};
pub use request::{Cut, Request, Response};
pub use seed::Seed;
pub use switches::Switches;
pub use tenant::Tenant;
pub use world::World;
