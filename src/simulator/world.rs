//! Many tenants behind one address: who is meant by a request. No IO.
//!
//! The token endpoint tells tenants apart by client id, everything else by token. A request that
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

/// Why a tenant cannot be put there.
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

    /// Creates a tenant, or replaces the one of that name.
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
