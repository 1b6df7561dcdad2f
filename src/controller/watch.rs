//! The watches that drive everything: groups through kube's Controller, tenants each with an actor
//! of its own. Objects are stripped before they are stored, since managed fields are over half of a
//! resource's bytes. `watch/handlers.rs` defines what the events mean.

pub(crate) mod handlers;
pub(crate) mod panics;

pub use handlers::Scope;
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{FutureExt, Stream, StreamExt, TryFutureExt, TryStreamExt, future, stream};
use kube::{
    Api, Client, Resource, ResourceExt,
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
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::{
    context::{Context, backoff, requeue::Queue},
    group,
    kubernetes::tolerant::Tolerant,
    watch::panics::Watched,
};

/// How many passes run at once in one watched scope. kube polls all running passes whenever one of
/// them progresses, so ten thousand would take minutes of computing; a resource that waits long for
/// a permit is queued, without a pass.
const AT_ONCE: u16 = 256;

/// Watches and reconciles until the context's `stop`, then until every running pass has ended.
pub async fn run(client: Client, queues: Vec<Queue>, context: Arc<Context>) {
    context
        .readiness
        .scopes
        .store(queues.len(), Ordering::SeqCst);
    let scopes = queues.into_iter().map(|(scope, requeue)| {
        let requeue = stream::unfold(requeue, |mut requeue| async move {
            requeue.recv().await.map(|reference| (reference, requeue))
        });
        let tenants = tenants(client.clone(), scope.clone(), &context);
        let groups = groups(client.clone(), scope, requeue, &context);
        future::join(tenants, groups)
    });
    future::join(future::join_all(scopes), tell_unreadable(&context)).await;
}

/// The watch of one kind. An object that cannot be read does not affect the other objects.
fn watch<K>(
    client: &Client,
    scope: &Scope,
    context: &Arc<Context>,
    watched: &Arc<Watched>,
) -> impl Stream<Item = watcher::Result<watcher::Event<Tolerant<K>>>> + Send + use<K>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let api: Api<Tolerant<K>> = match scope {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let kept = context.audit.annotations.clone();
    let events = move || {
        let kept = kept.clone();
        watcher(api.clone(), watching())
            .default_backoff()
            .modify(move |object| strip(object, &kept))
    };
    Arc::clone(watched).events(Arc::clone(context), events)
}

/// Lists by pages, each as recent as the server has it. A streamed list may begin at any version in
/// the server's cache, so a new process could decide on what its predecessor has changed since.
fn watching() -> watcher::Config {
    watcher::Config::default().page_size(100)
}

async fn groups(
    client: Client,
    scope: Scope,
    requeue: impl Stream<Item = ObjectRef<PasswordSyncGroup>> + Send + 'static,
    context: &Arc<Context>,
) {
    let (reader, writer) = reflector::store();
    context.stores.add(reader.clone());
    let seen = Arc::clone(context);
    let mut listed = BTreeSet::new();
    let watched = Arc::new(Watched::default());
    let changes = watch::<PasswordSyncGroup>(&client, &scope, context, &watched)
        .inspect_ok(move |event| {
            let meaning = || handlers::observe(event, &scope, &mut listed, &seen);
            watched.take_in(&seen, meaning);
        })
        .reflect(writer)
        .touched_objects()
        .predicate_filter(
            predicates::generation
                .combine(predicates::finalizers)
                .combine(our_annotations)
                .combine(readable),
            kube::runtime::PredicateConfig::default(),
        );
    let requeue = requeue.map(|woken| {
        let namespace = woken.namespace.as_deref().unwrap_or_default();
        ObjectRef::new(&woken.name).within(namespace)
    });
    let again = Arc::clone(context);
    let stop = context.stop.clone();
    let stopped = stopped_before_the_list(reader.clone(), stop.clone());
    let passes = Controller::for_stream(changes, reader)
        .with_config(Config::default().concurrency(AT_ONCE))
        .reconcile_on(requeue)
        .reconcile_all_on(now_and_then(Arc::clone(context)))
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(
            |object, context| match &*object {
                Tolerant::Read(group) if context.leads() => {
                    let pass = panics::pass(Arc::clone(group), context);
                    pass.map_ok(action).boxed()
                }
                _ => future::ok(Action::await_change()).boxed(),
            },
            move |object, error, _| Action::requeue(failed(&again, &*object, error)),
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
        });
    tokio::select! {
        biased;
        () = passes => {}
        () = stopped => {}
    }
}

/// Ends when this process is to stop before the first list of groups has come: no pass has begun
/// then, and kube's Controller would wait for that list.
async fn stopped_before_the_list(
    groups: reflector::Store<Tolerant<PasswordSyncGroup>>,
    stop: CancellationToken,
) {
    stop.cancelled().await;
    if groups.wait_until_ready().now_or_never().is_some() {
        future::pending::<()>().await;
    }
}

/// Triggers a pass over every resource when this process becomes the leader, and after each
/// `resync`: a settled resource is not requeued, so a status that another tool wrote, or a missed
/// requeue, would go unnoticed.
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

fn action(again: Option<Duration>) -> Action {
    again.map_or_else(Action::await_change, Action::requeue)
}

pub(crate) fn failed(
    context: &Context,
    group: &impl ResourceExt,
    error: &group::Error,
) -> Duration {
    let state = context
        .resource_states
        .failures(&group.uid().unwrap_or_default());
    tracing::warn!(name = group.name_any(), namespace = group.namespace(), %error, "pass failed");
    backoff::backoff(state, (context.jitter)())
}

async fn tenants(client: Client, scope: Scope, context: &Arc<Context>) {
    let watched = Arc::new(Watched::default());
    let changes = watch::<IdentityTenant>(&client, &scope, context, &watched)
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
        watched.take_in(context, || {
            handlers::observe_tenant(event, &scope, &mut listed, context, &mut actors);
        });
    }
    while actors.join_next().await.is_some() {}
}

/// Drops managed fields, and all annotations but ours and those of the audit trail: the others may
/// hold a quarter of a megabyte in each of ten thousand resources.
fn strip<K: Resource>(object: &mut K, kept: &[String]) {
    let metadata = object.meta_mut();
    metadata.managed_fields = None;
    if let Some(annotations) = &mut metadata.annotations {
        let ours = |name: &str| {
            let group = name.split_once('/').map(|(group, _)| group);
            group == Some(names::GROUP)
        };
        annotations.retain(|name, _| ours(name) || kept.contains(name));
    }
}

/// A hash of the annotations that a pass depends on.
#[allow(clippy::unnecessary_wraps)] // the form of a predicate
fn our_annotations(group: &Tolerant<PasswordSyncGroup>) -> Option<u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let annotations = group.meta().annotations.as_ref();
    let mut hasher = DefaultHasher::new();
    for name in [names::RECONCILE_AT, names::PAUSED_UNTIL] {
        annotations
            .and_then(|annotations| annotations.get(name))
            .hash(&mut hasher);
    }
    Some(hasher.finish())
}

/// An object that can be read again is reconciled, even if its generation is the same.
#[allow(clippy::unnecessary_wraps)] // the form of a predicate
fn readable(group: &Tolerant<PasswordSyncGroup>) -> Option<u64> {
    Some(u64::from(matches!(group, Tolerant::Read(_))))
}

/// Makes one Event for each unreadable object while this process is the leader, until `stop`.
pub(crate) async fn tell_unreadable(context: &Context) {
    let telling = async {
        context.leading().await;
        loop {
            for (about, note) in context.unreadable.news().await {
                context.kubernetes.event(&about, note).await;
            }
        }
    };
    tokio::select! {
        biased;
        () = context.stop.cancelled() => {}
        () = telling => {}
    }
}
