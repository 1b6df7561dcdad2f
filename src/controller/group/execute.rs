//! Carries out one action on the tenant, or one read of it. The only place that writes a tenant:
//! one request on the wire for one action, and every answer becomes a [`Reply`].

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use psg_domain::{Group, Origin, time};
use psg_identity::{Client, Effect, Error, Lane};
use psg_plan::{Action, Finding, Learned, Memory, Reason, Reply, Setback, What, WriteCause};
use psg_snapshot::Snapshot;

use crate::{
    context::{backoff, tenant::forbidden},
    group::{events, pass::Pass, trail::Trail},
};

/// Writes the tenant, and tells the engine what the tenant replied.
pub(crate) async fn write(pass: &mut Pass, action: &Action, now: Timestamp) {
    let Some(snapshot) = snapshot(pass) else {
        return no_client(pass, now);
    };
    let Some(trail) = Trail::of(pass, &snapshot, action) else {
        return;
    };
    let client = trail.client(snapshot.client());
    let sent = send(&client, &trail, action).await;
    count(pass, operation(action), &sent);
    let at = pass.context.now();
    let reply = reply(pass, action, sent, at);
    let timers = pass.context.settings.timers;
    let basis = pass.basis.clone();
    let learned = pass.state.engine.replied(action, reply, &basis, at, timers);
    let answer = match &learned {
        Some(Learned::Wrote(answer, _)) => Some(answer),
        _ => None,
    };
    let updated = match action {
        Action::UpdateGroup {
            group,
            changes,
            cause,
        } => answer.map(|answer| (*cause, changes, answer == group)),
        _ => None,
    };
    if let Some(learned) = learned {
        snapshot.merge(|picture| learned.merge(picture, at));
    }
    if let Some((cause, changes, taken)) = updated {
        if cause == WriteCause::Drift {
            pass.context.metrics.drift();
        }
        // If the answer differs from what was sent, that is reported later, once it is certain.
        if taken {
            pass.tell(events::updated(cause, changes)).await;
        }
    }
}

/// Sends the one request of an action; returns the group that the answer shows.
async fn send(client: &Client, trail: &Trail, action: &Action) -> Result<Option<Group>, Error> {
    match action {
        Action::CreateGroup(intent) => {
            let call = client.create_group(
                &intent.name,
                &intent.policy,
                &intent.sources,
                Lane::UserChange,
            );
            let id = |group: &Group| Some(group.id.to_string());
            trail.around(call, id).await.map(Some)
        }
        Action::UpdateGroup { group, cause, .. } => {
            let lane = match cause {
                WriteCause::Edit => Lane::UserChange,
                WriteCause::Drift => Lane::DriftRepair,
            };
            let call = client.update_group(group, lane);
            trail.around(call, |_| None).await.map(Some)
        }
        Action::DeleteGroup(id) => {
            let call = client.delete_group(id, Lane::Deletion);
            trail.around(call, |_| None).await.map(|_| None)
        }
        Action::AssignPolicy { source, holders } => {
            let call = client.assign_holders(source, holders, Lane::Deletion);
            trail.around(call, |_| None).await.map(|_| None)
        }
        Action::HoldFinalizer | Action::Record(_) | Action::ReleaseFinalizer(_) => Ok(None),
    }
}

/// The operation as the metrics name it.
fn operation(action: &Action) -> &'static str {
    match action {
        Action::CreateGroup(_) => "create",
        Action::UpdateGroup { .. } => "update",
        Action::DeleteGroup(_) => "delete",
        Action::AssignPolicy { .. } => "assign",
        Action::HoldFinalizer | Action::Record(_) | Action::ReleaseFinalizer(_) => "none",
    }
}

/// Translates an answer; its [`Setback`] holds the time before which nothing is sent again.
fn reply(
    pass: &mut Pass,
    action: &Action,
    sent: Result<Option<Group>, Error>,
    now: Timestamp,
) -> Reply {
    let error = match sent {
        Ok(group) => return Reply::Done(group),
        Err(error) => error,
    };
    let of_one_source = matches!(action, Action::AssignPolicy { .. });
    // A 404 to a write says nothing about the whole tenant, and an error with one source delays
    // only that source.
    let expected =
        matches!(error, Error::NotFound { .. }) && !matches!(action, Action::CreateGroup(_));
    if !expected && (!of_one_source || matches!(error, Error::Unauthorized { .. })) {
        ran_into(pass, &error, now);
    }
    let setback = match action {
        Action::AssignPolicy { .. } => setback_of_a_source(pass, now, &error),
        Action::DeleteGroup(_) => setback_of(pass, now, &error, Reason::DeletionBlocked),
        _ => setback_of(pass, now, &error, Reason::Retrying),
    };
    match error {
        _ if error.effect() == Effect::Unknown => Reply::Unknown(setback),
        Error::NotFound { .. } => Reply::NotFound(setback),
        Error::Refused { .. } => Reply::Refused(setback),
        _ => Reply::NotMade(setback),
    }
}

/// Reads the objects that the engine finds too old, and tells the engine how the read ended.
pub(crate) async fn refresh(pass: &mut Pass, what: &What, newer_than: Timestamp, now: Timestamp) {
    let Some(snapshot) = snapshot(pass) else {
        return no_client(pass, now);
    };
    let deleting = pass.group.metadata.deletion_timestamp.is_some();
    let lane = if deleting {
        Lane::Deletion
    } else {
        Lane::UserChange
    };
    let read = match what {
        What::Groups => snapshot.read_groups(newer_than, Lane::Confirmation).await,
        What::Group(id) => snapshot.read_group(id, lane).await,
        What::Holders(sources) => {
            for (source, error) in snapshot.read_holders(sources, lane).await {
                let at = pass.context.now();
                if matches!(error, Error::Unauthorized { .. }) {
                    ran_into(pass, &error, at);
                }
                let setback = setback_of_a_source(pass, at, &error);
                pass.state.engine.source_failed(source, setback);
            }
            Ok(())
        }
    };
    let Err(error) = read else {
        return pass.state.engine.read();
    };
    let at = pass.context.now();
    ran_into(pass, &error, at);
    let reason = if deleting {
        Reason::DeletionBlocked
    } else {
        Reason::Retrying
    };
    let setback = setback_of(pass, at, &error, reason);
    pass.state.engine.read_failed(setback);
}

/// Makes the Event about a record that was just stored.
pub(crate) async fn tell_recorded(pass: &Pass, memory: &Memory) {
    match memory {
        Memory::Group(group, Origin::Created) => pass.tell(events::created(group)).await,
        Memory::Group(group, _) => pass.tell(events::adopted(group)).await,
        _ => {}
    }
}

fn snapshot(pass: &Pass) -> Option<Arc<Snapshot>> {
    let tenant = pass.tenant.as_ref()?;
    tenant.state().snapshot
}

fn no_client(pass: &mut Pass, now: Timestamp) {
    let setback = setback(pass, now, Reason::Retrying, "there is no client yet", None);
    pass.state.engine.read_failed(setback);
}

fn ran_into(pass: &Pass, error: &Error, now: Timestamp) {
    if let Some(tenant) = &pass.tenant {
        tenant.ran_into(error, now, pass.context.settings.probe);
    }
}

fn setback_of(pass: &Pass, now: Timestamp, error: &Error, reason: Reason) -> Setback {
    let reason = match error {
        Error::RateLimited { .. } => Reason::RateLimited,
        _ => reason,
    };
    setback(pass, now, reason, &error.to_string(), error.retry_after())
}

fn setback_of_a_source(pass: &Pass, now: Timestamp, error: &Error) -> Setback {
    let nameless = pass
        .tenant
        .as_ref()
        .is_some_and(|tenant| tenant.state().user.is_none());
    let finding = match error {
        Error::Forbidden { message } if nameless => forbidden(message, None),
        error => Finding::new(Reason::Retrying, error.to_string()),
    };
    let asked = error.retry_after();
    setback(pass, now, finding.reason, &finding.message, asked)
}

fn setback(
    pass: &Pass,
    now: Timestamp,
    reason: Reason,
    message: &str,
    asked: Option<Duration>,
) -> Setback {
    let backoff = backoff::backoff(pass.state.failures, (pass.context.jitter)());
    let until = time::after(now, asked.unwrap_or_default().max(backoff));
    Setback {
        until,
        why: Finding::new(reason, message),
    }
}

fn count<T>(pass: &Pass, operation: &'static str, answer: &Result<T, Error>) {
    let result = match answer {
        Ok(_) => "ok",
        Err(error) if error.effect() == Effect::Unknown => "unknown",
        Err(Error::RateLimited { .. }) => "rate_limited",
        Err(_) => "not_made",
    };
    pass.context.metrics.write(operation, result);
}
