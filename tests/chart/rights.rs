//! What the operator may do, and what people may do, with every set of values.

use serde_json::json;

use super::{args_of, chart, kustomize, rules_of};

#[test]
fn the_operator_can_do_what_it_must_and_nothing_else() {
    let objects = kustomize();
    let own = |resources: &[&str], verbs: &[&str]| json!({"apiGroups": ["passwordsync.dev"], "resources": resources, "verbs": verbs});
    let kinds = ["passwordsyncgroups", "identitytenants"];
    let statuses = ["passwordsyncgroups/status", "identitytenants/status"];
    assert_eq!(
        rules_of(&objects, "psg-operator"),
        [
            &own(&kinds, &["get", "list", "watch", "patch"]),
            &own(&statuses, &["patch"]),
            &json!({"apiGroups": [""], "resources": ["events"], "verbs": ["create"]}),
        ]
    );
    assert_eq!(
        rules_of(&objects, "psg-operator-secrets"),
        [&json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch"]})]
    );
    assert_eq!(
        rules_of(&objects, "psg-operator-lease"),
        [&json!({
            "apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
            "verbs": ["get", "create", "update"],
        })]
    );
    let roles = objects
        .iter()
        .filter(|object| object["kind"].as_str().unwrap().ends_with("Role"));
    assert_eq!(roles.count(), 6, "a role that this test does not know");
}

/// The roles of people, and the cluster's own roles that each is added to.
#[test]
fn only_a_role_that_is_bound_on_purpose_writes_tenants_and_none_writes_a_status() {
    let objects = kustomize();
    let own = |resource: &str, verbs: &[&str]| json!({"apiGroups": ["passwordsync.dev"], "resources": [resource], "verbs": verbs});
    let all = [
        "get", "list", "watch", "create", "update", "patch", "delete",
    ];
    let view = json!({
        "apiGroups": ["passwordsync.dev"], "resources": ["passwordsyncgroups", "identitytenants"],
        "verbs": ["get", "list", "watch"],
    });
    let expected = [
        ("view", vec![view], vec!["admin", "edit", "view"]),
        (
            "group-author",
            vec![
                own("passwordsyncgroups", &all),
                own("passwordsyncgroups/status", &["get"]),
            ],
            vec!["admin", "edit"],
        ),
        (
            "tenant-owner",
            vec![
                own("identitytenants", &all),
                own("identitytenants/status", &["get"]),
            ],
            vec![],
        ),
    ];
    for (role, rules, added_to) in expected {
        let name = format!("psg-operator-{role}");
        assert_eq!(
            rules_of(&objects, &name),
            rules.iter().collect::<Vec<_>>(),
            "{name}"
        );
        let object = objects
            .iter()
            .find(|object| object["kind"] == "ClusterRole" && object["metadata"]["name"] == *name);
        let labels = object.unwrap()["metadata"]["labels"].as_object().unwrap();
        let to: Vec<&str> = labels
            .keys()
            .filter_map(|label| label.strip_prefix("rbac.authorization.k8s.io/aggregate-to-"))
            .collect();
        assert_eq!(to, added_to, "{name}");
    }
}

#[test]
fn in_a_list_of_namespaces_secrets_can_be_read_there_only() {
    let objects = chart(&[
        "watchNamespaces={identity,people}",
        "audit.annotations={example.com/ticket}",
        "allowHosts={sim.example.com}",
    ]);
    assert_eq!(
        args_of(&objects),
        [
            "--listen=0.0.0.0:8080",
            "--log-format=json",
            "--audit-log=-",
            "--lease=psg-operator",
            "--watch-namespace=identity",
            "--watch-namespace=people",
            "--allow-host=sim.example.com",
            "--audit-annotations=example.com/ticket",
        ]
    );
    let bound = objects
        .iter()
        .filter(|object| object["roleRef"]["name"] == "psg-operator-secrets");
    let bound: Vec<_> = bound
        .map(|binding| (&binding["kind"], &binding["metadata"]["namespace"]))
        .collect();
    let role_binding = json!("RoleBinding");
    assert_eq!(
        bound,
        [
            (&role_binding, &json!("identity")),
            (&role_binding, &json!("people"))
        ]
    );
    let own = objects
        .iter()
        .filter(|object| object["roleRef"]["name"] == "psg-operator");
    assert!(
        own.map(|binding| &binding["kind"])
            .eq([&json!("ClusterRoleBinding")])
    );
}

#[test]
fn secrets_are_only_read_where_they_are_not_protected_or_their_rights_could_go_first() {
    let read_only = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]});
    for values in ["protectSecrets=false", "watchNamespaces={identity}"] {
        let objects = chart(&[values]);
        assert_eq!(
            rules_of(&objects, "psg-operator-secrets"),
            [&read_only],
            "{values}"
        );
    }
}

/// The policy that narrows the operator's patches is about the account that the pods run under.
#[test]
fn the_operators_patches_are_narrowed_with_every_set_of_values() {
    for (values, account) in [
        (vec![], "psg-operator"),
        (vec!["protectSecrets=false"], "psg-operator"),
        (vec!["watchNamespaces={identity}"], "psg-operator"),
        (vec!["serviceAccount.name=other"], "other"),
        (
            vec!["serviceAccount.create=false", "serviceAccount.name=theirs"],
            "theirs",
        ),
    ] {
        let objects = chart(&values);
        let found = |kind: &str, name: &str| {
            let mut found = objects
                .iter()
                .filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
            let one = found.next().unwrap_or_else(|| panic!("{values:?}: {kind}"));
            assert!(found.next().is_none(), "{values:?}: {kind}");
            one
        };
        let name = "psg-operator-finalizers";
        let policy = found("ValidatingAdmissionPolicy", name);
        assert_eq!(policy["spec"]["failurePolicy"], "Fail");
        let binding = &found("ValidatingAdmissionPolicyBinding", name)["spec"];
        assert_eq!(binding["policyName"], name);
        assert_eq!(binding["validationActions"], json!(["Deny"]));
        assert_eq!(
            binding["paramRef"],
            json!({"name": account, "namespace": "psg-system", "parameterNotFoundAction": "Allow"}),
            "{values:?}"
        );
        let pod = &found("Deployment", "psg-operator")["spec"]["template"]["spec"];
        assert_eq!(pod["serviceAccountName"], account, "{values:?}");
    }
}
