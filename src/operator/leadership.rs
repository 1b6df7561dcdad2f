//! Carries out what [`election`] decides: reads the Lease, writes it, and reports the role of this
//! process. No other code touches the Lease.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, api::PostParams};
use prometheus_client::metrics::gauge::Gauge;
use psg_controller::Role;
use tokio::sync::watch;

use crate::{
    election::{self, Moment, Move, Seen, Terms, evaluate},
    fence::Fence,
};

/// How long one call may take.
const CALL: Duration = Duration::from_secs(5);

/// How often a release is tried: a renewal under way may change the Lease in between.
const RELEASES: usize = 3;
/// How long a release may take in all: with `--drain` it fits into the 30 s that Kubernetes gives a
/// process to end.
const RELEASE: Duration = Duration::from_secs(10);

/// Why a process no longer leads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It could not renew the Lease.
    #[error("the Lease could not be renewed for {0:?}")]
    Overdue(Duration),
    /// Another process holds the Lease, or nobody.
    #[error("the Lease is held by {0}")]
    Taken(String),
}

/// One candidate for one Lease.
pub struct Candidate {
    leases: Api<Lease>,
    name: String,
    identity: String,
    terms: Terms,
    fence: Arc<Fence>,
    role: watch::Sender<Role>,
    metric: Gauge,
    seen: Option<Seen>,
    holder: Option<String>,
}

impl Candidate {
    /// `leases` must not repeat calls by itself: a repeated write would take effect too late.
    pub fn new(leases: Api<Lease>, name: String, identity: String, terms: Terms) -> Self {
        Self {
            leases,
            name,
            identity,
            terms,
            fence: Arc::new(Fence::new(terms)),
            role: watch::Sender::default(),
            metric: Gauge::default(),
            seen: None,
            holder: None,
        }
    }

    /// The fence that holds back writes.
    pub fn fence(&self) -> Arc<Fence> {
        Arc::clone(&self.fence)
    }

    /// Its role, and every change of it.
    pub fn roles(&self) -> watch::Receiver<Role> {
        self.role.subscribe()
    }

    /// 1 while it leads.
    pub fn metric(&self) -> Gauge {
        self.metric.clone()
    }

    /// Takes the Lease when it is free and renews it, until it is lost.
    pub async fn campaign(&mut self) -> Lost {
        let fence = self.fence();
        let lost = loop {
            tokio::select! {
                biased;
                overdue = fence.given_up() => break Lost::Overdue(overdue),
                round = self.round() => if let Err(lost) = round { break lost },
            }
        };
        self.fence.shut();
        self.metric.set(0);
        lost
    }

    /// Lets the successor take over at once. Only for a process that begins no more writes.
    pub async fn release(&mut self) {
        if tokio::time::timeout(RELEASE, self.try_to_release())
            .await
            .is_err()
        {
            tracing::warn!("the Lease was not released within {RELEASE:?}; it runs out");
        }
    }

    async fn try_to_release(&mut self) {
        for _ in 0..RELEASES {
            if !self.leads() {
                return;
            }
            let found = bounded(self.leases.get_opt(&self.name)).await;
            let lease = match found {
                Ok(Some(lease)) if election::holder(Some(&lease)) == Some(&self.identity) => lease,
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(error, "the Lease could not be read for its release");
                    continue;
                }
            };
            let free = election::released(lease, self.fence.now());
            match self.store(&free).await {
                Ok(_) => {
                    self.metric.set(0);
                    tracing::info!(identity = self.identity, "released the Lease");
                    return;
                }
                Err(error) => tracing::warn!(error, "the Lease could not be released"),
            }
        }
    }

    /// Reads the Lease, acts on it, and then sleeps.
    async fn round(&mut self) -> Result<(), Lost> {
        match bounded(self.leases.get_opt(&self.name)).await {
            Ok(found) => self.act(found.as_ref()).await?,
            Err(error) => tracing::warn!(error, "the Lease could not be read"),
        }
        // Half the time on a standby, so that it soon notices a release, or the last renewal.
        let rest = if self.leads() { 1 } else { 2 };
        tokio::time::sleep(self.terms.renew / rest).await;
        Ok(())
    }

    async fn act(&mut self, found: Option<&Lease>) -> Result<(), Lost> {
        let now = self.fence.now();
        let seen = Seen::after(self.seen.take(), found, now);
        let next = evaluate(found, &seen, &self.identity, &self.terms, self.leads(), now);
        self.seen = Some(seen);
        let holder = election::holder(found);
        match next {
            Move::Wait => self.stand_by(holder),
            Move::Lost => return Err(Lost::Taken(holder.unwrap_or("nobody").to_owned())),
            Move::Store(lease) => {
                // Taken before the call: the renewal may take effect long before its answer
                // arrives.
                let sent = self.fence.now();
                match self.store(&lease).await {
                    // No other candidate sees a write that changed nothing, so it renews nothing.
                    Ok(stored) if election::version(&stored) == election::version(&lease) => {
                        tracing::warn!("a renewal of the Lease changed nothing");
                    }
                    Ok(stored) => match election::holder(Some(&stored)) {
                        Some(stored) if stored == self.identity => self.lead(sent, holder),
                        stored => self.stand_by(stored),
                    },
                    Err(error) => tracing::warn!(error, "the Lease could not be written"),
                }
            }
        }
        Ok(())
    }

    async fn store(&self, lease: &Lease) -> Result<Lease, String> {
        let params = PostParams {
            field_manager: Some(psg_api::names::FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        if election::version(lease).is_some() {
            return bounded(self.leases.replace(&self.name, &params, lease)).await;
        }
        let mut lease = lease.clone();
        lease.metadata.name = Some(self.name.clone());
        bounded(self.leases.create(&params, &lease)).await
    }

    fn lead(&mut self, sent: Moment, before: Option<&str>) {
        self.fence.renew(sent);
        if !self.leads() {
            tracing::info!(identity = self.identity, before, "leads from now on");
            self.metric.set(1);
            self.role.send_replace(Role::Leader);
        }
    }

    fn stand_by(&mut self, holder: Option<&str>) {
        let first = *self.role.borrow() == Role::Unknown;
        if first || self.holder.as_deref() != holder {
            tracing::info!(identity = self.identity, holder, "stands by");
            self.holder = holder.map(str::to_owned);
            self.role.send_replace(Role::Standby);
        }
    }

    fn leads(&self) -> bool {
        *self.role.borrow() == Role::Leader
    }
}

async fn bounded<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(CALL, call).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {CALL:?}")),
    }
}

#[cfg(test)]
mod tests;
