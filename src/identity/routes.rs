//! Which path of which API version serves an operation: one table. Pure.
//!
//! Source: the vendor's specifications of each version. An operation that the chosen version lacks
//! goes to v2025. Ids in paths need no escaping: their types allow no unsafe characters.

use http::Method;
use psg_domain::ApiVersion;

use crate::{
    bounds::{MOST_HOLDERS, MOST_OBJECTS},
    transport::Kind,
};

/// The header without which experimental operations are refused.
pub const EXPERIMENTAL: &str = "x-sailpoint-experimental";

/// 250 objects of 32 KB, as sources with many attributes are.
const PAGE_BODY: usize = 8 << 20;
const OBJECT_BODY: usize = 1 << 20;

/// What can be asked of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// All groups, by pages.
    ListGroups,
    /// A new group.
    CreateGroup,
    /// One group.
    ReadGroup,
    /// One group, replaced.
    UpdateGroup,
    /// One group, removed.
    DeleteGroup,
    /// All password policies, by pages.
    ListPolicies,
    /// All sources, by pages.
    ListSources,
    /// All applications, by pages.
    ListApplications,
    /// What depends on one source.
    ReadConnections,
    /// The policies on one source.
    ReadHolders,
    /// The policies on one source, replaced.
    AssignHolders,
    /// How many accounts one source has: for previews, never for the operator itself.
    CountAccounts,
    /// The audit events of password changes.
    SearchEvents,
    /// The state of one password change: for people, never for the operator itself.
    ReadPasswordChange,
    /// A connection of one source, tried now: for people, never for the operator itself.
    TestConnection,
    /// The personal access tokens of the token's user: for people, never for the operator itself.
    ListOwnTokens,
}

/// One row of the table: how an operation is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The version that serves it, which may not be the one chosen.
    pub version: ApiVersion,
    /// The method.
    pub method: Method,
    /// The path; `{id}` stands for the one id it takes.
    pub template: String,
    /// Whether the experimental header is needed.
    pub experimental: bool,
    /// Whether it changes the tenant.
    pub kind: Kind,
    /// The longest body that is read, in bytes.
    pub max_body: usize,
}

impl Operation {
    /// The route of this operation in `version`, or in v2025 if `version` lacks it.
    pub fn route(self, version: ApiVersion) -> Route {
        let version = if self.is_in(version) {
            version
        } else {
            ApiVersion::V2025
        };
        let (resource, rest) = self.place();
        let template = match version {
            ApiVersion::V1 => format!("/{resource}/v1{rest}"),
            _ => format!("/{}/{resource}{rest}", version.as_str()),
        };
        let (method, kind) = self.method();
        Route {
            version,
            method,
            template,
            experimental: self.is_experimental(version),
            kind,
            max_body: if self.is_list() {
                PAGE_BODY
            } else {
                OBJECT_BODY
            },
        }
    }
}

impl Operation {
    /// Every operation of the operator.
    pub const ALL: [Self; 11] = [
        Self::ListGroups,
        Self::CreateGroup,
        Self::ReadGroup,
        Self::UpdateGroup,
        Self::DeleteGroup,
        Self::ListPolicies,
        Self::ListSources,
        Self::ListApplications,
        Self::ReadConnections,
        Self::ReadHolders,
        Self::AssignHolders,
    ];

    /// A label for metrics and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::ListGroups => "list_groups",
            Self::CreateGroup => "create_group",
            Self::ReadGroup => "read_group",
            Self::UpdateGroup => "update_group",
            Self::DeleteGroup => "delete_group",
            Self::ListPolicies => "list_policies",
            Self::ListSources => "list_sources",
            Self::ListApplications => "list_applications",
            Self::ReadConnections => "read_connections",
            Self::ReadHolders => "read_holders",
            Self::AssignHolders => "assign_holders",
            Self::CountAccounts => "count_accounts",
            Self::SearchEvents => "search_events",
            Self::ReadPasswordChange => "read_password_change",
            Self::TestConnection => "test_connection",
            Self::ListOwnTokens => "list_own_tokens",
        }
    }

    /// The objects of its list, as words for messages.
    pub fn objects(self) -> &'static str {
        match self {
            Self::ListPolicies => "policies",
            Self::ListSources => "sources",
            Self::ListApplications => "applications",
            Self::ReadConnections | Self::TestConnection => "connections of one source",
            Self::ReadHolders | Self::AssignHolders => "policies of one source",
            Self::CountAccounts => "accounts of one source",
            Self::SearchEvents => "audit events",
            Self::ReadPasswordChange => "password changes",
            Self::ListOwnTokens => "personal access tokens",
            _ => "groups",
        }
    }

    /// How many objects of its list are read at most.
    pub(crate) fn most(self) -> usize {
        match self {
            Self::ReadHolders => MOST_HOLDERS,
            _ => MOST_OBJECTS,
        }
    }

    /// Whether a version has it.
    fn is_in(self, version: ApiVersion) -> bool {
        match self {
            Self::ReadHolders => version != ApiVersion::V3 && version != ApiVersion::V2024,
            Self::AssignHolders | Self::ListApplications | Self::TestConnection => {
                version != ApiVersion::V3
            }
            _ => true,
        }
    }

    fn is_experimental(self, version: ApiVersion) -> bool {
        match self {
            Self::ListPolicies => version != ApiVersion::V3,
            Self::ListApplications => true,
            _ => false,
        }
    }

    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::ListGroups | Self::CreateGroup => ("password-sync-groups", ""),
            Self::ReadGroup | Self::UpdateGroup | Self::DeleteGroup => {
                ("password-sync-groups", "/{id}")
            }
            Self::ListPolicies => ("password-policies", ""),
            Self::ListSources => ("sources", ""),
            Self::ListApplications => ("source-apps", "/all"),
            Self::ReadConnections => ("sources", "/{id}/connections"),
            Self::ReadHolders | Self::AssignHolders => ("sources", "/{id}/password-policies"),
            Self::CountAccounts => ("accounts", ""),
            Self::SearchEvents => ("search", ""),
            Self::ReadPasswordChange => ("password-change-status", "/{id}"),
            Self::TestConnection => ("sources", "/{id}/connector/check-connection"),
            Self::ListOwnTokens => ("personal-access-tokens", "?owner-id=me"),
        }
    }

    fn method(self) -> (Method, Kind) {
        match self {
            Self::CreateGroup => (Method::POST, Kind::Write),
            Self::UpdateGroup => (Method::PUT, Kind::Write),
            Self::DeleteGroup => (Method::DELETE, Kind::Write),
            Self::AssignHolders => (Method::PATCH, Kind::Write),
            Self::SearchEvents | Self::TestConnection => (Method::POST, Kind::Read),
            _ => (Method::GET, Kind::Read),
        }
    }

    /// The sort key that keeps the order of pages stable; none for lists that cannot be sorted.
    pub(crate) fn sorters(self) -> Option<&'static str> {
        matches!(self, Self::ListSources | Self::ListApplications).then_some("id")
    }

    fn is_list(self) -> bool {
        matches!(
            self,
            Self::ListGroups
                | Self::ListPolicies
                | Self::ListSources
                | Self::ListApplications
                | Self::SearchEvents
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiVersion as V, Operation as O};

    #[test]
    fn an_operation_that_a_version_lacks_goes_to_v2025() {
        let served = |operation: O| V::ALL.map(|version| operation.route(version).version.as_str());
        let same = ["v3", "v2024", "v2025", "v2026", "v1"];
        for operation in O::ALL {
            let expected = match operation {
                O::ReadHolders => ["v2025", "v2025", "v2025", "v2026", "v1"],
                O::AssignHolders | O::ListApplications => {
                    ["v2025", "v2024", "v2025", "v2026", "v1"]
                }
                _ => same,
            };
            assert_eq!(served(operation), expected, "{operation:?}");
        }
    }

    #[test]
    fn paths_are_the_documented_ones() {
        for (version, operation, line, experimental) in [
            (
                V::V3,
                O::CreateGroup,
                "POST /v3/password-sync-groups",
                false,
            ),
            (
                V::V2026,
                O::UpdateGroup,
                "PUT /v2026/password-sync-groups/{id}",
                false,
            ),
            (
                V::V1,
                O::DeleteGroup,
                "DELETE /password-sync-groups/v1/{id}",
                false,
            ),
            (
                V::V1,
                O::ReadHolders,
                "GET /sources/v1/{id}/password-policies",
                false,
            ),
            (
                V::V3,
                O::AssignHolders,
                "PATCH /v2025/sources/{id}/password-policies",
                false,
            ),
            (V::V1, O::ListApplications, "GET /source-apps/v1/all", true),
            (
                V::V3,
                O::ListApplications,
                "GET /v2025/source-apps/all",
                true,
            ),
            (V::V3, O::ListPolicies, "GET /v3/password-policies", false),
            (
                V::V2024,
                O::ListPolicies,
                "GET /v2024/password-policies",
                true,
            ),
            (V::V1, O::ListPolicies, "GET /password-policies/v1", true),
            (
                V::V1,
                O::ReadConnections,
                "GET /sources/v1/{id}/connections",
                false,
            ),
        ] {
            let route = operation.route(version);
            assert_eq!(format!("{} {}", route.method, route.template), line);
            assert_eq!(route.experimental, experimental, "{line}");
        }
    }
}
