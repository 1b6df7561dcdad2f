//! The kind `IdentityTenant`: a tenant, the Secret with its address and credentials, and how often
//! it is read.

#![allow(clippy::duplicated_attributes)] // columns of one type are no duplicates

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition as KubeCondition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rest::Condition;

/// Where a tenant is and how it is read. Groups of the same namespace refer to it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "passwordsync.dev",
    version = "v1alpha1",
    kind = "IdentityTenant",
    namespaced,
    cel,
    status = "IdentityTenantStatus",
    derive = "PartialEq",
    doc = "An identity tenant that password sync groups are in, reached with the credentials of one Secret.",
    shortname = "idt",
    category = "passwordsync",
    printcolumn(
        name = "Ready",
        type_ = "string",
        description = "Whether the tenant can be read and written.",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        description = "Why, in one word.",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(
        name = "Org",
        type_ = "string",
        description = "The org's short name, as the tenant says it.",
        json_path = ".status.org"
    ),
    printcolumn(
        name = "Groups",
        type_ = "integer",
        description = "How many password sync groups the tenant has.",
        json_path = ".status.groups"
    ),
    printcolumn(
        name = "Managed",
        type_ = "integer",
        description = "How many of them a PasswordSyncGroup manages.",
        json_path = ".status.managedGroups"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        description = "Why, in a sentence.",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct IdentityTenantSpec {
    /// The Secret of this namespace that holds the tenant's address and the credentials that
    /// belong to it. Required.
    pub credentials_secret_ref: SecretRef,

    /// Which version of the identity API is used for groups, policies and sources. Left out, it is `v3`.
    /// `v1` is the form with a version to each resource. An operation that a version lacks is asked of v2025.
    #[serde(rename = "identityAPIVersion", default)]
    pub identity_api_version: IdentityApiVersion,

    /// How often the whole tenant is read: a duration such as `60s` or `5m`, from 10s to 1h.
    /// Left out, it is `60s`. A change made in the tenant is seen after at most this long.
    #[serde(default = "IdentityTenantSpec::default_read_interval")]
    #[schemars(length(min = 2, max = 15))]
    #[x_kube(validation = Rule::new("self.matches('^([0-9]{1,4}[smh]){1,3}$') && duration(self) >= duration('10s') && duration(self) <= duration('1h')")
        .message("readInterval is out of bounds: give a duration from 10s to 1h, such as 60s or 5m"))]
    pub read_interval: String,

    /// The operator's share of the tenant's rate limit. Left out, it is 90 requests per 10s.
    #[serde(default)]
    pub rate_limit: RateLimitSpec,

    /// Whether the Secret stays, by a finalizer, while a group needs it. Left out, it is `true`. The
    /// operator goes on without where it may not change the Secret.
    #[serde(default = "IdentityTenantSpec::default_protect_secret")]
    pub protect_secret: bool,

    /// How many groups may be deleted within ten minutes before a person is asked: `max`, or `percent` of
    /// the tenant's managed groups if that is more. Left out, it is 5 and 20.
    #[serde(default)]
    pub deletion_brake: DeletionBrakeSpec,

    /// Reads the tenant's audit events, so that each group says whether password changes fail: in the
    /// condition `PasswordChangesHealthy`. Left out, they are not read. Needs the scope `sp:search:read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_changes: Option<PasswordChangesSpec>,
}

impl IdentityTenantSpec {
    fn default_read_interval() -> String {
        "60s".to_owned()
    }

    fn default_protect_secret() -> bool {
        true
    }
}

/// How often the audit events of password changes are read.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct PasswordChangesSpec {
    /// One search in each such period: a duration such as `5m`, from 1m to 1h. Left out, it is `5m`.
    #[serde(default = "PasswordChangesSpec::default_interval")]
    #[schemars(length(min = 2, max = 15))]
    #[x_kube(validation = Rule::new("self.matches('^([0-9]{1,4}[smh]){1,3}$') && duration(self) >= duration('1m') && duration(self) <= duration('1h')")
        .message("interval is out of bounds: give a duration from 1m to 1h, such as 5m"))]
    pub interval: String,
}

impl PasswordChangesSpec {
    fn default_interval() -> String {
        "5m".to_owned()
    }
}

/// Names a Secret in the namespace of the resource.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SecretRef {
    /// The name of a Secret in this namespace with the keys `baseUrl`, `clientId` and
    /// `clientSecret` of a personal access token that only this operator uses. Required.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')")
        .message("name is not the name of a Secret: small letters, digits, dashes and dots; a Secret of this namespace"))]
    pub name: String,
}

/// Versions of the identity API.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum IdentityApiVersion {
    /// The long-standing one.
    #[default]
    V3,
    /// Of the year 2024.
    V2024,
    /// Of the year 2025.
    V2025,
    /// Of the year 2026.
    V2026,
    /// A version to each resource, such as `/sources/v1`.
    V1,
}

/// So many requests in any stretch of so long.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct RateLimitSpec {
    /// How many requests the operator may send in any stretch of `per`: 5 to 100. Left out, it is 90.
    #[serde(default = "RateLimitSpec::default_requests")]
    #[schemars(range(min = 5, max = 100))]
    pub requests: i64,

    /// The length of that stretch: a duration from 10s to 10m. Left out, it is `10s`.
    #[serde(default = "RateLimitSpec::default_per")]
    #[schemars(length(min = 2, max = 15))]
    #[x_kube(validation = Rule::new("self.matches('^([0-9]{1,4}[smh]){1,3}$') && duration(self) >= duration('10s') && duration(self) <= duration('10m')")
        .message("per is out of bounds: give a duration from 10s to 10m, such as 10s"))]
    pub per: String,
}

impl RateLimitSpec {
    fn default_requests() -> i64 {
        90
    }

    fn default_per() -> String {
        "10s".to_owned()
    }
}

impl Default for RateLimitSpec {
    fn default() -> Self {
        Self {
            requests: Self::default_requests(),
            per: Self::default_per(),
        }
    }
}

/// How many groups may be deleted within ten minutes before a person is asked.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct DeletionBrakeSpec {
    /// So many may go in any case: 0 to 1000. Left out, it is 5.
    #[serde(default = "DeletionBrakeSpec::default_max")]
    #[schemars(range(min = 0, max = 1000))]
    pub max: i64,

    /// So much of the managed groups may go, if that is more than `max`: 0 to 100. Left out, it is 20.
    /// 100 switches the brake off; 0 in both asks before every deletion.
    #[serde(default = "DeletionBrakeSpec::default_percent")]
    #[schemars(range(min = 0, max = 100))]
    pub percent: i64,
}

impl DeletionBrakeSpec {
    fn default_max() -> i64 {
        5
    }

    fn default_percent() -> i64 {
        20
    }
}

impl Default for DeletionBrakeSpec {
    fn default() -> Self {
        Self {
            max: Self::default_max(),
            percent: Self::default_percent(),
        }
    }
}

/// What the tenant said of itself. Written by the operator alone.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IdentityTenantStatus {
    /// The generation that the conditions speak of; -1: nothing was looked at yet.
    #[serde(default = "IdentityTenantStatus::unobserved")]
    #[schemars(range(min = -1))]
    pub observed_generation: i64,

    /// `Ready`, and what stands in its way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), with = "Vec<KubeCondition>")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_owned()]))]
    pub conditions: Vec<Condition>,

    /// The Secret that may hold the finalizer `passwordsync.dev/in-use` for this tenant; recorded
    /// before it is set, and cleared after it is taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub protected_secret: Option<String>,

    /// The host that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub host: Option<String>,

    /// The org's short name, as the token answer said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub org: Option<String>,

    /// The tenant's id, as the token answer said; followed by `@` and the host, where that is not
    /// one of the vendor's own.
    #[serde(rename = "tenantID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub tenant_id: Option<String>,

    /// Whose rate limit holds, while other IdentityTenants use the same client id.
    #[serde(
        rename = "sharedRateLimit",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 256))]
    pub shared_rate_limit: Option<String>,

    /// The user whose personal access token is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub user: Option<String>,

    /// Which version each operation goes to, such as `groups: v3` and `holders: v2025`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(inner(length(max = 64)), extend("maxProperties" = 32))]
    pub routes: BTreeMap<String, String>,

    /// How many sources the tenant has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub sources: Option<i64>,

    /// How many password policies the tenant has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub policies: Option<i64>,

    /// How many password sync groups the tenant has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub groups: Option<i64>,

    /// How many of them a PasswordSyncGroup of this cluster manages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub managed_groups: Option<i64>,

    /// What of the tenant cannot be read as it should be: objects of its lists, and lists that do not
    /// add up. All else is read. Of more than ten, nine are named and the rest is counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), inner(length(max = 256)))]
    pub unreadable: Vec<String>,
}

impl IdentityTenantStatus {
    fn unobserved() -> i64 {
        -1
    }
}

impl Default for IdentityTenantStatus {
    fn default() -> Self {
        Self {
            observed_generation: Self::unobserved(),
            conditions: Vec::new(),
            protected_secret: None,
            host: None,
            org: None,
            tenant_id: None,
            shared_rate_limit: None,
            user: None,
            routes: BTreeMap::new(),
            sources: None,
            policies: None,
            groups: None,
            managed_groups: None,
            unreadable: Vec::new(),
        }
    }
}
