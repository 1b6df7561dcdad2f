//! What must hold at every single effect and at the end, whatever was lost, late, killed or
//! paused. It looks at what is stored and sent, never into the operator.
//!
//! S1 to S10 are the project's invariants; each check names the one that it holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use identity_simulator::{Tenant, model::Group, request::Request};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use psg_api::{IdentityTenant, PasswordSyncGroup, PasswordSyncGroupStatus, names};
use serde_json::Value;

use super::cluster::Cluster;

/// What was seen so far, and what was wrong.
#[derive(Default)]
pub struct Oracle {
    /// Each intent's one POST: the resource's UID, the attempt and when it was recorded.
    posted: BTreeSet<(String, i64, String)>,
    last_posted: Option<(String, i64, String)>,
    /// What each group was at any time.
    been: BTreeSet<Shape>,
    /// Groups that nobody may touch.
    pub foreign: BTreeSet<String>,
    pub violations: Vec<String>,
}

impl Oracle {
    /// A write that is about to reach the tenant.
    pub fn sends(&mut self, request: &Request, cluster: &Cluster) {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let groups = cluster.groups.all();
        let known = groups
            .iter()
            .map(|group| (&**group, group.status.clone().unwrap_or_default()));
        let known: Vec<(&PasswordSyncGroup, PasswordSyncGroupStatus)> = known.collect();
        let id = request.path.rsplit('/').next().unwrap_or_default();
        match request.method.as_str() {
            "POST" => {
                self.posts(&body, &known);
                self.begins(&known, cluster);
            }
            "PUT" => {
                let held = known.iter().any(|(_, status)| holds(status, id));
                self.must(
                    held,
                    "S3, S4: a PUT of a group that no resource records as its own",
                    id,
                );
            }
            "DELETE" => {
                let recorded = |status: &PasswordSyncGroupStatus| {
                    status
                        .deletion
                        .as_ref()
                        .is_some_and(|deletion| deletion.group_id == id)
                };
                let planned = known.iter().any(|(group, status)| {
                    group.metadata.deletion_timestamp.is_some() && recorded(status)
                });
                self.must(planned, "S3, S4: a DELETE without a stored record", id);
            }
            "PATCH" => {
                let source = request.path.split('/').rev().nth(1).unwrap_or_default();
                let planned = known.iter().any(|(_, status)| {
                    let deletion = status
                        .deletion
                        .iter()
                        .flat_map(|deletion| &deletion.sources);
                    deletion
                        .chain(&status.leaving)
                        .any(|left| left.id == source)
                });
                self.must(
                    planned,
                    "S3, S10: a policy assigned to a source that nobody hands back",
                    source,
                );
            }
            other => self.must(false, "a write of no known kind", other),
        }
        if self.foreign.contains(id) {
            self.must(false, "S10: another's group was written", id);
        }
    }

    fn posts(&mut self, body: &Value, known: &[(&PasswordSyncGroup, PasswordSyncGroupStatus)]) {
        let sources: BTreeSet<&str> = body["sourceIds"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut fits = known.iter().filter_map(|(group, status)| {
            let intent = status.intent.as_ref()?;
            let planned: BTreeSet<&str> = intent.source_ids.iter().map(String::as_str).collect();
            let fits = body["name"] == intent.name
                && body["passwordPolicyId"] == intent.policy_id
                && planned == sources;
            let key = (
                group.metadata.uid.clone()?,
                intent.attempt,
                intent.started_at.clone(),
            );
            (fits && !self.posted.contains(&key)).then_some(key)
        });
        let first = fits.next();
        match first {
            Some(key) => {
                self.last_posted = Some(key.clone());
                self.posted.insert(key);
            }
            None => self.must(
                false,
                "S2, S3: a POST without an open intent of its own",
                &body.to_string(),
            ),
        }
    }

    /// A first group is begun only where its tenant waits for it. One that was held when the tenant
    /// was taken away by force is made again as before.
    fn begins(
        &mut self,
        known: &[(&PasswordSyncGroup, PasswordSyncGroupStatus)],
        cluster: &Cluster,
    ) {
        let held = |tenant: &Arc<IdentityTenant>| {
            let mut finalizers = tenant.finalizers().iter();
            finalizers.any(|held| held == names::IN_USE)
        };
        let stays = cluster.tenants.get("default").is_some_and(|it| held(&it));
        let posted = self.last_posted.as_ref().map(|(uid, ..)| uid.clone());
        let first = self
            .last_posted
            .as_ref()
            .is_some_and(|(_, attempt, _)| *attempt == 1);
        let of = known.iter().find(|(group, _)| group.metadata.uid == posted);
        if first && let Some((group, _)) = of {
            self.must(
                stays || cluster.was_forced(),
                "a group is begun in a tenant that may be gone before it is undone",
                &group.name_any(),
            );
        }
    }

    /// The write was answered with 401: the same may come once more, with another token.
    pub fn not_executed(&mut self) {
        if let Some(last) = self.last_posted.take() {
            self.posted.remove(&last);
        }
    }

    /// The tenant after a change: no twins of one intent.
    pub fn after(&mut self, tenant: &Tenant) {
        let mut seen = BTreeMap::new();
        for group in tenant.state().groups.iter() {
            self.been.insert(Shape::of_group(group));
            let sources: BTreeSet<&String> = group.source_ids.iter().collect();
            if let Some(twin) = seen.insert((&group.name, sources), &group.id) {
                self.must(
                    false,
                    "S1: two groups of one name and the same sources",
                    &format!("{twin} and {}", group.id),
                );
            }
        }
    }

    /// S9: what is said to be ready was so at some time. Before it is, a status claims what the group
    /// has shown beside what another hand took out of it: each part was so, and perhaps not all at once.
    pub fn told(&mut self, group: &PasswordSyncGroup) {
        let status = group.status.as_ref();
        if let Some(told) = status.and_then(Shape::of_status) {
            let mut conditions = status.iter().flat_map(|status| &status.conditions);
            let ready = conditions.any(|it| it.type_ == "Ready" && it.status == "True");
            let was = self.been.contains(&told) || !ready && told.is_made_of(&self.been);
            self.must(
                was,
                "S9: said to be equal, and never was",
                &format!("{told:?}"),
            );
        }
    }

    /// S5: a resource is let go.
    pub fn released(&mut self, group: &PasswordSyncGroup, tenant: &Tenant) {
        let status = group.status.clone().unwrap_or_default();
        let orphaned = group.spec.deletion_policy == psg_api::DeletionPolicy::Orphan
            || group.spec.management_policy == psg_api::ManagementPolicy::Observe;
        if orphaned || group.metadata.deletion_timestamp.is_none() {
            return;
        }
        let state = tenant.state();
        if let Some(intent) = &status.intent {
            let sources: BTreeSet<&String> = intent.source_ids.iter().collect();
            let mut named = state.groups_named(&intent.name);
            let made =
                named.any(|group| group.source_ids.iter().collect::<BTreeSet<_>>() == sources);
            self.must(
                !made,
                "S5: let go, and what its create made is still there",
                &intent.name,
            );
        }
        if let Some(id) = &status.group_id {
            self.must(
                state.groups.find(id).is_none(),
                "S5: let go, and its group is still there",
                id,
            );
        }
        let deletion = status
            .deletion
            .iter()
            .flat_map(|deletion| &deletion.sources);
        for left in deletion.chain(&status.leaving) {
            let Some(source) = state.sources.find(&left.id) else {
                continue;
            };
            let grouped = state.groups_of(&left.id).next().is_some();
            let has_it = source
                .holders
                .iter()
                .any(|holder| holder.policy_id == left.policy_id);
            // It was read back when its result was stored; the service or a person may have given
            // it another since.
            let done = left.result.is_some() && !source.holders.is_empty();
            let no_policy = state.policies.find(&left.policy_id).is_none();
            self.must(
                grouped || has_it || done || no_policy,
                "S5: let go, and a source has not its policy",
                &left.id,
            );
        }
    }

    /// No tenant is let go while a group needs it.
    pub fn tenant_let_go(&mut self, tenant: &IdentityTenant, cluster: &Cluster) {
        let mut held = tenant.finalizers().iter();
        if held.any(|held| held == names::IN_USE) {
            return;
        }
        for group in cluster.groups.all() {
            self.must(
                !is_begun(&group),
                "the tenant is let go, and a group is still to be undone",
                &group.name_any(),
            );
        }
    }

    /// Nor its Secret, which a tenant with `protectSecret` holds as long.
    pub fn secret_let_go(&mut self, secret: &ObjectMeta, cluster: &Cluster) {
        let tenant = cluster.tenants.get("default");
        if let Some(tenant) = tenant.filter(|tenant| tenant.spec.protect_secret)
            && secret.name.as_deref() == Some(&tenant.spec.credentials_secret_ref.name)
            && secret.finalizers.iter().flatten().next().is_none()
        {
            for group in cluster.groups.all() {
                self.must(
                    !is_begun(&group),
                    "the Secret is let go, and a group is still to be undone",
                    &group.name_any(),
                );
            }
        }
    }

    /// At the end of a history that may converge: no source without any policy.
    pub fn at_rest(&mut self, tenant: &Tenant) {
        let state = tenant.state();
        for source in state.sources.iter() {
            let grouped = state.groups_of(&source.id).next().is_some();
            self.must(
                grouped || !source.holders.is_empty(),
                "a source is left without a policy",
                &source.name,
            );
        }
        let small = state
            .groups
            .iter()
            .filter(|group| group.source_ids.len() < 2 && !self.foreign.contains(&group.id));
        let small: Vec<String> = small.map(|group| group.name.clone()).collect();
        self.must(
            small.is_empty(),
            "a group of fewer than two sources",
            &small.join(", "),
        );
    }

    fn must(&mut self, holds: bool, what: &str, whom: &str) {
        if !holds {
            self.violations.push(format!("{what}: {whom}"));
        }
    }
}

/// Id, name, policy and sources of a group.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shape(String, Option<String>, Option<String>, BTreeSet<String>);

impl Shape {
    fn of_group(group: &Group) -> Self {
        let sources = group.source_ids.iter().cloned().collect();
        let policy = group.password_policy_id.clone();
        Self(group.id.clone(), Some(group.name.clone()), policy, sources)
    }

    /// Of a group that is held.
    fn of_status(status: &PasswordSyncGroupStatus) -> Option<Self> {
        let id = status.group_id.clone().filter(|id| holds(status, id))?;
        let policy = status.policy.as_ref().map(|policy| policy.id.clone());
        let sources = status.sources.iter().map(|source| source.id.clone());
        Some(Self(id, status.name.clone(), policy, sources.collect()))
    }

    /// Whether the same group had each part of it at some time.
    fn is_made_of(&self, been: &BTreeSet<Self>) -> bool {
        let was = |part: &dyn Fn(&Self) -> bool| been.iter().any(|it| it.0 == self.0 && part(it));
        was(&|it| it.1 == self.1)
            && was(&|it| it.2 == self.2)
            && self.3.iter().all(|source| was(&|it| it.3.contains(source)))
    }
}

fn holds(status: &PasswordSyncGroupStatus, id: &str) -> bool {
    status.group_id.as_deref() == Some(id) && status.origin.as_deref() != Some("Observed")
}

/// Whether there may be anything of it in the tenant. A finalizer that crossed with the end of the
/// tenant's is no such thing: nothing is begun before the tenant's was seen once more.
fn is_begun(group: &PasswordSyncGroup) -> bool {
    let mut held = group.finalizers().iter();
    held.any(|held| held == names::FINALIZER)
        && group.status.as_ref().is_some_and(|status| {
            status.group_id.is_some()
                || status.intent.is_some()
                || status.deletion.is_some()
                || !status.leaving.is_empty()
        })
}
