//! The audit events of password changes, as the search index shows them. No IO.
//!
//! Shape: developer.sailpoint.com, API v3, Search, Event. Technical names and actions of a change:
//! its search reference, and a public log parser that writes the actions in another case. That all
//! events of a change carry its request id as trackingNumber is a guess: nobody documents it.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    clock::plus_seconds,
    rng::Rng,
    switches::{EventActions, EventForm, EventLag, EventSourceNames, Switches},
};

/// How many events are kept: a test that runs for days must not fill the memory.
const KEPT: usize = 100_000;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Started,
    Passed,
    Failed,
    PolicyAssigned,
}

/// What an event is about.
#[derive(Debug, Clone)]
pub(crate) struct About<'a> {
    pub(crate) kind: Kind,
    pub(crate) actor: &'a str,
    pub(crate) target: &'a str,
    pub(crate) tracking: &'a str,
    pub(crate) source: &'a str,
    pub(crate) error: Option<&'a str>,
}

/// One audit event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    /// From when on a search finds it.
    pub(crate) synced: Timestamp,
    pub(crate) action: &'static str,
    facts: Facts,
    actor: String,
    target: String,
    tracking: String,
    source: Option<String>,
    error: Option<String>,
}

/// The events of one tenant in the order in which they happened.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    events: VecDeque<Event>,
    last: u64,
}

/// What is the same in all events of a kind.
#[derive(Debug, Clone, Copy)]
struct Facts {
    name: &'static str,
    objects: &'static [&'static str],
    operation: &'static str,
    status: &'static str,
    technical_name: &'static str,
}

impl Kind {
    fn facts(self) -> Facts {
        // As documented, a technical name is made of objects, operation and status; the log
        // parser's name of a start and the example's word order for `name` fit that.
        let (name, objects, operation, status, technical_name): (_, &[&str], _, _, _) = match self {
            Self::Started => (
                "Change Password Started",
                &["PASSWORD"],
                "CHANGE",
                "STARTED",
                "PASSWORD_CHANGE_STARTED",
            ),
            Self::Passed => (
                "Change Password Action Passed",
                &["PASSWORD", "ACTION"],
                "CHANGE",
                "PASSED",
                "PASSWORD_ACTION_CHANGE_PASSED",
            ),
            Self::Failed => (
                "Change Password Failed",
                &["PASSWORD"],
                "CHANGE",
                "FAILED",
                "PASSWORD_CHANGE_FAILED",
            ),
            Self::PolicyAssigned => (
                "Assign Source Password Policy Passed",
                &["SOURCE", "PASSWORD", "POLICY"],
                "ASSIGN",
                "PASSED",
                "SOURCE_PASSWORD_POLICY_ASSIGN_PASSED",
            ),
        };
        Facts {
            name,
            objects,
            operation,
            status,
            technical_name,
        }
    }

    fn action(self, casing: EventActions) -> &'static str {
        match (self, casing) {
            (Self::PolicyAssigned, _) => "SOURCE_PASSWORD_POLICY_ASSIGNED",
            (Self::Started | Self::Passed, EventActions::SearchReference) => "passwordChange",
            (Self::Failed, EventActions::SearchReference) => "passwordChangeFailure",
            (Self::Started, EventActions::LogParser) => "PasswordChange",
            (Self::Passed, EventActions::LogParser) => "PasswordChangeSuccess",
            (Self::Failed, EventActions::LogParser) => "PasswordChangeFailure",
        }
    }
}

impl EventLog {
    /// Writes an event down.
    pub(crate) fn add(&mut self, about: &About<'_>, switches: &Switches, now: Timestamp) {
        self.last += 1;
        // What is shown has milliseconds, and a search goes on behind what it was shown.
        let created = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let lag = match switches.event_lag {
            EventLag::None => 0,
            EventLag::Delayed { seconds } => seconds,
        };
        let named = switches.event_source_names == EventSourceNames::Present;
        self.events.push_back(Event {
            // Not the tenant's own randomness: events must not change the ids of other objects.
            id: Rng::new(self.last.wrapping_mul(0x5851_F42D_4C95_7F2D)).hex_id(),
            created,
            synced: plus_seconds(created, lag),
            action: about.kind.action(switches.event_actions),
            facts: about.kind.facts(),
            actor: about.actor.to_owned(),
            target: about.target.to_owned(),
            tracking: about.tracking.to_owned(),
            source: named.then(|| about.source.to_owned()),
            error: about.error.map(str::to_owned),
        });
        if self.events.len() > KEPT {
            self.events.pop_front();
        }
    }

    /// The events that a search can find at a moment, oldest first.
    pub(crate) fn found(&self, now: Timestamp) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| event.synced <= now)
    }
}

impl Event {
    /// The text of a field that a search can ask for; none if the event lacks it.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        match field {
            "id" => Some(&self.id),
            "name" => Some(self.facts.name),
            "type" => Some("PASSWORD_ACTIVITY"),
            "action" => Some(self.action),
            "status" => Some(self.facts.status),
            "operation" => Some(self.facts.operation),
            "technicalName" => Some(self.facts.technical_name),
            "trackingNumber" => Some(&self.tracking),
            "actor.name" => Some(&self.actor),
            "target.name" => Some(&self.target),
            "attributes.sourceName" => self.source.as_deref(),
            _ => None,
        }
    }

    /// The event as an answer to a search shows it.
    pub(crate) fn shown(&self, org: &str, pod: &str, form: EventForm) -> Value {
        let mut attributes = json!({"org": org, "pod": pod});
        for (name, text) in [("sourceName", &self.source), ("errors", &self.error)] {
            if let Some(text) = text {
                attributes[name] = json!(text);
            }
        }
        let all = form == EventForm::All;
        if all || form == EventForm::NullAttributes {
            attributes = Value::Null;
        }
        let mut shown = json!({
            "org": org,
            "pod": pod,
            "id": self.id,
            "name": self.facts.name,
            "created": format!("{:.3}", self.created),
            "synced": format!("{:.3}", self.synced),
            "action": self.action,
            "type": "PASSWORD_ACTIVITY",
            "actor": {"name": self.actor},
            "target": {"name": self.target},
            "stack": "tpe",
            "trackingNumber": self.tracking,
            "attributes": attributes,
            "objects": self.facts.objects,
            "operation": self.facts.operation,
            "status": self.facts.status,
            "technicalName": self.facts.technical_name,
            "_type": "event",
            "_version": "v7",
        });
        if all || form == EventForm::ExtraFields {
            shown["addedNextYear"] = json!({"nested": [1, null]});
        }
        if (all || form == EventForm::WithoutCreated)
            && let Some(fields) = shown.as_object_mut()
        {
            fields.remove("created");
        }
        shown
    }
}
