//! One pass over one resource: drives the engine of `plan`.
//!
//! # Flow
//! observe → { decide → carry out one move → tell the engine how it ended } → report.
//!
//! # Guarantees
//! - No write to a tenant, and no release, is decided on a version of the resource that was not
//!   read or written live in this pass: the watch may show a new finalizer with an old status.
//! - A group that was made is remembered until its id is stored, whatever Kubernetes answers.
//! - A pass ends: it carries out no more than [`MOST_MOVES`] moves.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::ResourceExt;
use psg_api::{IdentityTenant, PasswordSyncGroup, PasswordSyncGroupStatus, annotations, names};
use psg_domain::time;
use psg_plan::{
    Basis, Brake, Claimant, Condition, Decision, Going, InUse, Memory, Move, Object, Observation,
    Reason, Report, Step, TenantState, TenantView, What,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    act,
    context::Context,
    events,
    mind::{self, Line, Mind},
    ports::KubeError,
    status,
    tenant::{self, Tenant},
    trail,
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
    /// The resource is not let go before that is told.
    #[error("the audit log cannot be written: {0}")]
    Untold(String),
    /// The pass did not come to an end.
    #[error("the pass did not come to an end after {MOST_MOVES} moves")]
    Endless,
    /// A defect of the operator; the panic itself went to standard error.
    #[error("the pass panicked, which is a defect of the operator; it is tried again")]
    Panicked,
}

/// One pass in progress.
pub(crate) struct Pass {
    pub context: Arc<Context>,
    pub group: Arc<PasswordSyncGroup>,
    pub uid: String,
    pub tenant: Option<Arc<Tenant>>,
    pub mind: Mind,
    /// The resource was read or written live in this pass.
    fresh: bool,
    /// The tenant was asked for something in this pass.
    acted: bool,
    /// What the last write was decided on.
    pub basis: Basis,
    /// The right to write the tenant, for the rest of this pass.
    place: Option<OwnedSemaphorePermit>,
}

/// What became of a write to the finalizers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finalizers {
    /// They are stored.
    Stored,
    /// The resource is gone: there is nothing left to do for it.
    Gone,
    /// The resource has changed, and was read again: decide anew.
    Undecided,
}

/// Runs one pass, and says after which time to look again even if nothing changes.
///
/// The memory is taken now and not when the pass first runs: the watch may bring a newer version
/// in between, and what it brings ends the memory of ours.
///
/// # Errors
/// See [`Error`]; the pass is tried again after a while.
pub fn reconcile(
    group: Arc<PasswordSyncGroup>,
    context: Arc<Context>,
) -> impl Future<Output = Result<Option<Duration>, Error>> + Send {
    let uid = group.uid().unwrap_or_default();
    let mind = context.minds.take(&uid);
    // Kept until the watch shows it, however many passes that takes.
    let newest = mind.newest.clone();
    let newest =
        newest.filter(|newest| mind::version(&newest.metadata) > mind::version(&group.metadata));
    let place = context.minds.accept(&uid);
    let pass = Pass {
        context,
        tenant: None,
        group: newest.unwrap_or(group),
        uid,
        mind,
        fresh: false,
        acted: false,
        basis: Basis::default(),
        place,
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
        mut mind,
        context,
        uid,
        acted,
        ..
    } = pass;
    mind.failures = match &result {
        // Looking again before it is time is no new failure: waits that are measured from what
        // was sent would grow as fast as the time that passes.
        Ok((_, "retrying")) if !acted => mind.failures,
        Ok((_, "in_line")) => mind.failures,
        Ok((_, "retrying")) | Err(_) => mind.failures.saturating_add(1),
        Ok(_) => 0,
    };
    context
        .metrics
        .pass(result.as_ref().map_or("error", |(_, result)| result));
    context.minds.put(&uid, mind);
    result.map(|(again, _)| again)
}

impl Pass {
    async fn run(&mut self) -> Result<(Option<Duration>, &'static str), Error> {
        for _ in 0..MOST_MOVES {
            // A record that could not be stored yet stays announced: taking it back and announcing it
            // again would wake its rivals, and theirs this one, without a pause.
            if self
                .mind
                .announced
                .is_none_or(|of| Some(of) != mind::version(&self.group.metadata))
            {
                self.claim();
            }
            let now = self.context.now();
            let Decision {
                next,
                report,
                wake,
                basis,
            } = self.decide(now)?;
            self.basis = basis.unwrap_or_default();
            let stopping = self.context.stop.is_cancelled();
            let answered = self.mind.engine.holds_a_made_group();
            match next {
                // A write that was answered is still stored; nothing new is begun.
                Move::Do(_) | Move::Refresh { .. } if stopping && !answered => {
                    return Ok((None, "stopping"));
                }
                next if leads_to_a_write(&next) && !self.has_place() => {
                    self.mind.engine.forget_outcome();
                    return Ok((None, "in_line"));
                }
                Move::Do(Step::Record(memory)) => {
                    if let Some(report) = report {
                        self.record(memory, &report).await?;
                    }
                }
                Move::Do(step) => {
                    if step.needs_live_resource() && !self.fresh {
                        self.reread().await?;
                        continue;
                    }
                    if self.step(step, now).await? {
                        self.context.minds.forget(&self.uid);
                        return Ok((None, "released"));
                    }
                }
                Move::Refresh { what, newer_than } => {
                    self.acted = true;
                    let stop = self.context.stop.clone();
                    tokio::select! {
                        biased;
                        () = stop.cancelled(), if !answered => return Ok((None, "stopping")),
                        () = act::refresh(self, &what, newer_than, now) => {}
                    }
                }
                ended => {
                    if let Some(report) = report
                        && !self.report(&report).await?
                    {
                        continue;
                    }
                    return Ok(self.end(&ended, wake, now));
                }
            }
        }
        Err(Error::Endless)
    }

    /// Asks the plan, over everything as it is now.
    fn decide(&mut self, now: Timestamp) -> Result<Decision, Error> {
        let group = &self.group;
        let spec = group.spec.desired().map_err(|error| error.to_string());
        let recorded = match &group.status {
            Some(status) => status
                .recorded()
                .map_err(|error| Error::Status(error.to_string()))?,
            None => psg_domain::Recorded::default(),
        };
        self.mind.engine.follow(&recorded, now);
        let object = object(group);
        let tenant_name = format!("{}/{}", object.namespace, group.spec.tenant_ref.name);
        self.tenant = self.context.tenants.get(&tenant_name);
        let claims = self.context.claims();
        let backoff = mind::backoff(self.mind.failures, (self.context.jitter)());
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
            self.mind.engine.decide(seen, now)
        };
        Ok(match &self.tenant {
            Some(tenant) => tenant.look(&claims, decide),
            None => decide(
                no_tenant(&self.context, &tenant_name),
                &psg_domain::Picture::default(),
            ),
        })
    }

    /// Whether this pass may go on to write the tenant. If not, the resource stands in line, and
    /// is woken when its turn comes: a pass that waited would hold up others meanwhile.
    fn has_place(&mut self) -> bool {
        let Some(tenant) = self.tenant.as_ref().filter(|_| self.place.is_none()) else {
            return true;
        };
        let status = self.group.status.as_ref();
        let has_group = status.is_some_and(|status| status.group_id.is_some());
        let deleting = self.group.metadata.deletion_timestamp.is_some();
        let line = if has_group || deleting {
            Line::Changing
        } else {
            Line::Creating
        };
        let places = match line {
            Line::Changing => &tenant.changing,
            Line::Creating => &tenant.creating,
        };
        self.place = Arc::clone(places).try_acquire_owned().ok();
        if self.place.is_none() && self.context.minds.stand_in_line(&self.uid, line) {
            let (context, uid) = (Arc::clone(&self.context), self.uid.clone());
            tokio::spawn(call(context, uid, Arc::clone(places)));
        }
        self.place.is_some()
    }

    /// Stores a memory; a conflict means to read and decide again, with the answer kept.
    async fn record(&mut self, memory: Memory, report: &Report) -> Result<(), Error> {
        // Somebody else may decide while this is on its way.
        if matches!(
            memory,
            Memory::Intent(_) | Memory::Update(..) | Memory::Group(..)
        ) && let Some(claimant) = claims_of(&self.group, &report.recorded, self.context.now())
        {
            self.mind.announced = mind::version(&self.group.metadata);
            self.enter(claimant.announced());
        }
        let before = self.said();
        match status::store(&self.context, &self.group, report).await {
            Ok(stored) => {
                self.hold(stored);
                self.mind.engine.recorded(&memory);
                act::tell_recorded(self, &memory).await;
                // The report at the end of the pass says nothing new then.
                self.tell_news(&before, report).await;
                Ok(())
            }
            Err(error) => self.lost(error).await,
        }
    }

    /// Carries out a step; true if the resource is let go for good.
    async fn step(&mut self, step: Step, now: Timestamp) -> Result<bool, Error> {
        match step {
            Step::HoldFinalizer => {
                let mut finalizers = self.group.finalizers().to_vec();
                finalizers.push(names::FINALIZER.to_owned());
                return Ok(self.finalizers(finalizers).await? == Finalizers::Gone);
            }
            Step::ReleaseFinalizer(farewell) => {
                let held = self.group.finalizers().iter();
                let others = held
                    .filter(|held| *held != names::FINALIZER)
                    .cloned()
                    .collect();
                let deleting = self.group.metadata.deletion_timestamp.is_some();
                let note = self.farewell(&farewell);
                trail::farewell(self, &farewell).map_err(Error::Untold)?;
                if self.finalizers(others).await? != Finalizers::Undecided {
                    if let Some(note) = note {
                        self.tell(note).await;
                    }
                    if farewell.kind == psg_plan::FarewellKind::Orphaned {
                        self.context.metrics.orphan();
                        tracing::warn!(
                            uid = self.uid,
                            ?farewell,
                            "a group was left in the tenant on request"
                        );
                    }
                    return Ok(deleting);
                }
            }
            step => {
                self.acted = true;
                act::write(self, &step, now).await;
            }
        }
        Ok(false)
    }

    fn farewell(&self, farewell: &psg_plan::Farewell) -> Option<crate::ports::Note> {
        let status = self.group.status.as_ref();
        let tenant = self.tenant.as_ref();
        match tenant.and_then(|tenant| tenant.state().snapshot) {
            Some(known) => known.with(|picture| events::farewell(farewell, status, picture)),
            None => events::farewell(farewell, status, &psg_domain::Picture::default()),
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
                self.mind.engine.finalized();
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
                self.mind.announced = None;
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
        let reason = status.and_then(|known| status::reason(&known.conditions));
        (
            reason.map(str::to_owned),
            status.map(|known| known.observed_generation),
        )
    }

    /// An Event, if something needs a person and was not said before.
    async fn tell_news(&self, before: &(Option<String>, Option<i64>), report: &Report) {
        let (reason, generation) = before;
        let refused = |ready: &Condition| {
            ready.reason == Reason::Refused.as_str()
                && *generation != report.recorded.observed_generation
        };
        let news =
            ready(report).filter(|ready| reason.as_deref() != Some(ready.reason) || refused(ready));
        if let Some(note) = news.and_then(events::warning) {
            self.tell(note).await;
        }
    }

    fn end(
        &mut self,
        ended: &Move,
        wake: Option<Timestamp>,
        now: Timestamp,
    ) -> (Option<Duration>, &'static str) {
        let wait = |until| Some(time::until(now, until).max(Duration::from_millis(1)));
        let setback = self.mind.engine.failed();
        self.mind.engine.forget_outcome();
        match ended {
            Move::Wait { until, why } => {
                let result = if why.reason == Reason::Paused {
                    "paused"
                } else {
                    "waiting"
                };
                // Under whatever reason it is said: repeats that fail are spaced out.
                let retrying =
                    setback || self.mind.engine.is_unconfirmed() || why.reason == Reason::Retrying;
                let until = wake.map_or(*until, |wake| wake.min(*until));
                (wait(until), if retrying { "retrying" } else { result })
            }
            Move::Stalled(why) => {
                // The tenant's pages do not show holders: only another look tells that they were mended.
                let unseen = matches!(
                    why.reason,
                    Reason::PolicyExceptions | Reason::UnexpectedAnswer
                );
                let look = unseen.then(|| time::after(now, self.context.settings.probe));
                let gives_way = status::reserves_until(&self.group, now);
                let wake = [wake, look, gives_way].into_iter().flatten().min();
                (wake.and_then(wait), "stalled")
            }
            _ => (wake.and_then(wait), "settled"),
        }
    }

    /// After a refused write to Kubernetes: read what is stored and decide again.
    async fn lost(&mut self, error: KubeError) -> Result<(), Error> {
        if error != KubeError::Conflict {
            return Err(error.into());
        }
        self.mind.engine.forget_outcome();
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

    /// Takes over what our own write answered: the newest version there is.
    fn hold(&mut self, stored: Arc<PasswordSyncGroup>) {
        if Arc::ptr_eq(&stored, &self.group) {
            return;
        }
        self.group = Arc::clone(&stored);
        self.mind.newest = Some(stored);
        self.fresh = true;
    }

    /// Keeps the claims as new as what this pass knows.
    fn claim(&self) {
        if let Some(claimant) = claimant(&self.group, self.context.now()) {
            self.enter(claimant);
        }
    }

    /// A resource that was deleted since this pass began is not entered again.
    fn enter(&self, claimant: Claimant) {
        if self.context.minds.is_in_pass(&self.uid) {
            self.context.claim(claimant);
        }
    }

    fn asked_to_read(&mut self) {
        let asked = annotations::annotation(&self.group.metadata, names::RECONCILE_AT).cloned();
        if asked.is_some() && asked != self.mind.reconcile_at {
            let namespace = self.group.namespace().unwrap_or_default();
            let tenant = format!("{namespace}/{}", self.group.spec.tenant_ref.name);
            if let Some(tenant) = self.context.tenants.get(&tenant) {
                tenant.poked.notify_one();
            }
            // What is put off until a time is tried at once.
            self.mind.engine.retry_sources();
        }
        self.mind.reconcile_at = asked;
    }

    pub(crate) async fn tell(&self, note: crate::ports::Note) {
        let about = kube::Resource::object_ref(&*self.group, &());
        tracing::info!(
            namespace = about.namespace,
            name = about.name,
            reason = note.reason,
            "{}",
            note.text
        );
        self.context.kubernetes.event(&about, note).await;
    }
}

/// Waits until a place is free, offers it to a resource and wakes it.
async fn call(context: Arc<Context>, uid: String, places: Arc<Semaphore>) {
    let place = tokio::select! {
        biased;
        () = context.stop.cancelled() => return,
        place = places.acquire_owned() => place,
    };
    if let Ok(place) = place {
        context.minds.offer(&uid, place);
        context.wakes.wake(&context.claims(), [&uid]);
    }
}

/// What a pass does on its way to a write of the tenant, and what may take as long.
fn leads_to_a_write(next: &Move) -> bool {
    match next {
        Move::Refresh { what, .. } => matches!(what, What::Holders(_) | What::Group(_)),
        Move::Do(Step::Record(memory)) => {
            matches!(
                memory,
                Memory::Intent(_) | Memory::Update(..) | Memory::Deletion(_)
            )
        }
        Move::Do(step) => !matches!(step, Step::HoldFinalizer | Step::ReleaseFinalizer(_)),
        _ => false,
    }
}

fn ready(report: &Report) -> Option<&Condition> {
    let mut conditions = report.conditions.iter();
    conditions.find(|condition| condition.kind == "Ready")
}

/// What a resource claims; none for one that has no UID.
pub fn claimant(group: &PasswordSyncGroup, now: Timestamp) -> Option<Claimant> {
    let status = group.status.as_ref();
    let recorded = status.map(PasswordSyncGroupStatus::recorded_or_held);
    claims_of(group, &recorded.unwrap_or_default(), now)
}

fn claims_of(
    group: &PasswordSyncGroup,
    recorded: &psg_domain::Recorded,
    now: Timestamp,
) -> Option<Claimant> {
    if group.metadata.uid.is_none() || group.metadata.namespace.is_none() {
        return None;
    }
    let object = object(group);
    let created = group.creation_timestamp();
    let desired = group.spec.desired().ok();
    let claimant = Claimant::of(
        &object,
        created.map_or(Timestamp::MAX, |time| time.0),
        format!("{}/{}", object.namespace, group.spec.tenant_ref.name),
        desired.as_ref(),
        recorded,
        now,
    );
    let going = if object.deleting {
        Going::of(desired.as_ref(), recorded, status::is_held_back(group))
    } else {
        Going::Not
    };
    let claimant = claimant
        .going(going)
        .hindered(status::is_hindered(group, now));
    Some(claimant.of_version(mind::version(&group.metadata)))
}

/// The resource's metadata, as decisions see it.
pub(crate) fn object(group: &PasswordSyncGroup) -> Object {
    Object {
        uid: group.uid().unwrap_or_default(),
        namespace: group.namespace().unwrap_or_default(),
        name: group.name_any(),
        generation: group.metadata.generation.unwrap_or_default(),
        deleting: group.metadata.deletion_timestamp.is_some(),
        finalizer: holds_finalizer(group),
        paused_until: annotations::paused_until(&group.metadata),
        unreadable_pause: annotations::unreadable_pause(&group.metadata),
        reconcile_at: annotations::reconcile_at(&group.metadata),
    }
}

/// Whether our finalizer is on the resource.
pub fn holds_finalizer(group: &PasswordSyncGroup) -> bool {
    let mut finalizers = group.finalizers().iter();
    finalizers.any(|held| held == names::FINALIZER)
}

fn no_tenant(context: &Context, name: &str) -> TenantView {
    let unreadable = context.unreadable.why::<IdentityTenant>(name);
    let finding = match unreadable {
        Some(why) => tenant::unreadable(name, &why),
        None => tenant::not_found(name),
    };
    TenantView {
        state: TenantState::Blocked(finding),
        key: None,
        interval: Duration::from_mins(1),
        credentials: String::new(),
        vanished: None,
        acknowledged_until: None,
        brake: Brake::default(),
        in_use: InUse::No,
    }
}
