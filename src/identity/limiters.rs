//! Every rate limit of the process, one for each host, client id and API version.
//!
//! The vendor counts by client id: clients with the same credentials share a limit, each with a
//! share of its own. A limit outlives its clients until what they sent no longer counts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    limiter::{Limit, Limiter, Pause},
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
    by_prefix: BTreeMap<&'static str, Arc<Limit>>,
}

impl Limiters {
    /// A share of the limit for one API version's prefix, with a rate of its own.
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
        let limit = owned
            .by_prefix
            .entry(prefix)
            .or_insert_with(|| Limit::new(rate, Arc::clone(&owned.pause)));
        limit.share(rate)
    }
}

impl Owned {
    fn is_forgotten(&self) -> bool {
        self.by_prefix.values().all(|limit| limit.is_forgotten())
    }
}
