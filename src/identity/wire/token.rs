//! The answer of the token endpoint. Its body is wiped after reading, and no error repeats it.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use psg_domain::TenantKey;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::json;
use crate::token_info::TokenInfo;

/// A life to assume if the answer names none: the shortest that the vendor documents is longer.
const UNSAID_LIFE: Duration = Duration::from_mins(5);
const MAX_NAME: usize = 256;

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Wire {
    access_token: Option<String>,
    expires_in: Value,
    scope: Value,
    org: Option<String>,
    tenant_id: Option<String>,
    identity_id: Claim,
    user_id: Claim,
}

/// What the answer says about the user. The documents say that the client credentials grant does
/// not set `identity_id` and `user_id`, and personal access tokens, which have a user, use that
/// grant too. So a missing claim proves nothing; only if both are null does the answer say that
/// there is no user.
#[derive(Default)]
enum Claim {
    #[default]
    Missing,
    Null,
    Is(Value),
}

impl<'de> Deserialize<'de> for Claim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Self::Null,
            value => Self::Is(value),
        })
    }
}

/// A token and what is said about it.
pub(crate) struct Answer {
    pub access_token: Zeroizing<String>,
    pub life: Duration,
    pub info: TokenInfo,
}

impl Answer {
    pub fn read(body: Bytes) -> Result<Self, String> {
        let body = Zeroizing::new(Vec::from(body));
        let wire: Wire = json(&body)?;
        let access_token = Zeroizing::new(wire.access_token.unwrap_or_default());
        if access_token.is_empty() {
            return Err("the answer has no access_token".to_owned());
        }
        let key = TenantKey {
            org: name(wire.org).ok_or("the answer does not name the org")?,
            tenant_id: name(wire.tenant_id).ok_or("the answer does not name the tenant")?,
        };
        let without_user = matches!(
            (&wire.identity_id, &wire.user_id),
            (Claim::Null, Claim::Null)
        );
        let user = match wire.identity_id {
            Claim::Is(Value::String(id)) => name(Some(id)),
            _ => None,
        };
        let info = TokenInfo {
            key,
            user,
            without_user,
            scopes: scopes(&wire.scope),
        };
        Ok(Self {
            access_token,
            life: life(&wire.expires_in),
            info,
        })
    }
}

fn name(text: Option<String>) -> Option<String> {
    text.filter(|text| (1..=MAX_NAME).contains(&text.len()))
}

/// A number of seconds, or its text; a negative number counts as zero.
fn life(expires_in: &Value) -> Duration {
    let seconds = expires_in
        .as_f64()
        .or_else(|| expires_in.as_str()?.trim().parse().ok());
    seconds.map_or(UNSAID_LIFE, |seconds| {
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
    })
}

/// A text of words, as OAuth has it, or a list.
fn scopes(scope: &Value) -> BTreeSet<String> {
    let words = scope.as_str().into_iter().flat_map(str::split_whitespace);
    let items = scope
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    words.chain(items).map(str::to_owned).collect()
}
