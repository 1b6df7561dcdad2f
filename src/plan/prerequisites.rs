//! Rule 2: what the vendor's guide asks for before a group is made or changed, all at once.
//! An unhealthy source is a warning, never a block.

use psg_domain::{Picture, SourceId};

use crate::{
    reason::{Finding, Reason},
    resolve::Resolved,
};

/// Everything about the wanted sources that a group does not allow.
pub fn unmet(resolved: &Resolved, picture: &Picture) -> Vec<Finding> {
    let mut findings = Vec::new();
    if resolved.sources.len() < 2 {
        findings.push(Finding::new(
            Reason::TooFewSources,
            "a group needs at least two sources: add one",
        ));
    }
    for source in resolved
        .sources
        .iter()
        .filter_map(|pin| picture.source(&pin.id))
    {
        let name = &source.name;
        if !source.direct {
            findings.push(Finding::new(
                Reason::NotDirectConnect,
                format!("source \"{name}\" is not a direct connect source: take it out, or connect it directly"),
            ));
        }
        if !source.password {
            findings.push(Finding::new(
                Reason::PasswordNotSupported,
                format!("source \"{name}\" cannot change passwords (feature PASSWORD): configure it for Password Management"),
            ));
        }
        if source.authenticates && picture.applications(&source.id) == 0 {
            findings.push(Finding::new(
                Reason::NoApplication,
                format!("authentication source \"{name}\" has no application: add one to it"),
            ));
        }
    }
    findings
}

/// Exceptions on sources that are about to join; their holders have been read.
pub fn exceptions<'a>(
    joining: impl IntoIterator<Item = &'a SourceId>,
    picture: &Picture,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for id in joining {
        let name = picture
            .source(id)
            .map_or(id.as_str(), |source| source.name.as_str());
        match picture.holders(id) {
            Some((Some(holders), _)) => {
                let count = holders
                    .iter()
                    .filter(|holder| holder.is_exception())
                    .count();
                if count > 0 {
                    findings.push(Finding::new(
                        Reason::PolicyExceptions,
                        format!("source \"{name}\" has {count} password policy exception(s), which a sync group does not allow: remove them from the source"),
                    ));
                }
            }
            Some((None, _)) => findings.push(Finding::new(
                Reason::SourceNotFound,
                format!("source \"{name}\" ({id}) is gone from the tenant: correct the reference"),
            )),
            None => {}
        }
    }
    findings
}

/// The wanted sources that the tenant reports as unhealthy.
pub fn unhealthy(resolved: &Resolved, picture: &Picture) -> Vec<String> {
    resolved
        .sources
        .iter()
        .filter_map(|pin| picture.source(&pin.id))
        .filter(|source| !source.healthy)
        .map(|source| format!("\"{}\" ({})", source.name, source.status))
        .collect()
}
