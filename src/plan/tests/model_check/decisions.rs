//! What a process decides: the engine, asked as the controller asks it.

use psg_domain::{ConditionType, Picture};

use super::{
    machine::World,
    state::{Pass, Process, Resource},
    time::{NOW, TICK},
};
use crate::{
    ClaimIndex, Claimant, Decision, Next, Observation, Report, TenantState, TenantView, Truth,
    tests::fixture::{at, key, place},
};

impl World {
    /// Asks the engine as the controller does.
    pub fn decide(&self, pass: &Pass, picture: &Picture, claims: &ClaimIndex) -> Option<Decision> {
        let view = pass.view.as_ref()?;
        let seen = Observation {
            object: view.object.clone(),
            desired: Ok(view.desired.clone()),
            recorded: view.recorded.clone(),
            tenant: TenantView {
                interval: TICK * self.periods.interval,
                credentials: "one".to_owned(),
                in_use: crate::InUse::Held,
                ..TenantView::of(TenantState::Ready, Some(key("acme")))
            },
            picture,
            claims,
            timers: self.periods.timers(),
            backoff: TICK * self.periods.backoff,
        };
        Some(pass.engine.decide(seen, NOW))
    }
}

/// Who owns what, by the versions that this process knows.
pub fn claims(process: &Process) -> ClaimIndex {
    let mut claims = ClaimIndex::default();
    claims.identify(&place("ns/default"), &key("acme"));
    for (r, pass) in process.passes.iter().enumerate() {
        let Some(view) = &pass.view else { continue };
        let created = at(i64::try_from(r).unwrap());
        let tenant = place("ns/default");
        let desired = Some(&view.desired);
        let claimant = Claimant::of(&view.object, created, tenant, desired, &view.recorded, NOW);
        claims.insert(claimant);
    }
    claims
}

pub fn say(resource: &mut Resource, report: Report) {
    let mut conditions = report.conditions.iter();
    let ready = conditions.find(|condition| condition.kind == ConditionType::Ready);
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
        Next::Do(_) => true,
        Next::Refresh { newer_than, .. } => *newer_than <= NOW,
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
