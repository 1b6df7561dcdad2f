//! A password change begins: which sources and accounts it is to reach, and whether the policy
//! takes the password. No IO.
//!
//! The sentences of the admin guide (documentation.sailpoint.com, Managing Password Sync Groups) are
//! played here and in `attempt`. Membership and policy are looked at once, when the change is asked
//! for: what happens to a group while a change is retried does not change what it reaches.

mod api;
mod attempt;
mod beside;
mod search;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::{
    errors::Refusal,
    model::{Group, Policy, Source},
    passwords::{
        Account, Identity,
        change::{Change, Done, Job, Outcome, Part},
        check,
        events::{About, Kind},
    },
    tenant::Tenant,
};

/// A change as it is asked for.
pub(crate) struct Ask {
    /// The id of the person.
    pub(crate) identity: String,
    /// The id of the source.
    pub(crate) source: String,
    /// The id of an account on that source; the first one if it is left out.
    pub(crate) account: Option<String>,
    pub(crate) password: SecretString,
    /// Whether the person changes it while signing in to the source itself.
    pub(crate) pass_through: bool,
    /// Who asks; the person if it is left out.
    pub(crate) actor: Option<String>,
}

impl Tenant {
    /// Starts a change and plays its first attempts. Returns its request id.
    pub(crate) fn start_password_change(
        &mut self,
        ask: Ask,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        let identity = self.identity_with_id(&ask.identity)?.clone();
        let source = self.password_source(&ask.source)?.clone();
        self.meets_policy(&source, ask.password.expose_secret())?;
        let parts = self.parts(&identity, &source, ask.account.as_deref())?;
        let change = Change {
            number: self.passwords.next_number(),
            request_id: self.rng.hex_id(),
            actor: ask.actor.unwrap_or_else(|| identity.name.clone()),
            identity: identity.name,
            started_at: now,
            ended_at: None,
            pass_through: ask.pass_through,
            grouped: self.state.groups_of(&source.id).next().is_some(),
            parts,
            password: Some(ask.password),
        };
        let request_id = change.request_id.clone();
        let started = About {
            kind: Kind::Started,
            actor: &change.actor,
            target: &change.identity,
            tracking: &change.request_id,
            source: &source.name,
            error: None,
        };
        self.passwords.events.add(&started, &self.switches, now);
        self.first_attempts(change, now);
        Ok(request_id)
    }

    /// The person of that id.
    pub(crate) fn identity_with_id(&self, id: &str) -> Result<&Identity, Refusal> {
        let found = self.passwords.identities.iter().find(|one| one.id == id);
        found.ok_or_else(|| Refusal::bad_request(format!("there is no identity \"{id}\"")))
    }

    /// The source of that id, if the service can change passwords on it.
    pub(crate) fn password_source(&self, id: &str) -> Result<&Source, Refusal> {
        let source = self.state.sources.find(id);
        let source =
            source.ok_or_else(|| Refusal::bad_request(format!("there is no source \"{id}\"")))?;
        if source.has("PASSWORD") {
            return Ok(source);
        }
        Err(Refusal::bad_request(format!(
            "the source \"{}\" does not have the feature PASSWORD",
            source.name
        )))
    }

    /// The policies that a password for this source must meet: those of its groups, or without a
    /// group its own. Exceptions are left out: a group does not know them, and without the
    /// attributes of people nobody falls under one.
    pub(crate) fn policies_for(&self, source: &Source) -> Vec<&Policy> {
        let groups: Vec<&Group> = self.state.groups_of(&source.id).collect();
        let ids: Vec<&String> = if groups.is_empty() {
            let own = source.default_holder();
            own.map(|holder| &holder.policy_id).into_iter().collect()
        } else {
            let by_group = groups.iter();
            by_group
                .filter_map(|group| group.password_policy_id.as_ref())
                .collect()
        };
        ids.into_iter()
            .filter_map(|id| self.state.policies.find(id))
            .collect()
    }

    fn meets_policy(&self, source: &Source, password: &str) -> Result<(), Refusal> {
        let policies = self.policies_for(source);
        let texts: Vec<String> = policies
            .into_iter()
            .flat_map(|policy| {
                let broken = check::violations(policy, password).into_iter();
                broken.map(|rule| {
                    let name = &policy.name;
                    format!("the password does not meet password policy \"{name}\": {rule}")
                })
            })
            .collect();
        if texts.is_empty() {
            return Ok(());
        }
        Err(Refusal {
            texts,
            ..Refusal::of(400)
        })
    }

    /// What each source has to do; the source that was asked for comes first.
    fn parts(
        &self,
        identity: &Identity,
        source: &Source,
        account: Option<&str>,
    ) -> Result<Vec<Part>, Refusal> {
        let mut own = identity.on(&source.id);
        let asked = match account {
            Some(id) => own.find(|account| account.id == id),
            None => own.next(),
        };
        let asked = asked.ok_or_else(|| {
            let which = account.map_or_else(String::new, |id| format!(" \"{id}\""));
            Refusal::bad_request(format!(
                "\"{}\" has no account{which} on the source \"{}\"",
                identity.name, source.name
            ))
        })?;
        let mut parts = vec![self.part(identity, source, asked)];
        let groups = self.state.groups_of(&source.id);
        for id in groups.flat_map(|group| &group.source_ids) {
            let known = parts.iter().any(|part| part.source_id == *id);
            let other = self.state.sources.find(id).filter(|_| !known);
            if let (Some(other), Some(first)) = (other, identity.on(id).next()) {
                parts.push(self.part(identity, other, first));
            }
        }
        Ok(parts)
    }

    fn part(&self, identity: &Identity, source: &Source, one: &Account) -> Part {
        let all = all_accounts_change(source);
        let accounts = identity
            .on(&source.id)
            .filter(|own| all || own.id == one.id);
        let job = |account: &Account| Job {
            account_id: account.id.clone(),
            done: Done::Open,
        };
        Part {
            source_id: source.id.clone(),
            source_name: source.name.clone(),
            jobs: accounts.map(job).collect(),
            outcome: Outcome::NotAttempted,
            attempts: 0,
            errors: Vec::new(),
            applications: self
                .state
                .apps_of(&source.id)
                .map(|app| app.name.clone())
                .collect(),
        }
    }
}

/// The vendor's attribute; connectors keep it as a boolean or as a text.
fn all_accounts_change(source: &Source) -> bool {
    let attributes = source.rest.get("connectorAttributes");
    let set = attributes.and_then(|all| all.get("multipleAccountPasswordSync"));
    match set {
        Some(Value::Bool(set)) => *set,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}
