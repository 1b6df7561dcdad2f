//! The personal access tokens of the tenant's users, without their secrets. No IO.
//!
//! Source: the vendor's operation "List Personal Access Tokens". Each credential with a user has a
//! user of its own, so `owner-id=me` lists only the credential that minted the request's token. Any
//! other `owner-id` lists all credentials with a user.

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
        let credentials = &self.auth.credentials;
        let asker = credentials.get(&token.client_id);
        let has_user = asker.is_some_and(|asker| asker.user_context);
        if !may(needed) || (mine && !has_user) {
            return Err(Refusal::forbidden());
        }
        let shown = credentials
            .values()
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
    use crate::{
        Request, Response,
        auth::CredentialPatch,
        testing::{Bench, value},
    };

    const ALL: &str = "/v3/personal-access-tokens";
    const MINE: &str = "/v3/personal-access-tokens?owner-id=me";

    fn patch(bench: &mut Bench, patch: Value) {
        let patch: CredentialPatch = serde_json::from_value(patch).unwrap();
        bench.tenant.patch_credentials(&patch).unwrap();
    }

    fn token_request(bench: &mut Bench) -> Response {
        let form = "grant_type=client_credentials&client_id=id&client_secret=secret";
        bench.raw(&Request::new("POST", "/oauth/token").form(form))
    }

    fn add_credential(bench: &mut Bench, credential: Value) {
        let credential: Credential = serde_json::from_value(credential).unwrap();
        let id = credential.client_id.clone();
        bench.tenant.auth.credentials.insert(id, credential);
    }

    fn ids(list: &Value) -> Vec<&str> {
        let tokens = list.as_array().unwrap().iter();
        tokens.map(|token| token["id"].as_str().unwrap()).collect()
    }

    #[test]
    fn a_token_is_listed_with_its_end_and_without_its_secret() {
        let mut bench = Bench::new();
        let endless = json!([{
            "id": "id",
            "name": "id",
            "scope": ["sp:scopes:all"],
            "owner": {"type": "IDENTITY", "id": user_of("id"), "name": "id"},
            "created": "2026-01-01T00:00:00.000Z",
            "lastUsed": null,
            "managed": false,
            "accessTokenValiditySeconds": 43_200,
            "expirationDate": null,
            "userAwareTokenNeverExpires": true,
        }]);
        assert_eq!(bench.get(MINE), endless);
        patch(
            &mut bench,
            json!({"expirationDate": "2026-06-01T00:00:00Z", "tokenSeconds": 600}),
        );
        let mut ending = endless.clone();
        ending[0]["expirationDate"] = json!("2026-06-01T00:00:00Z");
        ending[0]["userAwareTokenNeverExpires"] = json!(false);
        ending[0]["accessTokenValiditySeconds"] = json!(600);
        assert_eq!(bench.get(MINE), ending);
        patch(&mut bench, json!({"orgAdmin": false}));
        assert_eq!(bench.get(MINE), ending, "a field that is left out stays");
        patch(&mut bench, json!({"expirationDate": null}));
        assert_eq!(bench.get(MINE)[0]["expirationDate"], Value::Null);
        assert_eq!(bench.get(MINE)[0]["userAwareTokenNeverExpires"], true);
    }

    #[test]
    fn from_its_expiration_date_on_a_token_mints_nothing() {
        let mut bench = Bench::new();
        let end = crate::clock::plus_seconds(bench.now, 60);
        patch(&mut bench, json!({"expirationDate": end}));
        bench.pass(59);
        bench.token = bench.mint();
        bench.pass(1);
        let refused = token_request(&mut bench);
        assert_eq!(refused.status, 401);
        assert_eq!(value(&refused)["error"], "invalid_client");
        bench.pass(747);
        let status = bench.ask("GET", MINE).status;
        assert_eq!(
            status, 200,
            "a token minted before lasts as long as it said"
        );
        bench.pass(1);
        assert_eq!(bench.ask("GET", MINE).status, 401);
        patch(&mut bench, json!({"expirationDate": null}));
        assert_eq!(token_request(&mut bench).status, 200);
    }

    #[test]
    fn only_me_narrows_the_list() {
        let mut bench = Bench::new();
        add_credential(
            &mut bench,
            json!({"clientId": "other", "clientSecret": "hidden"}),
        );
        add_credential(
            &mut bench,
            json!({"clientId": "service", "clientSecret": "hidden", "userContext": false}),
        );
        assert_eq!(ids(&bench.get(MINE)), ["id"]);
        let all = bench.get(ALL);
        assert_eq!(ids(&all), ["id", "other"]);
        assert_ne!(all[0]["owner"]["id"], all[1]["owner"]["id"]);
        assert!(!all.to_string().contains("hidden"), "{all}");
        let named = bench.get(&format!("{ALL}?owner-id={}", user_of("other")));
        assert_eq!(named, all);
    }

    #[test]
    fn each_owner_id_needs_its_own_scope() {
        for (scope, mine, all) in [
            ("idn:my-personal-access-tokens:read", 200, 403),
            ("idn:all-personal-access-tokens:read", 403, 200),
            ("sp:scopes:all", 200, 200),
            ("idn:sources:read", 403, 403),
        ] {
            let mut bench = Bench::new();
            patch(&mut bench, json!({"scopes": [scope]}));
            bench.token = bench.mint();
            let named = format!("{ALL}?owner-id=somebody");
            let status = [MINE, ALL, &named].map(|target| bench.ask("GET", target).status);
            assert_eq!(status, [mine, all, all], "{scope}");
        }
    }

    #[test]
    fn a_client_without_a_user_has_no_token_of_its_own() {
        let mut bench = Bench::new();
        patch(&mut bench, json!({"userContext": false}));
        assert_eq!(bench.ask("GET", MINE).status, 403);
        assert_eq!(bench.get(ALL), json!([]));
    }
}
