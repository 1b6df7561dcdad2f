//! The ways to Kubernetes: its clients, and what its server can do.

use std::time::Duration;

use kube::{Client, Config};
use tokio_util::sync::CancellationToken;

use crate::serve::Error;

/// The first version of Kubernetes whose servers stream lists unless told otherwise.
const STREAMING_SINCE: u32 = 34;

/// Where Kubernetes is, and who we are there.
pub async fn config() -> Result<Config, Error> {
    let mut config = Config::infer().await?;
    let agent = concat!("psg-operator/", env!("CARGO_PKG_VERSION"));
    config.headers.push((
        http::header::USER_AGENT,
        http::HeaderValue::from_static(agent),
    ));
    Ok(config)
}

/// A client that repeats itself on a busy server: for reads.
pub fn client(config: Config) -> Result<Client, Error> {
    Client::try_from(config).map_err(|error| Error::Client(error.to_string()))
}

/// A client that sends everything once: a repeated write may meet its own result.
pub fn once(mut config: Config) -> Result<Client, Error> {
    config.default_retry = false;
    client(config)
}

/// Whether the server streams lists; none if the process ends before it answered.
pub async fn streaming(client: &Client, stop: &CancellationToken) -> Option<bool> {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            answer = client.apiserver_version() => match answer {
                Ok(version) => {
                    let minor = version.minor.trim_end_matches('+').parse().unwrap_or(0);
                    return Some(version.major != "1" || minor >= STREAMING_SINCE);
                }
                Err(error) => tracing::warn!(%error, "kubernetes does not answer yet"),
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}
