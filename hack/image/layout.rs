//! An OCI layout: a folder with the blobs by their digests, and an index that leads to them.
//!
//! `index.json` names one index of the image, and that one a manifest for each platform, also when
//! there is only one: a tool that pushes the layout pushes the same thing either way.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    describe::{About, Platform},
    error::{At as _, Error},
    layer, root,
};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// What was written.
#[derive(Debug)]
pub struct Made {
    /// The digest by which the whole image is pulled.
    pub digest: String,
    /// What each platform has.
    pub images: Vec<Image>,
}

/// The image of one platform.
#[derive(Debug)]
pub struct Image {
    /// Which one.
    pub platform: Platform,
    /// How many bytes a node downloads: manifest, configuration and layer.
    pub compressed: usize,
    /// The digest of its layer.
    pub layer: String,
}

/// Writes the layout anew.
pub fn write(roots: &[(Platform, PathBuf)], about: &About, out: &Path) -> Result<Made, Error> {
    for (index, (platform, _)) in roots.iter().enumerate() {
        if roots[..index].iter().any(|(other, _)| other == platform) {
            return Err(Error::Twice(platform.to_string()));
        }
    }
    root::empty(out)?;
    let blobs = Blobs(out.join("blobs/sha256"));
    fs::create_dir_all(&blobs.0).at(&blobs.0)?;
    let (mut manifests, mut images) = (Vec::new(), Vec::new());
    for (platform, root) in roots {
        let packed = layer::pack(root)?;
        let layer = blobs.put(LAYER, &packed.compressed)?;
        let config = about.config(*platform, &digest(&packed.archive));
        let config = blobs.put_json(CONFIG, &config)?;
        let mut manifest = blobs.put_json(
            MANIFEST,
            &json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": config,
                "layers": [layer],
                "annotations": about.labels(),
            }),
        )?;
        let size = |of: &Value| of["size"].as_u64().unwrap_or_default();
        images.push(Image {
            platform: *platform,
            compressed: usize::try_from(size(&manifest) + size(&config) + size(&layer))
                .unwrap_or(usize::MAX),
            layer: layer["digest"].as_str().unwrap_or_default().to_owned(),
        });
        manifest["platform"] = platform.descriptor();
        manifests.push(manifest);
    }
    let mut index = blobs.put_json(
        INDEX,
        &json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": manifests,
            "annotations": about.labels(),
        }),
    )?;
    let digest = index["digest"].as_str().unwrap_or_default().to_owned();
    let tag = format!("v{}", env!("CARGO_PKG_VERSION"));
    index["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
    let top = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [index]});
    put(&out.join("index.json"), &bytes(&top))?;
    let version = json!({"imageLayoutVersion": "1.0.0"});
    put(&out.join("oci-layout"), &bytes(&version))?;
    Ok(Made { digest, images })
}

/// The folder of the blobs.
struct Blobs(PathBuf);

impl Blobs {
    /// Stores one, and returns its descriptor.
    fn put(&self, media: &str, content: &[u8]) -> Result<Value, Error> {
        let digest = digest(content);
        let name = digest.trim_start_matches("sha256:");
        put(&self.0.join(name), content)?;
        Ok(json!({"mediaType": media, "digest": digest, "size": content.len()}))
    }

    fn put_json(&self, media: &str, content: &Value) -> Result<Value, Error> {
        self.put(media, &bytes(content))
    }
}

fn put(path: &Path, content: &[u8]) -> Result<(), Error> {
    fs::write(path, content).at(path)
}

/// With its keys in order: a map of `serde_json` is ordered by default.
fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn digest(content: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(content) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
