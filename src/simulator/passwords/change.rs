//! One password change: which accounts it is to reach, and how far it has come. No IO, no rules.

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

/// A password change that was asked for.
#[derive(Debug)]
pub(crate) struct Change {
    /// Its place in the order in which changes were asked for.
    pub(crate) number: u64,
    pub(crate) request_id: String,
    /// The name of the person whose password changes.
    pub(crate) identity: String,
    /// Who asked: the person, or the client of the API.
    pub(crate) actor: String,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    /// Whether the person changed it while signing in to the source itself.
    pub(crate) pass_through: bool,
    /// Whether the source that was asked for was in a group.
    pub(crate) grouped: bool,
    /// What each source has to do; the source that was asked for comes first.
    pub(crate) parts: Vec<Part>,
    /// The new password; none once the change has ended.
    pub(crate) password: Option<SecretString>,
}

/// What one source has to do for a change.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) source_id: String,
    pub(crate) source_name: String,
    pub(crate) jobs: Vec<Job>,
    pub(crate) outcome: Outcome,
    pub(crate) attempts: usize,
    /// One text for each attempt that failed.
    pub(crate) errors: Vec<String>,
    /// The applications on the source.
    pub(crate) applications: Vec<String>,
}

/// One account of a part.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) account_id: String,
    pub(crate) done: Done,
}

/// How far one account has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Open,
    Changed,
    Failed,
}

/// What a source has come to. The names are those of Password Manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    NotAttempted,
    Retrying,
    Changed,
    Failed,
}

/// The one state that the API shows for all sources of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeState {
    InProgress,
    Finished,
    Failed,
}

impl Change {
    pub(crate) fn state(&self) -> ChangeState {
        let any = |outcome: Outcome| self.parts.iter().any(|part| part.outcome == outcome);
        if any(Outcome::Retrying) {
            ChangeState::InProgress
        } else if any(Outcome::Failed) || any(Outcome::NotAttempted) {
            ChangeState::Failed
        } else {
            ChangeState::Finished
        }
    }

    /// The last error of each source that failed.
    pub(crate) fn errors(&self) -> Vec<&String> {
        let failed = self.parts.iter();
        let failed = failed.filter(|part| part.outcome == Outcome::Failed);
        failed.filter_map(|part| part.errors.last()).collect()
    }

    /// The whole truth, for the control port.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "requestId": self.request_id,
            "identity": self.identity,
            "actor": self.actor,
            "startedAt": self.started_at,
            "endedAt": self.ended_at,
            "state": self.state().name(),
            "passThrough": self.pass_through,
            "sources": self.parts.iter().map(Part::shown).collect::<Vec<_>>(),
        })
    }
}

impl Part {
    /// Whether some account still has to change.
    pub(crate) fn open(&self) -> bool {
        self.jobs.iter().any(|job| job.done == Done::Open)
    }

    fn shown(&self) -> Value {
        let reached = self.jobs.iter().any(|job| job.done == Done::Changed);
        let applications: &[String] = if reached { &self.applications } else { &[] };
        let accounts = self
            .jobs
            .iter()
            .map(|job| json!({"accountId": job.account_id, "changed": job.done == Done::Changed}));
        json!({
            "sourceId": self.source_id,
            "sourceName": self.source_name,
            "outcome": self.outcome.name(),
            "attempts": self.attempts,
            "errors": self.errors,
            "applications": applications,
            "accounts": accounts.collect::<Vec<_>>(),
        })
    }
}

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NotAttempted => "NotAttempted",
            Self::Retrying => "Retrying",
            Self::Changed => "Changed",
            Self::Failed => "Failed",
        }
    }
}

impl ChangeState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
        }
    }
}
