//! What a token must be allowed to do. Pure. Source: the API's scopes for each operation;
//! they are the same in every version, and any one of those named suffices.

use std::collections::BTreeSet;

/// Grants everything that the token's owner may do.
const ALL: &str = "sp:scopes:all";

/// Each right that is needed, and the scopes that give it.
const NEEDED: [(&str, &[&str]); 4] = [
    (
        "idn:password-sync-group:manage",
        &["idn:password-sync-group:manage"],
    ),
    ("idn:password-policy:read", &["idn:password-policy:read"]),
    (
        "idn:sources:read",
        &["idn:sources:read", "idn:sources:manage"],
    ),
    ("idn:sources:manage", &["idn:sources:manage"]),
];

const APPLICATIONS: [&str; 2] = ["idn:app-roles:read", "idn:app-roles:manage"];

/// The scopes that are needed and not granted. A token answer without any scope of this API does
/// not say what was granted, so nothing counts as missing: a refusal will show it.
pub fn missing(granted: &BTreeSet<String>) -> BTreeSet<&'static str> {
    if tells_nothing(granted) || granted.contains(ALL) {
        return BTreeSet::new();
    }
    let missing = NEEDED
        .iter()
        .filter(|(_, any)| !any.iter().any(|scope| granted.contains(*scope)));
    missing.map(|(scope, _)| *scope).collect()
}

/// Whether all applications may be listed at once; if not, each source's connections are read.
pub fn may_list_applications(granted: &BTreeSet<String>) -> bool {
    tells_nothing(granted)
        || granted.contains(ALL)
        || APPLICATIONS.iter().any(|scope| granted.contains(*scope))
}

/// Whether no word is a scope of this API. The documents show a token answer with the words "read
/// write", and real answers have contained an encoded set of bits.
fn tells_nothing(granted: &BTreeSet<String>) -> bool {
    let is_scope = |word: &String| word.starts_with("sp:") || word.starts_with("idn:");
    !granted.iter().any(is_scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(granted: &str) -> BTreeSet<String> {
        granted.split_whitespace().map(str::to_owned).collect()
    }

    fn missing_of(granted: &str) -> Vec<&'static str> {
        missing(&words(granted)).into_iter().collect()
    }

    #[test]
    fn words_that_are_no_scopes_of_this_api_tell_nothing() {
        for granted in ["", "read write", "FA==", "openid profile"] {
            assert_eq!(missing_of(granted), [""; 0], "{granted}");
            assert!(may_list_applications(&words(granted)), "{granted}");
        }
        for granted in ["read idn:sources:manage", "FA== sp:scopes:default"] {
            assert!(!missing_of(granted).is_empty(), "{granted}");
            assert!(!may_list_applications(&words(granted)), "{granted}");
        }
    }

    #[test]
    fn a_scope_that_is_not_granted_is_named() {
        assert_eq!(missing_of("sp:scopes:all"), [""; 0]);
        assert_eq!(missing_of(""), [""; 0]);
        assert_eq!(
            missing_of(
                "idn:password-sync-group:manage idn:password-policy:read idn:sources:manage"
            ),
            [""; 0]
        );
        assert_eq!(
            missing_of("idn:password-sync-group:read idn:sources:read"),
            [
                "idn:password-policy:read",
                "idn:password-sync-group:manage",
                "idn:sources:manage"
            ]
        );
    }
}
