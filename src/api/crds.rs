//! The definitions as they are installed: what the types derive, with what a derive
//! cannot say. `crdgen` writes them into `crds/`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray,
};
use kube::CustomResourceExt;
use serde_json::json;

use crate::{group::PasswordSyncGroup, tenant::IdentityTenant};

/// Both kinds, in the order in which they are installed.
pub fn all() -> [CustomResourceDefinition; 2] {
    [IdentityTenant::crd(), PasswordSyncGroup::crd()].map(finished)
}

fn finished(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let schemas = crd
        .spec
        .versions
        .iter_mut()
        .filter_map(|version| version.schema.as_mut());
    for schema in schemas.filter_map(|schema| schema.open_api_v3_schema.as_mut()) {
        without_null(schema);
        let properties = schema.properties.as_mut();
        if let Some(status) = properties.and_then(|properties| properties.get_mut("status")) {
            // Present from the first moment on, so that nobody takes a fresh object for done.
            status.default = Some(JSON(json!({"observedGeneration": -1})));
        }
    }
    crd
}

/// No field may be null: a list with `{name: A}` and `{name: A, id: null}` would have no
/// two equal entries. A field that is null is refused, one that is left out is not.
fn without_null(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    if let Some(values) = schema.enum_.as_mut() {
        values.retain(|value| !value.0.is_null());
    }
    for property in schema
        .properties
        .iter_mut()
        .flat_map(|map| map.values_mut())
    {
        without_null(property);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = schema.items.as_mut() {
        without_null(items);
    }
}

/// The definition as a YAML document, the same for the same definition.
///
/// # Errors
/// None that a definition of [`all`] can cause.
pub fn yaml(crd: &CustomResourceDefinition) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(crd)
}

/// The file that it is written into, such as `passwordsync.dev_identitytenants.yaml`.
pub fn file_name(crd: &CustomResourceDefinition) -> String {
    format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural)
}
