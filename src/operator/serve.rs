//! Everything put together, until a signal; then until every write in hand is stored.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use kube::{Client, Config};
use prometheus_client::registry::Registry;
use psg_controller::{
    Context, Metrics, ProcessClock, Readiness, kubernetes::Cluster, mind::Minds, tenant::Tenants,
    wakes::Wakes,
};
use psg_identity::{HttpOptions, HttpTransport, Limiters};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    args::{Args, Contradiction},
    health::{self, Health},
};

/// How long one call to Kubernetes may take.
const KUBERNETES_TIMEOUT: Duration = Duration::from_secs(30);

/// Why the process cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The flags do not fit together.
    #[error(transparent)]
    Flags(#[from] Contradiction),
    /// No runtime.
    #[error("no runtime: {0}")]
    Runtime(#[source] std::io::Error),
    /// No way to Kubernetes.
    #[error("no way to Kubernetes: {0}; set KUBECONFIG or run inside a cluster")]
    NoCluster(#[from] kube::config::InferConfigError),
    /// A client could not be made.
    #[error("no client: {0}")]
    Client(String),
    /// The address is taken, or not ours.
    #[error("cannot serve health at {0}: {1}")]
    Listen(std::net::SocketAddr, #[source] std::io::Error),
    /// Writes in hand did not end in time.
    #[error("writes in hand did not end within {0:?}; they are settled at the next start")]
    Drain(Duration),
}

/// Runs the operator.
///
/// # Errors
/// See [`Error`].
pub async fn serve(args: Args) -> Result<(), Error> {
    let settings = args.settings()?;
    // A second provider in the process is no reason to stop: the first one stays.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("a TLS provider was installed already");
    }
    let (reads, writes) = clients().await?;
    let transport = HttpTransport::new(&HttpOptions {
        allow_insecure: args.allow_insecure_tenants,
        ..HttpOptions::default()
    })
    .map_err(|error| Error::Client(error.to_string()))?;
    let stop = stop_on_signals().map_err(Error::Runtime)?;
    let mut registry = Registry::default();
    let (wakes, queues) = Wakes::new(&args.watch_namespaces);
    let clock = ProcessClock::starting_at(Timestamp::now());
    let dice = Mutex::new(
        StdRng::try_from_rng(&mut rand::rngs::SysRng).map_err(|e| Error::Client(e.to_string()))?,
    );
    let context = Arc::new(Context {
        kubernetes: Arc::new(Cluster::new(reads.clone(), writes, KUBERNETES_TIMEOUT)),
        transport: Arc::new(transport),
        limiters: Limiters::default(),
        clock: Arc::new(move || clock.now()),
        jitter: Arc::new(move || dice.lock().unwrap_or_else(PoisonError::into_inner).random()),
        settings,
        tenants: Tenants::default(),
        claims: RwLock::default(),
        minds: Minds::default(),
        wakes,
        metrics: Metrics::new(&mut registry),
        stop: stop.clone(),
    });
    let readiness = Arc::new(Readiness::default());
    let health = Health {
        readiness: Arc::clone(&readiness),
        registry: Arc::new(registry),
    };
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .map_err(|error| Error::Listen(args.listen, error))?;
    let health = tokio::spawn(axum::serve(listener, health::routes(health)).into_future());
    tracing::info!(listen = %args.listen, version = env!("CARGO_PKG_VERSION"), "the operator runs");
    let work = psg_controller::run(reads, queues, context, readiness);
    let ended = drained(work, &stop, args.drain).await;
    health.abort();
    tracing::info!("the operator has ended");
    ended
}

/// One client that repeats reads on a busy server, and one that sends every write once.
async fn clients() -> Result<(Client, Client), Error> {
    let mut config = Config::infer().await?;
    let agent = concat!("psg-operator/", env!("CARGO_PKG_VERSION"));
    config.headers.push((
        http::header::USER_AGENT,
        http::HeaderValue::from_static(agent),
    ));
    let mut once = config.clone();
    once.default_retry = false;
    let client = |config| {
        Client::try_from(config).map_err(|error: kube::Error| Error::Client(error.to_string()))
    };
    Ok((client(config)?, client(once)?))
}

async fn drained(
    work: impl Future<Output = ()>,
    stop: &CancellationToken,
    drain: Duration,
) -> Result<(), Error> {
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        biased;
        () = work => Ok(()),
        () = overdue => Err(Error::Drain(drain)),
    }
}

fn stop_on_signals() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            tracing::info!("asked to stop: no new write is begun");
            stop.cancel();
        });
    }
    Ok(stop)
}
