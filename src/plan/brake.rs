//! The brake: when more of a tenant's groups are going than a person is likely to mean, no further
//! one is begun until somebody says so. A deletion that was recorded goes on to its end.
//!
//! What counts is what waits, however long it has waited, and what was begun within the last
//! [`WINDOW`], ended or not. What waits is seen in the resources. What has ended is kept in
//! memory, so a restart forgets it: as many as one wave may have can go once more then. What was
//! held back once says so in its status, and stays held back over a restart.

use std::time::Duration;

use jiff::Timestamp;
use psg_domain::{DeletionPolicy, Desired, ManagementPolicy, Recorded};

/// Deletions that began within so long are one wave.
pub const WINDOW: Duration = Duration::from_mins(10);

/// How many groups of a tenant may go in one wave: `max`, or `percent` of them if that is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// So many in any case.
    pub max: usize,
    /// So much of a large tenant.
    pub percent: usize,
}

impl Default for Brake {
    fn default() -> Self {
        Self {
            max: 5,
            percent: 20,
        }
    }
}

impl Brake {
    /// As a manifest has it, whose schema admits no negative number.
    pub fn of(max: i64, percent: i64) -> Self {
        let or_none = |number| usize::try_from(number).unwrap_or(0);
        Self {
            max: or_none(max),
            percent: or_none(percent),
        }
    }

    /// How many of so many may go.
    pub fn limit(self, managed: usize) -> usize {
        self.max.max(managed.saturating_mul(self.percent) / 100)
    }
}

/// How far one resource is on its way to the deletion of its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Going {
    /// It stays, or its end leaves the tenant as it is.
    #[default]
    Not,
    /// Its group is to be deleted, and nothing of that was begun.
    Waits,
    /// The same, and its status says that the brake holds it.
    HeldBack,
    /// What is to be undone was recorded then.
    Begun(Timestamp),
}

impl Going {
    /// What a resource that is being deleted has before it. `held_back`: its status says so.
    pub fn of(desired: Option<&Desired>, recorded: &Recorded, held_back: bool) -> Self {
        let spared = desired.is_some_and(|desired| {
            desired.deletion == DeletionPolicy::Orphan
                || desired.management == ManagementPolicy::Observe
        });
        match &recorded.deletion {
            Some(deletion) => Self::Begun(deletion.recorded_at),
            None if spared || recorded.held().is_none() => Self::Not,
            None if held_back => Self::HeldBack,
            None => Self::Waits,
        }
    }
}

/// What goes of one tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wave {
    /// Its groups, with those that went in this wave.
    pub managed: usize,
    /// Those of them that go or went.
    pub going: usize,
    /// Those of them that were held back.
    pub held_back: usize,
}

impl Wave {
    /// Counts one resource in.
    pub(crate) fn count(&mut self, going: Going, since: Timestamp) {
        self.managed += 1;
        match going {
            Going::Begun(at) if at < since => {}
            Going::Not => {}
            Going::HeldBack => {
                self.going += 1;
                self.held_back += 1;
            }
            Going::Waits | Going::Begun(_) => self.going += 1,
        }
    }
}
