//! One state of the checked world: what the API server has, what each process believes, what the
//! tenant holds, and what is still under way. Everything in it is hashed, so nothing that no
//! decision reads may be in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use psg_domain::{Desired, Group, GroupId, Intent, PolicyId, Recorded, SourceId};

use super::{laws::Law, sight::Sight};
use crate::{Engine, Object, Outcome, Setback, Truth};

/// How many resources there are at most, and how many processes.
pub const TWO: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What the API server has.
    pub stored: [Option<Arc<Resource>>; TWO],
    pub processes: [Option<Process>; TWO],
    pub tenant: Arc<Tenant>,
    /// POSTs that were given up and still take effect: whose, and what.
    pub late: Vec<(Option<usize>, Intent)>,
    /// PUTs that were given up at that time and still take effect.
    pub late_puts: Vec<(Timestamp, Group)>,
    /// Groups that each resource made or was allowed to take over.
    pub ours: [BTreeSet<GroupId>; TWO],
    /// The POST of the intent that is stored was sent.
    pub posted: [bool; TWO],
    pub left: Budget,
    /// The first law that was broken; nothing follows on it.
    pub broken: Option<Law>,
}

/// What may still go wrong or be changed by others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Lost answers, late and lost requests, 429s, crashes.
    pub faults: u8,
    /// Processes that start to lead while another one still believes that it does.
    pub splits: u8,
    /// Edits and deletions of resources.
    pub edits: u8,
    /// Changes made in the tenant by others.
    pub strangers: u8,
    /// Ticks that pass while somebody has something to do.
    pub delays: u8,
}

/// A resource as one of its versions has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    pub object: Object,
    pub desired: Desired,
    pub recorded: Recorded,
    /// The condition `Ready`; of the others, and of all messages, nothing is kept.
    pub ready: Option<Truth>,
}

/// A process that believes that it leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Process {
    pub sight: Arc<Sight>,
    pub passes: [Pass; TWO],
}

/// What a process knows of one resource, and how far its pass over it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pass {
    /// The version that it knows, however old; none if it knows of no such resource.
    pub view: Option<Arc<Resource>>,
    /// That version is the one that is stored, so that a write meets no conflict.
    pub current: bool,
    /// It was read or written live in this pass.
    pub fresh: bool,
    pub engine: Arc<Engine>,
}

impl Pass {
    /// Between two passes, when the watch may show another version.
    pub fn idle(&self) -> bool {
        !self.fresh && matches!(self.engine.last, None | Some(Outcome::Made(_)))
    }
}

/// The tenant as it really is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tenant {
    pub groups: BTreeMap<GroupId, Made>,
    /// The policy for everybody of each source; a member of a group has none of its own.
    pub holders: BTreeMap<SourceId, Option<PolicyId>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Made {
    pub group: Group,
    /// The resource whose POST made it.
    pub maker: Option<usize>,
    /// Made in this very tick: a read may lack it still.
    pub young: bool,
    /// What it was before this tick, if it was changed since: a read may show that still.
    pub was: Option<Group>,
}

impl State {
    /// Every moment in the state, for shifting.
    pub fn each_time(&mut self, f: &mut impl FnMut(&mut Timestamp)) {
        for stored in self.stored.iter_mut().flatten() {
            resource_times(stored, f);
        }
        for process in self.processes.iter_mut().flatten() {
            Arc::make_mut(&mut process.sight).each_time(f);
            for pass in &mut process.passes {
                if let Some(view) = &mut pass.view {
                    resource_times(view, f);
                }
                if !pass.engine.is_empty() {
                    engine_times(Arc::make_mut(&mut pass.engine), f);
                }
            }
        }
        for (_, intent) in &mut self.late {
            f(&mut intent.started_at);
        }
        for (given_up, _) in &mut self.late_puts {
            f(given_up);
        }
    }

    /// Ids that a resource, a process or a request still means.
    pub fn meant(&self) -> BTreeSet<GroupId> {
        let mut ids: BTreeSet<GroupId> = self.tenant.groups.keys().cloned().collect();
        let passes = self
            .processes
            .iter()
            .flatten()
            .flat_map(|process| &process.passes);
        for pass in passes.clone() {
            if let Some(Outcome::Made(group)) = &pass.engine.last {
                ids.insert(group.id.clone());
            }
        }
        let views = passes.filter_map(|pass| pass.view.as_ref());
        for known in self.stored.iter().flatten().chain(views) {
            ids.extend(known.recorded.group.clone());
            ids.extend(known.recorded.deletion.as_ref().map(|d| d.group.clone()));
        }
        ids.extend(self.late_puts.iter().map(|(_, group)| group.id.clone()));
        ids
    }

    /// Forgets what nobody means any more.
    pub fn tidy(&mut self, settle: std::time::Duration) {
        let meant = self.meant();
        for ours in &mut self.ours {
            ours.retain(|id| meant.contains(id));
        }
        let stored = self.stored.clone();
        for process in self.processes.iter_mut().flatten() {
            let mut deadlines = BTreeSet::new();
            for (pass, stored) in process.passes.iter().zip(&stored) {
                for known in [&pass.view, stored].into_iter().flatten() {
                    if let Some(intent) = &known.recorded.intent {
                        let sent = pass
                            .engine
                            .expectations
                            .unanswered_at
                            .unwrap_or(intent.started_at);
                        deadlines.extend([intent.started_at, sent.max(intent.started_at)]);
                    }
                }
            }
            let deadlines = deadlines
                .into_iter()
                .map(|since| psg_domain::time::after(since, settle));
            Arc::make_mut(&mut process.sight).tidy(&meant, &deadlines.collect());
        }
    }
}

fn resource_times(resource: &mut Arc<Resource>, f: &mut impl FnMut(&mut Timestamp)) {
    let known = &resource.recorded;
    let timeless = known.intent.is_none()
        && known.update.is_none()
        && known.deletion.is_none()
        && resource.object.paused_until.is_none();
    if timeless {
        return;
    }
    let resource = Arc::make_mut(resource);
    if let Some(intent) = &mut resource.recorded.intent {
        f(&mut intent.started_at);
    }
    if let Some(update) = &mut resource.recorded.update {
        f(&mut update.started_at);
    }
    if let Some(deletion) = &mut resource.recorded.deletion {
        f(&mut deletion.recorded_at);
    }
    if let Some(until) = &mut resource.object.paused_until {
        f(until);
    }
}

fn engine_times(engine: &mut Engine, f: &mut impl FnMut(&mut Timestamp)) {
    if let Some(Outcome::NotMade(setback) | Outcome::Unknown(setback)) = &mut engine.last {
        f(&mut setback.until);
    }
    let sent = &mut engine.expectations;
    let setbacks = sent.not_made.iter_mut().chain(sent.blocked.values_mut());
    for Setback { until, .. } in setbacks {
        f(until);
    }
    if let Some(puts) = &mut sent.puts {
        f(&mut puts.of);
    }
    let puts = sent.puts.iter_mut();
    let puts = puts.flat_map(|puts| {
        [
            &mut puts.answered_at,
            &mut puts.taken_at,
            &mut puts.unanswered_at,
        ]
    });
    let moments = [
        &mut sent.posted,
        &mut sent.unanswered_at,
        &mut sent.deleted_at,
    ];
    for at in moments
        .into_iter()
        .chain(puts)
        .flatten()
        .chain(sent.assigned.values_mut())
    {
        f(at);
    }
}
