//! The rule prerequisites: what the vendor's guide asks for before a group is made or changed. All
//! that is missing is said at once. An unhealthy source is a warning, never a block.

use jiff::Timestamp;
use psg_domain::{Picture, Source, SourceId, time};

use crate::{
    action::Next,
    case::Case,
    reason::{Finding, Reason},
    resolve::Resolved,
};

/// Something that every source of a group must have and that a source lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The tenant reaches the source by files.
    DirectConnection,
    /// It is not configured for Password Management.
    PasswordChanges,
    /// It is used to sign in and has no application.
    Application,
}

impl Lack {
    /// Everything that a source lacks, as far as the tenant tells.
    pub fn of(source: &Source, picture: &Picture) -> impl Iterator<Item = Self> {
        let without_application =
            source.authenticates && picture.applications(&source.id) == Some(0);
        let lacks = [
            (source.direct == Some(false), Self::DirectConnection),
            (!source.password, Self::PasswordChanges),
            (without_application, Self::Application),
        ];
        let lacks = lacks.into_iter().filter(|(lacks, _)| *lacks);
        lacks.map(|(_, lack)| lack)
    }

    /// The reason that a status gives for it.
    pub fn reason(self) -> Reason {
        match self {
            Self::DirectConnection => Reason::NotDirectConnect,
            Self::PasswordChanges => Reason::PasswordNotSupported,
            Self::Application => Reason::NoApplication,
        }
    }
}

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
        findings.extend(Lack::of(source, picture).map(|lack| {
            let message = match lack {
                Lack::DirectConnection => format!(
                    "source \"{name}\" is not a direct connect source: take it out, or connect it directly"
                ),
                Lack::PasswordChanges => format!(
                    "source \"{name}\" cannot change passwords (feature PASSWORD): configure it for Password Management"
                ),
                Lack::Application => format!(
                    "authentication source \"{name}\" has no application: add one to it"
                ),
            };
            Finding::new(lack.reason(), message)
        }));
    }
    findings
}

/// Waits while it is unknown how many applications an authentication source has that is about to
/// join. For a source that is already a member, this need not be known.
pub fn unknown<'a>(
    case: &Case<'_>,
    now: Timestamp,
    joining: impl IntoIterator<Item = &'a SourceId>,
) -> Option<Next> {
    let joining = joining.into_iter();
    let joining = joining.filter_map(|id| case.picture.source(id));
    let unknown = joining
        .filter(|source| source.authenticates && case.picture.applications(&source.id).is_none());
    let names: Vec<String> = unknown
        .map(|source| format!("\"{}\"", source.name))
        .collect();
    if names.is_empty() {
        return None;
    }
    let message = format!(
        "the tenant does not tell how many applications these authentication sources have, and each \
         needs one to join: {}",
        names.join(", ")
    );
    Some(Next::Wait {
        until: time::after(now, case.tenant.interval),
        why: Finding::new(Reason::ApplicationsUnknown, message),
    })
}

/// Exceptions on sources that are about to join; their holders have been read.
pub fn exceptions<'a>(
    joining: impl IntoIterator<Item = &'a SourceId>,
    picture: &Picture,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for id in joining {
        let listed = picture.source(id);
        let name = listed.map_or(id.as_str(), |source| source.name.as_str());
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
            Some((None, _)) if listed.is_some() => findings.push(Finding::new(
                Reason::UnexpectedAnswer,
                format!(
                    "the tenant lists source \"{name}\" ({id}) and answers 404 where its password policies \
                     are read: the source was deleted just now, or the API has no such endpoint; check \
                     baseUrl and identityAPIVersion of the IdentityTenant"
                ),
            )),
            Some((None, _)) => findings.push(Finding::new(
                Reason::SourceNotFound,
                format!("source \"{name}\" ({id}) is gone from the tenant: correct the reference"),
            )),
            None => {}
        }
    }
    findings
}

/// Warnings about the wanted sources, which block nothing: sources that the tenant reports as
/// unhealthy, and sources of which it does not say how they are connected.
pub fn unhealthy(resolved: &Resolved, picture: &Picture) -> Vec<String> {
    let pins = resolved.sources.iter();
    let sources: Vec<&Source> = pins.filter_map(|pin| picture.source(&pin.id)).collect();
    let ill = sources.iter().filter(|source| !source.healthy);
    let ill = ill.map(|source| format!("\"{}\" ({})", source.name, source.status));
    let ill: Vec<String> = ill.collect();
    let reported =
        (!ill.is_empty()).then(|| format!("the tenant reports as unhealthy: {}", ill.join(", ")));
    let unsaid = sources.iter().filter(|source| source.direct.is_none());
    let unsaid = unsaid.map(|source| {
        format!(
            "\"{}\" (the tenant does not say how it is connected)",
            source.name
        )
    });
    reported.into_iter().chain(unsaid).collect()
}
