//! Everything that passes share.

pub mod backoff;
pub mod clock;
pub mod metrics;
pub mod readiness;
pub mod requeue;
pub mod resource_states;
pub mod role;
pub mod secret_locks;
pub mod tenant;
pub mod tenants;
pub mod unreadable;

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use jiff::Timestamp;
use psg_domain::{NamespacedName, time};
use psg_identity::{HostPolicy, Limiters, Transport};
use psg_plan::{ClaimIndex, Claimant, Timers, brake};
use psg_snapshot::{Clock, Pictures};
use tokio_util::sync::CancellationToken;

use crate::{
    audit::Audit,
    context::metrics::Metrics,
    context::readiness::Readiness,
    context::requeue::Requeue,
    context::resource_states::ResourceStates,
    context::role::{Role, RoleReceiver},
    context::secret_locks::SecretLocks,
    context::tenants::Tenants,
    context::unreadable::AllUnreadable,
    kubernetes::Kubernetes,
};

/// A number in 0..1 for spreading repeats, given by the code that starts the process.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// What the flags decide.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The periods of the create protocol.
    pub timers: Timers,
    /// How long a tenant may take to answer a write.
    pub post_timeout: Duration,
    /// How often the Secret is read while the credentials do not work.
    pub credentials_retry: Duration,
    /// How often a tenant that refuses is asked again.
    pub probe: Duration,
    /// How often every resource is looked at, whatever the watches showed.
    pub resync: Duration,
    /// Where credentials may travel.
    pub hosts: HostPolicy,
}

impl Settings {
    /// How long a write may wait for the rate limit: with the time for its answer, well within
    /// the time for which a lost create is looked for.
    pub fn queue_timeout(&self) -> Duration {
        self.timers.settle.saturating_sub(self.post_timeout) / 2
    }
}

/// Everything that passes share.
pub struct Context {
    /// The Kubernetes side.
    pub kubernetes: Arc<dyn Kubernetes>,
    /// The tenant side.
    pub transport: Arc<dyn Transport>,
    /// The rate limits, shared by all clients of one client id.
    pub limiters: Limiters,
    /// What was read of tenants, shared by all who read by the same credentials.
    pub pictures: Pictures,
    /// Which tenants let their Secret go at the moment.
    pub secret_locks: SecretLocks,
    /// The time.
    pub clock: Clock,
    /// The dice.
    pub jitter: Jitter,
    /// The flags.
    pub settings: Settings,
    /// The tenants.
    pub tenants: Tenants,
    /// Who owns what.
    pub claims: RwLock<ClaimIndex>,
    /// What is remembered of each resource.
    pub resource_states: ResourceStates,
    /// Who is to be looked at again.
    pub requeue: Requeue,
    /// What cannot be read.
    pub unreadable: AllUnreadable,
    /// What is told of every write to a tenant.
    pub audit: Audit,
    /// The figures.
    pub metrics: Metrics,
    /// What was listed so far.
    pub readiness: Arc<Readiness>,
    /// Whether this process acts. One that does not only watches.
    pub role: RoleReceiver,
    /// The process is about to end: no new write is begun.
    pub stop: CancellationToken,
}

impl Context {
    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Whether this process acts.
    pub fn leads(&self) -> bool {
        *self.role.borrow() == Role::Leader
    }

    /// Waits until it does.
    pub async fn leading(&self) {
        let mut role = self.role.clone();
        let leads = role.wait_for(|role| *role == Role::Leader);
        // Who told it may be gone: then nothing changes any more.
        if leads.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Looks at the claims.
    pub fn claims(&self) -> RwLockReadGuard<'_, ClaimIndex> {
        self.claims.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the claims.
    pub fn claims_mut(&self) -> RwLockWriteGuard<'_, ClaimIndex> {
        self.claims.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a resource claims now, and requeue whom that may free or bind.
    pub fn claim(&self, claimant: Claimant) {
        self.take_in(claimant, ClaimIndex::insert);
    }

    /// The same of what a watch shows.
    pub fn see(&self, claimant: Claimant) {
        self.take_in(claimant, ClaimIndex::see);
    }

    fn take_in(
        &self,
        claimant: Claimant,
        into: impl FnOnce(&mut ClaimIndex, Claimant) -> BTreeSet<String>,
    ) {
        let tenant = claimant.tenant.clone();
        let mut claims = self.claims_mut();
        let rivals = into(&mut claims, claimant);
        self.requeue.now(&claims, &rivals);
        drop(claims);
        self.tenants.claimed(&tenant);
    }

    /// How many deletions of a tenant's groups the brake holds back.
    pub(crate) fn deletions_paused(&self, tenant: &NamespacedName) -> usize {
        let since = time::before(self.now(), brake::WINDOW);
        self.claims().wave(tenant, since).held_back
    }

    /// Requeue every resource of a tenant.
    pub fn requeue_members(&self, tenant: &NamespacedName) {
        let claims = self.claims();
        self.requeue.now(&claims, &claims.members(tenant));
    }
}
