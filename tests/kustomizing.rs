//! Generated Secrets, prefixes and suffixes: with `config/gitops/kustomize` the real kustomize follows
//! them in both kinds, and a Secret that is generated anew replaces the old one.

use std::fs;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::ListParams};
use serde_json::{Value, json};

use crate::{
    chart::{printed, root},
    support::{World, world::spec},
};

const FOLDER: &str = "config/gitops/kustomize";

/// What kustomize makes of a tenant, a group and the literals of a generated Secret.
fn built(literals: &[String], references: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir(folder.path().join("psg")).unwrap();
    for name in ["kustomization.yaml", "references.yaml"] {
        let text = fs::read_to_string(root().join(FOLDER).join(name)).unwrap();
        write(&format!("psg/{name}"), text);
    }
    let mut of_acme: Value =
        serde_json::from_str(&spec("Good", &["Salesforce", "Workday"])).unwrap();
    of_acme["tenantRef"] = json!({"name": "acme"});
    let tenant = json!({"credentialsSecretRef": {"name": "acme-pat"}, "identityAPIVersion": "v1"});
    for (file, kind, name, spec) in [
        ("tenant.yaml", "IdentityTenant", "acme", tenant),
        ("group.yaml", "PasswordSyncGroup", "good", of_acme),
    ] {
        let object = json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name}, "spec": spec,
        });
        write(file, object.to_string());
    }
    let mut ours = json!({
        "namePrefix": "our-", "nameSuffix": "-eu",
        "resources": ["tenant.yaml", "group.yaml"],
        "secretGenerator": [{"name": "acme-pat", "literals": literals}],
    });
    ours.as_object_mut()
        .unwrap()
        .extend(references.as_object().unwrap().clone());
    write("kustomization.yaml", ours.to_string());
    printed("kustomize", &["build", folder.path().to_str().unwrap()])
}

/// The generated Secret's name, and to what the tenant and the group refer.
fn references(built: &str) -> [String; 4] {
    let objects: Vec<Value> = serde_saphyr::from_multiple(built).unwrap();
    let at = |kind: &str, path: &str| {
        let object = objects
            .iter()
            .find(|object| object["kind"] == kind)
            .unwrap();
        object.pointer(path).unwrap().as_str().unwrap().to_owned()
    };
    [
        at("Secret", "/metadata/name"),
        at("IdentityTenant", "/spec/credentialsSecretRef/name"),
        at("IdentityTenant", "/metadata/name"),
        at("PasswordSyncGroup", "/spec/tenantRef/name"),
    ]
}

fn literals(token: &str) -> Vec<String> {
    [
        "baseUrl=https://acme.api.identitynow.com",
        "clientId=a",
        &format!("clientSecret={token}"),
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn kustomize_follows_a_generated_secret_a_prefix_and_a_suffix_by_the_file_and_by_the_component() {
    for how in [
        json!({"configurations": ["psg/references.yaml"]}),
        json!({"components": ["psg"]}),
    ] {
        let [secret, to_secret, tenant, to_tenant] = references(&built(&literals("x"), &how));
        assert!(secret.starts_with("our-acme-pat-eu-"), "{secret}");
        assert_eq!(to_secret, secret, "{how}");
        assert_eq!(tenant, "our-acme-eu");
        assert_eq!(to_tenant, tenant, "{how}");
    }
    // Without it kustomize does not know of them, as the page says.
    let [secret, to_secret, _, to_tenant] = references(&built(&literals("x"), &json!({})));
    assert!(secret.starts_with("our-acme-pat-eu-"));
    assert_eq!((&*to_secret, &*to_tenant), ("acme-pat", "acme"));
}

#[tokio::test]
async fn kustomize_generates_another_secret_and_the_old_one_is_released() {
    let world = World::still("kustomize", "v1").start().await;
    let tenant = &world.tenant;
    let with = |rotated: &str| {
        let literals = [
            format!("baseUrl={}", tenant.base_url),
            format!("clientId={}", tenant.client_id),
            format!("clientSecret={}", tenant.client_secret),
            format!("rotated={rotated}"),
        ];
        built(&literals, &json!({"components": ["psg"]}))
    };
    let (before, after) = (with("2026-01"), with("2026-02"));
    let [[old, ..], [new, ..]] = [references(&before), references(&after)];
    assert_ne!(old, new);
    world.flux_ok("apply", &before).await;
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    let held = |name: &str| {
        let (secrets, name) = (secrets.clone(), name.to_owned());
        async move {
            let secret = secrets.get_opt(&name).await.unwrap();
            secret.is_some_and(|secret| secret.metadata.finalizers.is_some())
        }
    };
    assert!(held(&old).await);

    // Applied, and only then pruned: that is the order of Flux and of Argo CD.
    world.flux_ok("apply", &after).await;
    let gone = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": &old},
    });
    world.flux_ok("delete", &gone.to_string()).await;
    world
        .wait("the new Secret to be held", async || {
            if held(&new).await {
                Ok(())
            } else {
                Err("it is not".to_owned())
            }
        })
        .await;
    let all = secrets.list(&ListParams::default()).await.unwrap();
    assert!(
        all.items
            .iter()
            .all(|secret| secret.metadata.name.as_ref() != Some(&old))
    );
    world.wait_ready("our-good-eu").await;
}
