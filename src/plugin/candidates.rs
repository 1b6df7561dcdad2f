//! The names that complete an argument: those of the cluster's resources, and the reasons.
//!
//! It asks the cluster for names only, and waits at most `PATIENCE`, with the namespace, context
//! and kubeconfig of the command line. On any error it offers no names.

use std::{
    ffi::{OsStr, OsString},
    fmt::Debug,
    sync::mpsc,
    thread,
    time::Duration,
};

use clap_complete::engine::CompletionCandidate;
use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Resource, ResourceExt, api::ListParams};
use psg_api::{IdentityTenant, PasswordSyncGroup, names};
use psg_plan::Reason;
use serde::de::DeserializeOwned;

use crate::{at::At, cluster};

/// The longest time that a press of the tab key waits for the cluster.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most names that are listed: a longer list does not help to choose.
const MOST: u32 = 500;

/// Names of PasswordSyncGroups, behind `psg/` if that was typed.
pub fn groups(typed: &OsStr) -> Vec<CompletionCandidate> {
    let prefix = match typed.to_str() {
        Some(typed) if typed.starts_with("psg/") => "psg/",
        _ => "",
    };
    beginning(typed, in_time(listed::<PasswordSyncGroup>), prefix)
}

/// Names of IdentityTenants.
pub fn tenants(typed: &OsStr) -> Vec<CompletionCandidate> {
    beginning(typed, in_time(listed::<IdentityTenant>), "")
}

/// The words that `explain` takes, each with what it means.
pub fn reasons(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    let fitting = Reason::ALL
        .iter()
        .filter(|reason| reason.as_str().starts_with(typed));
    let candidates = fitting
        .map(|reason| CompletionCandidate::new(reason.as_str()).help(Some(reason.what().into())));
    candidates.collect()
}

/// The server's answer is not trusted: only valid Kubernetes names go into a shell.
fn beginning(typed: &OsStr, found: Vec<String>, prefix: &str) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    let found = found.into_iter().filter(|name| names::is_subdomain(name));
    let named = found.map(|name| format!("{prefix}{name}"));
    let fitting = named.filter(|name| name.starts_with(typed));
    fitting.map(CompletionCandidate::new).collect()
}

/// Lists in a thread of its own: a kubeconfig may name a program that signs in and takes any time.
fn in_time(listed: fn(&At) -> Option<Vec<String>>) -> Vec<String> {
    let at = given(std::env::args_os());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let _ = tell.send(listed(&at));
    });
    told.recv_timeout(PATIENCE)
        .ok()
        .flatten()
        .unwrap_or_default()
}

fn listed<K>(at: &At) -> Option<Vec<String>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + DeserializeOwned
        + Clone
        + Debug
        + 'static,
{
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().ok()?.block_on(async {
        let cluster = cluster::connect(at).await.ok()?;
        let api: Api<K> = Api::namespaced(cluster.client, &cluster.namespace);
        let found = api.list_metadata(&ListParams::default().limit(MOST)).await;
        Some(found.ok()?.iter().map(ResourceExt::name_any).collect())
    })
}

/// The options that all commands share, as far as the unfinished line has them.
fn given(words: impl Iterator<Item = OsString>) -> At {
    let words: Vec<String> = words.filter_map(|word| word.into_string().ok()).collect();
    let value = |long: &str, short: Option<&str>| {
        words.iter().enumerate().rev().find_map(|(at, word)| {
            if word == long || Some(word.as_str()) == short {
                // bash passes an equals sign as a word of its own.
                let next = &words[at + 1..];
                let value = next.iter().find(|word| *word != "=")?;
                return Some(value.clone());
            }
            let value = word.strip_prefix(long)?.strip_prefix('=')?;
            Some(value.to_owned())
        })
    };
    At {
        namespace: value("--namespace", Some("-n")),
        kubeconfig: value("--kubeconfig", None).map(Into::into),
        context: value("--context", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(candidates: &[CompletionCandidate]) -> Vec<&str> {
        let values = candidates.iter().map(CompletionCandidate::get_value);
        values.map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn a_name_that_a_shell_would_obey_is_not_offered() {
        let found = [
            "corp",
            "core",
            "other",
            "co$(reboot)",
            "co\u{1b}[2J",
            "co re",
        ];
        let found: Vec<String> = found.map(str::to_owned).to_vec();
        let offered = beginning(OsStr::new("co"), found.clone(), "");
        assert_eq!(values(&offered), ["corp", "core"]);
        let offered = beginning(OsStr::new("psg/cor"), found, "psg/");
        assert_eq!(values(&offered), ["psg/corp", "psg/core"]);
    }

    #[test]
    fn the_options_in_the_line_lead_to_the_cluster() {
        let of = |line: &str| {
            let at = given(line.split_whitespace().map(Into::into));
            let kubeconfig = at.kubeconfig.map(|file| file.display().to_string());
            [at.namespace, at.context, kubeconfig].map(Option::unwrap_or_default)
        };
        assert_eq!(
            of("kubectl-psg pause -n a --context b --kubeconfig c x"),
            ["a", "b", "c"]
        );
        assert_eq!(
            of("x --namespace=a --context=b --kubeconfig=c"),
            ["a", "b", "c"]
        );
        assert_eq!(of("x --namespace = a --context"), ["a", "", ""]);
        assert_eq!(of("x -n a -n b"), ["b", "", ""], "the last one counts");
    }
}
