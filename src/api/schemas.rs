//! JSON schemas of both kinds, for tools that check manifests without a cluster. `crdgen` writes them
//! into `schemas/`. They are closed: a field that a kind does not have is refused, while an API
//! server may drop it without an error, depending on the client. Only the API server checks CEL
//! rules.

use std::error::Error;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

use crate::crds::with_whole_numbers;

/// The schema of a kind, in the form that kubeconform takes.
///
/// # Errors
/// None that a definition of [`crate::crds::all`] can cause.
pub fn json(crd: &CustomResourceDefinition) -> Result<String, Box<dyn Error>> {
    let version = crd.spec.versions.first().ok_or("a version is missing")?;
    let schema = version
        .schema
        .as_ref()
        .and_then(|schema| schema.open_api_v3_schema.as_ref());
    let mut schema = serde_json::to_value(schema.ok_or("a schema is missing")?)?;
    close(&mut schema);
    with_whole_numbers(&mut schema);
    let names = &crd.spec.names;
    let api_version = format!("{}/{}", crd.spec.group, version.name);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!(format!("{} {}", names.kind, version.name));
    schema["properties"]["apiVersion"] = json!({"type": "string", "enum": [api_version]});
    schema["properties"]["kind"] = json!({"type": "string", "enum": [names.kind]});
    // Kubernetes defines the metadata of every object.
    schema["properties"]["metadata"] = json!({"type": "object"});
    schema["required"] = json!(["apiVersion", "kind", "metadata", "spec"]);
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}

/// The file that it is written into, such as `passwordsyncgroup_v1alpha1.json`.
pub fn file_name(crd: &CustomResourceDefinition) -> String {
    let version = crd.spec.versions.first();
    let version = version.map_or("", |version| version.name.as_str());
    format!("{}_{version}.json", crd.spec.names.kind.to_lowercase())
}

/// Refuses every field that is not named, and leaves out what only an API server understands.
fn close(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    map.retain(|key, _| !key.starts_with("x-kubernetes-"));
    if let Some(properties) = map.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(close);
        map.insert("additionalProperties".to_owned(), json!(false));
    }
    for below in ["items", "additionalProperties"] {
        map.get_mut(below).into_iter().for_each(close);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Map;

    use super::*;
    use crate::crds::all;

    #[test]
    fn the_published_schemas_are_what_the_types_say() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas");
        let mut expected: Vec<_> = all().iter().map(file_name).collect();
        expected.sort();
        let files = fs::read_dir(folder).unwrap();
        let mut found: Vec<_> = files
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(found, expected);
        for crd in all() {
            let name = file_name(&crd);
            let stored = fs::read_to_string(format!("{folder}/{name}")).unwrap();
            assert!(
                stored == json(&crd).unwrap(),
                "schemas/{name} is stale: make crds"
            );
        }
    }

    #[test]
    fn every_object_of_a_schema_is_closed() {
        fn walk(path: &str, schema: &Map<String, Value>) {
            let properties = schema.get("properties").and_then(Value::as_object);
            if properties.is_some() {
                assert_eq!(schema["additionalProperties"], json!(false), "{path}");
            }
            for (name, below) in properties.into_iter().flatten() {
                walk(&format!("{path}.{name}"), below.as_object().unwrap());
            }
            if let Some(items) = schema.get("items").and_then(Value::as_object) {
                walk(&format!("{path}[]"), items);
            }
        }
        for crd in all() {
            let schema: Value = serde_json::from_str(&json(&crd).unwrap()).unwrap();
            walk(&crd.spec.names.kind, schema.as_object().unwrap());
            assert!(!schema.to_string().contains("x-kubernetes-"));
        }
    }
}
