//! The types of the conditions that the operator owns, of both kinds.

/// The type of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// Everything is as the manifest wants it.
    Ready,
    /// The operator works on it (kstatus).
    Reconciling,
    /// Nothing goes on before a person does something (kstatus).
    Stalled,
    /// A person has paused every write.
    Paused,
    /// The names in the manifest are still those of the objects to which they led.
    ReferencesCurrent,
    /// The tenant has all that a group needs.
    PrerequisitesMet,
    /// The tenant reaches every source.
    SourcesHealthy,
    /// Every source has a policy that fits the group's; present only while that is false.
    PoliciesAligned,
    /// No password change failed on a source lately; present only if the tenant's audit events are
    /// read for it. Of a tenant: present only while they cannot be read.
    PasswordChangesHealthy,
    /// Of a tenant: the brake holds deletions back.
    DeletionsPaused,
    /// Of a tenant: its Secret cannot be deleted while groups need it; present only while something
    /// is wrong with its finalizer.
    SecretProtected,
}

impl ConditionType {
    /// Every type: a condition of another type is another tool's.
    pub const ALL: [Self; 11] = [
        Self::Ready,
        Self::Reconciling,
        Self::Stalled,
        Self::Paused,
        Self::ReferencesCurrent,
        Self::PrerequisitesMet,
        Self::SourcesHealthy,
        Self::PoliciesAligned,
        Self::PasswordChangesHealthy,
        Self::DeletionsPaused,
        Self::SecretProtected,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Paused => "Paused",
            Self::ReferencesCurrent => "ReferencesCurrent",
            Self::PrerequisitesMet => "PrerequisitesMet",
            Self::SourcesHealthy => "SourcesHealthy",
            Self::PoliciesAligned => "PoliciesAligned",
            Self::PasswordChangesHealthy => "PasswordChangesHealthy",
            Self::DeletionsPaused => "DeletionsPaused",
            Self::SecretProtected => "SecretProtected",
        }
    }
}
