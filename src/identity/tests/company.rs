//! A company's network on loopback, for tests: an authority, tenants behind TLS, proxies, and a write
//! that is sent through them.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::http::{OK, request};
use crate::{
    Authorities, BaseUrl, Effect, Error, HostPolicy, HttpOptions, HttpTransport, Kind, Obstacle,
    TenantProxy, Transport, TransportError,
};

/// A tenant's name, which no resolver knows: only a proxy leads to it.
pub(super) const TENANT: &str = "acme.psg.test";

/// A certificate authority.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What a server shows, and its key.
pub(super) type Shown = (CertificateDer<'static>, PrivateKeyDer<'static>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub fn trusted(&self) -> Authorities {
        Authorities::parse(self.0.pem().as_bytes()).unwrap()
    }

    /// A certificate for a name, valid in these years.
    pub fn signs(&self, name: &str, (from, until): (i32, i32)) -> Shown {
        let (params, key) = params(name, from, until);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), der(&key))
    }

    /// Its own certificate, as that of a server.
    pub fn itself(&self) -> Shown {
        (self.0.der().clone(), der(self.0.key()))
    }
}

pub(super) fn self_signed(name: &str) -> Shown {
    let (params, key) = params(name, 2020, 2099);
    let certificate = params.self_signed(&key).unwrap();
    (certificate.der().clone(), der(&key))
}

fn params(name: &str, from: i32, until: i32) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    (params, KeyPair::generate().unwrap())
}

fn der(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

fn acceptor((certificate, key): Shown) -> TlsAcceptor {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// What a server was asked for: the head of each request.
pub(super) type Asked = Arc<Mutex<Vec<String>>>;

/// A tenant behind TLS, whose every answer is an empty object.
pub(super) async fn tenant(shown: Shown) -> (SocketAddr, Asked) {
    let acceptor = acceptor(shown);
    let (listener, address, asked) = listen().await;
    let told = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            if let Ok(mut socket) = acceptor.accept(socket).await
                && let Some(head) = head(&mut socket).await
            {
                told.lock().unwrap().push(head);
                let _ = socket.write_all(OK).await;
                let _ = socket.shutdown().await;
            }
        }
    });
    (address, asked)
}

/// A server that answers the first bytes of each connection with these, and ends it.
pub(super) async fn answering(bytes: impl Into<Vec<u8>>) -> SocketAddr {
    let bytes = bytes.into();
    let (listener, address, _) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 2000]).await;
            let _ = socket.write_all(&bytes).await;
        }
    });
    address
}

/// A server that takes connections and never says anything.
pub(super) async fn silent() -> SocketAddr {
    let (listener, address, _) = listen().await;
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok(connection) = listener.accept().await {
            open.push(connection);
        }
    });
    address
}

/// An address where nothing listens.
pub(super) async fn dead() -> SocketAddr {
    listen().await.1
}

/// A proxy that connects every client to one server, whatever host the client names; with `shown` the
/// proxy itself is behind TLS.
pub(super) async fn leading_to(server: SocketAddr, shown: Option<Shown>) -> (SocketAddr, Asked) {
    let acceptor = shown.map(acceptor);
    let (listener, address, asked) = listen().await;
    let told = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, told) = (acceptor.clone(), Arc::clone(&told));
            tokio::spawn(async move {
                let Some(acceptor) = acceptor else {
                    return tunnel(client, server, &told).await;
                };
                if let Ok(client) = acceptor.accept(client).await {
                    tunnel(client, server, &told).await;
                }
            });
        }
    });
    (address, asked)
}

async fn tunnel(mut client: impl AsyncRead + AsyncWrite + Unpin, server: SocketAddr, told: &Asked) {
    let Some(head) = head(&mut client).await else {
        return;
    };
    told.lock().unwrap().push(head);
    let mut server = TcpStream::connect(server).await.unwrap();
    let opened = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
    opened.await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

async fn listen() -> (TcpListener, SocketAddr, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address, Asked::default())
}

async fn head(socket: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

/// Options that name a proxy as its flag would, on a machine with these variables.
pub(super) fn options(
    proxy: Option<&str>,
    variables: &[(&str, &str)],
    authorities: Authorities,
) -> HttpOptions {
    let variable = |name: &str| {
        let set = variables.iter().find(|(known, _)| *known == name);
        set.map(|(_, value)| (*value).to_owned())
    };
    let named = |value| TenantProxy::named(value, "--tenant-proxy", variable).unwrap();
    HttpOptions {
        allow_insecure: true,
        connect_timeout: Duration::from_secs(2),
        proxy: proxy.and_then(named),
        authorities,
        ..HttpOptions::default()
    }
}

/// Sends a write to a host. If it did not leave, the error says why, and what stands in the way; nothing else may go wrong.
pub(super) async fn write(
    host: &str,
    options: &HttpOptions,
) -> Result<(), (String, Option<Obstacle>)> {
    // The transport has checks of its own, so none is made here.
    let policy = HostPolicy {
        allow_insecure: true,
        suffixes: vec!["psg.test".to_owned()],
    };
    let base = BaseUrl::parse(&format!("https://{host}"), &policy).unwrap();
    let transport = HttpTransport::new(options).unwrap();
    match transport.send(request(&base, Kind::Write)).await {
        Ok(_) => Ok(()),
        Err(TransportError::NotSent { why, obstacle }) => {
            let error = Error::not_sent(why.clone());
            assert_eq!(error.effect(), Effect::NotMade);
            Err((why, obstacle))
        }
        Err(other) => panic!("it may have left: {other}"),
    }
}
