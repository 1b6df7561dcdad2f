//! Starts all parts and runs them until a signal, and then until every write in hand is stored.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use kube::Api;
use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use psg_controller::{
    AllUnreadable, Audit, Context, Metrics, ProcessClock, Role, RoleReceiver,
    context::{
        metrics::at_scrape, requeue::Requeue, resource_states::ResourceStates, role,
        secret_locks::SecretLocks, stores::Stores, tenants::Tenants,
    },
    kubernetes::client::Cluster,
};
use psg_identity::{Gated, Limiters, MayWrite};
use psg_snapshot::Pictures;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    args::Args,
    aside::Aside,
    audit::Trail,
    company, connect, definitions,
    error::Error,
    fence::Fence,
    health::{self, Health, Pulse},
    leadership::{Candidate, Lost},
    listen::{self, Limits},
    requests::Counted,
};

/// How long one call to Kubernetes may take.
const KUBERNETES_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the operator, with an audit trail. Close the trail after the runtime has shut down: a
/// request that is dropped with the runtime writes its line on drop.
///
/// # Errors
/// See [`Error`].
pub async fn serve(args: Args, trail: Arc<Trail>) -> Result<(), Error> {
    let settings = args.settings()?;
    let hosts = settings.hosts.suffixes.clone();
    // A second provider in the process is no reason to stop: the first one stays.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("a TLS provider was installed already");
    }
    let terms = args.terms()?;
    let (transport, tenant_proxy) = company::transport(&args)?;
    let config = connect::config().await?;
    let reads = connect::client(config.clone())?;
    let writes = connect::once(config.clone())?;
    let mut dice =
        StdRng::try_from_rng(&mut rand::rngs::SysRng).map_err(|e| Error::Client(e.to_string()))?;
    let aside = Aside::start().map_err(Error::Runtime)?;
    let mut replica = None;
    let candidate = match (terms, &args.lease) {
        (Some(terms), Some(lease)) => {
            let namespace = args.lease_namespace.as_ref();
            let namespace = namespace.unwrap_or(&config.default_namespace);
            // A client of its own, so that no other call delays a renewal.
            let client = aside.make(|| connect::once(config.clone()))?;
            let leases = Api::namespaced(client, namespace);
            let identity = identity(args.lease_identity.as_deref(), &mut dice);
            replica = Some(identity.clone());
            Some(Candidate::new(leases, lease.clone(), identity, terms))
        }
        _ => None,
    };
    let fence = candidate.as_ref().map(Candidate::fence);
    let roles = candidate
        .as_ref()
        .map_or_else(role::alone, Candidate::roles);
    let stop = stop_on_signals().map_err(Error::Runtime)?;
    let mut registry = Registry::default();
    let namespaces = args.watch_namespaces();
    let (requeue, queues) = Requeue::new(&namespaces);
    let metric = candidate.as_ref().map_or_else(
        || {
            let alone = Gauge::default();
            alone.set(1);
            alone
        },
        Candidate::metric,
    );
    registry.register(
        "psg_leader",
        "1 if this process acts, 0 if it stands by",
        metric,
    );
    registry.register(
        "psg_audit_lines_waiting",
        "Lines of the audit trail that cannot be written, or 1 if none could be; until then no tenant is",
        trail.metric(),
    );
    let clock = ProcessClock::starting_at(Timestamp::now());
    let dice = Mutex::new(dice);
    let context = Arc::new(Context {
        kubernetes: Arc::new(Cluster::new(
            reads.clone(),
            writes,
            gate(fence.as_ref(), Fence::may_write_kubernetes),
            KUBERNETES_TIMEOUT,
        )),
        transport: Arc::new(
            Gated::new(
                Arc::new(Counted::new(Arc::new(transport), &mut registry)),
                gate(fence.as_ref(), Fence::may_write_tenant),
            )
            .until(stop.clone()),
        ),
        limiters: Limiters::default(),
        pictures: Pictures::default(),
        secret_locks: SecretLocks::default(),
        clock: Arc::new(move || clock.now()),
        jitter: Arc::new(move || dice.lock().unwrap_or_else(PoisonError::into_inner).random()),
        settings,
        tenants: Tenants::default(),
        stores: Stores::default(),
        claims: RwLock::default(),
        resource_states: ResourceStates::default(),
        requeue,
        unreadable: AllUnreadable::default(),
        audit: Audit {
            log: trail,
            annotations: args.audit_annotations(),
            replica,
        },
        metrics: Metrics::new(&mut registry),
        readiness: Arc::default(),
        role: roles.clone(),
        stop: stop.clone(),
    });
    at_scrape::register(&mut registry, Arc::clone(&context));
    let pulse = Arc::new(Pulse::new(std::time::Instant::now()));
    let beating = Arc::clone(&pulse);
    tokio::spawn(async move { beating.keep().await });
    let health = Health {
        pulse,
        readiness: Arc::clone(&context.readiness),
        registry: Arc::new(registry),
        role: roles.clone(),
    };
    listen(&aside, &args, health)?;
    tracing::info!(
        listen = %args.listen,
        namespaces = if namespaces.is_empty() { "all".to_owned() } else { namespaces.join(",") },
        hosts = hosts.join(","),
        tenant_proxy = tenant_proxy.as_deref().unwrap_or("none"),
        version = env!("CARGO_PKG_VERSION"),
        "the operator runs"
    );
    // This task only reads, so it may end with the runtime.
    tokio::spawn(definitions::report_missing(
        reads.clone(),
        Arc::clone(&context.readiness),
    ));
    let done = CancellationToken::new();
    let campaign = |candidate| aside.spawn(campaign(candidate, done.clone()));
    let mut campaign = candidate.map(campaign);
    let work = psg_controller::run(reads, queues, context);
    let ended = tokio::select! {
        biased;
        // If the lease is lost, all work in hand is dropped. This thread watches the lease as well,
        // as the other one may report late.
        overdue = overdue(fence.as_ref(), roles) => Err(Lost::Overdue(overdue).into()),
        error = lost(campaign.as_mut()) => Err(error),
        ended = drained(work, &stop, args.drain) => ended,
    };
    if let (Ok(()), Some(campaign)) = (&ended, campaign) {
        done.cancel();
        campaign.await.ok();
    }
    tracing::info!("the operator has ended");
    ended
}

/// Serves health and figures.
fn listen(aside: &Aside, args: &Args, health: Health) -> Result<(), Error> {
    let (probes, metrics) = (health::probes(health.clone()), health::metrics(health));
    let serve = |address, routes| {
        listen::serve(aside, address, routes, Limits::default())
            .map_err(|error| Error::Listen(address, error))
    };
    match args.metrics_listen {
        Some(apart) => {
            serve(args.listen, probes)?;
            serve(apart, metrics)?;
        }
        None => _ = serve(args.listen, probes.merge(metrics))?,
    }
    Ok(())
}

/// Takes and renews the Lease until it is lost; once the work is done, releases it.
async fn campaign(mut candidate: Candidate, done: CancellationToken) -> Option<Lost> {
    tokio::select! {
        biased;
        () = done.cancelled() => {}
        lost = candidate.campaign() => return Some(lost),
    }
    candidate.release().await;
    None
}

/// Returns only if this process led and did not renew the Lease in time.
async fn overdue(fence: Option<&Arc<Fence>>, mut roles: RoleReceiver) -> Duration {
    let leads = roles.wait_for(|role| *role == Role::Leader);
    match fence {
        Some(fence) if leads.await.is_ok() => fence.given_up().await,
        _ => std::future::pending().await,
    }
}

/// Returns only if the Lease is lost or no longer renewed.
async fn lost(campaign: Option<&mut JoinHandle<Option<Lost>>>) -> Error {
    let Some(campaign) = campaign else {
        return std::future::pending().await;
    };
    match campaign.await {
        Ok(Some(lost)) => lost.into(),
        // The task ends by itself only if the Lease is lost. So it panicked, which is on standard
        // error.
        Ok(None) | Err(_) => Error::NotRenewed,
    }
}

/// Whether the fence allows a write; without a fence every write is allowed.
fn gate(fence: Option<&Arc<Fence>>, may: fn(&Fence) -> bool) -> Arc<MayWrite> {
    match fence.cloned() {
        Some(fence) => Arc::new(move || may(&fence)),
        None => Arc::new(|| true),
    }
}

/// The identity of this process among its replicas, a new one after each start.
fn identity(name: Option<&str>, dice: &mut StdRng) -> String {
    let host = || {
        hostname::get()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let name = name.map_or_else(host, str::to_owned);
    format!("{name}_{:016x}", dice.random::<u64>())
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

#[cfg(test)]
mod tests {
    use crate::election::Terms;

    use super::*;

    #[test]
    fn no_two_processes_have_one_identity() {
        let mut dice = StdRng::seed_from_u64(7);
        let first = identity(Some("psg-0"), &mut dice);
        let second = identity(Some("psg-0"), &mut dice);
        assert_ne!(first, second);
        for one in [first, second] {
            let (name, number) = one.rsplit_once('_').unwrap();
            assert_eq!(name, "psg-0");
            assert_eq!(number.len(), 16, "{one}");
            u64::from_str_radix(number, 16).unwrap();
        }
        let unnamed = identity(None, &mut dice);
        let host = hostname::get().unwrap();
        assert!(unnamed.starts_with(&*host.to_string_lossy()), "{unnamed}");
    }

    #[tokio::test]
    async fn a_gate_says_what_the_fence_says_and_without_one_yes() {
        let fence = Arc::new(Fence::new(Terms {
            duration: Duration::from_secs(15),
            renew: Duration::from_secs(2),
            post_timeout: Duration::from_secs(8),
        }));
        let tenant = gate(Some(&fence), Fence::may_write_tenant);
        assert!(!tenant());
        fence.renew(fence.now());
        assert!(tenant());
        assert!(gate(None, Fence::may_write_tenant)());
    }

    #[tokio::test(start_paused = true)]
    async fn work_in_hand_has_its_time_after_the_signal() {
        let drain = Duration::from_secs(25);
        let stop = CancellationToken::new();
        let work = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
        drained(work(100), &stop, drain).await.unwrap();
        stop.cancel();
        drained(work(24), &stop, drain).await.unwrap();
        let overdue = drained(work(26), &stop, drain).await.unwrap_err();
        assert!(matches!(overdue, Error::Drain(_)), "{overdue}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_needs_no_lease_loses_none() {
        let lost = tokio::time::timeout(Duration::from_hours(1), lost(None)).await;
        assert!(lost.is_err());
    }
}
