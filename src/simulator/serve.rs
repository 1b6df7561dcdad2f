//! The HTTP server: turns HTTP requests into plain data, and plain data into HTTP answers. Besides
//! this file, only `wire` and `main` have IO.
//!
//! Two listeners share one world behind a lock. A response that is to be cut makes its connection
//! fail, so the client sees what a crashed gateway shows: a reset, or a body that ends too soon.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, State},
};
use futures::{StreamExt, stream};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    clock::Clock,
    control,
    request::{Cut, Request, Response},
    wire::{Cuttable, Line},
    world::World,
};

const LARGEST_BODY: usize = 256 * 1024 * 1024;

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// Where the API listens.
    pub api: SocketAddr,
    /// Where the control port listens.
    pub control: SocketAddr,
    shared: Shared,
    tasks: Vec<JoinHandle<()>>,
}

/// The world and the clock that both ports use.
#[derive(Debug, Clone)]
struct Shared(Arc<Mutex<(World, Clock)>>);

/// Why the simulator does not start.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages are the documentation")]
pub enum ServeError {
    #[error("{address} is no loopback address: a simulator has no defences (--allow-remote)")]
    Remote { address: SocketAddr },
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
}

/// Starts both ports; port 0 takes any free one.
pub async fn start(
    world: World,
    clock: Clock,
    api: SocketAddr,
    control: SocketAddr,
    allow_remote: bool,
) -> Result<Running, ServeError> {
    for address in [api, control] {
        if !allow_remote && !address.ip().is_loopback() {
            return Err(ServeError::Remote { address });
        }
    }
    let shared = Shared(Arc::new(Mutex::new((world, clock))));
    let (api_listener, api) = listen(api).await?;
    let (control_listener, control) = listen(control).await?;
    let api_app = Router::new()
        .fallback(answer_api)
        .with_state(shared.clone());
    let control_app = Router::new()
        .fallback(answer_control)
        .with_state(shared.clone());
    let tasks = vec![
        spawn(api_listener, api_app),
        spawn(control_listener, control_app),
    ];
    Ok(Running {
        api,
        control,
        shared,
        tasks,
    })
}

impl Running {
    /// The address of the API as a URL.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }

    /// The address of the control port as a URL.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// Looks at or changes the world and its clock from inside the process.
    pub fn with<T>(&self, look: impl FnOnce(&mut World, &mut Clock) -> T) -> T {
        let mut guard = self.shared.lock();
        let (world, clock) = &mut *guard;
        look(world, clock)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Shared {
    /// Ignores poisoning: a panic in one request must not end all others, and leaves the world
    /// usable.
    fn lock(&self) -> MutexGuard<'_, (World, Clock)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer_api(
    State(shared): State<Shared>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: http::Request<Body>,
) -> http::Response<Body> {
    let Some(request) = plain(request).await else {
        return bad_request();
    };
    let response = {
        let (world, clock) = &mut *shared.lock();
        world.handle(&request, clock.now())
    };
    let (method, path) = (request.method, request.path);
    tracing::debug!(method, path, status = response.status, cut = ?response.cut, "api");
    send(response, &line).await
}

async fn answer_control(
    State(shared): State<Shared>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: http::Request<Body>,
) -> http::Response<Body> {
    let Some(request) = plain(request).await else {
        return bad_request();
    };
    let response = {
        let (world, clock) = &mut *shared.lock();
        control::control(world, clock, &request)
    };
    let (method, path) = (request.method, request.path);
    tracing::debug!(method, path, status = response.status, "control");
    send(response, &line).await
}

async fn plain(request: http::Request<Body>) -> Option<Request> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LARGEST_BODY).await.ok()?;
    let headers = parts.headers.iter().map(|(name, value)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    Some(Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: body.to_vec(),
    })
}

async fn send(response: Response, line: &Line) -> http::Response<Body> {
    if !response.delay.is_zero() {
        tokio::time::sleep(response.delay).await;
    }
    if response.cut == Some(Cut::Before) {
        line.cut();
        return http::Response::default();
    }
    let mut out = http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        out = out.header(name, value);
    }
    if response.cut == Some(Cut::After) {
        out = out.header("connection", "close");
    }
    let streamed = response.drip.is_some() || response.cut == Some(Cut::Middle);
    if streamed {
        out = out.header("content-length", response.body.len());
    }
    let body = match (response.drip, response.cut) {
        (_, Some(Cut::Middle)) => half(response.body),
        (Some(rate), _) => dripping(response.body, rate),
        _ => Body::from(response.body),
    };
    out.body(body).unwrap_or_else(|_| bad_request())
}

fn half(mut body: Vec<u8>) -> Body {
    body.truncate(body.len() / 2);
    let broken = Err(io::Error::from(io::ErrorKind::ConnectionReset));
    // The pause lets the first half reach the client before the connection ends.
    let tail = stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        broken
    });
    Body::from_stream(stream::once(async { Ok(Bytes::from(body)) }).chain(tail))
}

fn dripping(body: Vec<u8>, bytes_per_second: u32) -> Body {
    let step = usize::try_from(bytes_per_second.div_ceil(10))
        .unwrap_or(1)
        .max(1);
    Body::from_stream(stream::unfold(
        Bytes::from(body),
        move |mut rest| async move {
            if rest.is_empty() {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            let drop = rest.split_to(step.min(rest.len()));
            Some((Ok::<_, io::Error>(drop), rest))
        },
    ))
}

fn bad_request() -> http::Response<Body> {
    let mut response = http::Response::default();
    *response.status_mut() = http::StatusCode::BAD_REQUEST;
    response
}

async fn listen(address: SocketAddr) -> Result<(Cuttable, SocketAddr), ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((Cuttable(listener), local))
}

fn spawn(listener: Cuttable, app: Router) -> JoinHandle<()> {
    let service = app.into_make_service_with_connect_info::<Line>();
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "a listener ended");
        }
    })
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;
    use crate::{Fault, FaultKind, Seed};

    const LOOPBACK: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
    const FORM: &str =
        "grant_type=client_credentials&client_id=psg-operator&client_secret=not-a-secret";

    async fn running() -> Running {
        let mut world = World::new(1);
        let clock = Clock::fixed();
        world
            .put(
                Seed::parse(include_str!("seeds/acme.yaml")).unwrap(),
                clock.now(),
            )
            .unwrap();
        start(world, clock, LOOPBACK, LOOPBACK, false)
            .await
            .unwrap()
    }

    /// Everything the other side sends until it closes; a reset counts as the end.
    async fn talk(address: SocketAddr, method: &str, target: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let length = body.len();
        let head = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        let all = format!("{head}content-length: {length}\r\n\r\n{body}");
        stream.write_all(all.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn token(running: &Running, kind: Option<FaultKind>) -> String {
        if let Some(kind) = kind {
            let fault = Fault::new("POST /oauth/token", 1, kind);
            running.with(|world, _| world.tenant("acme").unwrap().add_fault(fault));
        }
        talk(running.api, "POST", "/oauth/token", FORM).await
    }

    #[tokio::test]
    async fn both_ports_answer() {
        let running = running().await;
        assert!(
            token(&running, None)
                .await
                .starts_with("HTTP/1.1 200 OK\r\n")
        );
        let health = talk(running.control, "GET", "/healthz", "").await;
        assert!(health.ends_with("\r\n\r\nok"), "{health}");
        let ledger = talk(running.control, "GET", "/tenants/acme/ledger", "").await;
        assert!(ledger.contains("/oauth/token") && !ledger.contains("not-a-secret"));
    }

    #[tokio::test]
    async fn a_cut_connection_is_cut_where_it_should_be() {
        let running = running().await;
        assert_eq!(token(&running, Some(FaultKind::LostAnswer)).await, "");
        let whole = token(&running, Some(FaultKind::CutConnection { at: Cut::After })).await;
        let (head, body) = whole.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())));
        let half = token(&running, Some(FaultKind::TruncatedBody)).await;
        let (head, part) = half.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())));
        assert_eq!(part.len(), body.len() / 2);
    }

    #[tokio::test]
    async fn a_dripping_body_arrives_whole() {
        let running = running().await;
        let drip = FaultKind::SlowBody {
            bytes_per_second: 5_000,
        };
        let answer = token(&running, Some(drip)).await;
        assert!(answer.ends_with('}'), "{answer}");
    }

    #[tokio::test]
    async fn only_loopback_addresses_are_taken() {
        let anywhere = "0.0.0.0:0".parse().unwrap();
        let refused = start(World::new(1), Clock::Real, anywhere, LOOPBACK, false).await;
        assert!(matches!(refused, Err(ServeError::Remote { .. })));
    }
}
