//! People and their accounts on sources, as a seed and the control port write them. No IO.
//!
//! An account has no password here, not even a hash of one: the simulator only knows which change
//! set it last ([`super::LastChange`]).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// A person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// 32 hex digits; made if it is left out.
    #[serde(default)]
    pub id: String,
    /// The user name; one in a tenant.
    pub name: String,
    /// The accounts; one source may have several of them.
    #[serde(default)]
    pub accounts: Vec<Account>,
}

/// An account of a person on a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    /// The id of the source.
    pub source: String,
    /// 32 hex digits; made if it is left out.
    #[serde(default)]
    pub id: String,
    /// The name on the source.
    pub name: String,
    /// Whether the source refuses to change its password.
    #[serde(default)]
    pub locked: bool,
}

impl Identity {
    /// Makes the ids that are left out.
    pub(crate) fn fill(&mut self, rng: &mut Rng) {
        let accounts = self.accounts.iter_mut().map(|account| &mut account.id);
        for id in [&mut self.id].into_iter().chain(accounts) {
            if id.is_empty() {
                *id = rng.hex_id();
            }
        }
    }

    /// The accounts on one source, the first one first.
    pub(crate) fn on<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a Account> {
        self.accounts
            .iter()
            .filter(move |account| account.source == source)
    }
}

/// What occurs twice, as its kind and its id or name.
pub(crate) fn repeated(identities: &[Identity]) -> Option<(&'static str, String)> {
    let ids = identities.iter().map(|one| ("identity", &one.id));
    let names = identities.iter().map(|one| ("identity name", &one.name));
    let accounts = identities.iter().flat_map(|one| &one.accounts);
    let accounts = accounts.map(|one| ("account", &one.id));
    let mut seen = BTreeSet::new();
    let all = ids.chain(names).chain(accounts);
    all.into_iter()
        .find(|one| !seen.insert(*one))
        .map(|(kind, id)| (kind, id.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_and_repeats_are_found() {
        let json = r#"[{"name": "a", "accounts": [{"source": "s", "name": "x"}]}, {"name": "b"}]"#;
        let mut people: Vec<Identity> = serde_json::from_str(json).unwrap();
        for one in &mut people {
            one.fill(&mut Rng::new(1));
        }
        assert_eq!(people[0].accounts[0].id.len(), 32);
        assert_eq!(repeated(&people).unwrap().0, "identity");
        people[1].fill(&mut Rng::new(2));
        people[1].id.push('0');
        assert_eq!(repeated(&people), None);
        people[1].name = "a".to_owned();
        let twice = ("identity name", "a".to_owned());
        assert_eq!(repeated(&people), Some(twice));
    }
}
