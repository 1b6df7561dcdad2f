//! The fields of a newer operator, read and written with the entry that they belong to.

use std::{collections::BTreeMap, ops::Deref};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition as KubeCondition;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The fields of an entry that this version does not know.
pub type Rest = BTreeMap<String, Value>;

/// A condition, and what a newer operator says beside it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Condition {
    /// What every version knows.
    #[serde(flatten)]
    pub known: KubeCondition,
    /// What this one does not.
    #[serde(flatten)]
    pub rest: Rest,
}

impl Deref for Condition {
    type Target = KubeCondition;

    fn deref(&self) -> &KubeCondition {
        &self.known
    }
}
