//! `kubectl psg plan`: runs the operator's own engine on manifests and a copy of what tenants show.
//!
//! # Layout
//! - `offline`, `online`: which resources and tenants a plan is about, without and with a cluster.
//! - [`subjects`]: the resources as they would be stored.
//! - [`scope`]: one tenant: reads what a preview needs, and runs it.
//! - [`build`]: the versioned [`document`] of what was foreseen.
//! - [`text`], [`markdown`], [`html`]: the document in the forms that people read.

pub mod build;
pub mod document;
pub mod html;
pub mod markdown;
mod offline;
mod online;
pub mod scope;
pub mod subjects;
pub mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::future;
use jiff::Timestamp;

use document::{API_VERSION, Document};
use scope::Foreseen;

use crate::{
    args::{Form, Plan},
    at::At,
    cluster, credentials, forms,
    manifests::{self, Manifests},
    tenant::Reader,
    terminal,
};

/// What is printed, and the exit code.
pub struct Answer {
    /// For standard output; it can act on a terminal only by colours.
    pub text: String,
    /// 0: nothing to do; 2: changes; 3: a rule refuses at least one.
    pub code: u8,
}

/// Reads manifests and tenants, and says what the operator would do.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn run(at: &At, asked: &Plan, clock: fn() -> Timestamp) -> Result<Answer, String> {
    let manifests = manifests::read(&asked.files, &asked.kustomize)?;
    let base = match &asked.base[..] {
        [] => None,
        base => Some(manifests::read_base(base)?),
    };
    let is_empty = |found: &Manifests| found.groups.is_empty();
    if is_empty(&manifests) && base.as_ref().is_none_or(is_empty) && asked.delete.is_empty() {
        return Err(nothing(asked));
    }
    let variable = |name: &str| std::env::var(name).ok();
    let reader = Reader::new(asked.access.allow_insecure_tenants, Arc::new(clock))?;
    let offline = credentials::are_given(&asked.access, variable) || base.is_some();
    let (scopes, mut warnings) = if offline {
        let namespace = at.namespace.as_deref();
        let both = (&manifests, base.as_ref());
        offline::scopes(asked, both, namespace, variable, &reader).await?
    } else {
        let cluster = cluster::connect(at).await?;
        online::scopes(asked, &manifests, &cluster, &reader).await?
    };
    let foreseen = scopes.iter().map(|scope| scope.foresee(clock()));
    let foreseen = future::try_join_all(foreseen).await?;
    let (mut tenants, mut previews) = (Vec::new(), Vec::new());
    for Foreseen {
        tenant,
        preview,
        warnings: more,
    } in foreseen
    {
        tenants.push(tenant);
        previews.push(preview);
        warnings.extend(more);
    }
    let previews: Vec<_> = previews.iter().collect();
    let plan = Document {
        api_version: API_VERSION,
        kind: "Plan",
        summary: build::summary(&tenants, &previews, manifests.others),
        tenants,
        warnings,
    };
    Ok(Answer {
        text: printed(&plan, asked, variable)?,
        code: code(&plan),
    })
}

fn nothing(asked: &Plan) -> String {
    if asked.files.is_empty() && asked.kustomize.is_empty() {
        "there is nothing to plan: give manifests with -f or -k, or resources with --delete"
            .to_owned()
    } else {
        "there is no PasswordSyncGroup in these files".to_owned()
    }
}

/// 0: nothing to do; 2: changes; 3: a rule refuses at least one.
pub fn code(plan: &Document) -> u8 {
    if plan.summary.refused > 0 {
        3
    } else if plan.summary.is_unchanged() {
        0
    } else {
        2
    }
}

fn printed(
    plan: &Document,
    asked: &Plan,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<String, String> {
    Ok(match asked.output {
        Form::Text => terminal::print(&text::lines(plan), asked.color.is_on(variable)),
        Form::Json => forms::json(plan)?,
        Form::Yaml => forms::yaml(plan)?,
        Form::Markdown => markdown::comment(plan),
        Form::Html => html::page(plan),
    })
}
