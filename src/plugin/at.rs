//! Which cluster and namespace a command is about: the options that all commands share.

use std::path::PathBuf;

/// Where the resources are.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct At {
    /// The namespace of the resource. Left out, it is the context's.
    #[arg(short, long, global = true, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// The kubeconfig. Left out, it is what KUBECONFIG lists, or ~/.kube/config.
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig. Left out, it is the current one.
    #[arg(long, global = true, value_name = "CONTEXT")]
    pub context: Option<String>,
}
