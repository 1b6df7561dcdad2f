//! The image, from a small file in place of the program: an OCI layout whose parts are what their
//! digests say, the same each time, and the same as what the Dockerfile makes.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{
    binaries::{own, repository},
    leash::Folder,
};

const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";

fn image(args: &[&str]) -> Output {
    let mut tool = Command::new(own("psg-image"));
    tool.args(args).env_remove("SOURCE_DATE_EPOCH");
    tool.output().unwrap()
}

fn done(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A layout for both platforms, and what the tool printed.
fn layout(folder: &Folder) -> (PathBuf, String) {
    let license = repository().join("LICENSE");
    let mut roots = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let program = folder.write(architecture, architecture);
        let root = folder.path().join(format!("{architecture}-root"));
        let program = ["--program", program.to_str().unwrap()];
        let license = ["--license", license.to_str().unwrap()];
        let out = ["--out", root.to_str().unwrap()];
        done(&image(&[&["root"], &program[..], &license, &out].concat()));
        roots.push(format!("--root=linux/{architecture}={}", root.display()));
    }
    let out = folder.path().join("layout");
    let mut args = vec!["layout", "--revision", REVISION, "--epoch", "1767225600"];
    args.extend(roots.iter().map(String::as_str));
    args.extend(["--out", out.to_str().unwrap()]);
    let said = done(&image(&args));
    (out, said)
}

fn digest(content: &[u8]) -> String {
    let hex = Sha256::digest(content);
    let hex = hex.iter().map(|byte| format!("{byte:02x}"));
    format!("sha256:{}", hex.collect::<Vec<_>>().concat())
}

/// What a descriptor leads to, which must be as long as it says and have its digest.
fn blob(layout: &Path, descriptor: &Value) -> Vec<u8> {
    let name = descriptor["digest"].as_str().unwrap();
    let hex = name.strip_prefix("sha256:").unwrap();
    let content = fs::read(layout.join("blobs/sha256").join(hex)).unwrap();
    assert_eq!(digest(&content), name);
    assert_eq!(json!(content.len()), descriptor["size"]);
    content
}

fn document(layout: &Path, descriptor: &Value) -> Value {
    let document: Value = serde_json::from_slice(&blob(layout, descriptor)).unwrap();
    let media = &document["mediaType"];
    assert!(media.is_null() || *media == descriptor["mediaType"]);
    document
}

fn read(path: PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The configurations of the platforms, each with the files of its layer.
fn images(layout: &Path, said: &str) -> Vec<(Value, BTreeMap<String, Vec<u8>>)> {
    let top = read(layout.join("index.json"));
    let entries = top["manifests"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "a tool that pushes it must not choose");
    assert_eq!(entries[0]["digest"], said.lines().last().unwrap());
    let index = document(layout, &entries[0]);
    let manifests = index["manifests"].as_array().unwrap().iter();
    let each = manifests.map(|entry| {
        let manifest = document(layout, entry);
        let config = document(layout, &manifest["config"]);
        for part in ["architecture", "os"] {
            assert_eq!(config[part], entry["platform"][part]);
        }
        let layers = manifest["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 1);
        let mut archive = Vec::new();
        let compressed = blob(layout, &layers[0]);
        let mut gzip = GzDecoder::new(compressed.as_slice());
        gzip.read_to_end(&mut archive).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"], json!([digest(&archive)]));
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(archive.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            if entry.header().entry_type().is_file() {
                files.insert(name, content);
            }
        }
        (config, files)
    });
    each.collect()
}

#[test]
fn each_platform_has_its_program_and_nothing_to_run_beside_it() {
    let folder = Folder::new("image");
    let (layout, said) = layout(&folder);
    assert_eq!(
        read(layout.join("oci-layout"))["imageLayoutVersion"],
        "1.0.0"
    );
    let images = images(&layout, &said);
    let platforms = images
        .iter()
        .map(|(config, _)| config["architecture"].as_str());
    assert!(platforms.eq([Some("amd64"), Some("arm64")]));
    for (config, mut files) in images {
        assert_eq!(config["created"], "2026-01-01T00:00:00Z");
        let labels = &config["config"]["Labels"];
        assert_eq!(labels["org.opencontainers.image.revision"], REVISION);
        let program = files.remove("psg-operator").unwrap();
        assert_eq!(
            json!(String::from_utf8(program).unwrap()),
            config["architecture"]
        );
        let names: Vec<_> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["LICENSE", "etc/ssl/certs/ca-certificates.crt"]);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_wherever_it_lies() {
    let (one, other) = (Folder::new("image-one"), Folder::new("another-longer-name"));
    let ((one, one_said), (other, other_said)) = (layout(&one), layout(&other));
    assert_eq!(one_said, other_said);
    assert_eq!(files(&one), files(&other));
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for place in ["", "blobs/sha256"] {
        for entry in fs::read_dir(folder.join(place)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.strip_prefix(folder).unwrap().to_path_buf();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    assert!(found.len() > 2);
    found
}

/// The last stage of the Dockerfile, by instruction.
fn dockerfile() -> BTreeMap<String, String> {
    let text = fs::read_to_string(repository().join("Dockerfile")).unwrap();
    let (_, last) = text.split_once("FROM scratch\n").unwrap();
    let last = last.replace("\\\n", " ");
    let lines = last.lines().filter_map(|line| line.split_once(' '));
    let lines = lines.map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()));
    lines.collect()
}

#[test]
fn the_dockerfile_says_the_same() {
    let folder = Folder::new("image-dockerfile");
    let (layout, said) = layout(&folder);
    let said_by_docker = dockerfile();
    for (config, _) in images(&layout, &said) {
        let config = &config["config"];
        assert_eq!(config["User"], said_by_docker["USER"]);
        assert_eq!(config["WorkingDir"], said_by_docker["WORKDIR"]);
        let entrypoint: Value = serde_json::from_str(&said_by_docker["ENTRYPOINT"]).unwrap();
        assert_eq!(config["Entrypoint"], entrypoint);
        assert_eq!(
            config["ExposedPorts"],
            json!({&*said_by_docker["EXPOSE"]: {}})
        );
        let labels = said_by_docker["LABEL"].split("\" ");
        let labels: Vec<_> = labels.filter_map(|label| label.split_once('=')).collect();
        assert!(labels.len() > 3, "{labels:?}");
        for (name, value) in labels {
            assert_eq!(
                config["Labels"][name.trim()],
                value.trim_matches('"'),
                "{name}"
            );
        }
    }
    for file in [
        "charts/psg-operator/values.yaml",
        "config/manager/deployment.yaml",
    ] {
        let text = fs::read_to_string(repository().join(file)).unwrap();
        let (user, group) = said_by_docker["USER"].split_once(':').unwrap();
        assert!(text.contains(&format!("runAsUser: {user}\n")), "{file}");
        assert!(text.contains(&format!("runAsGroup: {group}\n")), "{file}");
    }
}

#[test]
fn a_wrong_argument_names_the_remedy() {
    let folder = Folder::new("image-errors");
    let out = folder.path().join("layout");
    let out = out.to_str().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let amd64 = format!("--root=linux/amd64={}", root.display());
    for (roots, epoch, remedy) in [
        (
            &["--root=linux/riscv64=x"][..],
            "0",
            "write linux/amd64=FOLDER or linux/arm64=FOLDER",
        ),
        (
            &["--root=linux/amd64"],
            "0",
            "write linux/amd64=FOLDER or linux/arm64=FOLDER",
        ),
        (&[&*amd64, &*amd64], "0", "name each platform once"),
        (&[&*amd64], "999999999999999", "git log -1"),
        (&["--root=linux/arm64=not-there"], "0", "not-there: "),
    ] {
        let mut args = vec![
            "layout",
            "--revision",
            REVISION,
            "--epoch",
            epoch,
            "--out",
            out,
        ];
        args.extend(roots);
        let wrong = image(&args);
        let said = String::from_utf8(wrong.stderr).unwrap();
        assert_eq!(wrong.status.code(), Some(1), "{said}");
        assert!(said.contains(remedy), "{remedy}: {said}");
    }
}
