//! Why the process ends.

use std::time::Duration;

use crate::{args::Contradiction, leadership::Lost};

/// Why the process cannot run, or not any longer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The flags do not fit together.
    #[error(transparent)]
    Flags(#[from] Contradiction),
    /// No runtime, or no thread.
    #[error("no runtime: {0}")]
    Runtime(#[source] std::io::Error),
    /// No usable configuration for Kubernetes.
    #[error("no way to Kubernetes: {0}; set KUBECONFIG or run inside a cluster")]
    NoCluster(#[from] kube::config::InferConfigError),
    /// A client could not be made.
    #[error("no client: {0}")]
    Client(String),
    /// The audit trail cannot be opened.
    #[error("the audit log cannot be opened: {0}; correct --audit-log")]
    Audit(#[source] std::io::Error),
    /// The address is in use, or is not one of this machine.
    #[error("cannot serve health at {0}: {1}")]
    Listen(std::net::SocketAddr, #[source] std::io::Error),
    /// Another replica leads, or may lead.
    #[error("not the leader any more: {0}; another replica goes on")]
    Lost(#[from] Lost),
    /// A defect of the operator.
    #[error("the Lease is not renewed any more, which is a defect; another replica goes on")]
    NotRenewed,
    /// Writes in hand did not end in time.
    #[error("writes in hand did not end within {0:?}; they are settled at the next start")]
    Drain(Duration),
}
