//! The ways to Kubernetes: where it is, and which client may repeat itself.

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use psg_api::proxy;

use crate::error::Error;

/// Where Kubernetes is, and who we are there.
pub async fn config() -> Result<Config, Error> {
    let mut config = match by_kubeconfig().await? {
        Some(config) => config,
        // The service account; or the reason why the kubeconfig does not do.
        None => Config::infer().await?,
    };
    let agent = concat!("psg-operator/", env!("CARGO_PKG_VERSION"));
    config.headers.push((
        http::header::USER_AGENT,
        http::HeaderValue::from_static(agent),
    ));
    Ok(config)
}

/// What a kubeconfig says, with the proxy that kubectl would take.
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

/// A client that repeats itself on a busy server: for reads.
pub fn client(config: Config) -> Result<Client, Error> {
    Client::try_from(config).map_err(|error| Error::Client(error.to_string()))
}

/// A client that sends everything once: a repeated write may meet its own result.
pub fn once(mut config: Config) -> Result<Client, Error> {
    config.default_retry = false;
    client(config)
}
