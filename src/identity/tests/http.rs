//! Tests of the HTTP transport over real sockets on loopback: what leaves, and what each way
//! of breaking an answer is taken for. Virtual time cannot drive sockets; nothing here waits
//! for luck: each server does one thing and says so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, Method};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    BaseUrl, Effect, Error, HostPolicy, HttpOptions, HttpTransport, Kind, Request, Response,
    Transport, TransportError,
};

pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

pub(crate) struct Server {
    pub base: BaseUrl,
    pub connections: Arc<AtomicUsize>,
    pub requests: Arc<AtomicUsize>,
}

fn insecure() -> HostPolicy {
    HostPolicy {
        allow_insecure: true,
        ..HostPolicy::default()
    }
}

/// Serves every request on every connection with these bytes, then closes if told to.
pub(crate) async fn serve(answer: Vec<u8>, close: bool) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let requests = Arc::new(AtomicUsize::new(0));
    let (seen_connections, seen_requests) = (connections.clone(), requests.clone());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            seen_connections.fetch_add(1, Ordering::SeqCst);
            let (answer, seen_requests) = (answer.clone(), seen_requests.clone());
            tokio::spawn(async move {
                while read_request(&mut socket).await {
                    seen_requests.fetch_add(1, Ordering::SeqCst);
                    if socket.write_all(&answer).await.is_err() || close {
                        return;
                    }
                }
            });
        }
    });
    Server {
        base: BaseUrl::parse(&base, &insecure()).unwrap(),
        connections,
        requests,
    }
}

/// Reads one request; false at the end. Bodies of tests are `{}` or none.
async fn read_request(socket: &mut TcpStream) -> bool {
    let mut text = Vec::new();
    let mut byte = [0; 1];
    while !text.ends_with(b"\r\n\r\n") {
        if !matches!(socket.read(&mut byte).await, Ok(1)) {
            return false;
        }
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).unwrap().to_ascii_lowercase();
    assert!(head.contains("user-agent: psg-operator/"), "{head}");
    assert!(
        !head.contains("referer:") && !head.contains("accept-encoding:"),
        "{head}"
    );
    if head.contains("content-length: 2") {
        socket.read_exact(&mut [0; 2]).await.unwrap();
    }
    true
}

pub(crate) fn transport() -> HttpTransport {
    let options = HttpOptions {
        allow_insecure: true,
        ..HttpOptions::default()
    };
    HttpTransport::new(&options).unwrap()
}

pub(crate) fn request(base: &BaseUrl, kind: Kind) -> Request {
    Request {
        operation: "test",
        method: if kind == Kind::Write {
            Method::POST
        } else {
            Method::GET
        },
        base: base.clone(),
        target: "/v3/x?y=z".to_owned(),
        headers: HeaderMap::new(),
        body: (kind == Kind::Write).then(|| "{}".into()),
        kind,
        timeout: Duration::from_secs(20),
        max_body: 1000,
    }
}

async fn send(server: &Server, kind: Kind) -> Result<Response, TransportError> {
    transport().send(request(&server.base, kind)).await
}

fn is_unknown(answer: &Result<Response, TransportError>) -> bool {
    let error = answer.as_ref().err().cloned().map(Error::from);
    error.is_some_and(|error| error.effect() == Effect::Unknown)
}

fn is_not_sent(answer: &Result<Response, TransportError>) -> bool {
    matches!(answer, Err(TransportError::NotSent { .. }))
}

#[tokio::test]
async fn reads_share_a_connection_and_each_write_has_its_own() {
    let server = serve(OK.to_vec(), false).await;
    let transport = transport();
    for _ in 0..3 {
        transport
            .send(request(&server.base, Kind::Read))
            .await
            .unwrap();
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    for _ in 0..3 {
        transport
            .send(request(&server.base, Kind::Write))
            .await
            .unwrap();
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 4);
    assert_eq!(server.requests.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn a_post_is_on_the_wire_once_however_its_answer_breaks() {
    let endless = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
        b"7d0\r\n".to_vec(),
        vec![b' '; 2000],
        b"\r\n".to_vec(),
    ]
    .concat();
    let lying = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n".to_vec(),
        vec![b' '; 2],
    ]
    .concat();
    for (name, bytes) in [
        ("cut before the answer", Vec::new()),
        ("cut in the status line", b"HTTP/1.1 20".to_vec()),
        (
            "cut in the headers",
            b"HTTP/1.1 200 OK\r\nContent-Le".to_vec(),
        ),
        ("cut in the body", lying),
        (
            "garbage",
            b"\x16\x03\x01\x00\x00not http at all\r\n\r\n".to_vec(),
        ),
        ("longer than the cap", endless),
    ] {
        let server = serve(bytes, true).await;
        let answer = send(&server, Kind::Write).await;
        assert!(is_unknown(&answer), "{name}: {answer:?}");
        assert_eq!(server.requests.load(Ordering::SeqCst), 1, "{name}");
        assert_eq!(server.connections.load(Ordering::SeqCst), 1, "{name}");
    }
}

#[tokio::test]
async fn statuses_and_redirects_come_back_as_they_are() {
    for status in [
        200, 204, 301, 302, 307, 308, 400, 401, 408, 425, 429, 500, 502, 503, 504,
    ] {
        let head = format!(
            "HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        );
        let server = serve(head.into_bytes(), false).await;
        for kind in [Kind::Read, Kind::Write] {
            assert_eq!(send(&server, kind).await.unwrap().status.as_u16(), status);
        }
        assert_eq!(server.requests.load(Ordering::SeqCst), 2, "{status}");
    }
}

#[tokio::test]
async fn a_content_encoding_is_not_believed() {
    let head = "HTTP/1.1 400 X\r\nContent-Encoding: UTF-8\r\nContent-Length: 2\r\n\r\n{}";
    let server = serve(head.into(), false).await;
    assert_eq!(send(&server, Kind::Read).await.unwrap().body, "{}");
    let zipped = b"HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}";
    let server = serve(zipped.to_vec(), false).await;
    assert_eq!(
        send(&server, Kind::Read).await.unwrap().body,
        "{}",
        "no bomb is unpacked"
    );
}

#[tokio::test]
async fn a_body_up_to_the_cap_is_read_and_one_byte_more_is_not() {
    for (bytes, fits) in [(1000, true), (1001, false), (1_000_000, false)] {
        let head = format!("HTTP/1.1 200 X\r\nContent-Length: {bytes}\r\n\r\n");
        let server = serve([head.into_bytes(), vec![b'x'; bytes]].concat(), true).await;
        let answer = send(&server, Kind::Read).await;
        assert_eq!(answer.is_ok(), fits, "{bytes}");
        let too_large = TransportError::TooLarge { most: 1000 };
        assert_eq!(answer.err(), (!fits).then_some(too_large), "{bytes}");
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_times_out() {
    let server = serve(
        b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nx".to_vec(),
        false,
    )
    .await;
    let mut request = request(&server.base, Kind::Write);
    request.timeout = Duration::from_millis(300);
    assert!(is_unknown(&transport().send(request).await));
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_could_not_be_sent_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free = listener.local_addr().unwrap();
    drop(listener);
    let plain = serve(OK.to_vec(), false).await;
    let https = plain.base.as_str().replace("http:", "https:");
    // Where there is no network, the name server does not answer either.
    let connect_timeout = Duration::from_secs(1);
    let options = HttpOptions {
        allow_insecure: true,
        connect_timeout,
        ..HttpOptions::default()
    };
    let transport = HttpTransport::new(&options).unwrap();
    let named = HostPolicy {
        suffixes: vec!["invalid".to_owned()],
        ..insecure()
    };
    for (name, url) in [
        ("refused", format!("http://{free}")),
        ("no name", "https://nowhere.invalid".to_owned()),
        ("no TLS", https),
    ] {
        let base = BaseUrl::parse(&url, &named).unwrap();
        for kind in [Kind::Read, Kind::Write] {
            let answer = transport.send(request(&base, kind)).await;
            assert!(is_not_sent(&answer), "{name}: {answer:?}");
            let text = answer.unwrap_err().to_string();
            assert!(!text.contains("y=z") && text.len() < 300, "{text}");
        }
    }
}

#[tokio::test]
async fn a_private_address_is_not_even_connected_to() {
    let server = serve(OK.to_vec(), false).await;
    let port = server.base.as_str().rsplit(':').next().unwrap();
    let transport = HttpTransport::new(&HttpOptions::default()).unwrap();
    for host in ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"] {
        let base = BaseUrl::parse(&format!("https://{host}:{port}"), &insecure()).unwrap();
        let answer = transport.send(request(&base, Kind::Write)).await;
        let Err(TransportError::NotSent { why, .. }) = answer else {
            panic!("{host}: {answer:?}");
        };
        assert!(why.contains("not public"), "{host}: {why}");
    }
    let answer = transport.send(request(&server.base, Kind::Read)).await;
    assert!(is_not_sent(&answer), "plain http");
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}
