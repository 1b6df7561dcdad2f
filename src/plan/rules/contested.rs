//! The end of the rule drift: if another tool undoes every repair, the operator stops repairing.
//! Repairs are counted in memory; that they stopped is recorded in the status, so that a restart
//! does not begin them again.

use jiff::Timestamp;
use psg_domain::{Contested, Drift};

use crate::{
    action::{Action, Memory, Next},
    case::Case,
    reason::{Finding, Reason},
    repairs::ENOUGH,
    rules::write::write,
};

/// What keeps this drift from being repaired: repairs were given up, or are given up now.
pub fn stop(case: &Case<'_>, now: Timestamp, drift: &[Drift]) -> Option<Next> {
    if let Some(contested) = case.recorded.contested.as_ref().filter(|c| stands(case, c)) {
        return Some(Next::Stalled(given_up(contested)));
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
    Some(write(case, now, Action::Record(memory)))
}

/// Whether repairs stay given up: a person who edits the spec or asks for a reconcile asks to try
/// again.
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
