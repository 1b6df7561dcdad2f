//! How the operator fares while somebody abuses it, seen from outside: its answers to probes, the
//! renewals of its Lease, its memory, and how long a group of a neighbour takes to become Ready.
//!
//! A [`Ground`] is an operator that serves two namespaces: one is abused, and the other is the
//! neighbour's, with a tenant of its own. What a neighbour's group takes ordinarily is measured at
//! the same time by a second operator, which nobody abuses: so a slow machine, or a busy API server,
//! slows both.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, api::PostParams};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{User, World, kubernetes, many, memory, world::Builder};

pub const MIB: u64 = 1 << 20;
/// What the chart allows the operator: `resources.limits.memory`.
const MEMORY_LIMIT: u64 = 512 * MIB;
/// How much longer than ordinarily a neighbour's group may take.
const MARGIN: Duration = Duration::from_secs(1);
/// How long a probe may take; the chart gives it five times as much.
const PROBE: Duration = Duration::from_secs(1);
/// So many probes in a row are lost before the kubelet restarts the operator: `failureThreshold`.
const LOST_IN_A_ROW: usize = 3;
/// How old the last renewal of the Lease may be. The Lease lasts 15 s, as shipped, and with less
/// than 10 s left the operator begins no write to a tenant.
const RENEWED: Duration = Duration::from_secs(5);
const LEASE: &str = "psg-operator";
/// The periods of the Lease as shipped need those of writes as shipped as well.
const AS_SHIPPED: [&str; 4] = [
    "--lease=psg-operator",
    "--settle=30s",
    "--confirm-gap=10s",
    "--post-timeout=8s",
];
/// How often probes, the Lease and memory are looked at.
const EVERY: Duration = Duration::from_millis(100);
/// How many groups the tenant of a neighbour has sources for.
const GROUPS: usize = 40;

/// An operator, a namespace that it is abused from, and a neighbour's.
pub struct Ground {
    /// The namespace that the abuse comes from; the operator of both namespaces belongs to it.
    pub abuser: World,
    /// Who must not notice.
    pub neighbour: Neighbour,
}

/// A namespace with a tenant of its own, in which one group after another is made, and one like it
/// that an operator of its own serves.
pub struct Neighbour {
    /// The namespace.
    pub world: World,
    elsewhere: World,
    made: usize,
}

impl Ground {
    /// Starts all of it; `abuser` is the namespace that the abuse comes from, and its tenant.
    pub async fn start(name: &str, abuser: Builder) -> Self {
        let quiet = |what: &str| World::v1(&format!("{name}_{what}")).seed(many::seed(GROUPS, 0));
        let world = quiet("next").without_operator().start().await;
        let mut abuser = abuser
            .without_operator()
            .flag(&format!("--watch-namespace={}", world.namespace))
            .flag(&format!("--lease-namespace={}", world.namespace));
        for flag in AS_SHIPPED {
            abuser = abuser.flag(flag);
        }
        let mut abuser = abuser.start().await;
        free_lease(&world).await;
        abuser.restart().await;
        let elsewhere = quiet("elsewhere").start().await;
        for world in [&world, &elsewhere] {
            world
                .wait_tenant("default", "Ready", "True", "Reading")
                .await;
        }
        let mut neighbour = Neighbour {
            world,
            elsewhere,
            made: 0,
        };
        // The first of its kind takes an API server longer, whatever an operator does.
        neighbour.next_ready().await;
        Self { abuser, neighbour }
    }

    /// Begins to look at the operator.
    pub fn watch(&mut self) -> Watch {
        let operator = self.abuser.operator();
        Watch::begin(Eyes {
            address: operator.address(),
            process: operator.id(),
            kubeconfig: self.abuser.plane.kubeconfig(User::Admin),
            namespace: self.neighbour.world.namespace.to_string(),
            stop: Arc::default(),
        })
    }
}

impl Neighbour {
    /// The number of the group that is made next, as [`many`] names it.
    pub fn next(&self) -> usize {
        self.made
    }

    /// How long the next group takes to become Ready here, and elsewhere.
    async fn next_ready(&mut self) -> (Duration, Duration) {
        let n = self.made;
        self.made += 1;
        tokio::join!(ready(&self.world, n), ready(&self.elsewhere, n))
    }

    /// Makes so many groups, and checks that they take no longer than elsewhere.
    pub async fn notices_nothing(&mut self, groups: usize) {
        let (mut here, mut elsewhere) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..groups {
            let (took, ordinarily) = self.next_ready().await;
            here = here.max(took);
            elsewhere = elsewhere.max(ordinarily);
        }
        eprintln!(
            "the slowest of {groups} groups: {here:.0?}; where nobody abuses: {elsewhere:.0?}"
        );
        assert!(
            here <= elsewhere + MARGIN,
            "a neighbour's group took {here:?}, where nobody abuses the operator {elsewhere:?}"
        );
    }
}

async fn ready(world: &World, n: usize) -> Duration {
    let began = Instant::now();
    many::create(world, n..n + 1).await;
    world.wait_ready(&many::resource_name(n)).await;
    began.elapsed()
}

/// A free Lease, so that no candidate waits for a leader that may be there.
async fn free_lease(world: &World) {
    let leases: Api<Lease> = Api::namespaced(world.client.clone(), &world.namespace);
    let lease = json!({"metadata": {"name": LEASE}, "spec": {"leaseDurationSeconds": 15}});
    let lease = serde_json::from_value(lease).expect("a Lease");
    let made = leases.create(&PostParams::default(), &lease).await;
    made.expect("a Lease");
}

/// Abuses over and over until the work is done; how often.
pub async fn meanwhile(work: impl Future<Output = ()>, mut abuse: impl AsyncFnMut(usize)) -> usize {
    let mut rounds = 0;
    let abused = async {
        loop {
            rounds += 1;
            abuse(rounds).await;
        }
    };
    tokio::select! {
        biased;
        () = work => {}
        () = abused => {}
    }
    rounds
}

/// Looks at an operator from a thread of its own.
pub struct Watch {
    eyes: Eyes,
    thread: JoinHandle<Seen>,
}

/// What is looked at.
#[derive(Clone)]
struct Eyes {
    address: SocketAddr,
    process: u32,
    kubeconfig: PathBuf,
    namespace: String,
    stop: Arc<AtomicBool>,
}

/// What was seen.
#[derive(Debug)]
struct Seen {
    probes: Probes,
    renewals: Renewals,
    most_memory: u64,
}

#[derive(Debug, Default)]
struct Probes {
    count: usize,
    slowest: Duration,
    /// Which were lost, and why.
    lost: Vec<(usize, String)>,
}

#[derive(Debug, Default)]
struct Renewals {
    count: usize,
    /// How far apart two of them were at most.
    apart: Duration,
    /// Whose they were.
    holders: Vec<String>,
}

impl Watch {
    fn begin(eyes: Eyes) -> Self {
        // The most memory counts from now on.
        std::fs::write(of_process(eyes.process, "clear_refs"), "5").expect("a process of ours");
        let on_thread = eyes.clone();
        let look = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(on_thread.look())
        };
        let thread = std::thread::spawn(look);
        Self { eyes, thread }
    }

    /// Checks that every probe was answered in time, that the Lease was renewed in time, and that
    /// memory stayed below the chart's limit; the most memory.
    pub fn nothing_missed(self) -> u64 {
        let seen = self.end();
        assert_eq!(seen.probes.lost, []);
        seen.most_memory
    }

    /// The same where new connections flood the port, which may end that of a probe: the kubelet
    /// asks again.
    pub fn nothing_missed_in_a_flood(self) -> u64 {
        let seen = self.end();
        let lost: Vec<usize> = seen.probes.lost.iter().map(|(n, _)| *n).collect();
        let in_a_row = lost
            .windows(LOST_IN_A_ROW)
            .find(|row| row[LOST_IN_A_ROW - 1] - row[0] == LOST_IN_A_ROW - 1);
        assert_eq!(in_a_row, None, "{seen:?}");
        seen.most_memory
    }

    fn end(self) -> Seen {
        self.eyes.stop.store(true, Ordering::SeqCst);
        let seen = self.thread.join().expect("it ends by itself");
        let Seen {
            probes, renewals, ..
        } = &seen;
        eprintln!(
            "{} probes, {} lost, the slowest {:.0?}; {} renewals, at most {:.1?} apart; at most {} MiB",
            probes.count,
            probes.lost.len(),
            probes.slowest,
            renewals.count,
            renewals.apart,
            seen.most_memory / MIB
        );
        assert!(renewals.apart <= RENEWED, "{seen:?}");
        assert_eq!(renewals.holders.len(), 1, "{seen:?}");
        assert!(seen.most_memory < MEMORY_LIMIT, "{seen:?}");
        seen
    }
}

impl Eyes {
    async fn look(self) -> Seen {
        let (probes, renewals) = tokio::join!(self.probes(), self.renewals());
        Seen {
            probes,
            renewals,
            most_memory: memory(self.process, "VmHWM"),
        }
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }

    async fn probes(&self) -> Probes {
        let mut probes = Probes::default();
        while self.goes_on() {
            let began = Instant::now();
            let answer = match tokio::time::timeout(PROBE, probe(self.address)).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("no answer within {PROBE:?}")),
            };
            if let Err(why) = answer {
                probes.lost.push((probes.count, why));
            }
            probes.count += 1;
            probes.slowest = probes.slowest.max(began.elapsed());
            tokio::time::sleep(EVERY).await;
        }
        probes
    }

    async fn renewals(&self) -> Renewals {
        let client = kubernetes::client(&self.kubeconfig).await;
        let leases: Api<Lease> = Api::namespaced(client, &self.namespace);
        let (mut renewals, mut last) = (Renewals::default(), Timestamp::now());
        while self.goes_on() {
            let lease = leases.get(LEASE).await.expect("the Lease");
            let spec = lease.spec.unwrap_or_default();
            let holder = spec.holder_identity.unwrap_or_default();
            if !renewals.holders.contains(&holder) {
                renewals.holders.push(holder);
            }
            let renewed = spec.renew_time.expect("a renewal").0;
            if renewed > last {
                renewals.apart = renewals.apart.max(between(last, renewed));
                renewals.count += 1;
                last = renewed;
            }
            tokio::time::sleep(EVERY).await;
        }
        renewals.apart = renewals.apart.max(between(last, Timestamp::now()));
        renewals
    }
}

fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

/// What the kubelet asks, by a connection of its own.
async fn probe(address: SocketAddr) -> Result<(), String> {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = b"GET /livez HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    match asked.await {
        Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => Ok(()),
        Ok(answer) => Err(format!("answered {answer:?}")),
        Err(why) => Err(why.to_string()),
    }
}

/// What the operator of a world holds now, in bytes.
pub fn held(world: &mut World) -> u64 {
    memory(world.operator().id(), "VmRSS")
}

fn memory(process: u32, name: &str) -> u64 {
    memory::of_process(process, name).expect("a process")
}

fn of_process(process: u32, file: &str) -> PathBuf {
    Path::new("/proc").join(process.to_string()).join(file)
}

/// A tenant of so many sources, whose names differ only at their ends, so that no cheap look tells
/// them from a [`near_miss`].
pub fn large_seed(sources: usize) -> Value {
    let source = |n: usize| {
        json!({
            "id": format!("{:032x}", 0x2c91_8085_0000_0000_u64 + n as u64),
            "name": format!("{}{n:06}", LETTERS.repeat(31)), "features": ["PASSWORD"],
        })
    };
    json!({
        "name": "large", "credentials": [{}],
        "policies": [{"id": "2c91808d744ba0ce01746f93b6204501", "name": "Corporate Strong"}],
        "sources": (0..sources).map(source).collect::<Vec<_>>(),
    })
}

/// A name of 256 characters that no source of [`large_seed`] has, and each nearly has.
pub fn near_miss(n: usize) -> String {
    format!("{}x{n:07}", LETTERS.repeat(31))
}

const LETTERS: &str = "abcdefgh";
