//! The personal access tokens of the tenant's users, without their secrets. No IO.
//!
//! Source: the vendor's operation "List Personal Access Tokens". Each credential with a user is the
//! token of a user of its own, so `owner-id=me` finds the one that asks.

use serde_json::{Value, json};

use crate::{
    auth::{Credential, user_of},
    call::{Call, Reply},
    errors::Refusal,
    tenant::Tenant,
};

/// How long a minted token lives if its personal access token does not say, in the vendor's model.
const VALIDITY: u64 = 43_200;

impl Tenant {
    pub(crate) fn list_own_tokens(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let token = self.auth.check(call.request, call.now)?;
        let may = |scope: &str| {
            let mut scopes = token.scopes.iter();
            scopes.any(|own| own == scope || own == "sp:scopes:all")
        };
        let mine = call.query.value("owner-id") == Some("me");
        let needed = if mine {
            "idn:my-personal-access-tokens:read"
        } else {
            "idn:all-personal-access-tokens:read"
        };
        if !may(needed) {
            return Err(Refusal::forbidden());
        }
        let credentials = self.auth.credentials.values();
        let shown = credentials
            .filter(|one| one.user_context && (!mine || one.client_id == token.client_id));
        Ok(Reply::ok(shown.map(listed).collect()))
    }
}

fn listed(one: &Credential) -> Value {
    json!({
        "id": one.client_id,
        "name": one.client_id,
        "scope": one.scopes,
        "owner": {"type": "IDENTITY", "id": user_of(&one.client_id), "name": one.client_id},
        "created": "2026-01-01T00:00:00.000Z",
        "lastUsed": null,
        "managed": false,
        "accessTokenValiditySeconds": one.token_seconds.unwrap_or(VALIDITY),
        "expirationDate": one.expiration_date,
        "userAwareTokenNeverExpires": one.expiration_date.is_none(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::CredentialPatch, testing::Bench};

    const MINE: &str = "/v3/personal-access-tokens?owner-id=me";

    fn patch(bench: &mut Bench, patch: Value) {
        let patch: CredentialPatch = serde_json::from_value(patch).unwrap();
        bench.tenant.patch_credentials(&patch).unwrap();
    }

    #[test]
    fn a_token_is_listed_with_its_end_and_without_its_secret() {
        let mut bench = Bench::new();
        assert_eq!(bench.get(MINE)[0]["expirationDate"], Value::Null);
        patch(
            &mut bench,
            json!({"expirationDate": "2026-06-01T00:00:00Z"}),
        );
        let listed = bench.get(MINE);
        assert_eq!(listed.as_array().map(Vec::len), Some(1));
        assert_eq!(listed[0]["expirationDate"], "2026-06-01T00:00:00Z");
        assert!(listed[0].get("clientSecret").is_none(), "{listed}");
        assert_eq!(
            bench
                .get("/v3/personal-access-tokens")
                .as_array()
                .map(Vec::len),
            Some(1)
        );
    }

    #[test]
    fn from_its_expiration_date_on_a_token_mints_nothing() {
        let mut bench = Bench::new();
        patch(
            &mut bench,
            json!({"expirationDate": "2020-01-01T00:00:00Z"}),
        );
        let form = "grant_type=client_credentials&client_id=id&client_secret=secret";
        let request = crate::Request::new("POST", "/oauth/token").form(form);
        assert_eq!(bench.raw(&request).status, 401);
        assert_eq!(
            bench.ask("GET", MINE).status,
            200,
            "what was minted before lives on"
        );
    }

    #[test]
    fn those_of_others_need_another_right() {
        let mut bench = Bench::new();
        patch(
            &mut bench,
            json!({"scopes": ["idn:my-personal-access-tokens:read"]}),
        );
        bench.token = bench.mint();
        assert_eq!(bench.ask("GET", MINE).status, 200);
        assert_eq!(bench.ask("GET", "/v3/personal-access-tokens").status, 403);
    }
}
