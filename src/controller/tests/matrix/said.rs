//! What the conditions of an object said, version by version.

use std::collections::BTreeSet;

use kube::Resource;
use psg_api::{Condition, IdentityTenant, PasswordSyncGroup};
use serde::{Serialize, de::DeserializeOwned};

use super::super::cluster::{Shelf, Shown};

pub trait Says {
    fn conditions(&self) -> &[Condition];
}

impl Says for PasswordSyncGroup {
    fn conditions(&self) -> &[Condition] {
        self.status.as_ref().map_or(&[], |it| &it.conditions)
    }
}

impl Says for IdentityTenant {
    fn conditions(&self) -> &[Condition] {
        self.status.as_ref().map_or(&[], |it| &it.conditions)
    }
}

/// The reasons of `Ready` in every version from that one on.
pub fn of<K>(shelf: &Shelf<K>, name: &str, from: usize) -> BTreeSet<String>
where
    K: Says + Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned,
{
    let versions = (from..).map_while(|index| shelf.version(name, index));
    let reasons = versions.filter_map(|(_, shown)| {
        let (Shown::There(object) | Shown::Gone(object)) = shown;
        crate::kubernetes::conditions::reason(object.conditions()).map(str::to_owned)
    });
    reasons.collect()
}

/// How many versions the first object of a kind has had.
pub fn count<K>(shelf: &Shelf<K>) -> usize
where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned,
{
    let histories = shelf.histories();
    histories.first().map_or(0, |(_, versions)| *versions)
}
