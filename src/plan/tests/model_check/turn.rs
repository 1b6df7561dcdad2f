//! One effect of a pass: a record, a finalizer, a read, a request on the wire, or its end.

use std::sync::Arc;

use psg_domain::Origin;

use super::{
    coverage::Event,
    decisions::say,
    laws,
    machine::{Fate, World},
    process::{engine, forget, pass, read, reread, sight},
    state::{Pass, Resource, State, TWO},
    time::NOW,
    wire::{disown, take},
};
use crate::{
    Action, Decision, Engine, Memory, Next, Outcome, Reason, Release, ReleaseKind, Report,
};

/// How a write to the API server ended.
enum Stored {
    Done,
    Conflict,
    Lost,
    Gone,
}

impl World {
    pub fn step(&self, state: &mut State, p: usize, r: usize, decision: Decision, fate: Fate) {
        if !matches!(fate, Fate::Answered | Fate::Lagging) {
            state.left.faults -= 1;
        }
        let Decision {
            next,
            report,
            basis,
            ..
        } = decision;
        let fresh = pass(state, p, r).fresh;
        match next {
            Next::Do(step) if step.needs_live_resource() && !fresh => reread(state, p, r),
            Next::Do(Action::Record(memory)) => self.record(state, p, r, &memory, report, fate),
            Next::Do(Action::HoldFinalizer) => {
                let stored = self.store(state, p, r, fate, |resource| {
                    resource.object.finalizer = true;
                });
                then(state, p, r, &stored, Engine::finalized);
            }
            Next::Do(Action::ReleaseFinalizer(release)) => {
                self.release(state, p, r, &release, fate);
            }
            Next::Do(step) => self.send(state, p, r, &step, &basis.unwrap_or_default(), fate),
            Next::Refresh { what, newer_than } => {
                if newer_than <= NOW {
                    read(state, p, r, what, fate);
                }
            }
            ended => self.end(state, p, r, &ended, report),
        }
    }

    fn record(
        &self,
        state: &mut State,
        p: usize,
        r: usize,
        memory: &Memory,
        report: Option<Report>,
        fate: Fate,
    ) {
        let Some(report) = report else { return };
        let before = pass(state, p, r).clone();
        let stored = self.store(state, p, r, fate, |resource| say(resource, report));
        if matches!(stored, Stored::Done | Stored::Lost) {
            if let Memory::Intent(intent) = memory {
                state.posted[r] = false;
                if intent.attempt > 1 && before.engine.expectations.not_made.is_none() {
                    self.coverage.saw(Event::SecondAttemptAfterProof);
                }
            }
            if let Memory::Group(group, origin) = memory {
                state.ours[r].insert(group.id.clone());
                let answered = matches!(before.engine.last, Some(Outcome::Made(_)));
                if !answered && *origin == Origin::Created && take(state, r, &group.id) {
                    self.coverage.saw(Event::TwinTakenForOurs);
                }
                match origin {
                    Origin::Created if !answered => {
                        self.coverage.saw(Event::AmbiguousCreateIsOurs);
                        if before.engine.expectations.posted.is_none() {
                            self.coverage.saw(Event::TakenOverByAnother);
                        }
                    }
                    Origin::Adopted => self.coverage.saw(Event::Adopted),
                    _ => {}
                }
            }
        }
        then(state, p, r, &stored, |engine| engine.recorded(memory));
    }

    fn release(&self, state: &mut State, p: usize, r: usize, release: &Release, fate: Fate) {
        let view = pass(state, p, r).view.clone();
        let Some(view) = view else { return };
        let stored = self.store(state, p, r, fate, |resource| {
            resource.object.finalizer = false;
        });
        if matches!(stored, Stored::Done | Stored::Lost) {
            state.broken = state
                .broken
                .or_else(|| laws::release(state, r, &view, release));
            let skipped = |one: &psg_domain::Reassignment| {
                use psg_domain::ReassignmentResult::{ByOperator, ByService};
                !matches!(one.result, None | Some(ByOperator | ByService))
            };
            if release.sources.iter().any(skipped) {
                self.coverage.saw(Event::SourceSkipped);
            }
            if matches!(release.kind, ReleaseKind::Orphaned | ReleaseKind::Observed) {
                self.coverage.saw(Event::Orphaned);
                disown(state, r);
            }
            if release.kind == ReleaseKind::Deleted {
                self.coverage.saw(Event::Deleted);
            }
            if view.object.deleting {
                state.stored[r] = None;
                if matches!(stored, Stored::Done) {
                    *pass(state, p, r) = Pass::default();
                    return;
                }
            }
        }
        then(state, p, r, &stored, Engine::finalized);
    }

    fn end(&self, state: &mut State, p: usize, r: usize, ended: &Next, report: Option<Report>) {
        if matches!(ended, Next::Wait { why, .. } if why.reason == Reason::Updating) {
            self.coverage.saw(Event::HiddenChange);
        }
        if let Next::Stalled(why) = ended {
            self.coverage.stalled(why);
            let view = pass(state, p, r).view.clone();
            if why.reason == Reason::CreateAmbiguous
                && view.is_some_and(|view| sight(state, p).shows_twins(&view))
            {
                self.coverage.saw(Event::Duplicate);
            }
        }
        if let Some(report) = report {
            let stored = self.store(state, p, r, Fate::Answered, |resource| {
                say(resource, report);
            });
            if !matches!(stored, Stored::Done) {
                then(state, p, r, &stored, |_| {});
                return;
            }
        }
        let pass = pass(state, p, r);
        forget(pass);
        pass.fresh = false;
    }

    /// One write to the API server, with the version that the process knows.
    fn store(
        &self,
        state: &mut State,
        p: usize,
        r: usize,
        fate: Fate,
        change: impl FnOnce(&mut Resource),
    ) -> Stored {
        let (view, current) = {
            let pass = pass(state, p, r);
            (pass.view.clone(), pass.current)
        };
        let Some(old) = view else { return Stored::Gone };
        let mut new = (*old).clone();
        change(&mut new);
        if new == *old {
            return Stored::Done;
        }
        if state.stored[r].is_none() {
            return Stored::Gone;
        }
        if !current {
            if state.processes.iter().flatten().count() == TWO {
                self.coverage.saw(Event::ConflictOfTwoLeaders);
            }
            return Stored::Conflict;
        }
        state.broken = state
            .broken
            .or_else(|| laws::record(state, p, r, &old, &new));
        let new = Arc::new(new);
        state.stored[r] = Some(Arc::clone(&new));
        for process in state.processes.iter_mut().flatten() {
            process.passes[r].current = false;
        }
        if fate == Fate::Lost {
            return Stored::Lost;
        }
        let pass = pass(state, p, r);
        (pass.view, pass.current, pass.fresh) = (Some(new), true, true);
        Stored::Done
    }
}

/// What a process does after such a write.
fn then(state: &mut State, p: usize, r: usize, stored: &Stored, tell: impl FnOnce(&mut Engine)) {
    match stored {
        Stored::Done => tell(engine(state, p, r)),
        Stored::Conflict => {
            forget(pass(state, p, r));
            reread(state, p, r);
        }
        // The pass ends with an error, and the next begins with what the watch shows.
        Stored::Lost => {
            let pass = pass(state, p, r);
            forget(pass);
            pass.fresh = false;
        }
        Stored::Gone => *pass(state, p, r) = Pass::default(),
    }
}
