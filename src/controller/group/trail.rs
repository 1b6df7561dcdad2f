//! The audit trail of one action: sees each request of the action on the wire, and writes a line as
//! soon as the result of the request is known.
//!
//! # Guarantees
//! - One line for each request that was sent, and none for a request that was not sent.
//! - If a call is dropped before the answer, its request has a line, too: its effect is unknown.
//! - No request begins, and no resource is released, while lines cannot be written.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::ResourceExt;
use psg_domain::time;
use psg_identity::{Client, Effect, Ended, Error, Witness};
use psg_plan::{Action, Release};
use psg_snapshot::Snapshot;
use tokio::time::Instant;

use crate::{
    audit::{self, About, Came, Change, Line, Operator, Resource, Tenant, What, Write},
    context::Context,
    group::pass::Pass,
};

/// The trail of one write. If it is dropped with an open request, the effect of that is unknown.
pub(crate) struct Trail {
    context: Arc<Context>,
    about: About,
    change: Change,
    open: Mutex<Option<Open>>,
}

/// A request that was sent and has no line yet.
struct Open {
    method: String,
    path: String,
    began: Instant,
    answer: Option<Answer>,
}

/// A successful answer that was not parsed yet: parsing may still fail.
struct Answer {
    status: Option<u16>,
    tracking_id: Option<String>,
    took: Duration,
}

impl Trail {
    /// The trail of an action; `None` if the action does not write the tenant.
    pub(crate) fn of(pass: &Pass, snapshot: &Snapshot, action: &Action) -> Option<Arc<Self>> {
        let status = pass.group.status.as_ref();
        let change = snapshot.with(|picture| Change::of(action, picture, status))?;
        Some(Arc::new(Self {
            context: Arc::clone(&pass.context),
            about: about(pass, Some(snapshot.client())),
            change,
            open: Mutex::default(),
        }))
    }

    /// A client whose writes this trail sees.
    pub(crate) fn client(self: &Arc<Self>, client: &Client) -> Client {
        client.witnessed(Arc::clone(self) as Arc<dyn Witness>)
    }

    /// Runs a call of that client and writes its line; `id` gets the id of a created object.
    pub(crate) async fn around<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
        id: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, Error> {
        self.context.audit.log.ready().map_err(|why| {
            let why = format!("the audit log cannot be written: {why}");
            Error::not_sent(why)
        })?;
        let result = call.await;
        if let Some(open) = self.take() {
            let made = result.as_ref().ok().and_then(id);
            self.write(&open, result.as_ref().err(), made);
        }
        result
    }

    fn write(&self, open: &Open, error: Option<&Error>, made: Option<String>) {
        let mut change = self.change.clone();
        change.id = change.id.or(made);
        let answer = open.answer.as_ref();
        let took = answer.map_or_else(|| open.began.elapsed(), |answer| answer.took);
        let write = Write {
            change: &change,
            method: &open.method,
            path: &open.path,
            result: Came {
                outcome: match error.map(Error::effect) {
                    None => "made",
                    Some(Effect::NotMade) => "notMade",
                    Some(Effect::Unknown) => "unknown",
                },
                status: answer.and_then(|answer| answer.status),
                reason: error.map(ToString::to_string),
            },
            tracking_id: answer.and_then(|answer| answer.tracking_id.as_deref()),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        };
        let sent = time::before(self.context.now(), open.began.elapsed());
        let line = Line {
            time: sent,
            what: What::Write(write),
            about: &self.about,
        };
        put(&self.context, &line);
    }

    fn take(&self) -> Option<Open> {
        self.lock().take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for Trail {
    fn sends(&self, method: &str, path: &str) {
        *self.lock() = Some(Open {
            method: method.to_owned(),
            path: path.to_owned(),
            began: Instant::now(),
            answer: None,
        });
    }

    fn ended(&self, ended: &Ended<'_>) {
        let Some(mut open) = self.take() else { return };
        if matches!(ended.error, Some(Error::NotSent { .. })) {
            return;
        }
        open.answer = Some(Answer {
            status: ended.status,
            tracking_id: ended.tracking_id.clone(),
            took: open.began.elapsed(),
        });
        if let Some(error) = ended.error {
            self.write(&open, Some(error), None);
        } else {
            *self.lock() = Some(open);
        }
    }
}

/// The call was dropped: the process ends, or the pass panicked.
impl Drop for Trail {
    fn drop(&mut self) {
        if let Some(open) = self.take() {
            let why = "given up before the answer was understood".to_owned();
            self.write(&open, Some(&Error::Unknown { why }), None);
        }
    }
}

/// Writes the line of a release before the finalizer is taken off: so no release lacks its line,
/// but a release that has to be repeated has several.
///
/// # Errors
/// Why no line can be written now. The resource must not be released then, as its status is all
/// that is known of the group.
pub(crate) fn release(pass: &Pass, release: &Release) -> Result<(), String> {
    let Some(what) = audit::release(release, pass.group.status.as_ref()) else {
        return Ok(());
    };
    pass.context.audit.log.ready()?;
    let snapshot = pass
        .tenant
        .as_ref()
        .and_then(|tenant| tenant.state().snapshot);
    let line = Line {
        time: pass.context.now(),
        what,
        about: &about(pass, snapshot.as_deref().map(Snapshot::client)),
    };
    put(&pass.context, &line);
    // A full volume shows only now. The line is kept for later, and the finalizer stays.
    pass.context.audit.log.ready()
}

fn put(context: &Context, line: &Line<'_>) {
    match serde_json::to_string(line) {
        Ok(line) => context.audit.log.write(&line),
        Err(error) => tracing::error!(%error, "a line of the audit trail cannot be made"),
    }
}

fn about(pass: &Pass, client: Option<&Client>) -> About {
    let (metadata, audit) = (&pass.group.metadata, &pass.context.audit);
    let namespace = pass.group.namespace().unwrap_or_default();
    let pinned = pass.group.status.as_ref();
    let pinned = pinned.and_then(|status| status.tenant.as_ref());
    let key = pass.tenant.as_ref().and_then(|tenant| tenant.state().key);
    let org = key.map(|key| key.org);
    About {
        resource: Resource {
            namespace: namespace.clone(),
            name: pass.group.name_any(),
            uid: pass.uid.clone(),
            generation: metadata.generation.unwrap_or_default(),
        },
        manager: audit::manager(metadata),
        annotations: audit::annotations(metadata, &audit.annotations),
        tenant: Tenant {
            namespace,
            name: pass.group.spec.tenant_ref.name.clone(),
            org: org.or_else(|| pinned.map(|tenant| tenant.org.clone())),
            host: client.map(|client| client.credentials().base_url.host().to_owned()),
        },
        operator: Operator {
            version: env!("CARGO_PKG_VERSION"),
            replica: audit.replica.clone(),
        },
    }
}
