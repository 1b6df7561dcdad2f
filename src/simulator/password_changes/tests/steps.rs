//! Short ways to play password changes. Tests only.

use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    Endpoint,
    password_changes::Ask,
    testing::{Bench, value},
};

pub(super) const ADA: &str = "2c9180867d4b5ac1017d5d5e10010101";
/// A password that the policies of [`Bench`] take.
pub(super) const GOOD: &str = "correct horse";

impl Bench {
    /// Starts a change as a person does, and returns its number in [`Self::truth`].
    pub(super) fn change(&mut self, source: &str, password: &str, pass_through: bool) -> usize {
        let ask = Ask {
            identity: ADA.to_owned(),
            source: source.to_owned(),
            account: None,
            password: SecretString::from(password),
            pass_through,
            actor: None,
        };
        self.tenant.settle(self.now);
        self.tenant.start_password_change(ask, self.now).unwrap();
        self.tenant.passwords.changes().count() - 1
    }

    /// What the control port shows of a change.
    pub(super) fn truth(&mut self, change: usize) -> Value {
        self.tenant.settle(self.now);
        self.tenant.password_changes()[change].clone()
    }

    /// The sources of a change with their outcomes.
    pub(super) fn outcomes(&mut self, change: usize) -> Vec<String> {
        let truth = self.truth(change);
        let one = |part: &Value| {
            let (name, outcome) = (&part["sourceName"], &part["outcome"]);
            format!("{} {}", name.as_str().unwrap(), outcome.as_str().unwrap())
        };
        truth["sources"]
            .as_array()
            .unwrap()
            .iter()
            .map(one)
            .collect()
    }

    pub(super) fn endpoint(&mut self, source: &str, patch: &Value) {
        let mut endpoint = json!(self.tenant.passwords.endpoint(source));
        endpoint
            .as_object_mut()
            .unwrap()
            .extend(patch.as_object().unwrap().clone());
        let endpoint: Endpoint = serde_json::from_value(endpoint).unwrap();
        self.tenant.put_endpoint(endpoint);
    }

    pub(super) fn app(&mut self, name: &str, source: &str) {
        let app = json!({"id": name, "name": name, "accountSource": {"id": source}});
        let app = serde_json::from_value(app).unwrap();
        self.tenant.state_mut().put_app(app, self.now);
    }

    /// Lets all accounts of a source change together.
    pub(super) fn all_accounts(&mut self, source: &str) {
        let mut found = self.tenant.state().sources.find(source).unwrap().clone();
        let set = json!({"multipleAccountPasswordSync": "true"});
        found.rest.insert("connectorAttributes".to_owned(), set);
        self.tenant.state_mut().put_source(found, self.now);
    }

    pub(super) fn lock(&mut self, account: &str) {
        let people = self.tenant.passwords.identities.iter_mut();
        let mut accounts = people.flat_map(|one| &mut one.accounts);
        accounts.find(|one| one.name == account).unwrap().locked = true;
    }

    /// The events that a search finds, each as `technicalName source`.
    pub(super) fn events(&mut self, query: &str) -> Vec<String> {
        self.token = self.mint();
        let body = json!({"indices": ["events"], "query": {"query": query}});
        let found = value(&self.send("POST", "/v3/search", &body));
        let one = |event: &Value| {
            let source = event["attributes"]["sourceName"].as_str().unwrap();
            format!("{} {source}", event["technicalName"].as_str().unwrap())
        };
        found.as_array().unwrap().iter().map(one).collect()
    }
}

pub(super) fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect()
}
