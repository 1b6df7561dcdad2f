//! A typo in an optional field would mean the field's default, without a word. Which clients refuse
//! it, and that the published schemas do, so that docs/gitops.md is true.

use std::fs;

use serde_json::{Value, json};

use crate::{
    chart::{printed, root, run},
    support::{ControlPlane, User, kubectl::Printed},
};

/// Good manifests of both kinds with one typo each: where it is, and its name.
fn typos() -> Vec<(&'static str, Value)> {
    let group = json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
        "metadata": {"name": "typo"},
        "spec": {
            "name": "Typo", "tenantRef": {"name": "acme"}, "passwordPolicyRef": {"name": "P"},
            "sourceRefs": [{"name": "A"}, {"name": "B"}],
        },
    });
    let tenant = json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": "IdentityTenant",
        "metadata": {"name": "typo"},
        "spec": {
            "credentialsSecretRef": {"name": "acme-pat"}, "rateLimit": {"requests": 10},
            "deletionBrake": {"max": 1},
        },
    });
    let with = |object: &Value, parent: &str, field: &str| {
        let mut object = object.clone();
        object.pointer_mut(parent).unwrap()[field] = json!("Observe");
        object
    };
    vec![
        ("managmentPolicy", with(&group, "/spec", "managmentPolicy")),
        ("nmae", with(&group, "/spec/tenantRef", "nmae")),
        ("Id", with(&group, "/spec/passwordPolicyRef", "Id")),
        ("ID", with(&group, "/spec/sourceRefs/1", "ID")),
        ("readinterval", with(&tenant, "/spec", "readinterval")),
        ("request", with(&tenant, "/spec/rateLimit", "request")),
        (
            "percentage",
            with(&tenant, "/spec/deletionBrake", "percentage"),
        ),
    ]
}

async fn kubectl(namespace: &str, args: &[&str], object: &Value) -> Printed {
    let plane = ControlPlane::shared().await;
    let args = [args, &["-f", "-"]].concat();
    let stdin = object.to_string();
    plane
        .kubectl_with(User::Admin, namespace, &args, &stdin)
        .await
}

#[tokio::test]
async fn kubectl_refuses_a_typo_by_default_and_server_side_apply_refuses_it_always() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace("typos").await;
    for (field, object) in typos() {
        for args in [
            &["apply"][..],
            &["apply", "--validate=strict"],
            &["create"],
            &["apply", "--server-side"],
            &["apply", "--server-side", "--validate=ignore"],
        ] {
            let said = kubectl(&namespace, args, &object).await.refused();
            assert!(said.contains(field), "{args:?}: {said}");
        }
        // This is what the page warns of: it is stored, and the field is gone.
        let args = ["apply", "--validate=ignore"];
        kubectl(&namespace, &args, &object).await.ok();
        let args = ["get", "psg,idt", "--output=yaml"];
        let stored = plane.kubectl(User::Admin, &namespace, &args).await.ok();
        assert!(!stored.contains(&format!(" {field}:")), "{stored}");
        kubectl(&namespace, &["delete"], &object).await.ok();
    }
}

/// Where kubeconform finds the published schemas, as docs/gitops.md writes it.
const LOCATION: &str = "schemas/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json";

#[test]
fn a_validator_with_the_published_schemas_refuses_a_typo() {
    let page = fs::read_to_string(root().join("docs/gitops.md")).unwrap();
    assert!(
        page.contains(&format!("'{LOCATION}'")),
        "the page names another place"
    );
    let folder = tempfile::tempdir().unwrap();
    for (field, object) in typos() {
        let file = folder.path().join(format!("{field}.yaml"));
        fs::write(&file, object.to_string()).unwrap();
        let file = file.to_str().unwrap();
        // The schemas are closed by themselves: it need not be strict.
        for strict in [&["-strict"][..], &[]] {
            let args = [&["-schema-location", LOCATION], strict, &[file]].concat();
            let checked = run("kubeconform", &args);
            let said = String::from_utf8_lossy(&checked.stdout).into_owned();
            assert!(!checked.status.success(), "{field} passes");
            let named = format!("additional properties '{field}' not allowed");
            assert!(said.contains(&named), "{said}");
        }
        let mut good = object.clone();
        without(&mut good, field);
        fs::write(file, good.to_string()).unwrap();
        printed("kubeconform", &["-schema-location", LOCATION, file]);
    }
}

#[test]
fn a_manifest_of_another_version_or_kind_is_not_taken_for_ours() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.yaml");
    let (_, mut object) = typos().remove(0);
    without(&mut object, "managmentPolicy");
    object["apiVersion"] = json!("passwordsync.example/v1alpha1");
    fs::write(&file, object.to_string()).unwrap();
    let args = ["-schema-location", LOCATION, file.to_str().unwrap()];
    let checked = run("kubeconform", &args);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(
        !checked.status.success() && said.contains("apiVersion"),
        "{said}"
    );
}

fn without(value: &mut Value, field: &str) {
    match value {
        Value::Object(map) => {
            map.remove(field);
            map.values_mut().for_each(|value| without(value, field));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| without(value, field)),
        _ => {}
    }
}
