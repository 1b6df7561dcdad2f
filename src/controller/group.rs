//! One pass over one resource: drives the engine of `plan`.
//!
//! # Flow
//! observe → { decide → carry out one move → tell the engine how it ended } → report.
//!
//! # Guarantees
//! - No write to a tenant, and no release, is decided on a version of the resource that was not
//!   read or written live in this pass: the watch may show a new finalizer with an old status.
//! - A created group is kept in the engine until its id is stored, whatever Kubernetes answers.
//! - A pass ends: it carries out no more than [`MOST_MOVES`] moves.

pub(crate) mod claims;
mod events;
mod execute;
pub(crate) mod pass;
pub mod status;
mod trail;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::ResourceExt;
use psg_api::{IdentityTenant, PasswordSyncGroup, annotations, names};
use psg_domain::{ConditionType, TenantName, time};
use psg_plan::{
    Action, Basis, Claimant, Condition, Decision, Memory, Next, Observation, Pace, Reason, Report,
    TenantState, TenantView, What,
};

use tokio::sync::Semaphore;

use crate::{
    context::{Context, backoff, metrics::PassResult, resource_states::PermitKind, tenant},
    group::{
        claims::{claimant, claims_of, object, tenant_of},
        pass::Pass,
    },
    kubernetes::{KubeError, Note, conditions::reason, version},
};

/// The most moves of one pass; a deletion of a hundred sources takes about three hundred.
const MOST_MOVES: usize = 1000;

/// Why a pass has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kubernetes did not do what the pass needs.
    #[error("{0}")]
    Kubernetes(#[from] KubeError),
    /// The stored status cannot be read, so nothing is decided on it.
    #[error("the stored status cannot be read: {0}")]
    Status(String),
    /// The audit line of a release cannot be written, so the finalizer stays.
    #[error("the audit log cannot be written: {0}")]
    Untold(String),
    /// The pass did not come to an end.
    #[error("the pass did not come to an end after {MOST_MOVES} moves")]
    Endless,
    /// A defect of the operator; the panic itself went to standard error.
    #[error("the pass panicked, which is a defect of the operator; it is tried again")]
    Panicked,
}

/// How a write of the finalizers ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finalizers {
    /// They are stored.
    Stored,
    /// The resource is gone: there is nothing left to do for it.
    Gone,
    /// The resource has changed and was read again: the pass decides again.
    Undecided,
}

/// Runs one pass; returns after which time to requeue the resource even if nothing changes.
///
/// The state is taken here and not at the first poll: in between, the watch may show the version in
/// `newest`, and `newest` is then dropped although `group` is still older.
///
/// # Errors
/// See [`Error`]; the pass is tried again after a while.
pub fn reconcile(
    group: Arc<PasswordSyncGroup>,
    context: Arc<Context>,
) -> impl Future<Output = Result<Option<Duration>, Error>> + Send {
    let uid = group.uid().unwrap_or_default();
    let state = context.resource_states.take(&uid);
    // `newest` is used until the watch shows that version, however many passes that takes.
    let newest = state.newest.clone();
    let newest = newest.filter(|newest| version(&newest.metadata) > version(&group.metadata));
    let permit = context.resource_states.accept(&uid);
    let pass = Pass {
        context,
        tenant: None,
        group: newest.unwrap_or(group),
        uid,
        state,
        fresh: false,
        acted: false,
        basis: Basis::default(),
        permit,
    };
    carry_out(pass)
}

async fn carry_out(mut pass: Pass) -> Result<Option<Duration>, Error> {
    tokio::select! {
        biased;
        () = pass.context.stop.cancelled() => {}
        () = pass.context.readiness.tenants_listed() => {}
    }
    pass.asked_to_read();
    let result = pass.run().await;
    let Pass {
        mut state,
        context,
        uid,
        acted,
        ..
    } = pass;
    state.failures = match &result {
        // A pass that runs before the wait is over is no new failure: a backoff that is measured
        // from the time of sending would grow as fast as the time that passes.
        Ok((_, PassResult::Retrying)) if !acted => state.failures,
        Ok((_, PassResult::InLine)) => state.failures,
        Ok((_, PassResult::Retrying)) | Err(_) => state.failures.saturating_add(1),
        Ok(_) => 0,
    };
    let ended = result.as_ref();
    context
        .metrics
        .pass(ended.map_or(PassResult::Error, |(_, result)| *result));
    context.resource_states.put(&uid, state);
    result.map(|(again, _)| again)
}

impl Pass {
    async fn run(&mut self) -> Result<(Option<Duration>, PassResult), Error> {
        for _ in 0..MOST_MOVES {
            // A record that could not be stored yet stays announced: to withdraw and announce it
            // again would requeue the rivals, and their passes would requeue this resource, in an
            // endless loop.
            if self
                .state
                .announced
                .is_none_or(|of| Some(of) != version(&self.group.metadata))
            {
                self.claim();
            }
            let now = self.context.now();
            let Decision {
                next,
                report,
                requeue_at,
                basis,
            } = self.decide(now)?;
            self.basis = basis.unwrap_or_default();
            let stopping = self.context.stop.is_cancelled();
            let answered = self.state.engine.holds_a_made_group();
            match next {
                // A stopping process begins nothing new, but still records a group that was made.
                Next::Do(_) | Next::Refresh { .. } if stopping && !answered => {
                    return Ok((None, PassResult::Stopping));
                }
                next if leads_to_a_write(&next) && !self.has_permit() => {
                    self.state.engine.forget_outcome();
                    return Ok((None, PassResult::InLine));
                }
                Next::Do(Action::Record(memory)) => {
                    if let Some(report) = report {
                        self.record(memory, &report).await?;
                    }
                }
                Next::Do(action) => {
                    if action.needs_live_resource() && !self.fresh {
                        self.reread().await?;
                        continue;
                    }
                    if self.action(action, now).await? {
                        self.context.resource_states.forget(&self.uid);
                        return Ok((None, PassResult::Released));
                    }
                }
                Next::Refresh { what, newer_than } => {
                    self.acted = true;
                    let stop = self.context.stop.clone();
                    tokio::select! {
                        biased;
                        () = stop.cancelled(), if !answered => return Ok((None, PassResult::Stopping)),
                        () = execute::refresh(self, &what, newer_than, now) => {}
                    }
                }
                ended => {
                    if let Some(report) = report
                        && !self.report(&report).await?
                    {
                        continue;
                    }
                    return Ok(self.end(&ended, requeue_at, now));
                }
            }
        }
        Err(Error::Endless)
    }

    /// Asks the engine for a decision, over the resource, tenant and claims as they are now.
    fn decide(&mut self, now: Timestamp) -> Result<Decision, Error> {
        let group = &self.group;
        let spec = group.spec.desired().map_err(|error| error.to_string());
        let recorded = match &group.status {
            Some(status) => status
                .recorded()
                .map_err(|error| Error::Status(error.to_string()))?,
            None => psg_domain::Recorded::default(),
        };
        self.state.engine.follow(&recorded, now);
        let object = object(group);
        let tenant_name = tenant_of(group);
        self.tenant = self.context.tenants.get(&tenant_name);
        let claims = self.context.claims();
        let backoff = backoff::backoff(self.state.failures, (self.context.jitter)());
        let decide = |tenant: TenantView, picture: &psg_domain::Picture| {
            let seen = Observation {
                object,
                desired: spec,
                recorded,
                tenant,
                picture,
                claims: &claims,
                timers: self.context.settings.timers,
                backoff,
            };
            self.state.engine.decide(seen, now)
        };
        Ok(match &self.tenant {
            Some(tenant) => tenant.look(&claims, decide),
            None => decide(
                no_tenant(&self.context, &tenant_name),
                &psg_domain::Picture::default(),
            ),
        })
    }

    /// Whether this pass may go on to write the tenant. If not, the resource is queued, and
    /// requeued when it gets a permit: a pass that waits would delay other passes.
    fn has_permit(&mut self) -> bool {
        let Some(tenant) = self.tenant.as_ref().filter(|_| self.permit.is_none()) else {
            return true;
        };
        let status = self.group.status.as_ref();
        let has_group = status.is_some_and(|status| status.group_id.is_some());
        let deleting = self.group.metadata.deletion_timestamp.is_some();
        let kind = if has_group || deleting {
            PermitKind::Changing
        } else {
            PermitKind::Creating
        };
        let permits = match kind {
            PermitKind::Changing => &tenant.changing,
            PermitKind::Creating => &tenant.creating,
        };
        self.permit = Arc::clone(permits).try_acquire_owned().ok();
        if self.permit.is_none() && self.context.resource_states.enqueue(&self.uid, kind) {
            let (context, uid) = (Arc::clone(&self.context), self.uid.clone());
            tokio::spawn(offer_permit(context, uid, Arc::clone(permits)));
        }
        self.permit.is_some()
    }

    /// Stores a record. After a conflict, reads the resource and lets the pass decide again; a
    /// group that was made is kept in the engine.
    async fn record(&mut self, memory: Memory, report: &Report) -> Result<(), Error> {
        // Other resources may decide before this record is stored, so the claims announce it.
        if matches!(
            memory,
            Memory::Intent(_) | Memory::Update(..) | Memory::Group(..)
        ) && let Some(claimant) = claims_of(&self.group, &report.recorded, self.context.now())
        {
            self.state.announced = version(&self.group.metadata);
            self.enter(claimant.announced());
        }
        let before = self.said();
        match status::store(&self.context, &self.group, report).await {
            Ok(stored) => {
                self.hold(stored);
                self.state.engine.recorded(&memory);
                execute::tell_recorded(self, &memory).await;
                // The report at the end of the pass will find nothing new, so the Event is made
                // here.
                self.tell_news(&before, report).await;
                Ok(())
            }
            Err(error) => self.lost(error).await,
        }
    }

    /// Carries out an action; true if the resource is gone, or released for its deletion.
    async fn action(&mut self, action: Action, now: Timestamp) -> Result<bool, Error> {
        match action {
            Action::HoldFinalizer => {
                let mut finalizers = self.group.finalizers().to_vec();
                finalizers.push(names::FINALIZER.to_owned());
                return Ok(self.finalizers(finalizers).await? == Finalizers::Gone);
            }
            Action::ReleaseFinalizer(release) => {
                let held = self.group.finalizers().iter();
                let others = held
                    .filter(|held| *held != names::FINALIZER)
                    .cloned()
                    .collect();
                let deleting = self.group.metadata.deletion_timestamp.is_some();
                let note = self.note_of(&release);
                trail::release(self, &release).map_err(Error::Untold)?;
                if self.finalizers(others).await? != Finalizers::Undecided {
                    if let Some(note) = note {
                        self.tell(note).await;
                    }
                    if release.kind == psg_plan::ReleaseKind::Orphaned {
                        self.context.metrics.orphan();
                        tracing::warn!(
                            uid = self.uid,
                            ?release,
                            "a group was left in the tenant on request"
                        );
                    }
                    return Ok(deleting);
                }
            }
            action => {
                self.acted = true;
                execute::write(self, &action, now).await;
            }
        }
        Ok(false)
    }

    fn note_of(&self, release: &psg_plan::Release) -> Option<Note> {
        let status = self.group.status.as_ref();
        let tenant = self.tenant.as_ref();
        match tenant.and_then(|tenant| tenant.state().snapshot) {
            Some(known) => known.with(|picture| events::released(release, status, picture)),
            None => events::released(release, status, &psg_domain::Picture::default()),
        }
    }

    /// Replaces the finalizers.
    async fn finalizers(&mut self, finalizers: Vec<String>) -> Result<Finalizers, Error> {
        match self
            .context
            .kubernetes
            .set_finalizers(&self.group, finalizers)
            .await
        {
            Ok(stored) => {
                self.hold(Arc::new(stored));
                self.state.engine.finalized();
                Ok(Finalizers::Stored)
            }
            Err(KubeError::Gone) => Ok(Finalizers::Gone),
            Err(error) => {
                self.lost(error).await?;
                Ok(Finalizers::Undecided)
            }
        }
    }

    /// Stores the report of a pass that ended; false if it must be decided again.
    async fn report(&mut self, report: &Report) -> Result<bool, Error> {
        let before = self.said();
        match status::store(&self.context, &self.group, report).await {
            Ok(stored) => {
                self.hold(stored);
                self.state.announced = None;
                self.claim();
                self.tell_news(&before, report).await;
                Ok(true)
            }
            Err(KubeError::Gone) => Ok(true),
            Err(error) => self.lost(error).await.map(|()| false),
        }
    }

    /// The reason that the stored status gives, and the generation that it is about.
    fn said(&self) -> (Option<String>, Option<i64>) {
        let status = self.group.status.as_ref();
        let reason = status.and_then(|known| reason(&known.conditions));
        (
            reason.map(str::to_owned),
            status.map(|known| known.observed_generation),
        )
    }

    /// Makes an Event if something needs a person and the stored status did not say so before.
    async fn tell_news(&self, before: &(Option<String>, Option<i64>), report: &Report) {
        let (reason, generation) = before;
        let refused = |ready: &Condition| {
            ready.reason == Reason::Refused.as_str()
                && *generation != report.recorded.observed_generation
        };
        let news =
            ready(report).filter(|ready| reason.as_deref() != Some(ready.reason) || refused(ready));
        if let Some(note) = news.and_then(Note::warning) {
            self.tell(note).await;
        }
    }

    fn end(
        &mut self,
        ended: &Next,
        requeue_at: Option<Timestamp>,
        now: Timestamp,
    ) -> (Option<Duration>, PassResult) {
        let pace = self.state.engine.pace(ended);
        self.state.engine.forget_outcome();
        let until = match ended {
            Next::Wait { until, .. } => Some(*until),
            _ => None,
        };
        let probe = match pace {
            Pace::Stalled { unseen: true } => Some(time::after(now, self.context.settings.probe)),
            _ => None,
        };
        let gives_way = match pace {
            Pace::Stalled { .. } => status::reserves_until(&self.group, now),
            _ => None,
        };
        let again = [requeue_at, until, probe, gives_way];
        let again = again.into_iter().flatten().min();
        let after = again.map(|at| time::until(now, at).max(Duration::from_millis(1)));
        let result = match pace {
            Pace::Settled => PassResult::Settled,
            Pace::Stalled { .. } => PassResult::Stalled,
            Pace::Paused => PassResult::Paused,
            Pace::Waiting => PassResult::Waiting,
            Pace::Retrying => PassResult::Retrying,
        };
        (after, result)
    }

    /// After a conflict: reads what is stored, to decide again. Any other error ends the pass.
    async fn lost(&mut self, error: KubeError) -> Result<(), Error> {
        if error != KubeError::Conflict {
            return Err(error.into());
        }
        self.state.engine.forget_outcome();
        self.reread().await
    }

    async fn reread(&mut self) -> Result<(), Error> {
        let namespace = self.group.namespace().unwrap_or_default();
        let live = self
            .context
            .kubernetes
            .group(&namespace, &self.group.name_any())
            .await?;
        if live.uid().as_deref() != Some(&self.uid) {
            return Err(KubeError::Gone.into());
        }
        self.group = Arc::new(live);
        self.fresh = true;
        Ok(())
    }

    /// Goes on with the object that our own write returned: the newest version there is.
    fn hold(&mut self, stored: Arc<PasswordSyncGroup>) {
        if Arc::ptr_eq(&stored, &self.group) {
            return;
        }
        self.group = Arc::clone(&stored);
        self.state.newest = Some(stored);
        self.fresh = true;
    }

    /// Updates the claims to the version of the resource that this pass holds.
    fn claim(&self) {
        if let Some(claimant) = claimant(&self.group, self.context.now()) {
            self.enter(claimant);
        }
    }

    /// A resource that was deleted since this pass began is not registered again.
    fn enter(&self, claimant: Claimant) {
        if self.context.resource_states.is_in_pass(&self.uid) {
            self.context.claim(claimant);
        }
    }

    fn asked_to_read(&mut self) {
        let asked = annotations::annotation(&self.group.metadata, names::RECONCILE_AT).cloned();
        if asked.is_some() && asked != self.state.reconcile_at {
            if let Some(tenant) = self.context.tenants.get(&tenant_of(&self.group)) {
                tenant.poked.notify_one();
            }
            // Sources that the engine put off until a later time are tried at once.
            self.state.engine.retry_sources();
        }
        self.state.reconcile_at = asked;
    }
}

/// Waits until a permit is free, offers it to the resource and requeues the resource.
async fn offer_permit(context: Arc<Context>, uid: String, permits: Arc<Semaphore>) {
    let permit = tokio::select! {
        biased;
        () = context.stop.cancelled() => return,
        permit = permits.acquire_owned() => permit,
    };
    if let Ok(permit) = permit {
        context.resource_states.offer(&uid, permit);
        context.requeue.now(&context.claims(), [&uid]);
    }
}

/// Whether a step needs a permit: the writes of a tenant, and the reads and records that precede
/// one.
fn leads_to_a_write(next: &Next) -> bool {
    match next {
        Next::Refresh { what, .. } => matches!(what, What::Holders(_) | What::Group(_)),
        Next::Do(Action::Record(memory)) => {
            matches!(
                memory,
                Memory::Intent(_) | Memory::Update(..) | Memory::Deletion(_)
            )
        }
        Next::Do(action) => !matches!(action, Action::HoldFinalizer | Action::ReleaseFinalizer(_)),
        _ => false,
    }
}

fn ready(report: &Report) -> Option<&Condition> {
    let mut conditions = report.conditions.iter();
    conditions.find(|condition| condition.kind == ConditionType::Ready)
}

fn no_tenant(context: &Context, name: &TenantName) -> TenantView {
    let unreadable = context.unreadable.why::<IdentityTenant>(&name.to_string());
    let finding = match unreadable {
        Some(why) => tenant::unreadable(name, &why),
        None => tenant::not_found(name),
    };
    TenantView::of(TenantState::Blocked(finding), None)
}
