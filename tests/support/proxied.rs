//! What a client asks a proxy for, as the proxies of tests read it.

use tokio::{io::AsyncReadExt, net::TcpStream};

/// The head of a request, up to the empty line; none if the client ends before.
pub async fn head(client: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}
