//! What the events of the watches mean: for claims and memories, for tenants and their actors. No IO.
//!
//! An object that cannot be read is neither new nor gone. A group that cannot be read keeps what
//! it holds, and nothing is done about it. An IdentityTenant that cannot be read blocks its
//! groups, since what it asks for is not known.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use kube::{ResourceExt, runtime::watcher};
use psg_api::{IdentityTenant, PasswordSyncGroup, held_of, names};
use psg_domain::TenantName;
use psg_plan::{
    Claimant,
    claims::{Held, Wanted},
};

use crate::{
    context::{
        Context,
        tenant::{Tenant, unreadable},
    },
    group::claims::claimant,
    kubernetes::{
        tolerant::{Tolerant, Unreadable},
        version,
    },
    watch::panics,
};

/// A namespace to watch; none for all.
pub type Scope = Option<String>;

/// Keeps claims and memories in step with the watch.
pub(crate) fn observe(
    event: &watcher::Event<Tolerant<PasswordSyncGroup>>,
    scope: &Scope,
    listed: &mut BTreeSet<String>,
    context: &Arc<Context>,
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
            context.readiness.groups.send_modify(|listed| *listed += 1);
        }
    }
}

fn take_in(object: &Tolerant<PasswordSyncGroup>, context: &Context) {
    let Some(uid) = object.uid() else { return };
    context.unreadable.saw(&context.metrics, &uid, object);
    match object {
        Tolerant::Read(group) => {
            context.resource_states.seen(&uid, version(&group.metadata));
            if let Some(claimant) = claimant(group, context.now()) {
                context.see(claimant);
            }
        }
        Tolerant::Unreadable(bad) => context.claim(still_held(uid, bad, context)),
    }
}

/// The claims of a group that cannot be read: those it had while it could be read, or else what its
/// status records. It is not `eager`: it cannot act, so it wins nothing that no status records.
fn still_held(uid: String, bad: &Unreadable, context: &Context) -> Claimant {
    if let Some(known) = context.claims().claimant(&uid) {
        let eager = false;
        return Claimant {
            eager,
            ..known.clone()
        };
    }
    let namespace = bad.metadata.namespace.clone().unwrap_or_default();
    let tenant = bad.content["spec"]["tenantRef"]["name"].as_str();
    let created = bad.metadata.creation_timestamp.as_ref();
    let claimant = Claimant {
        uid,
        name: bad.metadata.name.clone().unwrap_or_default(),
        created: created.map_or(Timestamp::MAX, |time| time.0),
        tenant: TenantName::new(namespace.clone(), tenant.unwrap_or("default")),
        namespace,
        eager: false,
        wanted: Wanted::default(),
        held: Held::of(&held_of(&bad.content["status"])),
    };
    let mut finalizers = bad.metadata.finalizers.iter().flatten();
    claimant
        .leaving(bad.metadata.deletion_timestamp.is_some())
        .holding(finalizers.any(|held| held == names::FINALIZER))
}

fn let_go(uid: &str, context: &Context) {
    context.resource_states.forget(uid);
    context
        .unreadable
        .forget::<PasswordSyncGroup>(&context.metrics, uid);
    let mut claims = context.claims_mut();
    let tenant = claims.claimant(uid).map(|claimant| claimant.tenant.clone());
    let rivals = claims.remove(uid, context.now());
    if let Some(tenant) = tenant {
        context.tenants.claimed(&tenant);
        if claims.members(&tenant).is_empty() {
            context.tenants.forget(&tenant);
        }
    }
    context.requeue.now(&claims, &rivals);
}

/// Keeps tenants and their actors in step with the watch.
pub(crate) fn observe_tenant(
    event: watcher::Event<Tolerant<IdentityTenant>>,
    scope: &Scope,
    listed: &mut BTreeSet<TenantName>,
    context: &Arc<Context>,
    actors: &mut tokio::task::JoinSet<()>,
) {
    match event {
        watcher::Event::Init => listed.clear(),
        watcher::Event::InitApply(tenant) => {
            listed.insert(full_name(&tenant));
            start(tenant, context, actors);
        }
        watcher::Event::Apply(tenant) => start(tenant, context, actors),
        watcher::Event::Delete(tenant) => end(&full_name(&tenant), context),
        watcher::Event::InitDone => {
            let names = context.tenants.names().into_iter();
            let unreadable = context.unreadable.names::<IdentityTenant>().into_iter();
            let unreadable = unreadable.map(|it| TenantName::new(it.namespace, it.name));
            let names = names.chain(unreadable);
            let ours = names.filter(|name| in_scope(name, scope));
            for gone in ours
                .filter(|name| !listed.contains(name))
                .collect::<Vec<_>>()
            {
                end(&gone, context);
            }
            listed.clear();
            context.readiness.tenants.send_modify(|listed| *listed += 1);
        }
    }
}

fn start(
    object: Tolerant<IdentityTenant>,
    context: &Arc<Context>,
    actors: &mut tokio::task::JoinSet<()>,
) {
    let name = full_name(&object);
    context
        .unreadable
        .saw(&context.metrics, &name.to_string(), &object);
    let tenant: Option<Arc<Tenant>> = match object {
        Tolerant::Read(manifest) => context.tenants.insert(&name, manifest),
        Tolerant::Unreadable(bad) => {
            context.tenants.block(&name, &unreadable(&name, &bad.why));
            context.requeue_members(&name);
            None
        }
    };
    if let Some(tenant) = tenant {
        context.metrics.know(&name);
        context.requeue_members(&name);
        let context = Arc::clone(context);
        actors.spawn(async move {
            let begins = async {
                context.readiness.groups_listed().await;
                context.leading().await;
            };
            let begins = tokio::select! {
                biased;
                () = context.stop.cancelled() => false,
                () = begins => true,
            };
            if begins {
                panics::actor(tenant, context).await;
            }
        });
    }
}

fn end(name: &TenantName, context: &Context) {
    context
        .unreadable
        .forget::<IdentityTenant>(&context.metrics, &name.to_string());
    let need = !context.claims().members(name).is_empty();
    context.tenants.withdraw(name, need);
    context.metrics.forget(name);
    context.requeue_members(name);
}

fn full_name(tenant: &Tolerant<IdentityTenant>) -> TenantName {
    TenantName::new(tenant.namespace().unwrap_or_default(), tenant.name_any())
}

fn in_scope(name: &TenantName, scope: &Scope) -> bool {
    scope.as_ref().is_none_or(|scope| scope == name.namespace())
}
