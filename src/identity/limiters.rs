//! Every rate limit of the process, one for each host, client id and API version.
//!
//! The vendor counts by client id: two resources with the same credentials share a limit, and
//! a limit outlives the client that made it until what it sent no longer counts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    limiter::{Limiter, Pause},
    window::Rate,
};

/// The registry; clones share it.
#[derive(Clone, Default)]
pub struct Limiters(Arc<Mutex<BTreeMap<Owner, Owned>>>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Owner {
    host: String,
    client_id: String,
}

#[derive(Default)]
struct Owned {
    pause: Arc<Pause>,
    by_prefix: BTreeMap<&'static str, Arc<Limiter>>,
}

impl Limiters {
    /// The limit for one API version's prefix. The newest rate holds for all who share it.
    pub fn limiter(
        &self,
        host: &str,
        client_id: &str,
        prefix: &'static str,
        rate: Rate,
    ) -> Arc<Limiter> {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owners.retain(|_, owned| !owned.is_forgotten());
        let owner = Owner {
            host: host.to_owned(),
            client_id: client_id.to_owned(),
        };
        let owned = owners.entry(owner).or_default();
        let limiter = owned
            .by_prefix
            .entry(prefix)
            .or_insert_with(|| Limiter::with_pause(rate, Arc::clone(&owned.pause)));
        limiter.set_rate(rate);
        Arc::clone(limiter)
    }
}

impl Owned {
    fn is_forgotten(&self) -> bool {
        self.by_prefix
            .values()
            .all(|limiter| Arc::strong_count(limiter) == 1 && limiter.is_idle())
    }
}
