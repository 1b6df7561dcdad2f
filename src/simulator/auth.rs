//! Authentication and authorisation: credentials, tokens, scopes, user level. No IO.
//!
//! Scopes are frozen into a token when it is minted; the user's level is looked up at each call,
//! so taking it away works at once while changed scopes need a new token.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::{
    clock::plus_seconds,
    errors::Refusal,
    multipart,
    request::{Query, Request, Response},
    rng::Rng,
    routes::Route,
    switches::{TokenLife, TokenScope},
};

/// A personal access token, or an API client without a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credential {
    /// The public half.
    pub client_id: String,
    /// The secret half; never shown by the control port.
    #[serde(skip_serializing)]
    pub client_secret: String,
    /// What the token may do.
    #[serde(default = "all_scopes")]
    pub scopes: Vec<String>,
    /// Whether the user is an ORG_ADMIN.
    #[serde(default = "yes")]
    pub org_admin: bool,
    /// Whether the credential belongs to a user.
    #[serde(default = "yes")]
    pub user_context: bool,
    /// How long its tokens live; without it, as switch 22 says.
    #[serde(default)]
    pub token_seconds: Option<u64>,
    /// From then on no token is minted for it.
    #[serde(default)]
    pub expiration_date: Option<Timestamp>,
}

/// A change of credentials; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the fields are those of the credential and of the tenant"
)]
pub struct CredentialPatch {
    /// Which credential; needed only if there are several.
    #[serde(default)]
    pub client_id: Option<String>,
    #[serde(default)]
    pub client_secret: Option<String>,
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    #[serde(default)]
    pub org_admin: Option<bool>,
    #[serde(default)]
    pub user_context: Option<bool>,
    #[serde(default)]
    pub token_seconds: Option<u64>,
    /// `Some(None)`, a null in JSON, takes the date away.
    #[serde(default, deserialize_with = "null_or")]
    pub expiration_date: Option<Option<Timestamp>>,
    #[serde(default)]
    pub org: Option<String>,
    #[serde(default)]
    pub tenant_id: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) client_id: String,
    pub(crate) expires: Timestamp,
    pub(crate) revoked: bool,
    pub(crate) scopes: Vec<String>,
}

/// Credentials and tokens of one tenant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Auth {
    pub(crate) credentials: BTreeMap<String, Credential>,
    pub(crate) tokens: BTreeMap<String, Token>,
}

/// What the token endpoint says about the tenant.
pub(crate) struct Issuer<'a> {
    pub(crate) org: &'a str,
    pub(crate) tenant_id: &'a str,
    pub(crate) pod: &'a str,
    pub(crate) life: TokenLife,
    pub(crate) scope: TokenScope,
}

impl Auth {
    /// Answers a token request; returns also the client id that it names.
    pub(crate) fn mint(
        &mut self,
        request: &Request,
        issuer: &Issuer<'_>,
        rng: &mut Rng,
        now: Timestamp,
    ) -> (Response, Option<String>) {
        let form = Form::of(request);
        let client_id = form.value("client_id");
        let known = client_id.as_ref().and_then(|id| self.credentials.get(id));
        if form.value("grant_type").as_deref() != Some("client_credentials") {
            return (oauth_error(400, "unsupported_grant_type"), client_id);
        }
        let Some(credential) = known
            .filter(|known| form.value("client_secret").as_ref() == Some(&known.client_secret))
            .filter(|known| known.expiration_date.is_none_or(|end| end > now))
        else {
            return (oauth_error(401, "invalid_client"), client_id);
        };
        let (announced, real) = life(credential, issuer.life);
        let jti = rng.uuid();
        let token = format!(
            "eyJhbGciOiJSUzI1NiJ9.{}{}.{}",
            rng.hex_id(),
            jti,
            rng.hex_id()
        );
        let user = credential
            .user_context
            .then(|| user_of(&credential.client_id));
        let scope = match issuer.scope {
            TokenScope::Granted => credential.scopes.join(" "),
            TokenScope::ReadWrite => "read write".to_owned(),
            TokenScope::Opaque => "FA==".to_owned(),
        };
        let mut body = json!({
            "access_token": token,
            "token_type": "bearer",
            "expires_in": announced,
            "scope": scope,
            "tenant_id": issuer.tenant_id,
            "pod": issuer.pod,
            "org": issuer.org,
            "strong_auth": true,
            "strong_auth_supported": false,
            "accessType": "OFFLINE",
            "internal": false,
            "enabled": true,
            "jti": jti,
        });
        // By the documents, these two are not set without a user.
        if let Some(user) = user {
            body["user_id"] = json!(user);
            body["identity_id"] = json!(user);
        }
        let minted = Token {
            client_id: credential.client_id.clone(),
            expires: plus_seconds(now, real),
            revoked: false,
            scopes: credential.scopes.clone(),
        };
        self.tokens.insert(token, minted);
        (Response::json(200, &body), client_id)
    }

    /// The bearer token of a request, if it is valid.
    pub(crate) fn check(&self, request: &Request, now: Timestamp) -> Result<&Token, Refusal> {
        let token = bearer(request).and_then(|text| self.tokens.get(text));
        let Some(token) = token else {
            return Err(Refusal::new(
                401,
                "Full authentication is required to access this resource",
            ));
        };
        if token.revoked || !self.credentials.contains_key(&token.client_id) {
            return Err(Refusal::new(401, "JWT validation failed: JWT is revoked"));
        }
        if token.expires <= now {
            return Err(Refusal::new(401, "JWT validation failed: JWT is expired"));
        }
        Ok(token)
    }

    /// Whether the token's scopes and its user's level allow the operation.
    pub(crate) fn allow(&self, token: &Token, route: &Route) -> Result<(), Refusal> {
        let Some(credential) = self.credentials.get(&token.client_id) else {
            return Err(Refusal::forbidden());
        };
        let scope = token
            .scopes
            .iter()
            .any(|own| own == "sp:scopes:all" || route.scopes.iter().any(|wanted| wanted == own));
        let user = credential.user_context || !route.user_only;
        let level = credential.org_admin || !route.org_admin;
        if scope && user && level {
            Ok(())
        } else {
            Err(Refusal::forbidden())
        }
    }

    /// Ends every token.
    pub(crate) fn revoke_all(&mut self) -> usize {
        for token in self.tokens.values_mut() {
            token.revoked = true;
        }
        self.tokens.len()
    }

    /// Changes one credential; `Err` says why not.
    pub(crate) fn patch(&mut self, patch: &CredentialPatch) -> Result<(), String> {
        let id = match &patch.client_id {
            Some(id) => id.clone(),
            None if self.credentials.len() == 1 => {
                self.credentials.keys().next().cloned().unwrap_or_default()
            }
            None => return Err("there are several credentials: give clientId".to_owned()),
        };
        let Some(credential) = self.credentials.get_mut(&id) else {
            return Err(format!("there is no credential {id}"));
        };
        if let Some(secret) = &patch.client_secret {
            credential.client_secret.clone_from(secret);
        }
        if let Some(scopes) = &patch.scopes {
            credential.scopes.clone_from(scopes);
        }
        credential.org_admin = patch.org_admin.unwrap_or(credential.org_admin);
        credential.user_context = patch.user_context.unwrap_or(credential.user_context);
        credential.token_seconds = patch.token_seconds.or(credential.token_seconds);
        credential.expiration_date = patch.expiration_date.unwrap_or(credential.expiration_date);
        Ok(())
    }
}

/// The client id that a token request names, in its body or its query.
pub(crate) fn client_id_of(request: &Request) -> Option<String> {
    Form::of(request).value("client_id")
}

/// The text of the bearer token.
pub(crate) fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.headers.get("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Fields in the body, urlencoded or multipart, else in the query string: the service takes all.
struct Form {
    body: Query,
    query: Query,
}

impl Form {
    fn of(request: &Request) -> Self {
        let content_type = request.headers.get("content-type");
        let body = content_type
            .and_then(|content_type| multipart::fields(content_type, &request.body))
            .unwrap_or_else(|| Query::parse(&String::from_utf8_lossy(&request.body)));
        Self {
            body,
            query: Query::parse(&request.query),
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        self.body
            .value(name)
            .or_else(|| self.query.value(name))
            .map(str::to_owned)
    }
}

/// The announced and the real life of a token, in seconds.
fn life(credential: &Credential, life: TokenLife) -> (u64, u64) {
    match (credential.token_seconds, life) {
        (Some(seconds), _) => (seconds, seconds),
        (None, TokenLife::Documented) => (749, 749),
        (None, TokenLife::TwelveHours) => (43_200, 43_200),
        (None, TokenLife::FiveSeconds) => (5, 5),
        (None, TokenLife::EndsEarly) => (749, 600),
    }
}

/// The user's id: always the same for one client id.
pub(crate) fn user_of(client_id: &str) -> String {
    let mix = |sum: u64, byte: u8| sum.wrapping_mul(31).wrapping_add(u64::from(byte));
    Rng::new(client_id.bytes().fold(0, mix)).hex_id()
}

fn oauth_error(status: u16, error: &str) -> Response {
    let body: Value = json!({"error": error, "error_description": "the token request was refused"});
    Response::json(status, &body)
}

/// The value of a field that is there, which may be null.
#[expect(clippy::option_option, reason = "left out and null differ")]
fn null_or<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<Timestamp>>, D::Error> {
    Option::deserialize(field).map(Some)
}

fn all_scopes() -> Vec<String> {
    vec!["sp:scopes:all".to_owned()]
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{A, B, Bench, C, GROUPS, STRONG, group, value};

    fn patch(bench: &mut Bench, patch: Value) {
        let patch: CredentialPatch = serde_json::from_value(patch).unwrap();
        bench.tenant.patch_credentials(&patch).unwrap();
    }

    #[test]
    fn a_wrong_secret_is_a_401_and_a_wrong_grant_a_400() {
        let mut bench = Bench::new();
        for (body, status) in [
            (
                "grant_type=client_credentials&client_id=id&client_secret=wrong",
                401,
            ),
            (
                "grant_type=client_credentials&client_id=nobody&client_secret=secret",
                401,
            ),
            ("grant_type=client_credentials", 401),
            ("grant_type=password&client_id=id&client_secret=secret", 400),
            ("", 400),
        ] {
            let answer = bench.raw(&Request::new("POST", "/oauth/token").form(body));
            assert_eq!(answer.status, status, "{body}");
        }
    }

    #[test]
    fn a_token_is_given_for_a_multipart_form_too() {
        let mut bench = Bench::new();
        let mut ask = |secret: &str| {
            let form = Request::new("POST", "/oauth/token").multipart(&[
                ("grant_type", "client_credentials"),
                ("client_id", "id"),
                ("client_secret", secret),
            ]);
            bench.raw(&form)
        };
        assert_eq!(ask("wrong").status, 401);
        let answer = ask("secret");
        assert_eq!(answer.status, 200);
        bench.token = value(&answer)["access_token"].as_str().unwrap().to_owned();
        assert_eq!(bench.ask("GET", GROUPS).status, 200);
        let broken = Request::new("POST", "/oauth/token")
            .multipart(&[("grant_type", "client_credentials")])
            .header("content-type", "multipart/form-data");
        assert_eq!(bench.raw(&broken).status, 400);
    }

    #[test]
    fn a_missing_expired_or_revoked_token_is_a_401_that_says_so() {
        let mut bench = Bench::new();
        let without = bench.raw(&Request::new("GET", GROUPS));
        assert_eq!(without.status, 401);
        assert!(value(&without)["error"].is_string());
        bench.pass(748);
        assert_eq!(bench.ask("GET", GROUPS).status, 200);
        bench.pass(1);
        let expired = bench.ask("GET", GROUPS);
        assert_eq!(
            value(&expired)["error"],
            "JWT validation failed: JWT is expired"
        );
        bench.token = bench.mint();
        assert_eq!(bench.ask("GET", GROUPS).status, 200);
        bench.tenant.revoke_tokens();
        assert_eq!(bench.ask("GET", GROUPS).status, 401);
    }

    #[test]
    fn row_22_how_long_a_token_lives() {
        let announced = |setting: &str| {
            let mut bench = Bench::with(json!({"token_life": setting}));
            let body = "grant_type=client_credentials&client_id=id&client_secret=secret";
            value(&bench.raw(&Request::new("POST", "/oauth/token").form(body)))["expires_in"]
                .clone()
        };
        let all = ["documented", "twelve_hours", "five_seconds", "ends_early"].map(announced);
        assert_eq!(all, [749, 43_200, 5, 749].map(Value::from));
        let mut bench = Bench::with(json!({"token_life": "ends_early"}));
        bench.pass(600);
        assert_eq!(bench.ask("GET", GROUPS).status, 401);
        patch(&mut bench, json!({"tokenSeconds": 30}));
        bench.token = bench.mint();
        bench.pass(30);
        assert_eq!(bench.ask("GET", GROUPS).status, 401);
    }

    #[test]
    fn any_one_of_the_listed_scopes_is_enough() {
        let mut bench = Bench::new();
        let mut status = |scope: &str, method: &str, target: &str| {
            patch(&mut bench, json!({"scopes": [scope]}));
            bench.token = bench.mint();
            bench.ask(method, target).status
        };
        assert_eq!(status("idn:password-sync-group:read", "GET", GROUPS), 200);
        assert_eq!(status("idn:password-sync-group:manage", "GET", GROUPS), 200);
        assert_eq!(status("idn:password-sync-groups:read", "GET", GROUPS), 403);
        let absent = format!("{GROUPS}/6881f631-3bd5-4213-9c75-8e05cc3e35dd");
        assert_eq!(
            status("idn:password-sync-group:read", "DELETE", &absent),
            403
        );
        assert_eq!(
            status("idn:password-sync-group:manage", "DELETE", &absent),
            204
        );
        assert_eq!(status("idn:sources:manage", "GET", "/v3/sources"), 200);
        assert_eq!(status("idn:accounts:read", "GET", "/v3/accounts"), 200);
        assert_eq!(status("idn:accounts:manage", "GET", "/v3/accounts"), 200);
        assert_eq!(
            status("idn:sources:read", "GET", "/v3/password-policies"),
            403
        );
    }

    #[test]
    fn scopes_are_frozen_in_a_token_but_the_level_is_not() {
        let mut bench = Bench::new();
        patch(&mut bench, json!({"scopes": []}));
        assert_eq!(bench.ask("GET", GROUPS).status, 200);
        patch(&mut bench, json!({"orgAdmin": false}));
        assert_eq!(bench.ask("GET", GROUPS).status, 403);
        assert_eq!(bench.ask("GET", "/v3/sources").status, 200);
        // The list of policies has no user level, although its text asks for an ORG_ADMIN.
        let policies = "/v3/password-policies";
        assert_eq!(bench.ask("GET", policies).status, 200);
        let one = format!("{policies}/{STRONG}");
        assert_eq!(bench.ask("GET", &one).status, 403);
    }

    #[test]
    fn row_34_the_scope_that_a_token_shows() {
        let scope = |setting: &str| {
            let mut bench = Bench::with(json!({"token_scope": setting}));
            patch(&mut bench, json!({"scopes": ["a", "b"]}));
            let body = "grant_type=client_credentials&client_id=id&client_secret=secret";
            value(&bench.raw(&Request::new("POST", "/oauth/token").form(body)))["scope"].clone()
        };
        let all = ["granted", "read_write", "opaque"].map(scope);
        assert_eq!(all, ["a b", "read write", "FA=="]);
    }

    #[test]
    fn a_client_without_a_user_may_read_but_not_write() {
        let mut bench = Bench::new();
        patch(&mut bench, json!({"userContext": false}));
        assert_eq!(bench.ask("GET", GROUPS).status, 200);
        assert_eq!(bench.post_group(&group("x", &[A, B])).status, 403);
        assert_eq!(bench.ask("GET", "/v2025/source-apps/all").status, 403);
        let holders = format!("/v2025/sources/{C}/password-policies");
        assert_eq!(bench.send("PATCH", &holders, &json!([])).status, 200);
        for test in ["check-connection", "test-configuration", "ping-cluster"] {
            let test = format!("/v2025/sources/{A}/connector/{test}");
            assert_eq!(bench.ask("POST", &test).status, 200);
        }
        let body = "grant_type=client_credentials&client_id=id&client_secret=secret";
        let token = value(&bench.raw(&Request::new("POST", "/oauth/token").form(body)));
        assert_eq!(
            (token.get("user_id"), token.get("identity_id")),
            (None, None)
        );
    }

    #[test]
    fn a_rotated_secret_leaves_old_tokens_alive() {
        let mut bench = Bench::new();
        patch(&mut bench, json!({"clientSecret": "new", "org": "other"}));
        assert_eq!(bench.ask("GET", GROUPS).status, 200);
        let body = "grant_type=client_credentials&client_id=id&client_secret=new";
        let answer = bench.raw(&Request::new("POST", "/oauth/token").form(body));
        assert_eq!(value(&answer)["org"], "other");
    }
}
