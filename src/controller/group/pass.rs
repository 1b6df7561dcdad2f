//! One pass over one resource while it is under way: what it holds, and how it tells people.

use std::sync::Arc;

use psg_api::PasswordSyncGroup;
use psg_plan::Basis;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    context::Context, context::resource_states::ResourceState, context::tenant::Tenant,
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
    /// The tenant was asked for something in this pass.
    pub acted: bool,
    /// What the last write was decided on.
    pub basis: Basis,
    /// The right to write the tenant, for the rest of this pass.
    pub permit: Option<OwnedSemaphorePermit>,
}

impl Pass {
    /// Makes an Event about the resource, and a line in the log.
    pub(crate) async fn tell(&self, note: Note) {
        let about = kube::Resource::object_ref(&*self.group, &());
        tracing::info!(
            namespace = about.namespace,
            name = about.name,
            reason = note.reason,
            "{}",
            note.text
        );
        self.context.kubernetes.event(&about, note).await;
    }
}
