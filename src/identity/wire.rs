//! The bodies on the wire, each parsed into the domain's words at once. Pure.
//!
//! Unknown fields and values are tolerated, as the vendor adds them without notice, and so is
//! null. What would decide something and cannot be understood is an error that names it; it is
//! never dropped. Nothing here is shared with any simulator of the API.

mod application;
mod group;
mod holder;
mod policy;
pub(crate) mod refusal;
mod source;
pub(crate) mod token;

use serde::de::DeserializeOwned;

pub use application::{Application, applications_by_source};
pub(crate) use application::{applications, dependent_applications};
pub(crate) use group::{GroupBody, Identified, group, groups};
pub(crate) use holder::{holder_body, holders};
pub(crate) use policy::policies;
pub(crate) use source::sources;

/// Parses JSON; the error tells the place, not what stands there.
fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "JSON of another shape",
            serde_json::error::Category::Eof => "JSON that ends too soon",
            _ => "no JSON",
        };
        format!("{what} (line {}, column {})", error.line(), error.column())
    })
}

/// Parses a page's array, item by item.
fn list<W: DeserializeOwned, T>(
    body: &[u8],
    parse: impl Fn(W) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let rows: Vec<W> = json(body)?;
    let rows = rows.into_iter().enumerate();
    rows.map(|(at, row)| parse(row).map_err(|what| format!("item {at}: {what}")))
        .collect()
}
