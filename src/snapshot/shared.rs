//! One picture for all clients with the same credentials, API version and rate limit, and how much
//! all pictures may hold. Tells a listener about changes; knows no Kubernetes.

use std::sync::{
    Arc, Mutex, PoisonError, RwLock, Weak,
    atomic::{AtomicUsize, Ordering},
};

use jiff::Timestamp;
use psg_domain::{ApiVersion, Changes, Picture, TenantKey};
use psg_identity::{Client, Credentials, Error, Rate};

use crate::{Clock, Snapshot, doubt::Doubts};

/// The most sources, policies and groups that all pictures hold together: some 170 MiB, a third of
/// what the chart gives the process.
pub const MOST_OBJECTS: usize = 300_000;

/// Is called with what a read or merge changed in a tenant.
pub type Listener = Arc<dyn Fn(&TenantKey, &Changes) + Send + Sync>;

/// The pictures that are in use.
#[derive(Default)]
pub struct Pictures {
    open: Mutex<Vec<Open>>,
    objects: Arc<AtomicUsize>,
}

/// A picture that is in use, and what its clients have in common. They have the same rate: a client
/// with a lower rate would delay the others while its reads wait.
struct Open {
    credentials: Credentials,
    version: ApiVersion,
    rate: Rate,
    picture: Weak<Shared>,
}

/// A picture behind a lock.
pub(crate) struct Shared {
    pub picture: RwLock<Picture>,
    /// One walk over the groups at a time.
    pub walking: tokio::sync::Mutex<()>,
    /// One read of everything at a time, and how the last one ended.
    pub reading: tokio::sync::Mutex<Option<Whole>>,
    /// What is wrong with its lists, beside the objects in them.
    pub doubts: Mutex<Doubts>,
    /// Which tenant it shows, once that is known.
    pub key: RwLock<Option<TenantKey>>,
    listener: Listener,
    held: AtomicUsize,
    all: Arc<AtomicUsize>,
}

/// A read of everything.
#[derive(Clone)]
pub(crate) struct Whole {
    pub began: Timestamp,
    pub result: Result<(), Error>,
}

impl Pictures {
    /// The picture that `client` reads; a new one if no other client with the same credentials,
    /// version and rate limit has it open.
    pub fn open(&self, client: Client, clock: Clock, listener: &Listener) -> Snapshot {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|known| known.picture.strong_count() > 0);
        let (credentials, options) = (client.credentials(), client.options());
        let (version, rate) = (options.version, options.rate);
        let known = open
            .iter()
            .filter(|known| (known.version, known.rate) == (version, rate))
            .filter(|known| known.credentials == *credentials)
            .find_map(|known| known.picture.upgrade());
        let shared = known.unwrap_or_else(|| {
            let shared = Arc::new(Shared::new(Arc::clone(listener), Arc::clone(&self.objects)));
            open.push(Open {
                credentials: credentials.clone(),
                version,
                rate,
                picture: Arc::downgrade(&shared),
            });
            shared
        });
        Snapshot::new(client, clock, shared)
    }
}

impl Shared {
    fn new(listener: Listener, all: Arc<AtomicUsize>) -> Self {
        Self {
            picture: RwLock::default(),
            walking: tokio::sync::Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            doubts: Mutex::default(),
            key: RwLock::default(),
            listener,
            held: AtomicUsize::new(0),
            all,
        }
    }

    /// Merges what a write or a read showed, and tells the listener. The listener is not called for
    /// the first read of everything, nor before it: that read concerns every resource.
    pub fn merge(&self, merge: impl FnOnce(&mut Picture) -> Changes) {
        let (changes, whole) = {
            let mut picture = self.picture.write().unwrap_or_else(PoisonError::into_inner);
            let whole = picture.facts_as_of().is_some();
            (merge(&mut picture), whole)
        };
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = key.as_ref().filter(|_| whole && !changes.is_empty()) {
            (self.listener)(key, &changes);
        }
    }

    /// Makes room for `objects` objects in this picture.
    ///
    /// # Errors
    /// There is no room for them.
    pub fn make_room(&self, objects: usize) -> Result<(), Error> {
        let held = self.held.load(Ordering::SeqCst);
        let others = self.all.load(Ordering::SeqCst).saturating_sub(held);
        if others.saturating_add(objects) > MOST_OBJECTS {
            return Err(Error::BadAnswer {
                status: 200,
                what: format!(
                    "{objects} sources, policies and groups: beside {others} of other tenants, the \
                     operator holds {MOST_OBJECTS} at most; give this tenant an operator of its own"
                ),
            });
        }
        self.all.store(others + objects, Ordering::SeqCst);
        self.held.store(objects, Ordering::SeqCst);
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let held = self.held.load(Ordering::SeqCst);
        self.all.fetch_sub(held, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(all: &Arc<AtomicUsize>) -> Shared {
        Shared::new(Arc::new(|_, _| {}), Arc::clone(all))
    }

    #[test]
    fn all_pictures_together_hold_no_more_than_the_most() {
        let all = Arc::default();
        let (one, other) = (picture(&all), picture(&all));
        one.make_room(MOST_OBJECTS - 10).unwrap();
        let full = other.make_room(11).unwrap_err().to_string();
        assert!(full.contains("operator of its own"), "{full}");
        other.make_room(10).unwrap();
        one.make_room(MOST_OBJECTS - 10).unwrap();
        drop(one);
        other.make_room(MOST_OBJECTS).unwrap();
    }
}
