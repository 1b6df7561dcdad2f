//! What must hold at every single effect and at the end, whatever was lost, late, killed or
//! paused. It looks at what is stored and sent, never into the operator.
//!
//! Each check names the law of docs/rules.md that it holds.

mod ends;
mod makers;
mod states;
mod told;
mod writes;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use identity_simulator::{Tenant, model::Group};
use psg_api::{PasswordSyncGroupStatus, names};
use tokio::time::Instant;

use makers::Makers;

/// Each intent: the resource's UID, the attempt and when it was recorded.
type Intent = (String, i64, String);

/// What was seen so far, and what was wrong.
#[derive(Default)]
pub struct Oracle {
    /// Those that were sent.
    posted: BTreeSet<Intent>,
    last_posted: Option<Intent>,
    /// What each group was at any time.
    been: BTreeSet<Shape>,
    /// When each source last had a policy of its own.
    had: BTreeMap<(String, String), Instant>,
    /// When each source was last in a group.
    grouped: BTreeMap<String, Instant>,
    looked: Option<Instant>,
    pub makers: Makers,
    /// Groups whose sources the tenant did not show for a while: unless a resource records them, they
    /// count as free (docs/safety.md, "What is left").
    pub hidden: BTreeSet<String>,
    pub violations: Vec<String>,
}

impl Oracle {
    /// Whether the last look at the tenant is so long ago.
    pub fn is_due(&self, ago: Duration) -> bool {
        self.looked.is_none_or(|at| at.elapsed() >= ago)
    }

    /// The tenant after a change.
    pub fn after(&mut self, tenant: &Tenant) {
        self.looked = Some(Instant::now());
        let state = tenant.state();
        for group in state.groups.iter() {
            self.been.insert(Shape::of_group(group));
            for source in &group.source_ids {
                self.grouped.insert(source.clone(), Instant::now());
            }
        }
        for source in state.sources.iter() {
            for holder in source.holders.iter().filter(|it| it.selectors.is_none()) {
                let key = (source.id.clone(), holder.policy_id.clone());
                self.had.insert(key, Instant::now());
            }
        }
        let wrong = self.makers.after(tenant);
        self.violations.extend(wrong);
    }

    fn must(&mut self, holds: bool, what: &str, whom: &str) {
        if !holds {
            self.violations.push(format!("{what}: {whom}"));
        }
    }
}

/// Id, name, policy and sources of a group.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shape(String, Option<String>, Option<String>, BTreeSet<String>);

impl Shape {
    fn of_group(group: &Group) -> Self {
        let sources = group.source_ids.iter().cloned().collect();
        let policy = group.password_policy_id.clone();
        Self(group.id.clone(), Some(group.name.clone()), policy, sources)
    }

    /// Of a group that is held.
    fn of_status(status: &PasswordSyncGroupStatus) -> Option<Self> {
        let id = status.group_id.clone().filter(|id| holds(status, id))?;
        let policy = status.policy.as_ref().map(|policy| policy.id.clone());
        let sources = status.sources.iter().map(|source| source.id.clone());
        Some(Self(id, status.name.clone(), policy, sources.collect()))
    }

    /// Whether the same group had each part of it at some time.
    fn is_made_of(&self, been: &BTreeSet<Self>) -> bool {
        let was = |part: &dyn Fn(&Self) -> bool| been.iter().any(|it| it.0 == self.0 && part(it));
        was(&|it| it.1 == self.1)
            && was(&|it| it.2 == self.2)
            && self.3.iter().all(|source| was(&|it| it.3.contains(source)))
    }
}

fn holds(status: &PasswordSyncGroupStatus, id: &str) -> bool {
    status.group_id.as_deref() == Some(id) && status.origin.as_deref() != Some("Observed")
}

fn is_held(finalizers: &[String]) -> bool {
    finalizers.iter().any(|held| held == names::FINALIZER)
}
