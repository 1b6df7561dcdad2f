//! `kubectl psg`: the words of the operator, and its annotations, from the command line.
//!
//! Writes nothing but two annotations of one resource, with the rights of the person who runs it; it never
//! speaks to a tenant.
//!
//! # Layout
//! - [`args`]: what was typed; [`name`]: the name of a resource in it.
//! - [`explain`]: the catalogue of reasons as text; needs no cluster.
//! - [`annotate`]: the patch that each command stands for, and the words about it.
//! - [`cluster`]: sends a patch, and says in plain words why it did not go through.

pub mod annotate;
pub mod args;
pub mod cluster;
pub mod explain;
pub mod name;

pub use args::{Args, Command};
