//! What every resource has: a place, and conditions.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use psg_api::Condition;

use super::document::Place;

/// Where a resource is.
pub fn place(metadata: &ObjectMeta) -> Place {
    Place {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    }
}

/// The condition of a type, whatever its status.
pub fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == kind)
}
