//! The stores that the watches of groups fill, for readers outside the passes, such as a scrape.

use std::sync::{Arc, PoisonError, RwLock};

use kube::runtime::reflector::Store;
use psg_api::PasswordSyncGroup;

use crate::kubernetes::tolerant::Tolerant;

/// One store for each watched scope.
#[derive(Default)]
pub struct Stores(RwLock<Vec<Store<Tolerant<PasswordSyncGroup>>>>);

impl Stores {
    /// The store of one more scope.
    pub(crate) fn add(&self, store: Store<Tolerant<PasswordSyncGroup>>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(store);
    }

    /// Every group that can be read, as its watch showed it last.
    pub fn groups(&self) -> impl Iterator<Item = Arc<PasswordSyncGroup>> + use<> {
        let stores = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let objects: Vec<_> = stores.iter().flat_map(Store::state).collect();
        objects.into_iter().filter_map(|object| match &*object {
            Tolerant::Read(group) => Some(Arc::clone(group)),
            Tolerant::Unreadable(_) => None,
        })
    }
}
