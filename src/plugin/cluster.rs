//! Sends one patch, and says in plain words why it did not go through.

use std::time::Duration;

use kube::{
    Api, Client, Config,
    api::{Patch, PatchParams},
    config::KubeConfigOptions,
};
use psg_api::PasswordSyncGroup;

use crate::{annotate::Change, args::Args};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends a change to the cluster that the kubeconfig leads to.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn send(args: &Args, change: &Change) -> Result<(), String> {
    // A second provider in the process is no reason to stop: the first one stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = KubeConfigOptions {
        context: args.context.clone(),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_kubeconfig(&options)
        .await
        .map_err(|error| format!("no way to a cluster: {error}; set KUBECONFIG or --context"))?;
    let namespace = args.namespace.clone();
    let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
    let server = config.cluster_url.to_string();
    let client = Client::try_from(config).map_err(|error| error.to_string())?;
    let groups: Api<PasswordSyncGroup> = Api::namespaced(client, &namespace);
    let (params, patch) = (PatchParams::default(), Patch::Merge(&change.patch));
    let answer = tokio::time::timeout(
        TIMEOUT,
        groups.patch_metadata(&change.name, &params, &patch),
    );
    match answer.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(in_words(&error, &change.name, &namespace, &server)),
        Err(_) => Err(format!("{server} did not answer within {TIMEOUT:?}")),
    }
}

fn in_words(error: &kube::Error, name: &str, namespace: &str, server: &str) -> String {
    match error {
        kube::Error::Api(status) if status.is_not_found() && !status.message.contains(name) => {
            format!("{server} does not know PasswordSyncGroup: install psg-operator's definitions")
        }
        kube::Error::Api(status) if status.is_not_found() => format!(
            "there is no PasswordSyncGroup \"{name}\" in namespace \"{namespace}\"; \
             `kubectl get psg --all-namespaces` lists them"
        ),
        kube::Error::Api(status) if status.is_forbidden() => {
            format!("you may not do that: {}", status.message)
        }
        kube::Error::Api(status) => status.message.clone(),
        other => format!("{server}: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn said(code: u16, reason: &str, message: &str) -> String {
        let status = Status::failure(message, reason).with_code(code);
        let error = kube::Error::Api(Box::new(status));
        in_words(&error, "corporate", "identity", "https://cluster")
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        let message = "passwordsyncgroups.passwordsync.dev \"corporate\" not found";
        let gone = said(404, "NotFound", message);
        assert!(
            gone.contains("\"corporate\" in namespace \"identity\""),
            "{gone}"
        );
        assert!(gone.contains("kubectl get psg"), "{gone}");
        let unknown = said(404, "NotFound", "404 page not found");
        assert!(unknown.contains("install psg-operator"), "{unknown}");
        let forbidden = said(403, "Forbidden", "User \"x\" cannot patch resource");
        assert!(forbidden.contains("User \"x\" cannot patch"), "{forbidden}");
    }
}
