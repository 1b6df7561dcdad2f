//! Has the operator let go of every group: sets their deletion policy, deletes them, and waits until
//! no finalizer is left.

use std::{
    io::{self, Write},
    time::Duration,
};

use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use psg_api::{DeletionPolicy, PasswordSyncGroup};
use serde_json::json;
use tokio::time::Instant;

use super::{remains::Remains, way::Way};
use crate::{
    cluster::{self, Cluster},
    live::Live,
};

/// How often to look.
const EVERY: Duration = Duration::from_secs(1);

/// Deletes the groups that were shown; one that was made again meanwhile is not changed.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn begin(
    cluster: &Cluster,
    groups: &[PasswordSyncGroup],
    way: Way,
) -> Result<(), String> {
    for group in groups {
        let namespace = group.namespace().unwrap_or_default();
        let api: Api<PasswordSyncGroup> = Api::namespaced(cluster.client.clone(), &namespace);
        let name = group.name_any();
        let uid = group.metadata.uid.clone();
        if way == Way::Orphan && group.spec.deletion_policy != DeletionPolicy::Orphan {
            let patch = json!({"metadata": {"uid": uid}, "spec": {"deletionPolicy": "Orphan"}});
            let (params, patch) = (PatchParams::default(), Patch::Merge(patch));
            let stored = answered(api.patch(&name, &params, &patch), group, cluster).await?;
            if stored.is_some_and(|it| it.spec.deletion_policy != DeletionPolicy::Orphan) {
                return Err(cluster::not_stored(&cluster.server));
            }
        }
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid,
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        answered(api.delete(&name, &params), group, cluster).await?;
    }
    Ok(())
}

/// The answer about one group; none if the group is gone already.
async fn answered<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
    group: &PasswordSyncGroup,
    cluster: &Cluster,
) -> Result<Option<T>, String> {
    let (name, namespace) = (group.name_any(), group.namespace().unwrap_or_default());
    match cluster::in_time(request, &cluster.server).await? {
        Ok(answer) => Ok(Some(answer)),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
        Err(kube::Error::Api(status)) if status.code == 409 => Err(format!(
            "PasswordSyncGroup \"{name}\" in namespace \"{namespace}\" was deleted and made again meanwhile: \
             run this again"
        )),
        Err(error) => Err(cluster::in_words(
            &error,
            &name,
            &namespace,
            &cluster.server,
        )),
    }
}

/// Waits until nothing holds a finalizer, and says how far it is.
///
/// # Errors
/// What is still there after `timeout`, and why.
pub async fn wait(
    look: impl AsyncFn() -> Result<Live, String>,
    timeout: Duration,
) -> Result<(), String> {
    let end = Instant::now() + timeout;
    let mut last = None;
    loop {
        let remains = Remains::of(&look().await?);
        if remains.is_empty() {
            return Ok(());
        }
        if last.replace(remains.count()) != Some(remains.count()) {
            let _ = writeln!(io::stderr(), "waiting for {} objects", remains.count());
        }
        if Instant::now() >= end {
            return Err(format!(
                "after {timeout:?} these still hold a finalizer: {}. Does the operator run? Mend what is named, \
                 then run this again: it goes on where it was",
                remains.whys()
            ));
        }
        tokio::time::sleep(EVERY).await;
    }
}
