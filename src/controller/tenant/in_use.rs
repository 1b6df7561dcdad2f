//! Whether an IdentityTenant may be deleted: the finalizer `passwordsync.dev/in-use` is on it while
//! a group needs it. Recomputed each time from the claims. Writes finalizers of tenants, nothing
//! else.
//!
//! # Guarantees
//! - A group begins only while the tenant has the finalizer (`plan` checks [`InUse`]), and it
//!   registers its claim before that check. `try_keep` works in the reverse order: it sets
//!   [`InUse::No`], then checks the claims. So at least one of the two sees the other.
//! - A tenant that is being deleted loses the finalizer only after each of its groups was read
//!   live.

use std::sync::Arc;

use kube::ResourceExt;
use psg_api::{IdentityTenant, names};
use psg_plan::InUse;

use crate::{
    context::{Context, tenant::Tenant},
    group::claims::holds_finalizer,
    kubernetes::KubeError,
    tenant::{protect, status::place},
};

/// Sets the finalizer or takes it off, as the claims require now. `newest` is the resource as it
/// was stored last; `keep` updates it.
///
/// # Errors
/// What Kubernetes answered; to be tried again after a while.
pub async fn keep(
    context: &Context,
    tenant: &Tenant,
    newest: &mut Arc<IdentityTenant>,
) -> Result<(), KubeError> {
    for _ in 0..3 {
        match try_keep(context, tenant, newest).await {
            Err(KubeError::Conflict) => {}
            Err(KubeError::Gone) => return Ok(()),
            other => return other,
        }
        let (namespace, name) = place(newest);
        match context.kubernetes.tenant(&namespace, &name).await {
            // An IdentityTenant that was created again under this name has its own actor.
            Ok(live) if live.metadata.uid != newest.metadata.uid => return Ok(()),
            Ok(live) => *newest = Arc::new(live),
            Err(KubeError::Gone) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Err(KubeError::Conflict)
}

async fn try_keep(
    context: &Context,
    tenant: &Tenant,
    newest: &mut Arc<IdentityTenant>,
) -> Result<(), KubeError> {
    let ending = newest.metadata.deletion_timestamp.is_some();
    let held = newest.finalizers().iter().any(|held| held == names::IN_USE);
    let needed = || context.claims().is_in_use(&tenant.name, ending);
    if ending {
        say(context, tenant, InUse::Ending);
        if held && !needed() && !is_needed_live(context, tenant).await? {
            end(context, tenant, newest).await?;
        }
        return Ok(());
    }
    if held && needed() {
        say(context, tenant, InUse::Held);
        return Ok(());
    }
    say(context, tenant, InUse::No);
    match (held, needed()) {
        (false, true) => *newest = hold(context, newest).await?,
        (true, false) => {
            end(context, tenant, newest).await?;
            return Ok(());
        }
        (false, false) => return Ok(()),
        (true, true) => {}
    }
    say(context, tenant, InUse::Held);
    Ok(())
}

fn say(context: &Context, tenant: &Tenant, in_use: InUse) {
    if tenant.update(|state| state.in_use = in_use) {
        context.requeue_members(&tenant.name);
    }
}

/// The watch may not show yet that a group got its finalizer.
async fn is_needed_live(context: &Context, tenant: &Tenant) -> Result<bool, KubeError> {
    let members: Vec<(String, String)> = {
        let claims = context.claims();
        let uids = claims.members(&tenant.name);
        let members = uids.iter().filter_map(|uid| claims.claimant(uid));
        members
            .map(|member| (member.namespace.clone(), member.name.clone()))
            .collect()
    };
    for (namespace, name) in members {
        match context.kubernetes.group(&namespace, &name).await {
            Ok(live) if holds_finalizer(&live) => return Ok(true),
            Ok(_) | Err(KubeError::Gone) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

async fn hold(
    context: &Context,
    tenant: &IdentityTenant,
) -> Result<Arc<IdentityTenant>, KubeError> {
    let mut finalizers = tenant.finalizers().to_vec();
    finalizers.push(names::IN_USE.to_owned());
    store(context, tenant, finalizers).await
}

/// The Secret is released first: without the tenant's finalizer its record can be lost.
async fn end(
    context: &Context,
    tenant: &Tenant,
    newest: &mut Arc<IdentityTenant>,
) -> Result<(), KubeError> {
    protect::let_go(context, tenant, newest).await?;
    let held = newest.finalizers().iter();
    let others = held.filter(|held| *held != names::IN_USE);
    *newest = store(context, newest, others.cloned().collect()).await?;
    Ok(())
}

async fn store(
    context: &Context,
    tenant: &IdentityTenant,
    finalizers: Vec<String>,
) -> Result<Arc<IdentityTenant>, KubeError> {
    let kubernetes = &context.kubernetes;
    let stored = kubernetes.set_tenant_finalizers(tenant, finalizers).await?;
    Ok(Arc::new(stored))
}
