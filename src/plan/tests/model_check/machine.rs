//! What may happen next. A pass of the operator is cut into single effects, so that everything
//! else may happen between two of them.

use std::{collections::BTreeSet, fmt, sync::Arc};

use jiff::SignedDuration;
use psg_domain::{Desired, Intent};

use super::{
    calm::{Calm, End, Place},
    coverage::Coverage,
    decisions::{claims, moves},
    laws,
    process::{end, start, walk, watch},
    rest,
    state::{Budget, Made, Pass, Resource, State, TWO, Tenant},
    time::{self, NOW, Periods, TICK},
    wire::made,
};
use crate::{Action, Decision, Next, Object, Reason, What};

/// One world: who wants what, what may go wrong and what others may do.
#[derive(Clone)]
pub struct World {
    pub specs: Vec<Desired>,
    pub edits: Vec<Edit>,
    pub strangers: Vec<Stranger>,
    pub budget: Budget,
    pub periods: Periods,
    /// The service gives sources a policy by itself when their group lets them go.
    pub hands_back: bool,
    /// A read may not show what was written in the same tick.
    pub lags: bool,
    /// A PUT that was given up may take effect within the settle time.
    pub late_puts: bool,
    /// What may stop which resource for good.
    pub stops: BTreeSet<(usize, Reason)>,
    pub coverage: Arc<Coverage>,
    pub calm: Arc<Calm>,
}

#[derive(Clone, Debug)]
pub enum Edit {
    Spec(usize, Desired),
    Delete(usize),
    Pause(usize),
}

/// A change made in the tenant by somebody else.
#[derive(Clone, Debug)]
pub enum Stranger {
    Makes(Intent),
    /// The first group that a resource made becomes this.
    Edits(Intent),
    /// The first group that a resource made goes.
    Deletes,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Transition {
    /// One effect of one process on one resource, and how it ends.
    Turn(usize, usize, Box<Decision>, Fate),
    /// The watch shows a process the newest version.
    Watch(usize, usize),
    Start(usize),
    Crash(usize),
    /// One of two leaders finds that it does not lead.
    Exit(usize),
    /// A POST that was given up takes effect.
    Arrive(usize),
    /// ... a PUT.
    ArrivePut(usize),
    /// Time passes, though there may be something to do.
    Tick {
        late: bool,
    },
    Edit(usize),
    Stranger(usize),
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn(p, r, decision, fate) => {
                write!(
                    f,
                    "process {p}, resource {r}, {fate:?}: {:?}",
                    decision.next
                )
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// How one effect ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// Done, and the answer is lost.
    Lost,
    /// No answer; never done.
    Dropped,
    /// No answer; a POST that takes effect later.
    Late,
    /// 429.
    TooMany,
    /// A walk that does not show what was just made.
    Lagging,
}

impl World {
    /// Nobody but one process at a time writes the tenant.
    pub fn alone(&self) -> bool {
        self.budget.splits == 0 && self.budget.strangers == 0
    }

    pub fn first(&self) -> State {
        let mut state = State {
            stored: [None, None],
            processes: [None, None],
            tenant: Arc::new(Tenant::new()),
            late: Vec::new(),
            late_puts: Vec::new(),
            ours: Default::default(),
            posted: [false; TWO],
            left: self.budget,
            broken: None,
        };
        for (r, desired) in self.specs.iter().enumerate() {
            let resource = Resource {
                object: Object::new(format!("r{r}"), "ns".to_owned(), format!("r{r}")),
                desired: desired.clone(),
                recorded: psg_domain::Recorded::default(),
                ready: None,
            };
            state.stored[r] = Some(Arc::new(resource));
        }
        start(&mut state, 0);
        state
    }

    pub fn actions_of(&self, state: &State, actions: &mut Vec<Transition>) {
        if state.broken.is_some() {
            return;
        }
        let mut busy = [false; TWO];
        let mut ends = [End::Open; TWO];
        for (p, process) in state.processes.iter().enumerate() {
            let Some(process) = process else { continue };
            let (picture, claims) = (process.sight.picture(), claims(process));
            for (r, pass) in process.passes.iter().enumerate() {
                if pass.idle() && !pass.current {
                    actions.push(Transition::Watch(p, r));
                    busy[r] = true;
                }
                let decision = self.decide(pass, &picture, &claims);
                ends[r] = rest::end(state, r, pass, decision.as_ref());
                if let Some(decision) = decision.filter(|decision| moves(pass, decision)) {
                    busy[r] = true;
                    let fates = self.fates(state, pass, &decision.next);
                    let decision = Box::new(decision);
                    let steps = fates.map(|fate| Transition::Turn(p, r, decision.clone(), fate));
                    actions.extend(steps);
                }
            }
            if state.left.faults > 0 {
                actions.push(Transition::Crash(p));
            }
        }
        let alive = state.processes.iter().flatten().count();
        match alive {
            0 => actions.push(Transition::Start(0)),
            TWO => actions.extend((0..TWO).map(Transition::Exit)),
            _ if state.left.splits > 0 => actions.push(Transition::Start(alive)),
            _ => {}
        }
        let idle = alive > 0 && busy == [false; TWO];
        if state.is_calm() {
            let place = match idle {
                true if self.is_whole(state) => Place::Idle(ends),
                true => Place::Idle([End::Open; TWO]),
                false => Place::Busy(busy),
            };
            self.calm.place(state, place);
        }
        actions.extend((0..state.late.len()).map(Transition::Arrive));
        actions.extend((0..state.late_puts.len()).map(Transition::ArrivePut));
        let settle = self.periods.timers().settle;
        let may_wait = |(at, _): &_| psg_domain::time::after(*at, settle) > NOW;
        let overdue = !state.late.iter().all(|(_, intent)| self.open(intent))
            || !state.late_puts.iter().all(may_wait);
        if !overdue && (idle || state.left.delays > 0) {
            actions.push(Transition::Tick { late: !idle });
        }
        if state.left.edits > 0 {
            actions.extend((0..self.edits.len()).map(Transition::Edit));
        }
        if state.left.strangers > 0 {
            actions.extend((0..self.strangers.len()).map(Transition::Stranger));
        }
    }

    /// The assumption of the create protocol: a POST takes effect before this ends, or never.
    pub fn open(&self, intent: &Intent) -> bool {
        let settle = self.periods.timers().settle;
        psg_domain::time::after(intent.started_at, settle) > NOW
    }

    fn fates(&self, state: &State, pass: &Pass, next: &Next) -> impl Iterator<Item = Fate> + use<> {
        let faulty = state.left.faults > 0;
        let unread = matches!(next, Next::Do(step) if step.needs_live_resource()) && !pass.fresh;
        let bad: &[Fate] = match next {
            _ if unread => &[],
            Next::Refresh {
                what: What::Groups | What::Group(_),
                ..
            } => {
                let mut groups = state.tenant.groups.values();
                if self.lags && groups.any(|made| made.young || made.was.is_some()) {
                    &[Fate::Lagging]
                } else {
                    &[]
                }
            }
            _ if !faulty => &[],
            Next::Do(Action::CreateGroup(intent)) if self.open(intent) => {
                &[Fate::Lost, Fate::Dropped, Fate::Late, Fate::TooMany]
            }
            Next::Do(Action::UpdateGroup { .. }) if self.late_puts => {
                &[Fate::Lost, Fate::Dropped, Fate::Late, Fate::TooMany]
            }
            Next::Do(
                Action::CreateGroup(_)
                | Action::UpdateGroup { .. }
                | Action::DeleteGroup(_)
                | Action::AssignPolicy { .. },
            ) => &[Fate::Lost, Fate::Dropped, Fate::TooMany],
            Next::Do(Action::Record(_) | Action::ReleaseFinalizer(_)) => &[Fate::Lost],
            _ => &[],
        };
        std::iter::once(Fate::Answered).chain(bad.iter().copied())
    }

    /// What follows; none if nothing changes.
    pub fn follow(&self, was: &State, action: &Transition) -> Option<State> {
        let mut state = was.clone();
        match action {
            Transition::Turn(p, r, decision, fate) => {
                self.step(&mut state, *p, *r, (**decision).clone(), *fate);
            }
            Transition::Watch(p, r) => watch(&mut state, *p, *r),
            Transition::Start(p) => {
                if state.processes.iter().any(Option::is_some) {
                    state.left.splits -= 1;
                }
                start(&mut state, *p);
            }
            Transition::Crash(p) => {
                state.left.faults -= 1;
                end(&mut state, *p);
            }
            Transition::Arrive(n) => {
                let (by, intent) = state.late.remove(*n);
                made(&mut state, by, &intent);
            }
            Transition::ArrivePut(n) => {
                let (_, group) = state.late_puts.remove(*n);
                Arc::make_mut(&mut state.tenant).replace(group, self.hands_back);
            }
            Transition::Exit(p) => end(&mut state, *p),
            Transition::Tick { late } => {
                state.left.delays -= u8::from(*late);
                self.tick(&mut state);
            }
            Transition::Edit(n) => {
                self.edit(&mut state, *n);
                if state == *was {
                    return None;
                }
                state.left.edits -= 1;
            }
            Transition::Stranger(n) => {
                self.stranger(&mut state, *n);
                if state == *was {
                    return None;
                }
                state.left.strangers -= 1;
            }
        }
        for process in state.processes.iter_mut().flatten() {
            for pass in &mut process.passes {
                if let Some(view) = &pass.view {
                    let mut engine = (*pass.engine).clone();
                    engine.follow(&view.recorded, NOW);
                    if engine != *pass.engine {
                        pass.engine = Arc::new(engine);
                    }
                }
            }
        }
        state.broken = state.broken.or_else(|| laws::standing(&state));
        let next = (state != *was).then_some(state);
        self.calm.step(was, next.as_ref(), action);
        next
    }

    fn tick(&self, state: &mut State) {
        time::pass(state, self.periods);
        let changed = |made: &Made| made.young || made.was.is_some();
        if state.tenant.groups.values().any(changed) {
            for made in Arc::make_mut(&mut state.tenant).groups.values_mut() {
                (made.young, made.was) = (false, None);
            }
        }
        let interval = SignedDuration::try_from(TICK * self.periods.interval).unwrap();
        let due = NOW - interval;
        let tenant = Arc::clone(&state.tenant);
        for process in state.processes.iter_mut().flatten() {
            if process.sight.walks.last().is_none_or(|walk| *walk <= due) {
                walk(Arc::make_mut(&mut process.sight), &tenant, false);
            }
        }
        state.tidy(self.periods.timers().settle);
    }
}
