//! When drift of a group was repaired: counted in memory, to notice that another tool undoes the
//! repairs.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use psg_domain::{Drift, time};

/// So many repairs of one field within [`WINDOW`] mean that another tool undoes them.
pub const ENOUGH: usize = 3;
/// How long a repair counts.
const WINDOW: Duration = Duration::from_hours(1);

/// When drift of a group was repaired, by field. A crash loses it, and counting begins anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Repairs(BTreeMap<String, Vec<Timestamp>>);

impl Repairs {
    /// These fields were just repaired.
    pub fn count(&mut self, changes: &[Drift], at: Timestamp) {
        for change in changes {
            let times = self.0.entry(change.field.clone()).or_default();
            times.push(at);
            let old = times.len().saturating_sub(ENOUGH);
            times.drain(..old);
        }
    }

    /// Whether a field was repaired so often that another tool must be writing it.
    pub fn fight_over(&self, field: &str, now: Timestamp) -> bool {
        let since = time::before(now, WINDOW);
        let times = self.0.get(field).into_iter().flatten();
        times.filter(|at| **at > since).count() >= ENOUGH
    }
}
