//! The status of a `PasswordSyncGroup`: what is true of the tenant, and the durable memory of every
//! protocol. Enumerations that a newer operator may extend are strings here, so that an object
//! always decodes; [`crate::memory`] parses them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition as KubeCondition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rest::{Condition, Rest};

/// What is so in the tenant, and what the operator remembers. Written by the operator alone.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PasswordSyncGroupStatus {
    /// The generation that the conditions speak of; -1: nothing was looked at yet.
    #[serde(default = "PasswordSyncGroupStatus::unobserved")]
    #[schemars(range(min = -1))]
    pub observed_generation: i64,

    /// The id of the tenant's group.
    #[serde(rename = "groupID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub group_id: Option<String>,

    /// How the group came to be recorded: `Created` by the operator, `Adopted`, or only `Observed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Created", "Adopted", "Observed"]))]
    pub origin: Option<String>,

    /// The tenant that the group is in, as its own token answer said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<PinnedTenant>,

    /// The name last made equal in the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub name: Option<String>,

    /// The password policy last made equal in the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PinnedPolicy>,

    /// The sources last made equal in the tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub sources: Vec<PinnedSource>,

    /// How many sources were last made equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub source_count: Option<i64>,

    /// Where the tenant differs and is not written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub drift: Vec<DriftedField>,

    /// `Ready`, and while they are true `Reconciling` and `Stalled`, and warnings of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), with = "Vec<KubeCondition>")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_owned()]))]
    pub conditions: Vec<Condition>,

    /// A create that may be on its way: stored before the one request it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<CreateIntent>,

    /// A change of the group that may be on its way, or that reads may not show yet: stored before
    /// the request, and kept until a read shows what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateRecord>,

    /// What the tenant refused; while spec, tenant and credentials stay as they were, it is tried
    /// again after pauses that grow up to an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusedChange>,

    /// A field that another tool set again after every repair; it is left alone until the spec or the
    /// annotation `passwordsync.dev/reconcile-at` changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contested: Option<ContestedField>,

    /// Sources that left by a change, or may have left, and must not stay without a password policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub leaving: Vec<SourceToReassign>,

    /// What a deletion undoes; stored before the tenant's group is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<DeletionRecord>,
}

impl PasswordSyncGroupStatus {
    fn unobserved() -> i64 {
        -1
    }
}

impl Default for PasswordSyncGroupStatus {
    fn default() -> Self {
        Self {
            observed_generation: Self::unobserved(),
            group_id: None,
            origin: None,
            tenant: None,
            name: None,
            policy: None,
            sources: Vec::new(),
            source_count: None,
            drift: Vec::new(),
            conditions: Vec::new(),
            intent: None,
            update: None,
            refused: None,
            contested: None,
            leaving: Vec::new(),
            deletion: None,
        }
    }
}

/// Which tenant really answered, whatever host or Secret led to it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct PinnedTenant {
    /// The org's short name.
    #[schemars(length(max = 256))]
    pub org: String,
    /// The tenant's id; followed by `@` and the host, where that is not one of the vendor's own.
    #[serde(rename = "tenantID")]
    #[schemars(length(max = 512))]
    pub tenant_id: String,
}

/// The policy behind a reference.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct PinnedPolicy {
    /// The spec's own text.
    #[serde(rename = "ref")]
    #[schemars(length(max = 256))]
    pub reference: String,
    /// The id that it was resolved to.
    #[schemars(length(max = 64))]
    pub id: String,
    /// Its name when it was last looked at.
    #[schemars(length(max = 1024))]
    pub name: String,
}

/// The source behind a reference.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PinnedSource {
    /// The spec's own text.
    #[serde(rename = "ref")]
    #[schemars(length(max = 256))]
    pub reference: String,
    /// The id that it was resolved to.
    #[schemars(length(max = 64))]
    pub id: String,
    /// Its name when it was last looked at.
    #[schemars(length(max = 1024))]
    pub name: String,
    /// The id of the policy for everybody that the source had before it joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub policy_before: Option<String>,
    /// What a newer operator put there.
    #[serde(flatten)]
    #[schemars(skip)]
    pub rest: Rest,
}

/// One field in which the tenant differs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct DriftedField {
    /// `name`, `passwordPolicy` or `sources`.
    #[schemars(length(max = 64))]
    pub field: String,
    /// What the spec says.
    #[schemars(length(max = 4096))]
    pub wanted: String,
    /// What the tenant says.
    #[schemars(length(max = 4096))]
    pub found: String,
    /// What a newer operator put there.
    #[serde(flatten)]
    #[schemars(skip)]
    pub rest: Rest,
}

/// A create that is about to be sent, or was.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct CreateIntent {
    /// Counts the create requests of this group.
    #[schemars(range(min = 0))]
    pub attempt: i64,
    /// The name sent.
    #[schemars(length(max = 1024))]
    pub name: String,
    /// The id of the policy sent.
    #[serde(rename = "policyID")]
    #[schemars(length(max = 64))]
    pub policy_id: String,
    /// The ids of the sources sent.
    #[serde(rename = "sourceIDs")]
    #[schemars(length(max = 500), inner(length(max = 64)))]
    pub source_ids: Vec<String>,
    /// When it was stored, RFC 3339, by the operator's clock.
    #[serde(rename = "startedAt")]
    #[schemars(length(max = 64), extend("format" = "date-time"))]
    pub started_at: String,
}

/// A change of the group that is about to be sent, or was.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct UpdateRecord {
    /// The name sent.
    #[schemars(length(max = 1024))]
    pub name: String,
    /// The id of the policy sent.
    #[serde(rename = "policyID")]
    #[schemars(length(max = 64))]
    pub policy_id: String,
    /// The ids of the sources sent: each of them may be in the group.
    #[serde(rename = "sourceIDs")]
    #[schemars(length(max = 500), inner(length(max = 64)))]
    pub source_ids: Vec<String>,
    /// When it was stored, RFC 3339, by the operator's clock.
    #[serde(rename = "startedAt")]
    #[schemars(length(max = 64), extend("format" = "date-time"))]
    pub started_at: String,
}

/// A refusal by the tenant that repeating at once cannot change.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct RefusedChange {
    /// The generation that was refused.
    pub generation: i64,
    /// A fingerprint of the tenant's facts and credentials at that time.
    #[schemars(length(max = 256))]
    pub facts: String,
    /// What the tenant said.
    #[schemars(length(max = 2048))]
    pub message: String,
    /// How often it was refused so. The pause before the next attempt grows with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i64>,
    /// When it was refused last, RFC 3339, by the operator's clock.
    #[serde(rename = "refusedAt", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("format" = "date-time"))]
    pub refused_at: Option<String>,
}

/// A field that another tool set again after every repair.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ContestedField {
    /// The generation for which no more is repaired.
    pub generation: i64,
    /// The annotation `passwordsync.dev/reconcile-at` at that time.
    #[serde(
        rename = "reconcileAt",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 256))]
    pub reconcile_at: Option<String>,
    /// `name`, `passwordPolicy` or `sources`.
    #[schemars(length(max = 64))]
    pub field: String,
    /// What the other tool had set it to.
    #[schemars(length(max = 4096))]
    pub found: String,
}

/// One source that gets a password policy of its own again.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SourceToReassign {
    /// The id of the source.
    #[schemars(length(max = 64))]
    pub id: String,
    /// Its name, for people.
    #[schemars(length(max = 1024))]
    pub name: String,
    /// The id of the policy that it must not stay without.
    #[serde(rename = "policyID")]
    #[schemars(length(max = 64))]
    pub policy_id: String,
    /// `IfNone`: the policy is assigned only if the source has none, since no read shows that it was
    /// in the group, or still was. Left out: in place of any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["IfNone"]))]
    pub assign: Option<String>,
    /// How it ended; left out while it is open.
    /// `AssignedByService`: the tenant had done it by itself.
    /// `AssignedByOperator`: assigned and read back.
    /// `InAnotherGroup`: another group rules the source's policy by now.
    /// `SourceGone`, `PolicyGone`: there is nothing left to assign.
    /// `HasOwnPolicy`: it has another policy, which `IfNone` leaves as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["AssignedByService", "AssignedByOperator", "InAnotherGroup", "SourceGone", "PolicyGone", "HasOwnPolicy"]))]
    pub result: Option<String>,
    /// What a newer operator put there.
    #[serde(flatten)]
    #[schemars(skip)]
    pub rest: Rest,
}

/// What a deletion undoes. Once recorded, only the results change; the server holds that.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(cel, validation = Rule::new("self.groupID == oldSelf.groupID && self.recordedAt == oldSelf.recordedAt && self.sources.map(s, s.id) == oldSelf.sources.map(s, s.id) && self.sources.map(s, s.policyID) == oldSelf.sources.map(s, s.policyID)")
    .message("deletion is frozen once it is recorded: only results may change"))]
pub struct DeletionRecord {
    /// The id of the group to delete.
    #[serde(rename = "groupID")]
    #[schemars(length(max = 64))]
    pub group_id: String,
    /// When it was stored, RFC 3339, by the operator's clock.
    #[serde(rename = "recordedAt")]
    #[schemars(length(max = 64), extend("format" = "date-time"))]
    pub recorded_at: String,
    /// Every source and the policy that it must not lose.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub sources: Vec<SourceToReassign>,
}
