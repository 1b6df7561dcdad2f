//! The control plane of these tests is a real one: namespaces end, rights hold, and its audit
//! log counts writes exactly.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::support::{
    ControlPlane, User,
    audit::counts,
    kubernetes::{apply, ours},
    wait_for,
};

const GROUP: &str = "
apiVersion: passwordsync.dev/v1alpha1
kind: PasswordSyncGroup
metadata: {name: one}
spec:
  name: One
  passwordPolicyRef: {name: Strong}
  sourceRefs: [{name: A}, {name: B}]
";

#[tokio::test]
async fn a_namespace_and_what_is_in_it_end() {
    let plane = ControlPlane::shared().await;
    let client = plane.client(User::Admin).await;
    let namespace = plane.namespace("ends").await;
    let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: held}, data: {a: b}}";
    apply(&client, &namespace, map).await.unwrap();

    let namespaces: Api<Namespace> = Api::all(client);
    let params = DeleteParams::default();
    namespaces.delete(&namespace, &params).await.unwrap();
    wait_for("the namespace to end", Duration::from_mins(3), async || {
        let found = namespaces.get_opt(&namespace).await;
        let found = found.map_err(|why| why.to_string())?;
        found.map_or(Ok(()), |left| Err(format!("{:?}", left.status)))
    })
    .await;
}

#[tokio::test]
async fn a_write_of_the_operators_user_is_counted_once() {
    let plane = ControlPlane::audited().await;
    let audit = plane.audit().await.expect("an audit log");
    let namespace = plane.namespace("counted").await;
    let admin = plane.client(User::Admin).await;
    apply(&admin, &namespace, GROUP).await.unwrap();

    let mark = audit.mark().await;
    let operator = plane.client(User::Operator).await;
    let groups = ours(&operator, &namespace, "PasswordSyncGroup");
    let patch = json!({"metadata": {"finalizers": ["passwordsync.dev/reassign-policy"]}});
    let patch = Patch::Merge(patch);
    groups.get("one").await.unwrap();
    groups
        .patch("one", &PatchParams::default(), &patch)
        .await
        .unwrap();

    let writes = audit
        .writes_of(User::Operator, Some(&namespace), mark)
        .await;
    let counted = counts(&writes);
    let expected = [("patch passwordsyncgroups".to_owned(), 1)];
    assert_eq!(counted.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!((writes[0].code, writes[0].name.as_str()), (200, "one"));
    let later = audit.mark().await;
    assert!(
        audit
            .writes_of(User::Operator, None, later)
            .await
            .iter()
            .all(|write| { write.namespace != *namespace })
    );
}

#[tokio::test]
async fn the_operators_user_has_the_rights_of_the_repository_and_no_more() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace("rights").await;
    let operator = plane.client(User::Operator).await;
    let maps: Api<ConfigMap> = Api::namespaced(operator.clone(), &namespace);
    let map = serde_json::from_value(json!({"metadata": {"name": "x"}})).unwrap();
    let refused = maps.create(&PostParams::default(), &map).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.code == 403));
    let groups = ours(&operator, &namespace, "PasswordSyncGroup");
    assert!(
        groups
            .list(&ListParams::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn people_get_our_kinds_by_the_clusters_own_roles() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace("people").await;
    // The roles are put together by a controller, a moment after they are installed.
    wait_for(
        "editors to edit groups",
        Duration::from_secs(30),
        async || {
            let args = ["apply", "-f", "-"];
            let printed = plane
                .kubectl_with(User::Editor, &namespace, &args, GROUP)
                .await;
            if printed.status == 0 {
                Ok(())
            } else {
                Err(printed.stderr)
            }
        },
    )
    .await;
    let seen = plane
        .kubectl(User::Viewer, &namespace, &["get", "psg", "--output=name"])
        .await;
    assert_eq!(seen.ok(), "passwordsyncgroup.passwordsync.dev/one\n");
    let refused = plane
        .kubectl(User::Viewer, &namespace, &["delete", "psg", "one"])
        .await;
    assert!(refused.refused().contains("forbidden"));
}

#[tokio::test]
async fn a_server_of_ones_own_comes_back_with_what_it_had() {
    let mut plane = ControlPlane::own().await;
    let namespace = plane.namespace("back").await;
    let client = plane.client(User::Admin).await;
    apply(&client, &namespace, GROUP).await.unwrap();
    plane.stop_server();
    let groups = ours(&client, &namespace, "PasswordSyncGroup");
    assert!(groups.get("one").await.is_err());
    plane.start_server().await;
    let client = plane.client(User::Admin).await;
    let groups = ours(&client, &namespace, "PasswordSyncGroup");
    assert!(groups.get_opt("one").await.unwrap().is_some());
}
