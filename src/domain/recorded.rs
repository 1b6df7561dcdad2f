//! What a resource's status remembers: the durable memory of every protocol.
//! A pass that starts after a crash knows this and what the tenant shows, nothing else.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    facts::Group,
    ids::{GroupId, PolicyId, SourceId, TenantKey},
};

/// The memory that a status holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recorded {
    /// The generation that the conditions speak of; none before the first.
    pub observed_generation: Option<i64>,
    /// The tenant's group.
    pub group: Option<GroupId>,
    /// How the resource came to manage the group, or that it only observes it.
    pub origin: Option<Origin>,
    /// The tenant that the group is in.
    pub tenant: Option<TenantKey>,
    /// The name last made equal in the tenant.
    pub name: Option<String>,
    /// The policy last made equal in the tenant.
    pub policy: Option<PolicyPin>,
    /// The sources last made equal in the tenant.
    pub sources: Vec<SourcePin>,
    /// A create that may be on its way.
    pub intent: Option<Intent>,
    /// A change of the group that may be on its way, or that reads may not show yet.
    pub update: Option<Update>,
    /// What the tenant refused; it is not repeated at once as it is.
    pub refused: Option<Refused>,
    /// A field that another tool sets again after every repair, so that it is no longer repaired.
    pub contested: Option<Contested>,
    /// Sources that left by a change, or may have left, and must not stay without a policy.
    pub leaving: Vec<Reassignment>,
    /// What a deletion undoes, frozen when it was written.
    pub deletion: Option<Deletion>,
    /// Where the tenant differs from the manifest and is not written.
    pub drift: Vec<Drift>,
}

impl Recorded {
    /// The group that the resource manages, as opposed to one that it only observes.
    pub fn held(&self) -> Option<&GroupId> {
        self.group
            .as_ref()
            .filter(|_| self.origin != Some(Origin::Observed))
    }

    /// The ids of the sources last made equal.
    pub fn source_ids(&self) -> BTreeSet<SourceId> {
        self.sources.iter().map(|pin| pin.id.clone()).collect()
    }
}

/// How a group came to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Created by the operator.
    Created,
    /// There before, and taken over.
    Adopted,
    /// Only observed, under `managementPolicy: Observe`; never a claim.
    Observed,
}

/// The policy behind a reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyPin {
    /// The manifest's own text.
    pub reference: String,
    /// What it was resolved to.
    pub id: PolicyId,
    /// Its name when it was last looked at.
    pub name: String,
}

/// The source behind a reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourcePin {
    /// The manifest's own text.
    pub reference: String,
    /// What it was resolved to.
    pub id: SourceId,
    /// Its name when it was last looked at.
    pub name: String,
    /// The policy for everybody that the source had before it joined.
    pub policy_before: Option<PolicyId>,
}

/// A create that is about to be sent, or was: stored before the one POST it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Intent {
    /// Counts the POSTs of this group; each has its own record.
    pub attempt: i64,
    /// The name sent.
    pub name: String,
    /// The policy sent.
    pub policy: PolicyId,
    /// The sources sent.
    pub sources: BTreeSet<SourceId>,
    /// When it was stored, by the clock of the process that stored it.
    pub started_at: Timestamp,
}

impl Intent {
    /// Whether a group is what this intent would have made.
    pub fn made(&self, group: &Group) -> bool {
        group.is(&self.name, &self.policy, &self.sources)
    }
}

/// A change of the group that is about to be sent, or was: stored before the PUT that it stands for,
/// and kept until a read shows what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Update {
    /// The name sent.
    pub name: String,
    /// The policy sent.
    pub policy: PolicyId,
    /// The sources sent: each of them may be in the group.
    pub sources: BTreeSet<SourceId>,
    /// When it was stored, by the clock of the process that stored it.
    pub started_at: Timestamp,
}

impl Update {
    /// Whether a group is exactly what was sent.
    pub fn made(&self, group: &Group) -> bool {
        group.is(&self.name, &self.policy, &self.sources)
    }

    /// Whether this PUT sends the same as another one.
    pub fn is_repeated_by(&self, other: &Self) -> bool {
        (&self.name, &self.policy, &self.sources) == (&other.name, &other.policy, &other.sources)
    }
}

/// A refusal by the tenant that repeating at once cannot change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refused {
    /// The generation that was refused.
    pub generation: i64,
    /// The tenant's facts and credentials at that time, as a fingerprint.
    pub facts: String,
    /// What the tenant said.
    pub message: String,
    /// How often it was refused so.
    pub attempts: u32,
    /// When it was refused last; earlier versions did not record it.
    pub at: Option<Timestamp>,
}

/// A field that another tool sets again after every repair.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contested {
    /// The generation of the spec for which repairs were given up.
    pub generation: i64,
    /// The annotation that asks for a reconcile, at that time.
    pub reconcile_at: Option<String>,
    /// `name`, `passwordPolicy` or `sources`.
    pub field: String,
    /// What the other tool had set it to.
    pub found: String,
}

/// What a deletion undoes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deletion {
    /// The group to delete.
    pub group: GroupId,
    /// When it was stored.
    pub recorded_at: Timestamp,
    /// Every source and the policy that it must not lose.
    pub sources: Vec<Reassignment>,
}

/// One source that gets a policy of its own again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reassignment {
    /// The source.
    pub source: SourceId,
    /// Its name, for people.
    pub name: String,
    /// The policy that it must not stay without.
    pub policy: PolicyId,
    /// Whether it gets that policy in place of another one.
    pub assign: Assign,
    /// How it ended; none while it is open.
    pub result: Option<ReassignmentResult>,
}

/// When a source is given the policy that its group had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Assign {
    /// Whatever policy it has: it was a member.
    #[default]
    Always,
    /// Only if it has no policy: no read shows that it was a member, or still was.
    IfNone,
}

/// How the reassignment of one source ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReassignmentResult {
    /// The service had assigned the policy by itself.
    ByService,
    /// The operator assigned it and read it back.
    ByOperator,
    /// The source is in another group by now, which rules its policy.
    InAnotherGroup,
    /// The source is gone.
    SourceGone,
    /// The policy is gone; the source was left as it is.
    PolicyGone,
    /// The source has a policy of its own, which was not replaced: see [`Assign::IfNone`].
    HasOwnPolicy,
}

/// One field in which the tenant differs from the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Drift {
    /// `name`, `passwordPolicy` or `sources`.
    pub field: String,
    /// What the manifest says.
    pub wanted: String,
    /// What the tenant says.
    pub found: String,
}
