//! Connections to Kubernetes: the configuration, a client that repeats requests and one that does
//! not.

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use psg_api::proxy;

use crate::error::Error;

/// The address of Kubernetes, and the operator's credentials for it.
pub async fn config() -> Result<Config, Error> {
    let mut config = match by_kubeconfig().await? {
        Some(config) => config,
        // The service account, or the error that says why the kubeconfig cannot be used.
        None => Config::infer().await?,
    };
    let agent = concat!("psg-operator/", env!("CARGO_PKG_VERSION"));
    config.headers.push((
        http::header::USER_AGENT,
        http::HeaderValue::from_static(agent),
    ));
    Ok(config)
}

/// The configuration of a kubeconfig, with the proxy that kubectl would use.
async fn by_kubeconfig() -> Result<Option<Config>, Error> {
    let Ok(kubeconfig) = Kubeconfig::read() else {
        return Ok(None);
    };
    let proxy = proxy::of_kubeconfig(&kubeconfig, None);
    let options = KubeConfigOptions::default();
    let mut config = match Config::from_custom_kubeconfig(kubeconfig, &options).await {
        Ok(config) => config,
        Err(KubeconfigError::ParseNoProxy(why)) => {
            let said = format!("NO_PROXY cannot be read: {why}; correct it, without empty entries");
            return Err(Error::Client(said));
        }
        Err(_) => return Ok(None),
    };
    config.apply_debug_overrides();
    proxy::set(&mut config, proxy, |name| std::env::var(name).ok()).map_err(Error::Client)?;
    Ok(Some(config))
}

/// A client that repeats requests to a busy server: for reads.
pub fn client(config: Config) -> Result<Client, Error> {
    Client::try_from(config).map_err(|error| Error::Client(error.to_string()))
}

/// A client that sends each request once: a repeated write may conflict with its own first attempt.
pub fn once(mut config: Config) -> Result<Client, Error> {
    config.default_retry = false;
    client(config)
}
