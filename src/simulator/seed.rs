//! The description that a tenant starts from. No IO: the caller reads the file.
//!
//! A seed may be JSON or YAML. Ids that are left out are made from the tenant's own randomness, so
//! the same seed and the same `rng_seed` give the same ids.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    auth::Credential,
    latency::Latency,
    limiter::RateLimit,
    model::{Accounts, App, Group, Policy, Source},
    odd::Odd,
    passwords::{Endpoint, Identity, identity::repeated},
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
    /// The people whose passwords can be changed, and their accounts.
    pub identities: Vec<Identity>,
    /// The systems behind sources, where they are not as by default.
    pub endpoints: Vec<Endpoint>,
    /// Objects that every answer shows oddly, by their ids.
    pub odd: BTreeMap<String, Odd>,
    /// Switches that are not at their default.
    pub switches: Switches,
    /// The rate limit.
    pub rate_limit: RateLimit,
    /// How long answers take.
    pub latency: Latency,
}

/// Why a seed cannot become a tenant.
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

    /// Fills in what may be left out; refuses a seed without a name or with repeated ids.
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
        for identity in &mut self.identities {
            identity.fill(rng);
        }
        if let Some((kind, id)) = repeated(&self.identities) {
            return Err(SeedError::Twice { kind, id });
        }
        let endpoints = self.endpoints.iter().map(|one| &one.source);
        unique("endpoint", endpoints)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, Tenant, clock::Clock};

    const ACME: &str = include_str!("seeds/acme.yaml");

    #[test]
    fn the_believable_tenant_is_one() {
        let seed = Seed::parse(ACME).unwrap();
        assert_eq!(
            (seed.policies.len(), seed.sources.len(), seed.groups.len()),
            (3, 13, 1)
        );
        assert_eq!((seed.identities.len(), seed.endpoints.len()), (3, 1));
        let tenant = Tenant::new(seed, 1, Clock::fixed().now()).unwrap();
        let state = tenant.state();
        let lone = state.sources.iter().filter(|source| {
            source.has("AUTHENTICATE") && state.apps_of(&source.id).next().is_none()
        });
        assert_eq!(
            lone.map(|source| source.name.as_str()).collect::<Vec<_>>(),
            ["Partner Directory"]
        );
        let file = state
            .sources
            .iter()
            .find(|source| source.name == "HR Feed")
            .unwrap();
        assert_eq!(file.connection_type.as_deref(), Some("file"));
        assert!(state.sources.iter().any(|source| !source.healthy));
        assert!(state.sources.iter().any(|source| source.holders.len() == 2));
    }

    #[test]
    fn json_and_yaml_are_the_same_and_ids_are_made() {
        let yaml = Seed::parse("name: x\npolicies: [{name: P}]\ngroups: [{name: G}]").unwrap();
        let json = r#"{"name": "x", "policies": [{"name": "P"}], "groups": [{"name": "G"}]}"#;
        assert_eq!(yaml, Seed::parse(json).unwrap());
        let completed = yaml
            .completed(&mut Rng::new(1), Clock::fixed().now())
            .unwrap();
        assert_eq!(completed.policies[0].id.len(), 32);
        assert_eq!(completed.groups[0].id.len(), 36);
        assert_eq!(completed.org, "x");
    }

    #[test]
    fn what_is_no_seed_is_refused() {
        for text in [
            "name: x\nnonsense: 1",
            "[",
            "{",
            "name: x\nswitches: {nonsense: on}",
        ] {
            assert!(Seed::parse(text).is_err(), "{text}");
        }
        let complete = |text: &str| {
            Seed::parse(text)
                .unwrap()
                .completed(&mut Rng::new(1), Clock::fixed().now())
        };
        assert!(matches!(complete("org: x"), Err(SeedError::Nameless)));
        let twice = "name: x\nsources: [{id: a, name: A}, {id: a, name: B}]";
        assert!(matches!(
            complete(twice),
            Err(SeedError::Twice { kind: "source", .. })
        ));
    }

    #[test]
    fn a_large_tenant_is_served_by_pages() {
        let now = Clock::fixed().now();
        let source = |n: usize| Source {
            id: format!("{n:032x}"),
            name: format!("S{n}"),
            ..Source::default()
        };
        let group = |n: usize| Group {
            name: format!("G{n}"),
            source_ids: (0..3).map(|m| format!("{:032x}", n * 3 + m)).collect(),
            ..Group::default()
        };
        let seed = Seed {
            name: "large".to_owned(),
            sources: (0..30_000).map(source).collect(),
            groups: (0..10_000).map(group).collect(),
            credentials: vec![
                serde_json::from_str(r#"{"clientId":"c","clientSecret":"s"}"#).unwrap(),
            ],
            ..Seed::default()
        };
        let mut tenant = Tenant::new(seed, 1, now).unwrap();
        let form = "grant_type=client_credentials&client_id=c&client_secret=s";
        let answer = tenant.handle(&Request::new("POST", "/oauth/token").form(form), now);
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let token = answer["access_token"].as_str().unwrap();
        for offset in (0..10_000).step_by(250) {
            let target = format!("/v3/password-sync-groups?offset={offset}&count=true");
            let page = tenant.handle(&Request::new("GET", &target).bearer(token), now);
            assert_eq!(page.header("x-total-count"), Some("10000"));
        }
    }
}
