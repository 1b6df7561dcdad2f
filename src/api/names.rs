//! Every name that manifests, pipelines and other programs rely on, and which names Kubernetes
//! accepts.

/// The API group of both kinds.
pub const GROUP: &str = "passwordsync.dev";
/// The version of both kinds.
pub const VERSION: &str = "v1alpha1";
/// Group and version, as `apiVersion` has them.
pub const API_VERSION: &str = "passwordsync.dev/v1alpha1";

/// Holds a `PasswordSyncGroup` until each of its sources has a password policy of its own again.
pub const FINALIZER: &str = "passwordsync.dev/reassign-policy";

/// Holds an `IdentityTenant` while a `PasswordSyncGroup` needs it.
pub const IN_USE: &str = "passwordsync.dev/in-use";

/// Any new value, on a group or a tenant: read the tenant now.
pub const RECONCILE_AT: &str = "passwordsync.dev/reconcile-at";
/// An RFC 3339 time, on a group: until then nothing is written to the tenant, deletion included.
pub const PAUSED_UNTIL: &str = "passwordsync.dev/paused-until";
/// `true`, on a group: the cluster refuses its deletion.
pub const PROTECT: &str = "passwordsync.dev/protect";
/// An RFC 3339 time, on a tenant: until then what a brake holds back may go on.
pub const ACKNOWLEDGED_UNTIL: &str = "passwordsync.dev/acknowledged-until";

/// The name under which the operator's fields are managed.
pub const FIELD_MANAGER: &str = "psg-operator";

/// The longest label of a domain name (RFC 1123), such as the name of a namespace.
const LONGEST_LABEL: usize = 63;
/// The longest name of a resource: labels with dots between them.
pub const LONGEST_NAME: usize = 253;

/// Whether Kubernetes takes this as the name of a namespace: small letters, digits and dashes.
pub fn is_label(name: &str) -> bool {
    name.len() <= LONGEST_LABEL && is_part(name)
}

/// Whether Kubernetes takes this as the name of a resource. Unlike [`is_label`], each part between
/// dots may be as long as the whole.
pub fn is_subdomain(name: &str) -> bool {
    name.len() <= LONGEST_NAME && name.split('.').all(is_part)
}

fn is_part(part: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let ends = part.starts_with('-') || part.ends_with('-');
    !part.is_empty() && !ends && part.bytes().all(inner)
}

/// Whether Kubernetes accepts this as the key of an annotation: a name of up to 63 letters, digits,
/// `-`, `_` and `.`, optionally after a domain and a slash.
pub fn is_annotation(key: &str) -> bool {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let edge = |end: Option<&u8>| end.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let named = bytes.len() <= LONGEST_LABEL && bytes.iter().all(inner);
    prefix.is_none_or(|prefix| is_subdomain(&prefix.to_ascii_lowercase()))
        && named
        && edge(bytes.first())
        && edge(bytes.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        let long = [
            "a".repeat(63),
            "a".repeat(64),
            "a".repeat(253),
            "a".repeat(254),
        ];
        for (name, label, subdomain) in [
            ("a", true, true),
            ("team-a1", true, true),
            ("a.b-1", false, true),
            (long[0].as_str(), true, true),
            (long[1].as_str(), false, true),
            (long[2].as_str(), false, true),
            (long[3].as_str(), false, false),
            ("", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("a..b", false, false),
            ("A", false, false),
            ("a b", false, false),
            ("a/b", false, false),
            ("é", false, false),
        ] {
            assert_eq!(
                (is_label(name), is_subdomain(name)),
                (label, subdomain),
                "{name}"
            );
        }
    }

    #[test]
    fn keys_of_annotations_are_those_that_kubernetes_takes() {
        for key in [
            "ticket",
            "example.com/Change_Ticket",
            "Example.com/a",
            "a.b-c_d",
        ] {
            assert!(is_annotation(key), "{key}");
        }
        let long = format!("example.com/{}", "a".repeat(64));
        for key in [
            "",
            "/a",
            "a/",
            "a/b/c",
            "a b",
            "-a",
            "a-",
            "ex_ample.com/a",
            &long,
        ] {
            assert!(!is_annotation(key), "{key}");
        }
    }
}
