//! The rule references. A name must match exactly one object; what it matched is pinned while the
//! same text stands in the manifest, so that no object that is renamed or re-created in the tenant
//! silently takes its place.

use std::collections::BTreeSet;

use psg_domain::{
    Desired, Picture, PolicyId, PolicyPin, Recorded, Ref, SourceId, SourcePin,
    facts::default_policy,
};

use crate::{
    near,
    near::Search,
    reason::{Finding, Reason},
};

/// The manifest with every reference looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The group's name.
    pub name: String,
    /// The policy.
    pub policy: PolicyPin,
    /// The sources, in the manifest's order.
    pub sources: Vec<SourcePin>,
    /// References whose objects have another name by now, in words.
    pub renamed: Vec<String>,
}

impl Resolved {
    /// The ids of the sources.
    pub fn source_ids(&self) -> BTreeSet<SourceId> {
        self.sources.iter().map(|pin| pin.id.clone()).collect()
    }
}

/// A reference that leads to no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// It matches nothing. Similar names are searched only when a person will read them.
    Missing(Kind, Ref),
    /// What else is wrong with it.
    Wrong(Finding),
}

/// What references refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A source.
    Source,
    /// A password policy.
    Policy,
}

/// Looks up every reference, or says everything that is wrong with them at once.
pub fn resolve(
    desired: &Desired,
    recorded: &Recorded,
    picture: &Picture,
) -> Result<Resolved, Vec<Unresolved>> {
    let mut findings = Vec::new();
    let mut renamed = Vec::new();
    let mut sources: Vec<SourcePin> = Vec::new();
    for reference in &desired.sources {
        match source(reference, recorded, picture, &mut renamed) {
            Ok(pin) => match sources.iter().find(|other| other.id == pin.id) {
                Some(other) => findings.push(Unresolved::Wrong(Finding::new(
                    Reason::DuplicateSource,
                    format!(
                        "sourceRefs {} and \"{}\" are the same source {} ({}): keep one of them",
                        reference, other.reference, pin.name, pin.id
                    ),
                ))),
                None => sources.push(pin),
            },
            Err(finding) => findings.push(finding),
        }
    }
    match policy(&desired.policy, recorded, picture, &mut renamed) {
        Ok(policy) if findings.is_empty() => Ok(Resolved {
            name: desired.name.clone(),
            policy,
            sources,
            renamed,
        }),
        Ok(_) => Err(findings),
        Err(finding) => {
            findings.push(finding);
            Err(findings)
        }
    }
}

fn source(
    reference: &Ref,
    recorded: &Recorded,
    picture: &Picture,
    renamed: &mut Vec<String>,
) -> Result<SourcePin, Unresolved> {
    let pinned = recorded
        .sources
        .iter()
        .find(|pin| pin.reference == reference.text());
    let missing = |found: &[String]| missing(Kind::Source, reference, found);
    let id = match reference {
        Ref::Id(id) => SourceId::parse(id).map_err(|_| missing(&[]))?,
        Ref::Name(name) => {
            let found = picture.sources_named(name);
            let ids: Vec<String> = found.iter().map(|source| source.id.to_string()).collect();
            match pinned.filter(|pin| pin.id.as_str() != name) {
                Some(pin) if picture.source(&pin.id).is_some() => pin.id.clone(),
                Some(pin) if !found.is_empty() => {
                    return Err(replaced(Kind::Source, name, pin.id.as_str(), &ids));
                }
                _ => match found.as_slice() {
                    [only] => only.id.clone(),
                    _ => return Err(missing(&ids)),
                },
            }
        }
    };
    let source = picture.source(&id).ok_or_else(|| missing(&[]))?;
    if let Ref::Name(name) = reference
        && name != &source.name
    {
        renamed.push(renamed_text(Kind::Source, name, &source.name, id.as_str()));
    }
    // A member shows the group's policy by now: only its pin has the earlier one, whatever the
    // reference.
    let member = recorded.sources.iter().find(|pin| pin.id == id);
    let before = member.map_or_else(
        || {
            picture
                .holders(&id)
                .and_then(|(holders, _)| default_policy(holders?).cloned())
        },
        |pin| pin.policy_before.clone(),
    );
    Ok(SourcePin {
        reference: reference.text().to_owned(),
        id,
        name: source.name.clone(),
        policy_before: before,
    })
}

fn policy(
    reference: &Ref,
    recorded: &Recorded,
    picture: &Picture,
    renamed: &mut Vec<String>,
) -> Result<PolicyPin, Unresolved> {
    let pinned = recorded
        .policy
        .iter()
        .find(|pin| pin.reference == reference.text());
    let missing = |found: &[String]| missing(Kind::Policy, reference, found);
    let id = match reference {
        Ref::Id(id) => PolicyId::parse(id).map_err(|_| missing(&[]))?,
        Ref::Name(name) => {
            let found = picture.policies_named(name);
            let ids: Vec<String> = found.iter().map(|policy| policy.id.to_string()).collect();
            match pinned.filter(|pin| pin.id.as_str() != name) {
                Some(pin) if picture.policy(&pin.id).is_some() => pin.id.clone(),
                Some(pin) if !found.is_empty() => {
                    return Err(replaced(Kind::Policy, name, pin.id.as_str(), &ids));
                }
                _ => match found.as_slice() {
                    [only] => only.id.clone(),
                    _ => return Err(missing(&ids)),
                },
            }
        }
    };
    let policy = picture.policy(&id).ok_or_else(|| missing(&[]))?;
    if let Ref::Name(name) = reference
        && name != &policy.name
    {
        renamed.push(renamed_text(Kind::Policy, name, &policy.name, id.as_str()));
    }
    Ok(PolicyPin {
        reference: reference.text().to_owned(),
        id,
        name: policy.name.clone(),
    })
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Policy => "password policy",
        }
    }

    /// The list of the tenant that it is in.
    fn listed(self) -> psg_domain::Kind {
        match self {
            Self::Source => psg_domain::Kind::Source,
            Self::Policy => psg_domain::Kind::Policy,
        }
    }
}

fn missing(kind: Kind, reference: &Ref, found: &[String]) -> Unresolved {
    if found.is_empty() {
        return Unresolved::Missing(kind, reference.clone());
    }
    Unresolved::Wrong(Finding::new(
        Reason::AmbiguousReference,
        format!(
            "{} {reference} is the name of {} objects: refer to it by id ({})",
            kind.noun(),
            found.len(),
            found.join(", ")
        ),
    ))
}

/// What a person is told of unresolved references.
pub fn findings(unresolved: Vec<Unresolved>, picture: &Picture) -> Vec<Finding> {
    let mut search = Search::default();
    let told = unresolved.into_iter().map(|one| match one {
        Unresolved::Wrong(finding) => finding,
        Unresolved::Missing(kind, reference) => {
            let reason = match kind {
                Kind::Source => Reason::SourceNotFound,
                Kind::Policy => Reason::PolicyNotFound,
            };
            let noun = kind.noun();
            let hint = match unreadable(kind, &reference, picture) {
                Some(object) => format!(
                    "one of that name is shown and cannot be read ({object}): mend or remove it there"
                ),
                None => hint(kind, &reference, picture, &mut search),
            };
            Finding::new(
                reason,
                format!("no {noun} {reference} in the tenant: {hint}"),
            )
        }
    });
    told.collect()
}

/// The object of a reference by name, if the tenant shows it without an id that can be used.
fn unreadable<'a>(
    kind: Kind,
    reference: &Ref,
    picture: &'a Picture,
) -> Option<&'a psg_domain::Unreadable> {
    match reference {
        Ref::Name(name) => picture.unreadable_named(kind.listed(), name),
        Ref::Id(_) => None,
    }
}

fn hint(kind: Kind, reference: &Ref, picture: &Picture, search: &mut Search) -> String {
    let wanted = reference.text();
    let is_name = match kind {
        Kind::Source => !picture.sources_named(wanted).is_empty(),
        Kind::Policy => !picture.policies_named(wanted).is_empty(),
    };
    let named = match kind {
        Kind::Source => {
            let source = SourceId::parse(wanted).ok();
            source.and_then(|id| picture.source(&id).map(|source| &source.name))
        }
        Kind::Policy => {
            let policy = PolicyId::parse(wanted).ok();
            policy.and_then(|id| picture.policy(&id).map(|policy| &policy.name))
        }
    };
    let noun = kind.noun();
    let near = match (reference, named) {
        (Ref::Name(_), Some(named)) => {
            return format!("that is the id of {noun} \"{named}\": write it as id, not as name");
        }
        (Ref::Id(_), _) if is_name => {
            return format!("that is the name of a {noun}: write it as name, not as id");
        }
        (Ref::Id(_), _) => Vec::new(),
        (Ref::Name(name), None) => picture.suggested(kind.listed(), name, || match kind {
            Kind::Source => search.near(name, picture.source_names()),
            Kind::Policy => search.near(name, picture.policy_names()),
        }),
    };
    if near.is_empty() {
        return "create it there, or correct the reference".to_owned();
    }
    let near = near.into_iter().map(|name| {
        let unseen = near::unseen_difference(wanted, &name);
        let unseen = unseen.map_or_else(String::new, |unseen| format!(" ({unseen})"));
        format!("\"{name}\"{unseen}")
    });
    let near: Vec<String> = near.collect();
    format!("did you mean {}?", near.join(" or "))
}

fn replaced(kind: Kind, name: &str, pinned: &str, now: &[String]) -> Unresolved {
    let (reason, field) = match kind {
        Kind::Source => (Reason::SourceReplaced, "sourceRefs"),
        Kind::Policy => (Reason::PolicyReplaced, "passwordPolicyRef"),
    };
    Unresolved::Wrong(Finding::new(
        reason,
        format!(
            "{} \"{name}\" was {pinned}, which is gone; another of that name exists now ({}). \
             It is not taken silently: refer to it by id in {field}, or remove the reference and add it again",
            kind.noun(),
            now.join(", "),
        ),
    ))
}

fn renamed_text(kind: Kind, was: &str, is: &str, id: &str) -> String {
    format!(
        "{} \"{was}\" ({id}) is called \"{is}\" in the tenant now",
        kind.noun()
    )
}
