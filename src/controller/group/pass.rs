//! The state of one running pass over one resource, and how the pass makes Events.

use std::sync::Arc;

use psg_api::PasswordSyncGroup;
use psg_plan::Basis;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    context::{Context, resource_states::ResourceState, tenant::Tenant},
    kubernetes::Note,
};

/// One pass in progress.
pub(crate) struct Pass {
    pub context: Arc<Context>,
    pub group: Arc<PasswordSyncGroup>,
    pub uid: String,
    pub tenant: Option<Arc<Tenant>>,
    pub state: ResourceState,
    /// The resource was read or written live in this pass.
    pub fresh: bool,
    /// This pass tried to read or write the tenant.
    pub acted: bool,
    /// What the last write was decided on.
    pub basis: Basis,
    /// The permit to write the tenant, for the rest of this pass.
    pub permit: Option<OwnedSemaphorePermit>,
}

impl Pass {
    /// Makes an Event about the resource, and a line in the log.
    pub(crate) async fn tell(&self, note: Note) {
        let about = kube::Resource::object_ref(&*self.group, &());
        self.context.tell(&about, note).await;
    }
}
