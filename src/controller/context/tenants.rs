//! All IdentityTenants that this process knows.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use psg_api::{IdentityTenant, names};
use psg_domain::TenantName;
use psg_plan::{Finding, InUse};

use crate::context::tenant::Tenant;

/// All tenants, by their resource.
#[derive(Default)]
pub struct Tenants(RwLock<BTreeMap<TenantName, Arc<Tenant>>>);

impl Tenants {
    /// A tenant.
    pub fn get(&self, name: &TenantName) -> Option<Arc<Tenant>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// Takes in a manifest; returns the tenant if it is new and needs an actor.
    pub fn insert(&self, name: &TenantName, manifest: Arc<IdentityTenant>) -> Option<Arc<Tenant>> {
        let mut tenants = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = tenants.get(name).filter(|known| !known.gone.is_cancelled()) {
            let mut is_stripped = false;
            tenant.manifest.send_if_modified(|known| {
                let matters = concerns(known) != concerns(&manifest);
                is_stripped = is_held(known) && !is_held(&manifest);
                *known = manifest;
                matters
            });
            if is_stripped {
                // The actor must check now whether the tenant may be without its finalizer.
                tenant.claimed.notify_one();
            }
            return None;
        }
        let tenant = Arc::new(Tenant::new(name.clone(), manifest));
        tenants.insert(name.clone(), Arc::clone(&tenant));
        Some(tenant)
    }

    /// The claims of a tenant's groups have changed.
    pub fn claimed(&self, name: &TenantName) {
        if let Some(tenant) = self.get(name) {
            tenant.claimed.notify_one();
        }
    }

    /// The IdentityTenant is gone. While groups `need` it, its credentials and picture stay in
    /// memory for their deletion; the Secret is not read again.
    pub fn withdraw(&self, name: &TenantName, need: bool) {
        let mut tenants = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = tenants.get(name) {
            tenant.withdraw();
            if !need {
                tenants.remove(name);
            }
        }
    }

    /// The IdentityTenant cannot be read.
    pub fn block(&self, name: &TenantName, finding: &Finding) {
        if let Some(tenant) = self.get(name) {
            tenant.block(finding.clone());
        }
    }

    /// No group needs a tenant any more: forgets it if its resource is gone.
    pub fn forget(&self, name: &TenantName) {
        let mut tenants = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tenants
            .get(name)
            .is_some_and(|tenant| tenant.gone.is_cancelled())
        {
            tenants.remove(name);
        }
    }

    /// Whether another tenant of the namespace holds a Secret, or is about to. A tenant that was
    /// created again under the name of `me` is another.
    pub fn share(&self, me: &Tenant, namespace: &str, secret: &str) -> bool {
        let tenants = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let others = tenants.values().filter(|other| {
            other.name.namespace() == namespace
                && !std::ptr::eq(Arc::as_ptr(other), me)
                && !other.gone.is_cancelled()
        });
        let mut others = others.map(|other| {
            let (manifest, state) = (other.manifest.borrow(), other.state());
            let recorded = manifest.status.as_ref();
            let recorded = recorded.and_then(|status| status.protected_secret.clone());
            let recorded = recorded.filter(|secret| state.letting_go.as_ref() != Some(secret));
            let wanted = Some(&manifest.spec)
                .filter(|spec| spec.protect_secret && state.in_use == InUse::Held)
                .map(|spec| spec.credentials_secret_ref.name.clone());
            [state.protects, recorded, wanted]
        });
        others.any(|held| held.contains(&Some(secret.to_owned())))
    }

    /// The newest manifest of every tenant whose resource is there.
    pub fn manifests(&self) -> Vec<Arc<IdentityTenant>> {
        let tenants = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let there = tenants
            .values()
            .filter(|tenant| !tenant.gone.is_cancelled());
        there
            .map(|tenant| Arc::clone(&tenant.manifest.borrow()))
            .collect()
    }

    /// The names of all tenants.
    pub fn names(&self) -> Vec<TenantName> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }
}

fn is_held(tenant: &IdentityTenant) -> bool {
    let mut finalizers = tenant.metadata.finalizers.iter().flatten();
    finalizers.any(|held| held == names::IN_USE)
}

/// What of a manifest the actor reacts to: identity, spec and annotations, not its own status.
fn concerns(tenant: &IdentityTenant) -> impl PartialEq + use<> {
    let metadata = &tenant.metadata;
    (
        metadata.uid.clone(),
        metadata.generation,
        metadata.annotations.clone(),
    )
}
