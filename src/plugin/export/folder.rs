//! The manifests as files of a folder, with a kustomization beside them. No file is overwritten.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
};

use serde::Serialize;

use super::{Written, print};
use crate::forms;

/// The name of the file that lists the manifests, without its ending.
pub const KUSTOMIZATION: &str = "kustomization";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kustomization {
    api_version: &'static str,
    kind: &'static str,
    resources: Vec<String>,
}

/// Writes a file for each manifest, and says what was written.
///
/// # Errors
/// A file exists already, and nothing was written; or a file cannot be written, and why.
pub fn write(folder: &Path, written: &[Written]) -> Result<String, String> {
    let mut files = Vec::new();
    for one in written {
        if let Written::Whole(manifest, remarks) = one {
            let name = format!("{}.yaml", manifest.metadata.name);
            files.push((name, print::file(manifest, remarks)?));
        }
    }
    let resources = files.iter().map(|(name, _)| name.clone());
    let kustomization = Kustomization {
        api_version: "kustomize.config.k8s.io/v1beta1",
        kind: "Kustomization",
        resources: resources.collect(),
    };
    let (count, left_out) = (files.len(), written.len() - files.len());
    let kustomization = print::left_out(written) + &forms::yaml(&kustomization)?;
    files.push((format!("{KUSTOMIZATION}.yaml"), kustomization));
    for (name, _) in &files {
        let path = folder.join(name);
        // A dangling symbolic link counts as an existing file.
        if path.symlink_metadata().is_ok() {
            return Err(format!(
                "{} is there already, and nothing was written: remove it, or give another folder",
                path.display()
            ));
        }
    }
    let said = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| said(folder, error))?;
    for (name, content) in &files {
        let path = folder.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut file = file.map_err(|error| said(&path, error))?;
        let done = file.write_all(content.as_bytes());
        done.map_err(|error| said(&path, error))?;
    }
    let place = folder.display();
    let mut said =
        format!("wrote {count} manifests and a kustomization.yaml: `kubectl apply -k {place}`\n");
    if left_out > 0 {
        said = format!("{said}left out {left_out} groups: kustomization.yaml says why\n");
    }
    Ok(said)
}
