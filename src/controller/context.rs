//! Everything that passes share.

pub mod backoff;
pub mod clock;
pub mod metrics;
pub mod readiness;
pub mod requeue;
pub mod resource_states;
pub mod role;
pub mod secret_locks;
pub mod stores;
pub mod tenant;
pub mod tenants;
pub mod unreadable;

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use psg_domain::{TenantName, time};
use psg_identity::{HostPolicy, Limiters, Transport};
use psg_plan::{ClaimIndex, Claimant, Timers, brake};
use psg_snapshot::{Clock, Pictures};
use tokio_util::sync::CancellationToken;

use crate::{
    audit::Audit,
    context::{
        metrics::Metrics,
        readiness::Readiness,
        requeue::Requeue,
        resource_states::ResourceStates,
        role::{Role, RoleReceiver},
        secret_locks::SecretLocks,
        stores::Stores,
        tenants::Tenants,
        unreadable::AllUnreadable,
    },
    kubernetes::{Kubernetes, Note},
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
    /// How often a tenant that refuses a call is asked again.
    pub probe: Duration,
    /// How often every resource is reconciled, whatever the watches showed.
    pub resync: Duration,
    /// To which hosts credentials may be sent.
    pub hosts: HostPolicy,
}

impl Settings {
    /// How long a write may wait for the rate limit: together with `post_timeout` well within
    /// `settle`, the time for which a lost create is looked for.
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
    /// The pictures of tenants; clients with the same credentials share one.
    pub pictures: Pictures,
    /// Lets one tenant of a namespace at a time release its Secret.
    pub secret_locks: SecretLocks,
    /// The time.
    pub clock: Clock,
    /// The source of random numbers for backoffs.
    pub jitter: Jitter,
    /// The flags.
    pub settings: Settings,
    /// The tenants.
    pub tenants: Tenants,
    /// What the watches of groups show.
    pub stores: Stores,
    /// The claims: which resource owns what.
    pub claims: RwLock<ClaimIndex>,
    /// What is remembered of each resource.
    pub resource_states: ResourceStates,
    /// The queues of resources to reconcile again.
    pub requeue: Requeue,
    /// The objects that cannot be read.
    pub unreadable: AllUnreadable,
    /// The audit trail of all writes to tenants.
    pub audit: Audit,
    /// The metrics.
    pub metrics: Metrics,
    /// Which first lists are complete.
    pub readiness: Arc<Readiness>,
    /// The role of this process: only the leader acts, a standby only watches.
    pub role: RoleReceiver,
    /// The process is about to end: no new write is begun.
    pub stop: CancellationToken,
}

impl Context {
    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Whether this process is the leader.
    pub fn leads(&self) -> bool {
        *self.role.borrow() == Role::Leader
    }

    /// Waits until this process is the leader.
    pub async fn leading(&self) {
        let mut role = self.role.clone();
        let leads = role.wait_for(|role| *role == Role::Leader);
        // If the sender of the role is gone, the role never changes again.
        if leads.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Locks the claims for reading.
    pub fn claims(&self) -> RwLockReadGuard<'_, ClaimIndex> {
        self.claims.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the claims for a change.
    pub fn claims_mut(&self) -> RwLockWriteGuard<'_, ClaimIndex> {
        self.claims.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers what a resource claims now, and requeues the resources that this may free or bind.
    pub fn claim(&self, claimant: Claimant) {
        self.take_in(claimant, ClaimIndex::insert);
    }

    /// Like [`Self::claim`] for what a watch shows, which takes no announced record back.
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

    /// Makes an Event about an object, and a line with the same words in the log.
    pub(crate) async fn tell(&self, about: &ObjectReference, note: Note) {
        tracing::info!(
            kind = about.kind,
            namespace = about.namespace,
            name = about.name,
            reason = note.reason,
            "{}",
            note.text
        );
        self.kubernetes.event(about, note).await;
    }

    /// How many deletions of a tenant's groups the brake holds back.
    pub(crate) fn deletions_paused(&self, tenant: &TenantName) -> usize {
        let since = time::before(self.now(), brake::WINDOW);
        self.claims().wave(tenant, since).held_back
    }

    /// Requeues every resource of a tenant.
    pub fn requeue_members(&self, tenant: &TenantName) {
        let claims = self.claims();
        self.requeue.now(&claims, &claims.members(tenant));
    }
}
