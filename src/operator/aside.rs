//! A second thread, which the work does not block: on it probes are answered and the Lease is
//! renewed, however long one pass takes.

use std::{future::Future, io, thread};

use tokio::{runtime::Handle, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The thread; it ends, with all that runs on it, when this is dropped.
pub struct Aside {
    handle: Handle,
    _until: DropGuard,
}

impl Aside {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread, or no descriptors for its runtime.
    pub fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let until = CancellationToken::new();
        let ended = until.clone();
        let thread = thread::Builder::new().name("aside".to_owned());
        thread.spawn(move || runtime.block_on(ended.cancelled()))?;
        Ok(Self {
            handle,
            _until: until.drop_guard(),
        })
    }

    /// Runs a task on it.
    pub fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle.spawn(task)
    }

    /// Makes something whose own tasks run on it, such as a client of Kubernetes.
    pub fn make<T>(&self, make: impl FnOnce() -> T) -> T {
        let _inside = self.handle.enter();
        make()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_goes_on_while_the_work_stands_still() {
        let aside = Aside::start().unwrap();
        let (told, hears) = std::sync::mpsc::channel();
        aside.spawn(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            told.send(()).unwrap();
        });
        // This blocks the only thread of the test's runtime.
        hears.recv_timeout(Duration::from_secs(20)).unwrap();
    }

    #[test]
    fn what_runs_on_it_ends_with_it() {
        let aside = Aside::start().unwrap();
        let (told, hears) = std::sync::mpsc::channel::<()>();
        let task = aside.spawn(async move {
            let _told = told;
            std::future::pending::<()>().await;
        });
        drop(aside);
        let ended = hears.recv_timeout(Duration::from_secs(20));
        assert_eq!(ended, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
        drop(task);
    }
}
