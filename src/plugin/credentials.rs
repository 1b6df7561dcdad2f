//! The credentials of a tenant, from variables of the environment or from a file of them.

use std::{collections::BTreeMap, io::Read, path::Path};

use psg_identity::{Credentials, CredentialsError, HostPolicy, address};

use crate::args::Access;

/// The variables that hold the credentials, by the keys of a Secret.
const VARIABLES: [(&str, &str); 3] = [
    ("baseUrl", "SAIL_BASE_URL"),
    ("clientId", "SAIL_CLIENT_ID"),
    ("clientSecret", "SAIL_CLIENT_SECRET"),
];

/// The longest file of credentials that is accepted, in bytes.
const LONGEST_FILE: usize = 64 << 10;

/// Whether the environment names a tenant.
pub fn are_in(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("SAIL_BASE_URL").is_some_and(|value| !value.is_empty())
}

/// Whether the environment or `--tenant` gives credentials: then no cluster is asked for them.
pub fn are_given(access: &Access, variable: impl Fn(&str) -> Option<String>) -> bool {
    are_in(variable) || !access.tenant.is_empty()
}

/// Where credentials may be sent.
///
/// # Errors
/// A host that is no plain domain.
pub fn hosts(access: &Access) -> Result<HostPolicy, String> {
    let mut policy = HostPolicy {
        allow_insecure: access.allow_insecure_tenants,
        ..HostPolicy::default()
    };
    let mut allowed = access.allow_host.iter();
    if let Some(odd) = allowed.find(|host| !address::is_domain(host)) {
        return Err(format!(
            "--allow-host {odd}: give a plain domain such as example.com"
        ));
    }
    policy.suffixes.extend(access.allow_host.iter().cloned());
    Ok(policy)
}

/// The credentials that variables hold. `from` says where they come from, for messages.
///
/// # Errors
/// What is missing; the message has no value of a variable.
pub fn of_variables(
    variable: impl Fn(&str) -> Option<String>,
    policy: &HostPolicy,
    from: &str,
) -> Result<Credentials, String> {
    let values = VARIABLES.iter().filter_map(|(key, name)| {
        let value = variable(name)?;
        Some(((*key).to_owned(), value.into_bytes()))
    });
    let values: BTreeMap<String, Vec<u8>> = values.collect();
    Credentials::parse(&values, policy).map_err(|error| match error {
        CredentialsError::Missing { key } | CredentialsError::Empty { key } => format!(
            "{} is not set in {from}: give SAIL_BASE_URL, SAIL_CLIENT_ID and SAIL_CLIENT_SECRET of the tenant",
            in_variables(key)
        ),
        error => format!("{from}: {}", in_variables(&error.to_string())),
    })
}

/// The credentials in a file of lines such as `SAIL_CLIENT_ID=…`.
///
/// # Errors
/// The file cannot be read, or what is missing in it; the message has nothing of its content.
pub fn of_file(file: &Path, policy: &HostPolicy) -> Result<Credentials, String> {
    let place = file.display().to_string();
    let text = begin_of(file).map_err(|error| format!("{place}: {error}"))?;
    if text.len() > LONGEST_FILE {
        return Err(format!("{place}: longer than {LONGEST_FILE} bytes"));
    }
    let mut values = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        let line = line.strip_prefix("export ").unwrap_or(line);
        if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            let value = value.trim().trim_matches(['"', '\'']);
            values.insert(name.trim().to_owned(), value.to_owned());
        }
    }
    of_variables(|name| values.get(name).cloned(), policy, &place)
}

/// A file up to one byte more than is taken: a device or a log has no end worth reading.
fn begin_of(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let most = u64::try_from(LONGEST_FILE).unwrap_or(u64::MAX);
    std::fs::File::open(file)?
        .take(most.saturating_add(1))
        .read_to_string(&mut text)?;
    Ok(text)
}

/// Replaces the keys of a Secret in a message by the names of the variables.
fn in_variables(text: &str) -> String {
    VARIABLES.iter().fold(text.to_owned(), |text, (key, name)| {
        text.replace(&format!("key {key}"), name).replace(key, name)
    })
}
