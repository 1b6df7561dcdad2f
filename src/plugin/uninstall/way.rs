//! The two ways in which an operator lets go of its groups.

/// What becomes of the groups in the tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// They stay.
    Orphan,
    /// They are deleted.
    Delete,
}

impl Way {
    /// The flag without its dashes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::Delete => "delete",
        }
    }

    /// What it does in the tenants.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Orphan => {
                "The groups stay in their tenants as they are: sources go on sharing one password, and nobody \
                 manages the groups any more."
            }
            Self::Delete => {
                "The groups are deleted in their tenants, and each source gets the group's policy as its own: \
                 passwords of the sources become independent of each other."
            }
        }
    }
}
