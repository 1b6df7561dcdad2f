//! Tests of the way through a company's network, over real sockets on loopback: a proxy, an authority
//! of its own, and certificates that must not be trusted. No write may count as sent by any of them.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::http::{OK, request};
use crate::{
    Authorities, BaseUrl, HostPolicy, HttpOptions, HttpTransport, Kind, TenantProxy, Transport,
    TransportError,
};

/// A certificate authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What a server shows, and its key.
type Shown = (CertificateDer<'static>, PrivateKeyDer<'static>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn trusted(&self) -> Authorities {
        Authorities::parse(self.0.pem().as_bytes()).unwrap()
    }

    fn signs(&self, name: &str, year: i32) -> Shown {
        let (params, key) = params(name, year);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), der(&key))
    }
}

fn params(name: &str, year: i32) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    (params, KeyPair::generate().unwrap())
}

fn der(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

fn self_signed() -> Shown {
    let (params, key) = params("localhost", 2099);
    let certificate = params.self_signed(&key).unwrap();
    (certificate.der().clone(), der(&key))
}

/// A tenant behind TLS, whose every answer is an empty object.
async fn tenant((certificate, key): Shown) -> SocketAddr {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            if let Ok(mut socket) = acceptor.accept(socket).await {
                let _ = socket.read(&mut [0; 2000]).await;
                let _ = socket.write_all(OK).await;
            }
        }
    });
    address
}

/// A server that answers each first bytes with these, and ends the connection.
async fn answering(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 2000]).await;
            let _ = socket.write_all(bytes).await;
        }
    });
    address
}

/// A proxy that leads to one server whatever it is asked for, and what it is asked for.
async fn leading_to(server: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            told.lock()
                .unwrap()
                .push(head.lines().next().unwrap().to_owned());
            let mut server = TcpStream::connect(server).await.unwrap();
            let opened = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
            opened.await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (address, asked)
}

/// Sends a write, and returns why it did not leave, if it did not.
async fn write(host: &str, proxy: Option<&str>, authorities: Authorities) -> Result<(), String> {
    let policy = HostPolicy {
        allow_insecure: true,
        ..HostPolicy::default()
    };
    let base = BaseUrl::parse(&format!("https://{host}"), &policy).unwrap();
    let options = HttpOptions {
        allow_insecure: true,
        proxy: proxy.map(|url| TenantProxy::parse(url, None).unwrap()),
        authorities,
        ..HttpOptions::default()
    };
    let transport = HttpTransport::new(&options).unwrap();
    match transport.send(request(&base, Kind::Write)).await {
        Ok(_) => Ok(()),
        Err(TransportError::NotSent { why }) => Err(why),
        Err(other) => panic!("it may have left: {other}"),
    }
}

#[tokio::test]
async fn a_certificate_that_must_not_be_trusted_is_named_and_nothing_is_sent() {
    let authority = Authority::new("company");
    let other = Authority::new("another");
    for (shown, says) in [
        (authority.signs("localhost", 2024), "certificate expired"),
        (authority.signs("other.example", 2099), "not valid for name"),
        (other.signs("localhost", 2099), "UnknownIssuer"),
        (self_signed(), "UnknownIssuer"),
    ] {
        let port = tenant(shown).await.port();
        let host = format!("localhost:{port}");
        let why = write(&host, None, authority.trusted()).await.unwrap_err();
        assert!(why.contains(says), "{says}: {why}");
        let remedy = why.contains("--tenant-ca");
        assert_eq!(remedy, says == "UnknownIssuer", "{why}");
    }
    // A server that speaks TLS 1.1 at most refuses with the alert protocol_version.
    for (bytes, says) in [
        (&[21, 3, 2, 0, 2, 2, 70][..], "ProtocolVersion"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "corrupt message"),
        (b"", "eof"),
    ] {
        let port = answering(bytes).await.port();
        let host = format!("localhost:{port}");
        let why = write(&host, None, authority.trusted()).await.unwrap_err();
        assert!(why.contains(says), "{says}: {why}");
    }
}

#[tokio::test]
async fn an_authority_that_is_given_is_trusted_beside_those_of_the_system() {
    let authority = Authority::new("company");
    let host = || async {
        let port = tenant(authority.signs("localhost", 2099)).await.port();
        format!("localhost:{port}")
    };
    write(&host().await, None, authority.trusted())
        .await
        .unwrap();
    let why = write(&host().await, None, Authorities::default())
        .await
        .unwrap_err();
    assert!(why.contains("UnknownIssuer"), "{why}");
}

#[tokio::test]
async fn a_tenant_is_reached_by_the_proxy_which_resolves_its_name() {
    let authority = Authority::new("company");
    let tenant = tenant(authority.signs("acme.api.identitynow.com", 2099)).await;
    let (proxy, asked) = leading_to(tenant).await;
    let url = format!("http://{proxy}");
    write(
        "acme.api.identitynow.com:443",
        Some(&url),
        authority.trusted(),
    )
    .await
    .unwrap();
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked, ["CONNECT acme.api.identitynow.com:443 HTTP/1.1"]);
}

#[tokio::test]
async fn a_proxy_that_refuses_or_cannot_be_reached_is_named_without_its_password() {
    let dead = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let asks = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let refuses = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    for (proxy, says) in [
        (dead, "tcp connect error"),
        (
            answering(asks).await,
            "put them into the URL of --tenant-proxy",
        ),
        (answering(refuses).await, "unsuccessful"),
    ] {
        let url = format!("http://user:hush@{proxy}");
        let sent = write(
            "acme.api.identitynow.com:443",
            Some(&url),
            Authorities::default(),
        );
        let why = sent.await.unwrap_err();
        assert!(why.contains(says), "{says}: {why}");
        assert!(why.contains(&format!("by the proxy {proxy}: ")), "{why}");
        assert!(!why.contains("hush"), "{why}");
    }
}
