//! One life of the operator: a context, the tenant's actor, and a queue of passes. It ends when
//! a goal is reached, when its fuse blows, or when its virtual time is up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use kube::ResourceExt;
use psg_api::{IdentityTenant, IdentityTenantSpec};
use psg_identity::{HostPolicy, Limiters};
use psg_plan::Timers;
use serde_json::json;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    cluster::{Cluster, NAMESPACE, Port},
    fuse::{Crash, Fuse},
    tenant::{Shared, Wire},
};
use crate::{
    Context, Metrics, Settings,
    mind::Minds,
    reconcile::{claimant, reconcile},
    tenant::Tenants,
    wakes::{Queue, Wakes},
};

pub struct Process {
    pub fuse: Arc<Fuse>,
    context: Arc<Context>,
    cluster: Arc<Cluster>,
    queue: Queue,
    due: BTreeMap<String, Instant>,
    seen: BTreeMap<String, Seen>,
    /// How many versions the watch lags behind.
    lag: usize,
    actor: JoinHandle<()>,
}

/// What of a resource wakes a pass, as the real watch's predicates have it.
#[derive(Clone, PartialEq)]
struct Trigger(Option<i64>, Vec<String>, bool);

/// What woke a pass last, and which version showed it.
type Seen = (Trigger, usize);

#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Reached,
    Crashed,
    TimeUp,
}

impl Process {
    pub fn start(
        cluster: &Arc<Cluster>,
        tenant: &Shared,
        clock: &psg_snapshot::Clock,
        crash: Option<Crash>,
        lag: usize,
    ) -> Self {
        let fuse = Arc::new(Fuse::new(crash));
        let (wakes, mut queues) = Wakes::new(&[]);
        let wire = Wire {
            tenant: tenant.clone(),
            fuse: fuse.clone(),
            now: clock.clone(),
        };
        let context = Arc::new(Context {
            kubernetes: Arc::new(Port {
                cluster: cluster.clone(),
                fuse: fuse.clone(),
            }),
            transport: Arc::new(wire),
            limiters: Limiters::default(),
            clock: clock.clone(),
            jitter: Arc::new(|| 0.5),
            settings: Settings {
                timers: Timers::default(),
                post_timeout: Duration::from_secs(8),
                credentials_retry: Duration::from_secs(5),
                probe: Duration::from_mins(10),
                resync: Duration::from_mins(10),
                hosts: HostPolicy::default(),
            },
            tenants: Tenants::default(),
            claims: RwLock::default(),
            minds: Minds::default(),
            wakes,
            metrics: Metrics::default(),
            stands: crate::standing::alone(),
            stop: CancellationToken::new(),
        });
        let spec: IdentityTenantSpec =
            serde_json::from_value(json!({"credentialsSecretRef": {"name": "pat"}})).unwrap();
        let mut manifest = IdentityTenant::new("default", spec);
        manifest.metadata.namespace = Some(NAMESPACE.to_owned());
        let name = format!("{NAMESPACE}/default");
        let started = context.tenants.insert(&name, Arc::new(manifest)).unwrap();
        let actor = tokio::spawn(crate::actor::run(started, context.clone()));
        let queue = queues.remove(0);
        Self {
            fuse,
            context,
            cluster: cluster.clone(),
            queue,
            due: BTreeMap::new(),
            seen: BTreeMap::new(),
            lag,
            actor,
        }
    }

    /// Runs until the goal holds and nothing is due at once.
    pub async fn run(&mut self, limit: Duration, goal: impl Fn() -> bool) -> End {
        let end = Instant::now() + limit;
        loop {
            self.watch();
            let now = Instant::now();
            let next = self.due.iter().min_by_key(|(_, at)| **at);
            let next = next.map(|(name, at)| (name.clone(), *at));
            if next.as_ref().is_none_or(|(_, at)| *at > now) && goal() {
                return End::Reached;
            }
            let at = next.as_ref().map_or(end, |(_, at)| (*at).min(end));
            tokio::select! {
                biased;
                () = self.fuse.dead.cancelled() => return End::Crashed,
                woken = self.queue.1.recv() => {
                    if let Some(woken) = woken {
                        self.due.insert(woken.name, Instant::now());
                    }
                    continue;
                }
                () = tokio::time::sleep_until(at) => {}
            }
            match next {
                Some((name, at)) if at <= Instant::now() && !self.pass(&name).await => {
                    return End::Crashed;
                }
                _ if Instant::now() >= end => return End::TimeUp,
                _ => {}
            }
        }
    }

    /// Runs all passes that are due side by side, as the real queue does, until the goal holds.
    pub async fn rush(&mut self, limit: Duration, goal: impl Fn() -> bool) -> End {
        let end = Instant::now() + limit;
        let mut passes = JoinSet::new();
        let mut running = BTreeSet::new();
        loop {
            self.watch();
            let now = Instant::now();
            let due = self
                .due
                .extract_if(.., |name, at| *at <= now && !running.contains(name));
            for name in due.map(|(name, _)| name).collect::<Vec<_>>() {
                if let Some(group) = self.cluster.group(&name) {
                    running.insert(name.clone());
                    let pass = reconcile(group, self.context.clone());
                    passes.spawn(async move { (name, pass.await) });
                }
            }
            if passes.is_empty() && goal() {
                return End::Reached;
            }
            let next = self.due.iter().filter(|(name, _)| !running.contains(*name));
            let next = next.map(|(_, at)| *at).min().map_or(end, |at| at.min(end));
            tokio::select! {
                biased;
                Some(ended) = passes.join_next() => {
                    let (name, again) = ended.unwrap();
                    running.remove(&name);
                    if let Some(again) = again.unwrap_or(Some(Duration::from_secs(1))) {
                        self.due.insert(name, Instant::now() + again);
                    }
                }
                Some(woken) = self.queue.1.recv() => {
                    self.due.insert(woken.name, Instant::now());
                }
                () = tokio::time::sleep_until(next) => {}
            }
            if Instant::now() >= end {
                return End::TimeUp;
            }
        }
    }

    async fn pass(&mut self, name: &str) -> bool {
        self.due.remove(name);
        let seen = self.seen.get(name).map_or(0, |(_, version)| *version);
        let Some(group) = self.cluster.shown(name, self.lag, seen) else {
            return true;
        };
        let pass = reconcile(group, self.context.clone());
        let again = tokio::select! {
            biased;
            () = self.fuse.dead.cancelled() => return false,
            ended = pass => match ended {
                Ok(again) => again,
                Err(_) => Some(Duration::from_secs(1)),
            },
        };
        if let Some(again) = again {
            self.due.insert(name.to_owned(), Instant::now() + again);
        }
        true
    }

    /// Brings what the watch would bring.
    fn watch(&mut self) {
        let names = self.cluster.names();
        self.seen.retain(|name, _| names.contains(name));
        for name in names {
            let Some(group) = self.cluster.group(&name) else {
                continue;
            };
            let deleting = group.metadata.deletion_timestamp.is_some();
            let trigger = Trigger(
                group.metadata.generation,
                group.finalizers().to_vec(),
                deleting,
            );
            if let Some(claimant) = claimant(&group, Timestamp::UNIX_EPOCH) {
                self.context.claims_mut().insert(claimant);
            }
            if self.seen.get(&name).map(|(known, _)| known) != Some(&trigger) {
                let version = self.cluster.versions(&name);
                self.seen.insert(name.clone(), (trigger, version));
                self.due.insert(name, Instant::now());
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.actor.abort();
    }
}
