//! Nothing fails any more; first with the manifests as they are, then with such as nobody fights
//! over. What must have become of everything.

use std::time::Duration;

use kube::ResourceExt;
use psg_api::{PasswordSyncGroup, names};
use serde_json::{Value, json};

use super::{CONTESTED, Process, Story};
use crate::tests::{
    tenant::{SECRET, source_name},
    world::{Weather, World, ambiguous},
};

/// Longer than any forced wait after the last fault.
const HEALING: Duration = Duration::from_mins(45);
/// How long one attempt at a write takes.
const ATTEMPT: Duration = Duration::from_mins(1);
/// After which every read shows what is, and every warning has come or gone.
const SHOWN: Duration = Duration::from_mins(4);

impl Story {
    /// Nothing fails any more; what people want stays.
    pub(super) fn mend(&mut self) {
        let world = self.world.clone();
        world.note("all is mended");
        world.tenant.lock().unwrap().clear_faults();
        self.plain_answers();
        self.odd = None;
        *world.weather.lock().unwrap() = Weather::default();
        self.namespace_ends = false;
        if world.cluster.secret().metadata.deletion_timestamp.is_some() {
            world.cluster.set_secret(None);
        }
        world.cluster.set_secret(Some(SECRET));
        for (name, _) in &self.tenants {
            // One that is being deleted cannot be kept, and would wait for groups that stay.
            if let Some(tenant) = world.cluster.tenants.get(name)
                && tenant.metadata.deletion_timestamp.is_some()
            {
                world.cluster.remove_tenant_by_force(name);
            }
        }
        self.make_tenants();
        let until = Some("2030-01-01T00:00:00Z".to_owned());
        for (name, _) in &self.tenants {
            let tenants = &world.cluster.tenants;
            tenants.annotate(name, names::ACKNOWLEDGED_UNTIL, until.clone());
        }
        for group in world.cluster.groups.all() {
            let groups = &world.cluster.groups;
            groups.annotate(&group.name_any(), names::PAUSED_UNTIL, None);
        }
        if self.process.as_ref().is_none_or(Process::is_dead) {
            self.start();
        }
        while !self.stopped.is_empty() {
            self.stop_or_go_on();
        }
    }

    /// L1, L2: a resource that wants what no other has or wants gets it; the others say why not; what is
    /// to be deleted goes; and then nothing is done any more.
    pub(super) async fn must_come_to_rest(&self) {
        let world = self.world.clone();
        let ended = || {
            world
                .cluster
                .groups
                .all()
                .iter()
                .all(|group| has_ended(group))
        };
        let calm = world.until(HEALING, ended).await;
        assert!(calm, "L1, L2: {:#?}\n{}", world.restless(), world.story());
        tokio::time::sleep(SHOWN).await;
        // What was refused is tried again now and then, which takes a moment.
        let calm = world.until(ATTEMPT, ended).await;
        assert!(
            calm,
            "L1: not for good: {:#?}\n{}",
            world.restless(),
            world.story()
        );
        {
            let tenant = world.tenant.lock().unwrap();
            world.oracle.lock().unwrap().no_source_is_bare(&tenant);
        }
        // What was refused may be taken now: the next attempt shows.
        let content = |group: &PasswordSyncGroup| is_ready(group) || is_hindered(group, &world);
        let all = || world.cluster.groups.all().iter().all(|it| content(it));
        if !world.until(HEALING, all).await {
            let groups = world.cluster.groups.all();
            let stuck: Vec<_> = groups.iter().filter(|group| !content(group)).collect();
            panic!("L1: nothing hinders {stuck:#?}\n{}", world.story());
        }
    }

    /// Every resource wants what nobody else does.
    pub(super) fn heal(&mut self) {
        let world = self.world.clone();
        world.note("nobody wants what another has");
        for group in world.cluster.groups.all() {
            let name = group.name_any();
            if group.metadata.deletion_timestamp.is_none() {
                let sources: Vec<Value> = own_sources(&name)
                    .iter()
                    .map(|source| json!({"name": source}))
                    .collect();
                let spec = json!({
                    "name": format!("Final {name}"), "passwordPolicyRef": {"name": "Strong"},
                    "tenantRef": group.spec.tenant_ref,
                    "sourceRefs": sources, "adoptionPolicy": "Overwrite",
                });
                world.cluster.apply(&name, &spec);
            }
        }
    }

    pub(super) async fn must_converge(&self) {
        let world = self.world.clone();
        for _ in 0..3 {
            // Groups that nobody remembers were left on request: their sources are needed.
            let quiet = world.until(Duration::from_mins(2), || world.quiet()).await;
            world.drop_unclaimed();
            if quiet {
                break;
            }
        }
        let converged = world.until(HEALING, || world.quiet()).await;
        assert!(
            converged,
            "not converged: {:#?}\n{}",
            world.restless(),
            world.story()
        );
        assert!(
            !self.process.as_ref().is_some_and(Process::is_broken),
            "a process broke\n{}",
            world.story()
        );
        tokio::time::sleep(SHOWN).await;
        for group in world.cluster.groups.all() {
            let wanted = own_sources(&group.name_any());
            let groups = world.groups();
            let found = groups.iter().filter(|(name, _)| *name == group.spec.name);
            let found: Vec<_> = found
                .map(|(_, sources)| sources.iter().cloned().collect::<Vec<_>>())
                .collect();
            assert_eq!(found, [wanted], "S9: said to be ready\n{}", world.story());
        }
        world.must_rest(SHOWN, "at the end").await;
    }
}

/// What a resource wants in the end.
fn own_sources(name: &str) -> Vec<String> {
    let number: usize = name.trim_start_matches('g').parse().unwrap();
    let first = CONTESTED + 2 * number;
    vec![source_name(first), source_name(first + 1)]
}

fn condition(group: &PasswordSyncGroup, kind: &str) -> Option<(String, String)> {
    let status = group.status.as_ref()?;
    let mut conditions = status.conditions.iter();
    let found = conditions.find(|it| it.type_ == kind)?;
    Some((found.status.clone(), found.reason.clone()))
}

fn is_ready(group: &PasswordSyncGroup) -> bool {
    condition(group, "Ready").is_some_and(|(status, _)| status == "True")
}

/// It says what there is to say of its newest spec, and only somebody else can change that.
fn has_ended(group: &PasswordSyncGroup) -> bool {
    let status = group.status.as_ref();
    let told = status.is_some_and(|it| Some(it.observed_generation) == group.metadata.generation);
    let waits = condition(group, "Ready").is_some_and(|(_, why)| why == "WaitingForSource");
    let stalled = condition(group, "Stalled").is_some();
    // Another hand changed what its create made: only a person can tell.
    let unclear = status.is_some_and(ambiguous);
    let deleting = group.metadata.deletion_timestamp.is_some();
    told && (!deleting && (is_ready(group) || stalled || waits) || unclear)
}

/// Whether something that only a person can mend stands in its way.
fn is_hindered(group: &PasswordSyncGroup, world: &World) -> bool {
    let (_, why) = condition(group, "Ready").unwrap_or_default();
    // What other hands did in the tenant, or left there.
    let by_others = [
        "Contested",
        "Drifted",
        "GroupVanished",
        "CreateAmbiguous",
        "AmbiguousGroup",
    ];
    // While it is being deleted, an ambiguous create is said under another reason.
    if by_others.contains(&&*why) || group.status.as_ref().is_some_and(ambiguous) {
        return true;
    }
    let sources: Vec<&String> = (group.spec.source_refs.iter())
        .filter_map(|it| it.name.as_ref())
        .collect();
    let own = group
        .status
        .as_ref()
        .and_then(|status| status.group_id.clone());
    let in_tenant = world.has_another(own.as_deref(), &group.spec.name, &sources);
    let wanted = world.cluster.groups.all().into_iter().any(|other| {
        let mut theirs = other
            .spec
            .source_refs
            .iter()
            .filter_map(|it| it.name.as_ref());
        let held = other.status.iter().flat_map(|status| &status.sources);
        let mut held = held.map(|source| &source.name);
        other.uid() != group.uid()
            && (other.spec.name == group.spec.name
                || theirs.any(|source| sources.contains(&source))
                || held.any(|source| sources.contains(&source)))
    });
    in_tenant || wanted
}
