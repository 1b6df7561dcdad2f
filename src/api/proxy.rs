//! Which proxy is used for an API server, by the rules of kubectl: the one that the kubeconfig
//! names; else none for this machine, none if `NO_PROXY` matches the server, else `HTTPS_PROXY`.
//! The crate kube matches `NO_PROXY` with the proxy instead of the server. Pure: environment
//! variables are an argument.

use std::net::IpAddr;

use kube::{Config, config::Kubeconfig};

/// The proxy that the kubeconfig names for the cluster of `context`, or of its current context.
pub fn of_kubeconfig(kubeconfig: &Kubeconfig, context: Option<&str>) -> Option<String> {
    let context = context.or(kubeconfig.current_context.as_deref())?;
    let mut contexts = kubeconfig.contexts.iter();
    let context = contexts.find(|named| named.name == context)?;
    let cluster = &context.context.as_ref()?.cluster;
    let mut clusters = kubeconfig.clusters.iter();
    let cluster = clusters.find(|named| named.name == *cluster)?;
    let proxy = cluster.cluster.as_ref()?.proxy_url.clone();
    proxy.filter(|proxy| !proxy.is_empty())
}

/// Sets the proxy of `config`: the one that the kubeconfig names, or else that of the environment.
///
/// # Errors
/// What is wrong with the address of the proxy.
pub fn set(
    config: &mut Config,
    named: Option<String>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(), String> {
    let server = config.cluster_url.to_string();
    let proxy = named.or_else(|| of_environment(&server, variable));
    let parsed = proxy.map(|proxy| proxy.parse()).transpose();
    config.proxy_url = parsed.map_err(|why| format!("the address of the proxy is wrong: {why}"))?;
    Ok(())
}

/// The address of the proxy that the environment names for a server, if any. A value without a
/// scheme is that of an HTTP proxy.
pub fn of_environment(server: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let first = |names: [&str; 2]| {
        let mut values = names.into_iter().filter_map(&variable);
        values.find(|value| !value.trim().is_empty())
    };
    let (scheme, rest) = server.split_once("://")?;
    let (names, usual) = match scheme {
        "https" => (["HTTPS_PROXY", "https_proxy"], "443"),
        _ => (["HTTP_PROXY", "http_proxy"], "80"),
    };
    let proxy = first(names)?;
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let (host, port) = split_port(authority);
    let target = Target::new(host, port.unwrap_or(usual));
    let excluded = first(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    if target.is_here() || excluded.split(',').any(|entry| target.is(entry.trim())) {
        return None;
    }
    let proxy = proxy.trim();
    Some(if proxy.contains("://") {
        proxy.to_owned()
    } else {
        format!("http://{proxy}")
    })
}

/// A server, as the entries of `NO_PROXY` are matched with it.
struct Target<'a> {
    host: String,
    ip: Option<IpAddr>,
    port: &'a str,
}

impl<'a> Target<'a> {
    fn new(host: &str, port: &'a str) -> Self {
        let host = without_brackets(host).to_ascii_lowercase();
        let ip = host.parse().ok();
        Self { host, ip, port }
    }

    fn is_here(&self) -> bool {
        self.host == "localhost" || self.ip.is_some_and(|ip| ip.is_loopback())
    }

    /// Whether an entry matches it: `*`, a network, an address, or a domain with its subdomains,
    /// each of the last two with or without a port.
    fn is(&self, entry: &str) -> bool {
        if let (Some(ip), Some(network)) = (self.ip, Network::parse(entry)) {
            return network.has(ip);
        }
        let (host, port) = split_port(entry);
        let host = without_brackets(host).to_ascii_lowercase();
        if port.is_some_and(|port| port != self.port) {
            return false;
        }
        if let Some(ip) = self.ip {
            return host == "*" || host.parse() == Ok(ip);
        }
        match host.strip_prefix('*').unwrap_or(&host) {
            // `*` alone matches every server, an empty entry none.
            "" => host == "*",
            domain if domain.starts_with('.') => self.host.ends_with(domain),
            domain => {
                let before = self.host.strip_suffix(domain);
                before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
        }
    }
}

/// `10.0.0.0/8` or `fd00::/8`.
struct Network {
    base: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (base, bits) = text.split_once('/')?;
        let (base, bits) = (base.parse().ok()?, bits.parse().ok()?);
        Some(Self { base, bits })
    }

    fn has(&self, ip: IpAddr) -> bool {
        match (self.base, ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                let differ = u128::from(base.to_bits() ^ ip.to_bits());
                self.bits <= 32 && differ.checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                let differ = base.to_bits() ^ ip.to_bits();
                self.bits <= 128 && differ.checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// A host and its port; an IPv6 address without brackets is a host.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    }
}

fn without_brackets(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    inner.unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(server: &str, variables: &[(&str, &str)]) -> Option<String> {
        of_environment(server, |name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_server_that_no_proxy_has_is_reached_without_one() {
        let through = |server: &str, excluded: &str| {
            let variables = [("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", excluded)];
            proxy(server, &variables).is_some()
        };
        for (server, excluded, expected) in [
            ("https://k.example.com:6443", "", true),
            ("https://k.example.com:6443", "other.com,,", true),
            ("https://k.example.com:6443", "*", false),
            ("https://k.example.com:6443", "k.example.com", false),
            (
                "https://k.example.com:6443",
                " a.com , Example.com ,",
                false,
            ),
            ("https://k.example.com:6443", ".example.com", false),
            ("https://example.com", ".example.com", true),
            ("https://example.com", "*.example.com", true),
            ("https://k.example.com:6443", "*.example.com", false),
            ("https://kexample.com", "example.com", true),
            ("https://k.example.com:6443/base", "example.com:6443", false),
            ("https://k.example.com:6443", "example.com:443", true),
            ("https://k.example.com", "k.example.com:443", false),
            ("https://10.1.2.3:6443", "10.1.2.3", false),
            ("https://10.1.2.3:6443", "10.1.2.3:443", true),
            ("https://10.1.2.3:6443", "10.0.0.0/8", false),
            ("https://10.1.2.3:6443", "10.2.0.0/16,10.1.2.2/32", true),
            ("https://10.1.2.3:6443", "0.0.0.0/0", false),
            ("https://10.1.2.3:6443", "10.0.0.0/99,fd00::/8", true),
            ("https://[fd00::1]:6443", "fd00::1", false),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", false),
            ("https://[fd00::1]:6443", "fd00::/8", false),
            ("https://[fd00::1]:6443", "::/0", false),
            ("https://[fe00::1]:6443", "fd00::/8", true),
        ] {
            assert_eq!(
                through(server, excluded),
                expected,
                "{server} NO_PROXY={excluded}"
            );
        }
    }

    #[test]
    fn no_proxy_leads_to_this_machine() {
        for server in [
            "https://127.0.0.1:6443",
            "https://localhost",
            "https://[::1]:1",
        ] {
            assert_eq!(
                proxy(server, &[("HTTPS_PROXY", "http://p:1")]),
                None,
                "{server}"
            );
        }
    }

    #[test]
    fn the_scheme_says_which_variable_and_an_empty_one_is_none() {
        let server = "https://k.example";
        let is = |variables: &[(&str, &str)]| proxy(server, variables);
        assert_eq!(is(&[]), None);
        assert_eq!(
            is(&[("HTTP_PROXY", "http://p:1"), ("ALL_PROXY", "http://p:1")]),
            None
        );
        assert_eq!(
            is(&[("HTTPS_PROXY", " "), ("https_proxy", "p:1")]).unwrap(),
            "http://p:1"
        );
        let two = [
            ("HTTPS_PROXY", "https://p:1"),
            ("https_proxy", "http://q:1"),
        ];
        assert_eq!(is(&two).unwrap(), "https://p:1");
        let lower = [("HTTPS_PROXY", "http://p:1"), ("no_proxy", "k.example")];
        assert_eq!(is(&lower), None);
        assert!(proxy("http://k.example", &[("HTTP_PROXY", "http://p:1")]).is_some());
    }
}
