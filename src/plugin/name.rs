//! The name of a resource as it is typed: `NAME`, or `psg/NAME` as kubectl takes it. It becomes a
//! part of a URL, so only a valid Kubernetes name is accepted.

use psg_api::names::{LONGEST_NAME, is_subdomain};

/// The words before the slash that mean this kind.
const KINDS: [&str; 5] = [
    "psg",
    "passwordsyncgroup",
    "passwordsyncgroups",
    "passwordsyncgroup.passwordsync.dev",
    "passwordsyncgroups.passwordsync.dev",
];

/// The name of the resource in `text`.
///
/// # Errors
/// What is wrong with it, and what to type.
pub fn parse(text: &str) -> Result<String, String> {
    let name = match text.split_once('/') {
        None => text,
        Some((kind, name)) if KINDS.contains(&kind.to_lowercase().as_str()) => name,
        Some((kind, _)) => {
            let kind = kind.escape_debug();
            return Err(format!(
                "\"{kind}\" is not the kind of a PasswordSyncGroup: type its name, or psg/NAME"
            ));
        }
    };
    if is_subdomain(name) {
        return Ok(name.to_owned());
    }
    Err(format!(
        "\"{}\" is not the name of a resource: lower case letters, digits, \"-\" and \".\", at most \
         {LONGEST_NAME} characters; `kubectl get psg` lists the names",
        name.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_its_kind_before_it_as_kubectl_takes_it() {
        for typed in [
            "corp",
            "psg/corp",
            "PasswordSyncGroup/corp",
            "passwordsyncgroups.passwordsync.dev/corp",
        ] {
            assert_eq!(parse(typed).as_deref(), Ok("corp"), "{typed}");
        }
        assert_eq!(parse("a.b-1").as_deref(), Ok("a.b-1"));
    }

    #[test]
    fn nothing_that_would_lead_to_another_address_goes_through() {
        let long = "a".repeat(254);
        for typed in [
            "corp/status",
            "psg/corp/status",
            "../corp",
            "",
            "psg/",
            "Corp",
            "corp?dryRun=All",
            "corp#x",
            "-corp",
            "corp-",
            "a..b",
            "corp%2fstatus",
            "corp\u{1b}[2J",
            &long,
        ] {
            let said = parse(typed).unwrap_err();
            assert!(!said.contains('\u{1b}'), "{said:?}");
        }
        let other = parse("deployment/corp").unwrap_err();
        assert!(other.contains("psg/NAME"), "{other}");
    }
}
