//! `kubectl psg diff`: two tenants compared by the names of what they have.
//!
//! It says which groups differ, and what one tenant lacks for the groups of the other. Both are only read.
//!
//! # Layout
//! - [`read`]: signs in to the two tenants and reads them.
//! - [`document`]: the versioned document, made by [`compare`].
//! - [`text`]: the document for a terminal.

pub mod compare;
pub mod document;
pub mod read;
pub mod text;

#[cfg(test)]
mod tests;

use document::Document;
use jiff::Timestamp;

use crate::{args::Diff, at::At, forms};

/// Reads both tenants; returns what to print, and the exit code.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn run(at: &At, asked: &Diff, clock: fn() -> Timestamp) -> Result<(String, u8), String> {
    let both = read::both(at, asked, clock).await?;
    let document = compare::document(
        (&asked.from, &both.from),
        (&asked.to, &both.to),
        both.warnings,
    );
    let printed = forms::report(&asked.report, &document, text::lines)?;
    Ok((printed, code(&document)))
}

/// 0: the groups are equal, and neither tenant lacks anything for those of the other; 2: they differ; 1: no
/// difference was found, and something could not be read.
pub fn code(document: &Document) -> u8 {
    let is_equal = document.only_in_from.is_empty()
        && document.only_in_to.is_empty()
        && document.different.is_empty()
        && document.ambiguous.is_empty()
        && document.lacks.from.is_empty()
        && document.lacks.to.is_empty();
    match (is_equal, document.unreadable.is_empty()) {
        (false, _) => 2,
        (true, true) => 0,
        (true, false) => 1,
    }
}
