//! Behind a company's proxy: real processes reach a tenant by a proxy that asks for credentials and
//! signs what passes it by an authority of the company. While the proxy refuses, the status says what
//! to do and nothing is written; its credentials are shown nowhere.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::support::{
    Operator, World,
    leash::Folder,
    proxied,
    wait::wait_for,
    world::{said, spec},
};

/// No server has this name, so what reaches the tenant went by the proxy.
const HOST: &str = "acme.psg.test";
/// User and password of the proxy.
const CREDENTIALS: &str = "C4nary:hush/42";
/// Those of another user, which the proxy takes while it is to refuse ours.
const OTHERS: &str = "other:user";
/// Ours in a URL.
const IN_URL: &str = "C4nary:hush%2F42";
const WAIT: Duration = Duration::from_secs(30);

/// A proxy that ends TLS itself, and leads every tunnel to one server.
struct Gateway {
    address: SocketAddr,
    /// The credentials that it takes; others get a 407.
    takes: Arc<Mutex<&'static str>>,
    asked: Arc<Mutex<Vec<String>>>,
    authority: PathBuf,
    _folder: Folder,
}

impl Gateway {
    async fn to(tenant: &str) -> Self {
        let server: SocketAddr = tenant.strip_prefix("http://").unwrap().parse().unwrap();
        let folder = Folder::new("tenant-proxy");
        let (acceptor, authority) = certificates();
        let authority = folder.write("ca.crt", &authority);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let takes = Arc::new(Mutex::new(OTHERS));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (accepted, told) = (Arc::clone(&takes), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                let (accepted, told) = (Arc::clone(&accepted), Arc::clone(&told));
                tokio::spawn(async move {
                    serve(client, server, &acceptor, &accepted, &told).await;
                });
            }
        });
        Self {
            address,
            takes,
            asked,
            authority,
            _folder: folder,
        }
    }

    fn takes(&self, credentials: &'static str) {
        *self.takes.lock().unwrap() = credentials;
    }

    fn url(&self) -> String {
        format!("http://{IN_URL}@{}", self.address)
    }
}

/// TLS for the tenant's name, and the authority that signed for it.
fn certificates() -> (TlsAcceptor, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "company");
    let key = KeyPair::generate().unwrap();
    let authority = CertifiedIssuer::self_signed(authority, key).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([HOST.to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &authority).unwrap();
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key);
    (
        TlsAcceptor::from(Arc::new(config.unwrap())),
        authority.pem(),
    )
}

async fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    acceptor: &TlsAcceptor,
    takes: &Mutex<&'static str>,
    asked: &Mutex<Vec<String>>,
) {
    let Some(head) = proxied::head(&mut client).await else {
        return;
    };
    let line = head.lines().next().unwrap().to_owned();
    asked.lock().unwrap().push(line);
    let wanted = format!("Basic {}", BASE64_STANDARD.encode(*takes.lock().unwrap()));
    if !head.contains(&wanted) {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        let _ = client.write_all(refusal).await;
        return;
    }
    let opened = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
    if opened.await.is_ok()
        && let Ok(mut client) = acceptor.accept(client).await
        && let Ok(mut server) = TcpStream::connect(server).await
    {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_with_the_remedy_and_its_credentials_are_shown_nowhere() {
    let world = World::v1("tenant-proxy").without_operator().start().await;
    let gateway = Gateway::to(&world.tenant.base_url).await;
    let content = json!({"baseUrl": format!("https://{HOST}"),
        "clientId": world.tenant.client_id, "clientSecret": world.tenant.client_secret});
    world.apply_secret_with("tenant", content).await;
    let (url, authority) = (gateway.url(), gateway.authority.to_str().unwrap());
    let ca = format!("--tenant-ca={authority}");
    let flags = ["--allow-host=psg.test", &*ca];
    let environment = [("PSG_TENANT_PROXY", &*url), ("RUST_LOG", "trace")];
    let namespaces = [&*world.namespace];
    let mut operator = Operator::start_with(world.plane, &namespaces, &flags, &environment).await;

    world
        .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
        .await;
    world
        .wait_tenant("default", "Ready", "Unknown", "ProxyRefused")
        .await;
    let tenant = world.tenants().get("default").await.unwrap();
    let ready = said(&tenant, "Ready");
    let proxy = format!("by the proxy {}: ", gateway.address);
    assert!(ready.contains(&proxy), "{ready}");
    let remedy = "put a user and a password into the URL of the proxy";
    assert!(ready.contains(remedy), "{ready}");

    gateway.takes(CREDENTIALS);
    world.poke("default").await;
    world.wait_ready("pair").await;
    let asked = std::mem::take(&mut *gateway.asked.lock().unwrap());
    let connect = format!("CONNECT {HOST}:443 HTTP/1.1");
    assert!(asked.iter().all(|line| *line == connect), "{asked:?}");

    // A write that the proxy does not let through was not made, and is made once when it does.
    gateway.takes(OTHERS);
    let refused = || operator.log().matches(remedy).count();
    let before = refused();
    let name = json!({"spec": {"name": "Second"}});
    world.patch_group("pair", name).await;
    wait_for("a refusal in the log", WAIT, async || {
        let more = refused() - before;
        (more > 0).then_some(()).ok_or_else(|| "none".to_owned())
    })
    .await;
    assert!(world.tenant.group("Second").await.is_none());
    gateway.takes(CREDENTIALS);
    world.wait_ready("pair").await;
    assert!(world.tenant.group("Second").await.is_some());
    let writes = world.tenant.writes().await;
    let (post, put) = (
        "POST /password-sync-groups",
        "PUT /password-sync-groups/{id}",
    );
    assert_eq!(writes, [post, put]);

    let (_, metrics) = operator.page("/metrics").await;
    assert!(operator.terminate().await.success());
    let log = operator.log();
    let start = format!("\"tenant_proxy\":\"{}\"", gateway.address);
    assert!(log.contains(&start), "the log says which proxy is used");
    let loud = log.matches("\"level\":\"TRACE\"").count();
    assert!(loud > 100, "{loud}");
    let crate_of_http = "hyper_util::client";
    assert!(log.contains(crate_of_http), "the HTTP client logs as well");
    let mut shown = vec![("log", log), ("metrics", metrics)];
    for what in ["psg", "idt", "events"] {
        let printed = world.kubectl(&["get", what, "--output=json"]).await;
        shown.push((what, printed.ok().clone()));
    }
    for (place, text) in &shown {
        for secret in ["C4nary", "hush", &BASE64_STANDARD.encode(CREDENTIALS)] {
            assert!(!text.contains(secret), "{secret} is in the {place}");
        }
    }
}

#[tokio::test]
async fn the_plugin_reads_a_tenant_by_the_same_variables() {
    let world = World::v1("plugin-tenant-proxy")
        .without_operator()
        .start()
        .await;
    let gateway = Gateway::to(&world.tenant.base_url).await;
    let (url, authority) = (
        gateway.url(),
        gateway.authority.to_str().unwrap().to_owned(),
    );
    let sources = async |variables: &[(&str, &str)]| {
        let mut plugin = world.tenant.plugin();
        plugin
            .args(["sources", "--allow-host", "psg.test"])
            .env("SAIL_BASE_URL", format!("https://{HOST}"))
            .envs(variables.iter().copied());
        let output = tokio::task::spawn_blocking(move || plugin.output().unwrap());
        let output = output.await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(!text.contains("hush"), "{text}");
        text
    };
    let proxy = ("PSG_TENANT_PROXY", &*url);
    let trusted = ("PSG_TENANT_CA", &*authority);

    let said = sources(&[proxy, trusted]).await;
    assert!(
        said.contains("put a user and a password into the URL of the proxy"),
        "{said}"
    );
    gateway.takes(CREDENTIALS);
    let said = sources(&[proxy]).await;
    assert!(said.contains("UnknownIssuer"), "{said}");
    assert!(said.contains("PSG_TENANT_CA"), "{said}");
    let said = sources(&[proxy, trusted]).await;
    assert!(said.contains("Salesforce"), "{said}");
    let usual = [
        ("PSG_TENANT_PROXY", "environment"),
        ("HTTPS_PROXY", &*url),
        trusted,
    ];
    let said = sources(&usual).await;
    assert!(said.contains("Salesforce"), "{said}");
}
