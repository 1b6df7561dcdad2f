//! What a tenant holds for password changes: people, endpoints, changes, audit events and mails. No
//! IO, no rules of the service: those are in `password_changes`.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod crypto;
pub(crate) mod endpoint;
pub(crate) mod events;
pub(crate) mod identity;
pub(crate) mod mail;
pub(crate) mod query;

use self::{change::Change, crypto::Key, events::EventLog, mail::Mail};
pub use self::{
    endpoint::Endpoint,
    identity::{Account, Identity},
};

/// How many changes and how many mails are kept: a test that runs for days must not fill the memory.
const KEPT: usize = 100_000;

/// Everything about passwords in one tenant, without any password that a change does not need now.
#[derive(Debug)]
pub(crate) struct Passwords {
    pub(crate) identities: Vec<Identity>,
    /// By the id of their source.
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    /// By the order in which they were asked for.
    changes: BTreeMap<u64, Change>,
    numbers: BTreeMap<String, u64>,
    asked: u64,
    /// By the id of the account.
    pub(crate) last: BTreeMap<String, LastChange>,
    pub(crate) events: EventLog,
    pub(crate) outbox: VecDeque<Mail>,
    pub(crate) key: Key,
}

/// The change that set the password of an account last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastChange {
    /// The change's place in the order in which changes were asked for.
    pub(crate) number: u64,
    pub(crate) request_id: String,
    pub(crate) at: Timestamp,
}

impl Passwords {
    pub(crate) fn new(identities: Vec<Identity>, endpoints: Vec<Endpoint>, rng_seed: u64) -> Self {
        let by_source = |one: Endpoint| (one.source.clone(), one);
        Self {
            identities,
            endpoints: endpoints.into_iter().map(by_source).collect(),
            changes: BTreeMap::new(),
            numbers: BTreeMap::new(),
            asked: 0,
            last: BTreeMap::new(),
            events: EventLog::default(),
            outbox: VecDeque::new(),
            key: Key::of(rng_seed),
        }
    }

    /// The system behind a source.
    pub(crate) fn endpoint(&self, source: &str) -> Endpoint {
        let found = self.endpoints.get(source).cloned();
        found.unwrap_or_else(|| Endpoint {
            source: source.to_owned(),
            ..Endpoint::default()
        })
    }

    /// The number of the next change.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    /// All changes in the order in which they were asked for.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.values()
    }

    /// The change of that request id.
    pub(crate) fn change(&self, request_id: &str) -> Option<&Change> {
        self.changes.get(self.numbers.get(request_id)?)
    }

    /// Takes a change out, so that it can be played against the rest; [`Self::keep`] puts it back.
    pub(crate) fn take(&mut self, number: u64) -> Option<Change> {
        self.changes.remove(&number)
    }

    /// Stores a change; the oldest ones that have ended make room.
    pub(crate) fn keep(&mut self, change: Change) {
        self.numbers
            .insert(change.request_id.clone(), change.number);
        self.changes.insert(change.number, change);
        while self.changes.len() > KEPT {
            let Some(oldest) = self.changes.first_entry() else {
                return;
            };
            if oldest.get().ended_at.is_none() {
                return;
            }
            self.numbers.remove(&oldest.remove().request_id);
        }
    }

    pub(crate) fn send(&mut self, mail: Mail) {
        self.outbox.push_back(mail);
        if self.outbox.len() > KEPT {
            self.outbox.pop_front();
        }
    }
}
