//! What must hold when something is let go, and at the end of a history.

use identity_simulator::Tenant;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use psg_api::{DeletionPolicy, IdentityTenant, ManagementPolicy, PasswordSyncGroup, names};

use super::{Oracle, is_held, makers};
use crate::tests::cluster::Cluster;

impl Oracle {
    /// S5: a resource is let go.
    pub fn released(&mut self, group: &PasswordSyncGroup, tenant: &Tenant) {
        let status = group.status.clone().unwrap_or_default();
        let uid = group.uid().unwrap_or_default();
        let orphaned = group.spec.deletion_policy == DeletionPolicy::Orphan
            || group.spec.management_policy == ManagementPolicy::Observe;
        if orphaned {
            self.makers.orphans(&uid, status.group_id.as_ref());
            let deletion = status.deletion.iter().flat_map(|it| &it.sources);
            let left = deletion.chain(&status.leaving).map(|left| left.id.clone());
            // A late PUT of ours may have taken one out already, and no read has shown that.
            let sent = status.update.iter().flat_map(|update| &update.source_ids);
            let pinned = status.sources.iter().map(|source| &source.id);
            let left = left.chain(sent.chain(pinned).cloned());
            self.makers
                .left_by_another(&left.collect::<Vec<_>>(), tenant);
            return;
        }
        let state = tenant.state();
        let made = state
            .groups
            .iter()
            .filter(|it| self.makers.owner(&it.id) == Some(&*uid));
        let made: Vec<String> = made.map(|group| group.id.clone()).collect();
        self.must(
            made.is_empty(),
            "S5: let go, and what it made is still there",
            &made.join(", "),
        );
        if let Some(id) = &status.group_id {
            self.must(
                state.groups.find(id).is_none(),
                "S5: let go, and its group is still there",
                id,
            );
        }
        let deletion = status.deletion.iter().flat_map(|it| &it.sources);
        for left in deletion.chain(&status.leaving) {
            let fine = left.result.is_some()
                || !makers::is_bare(tenant, &left.id)
                || self.makers.is_left_bare(&left.id);
            self.must(
                fine || state.policies.find(&left.policy_id).is_none(),
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
            let needs = group.spec.tenant_ref.name == tenant.name_any() && is_begun(&group);
            self.must(
                !needs,
                "the tenant is let go, and a group is still to be undone",
                &group.name_any(),
            );
        }
    }

    /// Nor its Secret, which a tenant with `protectSecret` holds as long.
    pub fn secret_let_go(&mut self, secret: &ObjectMeta, cluster: &Cluster) {
        if secret.finalizers.iter().flatten().next().is_some() {
            return;
        }
        // One that has just been made holds nothing yet.
        let protects = |tenant: &IdentityTenant| {
            let status = tenant.status.as_ref();
            tenant.spec.protect_secret
                && secret.name == status.and_then(|status| status.protected_secret.clone())
        };
        for group in cluster.groups.all() {
            let tenant = cluster.tenants.get(&group.spec.tenant_ref.name);
            let needs = tenant.is_some_and(|it| protects(&it)) && is_begun(&group);
            self.must(
                !needs,
                "the Secret is let go, and a group is still to be undone",
                &group.name_any(),
            );
        }
    }

    /// Once nothing is done any more, whatever each resource has come to: every source has a policy.
    pub fn no_source_is_bare(&mut self, tenant: &Tenant) {
        for source in tenant.state().sources.iter() {
            self.must(
                !makers::is_bare(tenant, &source.id) || self.makers.is_left_bare(&source.id),
                "a source is left without a policy",
                &source.name,
            );
        }
    }

    /// At the end of a history that may converge: every source has a policy, and no group is
    /// forgotten by the resource that made it.
    pub fn at_rest(&mut self, tenant: &Tenant, cluster: &Cluster) {
        self.no_source_is_bare(tenant);
        let state = tenant.state();
        for group in state.groups.iter() {
            self.must(
                group.source_ids.len() >= 2,
                "a group of fewer than two sources",
                &group.name,
            );
            self.must(
                self.is_remembered(&group.id, cluster),
                "S1: a group that its resource has forgotten",
                &group.name,
            );
        }
    }

    /// Whether the resource that made a group still knows of it, if it has to.
    pub fn is_remembered(&self, id: &str, cluster: &Cluster) -> bool {
        let Some(uid) = self.makers.owner(id) else {
            return true;
        };
        let groups = cluster.groups.all();
        let mut groups = groups.iter();
        // One whose finalizer a person took off by force remembers nothing.
        let Some(of) = groups.find(|group| group.uid().as_deref() == Some(uid)) else {
            return true;
        };
        of.status.as_ref().is_some_and(|status| {
            let undone = status.deletion.as_ref().map(|deletion| &*deletion.group_id);
            status.group_id.as_deref() == Some(id) || undone == Some(id) || status.intent.is_some()
        })
    }
}

/// Whether there may be anything of it in the tenant. A finalizer that crossed with the end of the
/// tenant's is no such thing: nothing is begun before the tenant's was seen once more.
fn is_begun(group: &PasswordSyncGroup) -> bool {
    is_held(group.finalizers())
        && group.status.as_ref().is_some_and(|status| {
            status.group_id.is_some()
                || status.intent.is_some()
                || status.deletion.is_some()
                || !status.leaving.is_empty()
        })
}
