//! An observer outside of everything that is measured: one watch that stamps what it sees by one
//! clock.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt};
use kube::{
    ResourceExt,
    api::DynamicObject,
    runtime::{WatchStreamExt, watcher},
};
use psg_tests::support::{World, kubernetes::condition};
use tokio::sync::watch;

/// When each group was first seen Ready; ends with its owner.
pub struct Observer {
    ready: Arc<Mutex<BTreeMap<String, Instant>>>,
    count: watch::Receiver<usize>,
    task: tokio::task::JoinHandle<()>,
}

impl Observer {
    /// Begins to watch the groups of a world.
    pub fn new(world: &World) -> Self {
        let ready: Arc<Mutex<BTreeMap<String, Instant>>> = Arc::default();
        let (sender, count) = watch::channel(0);
        let (api, stamps) = (world.groups(), Arc::clone(&ready));
        let seen = watcher(api, watcher::Config::default())
            .default_backoff()
            .applied_objects();
        let task = tokio::spawn(async move {
            let see = |group: DynamicObject| {
                let stamp = Instant::now();
                let is = condition(&group, "Ready").is_some_and(|ready| ready["status"] == "True");
                if is {
                    let mut stamps = stamps.lock().expect("stamps");
                    stamps.entry(group.name_any()).or_insert(stamp);
                    sender.send_replace(stamps.len());
                }
            };
            seen.into_stream()
                .for_each(async |group| {
                    group.map(see).ok();
                })
                .await;
        });
        Self { ready, count, task }
    }

    /// Waits until so many groups are Ready.
    pub async fn wait(&mut self, groups: usize, patience: Duration) {
        let begin = Instant::now();
        loop {
            let seen = self.count.wait_for(|count| *count >= groups);
            if tokio::time::timeout(Duration::from_secs(10), seen)
                .await
                .is_ok()
            {
                return;
            }
            let count = *self.count.borrow();
            eprintln!("    {count} of {groups} are Ready");
            assert!(
                begin.elapsed() < patience,
                "{count} of {groups} Ready after {patience:?}"
            );
        }
    }

    /// When a group was first seen Ready.
    pub fn of(&self, group: &str) -> Instant {
        self.ready.lock().expect("stamps")[group]
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
