//! What `doctor` says: the versioned document that `-o json` and `-o yaml` print, and that the text is made
//! of. Only types.
//!
//! Within one version of [`API_VERSION`] fields are added, and never renamed or removed.

use psg_domain::FailureCause;
use serde::Serialize;

use crate::{
    forms::Text,
    inventory::document::{Named, Resource},
};

/// The version of the document.
pub const API_VERSION: &str = "doctor.passwordsync.dev/v1alpha1";

/// Everything that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// [`API_VERSION`].
    pub api_version: &'static str,
    /// `Diagnosis`.
    pub kind: &'static str,
    /// Whether everything that was to be looked at could be read.
    pub complete: bool,
    /// How far back password changes were looked at, such as "the last 24 h".
    pub looked_back: String,
    /// Each tenant.
    pub tenants: Vec<Tenant>,
    /// Further warnings for the user.
    pub warnings: Vec<String>,
}

/// The groups of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// The host that answered.
    pub host: String,
    /// What is wrong for all of its groups.
    pub findings: Vec<TenantFinding>,
    /// Each group that was looked at.
    pub groups: Vec<Group>,
}

/// One thing that is wrong with the way to a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantFinding {
    /// What was looked for.
    pub check: Check,
    /// What the tenant shows.
    pub evidence: Text,
    /// What to do.
    pub remedy: &'static str,
}

/// One group, and what may keep a password change from reaching all of its sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its name and id.
    #[serde(flatten)]
    pub named: Named,
    /// The resource that has it; none without a cluster, or if no resource has it.
    pub resource: Option<Resource>,
    /// Its password policy; none if the tenant does not tell.
    pub policy: Option<Named>,
    /// Its sources.
    pub sources: Vec<Named>,
    /// What is wrong, in the order in which the vendor's guide looks for it.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub unknown: Vec<Text>,
    /// The password changes of the time that was looked at.
    pub changes: Changes,
}

/// The password changes of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// How many reached every source.
    pub complete: usize,
    /// The others, the newest first; with `--change` that one, even if it reached every source.
    pub listed: Vec<Change>,
}

/// One password change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The id of the request, for `--change`; none if the events do not tell.
    pub id: Option<Text>,
    /// When it was asked for.
    pub at: String,
    /// Whose password it is.
    pub identity: Option<Text>,
    /// Each source of the group that takes part.
    pub sources: Vec<Outcome>,
}

/// Which of the sources that take part in a change it reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Every source.
    All,
    /// Not every source.
    Some,
    /// It is not known of a source, and it missed no other.
    Unknown,
}

impl Change {
    /// What it came to on a source, if that takes part in it.
    pub fn on(&self, source: &Text) -> Option<&Outcome> {
        self.sources
            .iter()
            .find(|outcome| outcome.source == *source)
    }

    /// Which of its sources it reached.
    pub fn reached(&self) -> Reached {
        let is = |kind| self.sources.iter().any(|outcome| outcome.outcome == kind);
        let missed = [
            OutcomeKind::Failed,
            OutcomeKind::Retrying,
            OutcomeKind::NotAttempted,
        ];
        if missed.into_iter().any(is) {
            Reached::Some
        } else if is(OutcomeKind::Unknown) {
            Reached::Unknown
        } else {
            Reached::All
        }
    }
}

/// What a password change came to on one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The source.
    pub source: Text,
    /// What it came to.
    pub outcome: OutcomeKind,
    /// Why it failed; none if it did not.
    pub cause: Option<FailureCause>,
    /// The tenant's words for that.
    pub evidence: Option<Text>,
}

/// What a change can come to on one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // `psg_domain::password_changes::SourceOutcome` says what each means
pub enum OutcomeKind {
    Changed,
    Failed,
    Retrying,
    NotAttempted,
    Unknown,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked for.
    pub check: Check,
    /// The source that it is about.
    pub source: Text,
    /// What the tenant shows.
    pub evidence: Text,
    /// What to do.
    pub remedy: &'static str,
    /// Who owns the source; none if the tenant does not tell.
    pub ask: Option<Text>,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// The operator's token may do what the operator has to do.
    Token,
    /// The clock of this machine and that of the tenant agree.
    Clock,
    /// Nobody else uses the rate limit of the token.
    RateLimit,
    /// The tenant can reach the source.
    Communication,
    /// The source is what the guide asks of a member of a sync group.
    Prerequisites,
    /// Each password that the group's policy admits passes the source's own policy.
    PolicyAlignment,
    /// Password changes reached the source.
    PasswordChanges,
}

impl Check {
    /// As it is shown to a person.
    pub fn words(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Clock => "clock",
            Self::RateLimit => "rate limit",
            Self::Communication => "communication",
            Self::Prerequisites => "prerequisites",
            Self::PolicyAlignment => "policy alignment",
            Self::PasswordChanges => "password changes",
        }
    }
}
