//! The brake: when more of a tenant's groups are being deleted than a person is likely to want, no
//! further deletion is begun until a person confirms it. A deletion that was recorded goes on to
//! its end.
//!
//! Two kinds of deletions count: those that wait, however long, and those that were begun within
//! the last [`WINDOW`], ended or not. The resources show which deletions wait. Those that ended are
//! kept in memory, so a restart forgets them: one more full wave can go then. A resource that was
//! held back says so in its status, and stays held back after a restart.

use std::time::Duration;

use jiff::Timestamp;
use psg_domain::{DeletionPolicy, Desired, ManagementPolicy, Recorded};

/// Deletions that begin within this time are one wave.
pub const WINDOW: Duration = Duration::from_mins(10);

/// How many groups of a tenant may go in one wave: `max`, or `percent` of them if that is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// How many may go in any case.
    pub max: usize,
    /// How much of a large tenant may go, in percent.
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
    /// Takes the numbers of a manifest, whose schema admits no negative one.
    pub fn of(max: i64, percent: i64) -> Self {
        let or_none = |number| usize::try_from(number).unwrap_or(0);
        Self {
            max: or_none(max),
            percent: or_none(percent),
        }
    }

    /// How many of `managed` groups may go.
    pub fn limit(self, managed: usize) -> usize {
        self.max.max(managed.saturating_mul(self.percent) / 100)
    }
}

/// How far the deletion of one resource's group is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Going {
    /// The resource stays, or its deletion leaves the tenant as it is.
    #[default]
    Not,
    /// Its group is to be deleted, and the deletion is not begun.
    Waits,
    /// Like `Waits`, and its status says that the brake holds it back.
    HeldBack,
    /// The deletion was recorded at this moment.
    Begun(Timestamp),
}

impl Going {
    /// How far a resource is that is being deleted. `held_back`: its status says so.
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

/// What the brake counts of one tenant.
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
    /// Adds one resource to the count.
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
