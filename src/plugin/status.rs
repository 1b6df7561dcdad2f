//! `kubectl psg status`: which tenants and groups are ready, and what the others wait for.
//!
//! It reads only what the operator wrote into the statuses. It lists the two kinds in the cluster,
//! asks no tenant and writes nothing.
//!
//! # Layout
//! - [`document`]: the versioned document, made by [`build`].
//! - [`waits`]: which group waits for a source of which other group.
//! - [`text`]: the document for a terminal.

pub mod build;
pub mod document;
mod resource;
pub mod text;
pub mod waits;

#[cfg(test)]
mod tests;

use document::Document;

use crate::{args::Status, at::At, cluster, forms, live};

/// Reads the two kinds; returns what to print, and the exit code.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn run(at: &At, asked: &Status) -> Result<(String, u8), String> {
    let cluster = cluster::connect(at).await?;
    // As in kubectl, -A overrides -n.
    let namespace = (!asked.all_namespaces).then_some(cluster.namespace.as_str());
    let live = live::shown(&cluster, namespace).await?;
    let document = build::document(&live, namespace);
    let printed = forms::report(&asked.report, &document, text::lines)?;
    Ok((printed, code(&document)))
}

/// 0: all are ready; 2: some are not; 1: all that could be read are ready, and some could not be
/// read.
pub fn code(document: &Document) -> u8 {
    let summary = &document.summary;
    let all_ready =
        summary.tenants_ready == summary.tenants && summary.groups_ready == summary.groups;
    match (all_ready, document.warnings.is_empty()) {
        (false, _) => 2,
        (true, true) => 0,
        (true, false) => 1,
    }
}
