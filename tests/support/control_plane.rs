//! etcd, kube-apiserver and kube-controller-manager on loopback ports, or a cluster there is.
//!
//! Where it comes from: `PSG_TEST_KUBECONFIG`, then `KUBEBUILDER_ASSETS`, then `hack/cluster/bin`,
//! which is built if it is not there. One control plane serves a whole run; tests keep apart by
//! namespaces and tenants.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use tokio::sync::OnceCell;

use super::{
    audit,
    binaries::of_cluster,
    certificates::Certificates,
    install,
    leash::{Folder, Leashed},
    ports,
    processes::{ready, start_controllers, start_etcd, start_server},
    users::{self, User},
};

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

    /// One whose audit log can be read: the shared one, or, beside an existing cluster, another.
    pub async fn audited() -> &'static Self {
        static AUDITED: OnceCell<ControlPlane> = OnceCell::const_new();
        let shared = Self::shared().await;
        if shared.is_existing() {
            AUDITED.get_or_init(Self::own).await
        } else {
            shared
        }
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
        let admin = folder.path().join(file_name(User::Admin));
        let store = start_etcd(&folder, etcd);
        let mut server = start_server(&folder, etcd, address, &certificates);
        ready(&folder, &mut server, address, &certificates).await;
        let plane = Self {
            own: Some(Processes {
                _controllers: start_controllers(&folder, &admin, &certificates),
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
        let there = Command::new("kubectl").arg("--help").output().is_ok();
        let kubectl = there.then(|| PathBuf::from("kubectl"));
        let kubectl = kubectl.unwrap_or_else(|| of_cluster("kubectl"));
        // Flat: the copies below lie elsewhere, and paths in it may be relative.
        let mut view = Command::new(&kubectl);
        view.args(["config", "view", "--raw", "--flatten", "--minify"]);
        let shown = view
            .env("KUBECONFIG", kubeconfig)
            .output()
            .expect("kubectl");
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(
            shown.contains("users:"),
            "PSG_TEST_KUBECONFIG has no context in use"
        );
        let folder = Folder::new("kubeconfigs");
        for user in User::ALL {
            folder.write(&file_name(user), &users::by_impersonation(&shown, user));
        }
        let plane = Self {
            own: None,
            kubectl,
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

    /// Where the store of a control plane of our own listens.
    pub fn store(&self) -> Option<SocketAddr> {
        self.own.as_ref().map(|own| own.etcd)
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
    // KUBECONFIG is a list, divided by colons.
    format!("{}.kubeconfig", user.name().replace(':', "-"))
}
