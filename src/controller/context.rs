//! Everything that passes share.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use jiff::Timestamp;
use psg_domain::time;
use psg_identity::{HostPolicy, Limiters, Transport};
use psg_plan::{ClaimIndex, Claimant, Timers, brake};
use psg_snapshot::{Clock, Pictures};
use tokio_util::sync::CancellationToken;

use crate::{
    audit::Audit,
    metrics::Metrics,
    mind::Minds,
    ports::Kubernetes,
    protect::Releases,
    readiness::Readiness,
    standing::{Standing, Stands},
    tenant::Tenants,
    unreadable::AllUnreadable,
    wakes::Wakes,
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
    pub fn line_timeout(&self) -> Duration {
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
    pub secret_releases: Releases,
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
    pub minds: Minds,
    /// Who is to be looked at again.
    pub wakes: Wakes,
    /// What cannot be read.
    pub unreadable: AllUnreadable,
    /// What is told of every write to a tenant.
    pub audit: Audit,
    /// The figures.
    pub metrics: Metrics,
    /// What was listed so far.
    pub readiness: Arc<Readiness>,
    /// Whether this process acts. One that does not only watches.
    pub stands: Stands,
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
        *self.stands.borrow() == Standing::Leading
    }

    /// Waits until it does.
    pub async fn leading(&self) {
        let mut stands = self.stands.clone();
        let leads = stands.wait_for(|standing| *standing == Standing::Leading);
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

    /// Takes in what a resource claims now, and wakes whom that may free or bind.
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
        self.wakes.wake(&claims, &rivals);
        drop(claims);
        self.tenants.claimed(&tenant);
    }

    /// How many deletions of a tenant's groups the brake holds back.
    pub(crate) fn deletions_paused(&self, tenant: &str) -> usize {
        let since = time::before(self.now(), brake::WINDOW);
        self.claims().wave(tenant, since).held_back
    }

    /// Wakes every resource of a tenant.
    pub fn wake_members(&self, tenant: &str) {
        let claims = self.claims();
        self.wakes.wake(&claims, &claims.members(tenant));
    }
}
