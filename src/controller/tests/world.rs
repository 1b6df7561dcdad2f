//! One scenario: a tenant, a cluster, what a person does, and what must be true in the end,
//! wherever the operator died on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use psg_snapshot::Clock;
use serde_json::Value;

use super::{
    cluster::Cluster,
    fuse::Crash,
    process::{End, Process},
    tenant::{Shared, tenant},
};
use crate::ProcessClock;

/// Longer than any forced wait: settle, confirmation, back-off.
const LIMIT: Duration = Duration::from_hours(2);

pub struct World {
    pub cluster: Arc<Cluster>,
    pub tenant: Shared,
    pub clock: Clock,
}

/// What a person does, and what must come of it.
pub struct Scenario {
    pub name: &'static str,
    pub switches: Value,
    /// Until this is settled nobody dies.
    pub before: fn(&World),
    /// What is done then.
    pub act: fn(&World),
    /// What must be true in the end.
    pub check: fn(&World),
}

impl World {
    fn new(switches: &Value) -> Self {
        let clock = ProcessClock::starting_at(Timestamp::UNIX_EPOCH);
        Self {
            cluster: Arc::default(),
            tenant: tenant(switches),
            clock: Arc::new(move || clock.now()),
        }
    }

    /// The tenant's groups: name to source names, sorted.
    pub fn groups(&self) -> Vec<(String, BTreeSet<String>)> {
        let tenant = self.tenant.lock().unwrap();
        let state = tenant.state();
        let name = |id: &String| state.sources.find(id).map(|source| source.name.clone());
        let groups = state.groups.iter().map(|group| {
            (
                group.name.clone(),
                group.source_ids.iter().filter_map(name).collect(),
            )
        });
        groups.collect()
    }

    /// Each source's policies of its own.
    pub fn holders(&self) -> BTreeMap<String, Vec<String>> {
        let tenant = self.tenant.lock().unwrap();
        let sources = tenant.state().sources.iter();
        let each = sources.map(|source| {
            let policies = source.holders.iter().map(|holder| holder.policy_id.clone());
            (source.name.clone(), policies.collect())
        });
        each.collect()
    }

    pub fn calls(&self, route: &str) -> u64 {
        self.tenant.lock().unwrap().ledger().count(route)
    }

    pub fn tenant_writes(&self) -> u64 {
        let ledger = self.tenant.lock().unwrap();
        let counts = ledger.ledger().counts();
        let writes = counts.iter().filter(|(route, _)| {
            !route.starts_with("GET") && !route.contains("oauth") && route.contains(' ')
        });
        writes.map(|(_, count)| *count).sum()
    }

    fn process(&self, crash: Option<Crash>, lag: usize) -> Process {
        Process::start(&self.cluster, &self.tenant, &self.clock, crash, lag)
    }

    /// Every resource is settled for its newest spec, or gone.
    pub fn quiet(&self) -> bool {
        self.cluster.names().iter().all(|name| {
            let Some(group) = self.cluster.group(name) else {
                return true;
            };
            let status = group.status.clone().unwrap_or_default();
            let ready = status
                .conditions
                .iter()
                .any(|c| c.type_ == "Ready" && c.status == "True");
            group.metadata.deletion_timestamp.is_none()
                && ready
                && Some(status.observed_generation) == group.metadata.generation
        })
    }
}

/// Runs a scenario in which the operator dies as told, and is started again each time; returns
/// how many effects the first life after `act` had.
pub async fn play(scenario: &Scenario, crashes: &[Crash], lag: usize) -> usize {
    let what = format!("{} with {crashes:?}, lag {lag}", scenario.name);
    let world = World::new(&scenario.switches);
    (scenario.before)(&world);
    let mut calm = world.process(None, 0);
    assert_eq!(
        calm.run(LIMIT, || world.quiet()).await,
        End::Reached,
        "{what}: before"
    );
    drop(calm);
    (scenario.act)(&world);
    let mut effects = 0;
    for (life, crash) in crashes.iter().map(Some).chain([None]).enumerate() {
        let mut process = world.process(crash.copied(), lag);
        let end = process.run(LIMIT, || world.quiet()).await;
        if life == 0 {
            effects = process.fuse.effects();
        }
        match end {
            End::Crashed => {}
            End::Reached => break,
            End::TimeUp => panic!(
                "{what}: not settled; {:#?}",
                world
                    .cluster
                    .names()
                    .iter()
                    .map(|n| world.cluster.group(n))
                    .collect::<Vec<_>>()
            ),
        }
    }
    (scenario.check)(&world);
    let writes = (world.tenant_writes(), world.cluster.writes());
    let mut later = world.process(None, 0);
    later.run(Duration::from_mins(5), || false).await;
    assert_eq!(
        (world.tenant_writes(), world.cluster.writes()),
        writes,
        "{what}: settled stays settled"
    );
    effects
}
