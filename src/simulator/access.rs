//! What a test or the control port may look at and change in a tenant. No IO, no rules.

use std::collections::BTreeMap;

use crate::{
    auth::CredentialPatch, faults::Fault, latency::Latency, ledger::Ledger, limiter::RateLimit,
    state::State, switches::Switches, tenant::Tenant,
};

impl Tenant {
    /// How many effects are still to come.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Orders a fault.
    pub fn add_fault(&mut self, fault: Fault) {
        self.faults.add(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// The ordered faults, used up or not.
    pub fn faults(&self) -> &[Fault] {
        self.faults.orders()
    }

    /// Everything the tenant holds.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The same, for changes that skip the API's rules and effects.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// The switches.
    pub fn switches(&self) -> &Switches {
        &self.switches
    }

    /// The switches, to be set.
    pub fn switches_mut(&mut self) -> &mut Switches {
        &mut self.switches
    }

    /// Every request so far.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Forgets every request so far.
    pub fn clear_ledger(&mut self) {
        self.ledger.clear();
        self.limiter.forget_most();
    }

    /// The most requests seen in any window, by limiter key.
    pub fn most_in_window(&self) -> BTreeMap<String, usize> {
        self.limiter.most_in_window()
    }

    /// Sets the rate limit.
    pub fn set_rate_limit(&mut self, limit: RateLimit) {
        self.rate_limit = limit;
    }

    /// Sets how long answers take.
    pub fn set_latency(&mut self, latency: Latency) {
        self.latency = latency;
    }

    /// Ends every token and says how many there were.
    pub fn revoke_tokens(&mut self) -> usize {
        self.auth.revoke_all()
    }

    /// Changes a credential or the tenant's names; `Err` says why not.
    pub fn patch_credentials(&mut self, patch: &CredentialPatch) -> Result<(), String> {
        let tenant_only = CredentialPatch {
            org: patch.org.clone(),
            tenant_id: patch.tenant_id.clone(),
            ..CredentialPatch::default()
        };
        if *patch != tenant_only {
            self.auth.patch(patch)?;
        }
        if let Some(org) = &patch.org {
            self.org.clone_from(org);
        }
        if let Some(tenant_id) = &patch.tenant_id {
            self.tenant_id.clone_from(tenant_id);
        }
        Ok(())
    }
}
