//! What a tenant holds, in the few fields on which decisions depend. Source: the identity API's
//! objects; unknown fields were dropped when they were parsed.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{GroupId, PolicyId, SourceId},
    password_rules::PasswordRules,
};

/// An identity source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// Its name, which the tenant does not promise to be unique.
    pub name: String,
    /// Connected directly (`connectionType`), not fed by files; none if the tenant does not say.
    pub direct: Option<bool>,
    /// Can change passwords (feature `PASSWORD`).
    pub password: bool,
    /// Is used to sign in (feature `AUTHENTICATE`): an authentication source.
    pub authenticates: bool,
    /// The tenant's last health check passed.
    pub healthy: bool,
    /// The tenant's own word for its health, such as `SOURCE_STATE_HEALTHY`.
    pub status: String,
    /// The policies that the tenant shows for the whole source.
    pub policies: BTreeSet<PolicyId>,
}

/// A password policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: String,
    /// What it demands of a password.
    pub rules: PasswordRules,
}

/// A password sync group as the tenant holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// Its id, minted by the tenant.
    pub id: GroupId,
    /// What people see in Password Manager.
    pub name: String,
    /// Its policy; absent only if the tenant's answer lacked it.
    pub policy: Option<PolicyId>,
    /// Its sources; the order means nothing.
    pub sources: BTreeSet<SourceId>,
}

impl Group {
    /// Whether the group is exactly this.
    pub fn is(&self, name: &str, policy: &PolicyId, sources: &BTreeSet<SourceId>) -> bool {
        self.name == name && self.policy.as_ref() == Some(policy) && &self.sources == sources
    }
}

/// An object in one of the tenant's lists that cannot be read as a whole, and what could be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    /// What it is.
    pub kind: Kind,
    /// Its name, if it has one that can be used.
    pub name: Option<String>,
    /// Its id, if it has one that can be used.
    pub id: Option<String>,
    /// Of a group, the sources whose ids can be used; of an application without an id, its source.
    pub sources: BTreeSet<SourceId>,
    /// Of a group: whether these are all its sources.
    pub all_sources: bool,
    /// What is wrong with it, without its content.
    pub why: String,
}

/// What the tenant has lists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // the names of the lists
pub enum Kind {
    Group,
    Source,
    Policy,
    Application,
}

impl Unreadable {
    /// Whether this may be a group of that name and those sources. A group without an id may be any
    /// group: the tenant's total counts it, so it may be in the list in place of another group.
    pub fn may_be(&self, name: &str, sources: &BTreeSet<SourceId>) -> bool {
        match (&self.id, &self.name) {
            (None, _) => true,
            (Some(_), Some(known)) => known == name,
            (Some(_), None) => !self.all_sources || !self.sources.is_disjoint(sources),
        }
    }

    /// Whether this may be any group at all, whatever its name and its sources.
    pub fn may_be_any(&self) -> bool {
        self.id.is_none() || self.name.is_none() && !self.all_sources
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.noun();
        match (&self.name, &self.id) {
            (Some(name), Some(id)) => write!(f, "{kind} \"{name}\" ({id}): {}", self.why),
            (Some(name), None) => write!(f, "{kind} \"{name}\": {}", self.why),
            (None, Some(id)) => write!(f, "{kind} {id}: {}", self.why),
            (None, None) => write!(f, "{kind} without name and id: {}", self.why),
        }
    }
}

impl Kind {
    /// As it is written in a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Source => "source",
            Self::Policy => "password policy",
            Self::Application => "application",
        }
    }
}

/// One policy on a source: for everybody, or, with selectors, an exception for some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The policy.
    pub policy: PolicyId,
    /// Whom it is for; none: everybody.
    pub selectors: Option<HolderSelectors>,
}

/// Selectors of an exception, kept as the tenant wrote them so that they can be sent back whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HolderSelectors(pub serde_json::Value);

impl Holder {
    /// A policy for everybody on the source.
    pub fn for_everybody(policy: PolicyId) -> Self {
        Self {
            policy,
            selectors: None,
        }
    }

    /// Whether this is an exception, which sources in a sync group cannot have.
    pub fn is_exception(&self) -> bool {
        self.selectors.is_some()
    }
}

/// The policy for everybody among a source's holders, if there is exactly one.
pub fn default_policy(holders: &[Holder]) -> Option<&PolicyId> {
    let mut defaults = holders.iter().filter(|holder| !holder.is_exception());
    match (defaults.next(), defaults.next()) {
        (Some(only), None) => Some(&only.policy),
        _ => None,
    }
}
