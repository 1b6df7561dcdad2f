//! Serves the routes of [`crate::health`]. Every pod of the cluster may connect, so connections are
//! bounded in number, time and memory: they cannot take the descriptors and the memory that writes
//! need.

use std::{
    collections::VecDeque,
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpStream, task::AbortHandle};

use crate::aside::Aside;

/// The limits for the clients of one address.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many connections there are at most. A further connection ends the oldest one, so that a
    /// probe is served while other clients hold as many as they can.
    pub connections: usize,
    /// How long a request's headers may take to arrive.
    pub headers: Duration,
    /// How long a connection lives, even if requests go on arriving.
    pub life: Duration,
    /// The most bytes of a request that are kept: more are answered with 431.
    pub buffer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            headers: Duration::from_secs(5),
            life: Duration::from_secs(30),
            buffer: 16 * 1024,
        }
    }
}

/// Binds an address now, and serves it from then on.
///
/// # Errors
/// The address is in use, or is not one of this machine.
pub fn serve(
    aside: &Aside,
    address: SocketAddr,
    routes: Router,
    limits: Limits,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    aside.spawn(async move {
        if let Err(error) = accept(listener, routes, limits).await {
            tracing::error!(%error, "health is not served any more");
        }
    });
    Ok(bound)
}

async fn accept(listener: TcpListener, routes: Router, limits: Limits) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // No descriptor is left, or the client has gone: trying again at once helps in
                // neither case.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        open.retain(|connection| !connection.is_finished());
        while open.len() >= limits.connections {
            if let Some(oldest) = open.pop_front() {
                oldest.abort();
            }
        }
        let task = tokio::spawn(answer(stream, routes.clone(), limits));
        open.push_back(task.abort_handle());
    }
}

/// Serves one connection; an error in it concerns only its client.
async fn answer(stream: TcpStream, routes: Router, limits: Limits) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .max_buf_size(limits.buffer)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    match tokio::time::timeout(limits.life, connection).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection to the health port ended"),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
        time::Instant,
    };

    use axum::routing::get;

    use super::*;

    /// A server of these limits; it ends with its thread.
    fn served(limits: Limits) -> (SocketAddr, Aside) {
        let aside = Aside::start().unwrap();
        let routes = Router::new().route("/livez", get(|| async { "ok\n" }));
        let address = "127.0.0.1:0".parse().unwrap();
        let bound = serve(&aside, address, routes, limits).unwrap();
        (bound, aside)
    }

    fn connect(address: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(address).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        stream
    }

    /// What is answered until the server closes; a reset counts as the end.
    fn rest(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(read) = stream.read(&mut buffer) {
            if read == 0 {
                break;
            }
            bytes.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn probe(address: SocketAddr) -> String {
        let mut stream = connect(address);
        let request = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).unwrap();
        rest(&mut stream)
    }

    #[test]
    fn a_probe_is_answered_while_others_hold_more_connections_than_there_are() {
        let limits = Limits::default();
        let (address, _served) = served(limits);
        let held: Vec<TcpStream> = (0..limits.connections * 3)
            .map(|_| {
                let mut stream = connect(address);
                stream.write_all(b"GET /livez HTTP/1.1\r\nX: ").unwrap();
                stream
            })
            .collect();
        assert!(
            probe(address).starts_with("HTTP/1.1 200"),
            "{} held",
            held.len()
        );
    }

    #[test]
    fn headers_that_do_not_come_end_the_connection() {
        let limits = Limits {
            headers: Duration::from_millis(300),
            ..Limits::default()
        };
        let (address, _served) = served(limits);
        let mut slow = connect(address);
        slow.write_all(b"GET /livez HTTP/1.1\r\n").unwrap();
        let began = Instant::now();
        let said = rest(&mut slow);
        assert!(began.elapsed() < Duration::from_secs(10), "{said}");
        assert!(!said.contains("200 OK"), "{said}");
    }

    #[test]
    fn a_connection_that_is_used_all_the_time_ends_too() {
        let limits = Limits {
            life: Duration::from_millis(300),
            ..Limits::default()
        };
        let (address, _served) = served(limits);
        let mut stream = connect(address);
        let end = Instant::now() + Duration::from_secs(10);
        let mut ended = false;
        while !ended && Instant::now() < end {
            let request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
            let mut answer = [0; 1024];
            ended = stream.write_all(request).is_err()
                || matches!(stream.read(&mut answer), Ok(0) | Err(_));
        }
        assert!(ended, "it is served for ever");
    }

    #[test]
    fn headers_of_more_than_the_limit_are_refused() {
        let (address, _served) = served(Limits::default());
        let mut stream = connect(address);
        let long = "x".repeat(64 * 1024);
        let request = format!("GET /livez HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n");
        // The server may close before it has read everything.
        let _ = stream.write_all(request.as_bytes());
        let said = rest(&mut stream);
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 431"),
            "{said}"
        );
        assert!(probe(address).starts_with("HTTP/1.1 200"));
    }
}
