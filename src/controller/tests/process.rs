//! One life of the operator: the watches' meaning, the actors and the passes of the real process,
//! over two models. It lives in a task of its own and dies with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::FutureExt;
use identity_simulator::rng::Rng;
use jiff::SignedDuration;
use kube::{Resource, ResourceExt, runtime::watcher::Event};
use prometheus_client::registry::Registry;
use psg_api::{IdentityTenant, PasswordSyncGroup, names};
use psg_domain::TenantName;
use psg_identity::{HostPolicy, Limiters};
use psg_plan::Timers;
use psg_snapshot::{Clock, Pictures};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    audit::Lines,
    cluster::{Shelf, Shown},
    fuse::{Crash, Fuse},
    ports::{Pace, Ways},
    served,
    world::World,
};
use crate::{
    Audit, Context, Metrics, Readiness, Role, Settings,
    context::{
        requeue::{Queue, Requeue},
        resource_states::ResourceStates,
        secret_locks::SecretLocks,
        stores::Stores,
        tenants::Tenants,
    },
    group,
    kubernetes::tolerant::Tolerant,
    watch::{
        failed,
        handlers::{observe, observe_tenant},
        panics,
    },
};

/// How a process lives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Life {
    pub crash: Option<Crash>,
    /// How long the watch takes to show a change.
    pub lag: Duration,
    /// The most that a call of the API server takes.
    pub pace: Duration,
    /// The dice of paces and jitter; without it all is as quick as can be.
    pub seed: Option<u64>,
    /// How often it looks at everything again, if not as shipped.
    pub resync: Option<Duration>,
    /// Another leads at first.
    pub standby: bool,
    /// Under kube's own watches and scheduling, which tell no story twice.
    pub watched: bool,
}

pub struct Process {
    pub fuse: Arc<Fuse>,
    fenced: Arc<AtomicBool>,
    pub context: Arc<Context>,
    figures: Registry,
    role: watch::Sender<Role>,
    task: JoinHandle<()>,
}

impl Process {
    pub fn start(world: &Arc<World>, life: Life) -> Self {
        let fuse = Arc::new(Fuse::new(life.crash, &world.over));
        let (requeue, mut queues) = Requeue::new(&[]);
        let dice = life.seed.map(|seed| Arc::new(Mutex::new(Rng::new(seed))));
        let thrown = dice.clone();
        let pace: Pace = Arc::new(move || match &thrown {
            Some(dice) => {
                let most = usize::try_from(life.pace.as_millis()).unwrap();
                Duration::from_millis(dice.lock().unwrap().below(most + 1) as u64)
            }
            None => life.pace,
        });
        let fenced = Arc::new(AtomicBool::new(false));
        let mut figures = Registry::default();
        let role = watch::Sender::new(if life.standby {
            Role::Standby
        } else {
            Role::Leader
        });
        let ways = Arc::new(Ways {
            life: world.lives.fetch_add(1, Ordering::SeqCst) + 1,
            world: world.clone(),
            fuse: fuse.clone(),
            pace,
            fenced: fenced.clone(),
        });
        let context = Arc::new(Context {
            kubernetes: ways.clone(),
            transport: ways,
            limiters: Limiters::default(),
            pictures: Pictures::default(),
            stores: Stores::default(),
            secret_locks: SecretLocks::default(),
            clock: wound(world),
            jitter: Arc::new(move || match &dice {
                Some(dice) => {
                    f64::from(u16::try_from(dice.lock().unwrap().below(500)).unwrap()) / 500.0
                }
                None => 0.5,
            }),
            settings: Settings {
                timers: Timers::default(),
                post_timeout: Duration::from_secs(8),
                credentials_retry: Duration::from_secs(5),
                probe: Duration::from_mins(10),
                resync: life.resync.unwrap_or(Duration::from_mins(10)),
                hosts: HostPolicy::default(),
            },
            tenants: Tenants::default(),
            claims: RwLock::default(),
            resource_states: ResourceStates::default(),
            requeue,
            unreadable: crate::AllUnreadable::default(),
            audit: Audit {
                log: Arc::new(Lines {
                    world: world.clone(),
                    fuse: fuse.clone(),
                }),
                annotations: Vec::new(),
                replica: None,
            },
            metrics: Metrics::new(&mut figures),
            readiness: Arc::new(Readiness::of(1)),
            role: role.subscribe(),
            stop: CancellationToken::new(),
        });
        let life = if life.watched {
            crate::run(served::client(world, life.lag), queues, context.clone()).boxed()
        } else {
            Living::new(world, &context, life.lag)
                .live(queues.remove(0))
                .boxed()
        };
        let dead = fuse.dead.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = dead.cancelled() => {}
                () = life => {}
            }
        });
        Self {
            fuse,
            fenced,
            context,
            figures,
            role,
            task,
        }
    }

    /// It leads from now on.
    pub fn lead(&self) {
        self.role.send_replace(Role::Leader);
    }

    /// What it tells machines.
    pub fn figures(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.figures).unwrap();
        text
    }

    /// Stops it for a while, as a stopped virtual machine is.
    pub fn pause(&self) {
        self.fuse.pause(true);
    }

    /// Its lease has ended meanwhile, by the clocks that it asks before it writes.
    pub fn go_on(&self) {
        self.lose_the_lease();
        self.fuse.pause(false);
    }

    /// It goes on before its lease has ended for it: it does not know of another.
    pub fn go_on_unaware(&self) {
        self.fuse.pause(false);
    }

    /// Its lease is gone, and it knows: nothing is written any more.
    pub fn lose_the_lease(&self) {
        self.fenced.store(true, Ordering::SeqCst);
    }

    /// Asks it to end, as SIGTERM does.
    pub fn stop(&self) {
        self.context.stop.cancel();
    }

    pub fn has_ended(&self) -> bool {
        self.task.is_finished() && !self.is_dead()
    }

    /// Its task ended although nobody killed it.
    pub fn is_broken(&self) -> bool {
        self.has_ended() && !self.context.stop.is_cancelled()
    }

    pub fn is_dead(&self) -> bool {
        self.fuse.dead.is_cancelled()
    }
}

/// A process that is dropped is killed.
impl Drop for Process {
    fn drop(&mut self) {
        self.fuse.dead.cancel();
        self.task.abort();
        // Nobody is left who waits for a place.
        self.context.stop.cancel();
    }
}

/// What of a resource starts a pass, as the real watch's predicates have it.
type Trigger = (
    Option<String>,
    Option<i64>,
    Vec<String>,
    Vec<Option<String>>,
);

struct Living {
    world: Arc<World>,
    context: Arc<Context>,
    lag: Duration,
    /// The watches showed nothing when last looked at.
    was_cut: bool,
    /// The version of each object that the watch has shown, counted from one.
    groups: BTreeMap<String, usize>,
    tenants: BTreeMap<String, usize>,
    triggers: BTreeMap<String, Trigger>,
    /// When each is to be looked at.
    due: BTreeMap<String, Instant>,
    running: BTreeSet<String>,
    passes: JoinSet<(String, Option<Duration>)>,
    /// Groups and tenants of a list that is under way.
    listed: (BTreeSet<String>, BTreeSet<TenantName>),
    actors: JoinSet<()>,
}

impl Living {
    fn new(world: &Arc<World>, context: &Arc<Context>, lag: Duration) -> Self {
        Self {
            world: world.clone(),
            context: context.clone(),
            lag,
            was_cut: false,
            groups: BTreeMap::new(),
            tenants: BTreeMap::new(),
            triggers: BTreeMap::new(),
            due: BTreeMap::new(),
            running: BTreeSet::new(),
            passes: JoinSet::new(),
            actors: JoinSet::new(),
            listed: Default::default(),
        }
    }

    async fn live(mut self, mut queue: Queue) {
        self.list();
        let world = self.world.clone();
        let mut groups = world.cluster.groups.changes.listen();
        let mut tenants = world.cluster.tenants.changes.listen();
        let mut resync = Instant::now() + self.context.settings.resync;
        let mut leads = self.context.leads();
        loop {
            if self.context.stop.is_cancelled() {
                while self.passes.join_next().await.is_some() {}
                return;
            }
            let now = Instant::now();
            if resync <= now {
                resync = now + self.context.settings.resync;
                let all: Vec<String> = self.groups.keys().cloned().collect();
                for name in all {
                    self.wake(&name, now);
                }
            }
            let next_shown = self.watch(now);
            if leads {
                self.begin_what_is_due(now);
            }
            let waiting = self
                .due
                .iter()
                .filter(|(name, _)| !self.running.contains(*name));
            let next_due = waiting.map(|(_, at)| *at).min();
            let next_due = next_due.filter(|_| leads);
            let next = [next_shown, next_due, Some(resync)]
                .into_iter()
                .flatten()
                .min();
            tokio::select! {
                biased;
                Some(ended) = self.passes.join_next() => {
                    let (name, again) = ended.unwrap();
                    self.running.remove(&name);
                    if let Some(again) = again {
                        self.wake(&name, Instant::now() + again);
                    }
                }
                Some(woken) = queue.1.recv() => self.wake(&woken.name, Instant::now()),
                () = groups.ring() => {}
                () = tenants.ring() => {}
                () = self.context.stop.cancelled() => {}
                () = self.context.leading(), if !leads => leads = true,
                () = tokio::time::sleep_until(next.unwrap_or(resync)) => {}
            }
        }
    }

    fn wake(&mut self, name: &str, at: Instant) {
        let due = self.due.entry(name.to_owned()).or_insert(at);
        *due = at.min(*due);
    }

    /// The first list: what is stored now.
    fn list(&mut self) {
        self.tell_group(&Event::Init);
        for (name, versions) in self.world.cluster.groups.histories() {
            self.groups.insert(name.clone(), versions);
            if let Some(group) = self.world.cluster.groups.get(&name) {
                self.tell_group(&Event::InitApply((*group).clone()));
                self.triggers.insert(name.clone(), trigger(&group));
                self.wake(&name, Instant::now());
            }
        }
        self.tell_group(&Event::InitDone);
        self.tell_tenant(Event::Init);
        for (name, versions) in self.world.cluster.tenants.histories() {
            self.tenants.insert(name.clone(), versions);
            if let Some(tenant) = self.world.cluster.tenants.get(&name) {
                self.tell_tenant(Event::InitApply((*tenant).clone()));
            }
        }
        self.tell_tenant(Event::InitDone);
    }

    /// Shows what is old enough, version by version; when the next will be.
    fn watch(&mut self, now: Instant) -> Option<Instant> {
        let world = self.world.clone();
        if world.weather.lock().unwrap().watch_cut {
            self.was_cut = true;
            return Some(now + Duration::from_secs(1));
        }
        if std::mem::take(&mut self.was_cut) {
            self.list();
        }
        let mut next = None;
        let (shown, later) = unseen(&world.cluster.tenants, &mut self.tenants, now, self.lag);
        next = earlier(next, later);
        for (_, shown) in shown {
            self.tell_tenant(match shown {
                Shown::There(tenant) => Event::Apply((*tenant).clone()),
                Shown::Gone(tenant) => Event::Delete((*tenant).clone()),
            });
        }
        let (shown, later) = unseen(&world.cluster.groups, &mut self.groups, now, self.lag);
        for (name, shown) in shown {
            match shown {
                Shown::There(group) => {
                    self.tell_group(&Event::Apply((*group).clone()));
                    let trigger = trigger(&group);
                    if self.triggers.insert(name.clone(), trigger.clone()) != Some(trigger) {
                        self.wake(&name, now);
                    }
                }
                Shown::Gone(group) => {
                    self.tell_group(&Event::Delete((*group).clone()));
                    self.triggers.remove(&name);
                }
            }
        }
        earlier(next, later)
    }

    fn begin_what_is_due(&mut self, now: Instant) {
        let due = self.due.iter();
        let due = due.filter(|(name, at)| **at <= now && !self.running.contains(*name));
        for name in due.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.due.remove(&name);
            let shown = self
                .groups
                .get(&name)
                .and_then(|index| index.checked_sub(1));
            let shown = shown.and_then(|index| self.world.cluster.groups.version(&name, index));
            if let Some((_, Shown::There(group))) = shown {
                self.running.insert(name.clone());
                let pass = panics::pass(group.clone(), self.context.clone());
                let (context, world) = (self.context.clone(), self.world.clone());
                self.passes.spawn(async move {
                    let again = pass.await;
                    if matches!(again, Err(group::Error::Panicked)) {
                        world
                            .oracle
                            .lock()
                            .unwrap()
                            .violations
                            .push("a pass panicked".to_owned());
                    }
                    let failed = |error| Some(failed(&context, &*group, &error));
                    (name, again.unwrap_or_else(failed))
                });
            }
        }
    }

    fn tell_group(&mut self, event: &Event<PasswordSyncGroup>) {
        observe(
            &as_read(event.clone()),
            &None,
            &mut self.listed.0,
            &self.context,
        );
    }

    fn tell_tenant(&mut self, event: Event<IdentityTenant>) {
        observe_tenant(
            as_read(event),
            &None,
            &mut self.listed.1,
            &self.context,
            &mut self.actors,
        );
    }
}

/// As the real watch has it.
fn as_read<K>(event: Event<K>) -> Event<Tolerant<K>> {
    let read = |object| Tolerant::Read(Arc::new(object));
    match event {
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(read(object)),
        Event::InitDone => Event::InitDone,
        Event::Apply(object) => Event::Apply(read(object)),
        Event::Delete(object) => Event::Delete(read(object)),
    }
}

/// The clock of a process that starts now.
fn wound(world: &World) -> Clock {
    let (clock, ahead) = (
        world.clock.clone(),
        world.weather.lock().unwrap().clock_ahead,
    );
    Arc::new(move || clock() + SignedDuration::from_secs(ahead))
}

/// What the watch shows now of a kind, and when it will show more.
fn unseen<K>(
    shelf: &Shelf<K>,
    seen: &mut BTreeMap<String, usize>,
    now: Instant,
    lag: Duration,
) -> (Vec<(String, Shown<K>)>, Option<Instant>)
where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned,
{
    let mut shown = Vec::new();
    let mut next = None;
    for (name, versions) in shelf.histories() {
        let index = seen.entry(name.clone()).or_insert(0);
        while *index < versions {
            let Some((at, version)) = shelf.version(&name, *index) else {
                break;
            };
            if at + lag > now {
                next = earlier(next, Some(at + lag));
                break;
            }
            *index += 1;
            shown.push((name.clone(), version));
        }
    }
    (shown, next)
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

fn trigger(group: &PasswordSyncGroup) -> Trigger {
    let annotation = |name: &str| group.annotations().get(name).cloned();
    (
        group.uid(),
        group.metadata.generation,
        group.finalizers().to_vec(),
        vec![
            annotation(names::RECONCILE_AT),
            annotation(names::PAUSED_UNTIL),
        ],
    )
}
