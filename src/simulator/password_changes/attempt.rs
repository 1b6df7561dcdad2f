//! A password change goes on: one attempt on one source, the retries, and the end. No IO.
//!
//! Six retries within 90 minutes are the admin guide's; their distances are those of an older
//! article of the vendor's community (5 s, 1 min, 3 min, 10 min, 30 min, 90 min), counted from the
//! first attempt. With pass-through authentication the source itself comes first, and if it fails
//! the others are not attempted.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use crate::{
    clock::plus_seconds,
    passwords::{
        LastChange,
        change::{Change, ChangeState, Done, Outcome, Part},
        endpoint::Failure,
        events::{About, Kind},
        mail::Mail,
    },
    tenant::{Effect, Tenant},
};

/// How many seconds after the first attempt each retry comes.
const RETRIES: [u64; 6] = [5, 60, 180, 600, 1800, 5400];

impl Tenant {
    /// Plays the first attempt on each source, the one that was asked for first.
    pub(super) fn first_attempts(&mut self, mut change: Change, now: Timestamp) {
        for at in 0..change.parts.len() {
            self.attempt(&mut change, at, now);
            let first = change.parts.first().map(|part| part.outcome);
            if change.pass_through && first != Some(Outcome::Changed) {
                break;
            }
        }
        self.go_on(change, now);
    }

    /// Tries one source of a change again; the change may have ended since this was planned.
    pub(crate) fn retry_password_change(&mut self, number: u64, source: &str, now: Timestamp) {
        let Some(mut change) = self.passwords.take(number) else {
            return;
        };
        let at = change
            .parts
            .iter()
            .position(|part| part.source_id == source);
        if let Some(at) = at {
            self.attempt(&mut change, at, now);
        }
        self.go_on(change, now);
    }

    fn attempt(&mut self, change: &mut Change, at: usize, now: Timestamp) {
        let mut parts = std::mem::take(&mut change.parts);
        if let Some(part) = parts.get_mut(at) {
            self.attempt_part(change, part, at == 0, now);
        }
        change.parts = parts;
    }

    fn attempt_part(&mut self, change: &Change, part: &mut Part, asked_for: bool, now: Timestamp) {
        let errors = self.try_accounts(change, part, now);
        let retry = RETRIES.get(part.attempts).copied();
        // The person who signs in through the source waits for the answer: nobody tries again.
        let retry = retry.filter(|_| part.open() && !(change.pass_through && asked_for));
        part.attempts += 1;
        let all = part.jobs.iter().all(|job| job.done == Done::Changed);
        part.outcome = match retry {
            Some(_) => Outcome::Retrying,
            None if all => Outcome::Changed,
            None => Outcome::Failed,
        };
        if let Some(seconds) = retry {
            let due = plus_seconds(change.started_at, seconds);
            let effect = Effect::RetryPasswordChange {
                number: change.number,
                source: part.source_id.clone(),
            };
            self.schedule(due, effect);
        }
        let error =
            (!errors.is_empty()).then(|| format!("{}: {}", part.source_name, errors.join("; ")));
        if error.is_some() || all {
            let about = About {
                kind: if all { Kind::Passed } else { Kind::Failed },
                actor: &change.actor,
                target: &change.identity,
                tracking: &change.request_id,
                source: &part.source_name,
                error: error.as_deref(),
            };
            self.passwords.events.add(&about, &self.switches, now);
        }
        part.errors.extend(error);
    }

    /// Tries every account that is still open: one that fails does not stop the others. Returns why
    /// some failed.
    fn try_accounts(&mut self, change: &Change, part: &mut Part, now: Timestamp) -> Vec<String> {
        let mut errors: Vec<String> = Vec::new();
        for at in 0..part.jobs.len() {
            let Some(account) = part.jobs.get(at).filter(|job| job.done == Done::Open) else {
                continue;
            };
            let account = account.account_id.clone();
            let (done, error) = match self.take_password(change, part, &account, now) {
                Ok(()) => (Done::Changed, None),
                Err(Failure::Passing(text)) => (Done::Open, Some(text)),
                Err(Failure::Lasting(text)) => (Done::Failed, Some(text)),
            };
            if done == Done::Changed {
                let last = LastChange {
                    number: change.number,
                    request_id: change.request_id.clone(),
                    at: now,
                };
                self.passwords.last.insert(account, last);
            }
            if let Some(job) = part.jobs.get_mut(at) {
                job.done = done;
            }
            errors.extend(error.filter(|error| !errors.contains(error)));
        }
        errors
    }

    /// Whether one account takes the password now.
    fn take_password(
        &self,
        change: &Change,
        part: &Part,
        account: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let lasting = |text: &str| Err(Failure::Lasting(text.to_owned()));
        let Some(password) = &change.password else {
            return lasting("the password change has ended");
        };
        let last = self.passwords.last.get(account);
        if last.is_some_and(|last| last.number > change.number) {
            return lasting("a newer password change replaced this one");
        }
        let Some(source) = self.state.sources.find(&part.source_id) else {
            return lasting("the source does not exist any more");
        };
        if !source.has("PASSWORD") {
            return lasting("the source does not have the feature PASSWORD");
        }
        let endpoint = self.passwords.endpoint(&part.source_id);
        let people = self.passwords.identities.iter();
        let known = people
            .flat_map(|one| &one.accounts)
            .find(|one| one.id == account);
        // A locked account is one only where the service gets an answer.
        match known {
            Some(known) if known.locked && endpoint.reachable => {
                return Err(Failure::Lasting(format!(
                    "the account {} is locked",
                    known.name
                )));
            }
            Some(_) => {}
            None => return lasting("the account does not exist any more"),
        }
        let demands = endpoint.demands.as_ref();
        let demands = demands.and_then(|id| self.state.policies.find(id));
        let last = last.map(|last| last.at);
        endpoint.accept(demands, password.expose_secret(), last, now)
    }

    /// Keeps a change for its retries, or ends it: then its password is dropped.
    fn go_on(&mut self, mut change: Change, now: Timestamp) {
        if change.state() != ChangeState::InProgress && change.ended_at.is_none() {
            change.password = None;
            change.ended_at = Some(now);
            let mail = Mail::about(&change, now);
            self.passwords.send(mail);
        }
        self.passwords.keep(change);
    }
}
