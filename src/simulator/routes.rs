//! Which version serves which operation, and who may call it. No IO.
//!
//! One row for each operation, as in the vendor's documents: an operation that a version lacks is a
//! 404 in it.

use crate::switches::{AvailableSources, Switches};

/// A version of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Version {
    V3,
    V2024,
    V2025,
    V2026,
    Beta,
    /// The form with the version behind the resource: `/sources/v1/{id}`.
    V1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    ListGroups,
    CreateGroup,
    ReadGroup,
    UpdateGroup,
    DeleteGroup,
    AvailableSources,
    ListPolicies,
    CreatePolicy,
    ReadPolicy,
    UpdatePolicy,
    DeletePolicy,
    ListSources,
    ReadSource,
    ReadHolders,
    WriteHolders,
    SourceConnections,
    SourceHealth,
    TestSource,
    ListApps,
    ListAllApps,
    ListAccounts,
    ListOwnTokens,
    QueryPasswordInfo,
    SetPassword,
    PasswordChangeStatus,
    Search,
}

/// One operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) op: Op,
    pub(crate) method: &'static str,
    pub(crate) template: &'static str,
    pub(crate) versions: &'static [Version],
    pub(crate) experimental: &'static [Version],
    pub(crate) scopes: &'static [&'static str],
    pub(crate) user_only: bool,
    pub(crate) org_admin: bool,
}

/// The operation that a request asks for.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) route: &'static Route,
    pub(crate) version: Version,
    pub(crate) id: String,
}

use Version::{Beta, V1, V3, V2024, V2025, V2026};

const ALL: &[Version] = &[V3, V2024, V2025, V2026, Beta, V1];
const YEARS_AND_V1: &[Version] = &[V2024, V2025, V2026, V1];
const NOT_V3: &[Version] = &[V2024, V2025, V2026, Beta, V1];
const NOT_BETA: &[Version] = &[V3, V2024, V2025, V2026, V1];
const SINCE_2025: &[Version] = &[V2025, V2026, V1];
const NOWHERE: &[Version] = &[];

const GROUP_READ: &[&str] = &[
    "idn:password-sync-group:read",
    "idn:password-sync-group:manage",
];
const GROUP_WRITE: &[&str] = &["idn:password-sync-group:manage"];
const POLICY_READ: &[&str] = &["idn:password-policy:read"];
const POLICY_WRITE: &[&str] = &["idn:password-policy:write"];
const SOURCES_READ: &[&str] = &["idn:sources:read", "idn:sources:manage"];
const SOURCES_MANAGE: &[&str] = &["idn:sources:manage"];
const CONNECTOR: &[&str] = &["idn:source-connector:manage"];
const APPS: &[&str] = &["idn:app-roles:read", "idn:app-roles:manage"];
const PASSWORD_INFO: &[&str] = &["idn:password-info:read"];
const PASSWORD_SET: &[&str] = &["idn:password-change:manage"];
const PASSWORD_STATUS: &[&str] = &["idn:password-change:read"];
const SEARCH: &[&str] = &["sp:search:read"];
const TOKENS: &[&str] = &[
    "idn:my-personal-access-tokens:read",
    "idn:all-personal-access-tokens:read",
];
const ACCOUNTS: &[&str] = &["idn:accounts:read", "idn:accounts:manage"];

const fn read(
    op: Op,
    template: &'static str,
    versions: &'static [Version],
    scopes: &'static [&'static str],
) -> Route {
    let method = "GET";
    let experimental = NOWHERE;
    Route {
        op,
        method,
        template,
        versions,
        experimental,
        scopes,
        user_only: false,
        org_admin: false,
    }
}

const fn write(
    op: Op,
    method: &'static str,
    template: &'static str,
    scopes: &'static [&'static str],
) -> Route {
    let experimental = NOWHERE;
    let versions = ALL;
    Route {
        op,
        method,
        template,
        versions,
        experimental,
        scopes,
        user_only: true,
        org_admin: true,
    }
}

const fn admin(route: Route) -> Route {
    Route {
        org_admin: true,
        ..route
    }
}

const fn user(route: Route) -> Route {
    Route {
        user_only: true,
        ..route
    }
}

const fn experimental(route: Route) -> Route {
    Route {
        experimental: YEARS_AND_V1,
        ..route
    }
}

// Exact templates come before those with an id in the same place.
pub(crate) static ROUTES: [Route; 28] = [
    admin(user(read(
        Op::AvailableSources,
        "/password-sync-groups/available-sources",
        NOT_V3,
        &[
            "idn:password-sync-group-management:read",
            "idn:password-sync-group:read",
            "idn:password-sync-group:manage",
        ],
    ))),
    admin(read(
        Op::ListGroups,
        "/password-sync-groups",
        ALL,
        GROUP_READ,
    )),
    write(
        Op::CreateGroup,
        "POST",
        "/password-sync-groups",
        GROUP_WRITE,
    ),
    admin(read(
        Op::ReadGroup,
        "/password-sync-groups/{id}",
        ALL,
        GROUP_READ,
    )),
    write(
        Op::UpdateGroup,
        "PUT",
        "/password-sync-groups/{id}",
        GROUP_WRITE,
    ),
    write(
        Op::DeleteGroup,
        "DELETE",
        "/password-sync-groups/{id}",
        GROUP_WRITE,
    ),
    // Only the text of this operation asks for an ORG_ADMIN; its user levels do not.
    experimental(read(
        Op::ListPolicies,
        "/password-policies",
        ALL,
        POLICY_READ,
    )),
    experimental(write(
        Op::CreatePolicy,
        "POST",
        "/password-policies",
        POLICY_WRITE,
    )),
    experimental(admin(read(
        Op::ReadPolicy,
        "/password-policies/{id}",
        ALL,
        POLICY_READ,
    ))),
    experimental(write(
        Op::UpdatePolicy,
        "PUT",
        "/password-policies/{id}",
        POLICY_WRITE,
    )),
    experimental(write(
        Op::DeletePolicy,
        "DELETE",
        "/password-policies/{id}",
        POLICY_WRITE,
    )),
    read(Op::ListSources, "/sources", ALL, SOURCES_READ),
    read(Op::ReadSource, "/sources/{id}", ALL, SOURCES_READ),
    user(read(
        Op::ReadHolders,
        "/sources/{id}/password-policies",
        SINCE_2025,
        POLICY_READ,
    )),
    // Beta's document does not include its file of this operation, but the service answers.
    Route {
        versions: NOT_V3,
        user_only: false,
        org_admin: false,
        ..write(
            Op::WriteHolders,
            "PATCH",
            "/sources/{id}/password-policies",
            SOURCES_MANAGE,
        )
    },
    read(
        Op::SourceConnections,
        "/sources/{id}/connections",
        NOT_BETA,
        SOURCES_READ,
    ),
    read(
        Op::SourceHealth,
        "/sources/{id}/source-health",
        NOT_BETA,
        SOURCES_READ,
    ),
    test("/sources/{id}/connector/check-connection"),
    test("/sources/{id}/connector/test-configuration"),
    test("/sources/{id}/connector/ping-cluster"),
    experimental(user(admin(read(
        Op::ListAllApps,
        "/source-apps/all",
        NOT_V3,
        APPS,
    )))),
    experimental(user(read(Op::ListApps, "/source-apps", NOT_V3, APPS))),
    read(Op::ListAccounts, "/accounts", ALL, ACCOUNTS),
    // Which of the scopes is needed, and whether a user is, depends on `owner-id`: own_tokens.rs.
    read(Op::ListOwnTokens, "/personal-access-tokens", ALL, TOKENS),
    anybody(Op::QueryPasswordInfo, "/query-password-info", PASSWORD_INFO),
    anybody(Op::SetPassword, "/set-password", PASSWORD_SET),
    admin(read(
        Op::PasswordChangeStatus,
        "/password-change-status/{id}",
        ALL,
        PASSWORD_STATUS,
    )),
    // Lower levels than ORG_ADMIN search as well; the simulator knows no level between.
    admin(anybody(Op::Search, "/search", SEARCH)),
];

/// A POST that a client without a user may send, and a user of any level.
const fn anybody(op: Op, template: &'static str, scopes: &'static [&'static str]) -> Route {
    Route {
        user_only: false,
        org_admin: false,
        ..write(op, "POST", template, scopes)
    }
}

const fn test(template: &'static str) -> Route {
    Route {
        versions: NOT_V3,
        user_only: false,
        ..write(Op::TestSource, "POST", template, CONNECTOR)
    }
}

/// Finds the operation of a request, if its version has one.
pub(crate) fn find(method: &str, segments: &[String], switches: &Switches) -> Option<Found> {
    let (version, resource) = version_of(segments)?;
    let (route, id) = ROUTES.iter().find_map(|route| {
        let id = (route.method == method).then(|| matched(route.template, &resource))??;
        (route.op != Op::AvailableSources || served(route, version, switches))
            .then_some((route, id))
    })?;
    route
        .versions
        .contains(&version)
        .then_some(Found { route, version, id })
}

fn served(route: &Route, version: Version, switches: &Switches) -> bool {
    switches.available_sources == AvailableSources::Served && route.versions.contains(&version)
}

/// The version of a path, and the path without it.
fn version_of(segments: &[String]) -> Option<(Version, Vec<&str>)> {
    let (first, rest) = segments.split_first()?;
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    if let Some(version) = ALL
        .iter()
        .find(|version| version.prefix() == first.as_str())
    {
        return (*version != V1).then_some((*version, rest));
    }
    let (second, rest) = rest.split_first()?;
    (*second == V1.prefix()).then(|| (V1, [&[first.as_str()], rest].concat()))
}

/// The id in a path that fits the template; empty if the template has none.
fn matched(template: &str, path: &[&str]) -> Option<String> {
    let pattern: Vec<&str> = template.split('/').skip(1).collect();
    if pattern.len() != path.len() {
        return None;
    }
    let mut id = String::new();
    for (wanted, found) in pattern.iter().zip(path) {
        if *wanted == "{id}" {
            (*found).clone_into(&mut id);
        } else if wanted != found {
            return None;
        }
    }
    Some(id)
}

impl Version {
    /// The version as paths write it.
    pub fn prefix(self) -> &'static str {
        match self {
            V3 => "v3",
            V2024 => "v2024",
            V2025 => "v2025",
            V2026 => "v2026",
            Beta => "beta",
            V1 => "v1",
        }
    }

    /// The path of a template in this version.
    pub fn path(self, template: &str) -> String {
        if self != V1 {
            return format!("/{}{template}", self.prefix());
        }
        let resource = template.trim_start_matches('/');
        match resource.split_once('/') {
            Some((first, rest)) => format!("/{first}/v1/{rest}"),
            None => format!("/{resource}/v1"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    fn versions(method: &str, template: &str) -> Vec<&'static str> {
        let switches = Switches::default();
        let serves = |version: &&Version| {
            let segments = Request::new(method, &version.path(template)).segments();
            find(method, &segments, &switches).is_some_and(|found| found.route.template == template)
        };
        ALL.iter()
            .filter(serves)
            .map(|version| version.prefix())
            .collect()
    }

    #[test]
    fn each_version_serves_what_the_vendor_documents_for_it() {
        let all = ["v3", "v2024", "v2025", "v2026", "beta", "v1"];
        let not_v3 = &all[1..];
        let cases: &[(&str, &str, &[&str])] = &[
            ("GET", "/password-sync-groups", &all),
            ("POST", "/password-sync-groups", &all),
            ("GET", "/password-sync-groups/{id}", &all),
            ("PUT", "/password-sync-groups/{id}", &all),
            ("DELETE", "/password-sync-groups/{id}", &all),
            ("PATCH", "/password-sync-groups/{id}", &[]),
            ("GET", "/password-policies", &all),
            ("POST", "/password-policies", &all),
            ("GET", "/password-policies/{id}", &all),
            ("PUT", "/password-policies/{id}", &all),
            ("DELETE", "/password-policies/{id}", &all),
            ("GET", "/sources", &all),
            ("GET", "/sources/{id}", &all),
            ("PATCH", "/sources/{id}", &[]),
            (
                "GET",
                "/sources/{id}/password-policies",
                &["v2025", "v2026", "v1"],
            ),
            ("PATCH", "/sources/{id}/password-policies", not_v3),
            (
                "GET",
                "/sources/{id}/connections",
                &["v3", "v2024", "v2025", "v2026", "v1"],
            ),
            (
                "GET",
                "/sources/{id}/source-health",
                &["v3", "v2024", "v2025", "v2026", "v1"],
            ),
            ("POST", "/sources/{id}/connector/check-connection", not_v3),
            ("GET", "/source-apps", not_v3),
            ("GET", "/source-apps/all", not_v3),
            ("GET", "/accounts", &all),
            ("GET", "/personal-access-tokens", &all),
            ("POST", "/query-password-info", &all),
            ("POST", "/set-password", &all),
            ("GET", "/password-change-status/{id}", &all),
            ("POST", "/search", &all),
            ("GET", "/nonsense", &[]),
        ];
        for (method, template, expected) in cases {
            assert_eq!(&versions(method, template), expected, "{method} {template}");
        }
    }

    #[test]
    fn the_new_form_has_its_version_behind_the_resource() {
        assert_eq!(Version::V1.path("/source-apps/all"), "/source-apps/v1/all");
        assert_eq!(Version::V1.path("/sources"), "/sources/v1");
        assert_eq!(Version::V2025.path("/sources"), "/v2025/sources");
        let old_form = Request::new("GET", "/v1/sources").segments();
        assert!(find("GET", &old_form, &Switches::default()).is_none());
    }

    #[test]
    fn the_same_table_says_who_needs_the_experimental_header() {
        let policies = ROUTES
            .iter()
            .find(|route| route.op == Op::ListPolicies)
            .unwrap();
        assert_eq!(policies.experimental, [V2024, V2025, V2026, V1]);
        let holders = ROUTES
            .iter()
            .find(|route| route.op == Op::WriteHolders)
            .unwrap();
        assert!(holders.experimental.is_empty() && !holders.user_only);
    }
}
