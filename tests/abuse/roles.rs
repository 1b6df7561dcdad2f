//! What the roles of people let them do, as the server answers: the cluster's own roles, once those of
//! the chart are added to them, and the chart's own, bound in one namespace.

use std::collections::BTreeSet;

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::{Api, Client, api::PostParams};
use serde_json::{Value, json};

use crate::support::{
    ControlPlane, User,
    kubernetes::{apply_value, unique},
    wait_for,
    world::PATIENCE,
};

const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 4] = ["create", "update", "patch", "delete"];

const GROUPS: &str = "passwordsyncgroups";
const TENANTS: &str = "identitytenants";
const OF_GROUPS: &str = "passwordsyncgroups/status";
const OF_TENANTS: &str = "identitytenants/status";
const SECRETS: &str = "secrets";

/// All that is asked: a resource and a verb.
fn all() -> Vec<(&'static str, &'static str)> {
    let resources = [GROUPS, TENANTS, OF_GROUPS, OF_TENANTS, SECRETS];
    let verbs = READ.iter().chain(&WRITE);
    resources
        .into_iter()
        .flat_map(|resource| verbs.clone().map(move |verb| (resource, *verb)))
        .collect()
}

/// What is expected of a role: of which resources it has which verbs.
fn rights(of: &[(&'static str, &[&'static str])]) -> BTreeSet<(&'static str, &'static str)> {
    let rights = of
        .iter()
        .flat_map(|(resource, verbs)| verbs.iter().map(|verb| (*resource, *verb)));
    rights.collect()
}

/// What the server says that a user may do in a namespace, of all that is asked.
async fn allowed(
    client: &Client,
    namespace: &str,
    user: &str,
) -> Result<BTreeSet<(&'static str, &'static str)>, String> {
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let mut allowed = BTreeSet::new();
    for (resource, verb) in all() {
        let (name, part) = resource.split_once('/').unwrap_or((resource, ""));
        let group = if name == SECRETS {
            ""
        } else {
            "passwordsync.dev"
        };
        let review = json!({"spec": {"user": user, "resourceAttributes": {
            "namespace": namespace, "group": group, "resource": name, "subresource": part,
            "verb": verb,
        }}});
        let review = serde_json::from_value(review).unwrap();
        let answer = reviews.create(&PostParams::default(), &review).await;
        let status = answer.map_err(|why| why.to_string())?.status;
        if status.is_some_and(|status| status.allowed) {
            allowed.insert((resource, verb));
        }
    }
    Ok(allowed)
}

fn bound(role: &str, user: &str) -> Value {
    let group = "rbac.authorization.k8s.io";
    json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": {"name": user},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    })
}

#[tokio::test]
async fn each_role_has_the_rights_that_its_table_says_in_its_namespace_alone() {
    let plane = ControlPlane::shared().await;
    let client = plane.client(User::Admin).await;
    let namespace = plane.namespace("roles").await;
    let elsewhere = plane.namespace("roles_elsewhere").await;
    let every = [READ.as_slice(), WRITE.as_slice()].concat();
    let status: &[&str] = &["get"];
    let author = [(GROUPS, every.as_slice()), (OF_GROUPS, status)];
    let owner = [(TENANTS, every.as_slice()), (OF_TENANTS, status)];
    // The stock roles edit and admin read Secrets, and write them.
    let edit = [
        (GROUPS, every.as_slice()),
        (OF_GROUPS, status),
        (TENANTS, &READ),
        (SECRETS, &every),
    ];
    let view = [(GROUPS, READ.as_slice()), (TENANTS, &READ)];
    for (role, expected) in [
        ("view", rights(&view)),
        ("edit", rights(&edit)),
        ("admin", rights(&edit)),
        ("psg-operator-view", rights(&view)),
        ("psg-operator-group-author", rights(&author)),
        ("psg-operator-tenant-owner", rights(&owner)),
    ] {
        let user = unique(role);
        let binding = bound(role, &user);
        apply_value(&client, &namespace, binding).await.unwrap();
        // The roles are put together by a controller, a moment after they are installed.
        wait_for(format!("the rights of {role}"), PATIENCE, async || {
            let found = allowed(&client, &namespace, &user).await?;
            if found == expected {
                return Ok(());
            }
            let more: Vec<_> = found.difference(&expected).collect();
            let missing: Vec<_> = expected.difference(&found).collect();
            Err(format!("too many: {more:?}, missing: {missing:?}"))
        })
        .await;
        let found = allowed(&client, &elsewhere, &user).await.unwrap();
        assert_eq!(found, BTreeSet::new(), "{role} in another namespace");
    }
}

const GROUP: &str = "
apiVersion: passwordsync.dev/v1alpha1
kind: PasswordSyncGroup
metadata: {name: one}
spec:
  name: One
  passwordPolicyRef: {name: Strong}
  sourceRefs: [{name: A}, {name: B}]
";

const TENANT: &str = "
apiVersion: passwordsync.dev/v1alpha1
kind: IdentityTenant
metadata: {name: one}
spec:
  credentialsSecretRef: {name: pat}
";

#[tokio::test]
async fn a_person_with_the_role_edit_applies_groups_and_no_tenant() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace("editor").await;
    let apply = async |user: User, manifest: &str| {
        let args = ["apply", "-f", "-"];
        plane.kubectl_with(user, &namespace, &args, manifest).await
    };
    wait_for("editors to edit groups", PATIENCE, async || {
        let printed = apply(User::Editor, GROUP).await;
        (printed.status == 0).then_some(()).ok_or(printed.stderr)
    })
    .await;
    let refused = apply(User::Editor, TENANT).await.refused();
    assert!(
        refused.contains("forbidden") && refused.contains("identitytenants"),
        "{refused}"
    );
    apply(User::Admin, TENANT).await.ok();
    let editor = async |args: &[&str]| plane.kubectl(User::Editor, &namespace, args).await;
    let brake = r#"{"spec":{"deletionBrake":{"percent":100}}}"#;
    let until = "passwordsync.dev/acknowledged-until=2126-01-01T00:00:00Z";
    for change in [
        vec!["patch", "idt", "one", "--type=merge", "--patch", brake],
        vec!["annotate", "idt", "one", until],
        vec!["delete", "idt", "one", "--wait=false"],
    ] {
        let refused = editor(&change).await.refused();
        assert!(refused.contains("forbidden"), "{change:?}: {refused}");
    }
    let seen = editor(&["get", "idt", "--output=name"]).await.ok();
    assert_eq!(seen, "identitytenant.passwordsync.dev/one\n");
}
