//! A process: what it begins with, what the watch shows it, and what it reads.

use std::sync::Arc;

use psg_domain::Group;

use super::{
    machine::Fate,
    sight::Sight,
    state::{Made, Pass, Process, State, Tenant},
    time::NOW,
};
use crate::{Engine, What};

/// A process begins: it lists the resources and reads the tenant.
pub fn start(state: &mut State, p: usize) {
    let mut process = Process::default();
    walk(Arc::make_mut(&mut process.sight), &state.tenant, false);
    for (pass, stored) in process.passes.iter_mut().zip(&state.stored) {
        pass.view.clone_from(stored);
        pass.current = true;
    }
    state.processes[p] = Some(process);
}

/// A process ends. Of two, the one that is left is the first from then on.
pub fn end(state: &mut State, p: usize) {
    state.processes[p] = None;
    state.processes.sort_by_key(Option::is_none);
}

pub fn watch(state: &mut State, p: usize, r: usize) {
    let stored = state.stored[r].clone();
    let pass = pass(state, p, r);
    match stored {
        Some(stored) => (pass.view, pass.current) = (Some(stored), true),
        None => {
            *pass = Pass {
                current: true,
                ..Pass::default()
            }
        }
    }
}

/// Reads the resource live.
pub fn reread(state: &mut State, p: usize, r: usize) {
    watch(state, p, r);
    let pass = pass(state, p, r);
    pass.fresh = pass.view.is_some();
}

pub fn read(state: &mut State, p: usize, r: usize, what: What, fate: Fate) {
    let tenant = Arc::clone(&state.tenant);
    let sight = sight(state, p);
    match what {
        What::Groups => walk(sight, &tenant, fate == Fate::Lagging),
        What::Group(id) => {
            let made = tenant.groups.get(&id);
            match made.and_then(|made| shown(made, fate == Fate::Lagging)) {
                Some(group) => sight.see(group.clone()),
                None => sight.miss(&id),
            }
        }
        What::Holders(sources) => {
            for id in sources {
                let policy = tenant.holders.get(&id).cloned().flatten();
                sight.holders.insert(id, (policy, NOW));
            }
        }
    }
    engine(state, p, r).read();
}

pub fn walk(sight: &mut Sight, tenant: &Tenant, lagging: bool) {
    let groups = tenant.groups.values();
    sight.walk(groups.filter_map(|made| shown(made, lagging).cloned()));
}

/// What a read shows of a group; one that lags, what it was before this tick.
fn shown(made: &Made, lagging: bool) -> Option<&Group> {
    match &made.was {
        _ if !lagging => Some(&made.group),
        _ if made.young => None,
        Some(was) => Some(was),
        None => Some(&made.group),
    }
}

pub fn forget(pass: &mut Pass) {
    Arc::make_mut(&mut pass.engine).forget_outcome();
}

pub fn pass(state: &mut State, p: usize, r: usize) -> &mut Pass {
    let process = state.processes[p].as_mut();
    &mut process
        .expect("a process that is not there takes no step")
        .passes[r]
}

pub fn sight(state: &mut State, p: usize) -> &mut Sight {
    let process = state.processes[p].as_mut();
    Arc::make_mut(
        &mut process
            .expect("a process that is not there reads nothing")
            .sight,
    )
}

pub fn engine(state: &mut State, p: usize, r: usize) -> &mut Engine {
    Arc::make_mut(&mut pass(state, p, r).engine)
}
