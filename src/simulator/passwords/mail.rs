//! The mail that tells a person how a password change ended. No IO: the outbox is a list.
//!
//! The admin guide names two templates, and no more of them (documentation.sailpoint.com, Managing
//! Password Sync Groups, Troubleshooting). Which of the two is for a group, and that a change
//! without failures sends one as well, are guesses.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::change::{Change, ChangeState, Outcome};

/// A mail to the person whose password changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    template: &'static str,
    to: String,
    at: Timestamp,
    request_id: String,
    subject: String,
    text: String,
}

impl Mail {
    /// The mail of a change that has ended.
    pub(crate) fn about(change: &Change, at: Timestamp) -> Self {
        let template = if change.grouped {
            "User Password Changed"
        } else {
            "App Password Changed"
        };
        let failed = change.state() == ChangeState::Failed;
        let ending = if failed { "failed" } else { "succeeded" };
        let line = |part: &super::change::Part| {
            let why = match part.outcome {
                Outcome::Changed => None,
                _ => part.errors.last(),
            };
            let why = why.map_or_else(String::new, |why| format!(" ({why})"));
            format!("{}: {}{why}", part.source_name, part.outcome.name())
        };
        Self {
            template,
            to: change.identity.clone(),
            at,
            request_id: change.request_id.clone(),
            subject: format!("{template}: the change {ending}"),
            text: change.parts.iter().map(line).collect::<Vec<_>>().join("\n"),
        }
    }

    pub(crate) fn shown(&self) -> Value {
        json!({
            "template": self.template,
            "to": self.to,
            "at": self.at,
            "requestId": self.request_id,
            "subject": self.subject,
            "text": self.text,
        })
    }
}
