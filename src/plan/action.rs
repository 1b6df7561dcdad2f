//! What a decision can be: an action, a read, or why there is nothing to do now.

use std::time::Duration;

use jiff::Timestamp;
use psg_domain::{
    Contested, Deletion, Drift, Group, GroupId, Holder, Intent, Origin, Reassignment, Refused,
    SourceId, Update, time,
};

use crate::reason::Finding;

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Carry out one action and ask again.
    Do(Action),
    /// What is known is too old: read it again, by a read that begins at `newer_than` or later.
    Refresh {
        /// What to read.
        what: What,
        /// The earliest moment at which the read may begin.
        newer_than: Timestamp,
    },
    /// Do nothing until then.
    Wait {
        /// When to ask again at the latest.
        until: Timestamp,
        /// What is waited for.
        why: Finding,
    },
    /// Do nothing until the manifest, the tenant or another resource changes.
    Stalled(Finding),
    /// Everything is as wanted.
    Settled,
}

/// What a refresh reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// All groups, by complete pages.
    Groups,
    /// One group, by id.
    Group(GroupId),
    /// The policy holders of these sources.
    Holders(Vec<SourceId>),
}

/// One side effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Put our finalizer on the resource.
    HoldFinalizer,
    /// Store this in the resource's status.
    Record(Memory),
    /// Send the one POST of this intent.
    CreateGroup(Intent),
    /// Replace the tenant's group by this.
    UpdateGroup {
        /// The whole group.
        group: Group,
        /// What differs, for the event.
        changes: Vec<Drift>,
        /// Whether it carries out an edit or repairs drift.
        cause: WriteCause,
    },
    /// Delete the tenant's group.
    DeleteGroup(GroupId),
    /// Replace a source's holders by these.
    AssignPolicy {
        /// The source.
        source: SourceId,
        /// All its holders: exceptions as they were, and one policy for everybody.
        holders: Vec<Holder>,
    },
    /// Take our finalizer off.
    ReleaseFinalizer(Release),
}

/// Why a group is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteCause {
    /// The manifest changed.
    Edit,
    /// Someone else changed the group in the tenant.
    Drift,
}

/// What is reported when a resource is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// What became of the group.
    pub kind: ReleaseKind,
    /// The tenant's group, if there ever was one.
    pub group: Option<GroupId>,
    /// What became of each source.
    pub sources: Vec<Reassignment>,
}

/// What became of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseKind {
    /// There never was a group.
    NothingMade,
    /// It was deleted, and every source has its policy.
    Deleted,
    /// It was left in the tenant on request.
    Orphaned,
    /// It is only observed from now on.
    Observed,
}

/// What a record stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// A create is about to be sent.
    Intent(Intent),
    /// The tenant refused what a manifest wanted.
    Refused(Refused),
    /// Another tool undoes every repair.
    Contested(Contested),
    /// The resource manages this group.
    Group(Group, Origin),
    /// A change is about to be sent, and these sources leave by it, or may have left.
    Update(Update, Vec<Reassignment>),
    /// A deletion is about to undo this.
    Deletion(Deletion),
    /// The sources to reassign, with the results so far.
    Reassigned(Vec<Reassignment>),
}

/// Which memory a record stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are those of `Memory`
pub enum Remembered {
    Intent,
    Refused,
    Contested,
    Group,
    Update,
    Deletion,
    Reassigned,
}

impl Memory {
    /// Its kind.
    pub fn kind(&self) -> Remembered {
        match self {
            Self::Intent(_) => Remembered::Intent,
            Self::Refused(_) => Remembered::Refused,
            Self::Contested(_) => Remembered::Contested,
            Self::Group(..) => Remembered::Group,
            Self::Update(..) => Remembered::Update,
            Self::Deletion(_) => Remembered::Deletion,
            Self::Reassigned(_) => Remembered::Reassigned,
        }
    }
}

impl Next {
    /// Ends a pass on findings: the first gives the reason, the message holds all. Nothing if there
    /// is none.
    pub fn stalled(findings: Vec<Finding>) -> Option<Self> {
        Finding::join(findings).map(Self::Stalled)
    }

    /// A read of one group by id, that begins later than `after`.
    pub fn read_group(id: &GroupId, after: Timestamp) -> Self {
        let newer_than = time::after(after, Duration::from_nanos(1));
        Self::Refresh {
            what: What::Group(id.clone()),
            newer_than,
        }
    }
}

impl Action {
    /// Whether the resource must have been read from or written to the API server since the pass
    /// began: the watch may show a new finalizer with an old status.
    pub fn needs_live_resource(&self) -> bool {
        !matches!(self, Self::HoldFinalizer | Self::Record(_))
    }
}
