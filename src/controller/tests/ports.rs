//! One process's way to the API server in memory. Every call takes a while, and a fuse stands in
//! the way.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::ResourceExt;
use psg_api::{IdentityTenant, PasswordSyncGroup};
use serde_json::Value;

use super::{
    calls::{Hindrance, Phase, Verdict, When},
    fuse::Fuse,
    tenant::CLIENT,
    world::World,
};
use crate::kubernetes::{KubeError, Kubernetes, Note, SecretData};

/// How long the next call of the API server takes.
pub type Pace = Arc<dyn Fn() -> Duration + Send + Sync>;

pub struct Ways {
    /// Which process this is, counted from one.
    pub life: usize,
    pub world: Arc<World>,
    pub fuse: Arc<Fuse>,
    pub pace: Pace,
    /// The lease is over: nothing is written any more.
    pub fenced: Arc<AtomicBool>,
}

impl Ways {
    async fn take_a_while(&self) {
        self.world.step("a call of the API server");
        let pace = (self.pace)();
        if !pace.is_zero() {
            tokio::time::sleep(pace).await;
        }
        self.fuse.pass().await;
    }

    /// The way to the API server, if it can be reached.
    async fn reach(&self) -> Result<(), KubeError> {
        self.take_a_while().await;
        if self.world.weather.lock().unwrap().api_down {
            self.world.calls.hinder(self.life, Hindrance::ApiDown);
            return Err(KubeError::Other("connection refused".to_owned()));
        }
        Ok(())
    }

    async fn write<T>(
        &self,
        what: String,
        phase: Option<Phase>,
        write: impl FnOnce() -> Result<T, KubeError>,
    ) -> Result<T, KubeError> {
        let calls = &self.world.calls;
        let target = what.split(' ').next().unwrap_or_default();
        let call = calls.begin(self.life, phase, target);
        if let Verdict::Fail(error) = calls.pass(call, When::Before).await {
            calls.refused(call, &error);
            return Err(error);
        }
        self.reach()
            .await
            .inspect_err(|error| calls.refused(call, error))?;
        if self.world.forbids(target) {
            let error = KubeError::Forbidden("no RBAC rule allows it".to_owned());
            calls.refused(call, &error);
            calls.hinder(self.life, Hindrance::Forbidden);
            self.world
                .note(&format!("kubernetes, by {}: {what}: forbidden", self.life));
            return Err(error);
        }
        // As the real port asks, at the last moment.
        if self.fenced.load(Ordering::SeqCst) {
            calls.hinder(self.life, Hindrance::Fenced);
            let why = "not sent: this process may not write now".to_owned();
            return Err(KubeError::Other(why));
        }
        let written = self
            .fuse
            .effect(|| {
                let written = write();
                match &written {
                    Ok(_) => calls.done(call),
                    Err(error) => calls.refused(call, error),
                }
                self.world.note(&format!(
                    "kubernetes, by {}: {what}: {}",
                    self.life,
                    if written.is_ok() { "stored" } else { "refused" }
                ));
                written
            })
            .await;
        if let Verdict::Fail(error) = calls.pass(call, When::After).await {
            return Err(error);
        }
        self.take_a_while().await;
        self.fuse.answered();
        if self.world.weather.lock().unwrap().api_deaf {
            return Err(KubeError::Other("no answer".to_owned()));
        }
        calls.heard(call);
        written
    }

    async fn read<T>(&self, read: impl FnOnce() -> Option<T>) -> Result<T, KubeError> {
        self.reach().await?;
        read().ok_or(KubeError::Gone)
    }
}

#[async_trait]
impl Kubernetes for Ways {
    async fn group(&self, _: &str, name: &str) -> Result<PasswordSyncGroup, KubeError> {
        self.read(|| {
            self.world
                .cluster
                .groups
                .get(name)
                .map(|group| (*group).clone())
        })
        .await
    }

    async fn set_finalizers(
        &self,
        group: &PasswordSyncGroup,
        finalizers: Vec<String>,
    ) -> Result<PasswordSyncGroup, KubeError> {
        let what = format!("{:?} finalizers {finalizers:?}", group.metadata.name);
        let phase = Phase::of_finalizers(group.finalizers(), &finalizers);
        self.write(what, phase, || {
            let released = finalizers.is_empty();
            let groups = &self.world.cluster.groups;
            let written = groups.write(&group.metadata, |group| {
                group.metadata.finalizers = Some(finalizers);
            })?;
            if released {
                self.world.released(&written);
            }
            Ok(written)
        })
        .await
    }

    async fn patch_status(
        &self,
        group: &PasswordSyncGroup,
        patch: Value,
    ) -> Result<PasswordSyncGroup, KubeError> {
        self.world
            .panic_over(group.metadata.name.as_deref().unwrap());
        let what = format!("{:?} status {patch}", group.metadata.name);
        self.write(what, Phase::of_status(&patch), || {
            let groups = &self.world.cluster.groups;
            let written = groups.patch_status(&group.metadata, &patch)?;
            self.world.told(group, &written);
            Ok(written)
        })
        .await
    }

    async fn patch_tenant_status(
        &self,
        tenant: &IdentityTenant,
        patch: Value,
    ) -> Result<IdentityTenant, KubeError> {
        let what = format!("tenant {:?} status {patch}", tenant.metadata.uid);
        self.write(what, None, || {
            self.world
                .cluster
                .tenants
                .patch_status(&tenant.metadata, &patch)
        })
        .await
    }

    async fn set_tenant_finalizers(
        &self,
        tenant: &IdentityTenant,
        finalizers: Vec<String>,
    ) -> Result<IdentityTenant, KubeError> {
        let what = format!(
            "tenant {:?} finalizers {finalizers:?}",
            tenant.metadata.name
        );
        self.write(what, None, || {
            let tenants = &self.world.cluster.tenants;
            let written = tenants.write(&tenant.metadata, |tenant| {
                tenant.metadata.finalizers = Some(finalizers);
            })?;
            self.world.tenant_let_go(&written);
            Ok(written)
        })
        .await
    }

    async fn tenant(&self, _: &str, name: &str) -> Result<IdentityTenant, KubeError> {
        self.read(|| {
            self.world
                .cluster
                .tenants
                .get(name)
                .map(|tenant| (*tenant).clone())
        })
        .await
    }

    async fn secret(&self, _: &str, _: &str) -> Result<SecretData, KubeError> {
        self.world.panic_over("the Secret");
        let bytes = |text: &str| text.as_bytes().to_vec();
        self.read(|| {
            let secret = self.world.cluster.read_secret();
            let calls = &self.world.calls;
            match secret.content.as_deref() {
                None => calls.hinder(self.life, Hindrance::NoSecret),
                Some("") => calls.hinder(self.life, Hindrance::BadSecret),
                Some(_) => {}
            }
            let client_secret = secret.content?;
            Some(SecretData {
                metadata: secret.metadata,
                data: BTreeMap::from([
                    (
                        "baseUrl".to_owned(),
                        bytes("https://acme.api.identitynow.com"),
                    ),
                    ("clientId".to_owned(), bytes(CLIENT)),
                    ("clientSecret".to_owned(), bytes(&client_secret)),
                ]),
            })
        })
        .await
    }

    async fn set_secret_finalizers(
        &self,
        secret: &ObjectMeta,
        finalizers: Vec<String>,
    ) -> Result<ObjectMeta, KubeError> {
        let what = format!("Secret finalizers {finalizers:?}");
        self.write(what, None, || {
            let cluster = &self.world.cluster;
            let written = cluster.set_secret_finalizers(secret, finalizers)?;
            self.world.secret_let_go(&written);
            Ok(written)
        })
        .await
    }

    async fn event(&self, about: &ObjectReference, note: Note) {
        self.take_a_while().await;
        self.world.note(&format!(
            "event on {:?}: {} {}",
            about.name, note.reason, note.text
        ));
    }
}
