//! The chart installs what `config/default` installs, with the same rights and no more;
//! a value that does not exist is refused.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::{Value, json};

/// What Helm adds to every object, and the definitions' protection from `helm uninstall`.
const OF_HELM: [&str; 5] = [
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "helm.sh/chart",
    "helm.sh/resource-policy",
];

pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Runs a tool of `hack/tools`, which is built first if it is not there.
pub(crate) fn run(tool: &str, args: &[&str]) -> Output {
    static BIN: OnceLock<PathBuf> = OnceLock::new();
    let bin = BIN.get_or_init(|| {
        let bin = root().join("hack/tools/bin");
        if ["helm", "kustomize", "kubeconform"]
            .iter()
            .any(|tool| !bin.join(tool).exists())
        {
            let made = Command::new("make")
                .arg("tools")
                .current_dir(root())
                .status();
            assert!(made.unwrap().success(), "make tools");
        }
        bin
    });
    let output = Command::new(bin.join(tool))
        .args(args)
        .current_dir(root())
        .output();
    output.unwrap_or_else(|why| panic!("{tool}: {why}"))
}

/// What a tool printed, which must have succeeded.
pub(crate) fn printed(tool: &str, args: &[&str]) -> String {
    let output = run(tool, args);
    let [out, err] =
        [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned());
    assert!(output.status.success(), "{tool} {args:?}\n{out}\n{err}");
    out
}

fn chart(values: &[&str]) -> Vec<Value> {
    let mut args = vec![
        "template",
        "psg-operator",
        "charts/psg-operator",
        "--namespace=psg-system",
    ];
    for value in values {
        args.extend(["--set", value]);
    }
    serde_saphyr::from_multiple(&printed("helm", &args)).unwrap()
}

fn kustomize() -> Vec<Value> {
    serde_saphyr::from_multiple(&printed("kustomize", &["build", "config/default"])).unwrap()
}

/// Objects by kind, namespace and name.
fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let named = objects.into_iter().map(|object| {
        let text = |path| object.pointer(path).and_then(Value::as_str).unwrap_or("-");
        let name = format!(
            "{} {}/{}",
            text("/kind"),
            text("/metadata/namespace"),
            text("/metadata/name")
        );
        (name, object)
    });
    named.collect()
}

/// Without what only Helm adds, wherever it stands, and without the maps that this empties.
fn without_helm(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(without_helm),
        Value::Object(map) => {
            map.values_mut().for_each(without_helm);
            for name in ["labels", "annotations"] {
                let emptied = map
                    .get_mut(name)
                    .and_then(Value::as_object_mut)
                    .is_some_and(|map| {
                        map.retain(|key, _| !OF_HELM.contains(&key.as_str()));
                        map.is_empty()
                    });
                if emptied {
                    map.remove(name);
                }
            }
            if let Some(selector) = map.get_mut("matchLabels").and_then(Value::as_object_mut) {
                selector.retain(|key, _| !OF_HELM.contains(&key.as_str()));
            }
        }
        _ => {}
    }
}

fn args_of(objects: &[Value]) -> Vec<&str> {
    let deployment = objects
        .iter()
        .find(|object| object["kind"] == "Deployment")
        .unwrap();
    let args = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
    args.as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

fn rules_of<'a>(objects: &'a [Value], name: &str) -> Vec<&'a Value> {
    let role = objects.iter().find(|object| {
        object["kind"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("Role"))
            && object["metadata"]["name"] == name
    });
    role.unwrap()["rules"].as_array().unwrap().iter().collect()
}

#[test]
fn the_chart_lints() {
    printed("helm", &["lint", "--strict", "charts/psg-operator"]);
}

#[test]
fn the_chart_installs_what_config_default_installs() {
    let mut chart = by_name(chart(&[]));
    let mut kustomize = by_name(kustomize());
    kustomize
        .remove("Namespace -/psg-system")
        .expect("the namespace, which Helm makes by a flag");
    for (name, object) in &mut chart {
        without_helm(object);
        if name.starts_with("CustomResourceDefinition") {
            // Kustomize takes crds/ as it is; Helm's releases are found by their labels.
            let labels = object["metadata"].as_object_mut().unwrap().remove("labels");
            assert_eq!(
                labels,
                Some(json!({"app.kubernetes.io/name": "psg-operator"}))
            );
        }
    }
    let names = |objects: &BTreeMap<String, Value>| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&chart), names(&kustomize));
    for (name, object) in &chart {
        assert_eq!(
            object, &kustomize[name],
            "{name}: chart is left, config/default is right"
        );
    }
}

/// The account that a policy narrows must be the account that has the rights.
#[test]
fn an_overlay_with_another_namespace_and_prefix_changes_the_account_wherever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let [from, base] =
        [folder.path(), &root().join("config/default")].map(|path| path.canonicalize().unwrap());
    // Kustomize takes no absolute path.
    let up = "../".repeat(from.components().count() - 1);
    let base = base.strip_prefix("/").unwrap().display();
    let overlay = format!(
        "namespace: elsewhere\nnamePrefix: our-\nnameSuffix: -x\nresources: [{up}{base}]\n"
    );
    std::fs::write(folder.path().join("kustomization.yaml"), overlay).unwrap();
    let built = printed("kustomize", &["build", folder.path().to_str().unwrap()]);
    let objects: Vec<Value> = serde_saphyr::from_multiple(&built).unwrap();
    let named = |object: &Value| (object["name"].clone(), object["namespace"].clone());
    let account = (json!("our-psg-operator-x"), json!("elsewhere"));
    let of_kind = |kind: &str| {
        let objects = objects.iter();
        let found = objects.filter(|object| object["kind"].as_str().unwrap().ends_with(kind));
        found.cloned().collect::<Vec<Value>>()
    };
    let accounts = of_kind("ServiceAccount");
    assert_eq!(accounts.len(), 1);
    assert_eq!(named(&accounts[0]["metadata"]), account);
    let bindings = of_kind("RoleBinding");
    assert_eq!(bindings.len(), 3);
    for binding in bindings {
        assert_eq!(named(&binding["subjects"][0]), account, "{binding}");
    }
    let policies = of_kind("ValidatingAdmissionPolicyBinding");
    let params: Vec<_> = policies
        .iter()
        .filter(|one| one["spec"]["paramRef"].is_object())
        .collect();
    assert_eq!(params.len(), 1);
    assert_eq!(named(&params[0]["spec"]["paramRef"]), account);
}

#[test]
fn a_value_that_does_not_exist_is_refused() {
    for typo in [
        "replicaCounts=2",
        "image.tags=v1",
        "image.tag=v1@sha256:short",
        "crds.instal=false",
        "serviceAccount.nam=x",
        "resources.limit.cpu=1",
        "logFormat=xml",
        "audit.log=audit.jsonl",
        "replicaCount=-1",
        "watchNamespaces={Identity}",
        "allowHosts={https://example.com}",
    ] {
        let output = run(
            "helm",
            &["template", "x", "charts/psg-operator", "--set", typo],
        );
        assert!(!output.status.success(), "{typo} was accepted");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("don't meet the specifications of the schema"),
            "{typo}: {said}"
        );
    }
}

#[test]
fn every_value_is_in_the_schema_and_on_the_page() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let values: Value = serde_saphyr::from_str(&read("charts/psg-operator/values.yaml")).unwrap();
    let schema: Value =
        serde_json::from_str(&read("charts/psg-operator/values.schema.json")).unwrap();
    let page = read("charts/psg-operator/README.md");
    for (name, value) in values.as_object().unwrap() {
        let known = &schema["properties"][name];
        assert!(known.is_object(), "{name} is not in the schema");
        assert!(
            page.contains(&format!("`{name}")),
            "{name} is not on the page"
        );
        for inner in value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(inner, _)| inner)
        {
            assert!(
                known["properties"][inner].is_object(),
                "{name}.{inner} is not in the schema"
            );
            let whole = page.contains(&format!("`{name}`"));
            assert!(
                whole || page.contains(&format!("`{name}.{inner}`")),
                "{name}.{inner}"
            );
        }
    }
}

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

#[test]
fn an_image_can_be_named_by_its_digest() {
    let digest = format!("v0.1.0@sha256:{}", "0a".repeat(32));
    let objects = chart(&[&format!("image.tag={digest}")]);
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment");
    let containers = &deployment.unwrap()["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[0]["image"], format!("psg-operator:{digest}"));
}

#[test]
fn the_definitions_can_be_left_to_somebody_else() {
    let objects = chart(&["crds.install=false"]);
    assert!(
        objects
            .iter()
            .all(|object| object["kind"] != "CustomResourceDefinition")
    );
}
