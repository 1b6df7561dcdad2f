//! The one caller of the rules: what to do for one resource over what is observed of it.
//!
//! A driver (the controller, the model checker, the tests, the preview) observes, asks
//! [`Engine::decide`], carries out the action, tells the engine how it ended, and asks again.

use std::time::Duration;

use jiff::Timestamp;
use psg_domain::{Desired, Picture, Recorded, time};

use crate::{
    action::{Action, Next},
    case::Case,
    claims::ClaimIndex,
    conditions::{Report, report},
    engine::Engine,
    observed::{Object, TenantView, Timers},
    outcome::Basis,
    reason::Reason,
    rules::{self, read_lag, refused},
};

/// What a driver sees of one resource, and of everything that may influence it.
#[derive(Clone, Debug)]
pub struct Observation<'a> {
    /// The resource itself.
    pub object: Object,
    /// What its manifest wants; an error if the stored manifest cannot be read.
    pub desired: Result<Desired, String>,
    /// What its status records.
    pub recorded: Recorded,
    /// Its tenant.
    pub tenant: TenantView,
    /// What was read of that tenant.
    pub picture: &'a Picture,
    /// Who owns what, over all resources.
    pub claims: &'a ClaimIndex,
    /// The periods of the protocols.
    pub timers: Timers,
    /// How long to wait before something that just failed is tried again.
    pub backoff: Duration,
}

/// What to do, and the status to store with a record or at the end of a pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What to do.
    pub next: Next,
    /// The status to store: with the record that `next` asks for, or at the end of a pass.
    pub report: Option<Report>,
    /// When to look again at the latest, even if nothing changes.
    pub requeue_at: Option<Timestamp>,
    /// What a create or an update is decided on: a refusal by the tenant is about that.
    pub basis: Option<Basis>,
}

impl Engine {
    /// What to do now. [`Engine::follow`] must have seen the same records before.
    pub fn decide(&self, seen: Observation<'_>, now: Timestamp) -> Decision {
        let Observation {
            object,
            desired,
            recorded,
            tenant,
            picture,
            claims,
            timers,
            backoff,
        } = seen;
        let case = Case {
            object,
            desired,
            recorded,
            tenant,
            picture,
            claims,
            engine: self.clone(),
            timers,
            backoff,
        };
        let next = rules::next(&case, now);
        let report = match &next {
            Next::Do(Action::Record(memory)) => {
                let after = case.with(memory);
                let then = rules::next(&after, now);
                let said = report(&after, &then, now);
                Some(said.unwrap_or(Report {
                    recorded: after.recorded,
                    conditions: Vec::new(),
                }))
            }
            Next::Do(_) | Next::Refresh { .. } => None,
            ended => report(&case, ended, now),
        };
        let writes = matches!(
            next,
            Next::Do(Action::CreateGroup(_) | Action::UpdateGroup { .. })
        );
        Decision {
            requeue_at: requeue_at(&case, &next, report.as_ref(), now),
            basis: writes.then(|| case.basis()),
            next,
            report,
        }
    }
}

/// How soon a resource is reconciled again after a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Everything is as wanted.
    Settled,
    /// Nothing goes on before the manifest, the tenant or another resource changes.
    Stalled {
        /// Neither a watch nor a regular read shows that change.
        unseen: bool,
    },
    /// A person paused it.
    Paused,
    /// Something is waited for until a moment.
    Waiting,
    /// An action failed, or its effect does not show yet: repeats are spaced out, whatever reason
    /// the status gives.
    Retrying,
}

impl Engine {
    /// How soon a resource is reconciled again after a pass that ended with this.
    pub fn pace(&self, ended: &Next) -> Pace {
        match ended {
            Next::Wait { why, .. }
                if self.failed() || self.is_unconfirmed() || why.reason == Reason::Retrying =>
            {
                Pace::Retrying
            }
            Next::Wait { why, .. } if why.reason == Reason::Paused => Pace::Paused,
            Next::Wait { .. } => Pace::Waiting,
            // A walk does not show policy holders: only another pass finds out that they were
            // mended.
            Next::Stalled(why) => Pace::Stalled {
                unseen: matches!(
                    why.reason,
                    Reason::PolicyExceptions | Reason::UnexpectedAnswer
                ),
            },
            Next::Settled | Next::Do(_) | Next::Refresh { .. } => Pace::Settled,
        }
    }
}

/// When a decision may differ although no watch and no regular read shows a change.
fn requeue_at(
    case: &Case<'_>,
    next: &Next,
    report: Option<&Report>,
    now: Timestamp,
) -> Option<Timestamp> {
    let paused = case.object.paused_until.filter(|until| *until > now);
    // The policies that sources show are judged only by a read that follows the group, and a read
    // that changes nothing wakes no resource.
    let held = case.recorded.held();
    let unseen = *next == Next::Settled && held.is_some_and(|id| !case.picture.facts_follow(id));
    let read = unseen.then(|| time::after(now, case.tenant.interval));
    let after = report.map(|report| &report.recorded);
    // The record of a change is closed by the first read that shows it.
    let shown = after.and_then(|after| read_lag::next_look(case, after, now));
    let refused = after.and_then(|after| after.refused.as_ref());
    let again = refused.and_then(|refused| refused::next_try(case, refused, now));
    let moments = [paused, read, shown, again];
    moments.into_iter().flatten().min()
}
