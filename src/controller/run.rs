//! The watches that drive everything: groups through kube's Controller, tenants each with an
//! actor of its own. What the watch brings is stripped before it is stored, since managed fields
//! are over half of a resource's bytes.

use std::{
    collections::BTreeSet,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, future, stream};
use kube::{
    Api, Client, ResourceExt,
    runtime::{
        Controller, WatchStreamExt,
        controller::{Action, Config},
        predicates,
        reflector::{self, ObjectRef},
        utils::Predicate,
        watcher,
    },
};
use psg_api::{IdentityTenant, PasswordSyncGroup, names};
use tokio::sync::watch;

use crate::{
    context::Context,
    mind,
    reconcile::{self, claimant},
    tenant::Tenant,
    wakes::Queue,
};

/// How many passes run at once in one watched scope. kube looks at each of them whenever one goes
/// on, so ten thousand would take minutes of computing; those that wait long do so outside of a
/// pass, in their tenant's line.
const AT_ONCE: u16 = 256;

/// A namespace to watch; none for all.
pub type Scope = Option<String>;

/// What the process waits for before it can be relied on.
#[derive(Debug, Default)]
pub struct Readiness {
    scopes: AtomicUsize,
    groups: watch::Sender<usize>,
    tenants: AtomicUsize,
}

impl Readiness {
    /// Of a process that watches so many scopes.
    pub fn of(scopes: usize) -> Self {
        Self {
            scopes: AtomicUsize::new(scopes),
            ..Self::default()
        }
    }

    /// Waits until every group that there is has been listed: who owns what, and how many are
    /// managed, is not known before.
    async fn groups_listed(&self) {
        let scopes = self.scopes.load(Ordering::SeqCst);
        let mut groups = self.groups.subscribe();
        // It lives as long as we, so there is no other end than that it is so.
        groups.wait_for(|listed| *listed >= scopes).await.ok();
    }

    /// Everything that is still waited for; nothing if ready.
    pub fn waiting_for(&self) -> Vec<&'static str> {
        let scopes = self.scopes.load(Ordering::SeqCst);
        let mut waiting = Vec::new();
        if scopes == 0 {
            waiting.push("the watches to start");
        }
        if *self.groups.borrow() < scopes {
            waiting.push("the first list of PasswordSyncGroups");
        }
        if self.tenants.load(Ordering::SeqCst) < scopes {
            waiting.push("the first list of IdentityTenants");
        }
        waiting
    }
}

/// Watches and reconciles until the context's `stop`, then until every pass in hand has ended.
pub async fn run(
    client: Client,
    queues: Vec<Queue>,
    context: Arc<Context>,
    readiness: Arc<Readiness>,
) {
    readiness.scopes.store(queues.len(), Ordering::SeqCst);
    let scopes = queues.into_iter().map(|(scope, wakes)| {
        let wakes = stream::unfold(wakes, |mut wakes| async move {
            wakes.recv().await.map(|reference| (reference, wakes))
        });
        let tenants = tenants(client.clone(), scope.clone(), &context, &readiness);
        let groups = groups(client.clone(), scope, wakes, &context, &readiness);
        future::join(tenants, groups)
    });
    future::join_all(scopes).await;
}

fn api<K>(client: Client, scope: Option<&str>) -> Api<K>
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    K::DynamicType: Default,
{
    match scope {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    }
}

/// Lists by pages, each as recent as the server has it. A streamed list begins at any version that
/// the server's cache holds, so a new process would decide on what its predecessor had changed.
fn watching() -> watcher::Config {
    watcher::Config::default().page_size(100)
}

async fn groups(
    client: Client,
    scope: Scope,
    wakes: impl futures::Stream<Item = ObjectRef<PasswordSyncGroup>> + Send + 'static,
    context: &Arc<Context>,
    readiness: &Arc<Readiness>,
) {
    let (reader, writer) = reflector::store();
    let (seen, ready) = (Arc::clone(context), Arc::clone(readiness));
    let mut listed = BTreeSet::new();
    let of_scope = scope.clone();
    let changes = watcher(
        api::<PasswordSyncGroup>(client, scope.as_deref()),
        watching(),
    )
    .default_backoff()
    .modify(strip)
    .inspect_ok(move |event| observe(event, &of_scope, &mut listed, &seen, &ready))
    .reflect(writer)
    .touched_objects()
    .predicate_filter(
        predicates::generation
            .combine(predicates::finalizers)
            .combine(our_annotations),
        kube::runtime::PredicateConfig::default(),
    );
    let again = Arc::clone(context);
    let stop = context.stop.clone();
    Controller::for_stream(changes, reader)
        .with_config(Config::default().concurrency(AT_ONCE))
        .reconcile_on(wakes)
        .reconcile_all_on(now_and_then(Arc::clone(context)))
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(
            |group, context| {
                if context.leads() {
                    guarded(group, context).map_ok(action).boxed()
                } else {
                    future::ok(Action::await_change()).boxed()
                }
            },
            move |group, error, _| Action::requeue(failed(&again, &group, error)),
            Arc::clone(context),
        )
        .for_each(|result| async move {
            match result {
                Ok((group, _)) => tracing::debug!(%group, "pass ended"),
                Err(kube::runtime::controller::Error::ObjectNotFound(group)) => {
                    tracing::debug!(%group, "woken, but gone");
                }
                Err(error) => tracing::warn!(%error, "pass failed"),
            }
        })
        .await;
}

/// All at once when this process begins to act, and every now and then: a settled resource waits
/// for nothing, so a status that another hand wrote, or a wake that was missed, would stay as it is.
fn now_and_then(context: Arc<Context>) -> impl futures::Stream<Item = ()> + Send + 'static {
    stream::unfold((context, true), |(context, first)| async move {
        if first {
            context.leading().await;
        } else {
            tokio::time::sleep(context.settings.resync).await;
        }
        Some(((), (context, false)))
    })
}

/// A panic in one pass is an error of that pass: the others go on.
pub(crate) fn guarded(
    group: Arc<PasswordSyncGroup>,
    context: Arc<Context>,
) -> impl Future<Output = Result<Option<Duration>, reconcile::Error>> + Send {
    let pass = AssertUnwindSafe(reconcile::reconcile(group, Arc::clone(&context))).catch_unwind();
    async move {
        pass.await.unwrap_or_else(|_| {
            context.metrics.pass("panicked");
            Err(reconcile::Error::Panicked)
        })
    }
}

fn action(again: Option<Duration>) -> Action {
    again.map_or_else(Action::await_change, Action::requeue)
}

/// Keeps claims and memories in step with the watch.
pub(crate) fn observe(
    event: &watcher::Event<PasswordSyncGroup>,
    scope: &Scope,
    listed: &mut BTreeSet<String>,
    context: &Arc<Context>,
    readiness: &Readiness,
) {
    match event {
        watcher::Event::Init => listed.clear(),
        watcher::Event::InitApply(group) => {
            listed.extend(group.uid());
            take_in(group, context);
        }
        watcher::Event::Apply(group) => take_in(group, context),
        watcher::Event::Delete(group) => let_go(&group.uid().unwrap_or_default(), context),
        watcher::Event::InitDone => {
            let missing = context.claims().uids_in(scope.as_deref());
            for uid in missing.difference(listed) {
                let_go(uid, context);
            }
            listed.clear();
            readiness.groups.send_modify(|listed| *listed += 1);
        }
    }
}

fn take_in(group: &PasswordSyncGroup, context: &Context) {
    if let Some(claimant) = claimant(group, context.now()) {
        context.minds.seen(&claimant.uid, mind::version(group));
        let mut claims = context.claims_mut();
        let rivals = claims.insert(claimant);
        context.wakes.wake(&claims, &rivals);
    }
}

fn let_go(uid: &str, context: &Context) {
    context.minds.forget(uid);
    let mut claims = context.claims_mut();
    let tenant = claims.claimant(uid).map(|claimant| claimant.tenant.clone());
    let rivals = claims.remove(uid);
    if let Some(tenant) = tenant.filter(|tenant| claims.members(tenant).is_empty()) {
        context.tenants.forget(&tenant);
    }
    context.wakes.wake(&claims, &rivals);
}

pub(crate) fn failed(
    context: &Context,
    group: &PasswordSyncGroup,
    error: &reconcile::Error,
) -> Duration {
    let mind = context.minds.failures(&group.uid().unwrap_or_default());
    tracing::warn!(name = group.name_any(), namespace = group.namespace(), %error, "pass failed");
    mind::backoff(mind, (context.jitter)())
}

async fn tenants(client: Client, scope: Scope, context: &Arc<Context>, readiness: &Arc<Readiness>) {
    let changes = watcher(api::<IdentityTenant>(client, scope.as_deref()), watching())
        .default_backoff()
        .modify(strip)
        .take_until(context.stop.clone().cancelled_owned());
    let mut changes = std::pin::pin!(changes);
    let mut actors = tokio::task::JoinSet::new();
    let mut listed = BTreeSet::new();
    loop {
        let event = match changes.try_next().await {
            Ok(Some(event)) => event,
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "the watch of IdentityTenants stumbled; it goes on");
                continue;
            }
        };
        observe_tenant(event, &scope, &mut listed, context, readiness, &mut actors);
    }
    while actors.join_next().await.is_some() {}
}

/// Keeps tenants and their actors in step with the watch.
pub(crate) fn observe_tenant(
    event: watcher::Event<IdentityTenant>,
    scope: &Scope,
    listed: &mut BTreeSet<String>,
    context: &Arc<Context>,
    readiness: &Arc<Readiness>,
    actors: &mut tokio::task::JoinSet<()>,
) {
    match event {
        watcher::Event::Init => listed.clear(),
        watcher::Event::InitApply(tenant) => {
            listed.insert(full_name(&tenant));
            start(tenant, context, readiness, actors);
        }
        watcher::Event::Apply(tenant) => start(tenant, context, readiness, actors),
        watcher::Event::Delete(tenant) => end(&full_name(&tenant), context),
        watcher::Event::InitDone => {
            let names = context.tenants.names().into_iter();
            let ours = names.filter(|name| in_scope(name, scope));
            for gone in ours
                .filter(|name| !listed.contains(name))
                .collect::<Vec<_>>()
            {
                end(&gone, context);
            }
            listed.clear();
            readiness.tenants.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn start(
    manifest: IdentityTenant,
    context: &Arc<Context>,
    readiness: &Arc<Readiness>,
    actors: &mut tokio::task::JoinSet<()>,
) {
    let name = full_name(&manifest);
    let tenant: Option<Arc<Tenant>> = context.tenants.insert(&name, Arc::new(manifest));
    if let Some(tenant) = tenant {
        context.wake_members(&name);
        let (context, readiness) = (Arc::clone(context), Arc::clone(readiness));
        actors.spawn(async move {
            let begins = async {
                readiness.groups_listed().await;
                context.leading().await;
            };
            let begins = tokio::select! {
                biased;
                () = context.stop.cancelled() => false,
                () = begins => true,
            };
            if begins {
                unbroken(&tenant, &context).await;
            }
        });
    }
}

/// A panic in a tenant's actor is an error of that round: it begins anew after a while, or the
/// tenant would never be read again.
async fn unbroken(tenant: &Arc<Tenant>, context: &Arc<Context>) {
    let mut failures = 0;
    loop {
        let life = crate::actor::run(Arc::clone(tenant), Arc::clone(context));
        if AssertUnwindSafe(life).catch_unwind().await.is_ok() {
            return;
        }
        tracing::error!(
            tenant = tenant.name,
            "reading the tenant panicked, which is a defect of the operator; it is tried again"
        );
        context.metrics.pass("panicked");
        tokio::select! {
            biased;
            () = context.stop.cancelled() => return,
            () = tenant.gone.cancelled() => return,
            () = tokio::time::sleep(mind::backoff(failures, (context.jitter)())) => {}
        }
        failures = failures.saturating_add(1);
    }
}

fn end(name: &str, context: &Context) {
    let need = !context.claims().members(name).is_empty();
    context.tenants.withdraw(name, need);
    context.wake_members(name);
}

fn full_name(tenant: &IdentityTenant) -> String {
    format!(
        "{}/{}",
        tenant.namespace().unwrap_or_default(),
        tenant.name_any()
    )
}

fn in_scope(name: &str, scope: &Scope) -> bool {
    let namespace = name.split_once('/').map_or("", |(namespace, _)| namespace);
    scope.as_ref().is_none_or(|scope| scope == namespace)
}

fn strip<K: kube::Resource>(object: &mut K) {
    let metadata = object.meta_mut();
    metadata.managed_fields = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// The annotations that a pass depends on.
#[allow(clippy::unnecessary_wraps)] // the form of a predicate
fn our_annotations(group: &PasswordSyncGroup) -> Option<u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let annotations = group.metadata.annotations.as_ref();
    let mut hasher = DefaultHasher::new();
    for name in [names::RECONCILE_AT, names::PAUSED_UNTIL] {
        annotations
            .and_then(|annotations| annotations.get(name))
            .hash(&mut hasher);
    }
    Some(hasher.finish())
}
