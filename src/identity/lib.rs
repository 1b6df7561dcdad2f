//! Typed client of the identity API: the only crate that speaks to a tenant.
//!
//! It decides how a request looks, whether it may be repeated, and whether an answer means that a
//! write was made. It decides nothing about groups.
//!
//! # Layout
//! - [`client`]: every operation, typed; one request on the wire for one write.
//! - [`pages`], [`bounds`]: whole lists, and how much of them is kept at most.
//! - [`routes`]: which path of which API version serves an operation.
//! - [`transport`]: the interface under the client; [`wire_http`] implements it over HTTP, [`gate`]
//!   sends writes only while the process may write, [`read_only`] never sends one.
//! - [`address`], [`public_address`]: where credentials may travel.
//! - `company`: a proxy and certificate authorities of a company; `remedy`: what to do where they stop
//!   a request.
//! - [`credentials`], [`token`], [`scopes`]: the content of a Secret, the token minted with it, and
//!   what the token may do.
//! - [`limiter`], [`window`], [`lane`], [`limiters`]: the rate limit, which cannot be exceeded;
//!   `shares` divides it among the clients of one client id.
//! - [`error`], [`retry_after`]: what an answer that is no success means.
//! - [`witness`]: observes the writes of a client.
//! - `wire`: the bodies, parsed directly into types of `psg_domain`.
//! - `properties`: what must hold of any bytes; for tests and `fuzz/`.

pub mod address;
pub mod bounds;
pub mod client;
pub mod credentials;
pub mod error;
pub mod gate;
pub mod lane;
pub mod limiter;
pub mod limiters;
mod options;
pub mod pages;
pub mod public_address;
pub mod read_only;
pub mod retry_after;
pub mod routes;
pub mod scopes;
pub mod token;
mod token_info;
pub mod transport;
pub mod window;
pub mod wire_http;
pub mod witness;

mod call;
mod company;
mod form;
mod remedy;
mod resolver;
mod shares;
mod wire;

#[cfg(any(test, feature = "properties"))]
pub mod properties;

#[cfg(test)]
mod tests;

pub use address::{AddressError, BaseUrl, HostPolicy};
pub use client::{Client, DeleteOutcome};
pub use company::{Authorities, InvalidAuthorities, InvalidProxy, TenantProxy};
pub use credentials::{Credentials, CredentialsError};
pub use error::{Effect, Error};
pub use gate::{Gated, MayWrite};
pub use lane::Lane;
pub use limiters::Limiters;
pub use options::Options;
pub use pages::{Listed, Page};
pub use read_only::ReadOnly;
pub use remedy::Obstacle;
pub use routes::Operation;
pub use shares::{Budget, Load};
pub use token_info::TokenInfo;
pub use transport::{Kind, Request, Response, Transport, TransportError};
pub use window::Rate;
pub use wire::{Application, Connection, PasswordEvents, SearchAfter, TokenEnd};
pub use wire_http::{HttpOptions, HttpTransport};
pub use witness::{Ended, Witness};
