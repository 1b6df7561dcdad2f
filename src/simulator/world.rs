//! Many tenants behind one address: which tenant a request is for. No IO.
//!
//! Requests below `/oauth/` tell tenants apart by client id, all others by token. A request that
//! names no tenant goes to the only one there is, so that its ledger shows it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use crate::{
    auth,
    request::{Request, Response},
    seed::{Seed, SeedError},
    tenant::Tenant,
};

/// All tenants of one process.
#[derive(Debug, Default)]
pub struct World {
    tenants: BTreeMap<String, Tenant>,
    rng_seed: u64,
}

/// Why a tenant cannot be added.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages are the documentation")]
pub enum PutError {
    #[error(transparent)]
    Seed(#[from] SeedError),
    #[error("client id {client_id} belongs to tenant {tenant}")]
    ClientTaken { client_id: String, tenant: String },
}

impl World {
    /// An empty world; tenants derive their randomness from the number and from their name.
    pub fn new(rng_seed: u64) -> Self {
        Self {
            tenants: BTreeMap::new(),
            rng_seed,
        }
    }

    /// Creates a tenant, or replaces the tenant of that name.
    pub fn put(&mut self, seed: Seed, now: Timestamp) -> Result<&mut Tenant, PutError> {
        for credential in &seed.credentials {
            let client_id = &credential.client_id;
            let owner = self.tenants.values().find(|tenant| {
                tenant.name != seed.name && tenant.auth.credentials.contains_key(client_id)
            });
            if let Some(owner) = owner {
                let tenant = owner.name.clone();
                return Err(PutError::ClientTaken {
                    client_id: client_id.clone(),
                    tenant,
                });
            }
        }
        let name = seed.name.clone();
        let mix = |sum: u64, byte: u8| sum.wrapping_mul(31).wrapping_add(u64::from(byte));
        let rng_seed = name.bytes().fold(self.rng_seed, mix);
        let tenant = Tenant::new(seed, rng_seed, now)?;
        self.tenants.remove(&name);
        Ok(self.tenants.entry(name).or_insert(tenant))
    }

    /// One tenant.
    pub fn tenant(&mut self, name: &str) -> Option<&mut Tenant> {
        self.tenants.get_mut(name)
    }

    /// The names of all tenants.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tenants.keys().map(String::as_str)
    }

    /// Removes a tenant; false if there was none.
    pub fn remove(&mut self, name: &str) -> bool {
        self.tenants.remove(name).is_some()
    }

    /// Answers a request to the API.
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        let Some(name) = self.meant(request) else {
            return Response::json(401, &json!({"error": "invalid_client or invalid token"}));
        };
        match self.tenants.get_mut(&name) {
            Some(tenant) => tenant.handle(request, now),
            None => Response::empty(404),
        }
    }

    fn meant(&self, request: &Request) -> Option<String> {
        let mut tenants = self.tenants.values();
        let found = if request.path.starts_with("/oauth/") {
            let client_id = auth::client_id_of(request).unwrap_or_default();
            tenants.find(|tenant| tenant.auth.credentials.contains_key(&client_id))
        } else {
            let token = auth::bearer(request).unwrap_or_default();
            tenants.find(|tenant| tenant.auth.tokens.contains_key(token))
        };
        let only = || {
            self.tenants
                .values()
                .next()
                .filter(|_| self.tenants.len() == 1)
        };
        found.or_else(only).map(|tenant| tenant.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn seed(name: &str, client: &str) -> Seed {
        let json =
            json!({"name": name, "credentials": [{"clientId": client, "clientSecret": "s"}]});
        Seed::parse(&json.to_string()).unwrap()
    }

    fn token(world: &mut World, client: &str) -> String {
        let form = format!("grant_type=client_credentials&client_id={client}&client_secret=s");
        let request = Request::new("POST", "/oauth/token").form(&form);
        let answer = world.handle(&request, Clock::fixed().now());
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    #[test]
    fn tenants_are_told_apart_by_client_and_by_token() {
        let now = Clock::fixed().now();
        let mut world = World::new(1);
        world.put(seed("a", "ca"), now).unwrap();
        world.put(seed("b", "cb"), now).unwrap();
        let (a, b) = (token(&mut world, "ca"), token(&mut world, "cb"));
        assert_ne!(a, b);
        let list = Request::new("GET", "/v3/sources");
        assert_eq!(world.handle(&list.clone().bearer(&b), now).status, 200);
        assert_eq!(world.tenant("b").unwrap().ledger().count("GET /sources"), 1);
        assert_eq!(world.tenant("a").unwrap().ledger().count("GET /sources"), 0);
        assert_eq!(world.handle(&list.bearer("nonsense"), now).status, 401);
    }

    #[test]
    fn a_multipart_token_request_finds_its_tenant() {
        let now = Clock::fixed().now();
        let mut world = World::new(1);
        world.put(seed("a", "ca"), now).unwrap();
        world.put(seed("b", "cb"), now).unwrap();
        let request = Request::new("POST", "/oauth/token").multipart(&[
            ("grant_type", "client_credentials"),
            ("client_id", "cb"),
            ("client_secret", "s"),
        ]);
        let answer = world.handle(&request, now);
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer["org"], "b");
    }

    #[test]
    fn a_client_belongs_to_one_tenant_and_a_new_seed_ends_old_tokens() {
        let now = Clock::fixed().now();
        let mut world = World::new(1);
        world.put(seed("a", "c"), now).unwrap();
        assert!(matches!(
            world.put(seed("b", "c"), now),
            Err(PutError::ClientTaken { .. })
        ));
        let old = token(&mut world, "c");
        world.put(seed("a", "c"), now).unwrap();
        let list = Request::new("GET", "/v3/sources").bearer(&old);
        assert_eq!(world.handle(&list, now).status, 401);
        assert!(world.remove("a") && !world.remove("a"));
    }
}
