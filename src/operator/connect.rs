//! The ways to Kubernetes: where it is, and which client may repeat itself.

use kube::{Client, Config};

use crate::serve::Error;

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
