//! What a process decides: the real [`next`] and [`verdict`], asked as the controller asks them.

use psg_domain::{ManagementPolicy, Picture};

use super::{
    machine::World,
    state::{Pass, Process, Resource},
    time::{NOW, TICK},
};
use crate::{
    Case, ClaimIndex, Claimant, Move, Repairs, Report, Step, TenantState, TenantView, Truth,
    claims::{Held, Wanted},
    next,
    tests::fixture::{at, key},
    verdict,
};

/// What the plan decided, and what the status says once it is stored or at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub next: Move,
    pub report: Option<Report>,
}

impl World {
    /// Asks the plan as the controller does.
    pub fn decide(&self, pass: &Pass, picture: &Picture, claims: &ClaimIndex) -> Option<Decision> {
        let view = pass.view.as_ref()?;
        let case = Case {
            object: view.object.clone(),
            desired: Ok(view.desired.clone()),
            recorded: view.recorded.clone(),
            tenant: TenantView {
                state: TenantState::Ready,
                key: Some(key("acme")),
                interval: TICK * self.periods.interval,
                credentials: "one".to_owned(),
                vanished: None,
                acknowledged_until: None,
                brake: crate::Brake::default(),
                in_use: crate::InUse::Held,
            },
            picture,
            claims,
            last: pass.last.clone(),
            sent: (*pass.sent).clone(),
            repairs: Repairs::default(),
            timers: self.periods.timers(),
            backoff: TICK * self.periods.backoff,
        };
        let next = next(&case, NOW);
        let report = match &next {
            Move::Do(Step::Record(memory)) => {
                let after = case.with(memory);
                let then = crate::next(&after, NOW);
                let said = verdict(&after, &then, NOW);
                Some(said.unwrap_or(Report {
                    recorded: after.recorded,
                    conditions: Vec::new(),
                }))
            }
            Move::Do(_) | Move::Refresh { .. } => None,
            ended => verdict(&case, ended, NOW),
        };
        Some(Decision { next, report })
    }
}

/// Who owns what, by the versions that this process knows.
pub fn claims(process: &Process) -> ClaimIndex {
    let mut claims = ClaimIndex::default();
    claims.identify("ns/default", &key("acme"));
    for (r, pass) in process.passes.iter().enumerate() {
        let Some(view) = &pass.view else { continue };
        let object = &view.object;
        let paused = object.paused_until.is_some_and(|until| until > NOW);
        let observes = view.desired.management == ManagementPolicy::Observe;
        let claimant = Claimant {
            uid: object.uid.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            created: at(i64::try_from(r).unwrap()),
            tenant: "ns/default".to_owned(),
            eager: !(observes || paused || object.deleting),
            wanted: Wanted::of(&view.desired, &view.recorded),
            held: Held::of(&view.recorded),
        };
        claims.insert(claimant.leaving(object.deleting));
    }
    claims
}

pub fn say(resource: &mut Resource, report: Report) {
    let mut conditions = report.conditions.iter();
    let ready = conditions.find(|condition| condition.kind == "Ready");
    let ready: Option<Truth> = ready.map(|ready| ready.truth);
    resource.ready = ready;
    resource.recorded = report.recorded;
    // Told to people, and read by no decision.
    for pin in &mut resource.recorded.sources {
        pin.policy_before = None;
    }
}

/// A decision that changes something; all others only wait.
pub fn moves(pass: &Pass, decision: &Decision) -> bool {
    match &decision.next {
        Move::Do(_) => true,
        Move::Refresh { newer_than, .. } => *newer_than <= NOW,
        _ => {
            let says_new = || {
                let (view, report) = (pass.view.as_deref(), decision.report.clone());
                view.zip(report).is_some_and(|(view, report)| {
                    let mut after = view.clone();
                    say(&mut after, report);
                    after != *view
                })
            };
            !pass.idle() || says_new()
        }
    }
}

pub fn needs_fresh(next: &Move) -> bool {
    match next {
        Move::Do(step) => !matches!(step, Step::HoldFinalizer | Step::Record(_)),
        _ => false,
    }
}
