//! What this process sent for one resource, and what reads are expected to show of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use psg_domain::{Origin, Recorded, SourceId};

use crate::{action::Memory, outcome::Setback};

/// What this process sent for one resource. A crash loses it. It spaces out repeats, tells what the
/// operator did from what the service did, and says from when on a read shows a change. Each part
/// is kept exactly as long as the record in the status to which it belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Expectations {
    /// `started_at` of the intent whose POST this process sent. Of another intent it knows nothing.
    pub posted: Option<Timestamp>,
    /// That POST certainly had no effect; it is not sent again before the moment given.
    pub not_made: Option<Setback>,
    /// When that POST was given up without an answer, or an intent of another process was first
    /// seen.
    pub unanswered_at: Option<Timestamp>,
    /// Why the last POST had no answer that tells what it did.
    pub unanswered_why: Option<String>,
    /// How many POSTs had no such answer; counted anew once no intent is recorded.
    pub unanswered: u32,
    /// The PUTs of the open update; none if no update is open, or if another process recorded it
    /// and [`Expectations::follow`] has not yet taken it in.
    pub puts: Option<Puts>,
    /// When the last DELETE was answered.
    pub deleted_at: Option<Timestamp>,
    /// Sources to which this process assigned the policy, and when that was answered or given up.
    pub assigned: BTreeMap<SourceId, Timestamp>,
    /// Sources that could not be read or written. Such a failure is no setback of the whole
    /// pass: its outcome is [`Outcome::Done`], so that the other sources go on.
    pub blocked: BTreeMap<SourceId, Setback>,
}

/// When the PUTs of an open update ended, if any was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Puts {
    /// `started_at` of the update that this process last saw or stored.
    pub of: Timestamp,
    /// When the last PUT was answered.
    pub answered_at: Option<Timestamp>,
    /// When the last PUT of exactly the recorded update was answered.
    pub taken_at: Option<Timestamp>,
    /// When the last PUT was given up without an answer; for an update that another process
    /// recorded, when this process first saw it.
    pub unanswered_at: Option<Timestamp>,
    /// How many answers to PUTs of exactly the recorded update showed something else.
    pub otherwise: u32,
}

impl Puts {
    /// Whether a PUT may have taken effect.
    pub fn was_sent(self) -> bool {
        self.answered_at.is_some() || self.unanswered_at.is_some()
    }

    /// A PUT was answered.
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

    /// Takes in a record that was just stored.
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
