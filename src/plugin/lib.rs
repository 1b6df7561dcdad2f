//! `kubectl psg`: explains the operator, previews its work and sets its annotations.
//!
//! Writes nothing but two annotations and the deletion policy of a resource, and deletes nothing but
//! what `uninstall` is confirmed to delete, with the rights of the person who runs it. A tenant is only read: the transport of its client cannot send a write.
//!
//! # Layout
//! - [`args`]: the command line; [`name`]: the name of a resource in it.
//! - [`explain`]: the catalogue of reasons as text; needs no cluster.
//! - [`annotate`]: the patch that each command sends, and the message about it.
//! - [`orphan`]: sets the deletion policy of a resource; [`uninstall`]: has the operator let go of all
//!   of them; [`confirm`]: once a person has confirmed it.
//! - [`cluster`]: connects to a cluster, sends a patch, and explains in plain words why it failed.
//! - [`live`]: reads what a cluster holds of the operator's kinds.
//! - [`credentials`], [`sign_in`], [`tenant`]: reads a tenant; [`company`]: by a proxy, if told to.
//! - [`manifests`]: reads PasswordSyncGroups from files; [`schema`]: whether an API server accepts
//!   them.
//! - [`plan`]: what the operator would do with them.
//! - [`forms`]: documents as JSON and YAML.
//! - [`inventory`]: what tenants have; [`export`]: manifests of their groups; [`diff`]: two tenants
//!   compared.
//! - [`doctor`]: what keeps password changes from sources.
//! - [`status`]: which tenants and groups are ready, and what the others wait for.
//! - [`completion`]: what a shell completes.
//! - [`terminal`]: how text reaches a terminal.

pub mod annotate;
pub mod args;
pub mod at;
mod candidates;
pub mod cluster;
pub mod company;
pub mod completion;
mod confirm;
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
pub mod page;
pub mod plan;
pub mod schema;
pub mod sign_in;
pub mod status;
pub mod tenant;
pub mod terminal;
pub mod uninstall;

pub use args::{Args, Command};
