//! The objects of a tenant as a seed writes them and the state shows them. No IO.
//!
//! Fields that rules look at are typed; the rest of a policy, source or application is carried
//! along untouched, so that a seed may hold anything the vendor's object holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::table::Row;

/// A password sync group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Group {
    /// Dashed UUID; made if a seed leaves it out.
    #[serde(default)]
    pub id: String,
    /// The name shown in Password Manager.
    pub name: String,
    /// The policy enforced on every member.
    #[serde(default)]
    pub password_policy_id: Option<String>,
    /// The members.
    #[serde(default)]
    pub source_ids: Vec<String>,
    /// When it was made.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// When it was changed last.
    #[serde(default)]
    pub modified: Option<Timestamp>,
}

/// A password policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// 32 hex digits; made if a seed leaves it out.
    #[serde(default)]
    pub id: String,
    /// The name.
    pub name: String,
    /// Whether this is the default policy, made with the org.
    #[serde(default)]
    pub default_policy: bool,
    /// When it was made.
    #[serde(default)]
    pub date_created: Option<Timestamp>,
    /// When it was changed last.
    #[serde(default)]
    pub last_updated: Option<Timestamp>,
    /// Everything else the object holds.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// 32 hex digits; made if a seed leaves it out.
    #[serde(default)]
    pub id: String,
    /// The name.
    pub name: String,
    /// What the source is for.
    #[serde(default)]
    pub description: Option<String>,
    /// For example `Active Directory - Direct`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The connector's script name, for example `active-directory`.
    #[serde(default)]
    pub connector: String,
    /// The connector's display name.
    #[serde(default)]
    pub connector_name: Option<String>,
    /// `direct` or `file`.
    #[serde(default = "direct")]
    pub connection_type: Option<String>,
    /// What the connector can do, such as `PASSWORD` and `AUTHENTICATE`.
    #[serde(default)]
    pub features: Vec<String>,
    /// Whether an identity profile refers to it.
    #[serde(default)]
    pub authoritative: bool,
    /// Whether the last health check passed.
    #[serde(default = "yes")]
    pub healthy: bool,
    /// The state behind `healthy`.
    #[serde(default = "healthy_status")]
    pub status: String,
    /// For example `CredentialProvider`.
    #[serde(default)]
    pub category: Option<String>,
    /// Built-in: listed only with `includeIDNSource=true`.
    #[serde(default)]
    pub built_in: bool,
    /// The source's policy holders, including exceptions.
    #[serde(default)]
    pub holders: Vec<Holder>,
    /// When it was made.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// When it was changed last.
    #[serde(default)]
    pub modified: Option<Timestamp>,
    /// Everything else the object holds.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// One policy on a source; with selectors it is an exception for some identities.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holder {
    /// The policy.
    pub policy_id: String,
    /// Its name; looked up when it is left out.
    #[serde(default)]
    pub policy_name: Option<String>,
    /// `null` for everybody, or the attributes an exception matches.
    #[serde(default)]
    pub selectors: Option<Value>,
}

/// An application.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// 32 hex digits; made if a seed leaves it out.
    #[serde(default)]
    pub id: String,
    /// The name.
    pub name: String,
    /// Whether it is open for requests.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The source whose accounts it uses.
    #[serde(default)]
    pub account_source: Option<AccountSource>,
    /// When it was made.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// When it was changed last.
    #[serde(default)]
    pub modified: Option<Timestamp>,
    /// Everything else the object holds.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The source of an application.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountSource {
    /// The source's id.
    pub id: String,
    /// The source's name; looked up when it is left out.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether the application takes part in password management.
    #[serde(default)]
    pub use_for_password_management: bool,
}

/// How many accounts a source has; they are made up when they are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Accounts {
    /// The source.
    pub source_id: String,
    /// The number of its accounts.
    pub count: usize,
}

impl Source {
    /// Whether the connector has the feature.
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|own| own == feature)
    }

    /// The policy for everybody on this source.
    pub fn default_holder(&self) -> Option<&Holder> {
        self.holders
            .iter()
            .find(|holder| holder.selectors.is_none())
    }
}

impl Row for Group {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Row for Policy {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Row for Source {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Row for App {
    fn id(&self) -> &str {
        &self.id
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "serde asks for the field's own type"
)]
fn direct() -> Option<String> {
    Some("direct".to_owned())
}

fn healthy_status() -> String {
    "SOURCE_STATE_HEALTHY".to_owned()
}

fn yes() -> bool {
    true
}
