//! What the value of a flag, or of its variable, may be. Each value is read once, at the start, and
//! trimmed; empty and repeated entries of a list are dropped. A value that cannot be right is
//! refused with the remedy.

use std::{net::SocketAddr, time::Duration};

use jiff::SignedDuration;
use psg_api::names::{is_annotation, is_label, is_subdomain};
use psg_identity::address::{is_domain, is_literal};
use secrecy::SecretString;

use crate::{audit::Place, telemetry::LogFormat};

/// One value of a flag that may be repeated: entries separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(Vec<String>);

/// The entries of all lists, each once, in the order in which they were given.
pub fn entries(lists: &[List]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for entry in lists.iter().flat_map(|list| &list.0) {
        if !all.contains(entry) {
            all.push(entry.clone());
        }
    }
    all
}

fn list(text: &str, entry: fn(&str) -> Result<String, String>) -> Result<List, String> {
    let parts = text.split(',').map(str::trim);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() && !text.trim().is_empty() {
        // A template whose variables were all empty. Unset would allow more than was asked for.
        return Err("there is nothing between its commas: name one, or leave it out".to_owned());
    }
    let read: Result<Vec<String>, String> = parts.into_iter().map(entry).collect();
    read.map(List)
}

/// Namespaces; none at all means every namespace.
pub fn namespaces(text: &str) -> Result<List, String> {
    list(text, namespace)
}

/// Domains that credentials may be sent to.
pub fn domains(text: &str) -> Result<List, String> {
    list(text, domain)
}

/// Keys of annotations.
pub fn annotations(text: &str) -> Result<List, String> {
    list(text, |entry| {
        let wrong = || {
            format!(
                "\"{}\" is not the key of an annotation, such as example.com/change-ticket",
                entry.escape_debug()
            )
        };
        is_annotation(entry)
            .then(|| entry.to_owned())
            .ok_or_else(wrong)
    })
}

/// The name of a namespace.
pub fn namespace(text: &str) -> Result<String, String> {
    let name = text.trim();
    let wrong = || {
        format!(
            "\"{}\" is not the name of a namespace: small letters, digits and dashes, at most 63, such \
             as identity",
            name.escape_debug()
        )
    };
    is_label(name).then(|| name.to_owned()).ok_or_else(wrong)
}

/// The name of a Lease.
pub fn lease(text: &str) -> Result<String, String> {
    let name = text.trim();
    let wrong = || {
        format!(
            "\"{}\" is not the name of a Lease: small letters, digits, dashes and dots, such as \
             psg-operator; leave it out if there is one process alone",
            name.escape_debug()
        )
    };
    is_subdomain(name)
        .then(|| name.to_owned())
        .ok_or_else(wrong)
}

/// The name of a replica, which people read in the Lease.
pub fn replica(text: &str) -> Result<String, String> {
    let name = text.trim();
    let fits = (1..=253).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    let wrong = || {
        format!(
            "\"{}\" is not a name for a replica: 1 to 253 visible ASCII characters, such as the pod's \
             name; leave it out for the host's",
            name.escape_debug()
        )
    };
    fits.then(|| name.to_owned()).ok_or_else(wrong)
}

/// A domain, lower case; `Args` later checks an address or a name without a dot, which tests use.
fn domain(text: &str) -> Result<String, String> {
    let entry = text.to_ascii_lowercase();
    if is_domain(&entry) || is_literal(&entry) {
        return Ok(entry);
    }
    let wrong = match entry.as_str() {
        _ if entry.contains("://") => "has a scheme",
        _ if entry.contains('*') => "has a star",
        _ if entry.contains(['/', '\\', '?', '#', '@']) => "has more than a host",
        _ if entry.contains(':') => "has a port",
        _ if entry.starts_with('.') || entry.ends_with('.') => "has a dot too many",
        _ => "is not a domain: letters, digits, dashes and dots, in ASCII",
    };
    let shown = entry.escape_debug();
    let bare = bare(&entry);
    if is_domain(bare) {
        Err(format!(
            "\"{shown}\" {wrong}: write {bare}, which allows its subdomains as well"
        ))
    } else {
        Err(format!(
            "\"{shown}\" {wrong}; write a domain such as api.identitynow.com, which allows its \
             subdomains as well"
        ))
    }
}

/// What is left without scheme, user, port, path and star.
fn bare(entry: &str) -> &str {
    let rest = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    let host = rest.split(['/', '\\', '?', '#']).next().unwrap_or(rest);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    host.trim_start_matches(['*', '.']).trim_end_matches('.')
}

/// An address to listen at.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let parsed: Option<SocketAddr> = text.parse().ok();
    parsed.filter(|address| address.port() != 0).ok_or_else(|| {
        format!(
            "\"{}\" is not an IP address and a port, such as 0.0.0.0:8080, 127.0.0.1:9090 or [::]:8080",
            text.escape_debug()
        )
    })
}

const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_hours(8760);

/// A length of time.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let parsed: Option<SignedDuration> = text.parse().ok();
    let parsed = parsed.and_then(|length| Duration::try_from(length).ok());
    let sound = parsed.filter(|length| (SHORTEST..=LONGEST).contains(length));
    sound.ok_or_else(|| {
        format!(
            "\"{}\" is not a length of time such as 500ms, 30s or 5m, from 10ms to 8760h",
            text.escape_debug()
        )
    })
}

/// A value that is never shown, such as a URL with a password in it. It is judged later, without being
/// repeated: an error of the command line repeats what was given.
#[allow(clippy::unnecessary_wraps)] // as clap asks for it
pub fn secret(text: &str) -> Result<SecretString, String> {
    Ok(SecretString::from(text))
}

/// Whether something is switched on.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        other => Err(format!(
            "\"{}\" is neither true nor false",
            other.escape_debug()
        )),
    }
}

/// Where the audit trail goes.
pub fn place(text: &str) -> Result<Place, String> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "off" => Ok(Place::Off),
        // Such a file is hardly what was meant: people would look for the lines elsewhere.
        word @ ("none" | "no" | "false" | "stdout" | "stderr") => Err(format!(
            "\"{word}\" is none of its words: - for standard output, off, or a file, which may be \
             ./{word}"
        )),
        _ => text.parse(),
    }
}

/// The form of the logs.
pub fn log_format(text: &str) -> Result<LogFormat, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        other => Err(format!(
            "\"{}\" is neither json nor text",
            other.escape_debug()
        )),
    }
}

#[cfg(test)]
mod tests;
