//! The fields that a newer operator put into the entries of a status's lists. A merge patch
//! replaces a list as a whole, so the unknown fields of an entry are read and written with it. They
//! are in no schema.

use std::collections::BTreeMap;

use crate::{
    group_status::{DriftedField, PasswordSyncGroupStatus, PinnedSource, SourceToReassign},
    rest::Rest,
};

impl PasswordSyncGroupStatus {
    /// This status, with the fields that a newer operator put into the entries of `old`. The fields
    /// of an entry that is not in this status are dropped. Conditions carry their own.
    #[must_use]
    pub fn keeping(mut self, old: &Self) -> Self {
        carry(&old.sources, &mut self.sources);
        carry(&old.drift, &mut self.drift);
        carry(&old.leaving, &mut self.leaving);
        if let (Some(old), Some(new)) = (&old.deletion, &mut self.deletion) {
            carry(&old.sources, &mut new.sources);
        }
        self
    }
}

/// An entry of a list.
trait Entry {
    /// What distinguishes it from the other entries.
    fn key(&self) -> &str;
    fn rest(&self) -> &Rest;
    fn rest_mut(&mut self) -> &mut Rest;
}

fn carry<T: Entry>(old: &[T], new: &mut [T]) {
    let rests = old.iter().filter(|entry| !entry.rest().is_empty());
    let rests: BTreeMap<&str, &Rest> = rests.map(|entry| (entry.key(), entry.rest())).collect();
    for entry in new {
        if let Some(rest) = rests.get(entry.key()) {
            *entry.rest_mut() = (*rest).clone();
        }
    }
}

macro_rules! told_by {
    ($key:ident: $($entry:ty),+) => {$(
        impl Entry for $entry {
            fn key(&self) -> &str {
                &self.$key
            }

            fn rest(&self) -> &Rest {
                &self.rest
            }

            fn rest_mut(&mut self) -> &mut Rest {
                &mut self.rest
            }
        }
    )+};
}

told_by!(id: PinnedSource, SourceToReassign);
told_by!(field: DriftedField);
