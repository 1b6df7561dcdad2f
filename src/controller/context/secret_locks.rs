//! Of several tenants with one Secret, one at a time decides who needs it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Lets the tenants of one namespace decide one after another who needs a Secret.
#[derive(Default)]
pub struct SecretLocks(Mutex<BTreeMap<String, Arc<AsyncMutex<()>>>>);

impl SecretLocks {
    /// Waits until no other tenant of the namespace decides.
    pub async fn lock(&self, namespace: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(namespace.to_owned()).or_default())
        };
        lock.lock_owned().await
    }
}
