//! `kubectl psg`: the words of the operator, and its annotations, from the command line.
//!
//! Writes nothing but two annotations and the deletion policy of one resource, with the rights of the person
//! who runs it. A tenant is only read: the transport of that client can send no write.
//!
//! # Layout
//! - [`args`]: what was typed; [`name`]: the name of a resource in it.
//! - [`explain`]: the catalogue of reasons as text; needs no cluster.
//! - [`annotate`]: the patch that each command stands for, and the words about it.
//! - [`orphan`]: sets the deletion policy of a resource, once a person has confirmed it.
//! - [`cluster`]: the way to a cluster; sends a patch, and says in plain words why it did not go through.
//! - [`live`]: reads what a cluster holds of the operator's kinds.
//! - [`credentials`], [`sign_in`], [`tenant`]: reads a tenant.
//! - [`manifests`]: reads PasswordSyncGroups from files; [`schema`]: would an API server take them?
//! - [`plan`]: what the operator would do with them.
//! - [`forms`]: documents as JSON and YAML.
//! - [`inventory`]: what tenants have; [`export`]: manifests of it; [`diff`]: two tenants compared.
//! - [`doctor`]: what keeps password changes from sources.
//! - [`status`]: which tenants and groups are ready, and what the others wait for.
//! - [`completion`]: what a shell completes.
//! - [`terminal`]: how text reaches a terminal.

pub mod annotate;
pub mod args;
pub mod at;
mod candidates;
pub mod cluster;
pub mod completion;
pub mod credentials;
pub mod diff;
pub mod doctor;
pub mod explain;
pub mod export;
pub mod forms;
pub mod inventory;
pub mod live;
pub mod manifests;
pub mod name;
pub mod orphan;
pub mod plan;
pub mod schema;
pub mod sign_in;
pub mod status;
pub mod tenant;
pub mod terminal;

pub use args::{Args, Command};
