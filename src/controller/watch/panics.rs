//! A panic is a defect of the operator. It ends only the pass, actor or event in which it occurs:
//! that is counted and tried again, with growing delays, while everything else goes on. The panic
//! itself goes to standard error.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, Stream, StreamExt, stream};
use kube::ResourceExt;
use psg_api::PasswordSyncGroup;
use tokio::sync::Notify;

use crate::{
    context::{Context, backoff, metrics::PassResult, tenant::Tenant},
    group::{self, reconcile},
    tenant,
};

/// Runs one pass; a panic becomes [`group::Error::Panicked`].
pub(crate) fn pass(
    group: Arc<PasswordSyncGroup>,
    context: Arc<Context>,
) -> impl Future<Output = Result<Option<Duration>, group::Error>> + Send {
    let uid = group.uid().unwrap_or_default();
    let failures = context.resource_states.failures(&uid);
    let pass = AssertUnwindSafe(reconcile(group, Arc::clone(&context))).catch_unwind();
    async move {
        pass.await.unwrap_or_else(|_| {
            context.metrics.pass(PassResult::Panicked);
            context.metrics.panic("pass");
            // The pass's state is lost, as in a crash, but not how often passes failed.
            context.resource_states.panicked(&uid, failures);
            Err(group::Error::Panicked)
        })
    }
}

/// A tenant's actor, which begins anew after a panic.
pub(crate) async fn actor(tenant: Arc<Tenant>, context: Arc<Context>) {
    let mut failures = 0;
    loop {
        let life = tenant::run(Arc::clone(&tenant), Arc::clone(&context));
        if AssertUnwindSafe(life).catch_unwind().await.is_ok() {
            return;
        }
        context.metrics.panic("actor");
        tracing::error!(
            tenant = %tenant.name,
            "the actor of a tenant panicked; it begins anew"
        );
        let again = backoff::backoff(failures, (context.jitter)());
        failures = failures.saturating_add(1);
        tokio::select! {
            biased;
            () = context.stop.cancelled() => return,
            () = tenant.gone.cancelled() => return,
            () = tokio::time::sleep(again) => {}
        }
    }
}

/// A watch whose event handler may panic. The event is skipped, and after a backoff everything is
/// listed again, which brings the same content again.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    panicked: Notify,
    lists: AtomicU32,
}

impl Watched {
    /// The events of a watch that starts again after each panic.
    pub fn events<S: Stream>(
        self: Arc<Self>,
        context: Arc<Context>,
        watch: impl Fn() -> S,
    ) -> impl Stream<Item = S::Item> {
        stream::repeat_with(move || {
            let ends = Arc::clone(&self).afresh(Arc::clone(&context));
            watch().take_until(ends.boxed())
        })
        .flatten()
    }

    /// Handles one event; after a panic the watch starts again.
    pub fn take_in(&self, context: &Context, meaning: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(meaning)).is_err() {
            context.metrics.panic("watch");
            tracing::error!("what a watch showed made the operator panic; it is listed afresh");
            self.panicked.notify_one();
        }
    }

    async fn afresh(self: Arc<Self>, context: Arc<Context>) {
        self.panicked.notified().await;
        let lists = self.lists.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(backoff::backoff(lists, (context.jitter)())).await;
    }
}
