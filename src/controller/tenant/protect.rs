//! Whether a tenant's Secret may be deleted: the finalizer `passwordsync.dev/in-use` is on the
//! Secret while it is on the tenant and `spec.protectSecret` is true. Writes finalizers of Secrets,
//! nothing else.
//!
//! # Guarantees
//! - The finalizer is only put on a Secret whose credentials the tenant accepted.
//! - The Secret is recorded in the tenant's status before it gets the finalizer, and until it is
//!   released.
//! - Of several tenants with one Secret only the last takes the finalizer off: while one tenant
//!   checks whether others need the Secret and takes the finalizer off, no other begins to need it.
//! - A finalizer without a record, such as on a Secret that was restored from a copy, is taken off by
//!   the tenant that reads the Secret and does not need it held.
//! - Without the right to patch the Secret, groups are still reconciled, and the tenant's status
//!   reports it. Only if the finalizer is on the Secret already, its record and the IdentityTenant
//!   stay until it is off: otherwise nothing would record that finalizer.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use psg_api::{IdentityTenant, names};
use psg_domain::time;
use psg_plan::{Finding, Reason};
use serde_json::json;

use crate::{
    context::{Context, tenant::Tenant},
    kubernetes::KubeError,
    tenant::status::{self, place},
};

/// Puts the finalizer on the Secret or takes it off, as the tenant requires now.
///
/// # Errors
/// What Kubernetes answered; to be tried again after a while.
pub async fn keep(
    context: &Context,
    tenant: &Tenant,
    newest: &mut Arc<IdentityTenant>,
) -> Result<(), KubeError> {
    let in_use = newest.finalizers().iter().any(|held| held == names::IN_USE);
    let wanted = newest.spec.credentials_secret_ref.name.clone();
    let wanted = Some(wanted).filter(|_| in_use && newest.spec.protect_secret);
    if recorded(newest) != wanted {
        let_go(context, tenant, newest).await?;
    }
    tenant.update(|state| {
        state.unreleased = None;
        match wanted {
            Some(_) => state.letting_go = None,
            None => state.unprotected = None,
        }
    });
    let now = context.now();
    let state = tenant.state();
    let refused = state.unprotected.is_some_and(|(until, _)| until > now);
    let held = state.secret.as_ref().is_none_or(is_held);
    match wanted {
        // A manifest can name any Secret: only one that the tenant accepted gets the finalizer.
        Some(secret) if state.verified && !refused && (recorded(newest).is_none() || !held) => {
            hold(context, tenant, newest, &secret).await
        }
        None if recorded(newest).is_none() && state.secret.as_ref().is_some_and(has_finalizer) => {
            take_off(context, tenant, newest).await
        }
        _ => Ok(()),
    }
}

/// Takes off a finalizer that no status records. If that is forbidden, the tenant does not wait for
/// it.
async fn take_off(
    context: &Context,
    tenant: &Tenant,
    newest: &IdentityTenant,
) -> Result<(), KubeError> {
    let (namespace, _) = place(newest);
    let secret = newest.spec.credentials_secret_ref.name.as_str();
    match release(context, tenant, &namespace, secret).await {
        Ok(_) | Err(KubeError::Gone) => Ok(()),
        Err(KubeError::Forbidden(why)) => {
            tracing::warn!(
                tenant = %tenant.name,
                secret,
                why,
                "a finalizer stays on the Secret"
            );
            tenant.update(|state| state.secret = None);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Takes the finalizer off the recorded Secret, unless another tenant needs it, then removes the
/// record.
///
/// # Errors
/// What Kubernetes answered; to be tried again after a while.
pub async fn let_go(
    context: &Context,
    tenant: &Tenant,
    newest: &mut Arc<IdentityTenant>,
) -> Result<(), KubeError> {
    let Some(secret) = recorded(newest) else {
        return Ok(());
    };
    // Set first: a tenant that releases the same Secret now may still see this record, and must not
    // leave the finalizer on because of it.
    tenant.update(|state| {
        state.protects = None;
        state.letting_go = Some(secret.clone());
    });
    let (namespace, _) = place(newest);
    match release(context, tenant, &namespace, &secret).await {
        Ok(_) | Err(KubeError::Gone) => {}
        Err(KubeError::Forbidden(why)) => {
            let known = tenant.state().secret;
            let known = known.filter(|known| known.name.as_ref() == Some(&secret));
            if let Some(held) = known.filter(has_finalizer) {
                let finding = not_released(&namespace, &secret, &held, &why);
                tenant.update(|state| state.unreleased = Some(finding));
                return Err(KubeError::Forbidden(why));
            }
            // As far as known the Secret has no finalizer. In a namespace that is being deleted,
            // the right to read it may be gone first.
            let tenant = &tenant.name;
            tracing::warn!(
                %tenant,
                secret,
                why,
                "the Secret cannot be looked at any more"
            );
        }
        Err(error) => return Err(error),
    }
    tenant.update(|state| state.unreleased = None);
    *newest = status::record_secret(context, newest, None).await?;
    Ok(())
}

async fn hold(
    context: &Context,
    tenant: &Tenant,
    newest: &mut Arc<IdentityTenant>,
    secret: &str,
) -> Result<(), KubeError> {
    let (namespace, _) = place(newest);
    {
        let _alone = context.secret_locks.lock(&namespace).await;
        tenant.update(|state| state.protects = Some(secret.to_owned()));
    }
    if recorded(newest).is_none() {
        *newest = status::record_secret(context, newest, Some(secret)).await?;
    }
    let add = |held: &mut Vec<String>| {
        if !held.iter().any(|held| held == names::IN_USE) {
            held.push(names::IN_USE.to_owned());
        }
    };
    let (known, unprotected) = match write(context, tenant, &namespace, secret, add).await {
        Ok(stored) => (Some(stored), None),
        // A missing Secret is reported when the credentials are loaded.
        Err(KubeError::Gone) => return Ok(()),
        Err(KubeError::Forbidden(why)) => {
            let until = time::after(context.now(), context.settings.probe);
            (None, Some((until, not_protected(secret, &why))))
        }
        Err(error) => return Err(error),
    };
    tenant.update(|state| {
        state.secret = known.or_else(|| state.secret.take());
        state.unprotected = unprotected;
    });
    Ok(())
}

/// Takes the finalizer off a Secret, unless another tenant needs it.
async fn release(
    context: &Context,
    tenant: &Tenant,
    namespace: &str,
    secret: &str,
) -> Result<ObjectMeta, KubeError> {
    // `write` calls this between its read and its patch of the Secret.
    let remove = |held: &mut Vec<String>| {
        if !context.tenants.share(tenant, namespace, secret) {
            held.retain(|held| held != names::IN_USE);
        }
    };
    let _alone = context.secret_locks.lock(namespace).await;
    write(context, tenant, namespace, secret, remove).await
}

/// Applies `change` to the finalizers of a Secret as it is stored now, and stores a difference. A
/// Secret that is being deleted takes no new finalizer.
async fn write(
    context: &Context,
    tenant: &Tenant,
    namespace: &str,
    name: &str,
    change: impl Fn(&mut Vec<String>),
) -> Result<ObjectMeta, KubeError> {
    for _ in 0..3 {
        let known = context.kubernetes.secret(namespace, name).await?.metadata;
        tenant.update(|state| state.secret = Some(known.clone()));
        let before = known.finalizers.clone().unwrap_or_default();
        let mut after = before.clone();
        change(&mut after);
        let more = after.len() > before.len();
        if after == before || (more && known.deletion_timestamp.is_some()) {
            return Ok(known);
        }
        match context
            .kubernetes
            .set_secret_finalizers(&known, after)
            .await
        {
            Err(KubeError::Conflict) => {}
            other => return other,
        }
    }
    Err(KubeError::Conflict)
}

fn recorded(tenant: &IdentityTenant) -> Option<String> {
    tenant.status.as_ref()?.protected_secret.clone()
}

/// Whether the Secret has the finalizer, or cannot get it any more.
fn is_held(secret: &ObjectMeta) -> bool {
    secret.deletion_timestamp.is_some() || has_finalizer(secret)
}

fn has_finalizer(secret: &ObjectMeta) -> bool {
    let mut finalizers = secret.finalizers.iter().flatten();
    finalizers.any(|held| held == names::IN_USE)
}

fn not_protected(secret: &str, why: &str) -> Finding {
    let message = format!(
        "Secret \"{secret}\" can be deleted while groups need it, since the operator may not set its \
         finalizer: grant patch on Secrets, or set protectSecret: false ({why})"
    );
    Finding::new(Reason::SecretNotProtected, message)
}

fn not_released(namespace: &str, secret: &str, held: &ObjectMeta, why: &str) -> Finding {
    let finalizers = held.finalizers.iter().flatten();
    let others: Vec<&String> = finalizers.filter(|held| *held != names::IN_USE).collect();
    let patch = json!({"metadata": {"finalizers": others}});
    let message = format!(
        "Secret \"{secret}\" is not needed any more, and cannot be deleted, since the operator may not \
         take its finalizer {ours} off ({why}): grant get and patch on Secrets, or run kubectl patch \
         secret {secret} -n {namespace} --type=merge -p '{patch}'; this IdentityTenant stays as long. \
         Where the operator may not even get the Secret, take the finalizer off this IdentityTenant \
         next",
        ours = names::IN_USE,
    );
    Finding::new(Reason::SecretNotReleased, message)
}

#[cfg(test)]
mod tests {
    use psg_domain::TenantName;
    use psg_plan::InUse;

    use super::*;
    use crate::{context::tenants::Tenants, tests::objects};

    fn made(tenants: &Tenants, uid: &str) -> Arc<Tenant> {
        let manifest = objects::tenant(&json!({"name": "default", "namespace": "ns", "uid": uid}));
        tenants
            .insert(&TenantName::new("ns", "default"), Arc::new(manifest))
            .unwrap()
    }

    #[test]
    fn one_that_is_made_again_under_its_name_shares_the_secret_with_the_old_one() {
        let tenants = Tenants::default();
        let old = made(&tenants, "one");
        assert!(!tenants.share(&old, "ns", "pat"), "it is alone");
        tenants.withdraw(&TenantName::new("ns", "default"), false);
        let new = made(&tenants, "two");
        assert!(!tenants.share(&old, "ns", "pat"), "not in use");
        new.update(|state| state.in_use = InUse::Held);
        assert!(tenants.share(&old, "ns", "pat"));
        assert!(!tenants.share(&old, "ns", "other"));
        assert!(!tenants.share(&old, "elsewhere", "pat"));
        assert!(!tenants.share(&new, "ns", "pat"), "with itself");
    }
}
