//! What a tenant holds, in the few fields that decide anything.
//! Source: the identity API's objects; unknown fields were dropped when they were parsed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{GroupId, PolicyId, SourceId};

/// An identity source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // four independent marks of the tenant, not one state
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// Its name, which the tenant does not promise to be unique.
    pub name: String,
    /// Connected directly (`connectionType`), not fed by files.
    pub direct: bool,
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
