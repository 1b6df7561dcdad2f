//! The end of the rule drift: another tool that undoes every repair is not fought for ever. What the
//! process repaired is counted in memory; that it gave up is recorded, so that a restart does not
//! begin the fight again.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use psg_domain::{Contested, Drift, time};

use crate::{
    case::{Case, Memory, Move, Step, write},
    reason::{Finding, Reason},
};

/// So many repairs of one field within [`WINDOW`] are a fight.
const ENOUGH: usize = 3;
/// How long a repair counts.
const WINDOW: Duration = Duration::from_hours(1);

/// When drift of a group was repaired, by field. Lost in a crash, which only counts anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Repairs(BTreeMap<String, Vec<Timestamp>>);

impl Repairs {
    /// These fields were just put back.
    pub fn count(&mut self, changes: &[Drift], at: Timestamp) {
        for change in changes {
            let times = self.0.entry(change.field.clone()).or_default();
            times.push(at);
            let old = times.len().saturating_sub(ENOUGH);
            times.drain(..old);
        }
    }

    fn fight_over(&self, field: &str, now: Timestamp) -> bool {
        let since = time::before(now, WINDOW);
        let times = self.0.get(field).into_iter().flatten();
        times.filter(|at| **at > since).count() >= ENOUGH
    }
}

/// What keeps this drift from being repaired: a fight that was given up, or is given up now.
pub fn stop(case: &Case<'_>, now: Timestamp, drift: &[Drift]) -> Option<Move> {
    if let Some(contested) = case.recorded.contested.as_ref().filter(|c| stands(case, c)) {
        return Some(Move::Stalled(given_up(contested)));
    }
    let fought = |drift: &&Drift| case.engine.repairs.fight_over(&drift.field, now);
    let field = drift.iter().find(fought)?;
    let contested = Contested {
        generation: case.object.generation,
        reconcile_at: case.object.reconcile_at.clone(),
        field: field.field.clone(),
        found: field.found.clone(),
    };
    let memory = Memory::Contested(contested);
    Some(write(case, now, Step::Record(memory)))
}

/// A person who edits the spec or asks for a reconcile asks to try again.
fn stands(case: &Case<'_>, contested: &Contested) -> bool {
    contested.generation == case.object.generation
        && contested.reconcile_at == case.object.reconcile_at
}

fn given_up(contested: &Contested) -> Finding {
    let Contested { field, found, .. } = contested;
    Finding::new(
        Reason::Contested,
        format!(
            "{field} was set to {found} again after {ENOUGH} repairs within an hour, so another tool writes \
             this group and nothing more is repaired. Find that tool; then edit the spec, or set the \
             annotation passwordsync.dev/reconcile-at to a new value, to try again"
        ),
    )
}
