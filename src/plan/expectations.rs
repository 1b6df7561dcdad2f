//! What this process sent for one resource, and what reads are expected to show of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use psg_domain::{Origin, Recorded, SourceId};

use crate::{action::Memory, outcome::Setback};

/// What this process sent for one resource, which a crash forgets: it spaces out repeats, tells our
/// own work from the service's, and says from when on a read shows a change. Kept exactly as long as
/// the record in the status that it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Expectations {
    /// When the intent was stored whose POST this process sent: of another one it knows nothing.
    pub posted: Option<Timestamp>,
    /// That POST was certainly not applied; not before the moment given again.
    pub not_made: Option<Setback>,
    /// When that POST was given up without an answer.
    pub unanswered_at: Option<Timestamp>,
    /// Why the last POST had no answer that tells what it did.
    pub unanswered_why: Option<String>,
    /// How many POSTs had none since the record was new.
    pub unanswered: u32,
    /// The PUTs of the open update, or that there was none yet; nothing is known of those of an update
    /// that another process recorded, until [`Expectations::follow`] takes it in.
    pub puts: Option<Puts>,
    /// When the last DELETE was answered.
    pub deleted_at: Option<Timestamp>,
    /// Sources whose policy we assigned, and when that was answered.
    pub assigned: BTreeMap<SourceId, Timestamp>,
    /// Sources that could not be read or written. Such a failure is no setback of the whole
    /// pass: its outcome is [`Outcome::Done`], so that the other sources go on.
    pub blocked: BTreeMap<SourceId, Setback>,
}

/// When the PUTs of an open update ended, if any was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Puts {
    /// When the record was stored that this process knows of: of another one it knows nothing.
    pub of: Timestamp,
    /// When the last one was answered.
    pub answered_at: Option<Timestamp>,
    /// The same of one that sent just what is recorded now.
    pub taken_at: Option<Timestamp>,
    /// When the last one was given up without an answer; of an update that another process sent,
    /// when this one saw it first.
    pub unanswered_at: Option<Timestamp>,
    /// How many answers to one that sent just what is recorded now showed something else.
    pub otherwise: u32,
}

impl Puts {
    /// Whether one may have taken effect.
    pub fn was_sent(self) -> bool {
        self.answered_at.is_some() || self.unanswered_at.is_some()
    }

    /// One was answered.
    pub fn answered(&mut self, at: Timestamp) {
        (self.answered_at, self.taken_at) = (Some(at), Some(at));
    }
}

impl Expectations {
    /// Forgets what belongs to no record any more, and takes in what another process recorded: if
    /// that process sent something, it did so before `now`, whatever its clock says.
    pub fn follow(&mut self, recorded: &Recorded, now: Timestamp) {
        match &recorded.intent {
            None => {
                (self.posted, self.not_made, self.unanswered_at) = (None, None, None);
                (self.unanswered_why, self.unanswered) = (None, 0);
            }
            Some(intent) if self.posted != Some(intent.started_at) => {
                self.unanswered_at.get_or_insert(now);
            }
            Some(_) => {}
        }
        self.puts = recorded.update.as_ref().map(|update| match self.puts {
            Some(known) if known.of == update.started_at => known,
            known => Puts {
                of: update.started_at,
                unanswered_at: Some(now),
                taken_at: None,
                otherwise: 0,
                ..known.unwrap_or_default()
            },
        });
        if recorded.deletion.is_none() {
            self.deleted_at = None;
        }
        let undone = recorded.deletion.iter().flat_map(|it| &it.sources);
        let open = |source: &SourceId| {
            let mut all = undone.clone().chain(&recorded.leaving);
            all.any(|one| one.source == *source && one.result.is_none())
        };
        self.assigned.retain(|source, _| open(source));
        self.blocked.retain(|_, setback| setback.until > now);
    }

    /// What a record that was just stored makes of it.
    pub fn recorded(&mut self, memory: &Memory) {
        match memory {
            Memory::Intent(_) => (self.not_made, self.unanswered_at) = (None, None),
            Memory::Update(update, _) => {
                let puts = self.puts.get_or_insert_default();
                (puts.of, puts.taken_at, puts.otherwise) = (update.started_at, None, 0);
            }
            Memory::Deletion(_) => self.assigned.clear(),
            Memory::Group(_, Origin::Created) => *self = Self::default(),
            _ => {}
        }
    }

    /// Whether something was sent whose effect is still waited for: repeats are spaced out.
    pub fn is_unconfirmed(&self) -> bool {
        let rest = Self {
            puts: None,
            ..self.clone()
        };
        rest != Self::default()
    }
}
