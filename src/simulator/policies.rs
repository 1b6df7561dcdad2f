//! Password policies: all five operations. No IO.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    call::{Call, Reply, leave_out_null},
    errors::Refusal,
    group_body::{object, refuse_unknown, text},
    groups::check_json,
    model::Policy,
    paging::Paging,
    switches::{DeleteUsedPolicy, PolicyDates},
    tenant::Tenant,
};

impl Tenant {
    pub(crate) fn list_policies(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let paging = Paging::parse(&call.query, &self.switches)?;
        let rows = self.state.policies.iter_as_of(call.now, call.lies.lag);
        let (page, total) = paging.cut(&rows, call.lies);
        let page = page
            .into_iter()
            .map(|policy| self.policy_shown(policy, call.now))
            .collect();
        Ok(Reply::page(page, total))
    }

    pub(crate) fn read_policy(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let policy = self
            .state
            .policies
            .find_as_of(call.id, call.now, call.lies.lag);
        let policy = policy.ok_or_else(|| Refusal::not_found(call.id))?;
        Ok(Reply::ok(self.policy_shown(policy, call.now)))
    }

    pub(crate) fn create_policy(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let mut policy = self.policy_from(call)?;
        policy.id = self.rng.hex_id();
        policy.date_created = Some(call.now);
        let body = self.policy_shown(&policy, call.now);
        self.state.policies.put(policy, call.now);
        Ok(Reply::ok(body))
    }

    pub(crate) fn update_policy(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let old = self.state.policies.find(call.id).cloned();
        let old = old.ok_or_else(|| Refusal::not_found(call.id))?;
        let policy = Policy {
            id: old.id,
            default_policy: old.default_policy,
            date_created: old.date_created,
            last_updated: Some(call.now),
            ..self.policy_from(call)?
        };
        let body = self.policy_shown(&policy, call.now);
        self.state.policies.put(policy, call.now);
        Ok(Reply::ok(body))
    }

    pub(crate) fn delete_policy(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let policy = self.state.policies.find(call.id);
        let policy = policy.ok_or_else(|| Refusal::not_found(call.id))?;
        if self.switches.delete_used_policy == DeleteUsedPolicy::Refuse {
            if policy.default_policy {
                return Err(Refusal::bad_request("The default policy cannot be deleted"));
            }
            if self.state.policy_in_use(call.id) {
                return Err(Refusal::bad_request("The policy is in use"));
            }
        }
        self.state.policies.remove(call.id, call.now);
        Ok(Reply::no_content())
    }

    fn policy_from(&self, call: &Call<'_>) -> Result<Policy, Refusal> {
        check_json(call)?;
        let mut object = object(&call.request.body)?;
        let defaults = defaults();
        let known: Vec<&str> = OWN
            .iter()
            .copied()
            .chain(defaults.keys().map(String::as_str))
            .collect();
        refuse_unknown(&object, &known, &self.switches)?;
        let name = text(&object, "name")?.unwrap_or_default();
        if name.trim().is_empty() {
            return Err(Refusal::bad_request("name must not be empty"));
        }
        for own in OWN {
            object.remove(own);
        }
        object.retain(|key, _| defaults.contains_key(key));
        Ok(Policy {
            name,
            rest: object,
            ..Policy::default()
        })
    }

    fn policy_shown(&self, policy: &Policy, now: Timestamp) -> Value {
        let mut body = defaults();
        body.extend(policy.rest.clone());
        let shown = self
            .state
            .sources_shown(&policy.id, self.switches.policy_while_grouped, now);
        let own = json!({
            "id": policy.id,
            "name": policy.name,
            "defaultPolicy": policy.default_policy,
            "dateCreated": self.date(policy.date_created),
            "lastUpdated": self.date(policy.last_updated),
            "sourceIds": shown,
        });
        if let Value::Object(own) = own {
            body.extend(own);
        }
        leave_out_null(&mut body, &["dateCreated"]);
        Value::Object(body)
    }

    fn date(&self, at: Option<Timestamp>) -> Value {
        match (at, self.switches.policy_dates) {
            (None, _) => Value::Null,
            (Some(at), PolicyDates::EpochMillis) => json!(at.as_millisecond()),
            (Some(at), PolicyDates::Iso) => json!(format!("{at:.3}")),
        }
    }
}

/// Fields that the service fills in itself.
const OWN: [&str; 8] = [
    "id",
    "name",
    "defaultPolicy",
    "dateCreated",
    "lastUpdated",
    "sourceIds",
    "created",
    "modified",
];

fn defaults() -> Map<String, Value> {
    let defaults = json!({
        "description": null,
        "firstExpirationReminder": 14,
        "passwordExpiration": 90,
        "enablePasswdExpiration": false,
        "accountIdMinWordLength": -1,
        "accountNameMinWordLength": -1,
        "minLength": 8,
        "maxLength": 0,
        "minAlpha": 0,
        "minLower": 0,
        "minUpper": 0,
        "minNumeric": 0,
        "minSpecial": 0,
        "minCharacterTypes": -1,
        "maxRepeatedChars": -1,
        "requireStrongAuthn": false,
        "requireStrongAuthOffNetwork": false,
        "requireStrongAuthUntrustedGeographies": false,
        "useAccountAttributes": false,
        "useIdentityAttributes": false,
        "useDictionary": false,
        "validateAgainstAccountId": false,
        "validateAgainstAccountName": false,
    });
    match defaults {
        Value::Object(defaults) => defaults,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{A, B, Bench, DEFAULT, STRONG, value};

    const POLICIES: &str = "/v3/password-policies";

    #[test]
    fn a_policy_is_made_read_replaced_and_deleted() {
        let mut bench = Bench::new();
        let body = json!({"id": null, "name": "P", "minLength": 20, "sourceIds": ["x"]});
        let made = bench.send("POST", POLICIES, &body);
        assert_eq!(made.status, 200);
        let made = value(&made);
        assert_eq!(made["id"].as_str().map(str::len), Some(32));
        assert_eq!(
            (&made["minLength"], &made["passwordExpiration"]),
            (&json!(20), &json!(90))
        );
        assert_eq!(
            (&made["sourceIds"], &made["lastUpdated"]),
            (&json!([]), &Value::Null)
        );
        let path = format!("{POLICIES}/{}", made["id"].as_str().unwrap());
        let put = value(&bench.send("PUT", &path, &json!({"name": "Q"})));
        assert_eq!((&put["name"], &put["minLength"]), (&json!("Q"), &json!(8)));
        assert_eq!(bench.get(&path)["id"], made["id"]);
        assert_eq!(bench.get(POLICIES).as_array().map(Vec::len), Some(3));
        assert_eq!(bench.ask("DELETE", &path).status, 204);
        assert_eq!(bench.ask("DELETE", &path).status, 404);
        assert_eq!(bench.ask("GET", &path).status, 404);
        assert_eq!(bench.send("PUT", &path, &json!({"name": "Q"})).status, 404);
        assert_eq!(bench.send("POST", POLICIES, &json!({})).status, 400);
    }

    #[test]
    fn row_18_a_policy_in_use() {
        let delete = |setting: &str| {
            let mut bench = Bench::with(json!({"delete_used_policy": setting}));
            bench.group("x", &[A, B]);
            [STRONG, DEFAULT].map(|id| bench.ask("DELETE", &format!("{POLICIES}/{id}")).status)
        };
        assert_eq!(delete("refuse"), [400, 400]);
        assert_eq!(delete("allow"), [204, 204]);
    }

    #[test]
    fn row_28_the_form_of_policy_dates() {
        let date = |setting: &str| {
            let mut bench = Bench::with(json!({"policy_dates": setting}));
            bench.get(&format!("{POLICIES}/{STRONG}"))["dateCreated"].clone()
        };
        assert_eq!(date("epoch_millis"), json!(1_767_225_600_000_i64));
        assert_eq!(date("iso"), json!("2026-01-01T00:00:00.000Z"));
    }
}
