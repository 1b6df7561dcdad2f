//! The PasswordSyncGroups in files, as they would be applied. Everything else in the files is counted
//! and left out.

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

use psg_api::PasswordSyncGroup;
use serde_json::{Value, json};

/// The namespace of a manifest that names none, as kubectl has it.
pub const DEFAULT_NAMESPACE: &str = "default";

/// One PasswordSyncGroup of a file.
#[derive(Debug)]
pub struct Manifest {
    /// Its file and document, for messages.
    pub place: String,
    /// The object as the file has it.
    pub object: Value,
    /// The same as a resource; if it cannot be read as one, only its metadata and its tenant.
    pub group: PasswordSyncGroup,
    /// Why it cannot be read as a resource.
    pub unreadable: Option<String>,
}

/// What the files hold.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The PasswordSyncGroups, in the order of the files.
    pub groups: Vec<Manifest>,
    /// How many objects of other kinds there are.
    pub others: usize,
}

/// Reads files, folders of YAML and JSON files, and standard input; then folders with a kustomization.
///
/// # Errors
/// Which file cannot be read and why, or which resource is there twice, for a person.
pub fn read(named: &[PathBuf], kustomized: &[PathBuf]) -> Result<Manifests, String> {
    let mut found = Manifests::default();
    for path in named {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(|error| format!("standard input: {error}"))?;
            take_in(&mut found, "standard input", &text)?;
        } else if path.is_dir() {
            for file in files(path)? {
                take_in_file(&mut found, &file)?;
            }
        } else {
            take_in_file(&mut found, path)?;
        }
    }
    for folder in kustomized {
        let text = kustomize(folder)?;
        take_in(&mut found, &folder.display().to_string(), &text)?;
    }
    found.unique()
}

/// As [`read`], but a folder with a kustomization is built.
///
/// # Errors
/// As [`read`].
pub fn read_base(named: &[PathBuf]) -> Result<Manifests, String> {
    let has_kustomization = |path: &&PathBuf| {
        let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
        names.iter().any(|name| path.join(name).is_file())
    };
    let (kustomized, plain): (Vec<&PathBuf>, Vec<&PathBuf>) =
        named.iter().partition(has_kustomization);
    let owned = |paths: Vec<&PathBuf>| paths.into_iter().cloned().collect::<Vec<PathBuf>>();
    read(&owned(plain), &owned(kustomized))
}

/// Reads the manifests of one text. `place` says where it comes from.
///
/// # Errors
/// As [`read`].
pub fn of_text(place: &str, text: &str) -> Result<Manifests, String> {
    let mut found = Manifests::default();
    take_in(&mut found, place, text)?;
    found.unique()
}

impl Manifests {
    fn unique(self) -> Result<Self, String> {
        let mut known = BTreeSet::new();
        for Manifest { place, group, .. } in &self.groups {
            let name = group.metadata.name.clone().unwrap_or_default();
            let namespace = group.metadata.namespace.clone();
            let shown = match &namespace {
                Some(namespace) => format!("{namespace}/{name}"),
                None => name.clone(),
            };
            if !known.insert((namespace, name)) {
                return Err(format!("{place}: {shown} is there twice"));
            }
        }
        Ok(self)
    }
}

/// What `kubectl kustomize` makes of a folder.
fn kustomize(folder: &Path) -> Result<String, String> {
    let place = folder.display();
    let output = Command::new("kubectl")
        .arg("kustomize")
        .arg(folder)
        .output();
    let output = output.map_err(|error| format!("{place}: kubectl does not run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{place}: {}", said.trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{place}: {error}"))
}

/// The manifests directly in a folder, by name, as `kubectl apply -f DIR` takes them.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let said = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(said)? {
        let path = entry.map_err(said)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if matches!(ending, Some("yaml" | "yml" | "json")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn take_in_file(found: &mut Manifests, file: &Path) -> Result<(), String> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    take_in(found, &name, &text)
}

fn take_in(found: &mut Manifests, file: &str, text: &str) -> Result<(), String> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text)
        .map_err(|error| format!("{file}: it is no YAML: {error}"))?;
    for (number, document) in documents.into_iter().enumerate() {
        let place = format!("{file}, document {}", number + 1);
        let is_list = document["kind"] == "List";
        let items = document["items"].as_array().filter(|_| is_list).cloned();
        for object in items.unwrap_or_else(|| vec![document]) {
            take_in_one(found, &place, object)?;
        }
    }
    Ok(())
}

fn take_in_one(found: &mut Manifests, place: &str, object: Value) -> Result<(), String> {
    if object.is_null() {
        return Ok(());
    }
    let version = object["apiVersion"].as_str().unwrap_or_default();
    if object["kind"] != "PasswordSyncGroup" || !version.starts_with("passwordsync.dev/") {
        found.others += 1;
        return Ok(());
    }
    let (group, unreadable) = match serde_json::from_value(object.clone()) {
        Ok(group) => (group, None),
        Err(error) => {
            let named = named_alone(&object);
            let named = named.map_err(|error| format!("{place}: {error}"))?;
            (named, Some(error.to_string()))
        }
    };
    if group.metadata.name.is_none() {
        return Err(format!("{place}: metadata.name is missing"));
    }
    found.groups.push(Manifest {
        place: place.to_owned(),
        object,
        group,
        unreadable,
    });
    Ok(())
}

/// A resource of which nothing but the metadata and the tenant can be read.
fn named_alone(object: &Value) -> Result<PasswordSyncGroup, serde_json::Error> {
    let mut spec = json!({"name": "", "passwordPolicyRef": {}, "sourceRefs": []});
    if let Some(tenant) = object["spec"]["tenantRef"]["name"].as_str() {
        spec["tenantRef"] = json!({"name": tenant});
    }
    serde_json::from_value(json!({"metadata": object["metadata"], "spec": spec}))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "apiVersion: passwordsync.dev/v1alpha1\nkind: PasswordSyncGroup\nmetadata: {name: a}\nspec:\n  name: A\n  passwordPolicyRef: {name: P}\n  sourceRefs: [{name: One}, {name: Two}]\n";

    fn taken(text: &str) -> Result<Manifests, String> {
        of_text("f.yaml", text)
    }

    #[test]
    fn groups_are_taken_and_other_kinds_counted() {
        let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
        let found = taken(&format!("{GROUP}---\n{other}---\n")).unwrap();
        assert_eq!((found.groups.len(), found.others), (1, 1));
        assert_eq!(found.groups[0].place, "f.yaml, document 1");
        let object: Value = serde_saphyr::from_str(GROUP).unwrap();
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [object]});
        assert_eq!(taken(&list.to_string()).unwrap().groups.len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        let broken = taken("a: [").unwrap_err();
        assert!(broken.starts_with("f.yaml: it is no YAML"), "{broken}");
        let odd = taken(&GROUP.replace("metadata: {", "metadata: 7 # {")).unwrap_err();
        assert!(odd.starts_with("f.yaml, document 1: "), "{odd}");
        let nameless = taken(&GROUP.replace("{name: a}", "{}")).unwrap_err();
        assert_eq!(nameless, "f.yaml, document 1: metadata.name is missing");
    }

    #[test]
    fn of_a_spec_that_cannot_be_read_the_name_and_the_tenant_are_known() {
        let spec = "sourceRefs: 7\n  tenantRef: {name: acme} # [";
        let odd = taken(&GROUP.replace("sourceRefs: [", spec)).unwrap();
        let Manifest {
            group, unreadable, ..
        } = &odd.groups[0];
        assert_eq!(group.metadata.name.as_deref(), Some("a"));
        assert_eq!(group.spec.tenant_ref.name, "acme");
        assert!(unreadable.is_some());
    }
}
