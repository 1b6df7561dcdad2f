//! What a decision is made from.

use std::time::Duration;

use jiff::Timestamp;
use psg_domain::{Desired, Picture, Recorded, desired::ManagementPolicy};

use crate::{
    action::Remembered,
    claims::ClaimIndex,
    engine::Engine,
    observed::{Object, TenantView, Timers},
    outcome::Outcome,
    reason::{Finding, Reason},
    resolve::Unresolved,
};

/// One resource and everything that may influence it.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The resource itself.
    pub object: Object,
    /// What its manifest wants; an error if the stored manifest cannot be read.
    pub desired: Result<Desired, String>,
    /// What its status remembers.
    pub recorded: Recorded,
    /// Its tenant.
    pub tenant: TenantView,
    /// What was read of that tenant.
    pub picture: &'a Picture,
    /// Who owns what, over all resources.
    pub claims: &'a ClaimIndex,
    /// What this process remembers of the resource.
    pub engine: Engine,
    /// The periods of the protocols.
    pub timers: Timers,
    /// How long to wait before something that just failed is tried again.
    pub backoff: Duration,
}

impl Case<'_> {
    /// The references of the manifest, looked up.
    pub(crate) fn resolve(&self) -> Result<crate::Resolved, Vec<Unresolved>> {
        match &self.desired {
            Ok(desired) => crate::resolve(desired, &self.recorded, self.picture),
            Err(why) => {
                let finding = Finding::new(Reason::InvalidSpec, why.clone());
                Err(vec![Unresolved::Wrong(finding)])
            }
        }
    }

    pub(crate) fn is_paused(&self, now: Timestamp) -> bool {
        self.object.is_paused(now)
    }

    pub(crate) fn observes(&self) -> bool {
        self.desired
            .as_ref()
            .is_ok_and(|d| d.management == ManagementPolicy::Observe)
    }

    /// Whether there is anything that a deletion would have to look for in the tenant.
    pub(crate) fn may_have_made(&self) -> bool {
        let recorded = &self.recorded;
        recorded.held().is_some()
            || recorded.intent.is_some()
            || recorded.deletion.is_some()
            || !recorded.leaving.is_empty()
    }

    pub(crate) fn just_recorded(&self, memory: Remembered) -> bool {
        self.engine.last == Some(Outcome::Recorded(memory))
    }
}
