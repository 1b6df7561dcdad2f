//! What happens beside a password change: people and endpoints are set, the truth is shown, and the
//! service writes down that it put a policy on a source. No IO.

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    password_changes::Ask,
    passwords::{
        Account, Endpoint, Identity,
        change::Change,
        events::{About, Kind},
        identity::repeated,
        mail::Mail,
    },
    tenant::Tenant,
};

impl Tenant {
    /// Writes down that the service put a policy on a source.
    pub(crate) fn tell_policy_assigned(&mut self, source: &str, now: Timestamp) {
        let Some(found) = self.state.sources.find(source) else {
            return;
        };
        let about = About {
            kind: Kind::PolicyAssigned,
            actor: "System",
            target: &found.name,
            tracking: &self.request_id,
            source: &found.name,
            error: None,
        };
        self.passwords.events.add(&about, &self.switches, now);
    }

    /// Adds people, or replaces those of the same name; `alone` removes all others. The error says
    /// what occurs twice.
    pub fn put_identities(&mut self, people: Vec<Identity>, alone: bool) -> Result<(), String> {
        let mut all = self.passwords.identities.clone();
        if alone {
            all.clear();
        }
        for mut one in people {
            one.fill(&mut self.rng);
            match all.iter_mut().find(|old| old.name == one.name) {
                Some(old) => *old = one,
                None => all.push(one),
            }
        }
        if let Some((kind, id)) = repeated(&all) {
            return Err(format!("{kind} {id} occurs twice"));
        }
        self.passwords.identities = all;
        Ok(())
    }

    /// Starts a change as a person does, with the first account on a source, and returns its request
    /// id. The error says what is unknown or which policy refuses the password.
    pub fn change_password(
        &mut self,
        person: &str,
        source: &str,
        password: &str,
        pass_through: bool,
        now: Timestamp,
    ) -> Result<String, String> {
        let mut people = self.passwords.identities.iter();
        let known = people.find(|one| one.name == person);
        let identity = known.ok_or_else(|| format!("there is no identity \"{person}\""))?;
        let ask = Ask {
            identity: identity.id.clone(),
            source: source.to_owned(),
            account: None,
            password: SecretString::from(password.to_owned()),
            pass_through,
            actor: None,
        };
        self.start_password_change(ask, now)
            .map_err(|refusal| refusal.texts.join("; "))
    }

    /// The system behind a source.
    pub fn endpoint(&self, source: &str) -> Endpoint {
        self.passwords.endpoint(source)
    }

    /// Sets the system behind a source.
    pub fn put_endpoint(&mut self, endpoint: Endpoint) {
        let source = endpoint.source.clone();
        self.passwords.endpoints.insert(source, endpoint);
    }

    /// The people and their accounts, each with the change that set its password last.
    pub(crate) fn identities_shown(&self) -> Value {
        let account = |one: &Account| {
            let last = self.passwords.last.get(&one.id);
            json!({
                "source": one.source,
                "id": one.id,
                "name": one.name,
                "locked": one.locked,
                "changedBy": last.map(|last| &last.request_id),
                "changedAt": last.map(|last| last.at),
            })
        };
        let people = self.passwords.identities.iter().map(|one| {
            let accounts: Vec<Value> = one.accounts.iter().map(account).collect();
            json!({"id": one.id, "name": one.name, "accounts": accounts})
        });
        people.collect()
    }

    /// Every change with all that the service knows of it, oldest first.
    pub fn password_changes(&self) -> Value {
        self.passwords.changes().map(Change::shown).collect()
    }

    /// Every mail that was sent, oldest first.
    pub fn outbox(&self) -> Value {
        let mails = self.passwords.outbox.iter();
        mails.map(Mail::shown).collect()
    }
}
