//! The way to tenants, as the flags say: a proxy, and certificate authorities of a company.
//! IO: reads the file of authorities and the environment.

use std::env;

use psg_identity::{Authorities, HttpOptions, HttpTransport, TenantProxy};
use secrecy::ExposeSecret;

use crate::{args::Args, error::Error};

/// How tenants are reached, and the host and port of the proxy if there is one.
///
/// # Errors
/// The proxy or the file of authorities cannot be used; nothing of the proxy's URL is repeated.
pub fn transport(args: &Args) -> Result<(HttpTransport, Option<String>), Error> {
    let options = HttpOptions {
        allow_insecure: args.allow_insecure_tenants,
        proxy: proxy(args)?,
        authorities: authorities(args)?,
        ..HttpOptions::default()
    };
    let place = options.proxy.as_ref().map(TenantProxy::place);
    let transport = HttpTransport::new(&options);
    let transport = transport.map_err(|error| Error::Client(error.to_string()))?;
    Ok((transport, place))
}

fn proxy(args: &Args) -> Result<Option<TenantProxy>, Error> {
    let Some(given) = &args.tenant_proxy else {
        return Ok(None);
    };
    let variable = |name: &str| env::var(name).ok();
    let named = TenantProxy::named(given.expose_secret(), "--tenant-proxy", variable);
    named.map_err(|why| Error::Client(why.to_string()))
}

fn authorities(args: &Args) -> Result<Authorities, Error> {
    let Some(file) = &args.tenant_ca else {
        return Ok(Authorities::default());
    };
    let read = Authorities::read(file);
    read.map_err(|why| Error::Client(format!("--tenant-ca {} {why}", file.display())))
}
