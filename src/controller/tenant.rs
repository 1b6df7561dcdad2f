//! Keeps one tenant current: credentials, token, the regular read, and the tenant's own status.
//! Reads the tenant, never writes it.

pub mod in_use;
mod password_changes;
pub mod protect;
mod session;
pub mod status;

use std::{sync::Arc, time::Duration};

use psg_api::{IdentityTenant, annotations};
use psg_domain::time;
use psg_plan::{Brake, TenantState};
use tokio::time::Instant;

use crate::{
    context::{
        Context, backoff,
        tenant::{Tenant, forbidden},
    },
    kubernetes::KubeError,
    tenant::session::{Session, TroubleKind, read},
};

/// How long after a change of the claims the tenant's status is written with the new counts. At the
/// start of an operator thousands of groups change at once: one write covers all of them.
const COUNTED_AFTER: Duration = Duration::from_secs(2);

/// After so many intervals without an answer a tenant counts as unreachable.
const UNREACHABLE_AFTER: u32 = 5;

/// Runs until the tenant is gone or the process ends.
pub async fn run(tenant: Arc<Tenant>, context: Arc<Context>) {
    tokio::select! {
        biased;
        () = keep_current(&tenant, &context) => {}
        () = password_changes::run(&tenant, &context) => {}
    }
}

async fn keep_current(tenant: &Arc<Tenant>, context: &Arc<Context>) {
    let mut session = Session::default();
    let mut manifest = tenant.manifest.subscribe();
    let mut newest = Arc::clone(&manifest.borrow());
    let mut failures = 0;
    // Groups of an earlier process may need the finalizers before anything else is done.
    if let Err(error) = keep(context, tenant, &mut newest).await {
        tracing::warn!(tenant = %tenant.name, %error, "what its groups need of it could not be stored");
    }
    loop {
        let now = Arc::clone(&manifest.borrow_and_update());
        // `round` only reads, so nothing is lost if it is dropped when the process stops.
        let rest = tokio::select! {
            biased;
            () = context.stop.cancelled() => return,
            rest = round(tenant, context, &mut session, &now) => rest,
        };
        newest = status::store_tenant(context, tenant, &now, Some(newest)).await;
        let next = Instant::now() + rest;
        let mut told_at = None;
        loop {
            newest = status::newer(&manifest.borrow(), Some(newest));
            let again = match keep(context, tenant, &mut newest).await {
                Ok(()) => {
                    failures = 0;
                    next
                }
                Err(error) => {
                    tracing::warn!(tenant = %tenant.name, %error, "what its groups need of it could not be stored");
                    failures += 1;
                    next.min(Instant::now() + backoff::backoff(failures, (context.jitter)()))
                }
            };
            tokio::select! {
                biased;
                () = context.stop.cancelled() => return,
                () = tenant.gone.cancelled() => return,
                changed = manifest.changed() => if changed.is_err() { return } else {
                    session.read_at = None;
                    break
                },
                () = tenant.poked.notified() => {
                    session.read_at = None;
                    break
                },
                () = tokio::time::sleep_until(again) => if again == next { break },
                () = tenant.claimed.notified() => {
                    told_at.get_or_insert_with(|| Instant::now() + COUNTED_AFTER);
                },
                () = tokio::time::sleep_until(told_at.unwrap_or(next)), if told_at.is_some() => {
                    told_at = None;
                    newest = status::store_tenant(context, tenant, &now, Some(newest)).await;
                }
            }
        }
    }
}

/// Keeps what the groups need from being deleted: the IdentityTenant, then its Secret.
async fn keep(
    context: &Context,
    tenant: &Tenant,
    newest: &mut Arc<IdentityTenant>,
) -> Result<(), KubeError> {
    in_use::keep(context, tenant, newest).await?;
    protect::keep(context, tenant, newest).await
}

async fn round(
    tenant: &Arc<Tenant>,
    context: &Arc<Context>,
    session: &mut Session,
    manifest: &IdentityTenant,
) -> Duration {
    let acknowledged = annotations::acknowledged_until(&manifest.metadata);
    let started = context.now();
    let outcome = read(tenant, context, session, manifest).await;
    let now = context.now();
    let interval = tenant.state().interval;
    let mut failing = None;
    let (state, rest) = match outcome {
        Ok(state) => {
            session.failing_since = None;
            session.failures = 0;
            session.probe_at = None;
            let spent = time::until(started, now);
            let rest = match state {
                TenantState::Ready => {
                    let regular = interval.saturating_sub(spent);
                    let snapshot = tenant.state().snapshot;
                    let hidden = snapshot.and_then(|it| it.with(psg_domain::Picture::hidden_until));
                    let hidden = hidden.filter(|from| *from > now);
                    // A read from `hidden_until` on shows whether a group differs from our write.
                    hidden.map_or(regular, |from| regular.min(time::until(now, from)))
                }
                _ => context.settings.credentials_retry,
            };
            (state, rest)
        }
        Err(trouble) if trouble.kind == TroubleKind::Passing => {
            session.failures = session.failures.saturating_add(1);
            let since = *session.failing_since.get_or_insert(now);
            let lasting = time::until(since, now) >= interval.saturating_mul(UNREACHABLE_AFTER);
            let state = match tenant.state().tenant {
                TenantState::Pending | TenantState::Ready | TenantState::Unreachable(_)
                    if lasting =>
                {
                    TenantState::Unreachable(trouble.finding)
                }
                known => {
                    failing = Some(trouble.finding);
                    known
                }
            };
            // Try again within `interval`, so that the first answer is not missed by more than one
            // read, and at `shown_at`, so that `Unreachable` is set on time.
            let shown_at = time::after(since, interval.saturating_mul(UNREACHABLE_AFTER));
            let rest = match time::until(now, shown_at) {
                Duration::ZERO => interval,
                left => interval.min(left),
            };
            (state, trouble.again.min(rest))
        }
        Err(trouble) => {
            session.failing_since = None;
            (TenantState::Blocked(trouble.finding), trouble.again)
        }
    };
    let changed = tenant.update(|known| {
        known.tenant = match (&state, known.forbidden(now)) {
            (TenantState::Ready | TenantState::Withdrawn(_), Some(message)) => {
                TenantState::Blocked(forbidden(message, known.user.as_deref()))
            }
            _ => state,
        };
        known.acknowledged_until = acknowledged;
        known.brake = brake(manifest);
        known.failing = failing;
    });
    if changed {
        context.requeue_members(&tenant.name);
    }
    rest
}

fn brake(manifest: &IdentityTenant) -> Brake {
    let spec = &manifest.spec.deletion_brake;
    Brake::of(spec.max, spec.percent)
}
