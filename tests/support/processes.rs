//! The three processes of a control plane, with the flags that make them light and harmless:
//! loopback only, nothing kept, and the audit log that counts writes.

use std::{net::SocketAddr, path::Path, process::Command, time::Duration};

use super::{
    binaries::of_cluster,
    certificates::Certificates,
    kubernetes,
    leash::{Folder, Leashed},
    logs, ports,
    wait::until,
};

/// The controllers that tests see the work of; the others would only take time.
const CONTROLLERS: &str = "namespace-controller,garbage-collector-controller,\
    clusterrole-aggregation-controller,validatingadmissionpolicy-status-controller";
const DEADLINE: Duration = Duration::from_secs(90);

/// The store.
pub fn start_etcd(folder: &Folder, client: SocketAddr) -> Leashed {
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

/// The API server; the folder has its tokens and its audit policy.
pub fn start_server(
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

/// What ends namespaces, collects garbage and puts roles together.
pub fn start_controllers(
    folder: &Folder,
    kubeconfig: &Path,
    certificates: &Certificates,
) -> Leashed {
    let mut command = Command::new(of_cluster("kube-controller-manager"));
    command
        .args(["--kubeconfig", path(kubeconfig)])
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
pub async fn ready(
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
