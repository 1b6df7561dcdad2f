//! The chart installs what `config/default` installs, with the same rights and no more; its values,
//! what the API server says to them, and its alerts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::{Value, json};

mod alerts;
mod arguments;
mod install;
mod objects;
mod rights;
mod running;
mod server;
mod sets;
mod tenants;
mod values;

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
        if ["helm", "kustomize", "kubeconform", "promtool"]
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

const TEMPLATE: [&str; 4] = [
    "template",
    "psg-operator",
    "charts/psg-operator",
    "--namespace=psg-system",
];

/// What the chart makes of single values, as `--set` has them.
pub(crate) fn chart(values: &[&str]) -> Vec<Value> {
    serde_saphyr::from_multiple(&printed("helm", &with_values(values))).unwrap()
}

/// What Helm says to single values that it must refuse.
fn refused(values: &[&str]) -> String {
    let output = run("helm", &with_values(values));
    assert!(!output.status.success(), "{values:?} was accepted");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn with_values<'a>(values: &[&'a str]) -> Vec<&'a str> {
    let set = values.iter().flat_map(|value| ["--set", value]);
    TEMPLATE.into_iter().chain(set).collect()
}

/// What the chart makes of a file of values.
fn chart_of(values: &str) -> Vec<Value> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, values).unwrap();
    let args = ["--values", file.path().to_str().unwrap()];
    let args = [&TEMPLATE[..], &args].concat();
    serde_saphyr::from_multiple(&printed("helm", &args)).unwrap()
}

/// The only object of a kind.
pub(crate) fn one<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let one = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "more than one {kind}");
    one
}

/// The spec of the Deployment's pods.
fn pod(objects: &[Value]) -> &Value {
    &one(objects, "Deployment")["spec"]["template"]["spec"]
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
            for name in ["matchLabels", "selector"] {
                if let Some(selector) = map.get_mut(name).and_then(Value::as_object_mut) {
                    selector.retain(|key, _| !OF_HELM.contains(&key.as_str()));
                }
            }
        }
        _ => {}
    }
}

fn args_of(objects: &[Value]) -> Vec<&str> {
    let args = &pod(objects)["containers"][0]["args"];
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
