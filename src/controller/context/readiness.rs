//! What the process waits for before it can be relied on. No IO.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// What the process waits for before it can be relied on.
#[derive(Debug, Default)]
pub struct Readiness {
    pub(crate) scopes: AtomicUsize,
    pub(crate) groups: watch::Sender<usize>,
    pub(crate) tenants: watch::Sender<usize>,
}

impl Readiness {
    /// For a process that watches this many scopes.
    pub fn of(scopes: usize) -> Self {
        Self {
            scopes: AtomicUsize::new(scopes),
            ..Self::default()
        }
    }

    /// Waits until every group has been listed: before that, it is not known who owns what, nor how
    /// many groups are managed.
    pub(crate) async fn groups_listed(&self) {
        self.listed(&self.groups).await;
    }

    /// Waits until every IdentityTenant has been listed: before that, none can be called missing.
    pub(crate) async fn tenants_listed(&self) {
        self.listed(&self.tenants).await;
    }

    async fn listed(&self, lists: &watch::Sender<usize>) {
        let scopes = self.scopes.load(Ordering::SeqCst);
        // `self` owns the sender, so this returns only once the count is reached.
        let mut lists = lists.subscribe();
        lists.wait_for(|listed| *listed >= scopes).await.ok();
    }

    /// What the process still waits for; empty if it is ready.
    pub fn waiting_for(&self) -> Vec<&'static str> {
        let scopes = self.scopes.load(Ordering::SeqCst);
        let mut waiting = Vec::new();
        if scopes == 0 {
            waiting.push("the watches to start");
        }
        if *self.groups.borrow() < scopes {
            waiting.push("the first list of PasswordSyncGroups");
        }
        if *self.tenants.borrow() < scopes {
            waiting.push("the first list of IdentityTenants");
        }
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_ready_once_both_kinds_are_listed_in_each_scope() {
        let readiness = Readiness::of(2);
        let (groups, tenants) = (
            "the first list of PasswordSyncGroups",
            "the first list of IdentityTenants",
        );
        let listed = async || {
            let moment = std::time::Duration::from_secs(1);
            let listed = tokio::time::timeout(moment, readiness.groups_listed()).await;
            listed.is_ok()
        };
        assert_eq!(readiness.waiting_for(), [groups, tenants]);
        readiness.groups.send_modify(|listed| *listed += 1);
        assert!(!listed().await);
        readiness.groups.send_modify(|listed| *listed += 1);
        assert!(listed().await);
        assert_eq!(readiness.waiting_for(), [tenants]);
        readiness.tenants.send_modify(|listed| *listed += 2);
        assert!(readiness.waiting_for().is_empty());
        assert_eq!(Readiness::default().waiting_for(), ["the watches to start"]);
    }
}
