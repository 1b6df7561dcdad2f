//! One process's ways out: the API server in memory, and the simulator's library behind the
//! client's transport. Every call takes a while, and a fuse stands in every way.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, StatusCode};
use identity_simulator::{Cut, request};
use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::ResourceExt;
use psg_api::{IdentityTenant, PasswordSyncGroup};
use psg_identity::{Kind, Request, Response, Transport, TransportError};
use serde_json::Value;

use super::{
    audit::Leaving,
    calls::{Phase, Verdict, When},
    fuse::Fuse,
    tenant::CLIENT,
    world::World,
};
use crate::ports::{KubeError, Kubernetes, Note, SecretData};

/// How long the next call of the API server takes.
pub type Pace = Arc<dyn Fn() -> Duration + Send + Sync>;

pub struct Ways {
    /// Which process this is, counted from one.
    pub life: usize,
    pub world: Arc<World>,
    pub fuse: Arc<Fuse>,
    pub pace: Pace,
    /// No write of the tenant begins any more once this is true: the lease is running out.
    pub fenced: Arc<AtomicBool>,
    /// Nor a write of Kubernetes.
    pub lease_lost: Arc<AtomicBool>,
}

impl Ways {
    async fn take_a_while(&self) {
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
        if self.world.weather.lock().unwrap().api_forbids {
            let error = KubeError::Forbidden("no RBAC rule allows it".to_owned());
            calls.refused(call, &error);
            return Err(error);
        }
        // As the real port asks, at the last moment.
        if self.lease_lost.load(Ordering::SeqCst) {
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
        if self.world.weather.lock().unwrap().api_deaf {
            return Err(KubeError::Other("no answer".to_owned()));
        }
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
            self.world
                .cluster
                .groups
                .patch_status(&group.metadata, &patch)
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
            let secret = self.world.cluster.secret();
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

#[async_trait]
impl Transport for Ways {
    async fn send(&self, sent: Request) -> Result<Response, TransportError> {
        let mut asked = request::Request::new(sent.method.as_str(), &sent.target);
        for (name, value) in &sent.headers {
            asked = asked.header(name.as_str(), value.to_str().unwrap());
        }
        asked.body = sent
            .body
            .as_ref()
            .map(|body| body.to_vec())
            .unwrap_or_default();
        let is_write = sent.kind == Kind::Write && !sent.target.contains("/oauth/");
        let mut leaving = Leaving {
            books: &self.world.books,
            fuse: &self.fuse,
            method: &asked.method,
            path: &asked.path,
            left: !is_write,
        };
        let calls = &self.world.calls;
        let call = calls.begin(self.life, Phase::of_request(&asked), &asked.path);
        calls.pass(call, When::Before).await;
        self.fuse.pass().await;
        leaving.left = true;
        if self.world.weather.lock().unwrap().no_route {
            let why = "no connection".to_owned();
            return Err(TransportError::NotSent { why });
        }
        // As the gate of the real transport says, at the last moment before the socket.
        if is_write && self.fenced.load(Ordering::SeqCst) {
            let why = "the lease is over".to_owned();
            return Err(TransportError::NotSent { why });
        }
        let answer = if is_write {
            self.fuse
                .effect(|| self.world.write_of_the_tenant(&asked))
                .await
        } else {
            self.world.ask_the_tenant(&asked)
        };
        let tracking_id = answer.header("slpt-request-id").unwrap_or_default();
        let ended = |answered: bool| {
            if is_write {
                let mut books = self.world.books.lock().unwrap();
                books.ended(tracking_id, answered);
            }
        };
        if self.world.was_done(&answer) {
            calls.done(call);
        }
        calls.pass(call, When::After).await;
        let unknown = |why: &str| {
            ended(false);
            Err(TransportError::Unknown {
                why: why.to_owned(),
            })
        };
        if answer.delay > sent.timeout {
            tokio::time::sleep(sent.timeout).await;
            return unknown("timeout");
        }
        // Whole milliseconds, as timers have: what comes first must not hang on a fraction.
        let delay = Duration::from_millis(u64::try_from(answer.delay.as_millis()).unwrap());
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        self.fuse.pass().await;
        if matches!(answer.cut, Some(Cut::Before | Cut::Middle)) {
            return unknown("connection cut");
        }
        ended(true);
        let headers = answer.headers.into_iter().map(|(name, value)| {
            (
                HeaderName::try_from(name).unwrap(),
                HeaderValue::try_from(value).unwrap(),
            )
        });
        Ok(Response {
            status: StatusCode::from_u16(answer.status).unwrap(),
            headers: headers.collect(),
            body: answer.body.into(),
        })
    }
}
