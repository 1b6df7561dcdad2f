//! A simulated tenant in the words of a person: names in place of ids.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::simulator::TenantSim;

/// A group as Password Manager would show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The id.
    pub id: String,
    /// The name of its policy; empty if it has none.
    pub policy: String,
    /// The names of its sources, sorted.
    pub sources: Vec<String>,
}

impl TenantSim {
    /// A group by its name; it must be there.
    pub async fn shown(&self, name: &str) -> Shown {
        let group = self.group(name).await;
        let group = group.unwrap_or_else(|| panic!("no group {name}"));
        let state = self.state().await;
        let sources = group["sourceIds"].as_array().into_iter().flatten();
        let sources: BTreeSet<String> = sources.map(|id| named(&state["sources"], id)).collect();
        Shown {
            id: text(&group["id"]),
            policy: named(&state["policies"], &group["passwordPolicyId"]),
            sources: sources.into_iter().collect(),
        }
    }

    /// The names of all groups, sorted.
    pub async fn group_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .groups()
            .await
            .iter()
            .map(|group| text(&group["name"]))
            .collect();
        names.sort();
        names
    }

    /// The id of a policy.
    pub async fn policy_id(&self, name: &str) -> String {
        let state = self.state().await;
        let policies = state["policies"].as_array().into_iter().flatten();
        let found = policies.clone().find(|policy| policy["name"] == name);
        text(&found.unwrap_or_else(|| panic!("no policy {name}"))["id"])
    }

    /// Makes a group behind the API's back, of a policy and sources by name; its id.
    pub async fn someone_adds(&self, name: &str, policy: &str, sources: &[&str]) -> String {
        let mut ids = Vec::new();
        for source in sources {
            ids.push(self.source_id(source).await);
        }
        let policy = self.policy_id(policy).await;
        let group = json!({"name": name, "passwordPolicyId": policy, "sourceIds": ids});
        text(&self.add_group(group).await["id"])
    }

    /// Changes fields of a group behind the API's back.
    pub async fn someone_edits(&self, name: &str, fields: Value) {
        let mut group = self.group(name).await.expect("the group");
        for (field, value) in fields.as_object().expect("fields") {
            group[field] = value.clone();
        }
        let path = format!("groups/{}", text(&group["id"]));
        self.put(&path, group).await;
    }

    /// Removes a group behind the API's back.
    pub async fn someone_removes(&self, name: &str) {
        let id = self.shown(name).await.id;
        self.delete(&format!("groups/{id}")).await;
    }

    /// Every request after a number as `METHOD route`, without those for a token.
    pub async fn calls_since(&self, seq: u64) -> Vec<String> {
        let ledger = self.ledger_since(seq).await;
        let calls = ledger
            .iter()
            .map(|entry| format!("{} {}", text(&entry["method"]), text(&entry["route"])));
        calls
            .filter(|call| !call.ends_with("/oauth/token"))
            .collect()
    }

    /// The bodies sent by one kind of request, oldest first.
    pub async fn bodies(&self, call: &str) -> Vec<Value> {
        let ledger = self.ledger().await;
        let ours = ledger.iter().filter(|entry| {
            format!("{} {}", text(&entry["method"]), text(&entry["route"])) == call
        });
        let body = |entry: &Value| serde_json::from_str(&text(&entry["requestBody"]));
        ours.map(|entry| body(entry).unwrap_or_default()).collect()
    }
}

/// The name behind an id in a list of objects; the id itself if there is none.
fn named(objects: &Value, id: &Value) -> String {
    let mut objects = objects.as_array().into_iter().flatten();
    let found = objects.find(|object| object["id"] == *id);
    text(found.map_or(id, |object| &object["name"]))
}

/// The text of a JSON string; empty for anything else.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
