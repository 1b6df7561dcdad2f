//! Which calls go first when calls must wait for the rate limit.

/// The purpose of a call, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Deleting a group: a namespace may be unable to end before it.
    Deletion,
    /// A manifest was applied or edited.
    UserChange,
    /// Something other than the operator changed the tenant.
    DriftRepair,
    /// Checking whether a write whose answer was lost took effect.
    Confirmation,
    /// The regular reading of the tenant.
    Read,
    /// Counts that are only shown to people.
    Counts,
    /// The audit events of password changes.
    AuditEvents,
}

impl Lane {
    /// Every lane, most urgent first.
    pub const ALL: [Self; 7] = [
        Self::Deletion,
        Self::UserChange,
        Self::DriftRepair,
        Self::Confirmation,
        Self::Read,
        Self::Counts,
        Self::AuditEvents,
    ];

    /// 0 for the most urgent.
    pub(crate) fn rank(self) -> u64 {
        match self {
            Self::Deletion => 0,
            Self::UserChange => 1,
            Self::DriftRepair => 2,
            Self::Confirmation => 3,
            Self::Read => 4,
            Self::Counts => 5,
            Self::AuditEvents => 6,
        }
    }
}
