//! Carries out one step on the tenant, or one read of it. The only place that writes a tenant:
//! one request on the wire for one step, and every answer becomes an [`Outcome`].

use std::time::Duration;

use jiff::Timestamp;
use psg_domain::{Changes, Group, Origin, SourceId, time};
use psg_identity::{Effect, Error, Lane};
use psg_plan::{Finding, Memory, Outcome, Reason, Setback, Step, What, WriteCause};

use crate::{events, mind, reconcile::Pass, tenant::forbidden, trail::Trail};

/// Writes the tenant.
pub(crate) async fn write(pass: &mut Pass, step: Step, now: Timestamp) -> Outcome {
    let Some(snapshot) = pass
        .tenant
        .as_ref()
        .and_then(|tenant| tenant.state().snapshot)
    else {
        return Outcome::NotMade(setback(
            pass,
            now,
            Reason::Retrying,
            "there is no client yet",
            None,
        ));
    };
    let Some(trail) = Trail::of(pass, &snapshot, &step) else {
        return Outcome::Done;
    };
    let client = trail.client(snapshot.client());
    let context = std::sync::Arc::clone(&pass.context);
    let clock = || context.now();
    match step {
        Step::CreateGroup(intent) => {
            let call = client.create_group(
                &intent.name,
                &intent.policy,
                &intent.sources,
                Lane::UserChange,
            );
            let made = trail.around(call, |group| Some(group.id.to_string())).await;
            count(pass, "create", &made);
            pass.mind.sent.posted = Some(intent.started_at);
            match made {
                Ok(group) => {
                    let at = clock();
                    let shown_from = time::after(at, context.settings.timers.settle);
                    snapshot.merge(|picture| picture.merge_written(at, group.clone(), shown_from));
                    Outcome::Made(group)
                }
                Err(error) => {
                    let outcome = failed(pass, clock(), &error, Refusals::AreTerminal);
                    match &outcome {
                        Outcome::NotMade(setback) => {
                            pass.mind.sent.not_made = Some(setback.clone());
                        }
                        Outcome::Unknown(setback) => {
                            pass.mind.sent.unanswered_at = Some(clock());
                            pass.mind.sent.unanswered_why = Some(setback.why.message.clone());
                            pass.mind.sent.unanswered += 1;
                        }
                        _ => {}
                    }
                    outcome
                }
            }
        }
        Step::UpdateGroup {
            group,
            changes,
            cause,
        } => {
            let lane = match cause {
                WriteCause::Edit => Lane::UserChange,
                WriteCause::Drift => Lane::DriftRepair,
            };
            let updated = trail
                .around(client.update_group(&group, lane), |_| None)
                .await;
            count(pass, "update", &updated);
            let at = clock();
            match updated {
                Ok(answer) => {
                    let shown_from = time::after(at, context.settings.timers.settle);
                    let taken = answer == group;
                    snapshot.merge(|picture| picture.merge_written(at, answer, shown_from));
                    let puts = pass.mind.sent.puts.get_or_insert_default();
                    puts.answered(at);
                    puts.otherwise += u32::from(!taken);
                    if cause == WriteCause::Drift {
                        pass.context.metrics.drift();
                        pass.mind.repairs.count(&changes, at);
                    }
                    // What the tenant stores otherwise is said once that is certain.
                    if taken {
                        pass.tell(events::updated(cause, &changes)).await;
                    }
                    Outcome::Done
                }
                Err(error) => {
                    if error.effect() == Effect::Unknown {
                        pass.mind.sent.puts.get_or_insert_default().unanswered_at = Some(at);
                        doubt(&snapshot, &group, at);
                    }
                    if is_absent(&error) {
                        // A read may lag and still show it: asked again at once, this would not end.
                        snapshot.merge(|picture| picture.merge_refuted(at, &group.id));
                        Outcome::Done
                    } else {
                        failed(pass, at, &error, Refusals::AreTerminal)
                    }
                }
            }
        }
        Step::DeleteGroup(id) => {
            let call = client.delete_group(&id, Lane::Deletion);
            let deleted = trail.around(call, |_| None).await;
            count(pass, "delete", &deleted);
            let at = clock();
            let error = deleted.as_ref().err();
            let answered = error.is_none_or(is_absent);
            if answered || error.is_some_and(|error| error.effect() == Effect::Unknown) {
                // Whatever was answered, only a read by id proves that it is gone.
                snapshot.merge(|picture| {
                    picture.doubt(&id, at);
                    Changes::default()
                });
            }
            // After one that nobody answered, what does not show may as well be new.
            if answered {
                pass.mind.sent.deleted_at = Some(at);
            }
            match deleted {
                Ok(_) | Err(Error::NotFound { .. }) => Outcome::Done,
                Err(error) => failed(pass, at, &error, Refusals::Pass(Reason::DeletionBlocked)),
            }
        }
        Step::AssignPolicy { source, holders } => {
            let call = client.assign_holders(&source, &holders, Lane::Deletion);
            let assigned = trail.around(call, |_| None).await;
            count(pass, "assign", &assigned);
            let at = clock();
            match assigned {
                Ok(_) => {
                    pass.mind.sent.assigned.insert(source, at);
                    Outcome::Done
                }
                Err(Error::NotFound { .. }) => {
                    snapshot.merge(|picture| {
                        picture.merge_holders(at, source, None);
                        Changes::default()
                    });
                    Outcome::Done
                }
                Err(error) => {
                    if error.effect() == Effect::Unknown {
                        // It may have been done: it is read before it is sent again.
                        pass.mind.sent.assigned.insert(source.clone(), at);
                    }
                    block(pass, at, source, &error)
                }
            }
        }
        Step::HoldFinalizer | Step::Record(_) | Step::ReleaseFinalizer(_) => Outcome::Done,
    }
}

/// Reads what the plan finds too old.
pub(crate) async fn refresh(
    pass: &mut Pass,
    what: &What,
    newer_than: Timestamp,
    now: Timestamp,
) -> Outcome {
    let Some(snapshot) = pass
        .tenant
        .as_ref()
        .and_then(|tenant| tenant.state().snapshot)
    else {
        return Outcome::NotMade(setback(
            pass,
            now,
            Reason::Retrying,
            "there is no client yet",
            None,
        ));
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
                block(pass, at, source, &error);
            }
            Ok(())
        }
    };
    match read {
        // What was answered earlier in this pass still stands: a read is no outcome of a write.
        Ok(()) => match pass.mind.last.take() {
            Some(Outcome::Made(group)) => Outcome::Made(group),
            _ => Outcome::Done,
        },
        Err(error) => {
            let at = pass.context.now();
            let reason = if deleting {
                Reason::DeletionBlocked
            } else {
                Reason::Retrying
            };
            match failed(pass, at, &error, Refusals::Pass(reason)) {
                Outcome::Unknown(setback) => Outcome::NotMade(setback),
                outcome => outcome,
            }
        }
    }
}

/// Tells people of a memory that was just stored.
pub(crate) async fn recorded(pass: &mut Pass, memory: &Memory) {
    pass.mind.sent.recorded(memory);
    match memory {
        Memory::Group(group, Origin::Created) => pass.tell(events::created(group)).await,
        Memory::Group(group, _) => pass.tell(events::adopted(group)).await,
        Memory::Contested(_) => pass.mind.repairs = psg_plan::Repairs::default(),
        _ => {}
    }
}

/// What a refusal by the tenant means for a step.
#[derive(Clone, Copy)]
enum Refusals {
    /// Repeating it cannot help: it is stored.
    AreTerminal,
    /// It is tried again, and said under this reason meanwhile.
    Pass(Reason),
}

fn failed(pass: &mut Pass, now: Timestamp, error: &Error, refusals: Refusals) -> Outcome {
    if let Some(tenant) = &pass.tenant {
        tenant.ran_into(error, now, pass.context.settings.probe);
    }
    let reason = match (error, refusals) {
        (Error::RateLimited { .. }, _) => Reason::RateLimited,
        (_, Refusals::Pass(reason)) => reason,
        _ => Reason::Retrying,
    };
    if error.effect() == Effect::Unknown {
        return Outcome::Unknown(setback(
            pass,
            now,
            reason,
            &error.to_string(),
            error.retry_after(),
        ));
    }
    match (error, refusals) {
        (Error::Refused { .. } | Error::NotFound { .. }, Refusals::AreTerminal) => {
            Outcome::Refused(pass.basis.clone(), error.to_string())
        }
        _ => Outcome::NotMade(setback(
            pass,
            now,
            reason,
            &error.to_string(),
            error.retry_after(),
        )),
    }
}

/// One source that does not go through holds up only itself.
fn block(pass: &mut Pass, now: Timestamp, source: SourceId, error: &Error) -> Outcome {
    if matches!(error, Error::Unauthorized { .. })
        && let Some(tenant) = &pass.tenant
    {
        tenant.ran_into(error, now, pass.context.settings.probe);
    }
    let nameless = pass
        .tenant
        .as_ref()
        .is_some_and(|t| t.state().user.is_none());
    let finding = match error {
        Error::Forbidden { message } if nameless => forbidden(message, None),
        error => Finding::new(Reason::Retrying, error.to_string()),
    };
    let setback = setback(
        pass,
        now,
        finding.reason,
        &finding.message,
        error.retry_after(),
    );
    pass.mind.sent.blocked.insert(source, setback);
    Outcome::Done
}

fn setback(
    pass: &Pass,
    now: Timestamp,
    reason: Reason,
    message: &str,
    asked: Option<Duration>,
) -> Setback {
    let backoff = mind::backoff(pass.mind.failures, (pass.context.jitter)());
    let until = time::after(now, asked.unwrap_or_default().max(backoff));
    Setback {
        until,
        why: Finding::new(reason, message),
    }
}

fn is_absent(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. })
}

fn doubt(snapshot: &psg_snapshot::Snapshot, group: &Group, at: Timestamp) {
    snapshot.merge(|picture| {
        picture.doubt(&group.id, at);
        Changes::default()
    });
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
