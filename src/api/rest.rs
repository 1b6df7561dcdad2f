//! The fields of a newer operator, read and written with the entry that they belong to.

use std::{collections::BTreeMap, ops::Deref};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition as KubeCondition;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The fields of an entry that this version does not know.
pub type Rest = BTreeMap<String, Value>;

/// A condition, and the fields that a newer operator added to it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Condition {
    /// The fields that every version knows.
    #[serde(flatten)]
    pub known: KubeCondition,
    /// The fields that this version does not know.
    #[serde(flatten)]
    pub rest: Rest,
}

impl Deref for Condition {
    type Target = KubeCondition;

    fn deref(&self) -> &KubeCondition {
        &self.known
    }
}
