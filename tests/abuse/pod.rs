//! Any pod of the cluster, which reaches the port that probes are answered on.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use futures::{StreamExt, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::watched::{Ground, MIB, held};
use crate::support::World;

const HALF: usize = 500;
const LARGE: usize = 200;
const HEADERS: usize = 380 * 1024;
/// How many connections the pod keeps open: its newest. The operator serves half as many.
const HELD: usize = 128;
const FLOODS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(20);

/// Requests that never end, and requests with far too large headers, as fast as they can be sent;
/// how many of the latter were refused, and not just cut.
pub async fn flood(address: SocketAddr) -> usize {
    let mut held = VecDeque::new();
    for _ in 0..HALF {
        let Ok(mut stream) = TcpStream::connect(address).await else {
            continue;
        };
        // It may be ended already.
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nX: ").await;
        held.push_back(stream);
        if held.len() > HELD {
            held.pop_front();
        }
    }
    let large = stream::iter(0..LARGE).map(|_| with_large_headers(address));
    let refused = large.buffer_unordered(LARGE);
    refused
        .filter(|refused| std::future::ready(*refused))
        .count()
        .await
}

/// Whether the request was answered with 431 before its headers ended, which they never do.
async fn with_large_headers(address: SocketAddr) -> bool {
    let sent = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /livez HTTP/1.1\r\n").await?;
        let header = format!("X-Much: {}\r\n", "x".repeat(1014));
        for _ in 0..HEADERS / header.len() {
            if stream.write_all(header.as_bytes()).await.is_err() {
                break;
            }
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer.starts_with("HTTP/1.1 431"))
    };
    let sent = tokio::time::timeout(PATIENCE, sent).await;
    sent.expect("an end of the connection").unwrap_or(false)
}

#[tokio::test]
async fn a_flood_of_the_health_port_holds_up_neither_probes_nor_writes() {
    let mut ground = Ground::start("flood", World::v1("flood")).await;
    let address = ground.abuser.operator().address();
    let before = held(&mut ground.abuser);
    let watch = ground.watch();
    let mut refused = 0;
    let floods = async {
        for _ in 0..FLOODS {
            refused += flood(address).await;
        }
    };
    tokio::join!(ground.neighbour.notices_nothing(6), floods);
    let more = watch.nothing_missed_in_a_flood().saturating_sub(before);
    eprintln!(
        "{FLOODS} floods: {refused} answers 431, {} KiB more",
        more / 1024
    );
    assert!(more < 16 * MIB, "{more} bytes more");
}
