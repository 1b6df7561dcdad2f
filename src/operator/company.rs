//! The way to tenants, as the flags say: a proxy, and certificate authorities of a company.
//! IO: reads the file of authorities and the environment.

use std::{env, fs};

use psg_identity::{Authorities, HttpOptions, HttpTransport, TenantProxy};
use secrecy::ExposeSecret;

use crate::{args::Args, error::Error};

/// The value of `--tenant-proxy` that stands for the variables that other programs use.
const ENVIRONMENT: &str = "environment";

/// The transport to tenants.
///
/// # Errors
/// The proxy or the file of authorities cannot be used; nothing of the proxy's URL is repeated.
pub fn transport(args: &Args) -> Result<HttpTransport, Error> {
    let options = HttpOptions {
        allow_insecure: args.allow_insecure_tenants,
        proxy: proxy(args, |name| env::var(name).ok())?,
        authorities: authorities(args)?,
        ..HttpOptions::default()
    };
    HttpTransport::new(&options).map_err(|error| Error::Client(error.to_string()))
}

fn proxy(
    args: &Args,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<TenantProxy>, Error> {
    let either = |upper: &str, lower: &str| {
        let set = variable(upper).or_else(|| variable(lower));
        set.filter(|value| !value.trim().is_empty())
    };
    let (flag, url, no_proxy) = match args.tenant_proxy.as_ref().map(ExposeSecret::expose_secret) {
        None => return Ok(None),
        Some(ENVIRONMENT) => match either("HTTPS_PROXY", "https_proxy") {
            None => return Ok(None),
            Some(url) => ("HTTPS_PROXY", url, either("NO_PROXY", "no_proxy")),
        },
        Some(url) => ("--tenant-proxy", url.to_owned(), None),
    };
    let parsed = TenantProxy::parse(&url, no_proxy.as_deref());
    let parsed = parsed.map_err(|why| Error::Client(format!("{flag} {why}")))?;
    Ok(Some(parsed))
}

fn authorities(args: &Args) -> Result<Authorities, Error> {
    let Some(path) = &args.tenant_ca else {
        return Ok(Authorities::default());
    };
    let said = |why: String| Error::Client(format!("--tenant-ca {}: {why}", path.display()));
    let pem = fs::read(path).map_err(|error| said(format!("cannot be read: {error}")))?;
    Authorities::parse(&pem).map_err(|why| said(why.to_string()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn of(flag: Option<&str>, variables: &[(&str, &str)]) -> Result<String, String> {
        let flag = flag.map(|value| format!("--tenant-proxy={value}"));
        let args = Args::parse_from(["psg-operator".to_owned()].into_iter().chain(flag));
        let variable = |name: &str| {
            let set = variables.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned())
        };
        let proxy = proxy(&args, variable).map_err(|error| error.to_string())?;
        Ok(format!("{proxy:?}"))
    }

    #[test]
    fn the_environment_counts_only_if_the_flag_says_so() {
        let variables = [("HTTPS_PROXY", "http://other.example:1"), ("NO_PROXY", "x")];
        assert_eq!(of(None, &variables).unwrap(), "None");
        let other = "Some(TenantProxy(other.example:1))";
        assert_eq!(of(Some("environment"), &variables).unwrap(), other);
        assert_eq!(of(Some("environment"), &[]).unwrap(), "None");
        let own = of(Some("http://u:hush@own.example:2"), &variables);
        assert_eq!(own.unwrap(), "Some(TenantProxy(own.example:2))");
    }

    #[test]
    fn what_is_no_proxy_is_refused_by_the_flag_and_without_its_value() {
        let error = of(Some("hush"), &[]).unwrap_err();
        assert_eq!(
            error,
            "no client: --tenant-proxy is no URL of a proxy: give http://HOST:PORT or https://HOST:PORT"
        );
        let error = of(Some("environment"), &[("https_proxy", "hush")]).unwrap_err();
        assert!(
            error.contains("HTTPS_PROXY") && !error.contains("hush"),
            "{error}"
        );
    }
}
