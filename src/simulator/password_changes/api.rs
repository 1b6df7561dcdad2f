//! The three operations of password management: query the facts, set a password, read the state of
//! a change. No IO.
//!
//! Shapes and statuses: developer.sailpoint.com, API v3, Password Management. It lists no 404 for
//! the two POST operations, so everything that they do not find is a 400. The texts are ours.

use serde_json::{Map, Value, json};

use super::Ask;
use crate::{
    call::{Call, Reply},
    errors::Refusal,
    group_body::{object, refuse_unknown, text},
    groups::check_json,
    passwords::{change::Change, check, crypto::Unreadable},
    tenant::Tenant,
};

impl Tenant {
    /// 200 `{identityId, sourceId, publicKeyId, publicKey, accounts: [{accountId, accountName}],
    /// policies: [text]}`.
    pub(crate) fn query_password_info(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        check_json(call)?;
        let body = object(&call.request.body)?;
        refuse_unknown(&body, &["userName", "sourceName"], &self.switches)?;
        let user = needed(&body, "userName")?;
        let identity = self
            .passwords
            .identities
            .iter()
            .find(|one| one.name == user);
        let identity = identity.ok_or_else(|| {
            Refusal::bad_request(format!("there is no identity with userName \"{user}\""))
        })?;
        let name = needed(&body, "sourceName")?;
        let source = self.state.sources.iter().find(|one| one.name == name);
        let source = source.ok_or_else(|| {
            Refusal::bad_request(format!("there is no source with sourceName \"{name}\""))
        })?;
        let source = self.password_source(&source.id)?;
        let accounts = identity
            .on(&source.id)
            .map(|account| json!({"accountId": account.id, "accountName": account.name}));
        let policies = self.policies_for(source);
        let policies = policies.into_iter().flat_map(check::rules);
        let mut facts = json!({
            "identityId": identity.id,
            "sourceId": source.id,
            "accounts": accounts.collect::<Vec<_>>(),
            "policies": policies.collect::<Vec<_>>(),
        });
        let key = self.passwords.key.made().map_err(refused)?;
        facts["publicKeyId"] = json!(key.id);
        facts["publicKey"] = json!(key.public);
        Ok(Reply::ok(facts))
    }

    /// 202 `{requestId, state}`. The first attempts are over when the answer is sent.
    pub(crate) fn set_password(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        const FIELDS: [&str; 5] = [
            "identityId",
            "encryptedPassword",
            "publicKeyId",
            "accountId",
            "sourceId",
        ];
        check_json(call)?;
        let body = object(&call.request.body)?;
        refuse_unknown(&body, &FIELDS, &self.switches)?;
        let [identity, encrypted, key_id, account, source] = FIELDS.map(|name| needed(&body, name));
        let (identity, account, source) = (identity?, account?, source?);
        self.identity_with_id(&identity)?;
        self.password_source(&source)?;
        let key = self.passwords.key.made().map_err(refused)?;
        let key_id = key_id?;
        if key.id != key_id {
            let text = format!("publicKeyId \"{key_id}\" is not the key of this tenant");
            return Err(Refusal::bad_request(text));
        }
        let password = key.decrypt(&encrypted?).map_err(refused)?;
        let token = self.auth.check(call.request, call.now);
        let ask = Ask {
            identity,
            source,
            account: Some(account),
            password,
            pass_through: false,
            actor: token.ok().map(|token| token.client_id.clone()),
        };
        let request_id = self.start_password_change(ask, call.now)?;
        let change = self.change(&request_id)?;
        Ok(Reply {
            status: 202,
            ..Reply::ok(json!({"requestId": change.request_id, "state": change.state().name()}))
        })
    }

    /// 200 `{requestId, state, errors: [text], sourceIds: [id]}`; 404 if there is no such change.
    pub(crate) fn password_change_status(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let change = self.change(call.id)?;
        let sources = change.parts.iter().map(|part| &part.source_id);
        Ok(Reply::ok(json!({
            "requestId": change.request_id,
            "state": change.state().name(),
            "errors": change.errors(),
            "sourceIds": sources.collect::<Vec<_>>(),
        })))
    }

    fn change(&self, request_id: &str) -> Result<&Change, Refusal> {
        let change = self.passwords.change(request_id);
        change.ok_or_else(|| Refusal::not_found(request_id))
    }
}

fn needed(body: &Map<String, Value>, name: &str) -> Result<String, Refusal> {
    let found = text(body, name)?.filter(|text| !text.is_empty());
    found.ok_or_else(|| Refusal::bad_request(format!("{name} is missing")))
}

fn refused(why: Unreadable) -> Refusal {
    match why {
        Unreadable::NoKey => Refusal::new(500, why.to_string()),
        _ => Refusal::bad_request(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{A, B, Bench, FEED, STRONG, value};

    const SET: &str = "/v3/set-password";

    fn facts(bench: &mut Bench, source: &str) -> Value {
        let body = json!({"userName": "ada", "sourceName": source});
        let answer = bench.send("POST", "/v3/query-password-info", &body);
        assert_eq!(answer.status, 200);
        value(&answer)
    }

    #[test]
    fn a_password_is_set_as_the_reference_describes() {
        let mut bench = Bench::new();
        bench.group("x", &[A, B]);
        let facts = facts(&mut bench, "A");
        assert_eq!(facts["sourceId"], A);
        assert_eq!(facts["accounts"][0]["accountName"], "ada-a");
        assert_eq!(facts["policies"], json!(["passwordMinLength is 8"]));
        let answer = bench.set_password("ada", "A", "correct horse");
        assert_eq!(answer.status, 202);
        let answer = value(&answer);
        assert_eq!(answer["state"], "FINISHED");
        let id = answer["requestId"].as_str().unwrap();
        let status = bench.get(&format!("/v3/password-change-status/{id}"));
        assert_eq!(
            status,
            json!({"requestId": id, "state": "FINISHED", "errors": [], "sourceIds": [A, B]})
        );
        let unknown = bench.ask("GET", "/v2025/password-change-status/0");
        assert_eq!(unknown.status, 404);
    }

    #[test]
    fn what_cannot_be_set_is_a_400_that_says_why() {
        let mut bench = Bench::new();
        let facts = facts(&mut bench, "A");
        let public = facts["publicKey"].as_str().unwrap();
        let good = json!({
            "identityId": facts["identityId"],
            "sourceId": A,
            "accountId": facts["accounts"][0]["accountId"],
            "publicKeyId": facts["publicKeyId"],
            "encryptedPassword": crate::passwords::crypto::encrypt(public, "correct horse"),
        });
        for (field, wrong, said) in [
            ("identityId", json!("0"), "no identity"),
            ("sourceId", json!("0"), "no source"),
            ("sourceId", json!(FEED), "feature PASSWORD"),
            ("accountId", json!("0"), "no account"),
            ("publicKeyId", json!("0"), "publicKeyId"),
            ("encryptedPassword", json!("%%"), "not Base64"),
            ("encryptedPassword", json!("AAAA"), "cannot be decrypted"),
            ("encryptedPassword", json!(7), "must be a string"),
            ("accountId", Value::Null, "accountId is missing"),
        ] {
            let mut body = good.clone();
            body[field] = wrong;
            let answer = bench.send("POST", SET, &body);
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!(answer.status, 400, "{field}: {text}");
            assert!(text.contains(said), "{text}");
        }
        assert_eq!(bench.send("POST", SET, &good).status, 202);
        for (user, source) in [("nobody", "A"), ("ada", "Z"), ("ada", "Feed")] {
            let body = json!({"userName": user, "sourceName": source});
            let answer = bench.send("POST", "/v3/query-password-info", &body);
            assert_eq!(answer.status, 400, "{user} {source}");
        }
    }

    #[test]
    fn the_policy_of_the_group_refuses_a_password_by_name_and_rule() {
        let mut bench = Bench::new();
        bench.group("x", &[A, B]);
        let path = format!("/v3/password-policies/{STRONG}");
        let policy = json!({"name": "Strong", "minLength": 14, "minNumeric": 1});
        assert_eq!(bench.send("PUT", &path, &policy).status, 200);
        let answer = bench.set_password("ada", "A", "correct horse");
        assert_eq!(answer.status, 400);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        for said in [
            "Strong",
            "passwordMinLength is 14",
            "passwordMinNumeric is 1",
        ] {
            assert!(text.contains(said), "{text}");
        }
        assert_eq!(bench.tenant.password_changes(), json!([]));
        assert_eq!(
            bench.set_password("ada", "A", "correct horse 1").status,
            202
        );
    }
}
