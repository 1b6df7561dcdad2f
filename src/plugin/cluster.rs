//! Connects to the cluster, sends it the patch of annotations, and explains errors in plain words.

use std::{collections::BTreeMap, error::Error, ffi::OsStr, path::Path, time::Duration};

use kube::{
    Api, Client, Config,
    api::{Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use psg_api::{PasswordSyncGroup, proxy};
use serde_json::Value;

use crate::{annotate::Change, at::At};

/// How long to wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends a change to the cluster that the kubeconfig leads to.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn send(at: &At, change: &Change) -> Result<(), String> {
    let Cluster {
        client,
        namespace,
        server,
    } = connect(at).await?;
    let groups: Api<PasswordSyncGroup> = Api::namespaced(client, &namespace);
    let (params, patch) = (PatchParams::default(), Patch::Merge(&change.patch));
    let patched = groups.patch_metadata(&change.name, &params, &patch);
    match in_time(patched, &server).await? {
        Ok(stored) if is_stored(&change.patch, stored.metadata.annotations.as_ref()) => Ok(()),
        Ok(_) => Err(not_stored(&server)),
        Err(error) => Err(in_words(&error, &change.name, &namespace, &server)),
    }
}

/// The answer of a cluster to one request.
///
/// # Errors
/// No answer arrived in time, in words for a person.
pub async fn in_time<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
    server: &str,
) -> Result<Result<T, kube::Error>, String> {
    let answer = tokio::time::timeout(TIMEOUT, request).await;
    answer.map_err(|_| format!("{server} did not answer within {TIMEOUT:?}"))
}

/// The cluster that a kubeconfig leads to.
pub struct Cluster {
    /// Speaks to it.
    pub client: Client,
    /// The namespace of `--namespace`, or else of the context.
    pub namespace: String,
    /// Its address, for messages.
    pub server: String,
}

/// Finds the way to the cluster that the kubeconfig leads to; sends nothing yet.
///
/// # Errors
/// What is wrong with the kubeconfig and what to do, for a person.
pub async fn connect(at: &At) -> Result<Cluster, String> {
    // An error means that the process has a provider already, which stays in use.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = KubeConfigOptions {
        context: at.context.clone(),
        ..KubeConfigOptions::default()
    };
    let files = std::env::var_os("KUBECONFIG");
    let kubeconfig = kubeconfig(at.kubeconfig.as_deref(), files.as_deref())?;
    let proxy = proxy::of_kubeconfig(&kubeconfig, at.context.as_deref());
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| {
            let remedy = match error {
                KubeconfigError::ParseNoProxy(_) => "correct NO_PROXY, without empty entries",
                _ => "set --kubeconfig or --context",
            };
            format!("no way to a cluster: {}; {remedy}", whole(&error))
        })?;
    let server = config.cluster_url.to_string();
    proxy::set(&mut config, proxy, |name| std::env::var(name).ok())?;
    let namespace = at.namespace.clone();
    let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).map_err(|error| error.to_string())?;
    Ok(Cluster {
        client,
        namespace,
        server,
    })
}

/// Reads the named file, or the existing files of the list as kubectl does, or the default file.
fn kubeconfig(named: Option<&Path>, listed: Option<&OsStr>) -> Result<Kubeconfig, String> {
    let read = |file: &Path| {
        Kubeconfig::read_from(file).map_err(|error| format!("{}: {error}", file.display()))
    };
    if let Some(file) = named {
        return read(file);
    }
    let Some(listed) = listed.filter(|listed| !listed.is_empty()) else {
        return Kubeconfig::read()
            .map_err(|error| format!("no kubeconfig: {error}; set KUBECONFIG or --kubeconfig"));
    };
    let files = std::env::split_paths(listed);
    let there = files.filter(|file| !file.as_os_str().is_empty() && file.exists());
    let mut merged: Option<Kubeconfig> = None;
    for file in there {
        let next = read(&file)?;
        merged = Some(match merged {
            None => next,
            Some(before) => before.merge(next).map_err(|error| error.to_string())?,
        });
    }
    merged.ok_or_else(|| {
        let listed = listed.to_string_lossy();
        format!("none of the files in KUBECONFIG is there: {listed}")
    })
}

/// An error with its causes.
pub fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some errors already include the text of their cause.
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// Whether the annotations are what the patch asked for.
fn is_stored(patch: &Value, stored: Option<&BTreeMap<String, String>>) -> bool {
    let asked = patch["metadata"]["annotations"].as_object();
    asked.into_iter().flatten().all(|(key, value)| {
        let found = stored.and_then(|stored| stored.get(key));
        found.map(String::as_str) == value.as_str()
    })
}

/// The message if the answer does not show the requested change.
pub fn not_stored(server: &str) -> String {
    format!(
        "{server} took the change and did not store it: an admission webhook or policy of the cluster may \
         have taken it out"
    )
}

/// What an answer about one PasswordSyncGroup means, and what to do.
pub fn in_words(error: &kube::Error, name: &str, namespace: &str, server: &str) -> String {
    match error {
        // By the code: for an unknown kind the answer is plain text, without a reason.
        kube::Error::Api(status) if status.code == 404 && !status.message.contains(name) => {
            unknown_kind(server)
        }
        kube::Error::Api(status) if status.code == 404 => format!(
            "there is no PasswordSyncGroup \"{name}\" in namespace \"{namespace}\"; \
             `kubectl get psg --all-namespaces` lists them"
        ),
        kube::Error::Api(status) if status.is_forbidden() => {
            format!("you may not do that: {}", status.message)
        }
        kube::Error::Api(status) => status.message.clone(),
        other => format!("{server}: {}", whole(other)),
    }
}

/// The message if the CRDs are not installed.
pub fn unknown_kind(server: &str) -> String {
    format!(
        "{server} does not know PasswordSyncGroup: install psg-operator's definitions, \
         `kubectl apply --server-side -f crds/`"
    )
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
    fn what_was_not_stored_as_asked_is_not_said_to_be_done() {
        let set = serde_json::json!({"metadata": {"annotations": {"a": "1"}}});
        let unset = serde_json::json!({"metadata": {"annotations": {"a": null}}});
        let has = |value: &str| BTreeMap::from([("a".to_owned(), value.to_owned())]);
        assert!(is_stored(&set, Some(&has("1"))));
        assert!(!is_stored(&set, Some(&has("2"))));
        assert!(!is_stored(&set, None));
        assert!(is_stored(&unset, None));
        assert!(!is_stored(&unset, Some(&has("1"))));
    }

    #[test]
    fn files_of_the_list_that_are_not_there_are_passed_over() {
        let folder = std::env::temp_dir().join(format!("kubectl-psg-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let there = folder.join("config");
        std::fs::write(
            &there,
            "apiVersion: v1\nkind: Config\ncurrent-context: mine\n",
        )
        .unwrap();
        let gone = folder.join("gone");
        let list = std::env::join_paths([&gone, &there]).unwrap();
        let read = kubeconfig(None, Some(&list)).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("mine"));
        let none = kubeconfig(None, Some(gone.as_os_str())).unwrap_err();
        assert!(none.contains("none of the files in KUBECONFIG"), "{none}");
        let named = kubeconfig(Some(&gone), None).unwrap_err();
        assert!(named.contains("gone"), "{named}");
        std::fs::remove_dir_all(&folder).unwrap();
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
        let unknown = said(404, "Failed to parse error data", "404 page not found");
        assert!(unknown.contains("install psg-operator"), "{unknown}");
        let forbidden = said(403, "Forbidden", "User \"x\" cannot patch resource");
        assert!(forbidden.contains("User \"x\" cannot patch"), "{forbidden}");
    }
}
