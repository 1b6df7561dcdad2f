//! Requeues resources when something that they depend on changed. Each watched scope has a queue.

use kube::runtime::reflector::ObjectRef;
use psg_api::PasswordSyncGroup;
use psg_plan::ClaimIndex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The queues that drive reconciles.
#[derive(Debug)]
pub struct Requeue {
    queues: Vec<(
        Option<String>,
        UnboundedSender<ObjectRef<PasswordSyncGroup>>,
    )>,
}

/// The queue of one scope: its namespace, `None` for all, and the receiver.
pub type Queue = (
    Option<String>,
    UnboundedReceiver<ObjectRef<PasswordSyncGroup>>,
);

impl Requeue {
    /// A queue for each namespace, or one for all.
    pub fn new(namespaces: &[String]) -> (Self, Vec<Queue>) {
        let scopes: Vec<Option<String>> = if namespaces.is_empty() {
            vec![None]
        } else {
            namespaces.iter().cloned().map(Some).collect()
        };
        let (queues, receivers) = scopes
            .into_iter()
            .map(|scope| {
                let (sender, receiver) = unbounded_channel();
                ((scope.clone(), sender), (scope, receiver))
            })
            .unzip();
        (Self { queues }, receivers)
    }

    /// Requeues resources by UID.
    pub fn now<'a>(&self, claims: &ClaimIndex, uids: impl IntoIterator<Item = &'a String>) {
        for claimant in uids.into_iter().filter_map(|uid| claims.claimant(uid)) {
            let scope =
                |scope: &Option<String>| scope.as_ref().is_none_or(|ns| *ns == claimant.namespace);
            if let Some((_, queue)) = self.queues.iter().find(|(of, _)| scope(of)) {
                let reference = ObjectRef::new(&claimant.name).within(&claimant.namespace);
                if queue.send(reference).is_err() {
                    tracing::debug!("a wake came after the watch had ended");
                }
            }
        }
    }
}
