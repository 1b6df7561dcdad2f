//! `kubectl psg orphan`: sets `deletionPolicy: Orphan` of one PasswordSyncGroup, so that its deletion leaves
//! the group in the tenant.
//!
//! It says what that means and asks for the name to be typed. It changes only this field of this
//! resource, deletes nothing and sends no request to a tenant.

use std::io::{self, IsTerminal, Write};

use kube::{
    Api,
    api::{Patch, PatchParams},
};
use psg_api::{DeletionPolicy, PasswordSyncGroup, PasswordSyncGroupStatus, names};
use psg_domain::text;
use serde_json::{Value, json};

use crate::{
    args::Orphan,
    at::At,
    cluster::{self, Cluster},
    confirm,
    terminal::{WIDTH, wrapped},
};

/// How many sources are named; `kubectl describe` has all of them.
const NAMED: usize = 10;

/// Explains the change, asks for confirmation and sends the patch; returns what to print.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn run(at: &At, asked: &Orphan) -> Result<String, String> {
    let name = &asked.name;
    if !asked.yes && !io::stdin().is_terminal() {
        let place = at.namespace.as_ref();
        let place = place.map_or_else(String::new, |namespace| format!(" -n {namespace}"));
        return Err(format!(
            "standard input is no terminal, so nobody can confirm this: run `kubectl psg orphan {name}{place} --yes`"
        ));
    }
    let cluster = cluster::connect(at).await?;
    let groups: Api<PasswordSyncGroup> =
        Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let found = answered(groups.get(name), name, &cluster).await?;
    let said = |what: &str| format!("passwordsyncgroup.{}/{name}: {what}\n", names::GROUP);
    if found.spec.deletion_policy == DeletionPolicy::Orphan {
        return Ok(said("deletionPolicy is Orphan already"));
    }
    let meaning = meaning(&found);
    for line in meaning.iter().flat_map(|it| wrapped(it, WIDTH)) {
        let _ = writeln!(io::stderr(), "{}", text::line(&line));
    }
    if !asked.yes {
        confirm::by_typing(&format!("the name \"{name}\""), name).await?;
    }
    let (params, patch) = (PatchParams::default(), Patch::Merge(patch(&found)));
    let patched = groups.patch(name, &params, &patch);
    let stored = answered(patched, name, &cluster).await?;
    if stored.spec.deletion_policy != DeletionPolicy::Orphan {
        return Err(cluster::not_stored(&cluster.server));
    }
    Ok(said(
        "deletionPolicy is Orphan; its deletion leaves the group in the tenant",
    ))
}

async fn answered<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
    name: &str,
    cluster: &Cluster,
) -> Result<T, String> {
    let Cluster {
        namespace, server, ..
    } = cluster;
    match cluster::in_time(request, server).await? {
        Ok(answer) => Ok(answer),
        Err(kube::Error::Api(status)) if status.code == 409 => Err(format!(
            "PasswordSyncGroup \"{name}\" was deleted and made again meanwhile: look at the new one, and run \
             this again"
        )),
        Err(error) => Err(cluster::in_words(&error, name, namespace, server)),
    }
}

/// With the uid of the resource that the person was shown: a new resource of that name is not
/// changed.
fn patch(found: &PasswordSyncGroup) -> Value {
    json!({
        "metadata": {"uid": found.metadata.uid},
        "spec": {"deletionPolicy": "Orphan"},
    })
}

/// What the change means for this resource, in sentences.
fn meaning(found: &PasswordSyncGroup) -> Vec<String> {
    let default = PasswordSyncGroupStatus::default();
    let status = found.status.as_ref().unwrap_or(&default);
    let name = found.metadata.name.as_deref().unwrap_or_default();
    let mut said = vec![match &status.group_id {
        Some(id) => format!(
            "PasswordSyncGroup \"{name}\" has group \"{}\" ({id}) of tenant {}: {}.",
            status.name.as_deref().unwrap_or(&found.spec.name),
            status.tenant.as_ref().map_or("?", |tenant| &tenant.org),
            shared(status)
        ),
        None if status.intent.is_some() => format!(
            "PasswordSyncGroup \"{name}\" is creating a group: if the tenant has made it by then, it stays."
        ),
        None => format!("PasswordSyncGroup \"{name}\" has no group of a tenant yet."),
    }];
    if status.origin.as_deref() == Some("Observed") {
        said.push(
            "It only looks at that group, so its deletion leaves the group alone in any case."
                .to_owned(),
        );
    }
    let has_none = status.group_id.is_none() && status.intent.is_none();
    said.push(match found.metadata.deletion_timestamp {
        None if has_none => "With deletionPolicy: Orphan a group that it gets later stays in the tenant when the \
                             resource is deleted. Nothing is deleted now."
            .to_owned(),
        None => "With deletionPolicy: Orphan the group stays in the tenant when the resource is deleted: its \
                 sources go on sharing one password, no source gets a policy back, and nobody manages the group \
                 any more. Nothing is deleted now."
            .to_owned(),
        Some(_) => "It is being deleted. With deletionPolicy: Orphan it goes at once, and nothing more is done \
                    in the tenant: what is there of the group stays, and no further source gets a policy back."
            .to_owned(),
    });
    said.push(
        "Where the manifest is in git and sets deletionPolicy, set Orphan there as well, or the next apply undoes \
         this."
            .to_owned(),
    );
    said
}

fn shared(status: &PasswordSyncGroupStatus) -> String {
    let named = status.sources.iter().take(NAMED);
    let mut names: Vec<String> = named.map(|source| format!("\"{}\"", source.name)).collect();
    let more = status.sources.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let policy = status.policy.as_ref().map_or("?", |policy| &policy.name);
    if names.is_empty() {
        format!("its sources are not recorded yet; policy \"{policy}\"")
    } else {
        format!("{} share policy \"{policy}\"", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(sources: usize, changes: &[(&str, Value)]) -> PasswordSyncGroup {
        let pin = |number: usize| json!({"ref": "s", "id": format!("s{number}"), "name": format!("Source {number}")});
        let pins: Vec<Value> = (1..=sources).map(pin).collect();
        let mut object = json!({
            "metadata": {"name": "shared", "namespace": "identity", "uid": "u1"},
            "spec": {"name": "Wanted", "passwordPolicyRef": {"name": "P"}, "sourceRefs": []},
            "status": {
                "observedGeneration": 1, "groupID": "g1", "origin": "Created", "name": "Shared",
                "tenant": {"org": "acme", "tenantID": "t"}, "sources": pins,
                "policy": {"ref": "P", "id": "p", "name": "Strong"},
            },
        });
        for (field, value) in changes {
            let (part, key) = field.split_once('.').unwrap();
            object[part][key] = value.clone();
        }
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn it_says_which_group_and_which_sources_stay() {
        let said = meaning(&group(2, &[]));
        assert_eq!(
            said[0],
            "PasswordSyncGroup \"shared\" has group \"Shared\" (g1) of tenant acme: \"Source 1\", \"Source 2\" \
             share policy \"Strong\"."
        );
        assert!(said[1].contains("Nothing is deleted now"), "{said:?}");
        let many = meaning(&group(12, &[]));
        assert!(many[0].contains("\"Source 10\", 2 more share"), "{many:?}");
    }

    #[test]
    fn it_says_so_where_there_is_nothing_or_it_is_too_late_to_think() {
        let none = meaning(&group(0, &[("status.groupID", Value::Null)]));
        assert!(none[0].contains("has no group of a tenant yet"), "{none:?}");
        assert!(none[1].contains("a group that it gets later"), "{none:?}");
        let looks = meaning(&group(2, &[("status.origin", json!("Observed"))]));
        assert!(looks[1].starts_with("It only looks"), "{looks:?}");
        let when = json!("2026-11-23T05:00:00Z");
        let going = meaning(&group(2, &[("metadata.deletionTimestamp", when)]));
        assert!(going[1].contains("goes at once"), "{going:?}");
        let intent = json!({"attempt": 1, "name": "n", "policyID": "p", "sourceIDs": [],
            "startedAt": "2026-11-23T05:00:00Z"});
        let changes = [("status.groupID", Value::Null), ("status.intent", intent)];
        let creating = meaning(&group(0, &changes));
        assert!(creating[0].contains("is creating a group"), "{creating:?}");
    }

    #[test]
    fn only_the_one_field_of_what_was_shown_is_changed() {
        assert_eq!(
            patch(&group(2, &[])),
            json!({"metadata": {"uid": "u1"}, "spec": {"deletionPolicy": "Orphan"}})
        );
    }
}
