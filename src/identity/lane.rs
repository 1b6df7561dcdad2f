//! Who goes first when calls must wait for the rate limit.

/// The purpose of a call, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Undoing a group: somebody waits for a namespace to end.
    Deletion,
    /// A manifest was applied or edited.
    UserChange,
    /// The tenant was changed behind our back.
    DriftRepair,
    /// Making sure of a write whose answer was lost.
    Confirmation,
    /// The regular reading of the tenant.
    Read,
    /// Figures for people.
    Counts,
}

impl Lane {
    /// Every lane, most urgent first.
    pub const ALL: [Self; 6] = [
        Self::Deletion,
        Self::UserChange,
        Self::DriftRepair,
        Self::Confirmation,
        Self::Read,
        Self::Counts,
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
        }
    }
}
