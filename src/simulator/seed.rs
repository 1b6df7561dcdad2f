//! The description a tenant starts from. No IO: reading the file is the caller's.
//!
//! A seed may be JSON or YAML. Ids that are left out are made from the tenant's own randomness, so
//! the same seed and the same number give the same ids.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    auth::Credential,
    latency::Latency,
    limiter::RateLimit,
    model::{Accounts, App, Group, Policy, Source},
    rng::Rng,
    switches::Switches,
};

/// Everything a tenant starts with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Seed {
    /// The name on the control port.
    pub name: String,
    /// The org in the token answer; the name if it is left out.
    pub org: String,
    /// The tenant id in the token answer; made if it is left out.
    pub tenant_id: String,
    /// The pod in the token answer.
    pub pod: String,
    /// Who may ask for tokens.
    pub credentials: Vec<Credential>,
    /// The password policies.
    pub policies: Vec<Policy>,
    /// The sources.
    pub sources: Vec<Source>,
    /// The applications.
    pub apps: Vec<App>,
    /// The password sync groups.
    pub groups: Vec<Group>,
    /// How many accounts sources have.
    pub accounts: Vec<Accounts>,
    /// Switches that are not at their default.
    pub switches: Switches,
    /// The rate limit.
    pub rate_limit: RateLimit,
    /// How long answers take.
    pub latency: Latency,
}

/// Why a seed is no tenant.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages are the documentation")]
pub enum SeedError {
    #[error("not a seed: {why}")]
    Unreadable { why: String },
    #[error("a seed needs a name")]
    Nameless,
    #[error("{kind} id {id} occurs twice")]
    Twice { kind: &'static str, id: String },
}

impl Seed {
    /// Reads JSON or YAML.
    pub fn parse(text: &str) -> Result<Self, SeedError> {
        let unreadable = |why: String| SeedError::Unreadable { why };
        if text.trim_start().starts_with('{') {
            return serde_json::from_str(text).map_err(|error| unreadable(error.to_string()));
        }
        let value: serde_json::Value =
            serde_saphyr::from_str_with_options(text, serde_saphyr::options! { budget: None })
                .map_err(|error| unreadable(error.to_string()))?;
        serde_json::from_value(value).map_err(|error| unreadable(error.to_string()))
    }

    /// Fills in what may be left out, and refuses what cannot be.
    pub(crate) fn completed(mut self, rng: &mut Rng, now: Timestamp) -> Result<Self, SeedError> {
        if self.name.is_empty() {
            return Err(SeedError::Nameless);
        }
        fill(&mut self.org, || self.name.clone());
        fill(&mut self.pod, || "sim1-useast1".to_owned());
        fill(&mut self.tenant_id, || rng.uuid());
        for policy in &mut self.policies {
            fill(&mut policy.id, || rng.hex_id());
            policy.date_created.get_or_insert(now);
        }
        for source in &mut self.sources {
            fill(&mut source.id, || rng.hex_id());
            source.created.get_or_insert(now);
            source.modified.get_or_insert(now);
        }
        for app in &mut self.apps {
            fill(&mut app.id, || rng.hex_id());
            app.created.get_or_insert(now);
            app.modified.get_or_insert(now);
        }
        for group in &mut self.groups {
            fill(&mut group.id, || rng.uuid());
            group.created.get_or_insert(now);
            group.modified.get_or_insert(now);
        }
        unique("policy", self.policies.iter().map(|one| &one.id))?;
        unique("source", self.sources.iter().map(|one| &one.id))?;
        unique("application", self.apps.iter().map(|one| &one.id))?;
        unique("group", self.groups.iter().map(|one| &one.id))?;
        unique("client", self.credentials.iter().map(|one| &one.client_id))?;
        Ok(self)
    }
}

fn fill(field: &mut String, made: impl FnOnce() -> String) {
    if field.is_empty() {
        *field = made();
    }
}

fn unique<'a>(kind: &'static str, ids: impl Iterator<Item = &'a String>) -> Result<(), SeedError> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(SeedError::Twice {
                kind,
                id: id.clone(),
            });
        }
    }
    Ok(())
}
