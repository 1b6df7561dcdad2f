//! Reads what the audit events of a tenant tell of password changes, if its manifest asks for that:
//! one search in each period, in the lowest lane, apart from the regular read. Reads the tenant, never
//! writes it, and holds nothing else up.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use psg_api::IdentityTenant;
use psg_domain::{Changes, Failures, password_changes, time};
use psg_identity::{Error, Lane, PasswordEvents};
use psg_plan::{FAILURES_WINDOW, PasswordChanges, TenantState};
use psg_snapshot::Snapshot;
use tokio::sync::watch;

use crate::{
    context::{Context, tenant::Tenant},
    kubernetes::Note,
};

/// How far apart the two clocks may be: the search begins and ends by the operator's clock.
const MOST_APART: Duration = Duration::from_mins(5);

/// At most so many sources are named in one Event.
const MOST_NAMED: usize = 5;

/// Runs until the actor that polls it ends.
pub async fn run(tenant: &Tenant, context: &Context) {
    let mut manifest = tenant.manifest.subscribe();
    // What the last Events were about, also while the events of the tenant cannot be read.
    let mut told: Option<Failures> = None;
    loop {
        let asked = interval_of(&manifest.borrow_and_update());
        let Some(interval) = asked else {
            take_in(tenant, context, None);
            told = None;
            differs(&mut manifest, asked).await;
            continue;
        };
        let rest = match readable(tenant) {
            Some(snapshot) => {
                let read = read(context, &snapshot).await;
                let new = failures(Some(&read)).cloned();
                take_in(tenant, context, Some(read));
                if let Some(new) = new
                    && let Some(old) = told.replace(new.clone())
                {
                    tell(tenant, context, &old, &new).await;
                }
                interval
            }
            // The regular read says what is wrong with the tenant.
            None => context.settings.credentials_retry.min(interval),
        };
        // Either end is a reason to go on.
        let _ = tokio::time::timeout(rest, differs(&mut manifest, asked)).await;
    }
}

/// Waits until the manifest asks for another interval.
async fn differs(manifest: &mut watch::Receiver<Arc<IdentityTenant>>, asked: Option<Duration>) {
    // Without a sender the manifest never changes again.
    if manifest
        .wait_for(|new| interval_of(new) != asked)
        .await
        .is_err()
    {
        std::future::pending::<()>().await;
    }
}

/// How often the events are read; none if the manifest does not ask for it, or cannot be used.
fn interval_of(manifest: &IdentityTenant) -> Option<Duration> {
    manifest.spec.settings().ok()?.password_changes
}

fn readable(tenant: &Tenant) -> Option<Arc<Snapshot>> {
    let state = tenant.state();
    state
        .snapshot
        .filter(|_| state.tenant == TenantState::Ready)
}

async fn read(context: &Context, snapshot: &Snapshot) -> PasswordChanges {
    let now = context.now();
    let since = time::before(now, FAILURES_WINDOW);
    let found = snapshot
        .client()
        .password_events((since, now), None, Lane::AuditEvents);
    judged(found.await, now)
}

/// What the answer to a search says, which was asked for at `now`.
fn judged(found: Result<PasswordEvents, Error>, now: Timestamp) -> PasswordChanges {
    match found {
        Ok(found)
            if found
                .answered_at
                .is_some_and(|at| time::apart(at, now) > MOST_APART) =>
        {
            PasswordChanges::Unreadable(format!(
                "the tenant's clock and that of the operator are more than {} minutes apart",
                MOST_APART.as_secs() / 60
            ))
        }
        Ok(found) => {
            let changes = password_changes::changes(found.events);
            let failures = Failures::of(&changes, found.unreadable, found.more);
            PasswordChanges::Read(failures)
        }
        Err(Error::Forbidden { message }) => PasswordChanges::Unreadable(format!(
            "{message}: the personal access token needs the scope sp:search:read"
        )),
        Err(error) => PasswordChanges::Unreadable(error.to_string()),
    }
}

/// Stores what was read, and requeues the groups for which it says something new.
fn take_in(tenant: &Tenant, context: &Context, read: Option<PasswordChanges>) {
    let new = read.map(Arc::new);
    let old = tenant.state().password_changes;
    if old == new || tenant.gone.is_cancelled() {
        return;
    }
    tenant.update(|state| state.password_changes.clone_from(&new));
    context
        .metrics
        .password_changes(&tenant.name, failures(new.as_deref()));
    match (failures(old.as_deref()), failures(new.as_deref())) {
        (Some(old), Some(new)) if doubts(old) == doubts(new) => {
            requeue(tenant, context, differing(old, new));
        }
        _ => {
            context.requeue_members(&tenant.name);
            // The tenant's own status says whether the events can be read.
            tenant.claimed.notify_one();
        }
    }
}

fn failures(changes: Option<&PasswordChanges>) -> Option<&Failures> {
    match changes? {
        PasswordChanges::Read(failures) => Some(failures),
        PasswordChanges::Unreadable(_) => None,
    }
}

/// What all groups of the tenant say, whatever their sources.
fn doubts(failures: &Failures) -> (u32, bool) {
    (failures.unknown, failures.more)
}

/// The names of the sources on which something else failed than before.
fn differing(old: &Failures, new: &Failures) -> BTreeSet<String> {
    let names = old.sources.keys().chain(new.sources.keys());
    let differs = names.filter(|name| old.sources.get(*name) != new.sources.get(*name));
    differs.cloned().collect()
}

fn requeue(tenant: &Tenant, context: &Context, names: BTreeSet<String>) {
    let state = tenant.state();
    let (Some(snapshot), Some(key)) = (&state.snapshot, &state.key) else {
        return;
    };
    let named = |picture: &psg_domain::Picture| {
        let sources = names.iter().flat_map(|name| picture.sources_named(name));
        sources.map(|source| source.id.clone()).collect()
    };
    let changes = Changes {
        sources: snapshot.with(named),
        source_names: names,
        ..Changes::default()
    };
    let claims = context.claims();
    context
        .requeue
        .now(&claims, &claims.affected(key, &changes));
}

/// One Event about the sources that began to fail, and one about those that no longer do.
async fn tell(tenant: &Tenant, context: &Context, old: &Failures, new: &Failures) {
    let about = kube::Resource::object_ref(tenant.manifest.borrow().as_ref(), &());
    let only = |of: &Failures, not: &Failures| -> Vec<String> {
        let names = of.sources.keys();
        let names = names.filter(|name| !not.sources.contains_key(*name));
        names.map(|name| format!("\"{name}\"")).collect()
    };
    let (began, ended) = (only(new, old), only(old, new));
    if !began.is_empty() {
        let text = format!(
            "password changes began to fail on {}: kubectl psg doctor shows each of them",
            listed(&began)
        );
        context
            .tell(&about, note(true, "PasswordChangesFailing", text))
            .await;
    }
    if !ended.is_empty() {
        let text = format!("no password change fails any more on {}", listed(&ended));
        context
            .tell(&about, note(false, "PasswordChangesHealthy", text))
            .await;
    }
}

fn listed(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MOST_NAMED).map(String::as_str).collect();
    match names.len().saturating_sub(MOST_NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more sources", shown.join(", ")),
    }
}

fn note(warning: bool, reason: &str, text: String) -> Note {
    Note {
        warning,
        reason: reason.to_owned(),
        text,
        action: "ReadPasswordChanges",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_by_a_clock_that_is_wrong_never_counts_as_healthy() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let answered = |seconds: i64| {
            let answered_at = Timestamp::from_second(1_000_000 + seconds).ok();
            let found = PasswordEvents {
                answered_at,
                ..PasswordEvents::default()
            };
            matches!(judged(Ok(found), now), PasswordChanges::Read(_))
        };
        assert!(answered(300) && answered(-300) && answered(0));
        assert!(!answered(301) && !answered(-7_200));
    }
}
