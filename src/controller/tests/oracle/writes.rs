//! What must be stored, and what must be so in the tenant, before a write reaches it.

use std::{collections::BTreeSet, sync::Arc};

use identity_simulator::{Tenant, request::Request};
use kube::ResourceExt;
use psg_api::{IdentityTenant, PasswordSyncGroup, PasswordSyncGroupStatus, names};
use serde_json::Value;

use super::{Oracle, holds, is_held, makers};
use crate::tests::cluster::Cluster;

/// A resource as it is stored.
type Known<'a> = (&'a PasswordSyncGroup, PasswordSyncGroupStatus);

impl Oracle {
    /// A write that is about to reach the tenant.
    pub fn sends(&mut self, request: &Request, cluster: &Cluster, tenant: &Tenant) {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let groups = cluster.groups.all();
        let known = groups
            .iter()
            .map(|group| (&**group, group.status.clone().unwrap_or_default()));
        let known: Vec<Known<'_>> = known.collect();
        let id = request.path.rsplit('/').next().unwrap_or_default();
        let by = match request.method.as_str() {
            "POST" => {
                let by = self.posts(&body, &known);
                self.begins(&known, cluster);
                self.takes(None, &body, tenant, &known);
                by
            }
            "PUT" => {
                self.takes(Some(id), &body, tenant, &known);
                self.announced(id, &body, tenant, &known);
                self.one(&known, "a PUT of its own group", id, |_, status| {
                    holds(status, id)
                })
            }
            "DELETE" => self.one(&known, "a DELETE that it recorded", id, |group, status| {
                let deletion = status.deletion.as_ref();
                group.metadata.deletion_timestamp.is_some()
                    && deletion.is_some_and(|deletion| deletion.group_id == id)
            }),
            "PATCH" => {
                let source = request.path.split('/').rev().nth(1).unwrap_or_default();
                self.assigns(source, &body, tenant, &known)
            }
            other => {
                self.must(false, "a write of no known kind", other);
                None
            }
        };
        if let Some(uid) = by {
            let of = known
                .iter()
                .find(|(group, _)| group.metadata.uid == Some(uid.clone()));
            let held = of.is_some_and(|(group, _)| is_held(group.finalizers()));
            self.must(
                held,
                "S3: a write for a resource without its finalizer",
                &uid,
            );
        }
    }

    /// The one resource that a write of a group is for.
    fn one(
        &mut self,
        known: &[Known<'_>],
        what: &str,
        id: &str,
        is: impl Fn(&PasswordSyncGroup, &PasswordSyncGroupStatus) -> bool,
    ) -> Option<String> {
        let found = known.iter().filter(|(group, status)| is(group, status));
        let found: Vec<String> = found.filter_map(|(group, _)| group.uid()).collect();
        let what = format!("S3, S4: of {} resources {what}", found.len());
        self.must(found.len() == 1, &what, id);
        found.into_iter().next()
    }

    /// A POST is the one of an open intent.
    fn posts(&mut self, body: &Value, known: &[Known<'_>]) -> Option<String> {
        let sent = makers::sent(body);
        let mut fits = known.iter().filter_map(|(group, status)| {
            let intent = status.intent.as_ref()?;
            let planned: BTreeSet<String> = intent.source_ids.iter().cloned().collect();
            let planned = (
                Some(intent.name.clone()),
                Some(intent.policy_id.clone()),
                planned,
            );
            let key = (
                group.metadata.uid.clone()?,
                intent.attempt,
                intent.started_at.clone(),
            );
            (sent == planned && !self.posted.contains(&key)).then_some(key)
        });
        let Some(key) = fits.next() else {
            let what = "S2, S3: a POST without an open intent of its own";
            self.must(false, what, &body.to_string());
            return None;
        };
        self.makers.posts(&key.0, sent);
        self.last_posted = Some(key.clone());
        let uid = key.0.clone();
        self.posted.insert(key);
        Some(uid)
    }

    /// The last POST was answered.
    pub fn answered(&mut self, status: u16) {
        if (400..500).contains(&status) {
            self.makers.made_nothing();
        }
        // The same may come once more, with another token.
        if status == 401
            && let Some(last) = self.last_posted.take()
        {
            self.posted.remove(&last);
        }
    }

    /// A first group is begun only where its tenant waits for it. One that was held when the tenant
    /// was taken away by force is made again as before.
    fn begins(&mut self, known: &[Known<'_>], cluster: &Cluster) {
        let Some((posted, attempt, _)) = self.last_posted.clone() else {
            return;
        };
        let of = known
            .iter()
            .find(|(group, _)| group.uid() == Some(posted.clone()));
        if attempt == 1
            && let Some((group, _)) = of
        {
            let held = |tenant: &Arc<IdentityTenant>| {
                let mut finalizers = tenant.finalizers().iter();
                finalizers.any(|held| held == names::IN_USE)
            };
            let name = &group.spec.tenant_ref.name;
            let stays = cluster.tenants.get(name).is_some_and(|it| held(&it));
            self.must(
                stays || cluster.was_forced(),
                "a group is begun in a tenant that may be gone before it is undone",
                &group.name_any(),
            );
        }
    }

    /// S10: no source is taken out of a group that another resource holds, or that somebody else
    /// made: where that was seen in time.
    fn takes(&mut self, id: Option<&str>, body: &Value, tenant: &Tenant, known: &[Known<'_>]) {
        let state = tenant.state();
        let before = id.and_then(|id| state.groups.find(id));
        let had = |source: &String| before.is_some_and(|it| it.source_ids.contains(source));
        let (_, _, sources) = makers::sent(body);
        for source in sources.iter().filter(|source| !had(source)) {
            let others = state.groups_of(source).filter(|it| Some(&*it.id) != id);
            let others: Vec<String> = others.map(|group| group.id.clone()).collect();
            for other in others {
                let owner = self.makers.owner(&other).map(str::to_owned);
                let held = known.iter().any(|(group, status)| {
                    holds(status, &other) || status.intent.is_some() && group.uid() == owner
                });
                let unseen = self.makers.is_just_touched(&other)
                    || self.makers.has_just_joined(&other, source);
                let (what, unseen) = if held {
                    (
                        "S10: a source is taken out of another resource's group",
                        unseen,
                    )
                } else {
                    let unseen =
                        unseen || self.makers.is_new(&other) || self.hidden.contains(&other);
                    (
                        "S10: a source is taken out of a group that nobody manages",
                        unseen,
                    )
                };
                self.must(unseen, what, &format!("{source} out of {other}"));
            }
        }
    }

    /// S3: a PUT sends exactly what the open record says. Each source that it takes out of the group is
    /// in `status.leaving`, or was put in by another hand after that list was stored.
    fn announced(&mut self, id: &str, body: &Value, tenant: &Tenant, known: &[Known<'_>]) {
        let sent = makers::sent(body);
        let of = known.iter().find(|(_, status)| holds(status, id));
        let Some((_, status)) = of else { return };
        let recorded = status.update.as_ref().map(|update| {
            let sources = update.source_ids.iter().cloned().collect();
            (
                Some(update.name.clone()),
                Some(update.policy_id.clone()),
                sources,
            )
        });
        self.must(
            recorded.as_ref() == Some(&sent),
            "S3: a PUT without a record of its own",
            &body.to_string(),
        );
        let members = tenant.state().groups.find(id);
        for source in members.iter().flat_map(|group| &group.source_ids) {
            let listed = status.leaving.iter().any(|left| left.id == *source);
            self.must(
                sent.2.contains(source) || listed || self.makers.is_just_touched(id),
                "S3: a PUT takes a source out that is not on the list",
                source,
            );
        }
    }

    /// S10: a policy goes to a source that its resource is to reassign, the one that was recorded, and
    /// not while another group rules it.
    fn assigns(
        &mut self,
        source: &str,
        body: &Value,
        tenant: &Tenant,
        known: &[Known<'_>],
    ) -> Option<String> {
        let policies = body.as_array().into_iter().flatten();
        let own = policies.filter(|holder| holder["selectors"].is_null());
        let own: Vec<&str> = own
            .filter_map(|holder| holder["policyId"].as_str())
            .collect();
        // Two may list it with the same policy: one that let it go to the other, and has not seen yet
        // that it arrived there, and the other, which lets it go as well.
        let lists = |status: &PasswordSyncGroupStatus| {
            let deletion = status.deletion.iter().flat_map(|it| &it.sources);
            let open = deletion.chain(&status.leaving);
            let mut open = open.filter(|left| left.result.is_none());
            open.any(|left| left.id == source && [&*left.policy_id] == *own)
        };
        let by: Vec<String> = known
            .iter()
            .filter(|(_, status)| lists(status))
            .filter_map(|(group, _)| group.uid())
            .collect();
        let what = "S3, S4: a policy for a source that no resource is to reassign";
        self.must(!by.is_empty(), what, source);
        let ruled: Vec<String> = tenant
            .state()
            .groups_of(source)
            .map(|it| it.id.clone())
            .collect();
        for group in ruled {
            let is_own = known.iter().any(|(of, status)| {
                of.uid().is_some_and(|uid| by.contains(&uid)) && holds(status, &group)
            });
            let managed = known.iter().any(|(_, status)| holds(status, &group));
            let hidden = !managed && self.hidden.contains(&group);
            self.must(
                is_own || hidden || self.makers.is_just_touched(&group),
                "S10: a policy for a source that a group rules",
                &format!("{source} in {group}"),
            );
        }
        by.into_iter().next()
    }
}
