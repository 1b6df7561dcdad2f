//! Objects that real tenants show and no document describes: a group without a name, a policy
//! whose id is a number. No IO.
//!
//! Only what the API shows of an object is odd. The object itself, and every rule that looks at
//! it, stays as it is, so one odd object does not make the rest of the tenant odd.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How every answer shows one object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Odd {
    /// Fields, and what they show in place of their true values.
    pub set: Map<String, Value>,
    /// Fields that are left out.
    pub leave_out: Vec<String>,
}
