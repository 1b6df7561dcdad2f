//! S9: a status that is stored claims nothing that was not so.

use std::{collections::BTreeSet, time::Duration};

use identity_simulator::Tenant;
use kube::ResourceExt;
use psg_api::{AdoptionPolicy, PasswordSyncGroup, PasswordSyncGroupStatus, SourceToReassign};

use super::{Oracle, Shape, holds};
use crate::tests::cluster::Cluster;

/// What was read before the status was stored was read within that.
const JUST_NOW: Duration = Duration::from_mins(3);

impl Oracle {
    /// A status was stored, in place of that.
    pub fn told(
        &mut self,
        before: Option<&PasswordSyncGroupStatus>,
        group: &PasswordSyncGroup,
        tenant: &Tenant,
        cluster: &Cluster,
    ) {
        let Some(status) = &group.status else { return };
        self.told_in_one_state(group, status);
        self.told_of_the_group(group, status, tenant);
        self.told_of_sources(before, status, tenant);
        if let Some(id) = status.group_id.as_deref().filter(|id| holds(status, id)) {
            let new = before.is_none_or(|before| !holds(before, id));
            if new {
                self.takes_over(group, status, id, tenant);
            }
            for other in cluster.groups.all() {
                let theirs = other.status.as_ref().is_some_and(|it| holds(it, id));
                self.must(
                    other.uid() == group.uid() || !theirs,
                    "S4: two resources hold one group",
                    id,
                );
            }
        }
    }

    /// What is said to be ready was so at some time, and is what the manifest asks for. Before it is,
    /// a status claims what the group has shown beside what another hand took out of it: each part
    /// was so, and perhaps not all at once.
    fn told_of_the_group(
        &mut self,
        group: &PasswordSyncGroup,
        status: &PasswordSyncGroupStatus,
        tenant: &Tenant,
    ) {
        let Some(told) = Shape::of_status(status) else {
            return;
        };
        let mut conditions = status.conditions.iter();
        let ready = conditions.any(|it| it.type_ == "Ready" && it.status == "True");
        let was = self.been.contains(&told) || !ready && told.is_made_of(&self.been);
        self.must(
            was,
            "S9: said to be equal, and never was",
            &format!("{told:?}"),
        );
        if ready && Some(status.observed_generation) == group.metadata.generation {
            let wanted = wanted(group, tenant);
            self.must(
                wanted.is_none_or(|it| it == (told.1.clone(), told.2.clone(), told.3.clone())),
                "S9: said to be ready, and the manifest asks for something else",
                &format!("{told:?}"),
            );
        }
    }

    /// A source that is said to have its policy had it just now; one that is said to be ruled by
    /// another group was.
    fn told_of_sources(
        &mut self,
        before: Option<&PasswordSyncGroupStatus>,
        status: &PasswordSyncGroupStatus,
        tenant: &Tenant,
    ) {
        let known = before.map(open).unwrap_or_default();
        let told = |it: &PasswordSyncGroupStatus| {
            let deletion = it.deletion.iter().flat_map(|it| it.sources.clone());
            deletion.chain(it.leaving.clone()).collect::<Vec<_>>()
        };
        for left in told(status) {
            let key = (left.id.clone(), left.policy_id.clone());
            let said = left.result.as_deref().unwrap_or_default();
            if said == "HasOwnPolicy" && known.contains(&key) {
                self.must(
                    self.had_any_lately(&left.id),
                    "S9: a source is said to have a policy of its own",
                    &format!("{left:?}"),
                );
            }
            if !said.starts_with("AssignedBy") || !known.contains(&key) {
                continue;
            }
            self.must(
                self.had_lately(&key, tenant),
                "S9: a source is said to have its policy",
                &format!("{left:?}"),
            );
        }
        // One that left by an edit is forgotten once it is looked after, or once the group is recorded to
        // have it again: what becomes of it is then decided by that record.
        let still = told(status);
        let mut still: BTreeSet<&String> = still.iter().map(|left| &left.id).collect();
        let equal = Shape::of_status(status);
        if equal != before.and_then(Shape::of_status) {
            still.extend(equal.iter().flat_map(|Shape(.., sources)| sources));
        }
        for left in before.map(open_entries).unwrap_or_default() {
            let (id, policy) = (left.id.clone(), left.policy_id.clone());
            if still.contains(&id) {
                continue;
            }
            let state = tenant.state();
            let grouped = self.grouped.get(&id);
            let fine = grouped.is_some_and(|at| at.elapsed() < JUST_NOW)
                || state.groups_of(&id).next().is_some()
                || self.makers.is_left_bare(&id)
                || self.had_lately(&(id.clone(), policy.clone()), tenant)
                || self.had_since_it_left(&(id.clone(), policy.clone()))
                || left.assign.is_some() && self.had_any_lately(&id)
                || state.sources.find(&id).is_none()
                || state.policies.find(&policy).is_none();
            self.must(
                fine,
                "S9: a source that left is forgotten without its policy",
                &id,
            );
        }
    }

    /// Whether a source has a policy of its own, or had it at the last look.
    fn had_lately(&self, key: &(String, String), tenant: &Tenant) -> bool {
        let source = tenant.state().sources.find(&key.0);
        let has = source.and_then(|source| source.default_holder());
        let had = self.had.get(key);
        has.is_some_and(|holder| holder.policy_id == key.1)
            || had.is_some_and(|at| at.elapsed() < JUST_NOW)
    }

    /// Whether a source had a policy of its own after it was last in a group. What another hand gave
    /// it since is not ours to replace, though the status could be stored only then.
    fn had_since_it_left(&self, key: &(String, String)) -> bool {
        let left = self.grouped.get(&key.0);
        let had = self.had.get(key);
        had.is_some_and(|had| left.is_none_or(|left| had > left))
    }

    /// Whether a source had any policy of its own at a look just now.
    fn had_any_lately(&self, source: &str) -> bool {
        let mut had = self.had.iter().filter(|((id, _), _)| id == source);
        had.any(|(_, at)| at.elapsed() < JUST_NOW)
    }

    /// S4: what is held from now on was made by this very resource, or may be adopted.
    fn takes_over(
        &mut self,
        group: &PasswordSyncGroup,
        status: &PasswordSyncGroupStatus,
        id: &str,
        tenant: &Tenant,
    ) {
        let uid = group.uid().unwrap_or_default();
        if status.origin.as_deref() == Some("Created") {
            let made = self.makers.may_be_made_by(id, &uid);
            self.must(made, "S4: said to be created, and was not", id);
            self.makers.takes(&uid, id);
            return;
        }
        let asked = group.spec.group_id.as_deref() == Some(id);
        let right = match group.spec.adoption_policy {
            AdoptionPolicy::Overwrite => true,
            AdoptionPolicy::Never => asked,
            AdoptionPolicy::IfIdentical => {
                wanted(group, tenant).is_none_or(|(name, policy, sources)| {
                    self.been
                        .contains(&Shape(id.to_owned(), name, policy, sources))
                })
            }
        };
        self.must(right, "S4: adopted, and the manifest forbids it", id);
    }
}

/// The sources that are still to be reassigned.
fn open_entries(status: &PasswordSyncGroupStatus) -> Vec<SourceToReassign> {
    let deletion = status.deletion.iter().flat_map(|it| &it.sources);
    let open = deletion
        .chain(&status.leaving)
        .filter(|left| left.result.is_none());
    open.cloned().collect()
}

/// ... with their policies.
fn open(status: &PasswordSyncGroupStatus) -> BTreeSet<(String, String)> {
    let open = open_entries(status).into_iter();
    open.map(|left| (left.id, left.policy_id)).collect()
}

/// What the manifest asks for, if each name means something in the tenant.
fn wanted(group: &PasswordSyncGroup, tenant: &Tenant) -> Option<super::makers::Content> {
    let state = tenant.state();
    let by_id = |id: &Option<String>, name: &Option<String>, all: &[(String, String)]| {
        let mut all = all.iter();
        let found =
            all.find(|(an_id, a_name)| id.as_ref() == Some(an_id) || name.as_ref() == Some(a_name));
        found.map(|(id, _)| id.clone())
    };
    let sources = state
        .sources
        .iter()
        .map(|it| (it.id.clone(), it.name.clone()));
    let sources: Vec<_> = sources.collect();
    let policies = state
        .policies
        .iter()
        .map(|it| (it.id.clone(), it.name.clone()));
    let policies: Vec<_> = policies.collect();
    let spec = &group.spec;
    let policy = by_id(
        &spec.password_policy_ref.id,
        &spec.password_policy_ref.name,
        &policies,
    )?;
    let refs = spec.source_refs.iter();
    let sources = refs.map(|it| by_id(&it.id, &it.name, &sources));
    let sources: Option<BTreeSet<String>> = sources.collect();
    Some((Some(spec.name.clone()), Some(policy), sources?))
}
