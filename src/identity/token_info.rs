//! Who a token belongs to, and what it may do.

use std::collections::BTreeSet;

use psg_domain::TenantKey;

use crate::scopes;

/// Which tenant answered, and what the token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// The tenant that really answered.
    pub key: TenantKey,
    /// The identity behind the token, if the answer names one.
    pub user: Option<String>,
    /// Whether the answer says that the token has no user: such a token cannot write groups,
    /// whatever its scopes are.
    pub without_user: bool,
    /// What was granted; empty if the answer did not say.
    pub scopes: BTreeSet<String>,
}

impl TokenInfo {
    /// The scopes that the operator needs and the token lacks.
    pub fn missing_scopes(&self) -> BTreeSet<&'static str> {
        scopes::missing(&self.scopes)
    }

    /// Whether [`crate::Client::list_applications`] can work; if not, use `connections`.
    pub fn may_list_applications(&self) -> bool {
        scopes::may_list_applications(&self.scopes)
    }
}
