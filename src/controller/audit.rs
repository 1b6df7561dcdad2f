//! The format of the audit trail: one JSON line for each write that was sent to a tenant, and one
//! for each group that is released. Pure; `group/trail.rs` supplies the content.
//!
//! No line holds a secret or a body: ids, names of groups, sources and resources, the field
//! manager, the annotations that a flag names, and the tenant's own words about a refusal.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use psg_api::PasswordSyncGroupStatus;
use psg_domain::{Group, Holder, Picture, PolicyId, Presence, ReassignmentResult, SourceId};
use psg_plan::{Action, Release, ReleaseKind, WriteCause};
use serde::Serialize;

/// The most characters of an annotation in a line.
const ANNOTATION: usize = 256;

/// Where lines go.
pub trait AuditLog: Send + Sync {
    /// # Errors
    /// Why no line can be written now: until one can, no write to a tenant begins.
    fn ready(&self) -> Result<(), String>;

    /// Takes a line without its newline. A line that cannot be written now is kept and goes first.
    fn write(&self, line: &str);
}

/// Where the trail goes, and what is in each of its lines.
#[derive(Clone)]
pub struct Audit {
    /// Where lines go.
    pub log: Arc<dyn AuditLog>,
    /// The annotations of a resource that its lines repeat.
    pub annotations: Vec<String>,
    /// The name of this process among its replicas.
    pub replica: Option<String>,
}

/// One line.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    /// When the request was sent, or the group was released.
    pub time: Timestamp,
    #[serde(flatten)]
    pub what: What<'a>,
    #[serde(flatten)]
    pub about: &'a About,
}

/// What a line tells of.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum What<'a> {
    Write(Write<'a>),
    Reassigned(Reassigned),
    Orphaned(Orphaned<'a>),
}

/// One request on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Write<'a> {
    #[serde(flatten)]
    pub change: &'a Change,
    pub method: &'a str,
    pub path: &'a str,
    pub result: Came,
    pub tracking_id: Option<&'a str>,
    pub duration_ms: u64,
}

/// How a request ended.
#[derive(Serialize)]
pub(crate) struct Came {
    pub outcome: &'static str,
    pub status: Option<u16>,
    pub reason: Option<String>,
}

/// What an action changes in the tenant.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Change {
    pub operation: &'static str,
    /// Whether an update carries out an edit or repairs drift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// The id of the group, or of the source that gets a policy; of a new group, from the answer.
    pub id: Option<String>,
    pub before: Option<Content>,
    pub after: Option<Content>,
    /// For a deletion: the policy that each source is to have afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<Planned>>,
}

/// The content of a group, or the policies of a source.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(crate) enum Content {
    Group {
        name: String,
        policy_id: Option<PolicyId>,
        source_ids: Vec<SourceId>,
    },
    Source {
        policies: Vec<OnSource>,
    },
}

/// One policy of a source; an exception is for some accounts, which the line does not name.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OnSource {
    pub policy_id: PolicyId,
    pub exception: bool,
}

/// A source and its policy: before it joined the group, if that is known, and after the group.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Planned {
    pub id: SourceId,
    pub name: String,
    pub before: Option<String>,
    pub after: Option<PolicyId>,
}

/// The sources of a deleted group, each with its policy or why it was skipped.
#[derive(Serialize)]
pub(crate) struct Reassigned {
    pub id: Option<String>,
    pub sources: Vec<Returned>,
}

/// How the reassignment of one source ended: `by` whom it was assigned, or why it was `skipped`.
#[derive(Serialize)]
pub(crate) struct Returned {
    #[serde(flatten)]
    pub source: Planned,
    pub by: Option<&'static str>,
    pub skipped: Option<&'static str>,
}

/// A group that was left in the tenant on request, and everything that was known of it.
#[derive(Serialize)]
pub(crate) struct Orphaned<'a> {
    pub id: Option<String>,
    pub record: Option<&'a PasswordSyncGroupStatus>,
}

/// For which resource, in which tenant, by which operator.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct About {
    pub resource: Resource,
    pub manager: Option<Manager>,
    pub annotations: BTreeMap<String, String>,
    pub tenant: Tenant,
    pub operator: Operator,
}

/// The resource that a line is about.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Resource {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub generation: i64,
}

/// Which tool wrote the spec last, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Manager {
    pub name: String,
    pub time: Option<Timestamp>,
}

/// The `IdentityTenant`, and the tenant that answers behind it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tenant {
    pub namespace: String,
    pub name: String,
    pub org: Option<String>,
    pub host: Option<String>,
}

/// The operator that wrote.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Operator {
    pub version: &'static str,
    pub replica: Option<String>,
}

impl Change {
    /// What an action changes; `None` if it does not write the tenant.
    pub(crate) fn of(
        action: &Action,
        picture: &Picture,
        status: Option<&PasswordSyncGroupStatus>,
    ) -> Option<Self> {
        let there = |id| match picture.group(id) {
            Presence::There(group, _) => Some(content(group)),
            _ => None,
        };
        Some(match action {
            Action::CreateGroup(intent) => {
                let after = Content::Group {
                    name: intent.name.clone(),
                    policy_id: Some(intent.policy.clone()),
                    source_ids: intent.sources.iter().cloned().collect(),
                };
                Self::new("createGroup", None, None, Some(after))
            }
            Action::UpdateGroup { group, cause, .. } => {
                let cause = match cause {
                    WriteCause::Edit => "edit",
                    WriteCause::Drift => "drift",
                };
                let (before, after) = (there(&group.id), Some(content(group)));
                Self {
                    cause: Some(cause),
                    ..Self::new("updateGroup", Some(group.id.to_string()), before, after)
                }
            }
            Action::DeleteGroup(id) => Self {
                sources: Some(plan(status)),
                ..Self::new("deleteGroup", Some(id.to_string()), there(id), None)
            },
            Action::AssignPolicy { source, holders } => {
                let before = picture.holders(source).and_then(|(holders, _)| holders);
                let (before, after) = (before.map(on_source), Some(on_source(holders)));
                Self::new("assignPolicy", Some(source.to_string()), before, after)
            }
            Action::HoldFinalizer | Action::Record(_) | Action::ReleaseFinalizer(_) => return None,
        })
    }

    fn new(
        operation: &'static str,
        id: Option<String>,
        before: Option<Content>,
        after: Option<Content>,
    ) -> Self {
        Self {
            operation,
            cause: None,
            id,
            before,
            after,
            sources: None,
        }
    }
}

/// The content of a release's line; `None` if the resource had no group of its own.
pub(crate) fn release<'a>(
    release: &Release,
    status: Option<&'a PasswordSyncGroupStatus>,
) -> Option<What<'a>> {
    let id = release.group.as_ref().map(ToString::to_string);
    match release.kind {
        ReleaseKind::NothingMade | ReleaseKind::Observed => None,
        ReleaseKind::Orphaned => Some(What::Orphaned(Orphaned { id, record: status })),
        ReleaseKind::Deleted => {
            let sources = release.sources.iter().map(|left| {
                let (by, skipped) = ending(left.result);
                let source = Planned {
                    id: left.source.clone(),
                    name: left.name.clone(),
                    before: before_joining(status, left.source.as_str()),
                    after: by.map(|_| left.policy.clone()),
                };
                Returned {
                    source,
                    by,
                    skipped,
                }
            });
            let sources = sources.collect();
            Some(What::Reassigned(Reassigned { id, sources }))
        }
    }
}

fn ending(result: Option<ReassignmentResult>) -> (Option<&'static str>, Option<&'static str>) {
    match result {
        Some(ReassignmentResult::ByService) => (Some("service"), None),
        Some(ReassignmentResult::ByOperator) => (Some("operator"), None),
        Some(ReassignmentResult::InAnotherGroup) => (None, Some("inAnotherGroup")),
        Some(ReassignmentResult::SourceGone) => (None, Some("sourceGone")),
        Some(ReassignmentResult::PolicyGone) => (None, Some("policyGone")),
        Some(ReassignmentResult::HasOwnPolicy) => (None, Some("hasOwnPolicy")),
        None => (None, Some("notLookedAt")),
    }
}

/// The recorded plan of a deletion.
fn plan(status: Option<&PasswordSyncGroupStatus>) -> Vec<Planned> {
    let deletion = status.and_then(|status| status.deletion.as_ref());
    let sources = deletion.into_iter().flat_map(|deletion| &deletion.sources);
    let planned = sources.filter_map(|source| {
        Some(Planned {
            id: SourceId::parse(&source.id).ok()?,
            name: source.name.clone(),
            before: before_joining(status, &source.id),
            after: PolicyId::parse(&source.policy_id).ok(),
        })
    });
    planned.collect()
}

fn before_joining(status: Option<&PasswordSyncGroupStatus>, source: &str) -> Option<String> {
    let mut pins = status.into_iter().flat_map(|status| &status.sources);
    pins.find(|pin| pin.id == source)?.policy_before.clone()
}

fn content(group: &Group) -> Content {
    Content::Group {
        name: group.name.clone(),
        policy_id: group.policy.clone(),
        source_ids: group.sources.iter().cloned().collect(),
    }
}

fn on_source(holders: &[Holder]) -> Content {
    let policies = holders.iter().map(|holder| OnSource {
        policy_id: holder.policy.clone(),
        exception: holder.is_exception(),
    });
    Content::Source {
        policies: policies.collect(),
    }
}

/// The last field manager of the spec. Only an object that was read live has managed fields: the
/// watch drops them.
pub(crate) fn manager(metadata: &ObjectMeta) -> Option<Manager> {
    let entries = metadata.managed_fields.iter().flatten();
    let of_spec = entries.filter(|entry| {
        let fields = entry.fields_v1.as_ref();
        fields.is_some_and(|fields| fields.0.get("f:spec").is_some())
    });
    let last = of_spec.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
    Some(Manager {
        name: last.manager.clone()?,
        time: last.time.as_ref().map(|time| time.0),
    })
}

/// The annotations that a flag names, each cut to [`ANNOTATION`] characters.
pub(crate) fn annotations(metadata: &ObjectMeta, asked: &[String]) -> BTreeMap<String, String> {
    let known = metadata.annotations.as_ref();
    let found = asked.iter().filter_map(|key| {
        let value = known?.get(key)?;
        Some((key.clone(), value.chars().take(ANNOTATION).collect()))
    });
    found.collect()
}
