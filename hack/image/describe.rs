//! What an image says of itself: how it is run, for which platform, and the labels that registries
//! show.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{error::Error, root::PROGRAM};

/// The user that no part of the system is. The chart names the same one.
const USER: &str = "65532:65532";
/// Probes and metrics.
const PORT: &str = "8080/tcp";

/// Where the image comes from, and its only date.
#[derive(Debug)]
pub struct About {
    created: String,
    revision: String,
}

impl About {
    /// Of a commit.
    pub fn new(revision: &str, epoch: i64) -> Result<Self, Error> {
        let created = Timestamp::from_second(epoch).map_err(|_| Error::Epoch(epoch))?;
        Ok(Self {
            created: created.to_string(),
            revision: revision.to_owned(),
        })
    }

    /// The names are of the OCI image specification.
    pub fn labels(&self) -> BTreeMap<&'static str, String> {
        let home = env!("CARGO_PKG_REPOSITORY");
        let version = env!("CARGO_PKG_VERSION");
        BTreeMap::from([
            ("org.opencontainers.image.created", self.created.clone()),
            (
                "org.opencontainers.image.description",
                "Manages password sync groups of an identity tenant as custom resources."
                    .to_owned(),
            ),
            (
                "org.opencontainers.image.documentation",
                format!("{home}/blob/v{version}/docs/install.md"),
            ),
            (
                "org.opencontainers.image.licenses",
                env!("CARGO_PKG_LICENSE").to_owned(),
            ),
            ("org.opencontainers.image.revision", self.revision.clone()),
            ("org.opencontainers.image.source", home.to_owned()),
            ("org.opencontainers.image.title", PROGRAM.to_owned()),
            ("org.opencontainers.image.version", version.to_owned()),
        ])
    }

    /// The configuration of one image, whose one layer has this digest before it is compressed.
    pub fn config(&self, platform: Platform, layer: &str) -> Value {
        json!({
            "architecture": platform.architecture,
            "os": "linux",
            "created": self.created,
            "config": {
                "User": USER,
                "ExposedPorts": {PORT: {}},
                "Entrypoint": [format!("/{PROGRAM}")],
                "WorkingDir": "/",
                "Labels": self.labels(),
            },
            "rootfs": {"type": "layers", "diff_ids": [layer]},
            "history": [{"created": self.created, "created_by": "psg-image"}],
        })
    }
}

/// Linux on one kind of machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    /// As Go and the OCI specification name it.
    pub architecture: &'static str,
}

impl Platform {
    /// From an argument such as `linux/amd64=FOLDER`.
    pub fn with_root(given: &str) -> Result<(Self, PathBuf), Error> {
        let wrong = || Error::Platform(given.to_owned());
        let (platform, folder) = given.split_once('=').ok_or_else(wrong)?;
        let architecture = match platform {
            "linux/amd64" => "amd64",
            "linux/arm64" => "arm64",
            _ => return Err(wrong()),
        };
        if folder.is_empty() {
            return Err(wrong());
        }
        Ok((Self { architecture }, Path::new(folder).to_path_buf()))
    }

    /// As an index names it.
    pub fn descriptor(self) -> Value {
        json!({"architecture": self.architecture, "os": "linux"})
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linux/{}", self.architecture)
    }
}
