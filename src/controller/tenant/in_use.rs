//! Whether an IdentityTenant may go: the finalizer `passwordsync.dev/in-use` is on it while a group
//! needs it. Recomputed each time from who holds what. Writes finalizers of tenants, nothing else.
//!
//! # Guarantees
//! - A group begins only where the finalizer is (`plan` asks [`InUse`]), and says that it needs the
//!   tenant before it asks. Here it is the other way about: it is said that the tenant may go, then
//!   asked who needs it. So one of the two sees the other.
//! - A tenant that is being deleted goes only after each of its groups was read live.

use std::sync::Arc;

use kube::ResourceExt;
use psg_api::{IdentityTenant, names};
use psg_plan::InUse;

use crate::{
    context::Context, context::tenant::Tenant, group::claims::holds_finalizer,
    kubernetes::KubeError, tenant::protect, tenant::status::place,
};

/// Sets or ends the finalizer, as the claims have it now. `newest` is the resource as it was stored
/// last, before and after.
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
            // One that was made again under the name is not ours to hold.
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

/// The watch may not show yet what a group has come to hold.
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

/// The Secret goes first: nobody remembers it afterwards.
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
