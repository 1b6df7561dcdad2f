//! What a real API server says to the objects and the pods of each set of values.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams, PostParams, ValidationDirective},
    core::TypeMeta,
};
use serde_json::{Value, json};

use super::{chart_of, one, pod, sets};
use crate::support::{
    ControlPlane, Namespace, User,
    kubernetes::{FIELD_MANAGER, api_of},
};

/// Of the Prometheus Operator, which the API server does not know.
const UNKNOWN: &str = "monitoring.coreos.com/v1";

/// What the server says to an object, which is not stored. It goes there as it is: a type of ours
/// would drop a field that does not exist.
async fn tried(client: &Client, object: &Value) -> kube::Result<DynamicObject> {
    let types: TypeMeta = serde_json::from_value(object.clone()).unwrap();
    let [name, namespace] = ["name", "namespace"].map(|path| object["metadata"][path].as_str());
    let api = api_of(client, &types, namespace.unwrap_or_default()).await?;
    let params = PatchParams::apply(FIELD_MANAGER).force().dry_run();
    let params = PatchParams {
        field_validation: Some(ValidationDirective::Strict),
        ..params
    };
    api.patch(name.unwrap(), &params, &Patch::Apply(object))
        .await
}

#[tokio::test]
async fn the_api_server_takes_every_object_of_every_set_of_values() {
    let plane = ControlPlane::shared().await;
    let client = plane.client(User::Admin).await;
    let mut said = Vec::new();
    for set in sets::ALL {
        for object in chart_of(set.values) {
            if object["apiVersion"] == UNKNOWN {
                continue;
            }
            if let Err(why) = tried(&client, &object).await {
                said.push(format!("{}, {}: {why}", set.name, object["kind"]));
            }
        }
    }
    assert!(sets::ALL.len() >= 20);
    assert!(said.is_empty(), "{}", said.join("\n"));
}

/// Otherwise the test above would be about nothing.
#[tokio::test]
async fn the_api_server_refuses_a_field_that_does_not_exist() {
    let plane = ControlPlane::shared().await;
    let client = plane.client(User::Admin).await;
    for path in ["/spec", "/spec/template/spec", "/metadata"] {
        let mut deployment = one(&chart_of("{}"), "Deployment").clone();
        deployment.pointer_mut(path).unwrap()["unheardOf"] = json!("x");
        let said = tried(&client, &deployment).await.unwrap_err().to_string();
        assert!(said.contains("unheardOf"), "{path}: {said}");
    }
}

/// A namespace in which Pod Security Admission refuses what is not restricted.
async fn restricted(plane: &ControlPlane) -> Namespace {
    let namespace = plane.namespace("restricted").await;
    let level = "pod-security.kubernetes.io/enforce=restricted";
    let label = ["label", "namespace", &namespace, level];
    plane.kubectl(User::Admin, &namespace, &label).await.ok();
    namespace
}

/// What the server says to such a pod, which is not stored.
async fn pod_tried(client: &Client, namespace: &str, spec: &Value) -> kube::Result<Pod> {
    let pod = json!({"metadata": {"name": "tried"}, "spec": spec});
    let pod: Pod = serde_json::from_value(pod).unwrap();
    let params = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    Api::namespaced(client.clone(), namespace)
        .create(&params, &pod)
        .await
}

#[tokio::test]
async fn pod_security_admission_takes_the_pods_of_every_set_of_values_as_restricted() {
    let plane = ControlPlane::shared().await;
    let client = plane.client(User::Admin).await;
    let namespace = restricted(plane).await;
    let mut said = Vec::new();
    for set in sets::ALL {
        let objects = chart_of(set.values);
        if let Err(why) = pod_tried(&client, &namespace, pod(&objects)).await {
            said.push(format!("{}: {why}", set.name));
        }
    }
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[tokio::test]
async fn each_hardened_default_that_restricted_asks_for_is_missed_where_it_is_taken_away() {
    let plane = ControlPlane::shared().await;
    let client = plane.client(User::Admin).await;
    let namespace = restricted(plane).await;
    for (values, missed) in [
        ("podSecurityContext: {runAsNonRoot: null}", "runAsNonRoot"),
        (
            "podSecurityContext: {seccompProfile: null}",
            "seccompProfile",
        ),
        ("podSecurityContext: {runAsUser: 0}", "runAsUser"),
        (
            "securityContext: {allowPrivilegeEscalation: null}",
            "allowPrivilegeEscalation",
        ),
        ("securityContext: {capabilities: null}", "capabilities"),
        (
            "extraVolumes: [{name: host, hostPath: {path: /var/log}}]",
            "hostPath",
        ),
    ] {
        let objects = chart_of(values);
        let said = pod_tried(&client, &namespace, pod(&objects)).await;
        let said = said.unwrap_err().to_string();
        assert!(
            said.contains("violates PodSecurity") && said.contains(missed),
            "{values}: {said}"
        );
    }
}
