//! Every sample can be applied: it decodes without a field too many, passes every rule of
//! the schema, and names no namespace.

use std::fs;

use psg_api::{IdentityTenant, PasswordSyncGroup, crds};
use serde_json::Value;

use crate::chart::{printed, root};

/// Each document of each sample, with the file's name.
fn samples() -> Vec<(String, Value)> {
    let files = fs::read_dir(root().join("config/samples")).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let samples = files.filter(|path| !path.ends_with("kustomization.yaml"));
    samples
        .flat_map(|path| {
            let documents: Vec<Value> =
                serde_saphyr::from_multiple(&fs::read_to_string(&path).unwrap()).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            documents
                .into_iter()
                .map(move |document| (name.clone(), document))
        })
        .collect()
}

/// Whether everything that `part` says is also in `whole`.
fn says(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, part)| whole.get(key).is_some_and(|whole| says(whole, part))),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(w, p)| says(w, p))
        }
        _ => whole == part,
    }
}

#[test]
fn every_sample_decodes_and_passes_every_rule() {
    let mut kinds = Vec::new();
    for (file, sample) in samples() {
        let kind = sample["kind"].as_str().unwrap().to_owned();
        let decoded = match kind.as_str() {
            "PasswordSyncGroup" => {
                let group: PasswordSyncGroup = serde_json::from_value(sample.clone()).unwrap();
                group
                    .validate_cel()
                    .unwrap_or_else(|why| panic!("{file}: {why}"));
                group
                    .spec
                    .desired()
                    .unwrap_or_else(|why| panic!("{file}: {why}"));
                serde_json::to_value(&group).unwrap()
            }
            "IdentityTenant" => {
                let tenant: IdentityTenant = serde_json::from_value(sample.clone()).unwrap();
                tenant
                    .validate_cel()
                    .unwrap_or_else(|why| panic!("{file}: {why}"));
                tenant
                    .spec
                    .settings()
                    .unwrap_or_else(|why| panic!("{file}: {why}"));
                serde_json::to_value(&tenant).unwrap()
            }
            "Secret" => {
                let keys = sample["stringData"].as_object().unwrap().keys();
                assert!(keys.eq(["baseUrl", "clientId", "clientSecret"]), "{file}");
                sample.clone()
            }
            other => panic!("{file}: {other}"),
        };
        assert!(
            says(&decoded, &sample),
            "{file} has a field that its kind has not"
        );
        assert!(
            sample["metadata"].get("namespace").is_none(),
            "{file} names a namespace"
        );
        kinds.push(kind);
    }
    kinds.sort();
    let expected = [
        "IdentityTenant",
        "IdentityTenant",
        "PasswordSyncGroup",
        "PasswordSyncGroup",
        "PasswordSyncGroup",
        "Secret",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn one_sample_shows_every_field() {
    let shown = samples()
        .into_iter()
        .filter(|(file, _)| file == "every_field.yaml");
    let shown: Vec<Value> = shown.map(|(_, sample)| sample).collect();
    for crd in crds::all() {
        let definition = serde_json::to_value(&crd).unwrap();
        let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
        let sample = shown
            .iter()
            .find(|sample| sample["kind"] == crd.spec.names.kind)
            .unwrap();
        for field in definition
            .pointer(spec)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
        {
            assert!(
                sample["spec"].get(field).is_some(),
                "{}.{field}",
                crd.spec.names.kind
            );
        }
    }
}

#[test]
fn a_validator_of_schemas_accepts_every_sample() {
    let folder = tempfile::tempdir().unwrap();
    let samples = printed("kustomize", &["build", "config/samples"]);
    let all = folder.path().join("samples.yaml");
    let every_field = fs::read_to_string(root().join("config/samples/every_field.yaml")).unwrap();
    fs::write(&all, format!("{samples}\n---\n{every_field}")).unwrap();
    let said = printed(
        "kubeconform",
        &[
            "-strict",
            "-summary",
            "-skip=Secret",
            "-schema-location",
            "schemas/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json",
            all.to_str().unwrap(),
        ],
    );
    assert!(
        said.contains("Valid: 5, Invalid: 0, Errors: 0, Skipped: 1"),
        "{said}"
    );
}
