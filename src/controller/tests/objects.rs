//! Objects as they would be stored, for the test of one part.

use psg_api::{IdentityTenant, PasswordSyncGroup};
use serde_json::{Value, from_value, json};

pub const API: &str = "passwordsync.dev/v1alpha1";

pub fn tenant(metadata: &Value) -> IdentityTenant {
    let spec = json!({"credentialsSecretRef": {"name": "pat"}});
    let kind = "IdentityTenant";
    from_value(json!({"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}))
        .unwrap()
}

pub fn group(metadata: &Value) -> PasswordSyncGroup {
    let spec = json!({"name": "One", "passwordPolicyRef": {"name": "P"}, "sourceRefs": []});
    let kind = "PasswordSyncGroup";
    from_value(json!({"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}))
        .unwrap()
}
