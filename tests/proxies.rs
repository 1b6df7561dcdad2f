//! `HTTPS_PROXY` and `NO_PROXY` in the environment: real processes reach the API server as kubectl
//! would, and tenants directly: a proxy to tenants is a setting of its own, `tests/tenant_proxy.rs`.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::Command,
    time::timeout,
};

use crate::support::{
    ControlPlane, Operator, User, World, binaries, kubectl::Printed, leash::Folder, proxied,
    world::spec,
};

/// No server has this name, so what reaches the API server went through the proxy.
const NAME: &str = "cluster.psg.test";

/// A proxy that leads to one server, and remembers what it was asked for.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, server, Arc::clone(&told)));
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked for since the last look.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

async fn serve(mut client: TcpStream, server: SocketAddr, asked: Arc<Mutex<Vec<String>>>) {
    let Some(head) = proxied::head(&mut client).await else {
        return;
    };
    asked
        .lock()
        .unwrap()
        .push(head.lines().next().unwrap().to_owned());
    let mut server = TcpStream::connect(server).await.unwrap();
    let opened = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
    if opened.await.is_ok() {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}

/// The server under its own address, and under a name that only a proxy knows.
struct Cluster {
    folder: Folder,
    proxy: Proxy,
    direct: PathBuf,
    named: PathBuf,
}

impl Cluster {
    /// None on an existing cluster, whose address is not ours to know.
    async fn of(plane: &ControlPlane, user: User) -> Option<Self> {
        let server = plane.address()?;
        let proxy = Proxy::to(server).await;
        let folder = Folder::new("proxies");
        let direct = plane.kubeconfig(user);
        let text = std::fs::read_to_string(&direct).unwrap();
        let mut config: Value = serde_saphyr::from_str(&text).unwrap();
        let cluster = &mut config["clusters"][0]["cluster"];
        cluster["server"] = json!(format!("https://{NAME}:{}", server.port()));
        cluster["tls-server-name"] = json!("localhost");
        let named = folder.write("named.kubeconfig", &config.to_string());
        Some(Self {
            folder,
            proxy,
            direct,
            named,
        })
    }
}

async fn reconcile(namespace: &str, environment: &[(&str, &str)]) -> Printed {
    let mut command = Command::new(binaries::own("kubectl-psg"));
    for name in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    command
        .args(["reconcile", "shared", "--namespace", namespace])
        .envs(environment.iter().copied())
        .kill_on_drop(true);
    let output = timeout(Duration::from_mins(1), command.output()).await;
    let output = output.expect("it ends").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Printed {
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        status: output.status.code().unwrap_or(-1),
    }
}

#[tokio::test]
async fn the_plugin_takes_the_proxy_of_the_environment_unless_no_proxy_has_the_server() {
    let world = World::v1("plugin-proxy").without_operator().start().await;
    world
        .apply_group("shared", &spec("Shared", &["Salesforce", "Workday"]))
        .await;
    let Some(cluster) = Cluster::of(world.plane, User::Admin).await else {
        return;
    };
    let [direct, named] = [&cluster.direct, &cluster.named].map(|path| path.to_str().unwrap());
    let (proxy, dead) = (cluster.proxy.url(), "http://127.0.0.1:1");
    let port = world.plane.address().unwrap().port();
    let connect = format!("CONNECT {NAME}:{port} HTTP/1.1");

    // The server is on this machine, or NO_PROXY has it: a dead proxy is in nobody's way.
    for environment in [
        &[("KUBECONFIG", direct), ("HTTPS_PROXY", dead)][..],
        &[
            ("KUBECONFIG", direct),
            ("HTTPS_PROXY", dead),
            ("NO_PROXY", "127.0.0.0/8"),
        ],
        &[
            ("KUBECONFIG", direct),
            ("https_proxy", dead),
            ("no_proxy", "*"),
        ],
    ] {
        let said = reconcile(&world.namespace, environment).await.ok();
        assert!(said.contains("the tenant is read now"), "{said}");
    }
    assert_eq!(cluster.proxy.asked(), [""; 0]);

    let through = [("KUBECONFIG", named), ("HTTPS_PROXY", proxy.as_str())];
    for excluded in ["", "other.test", "127.0.0.1"] {
        let environment = [&through[..], &[("NO_PROXY", excluded)]].concat();
        reconcile(&world.namespace, &environment).await.ok();
        assert_eq!(
            cluster.proxy.asked(),
            [connect.as_str()],
            "NO_PROXY={excluded}"
        );
    }
    for excluded in ["psg.test", ".psg.test", NAME] {
        let environment = [&through[..], &[("NO_PROXY", excluded)]].concat();
        let said = reconcile(&world.namespace, &environment).await.refused();
        assert!(said.contains(NAME), "{said}");
        assert_eq!(cluster.proxy.asked(), [""; 0], "NO_PROXY={excluded}");
    }
    let environment = [&through[..], &[("NO_PROXY", "a.test,,b.test")]].concat();
    let said = reconcile(&world.namespace, &environment).await.refused();
    assert!(
        said.contains("correct NO_PROXY, without empty entries"),
        "{said}"
    );

    // That of the kubeconfig counts in any case, as with kubectl.
    let text = std::fs::read_to_string(named).unwrap();
    let mut config: Value = serde_saphyr::from_str(&text).unwrap();
    config["clusters"][0]["cluster"]["proxy-url"] = json!(proxy);
    let own = cluster.folder.write("own.kubeconfig", &config.to_string());
    let environment = [("KUBECONFIG", own.to_str().unwrap()), ("NO_PROXY", "*")];
    reconcile(&world.namespace, &environment).await.ok();
    assert_eq!(cluster.proxy.asked(), [connect]);
}

#[tokio::test]
async fn an_operator_with_a_kubeconfig_takes_the_proxy_to_the_server_and_none_to_a_tenant() {
    let world = World::v1("operator-proxy").without_operator().start().await;
    let Some(cluster) = Cluster::of(world.plane, User::Operator).await else {
        return;
    };
    let proxy = cluster.proxy.url();
    let environment = [
        ("KUBECONFIG", cluster.named.to_str().unwrap()),
        ("HTTPS_PROXY", &proxy),
        ("HTTP_PROXY", &proxy),
        ("ALL_PROXY", &proxy),
        ("NO_PROXY", ""),
        ("no_proxy", ""),
    ];
    let namespaces = [&*world.namespace];
    let _operator = Operator::start_with(world.plane, &namespaces, &[], &environment).await;
    world
        .apply_group("shared", &spec("Shared", &["Salesforce", "Workday"]))
        .await;
    world.wait_ready("shared").await;
    let asked = cluster.proxy.asked();
    let port = world.plane.address().unwrap().port();
    let connect = format!("CONNECT {NAME}:{port} HTTP/1.1");
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|line| *line == connect), "{asked:?}");
}
