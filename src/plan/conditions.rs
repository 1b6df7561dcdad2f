//! What a status says after a decision: the only place that makes the conditions of a group.
//!
//! Guarantees: a report never claims more than was read back; equal cases give equal reports, so
//! that an unchanged status is never written again; `Reconciling` and `Stalled` are present only
//! while true, as kstatus asks.

pub(crate) mod password_changes;
mod policies;

use jiff::Timestamp;
use psg_domain::{ConditionType, Drift, Group, Origin, Presence, Recorded};

use crate::{
    action::Next,
    case::Case,
    differ,
    observed::TenantState,
    reason::{About, Finding, Reason},
    resolve::Resolved,
    rules::{moving, prerequisites, read_lag, refused, update},
};

/// The status to be stored: memory and conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What is remembered.
    pub recorded: Recorded,
    /// What is said.
    pub conditions: Vec<Condition>,
}

/// One condition, without times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its type.
    pub kind: ConditionType,
    /// Whether it holds.
    pub truth: Truth,
    /// The word of the catalogue.
    pub reason: &'static str,
    /// The words for a person.
    pub message: String,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the three values of the Kubernetes convention
pub enum Truth {
    True,
    False,
    Unknown,
}

impl Truth {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// The reasons of conditions that need no entry in the catalogue, since nobody has to act on them.
const CURRENT: &str = "Current";
const RENAMED: &str = "Renamed";
const MET: &str = "Met";
const HEALTHY: &str = "Healthy";
const UNHEALTHY: &str = "Unhealthy";
const NO_FAILURES: &str = "NoFailures";

/// A reason that a status holds, as one of the words that the operator writes; none if another
/// tool wrote it.
pub fn reason_of(text: &str) -> Option<&'static str> {
    let others = [CURRENT, RENAMED, MET, HEALTHY, UNHEALTHY, NO_FAILURES];
    let catalogued = Reason::named(text).map(Reason::as_str);
    catalogued.or_else(|| others.into_iter().find(|word| *word == text))
}

/// The status after `next`; none if there is nothing to say yet.
pub fn report(case: &Case<'_>, next: &Next, now: Timestamp) -> Option<Report> {
    let nothing_left = case.object.deleting && *next == Next::Settled;
    if nothing_left || matches!(next, Next::Wait { why, .. } if why.reason == Reason::Pending) {
        return None;
    }
    let facts_known =
        case.tenant.state == TenantState::Ready && case.picture.facts_as_of().is_some();
    let resolved = case.resolve().ok().filter(|_| facts_known);
    let mut conditions = readiness(case, next, resolved.as_ref());
    if case.is_paused(now) {
        let (_, message) = case.object.pause(now);
        conditions.push(condition(
            ConditionType::Paused,
            Truth::True,
            Reason::Paused.as_str(),
            message,
        ));
    }
    if facts_known && !case.object.deleting {
        conditions.extend(facts(case, next, resolved.as_ref()));
    }
    Some(Report {
        recorded: recorded(case, next, now, facts_known, resolved.as_ref()),
        conditions,
    })
}

fn readiness(case: &Case<'_>, next: &Next, resolved: Option<&Resolved>) -> Vec<Condition> {
    let ready = |truth, finding: &Finding| {
        condition(
            ConditionType::Ready,
            truth,
            finding.reason.as_str(),
            finding.message.clone(),
        )
    };
    // `Ready` says what was found; these say what to do, since `kubectl describe` shows all of
    // them.
    let also = |kind, finding: &Finding| {
        let reason = finding.reason;
        condition(kind, Truth::True, reason.as_str(), reason.act().to_owned())
    };
    match next {
        Next::Settled => {
            let message = resolved.map(|resolved| {
                let verb = if case.observes() {
                    "are seen to share"
                } else {
                    "share"
                };
                format!(
                    "{} sources {verb} password policy \"{}\"",
                    resolved.sources.len(),
                    resolved.policy.name
                )
            });
            let finding = Finding::new(Reason::InSync, message.unwrap_or_default());
            vec![ready(Truth::True, &finding)]
        }
        Next::Stalled(finding) => vec![
            ready(Truth::False, finding),
            also(ConditionType::Stalled, finding),
        ],
        Next::Wait { why, .. } if why.reason == Reason::Paused => vec![ready(Truth::False, why)],
        Next::Wait { why, .. } => {
            let unknowable = why.reason.about() == About::Tenant || why.reason == Reason::Creating;
            let truth = if unknowable {
                Truth::Unknown
            } else {
                Truth::False
            };
            vec![ready(truth, why), also(ConditionType::Reconciling, why)]
        }
        Next::Do(_) | Next::Refresh { .. } => {
            let finding = at_work(case);
            let unknown = finding.reason == Reason::Creating;
            let truth = if unknown {
                Truth::Unknown
            } else {
                Truth::False
            };
            vec![
                ready(truth, &finding),
                also(ConditionType::Reconciling, &finding),
            ]
        }
    }
}

fn at_work(case: &Case<'_>) -> Finding {
    let recorded = &case.recorded;
    if case.object.deleting {
        let sources = recorded
            .deletion
            .as_ref()
            .map_or(0, |deletion| deletion.sources.len());
        let message =
            format!("the group is being deleted and its policy reassigned to {sources} sources");
        Finding::new(Reason::Deleting, message)
    } else if case.observes() {
        Finding::new(Reason::Reading, "the tenant is being read")
    } else if recorded.intent.is_some() || recorded.held().is_none() {
        Finding::new(Reason::Creating, "the group is being created")
    } else {
        Finding::new(Reason::Updating, "the group is being changed")
    }
}

fn facts(case: &Case<'_>, next: &Next, resolved: Option<&Resolved>) -> Vec<Condition> {
    let stopped = match next {
        Next::Stalled(finding) | Next::Wait { why: finding, .. } => Some(finding),
        _ => None,
    };
    let stopped_by = |about| stopped.filter(|finding| finding.reason.about() == about);
    let mut conditions = Vec::new();
    match resolved {
        None => {
            if let Some(finding) = stopped_by(About::Reference) {
                let reason = finding.reason.as_str();
                conditions.push(condition(
                    ConditionType::ReferencesCurrent,
                    Truth::False,
                    reason,
                    finding.message.clone(),
                ));
            }
        }
        Some(resolved) => {
            conditions.push(match resolved.renamed.as_slice() {
                [] => condition(
                    ConditionType::ReferencesCurrent,
                    Truth::True,
                    CURRENT,
                    String::new(),
                ),
                renamed => condition(
                    ConditionType::ReferencesCurrent,
                    Truth::False,
                    RENAMED,
                    renamed.join("; "),
                ),
            });
            let unmet = Finding::join(prerequisites::unmet(resolved, case.picture));
            conditions.push(
                match unmet.as_ref().or_else(|| stopped_by(About::Prerequisite)) {
                    None => condition(
                        ConditionType::PrerequisitesMet,
                        Truth::True,
                        MET,
                        String::new(),
                    ),
                    Some(unmet) => {
                        let reason = unmet.reason.as_str();
                        condition(
                            ConditionType::PrerequisitesMet,
                            Truth::False,
                            reason,
                            unmet.message.clone(),
                        )
                    }
                },
            );
            let unhealthy = prerequisites::unhealthy(resolved, case.picture);
            conditions.push(if unhealthy.is_empty() {
                condition(
                    ConditionType::SourcesHealthy,
                    Truth::True,
                    HEALTHY,
                    String::new(),
                )
            } else {
                condition(
                    ConditionType::SourcesHealthy,
                    Truth::False,
                    UNHEALTHY,
                    unhealthy.join("; "),
                )
            });
            conditions.extend(password_changes::condition_of(case, resolved));
            if *next == Next::Settled {
                conditions.extend(policies::misaligned(case, resolved));
            }
        }
    }
    conditions
}

fn recorded(
    case: &Case<'_>,
    next: &Next,
    now: Timestamp,
    facts_known: bool,
    resolved: Option<&Resolved>,
) -> Recorded {
    let mut recorded = case.recorded.clone();
    recorded.observed_generation = Some(case.object.generation);
    recorded.drift = Vec::new();
    let judged = facts_known && case.picture.groups_as_of().is_some();
    let stands = || refused::of(case, &case.basis()).is_some();
    if judged && !case.object.deleting && !stands() {
        // A refusal of other facts is void: the facts may change back, and the tenant may take the
        // write then.
        recorded.refused = None;
    }
    if !case.object.deleting {
        if case.observes() {
            (recorded.update, recorded.leaving) = (None, Vec::new());
        } else if !matches!(next, Next::Do(_) | Next::Refresh { .. }) {
            update::close(&mut recorded, case, next, now);
        }
    }
    let Some(resolved) = resolved else {
        return recorded;
    };
    let seen = seen(case, resolved);
    if case.observes() && !case.object.deleting {
        recorded.group = seen.map(|group| group.id.clone());
        recorded.origin = seen.map(|_| Origin::Observed);
        recorded.tenant = seen.and_then(|_| case.tenant.key.clone());
    }
    match next {
        Next::Settled => {
            recorded.name = Some(resolved.name.clone());
            recorded.policy = Some(resolved.policy.clone());
            recorded.sources.clone_from(&resolved.sources);
            recorded.refused = None;
            recorded.contested = None;
        }
        Next::Wait { why, .. } | Next::Stalled(why) if why.reason.is_up_to_others() => {
            let held = case.recorded.held().map(|id| case.picture.group(id));
            if let Some(Presence::There(group, _)) = held {
                moving::settle(&mut recorded, case, resolved, group);
            }
        }
        Next::Stalled(why) if matches!(why.reason, Reason::Drifted | Reason::Contested) => {
            recorded.drift = drift(case, resolved, seen);
        }
        Next::Wait { why, .. } if why.reason == Reason::Paused => {
            let shown = case.recorded.held().map(|id| case.picture.group(id));
            if !matches!(shown, Some(Presence::There(_, at)) if read_lag::is_hidden(case, at)) {
                recorded.drift = drift(case, resolved, seen);
            }
        }
        _ => {}
    }
    recorded
}

fn drift(case: &Case<'_>, resolved: &Resolved, seen: Option<&Group>) -> Vec<Drift> {
    seen.map_or_else(Vec::new, |group| {
        differ::differences(resolved, group, case.picture)
    })
}

/// The group that the resource manages or observes.
fn seen<'a>(case: &Case<'a>, resolved: &Resolved) -> Option<&'a Group> {
    let asked = case.desired.as_ref().ok().and_then(|d| d.group_id.as_ref());
    let there = |id| match case.picture.group(id) {
        Presence::There(group, _) => Some(group),
        _ => None,
    };
    let by_name = || match case.picture.groups_named(&resolved.name).as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    let recorded = case.recorded.group.as_ref();
    match (case.observes(), asked) {
        (true, Some(id)) => there(id),
        (true, None) => recorded.and_then(there).or_else(by_name),
        (false, asked) => match recorded.or(asked) {
            Some(id) => there(id),
            None => by_name(),
        },
    }
}

fn condition(
    kind: ConditionType,
    truth: Truth,
    reason: &'static str,
    message: impl Into<String>,
) -> Condition {
    Condition {
        kind,
        truth,
        reason,
        message: message.into(),
    }
}
