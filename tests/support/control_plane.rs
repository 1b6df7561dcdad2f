//! etcd, kube-apiserver and kube-controller-manager on loopback ports, or a cluster there is.
//!
//! Where it comes from: `PSG_TEST_KUBECONFIG`, then `KUBEBUILDER_ASSETS`, then `hack/cluster/bin`,
//! which is built if it is not there. One control plane serves a whole run; tests keep apart by
//! namespaces and tenants.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

use super::{
    audit,
    binaries::of_cluster,
    certificates::Certificates,
    install, kubernetes,
    leash::{Folder, Leashed},
    logs, ports,
    users::{self, User},
    wait::until,
};

/// The controllers that tests see the work of; the others would only take time.
const CONTROLLERS: &str = "namespace-controller,garbage-collector-controller,\
    clusterrole-aggregation-controller,validatingadmissionpolicy-status-controller";
const DEADLINE: Duration = Duration::from_secs(90);

/// A Kubernetes API server and all that belongs to it.
#[derive(Debug)]
pub struct ControlPlane {
    // Before the folder: processes end before their files go.
    own: Option<Processes>,
    kubectl: PathBuf,
    folder: Folder,
}

#[derive(Debug)]
struct Processes {
    _controllers: Leashed,
    server: Option<Leashed>,
    etcd: SocketAddr,
    address: SocketAddr,
    certificates: Certificates,
    _etcd: Leashed,
}

impl ControlPlane {
    /// The one that all tests of this run share, with our kinds and rights installed.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        let start = async || match std::env::var_os("PSG_TEST_KUBECONFIG") {
            Some(path) => Self::existing(Path::new(&path)).await,
            None => Self::own().await,
        };
        SHARED.get_or_init(start).await
    }

    /// One of its own, for a test that stops it; it ends when it is dropped.
    pub async fn own() -> Self {
        let begin = Instant::now();
        let folder = Folder::new("cluster");
        let certificates = Certificates::write(&folder);
        folder.write("tokens.csv", &users::token_file());
        folder.write("audit-policy.yaml", &audit::policy());

        let (etcd, address) = (ports::free(), ports::free());
        for user in User::ALL {
            let authority = certificates.authority.to_str().expect("UTF-8");
            let config = users::by_token(&format!("https://{address}"), authority, user);
            folder.write(&file_name(user), &config);
        }
        let store = start_etcd(&folder, etcd);
        let mut server = start_server(&folder, etcd, address, &certificates);
        ready(&folder, &mut server, address, &certificates).await;
        let plane = Self {
            own: Some(Processes {
                _controllers: start_controllers(&folder, &certificates),
                server: Some(server),
                etcd,
                address,
                certificates,
                _etcd: store,
            }),
            kubectl: of_cluster("kubectl"),
            folder,
        };
        install::everything(&plane).await;
        eprintln!("control plane ready in {:.1?}", begin.elapsed());
        plane
    }

    async fn existing(kubeconfig: &Path) -> Self {
        let admin = std::fs::read_to_string(kubeconfig);
        let admin = admin.unwrap_or_else(|why| panic!("PSG_TEST_KUBECONFIG: {why}"));
        let folder = Folder::new("kubeconfigs");
        for user in User::ALL {
            folder.write(&file_name(user), &users::by_impersonation(&admin, user));
        }
        let there = Command::new("kubectl").arg("--help").output().is_ok();
        let kubectl = there.then(|| PathBuf::from("kubectl"));
        let plane = Self {
            own: None,
            kubectl: kubectl.unwrap_or_else(|| of_cluster("kubectl")),
            folder,
        };
        install::everything(&plane).await;
        plane
    }

    /// Whether it was there before us: nothing of ours may stay in it.
    pub fn is_existing(&self) -> bool {
        self.own.is_none()
    }

    /// The kubeconfig of a user.
    pub fn kubeconfig(&self, user: User) -> PathBuf {
        self.folder.path().join(file_name(user))
    }

    /// The audit log, which a control plane of our own has.
    pub fn audit_log(&self) -> Option<PathBuf> {
        let log = self.folder.path().join("audit.log");
        self.own.is_some().then_some(log)
    }

    /// The real kubectl.
    pub fn kubectl_path(&self) -> &Path {
        &self.kubectl
    }

    /// Where the server of a control plane of our own listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.own.as_ref().map(|own| own.address)
    }

    /// Kills the server as a power cut would; etcd keeps what it has.
    pub fn stop_server(&mut self) {
        let own = self.own.as_mut().expect("a control plane of our own");
        own.server = None;
    }

    /// Starts the server again at the same address, and waits for it.
    pub async fn start_server(&mut self) {
        let own = self.own.as_mut().expect("a control plane of our own");
        let mut server = start_server(&self.folder, own.etcd, own.address, &own.certificates);
        ready(&self.folder, &mut server, own.address, &own.certificates).await;
        own.server = Some(server);
    }
}

fn file_name(user: User) -> String {
    format!("{}.kubeconfig", user.name())
}

fn start_etcd(folder: &Folder, client: SocketAddr) -> Leashed {
    let peer = format!("http://{}", ports::free());
    let client = format!("http://{client}");
    let mut command = Command::new(of_cluster("etcd"));
    command
        .args(["--data-dir", path(&folder.path().join("etcd"))])
        .args(["--listen-client-urls", &client])
        .args(["--advertise-client-urls", &client])
        .args(["--listen-peer-urls", &peer])
        .args(["--initial-advertise-peer-urls", &peer])
        .args(["--initial-cluster", &format!("default={peer}")])
        .args(["--log-level", "warn", "--unsafe-no-fsync"]);
    logs::into_file(&mut command, folder, "etcd");
    Leashed::start(&mut command)
}

fn start_server(
    folder: &Folder,
    etcd: SocketAddr,
    address: SocketAddr,
    certificates: &Certificates,
) -> Leashed {
    let ip = address.ip().to_string();
    let mut command = Command::new(of_cluster("kube-apiserver"));
    command
        .args(["--etcd-servers", &format!("http://{etcd}")])
        .args(["--bind-address", &ip, "--advertise-address", &ip])
        .args(["--secure-port", &address.port().to_string()])
        .args(["--tls-cert-file", path(&certificates.server)])
        .args(["--tls-private-key-file", path(&certificates.server_key)])
        .args(["--cert-dir", path(&folder.path().join("certs"))])
        .args(["--token-auth-file", path(&folder.path().join("tokens.csv"))])
        .args(["--authorization-mode", "RBAC"])
        .args(["--disable-admission-plugins", "ServiceAccount"])
        .args(["--service-cluster-ip-range", "10.0.0.0/24"])
        .args(["--service-account-issuer", "https://kubernetes.default.svc"])
        .args([
            "--service-account-key-file",
            path(&certificates.service_account_public),
        ])
        .args([
            "--service-account-signing-key-file",
            path(&certificates.service_account_key),
        ])
        .args([
            "--audit-policy-file",
            path(&folder.path().join("audit-policy.yaml")),
        ])
        .args(["--audit-log-path", path(&folder.path().join("audit.log"))])
        // Blocking: a line is written before its request is over. Never a second file.
        .args(["--audit-log-mode", "blocking", "--audit-log-format", "json"])
        .args(["--audit-log-maxsize", "4096"]);
    logs::into_file(&mut command, folder, "kube-apiserver");
    Leashed::start(&mut command)
}

fn start_controllers(folder: &Folder, certificates: &Certificates) -> Leashed {
    let kubeconfig = folder.path().join(file_name(User::Admin));
    let mut command = Command::new(of_cluster("kube-controller-manager"));
    command
        .args(["--kubeconfig", path(&kubeconfig)])
        .args([
            "--service-account-private-key-file",
            path(&certificates.service_account_key),
        ])
        .args(["--controllers", CONTROLLERS])
        .args(["--leader-elect=false", "--secure-port=0"])
        .arg("--use-service-account-credentials=false");
    logs::into_file(&mut command, folder, "kube-controller-manager");
    Leashed::start(&mut command)
}

/// Waits until the server says that it is ready.
async fn ready(
    folder: &Folder,
    server: &mut Leashed,
    address: SocketAddr,
    certificates: &Certificates,
) {
    let authority = std::fs::read(&certificates.authority).expect("the authority");
    let http = kubernetes::http_trusting(&authority);
    let url = format!("https://{address}/readyz");
    let seen = until(DEADLINE, async || {
        if let Some(status) = server.ended() {
            return Ok(Err(format!("kube-apiserver ended: {status}")));
        }
        let answer = http
            .get(&url)
            .send()
            .await
            .map_err(|why| format!("{why:?}"))?;
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        if status.is_success() {
            Ok(Ok(()))
        } else {
            Err(text)
        }
    });
    if let Ok(Err(why)) | Err(why) = seen.await {
        let log = |name: &str| logs::tail(&folder.path().join(format!("{name}.log")), 20);
        panic!(
            "no control plane: {why}\n{}\n{}",
            log("kube-apiserver"),
            log("etcd")
        );
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
