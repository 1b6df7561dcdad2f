//! What stands between the operator and its tenants in a company's network: a proxy, and certificate
//! authorities of its own. Parsed once, at the start; nothing here shows a proxy's credentials.

use std::fmt;

use reqwest::{Certificate, NoProxy, Proxy, Url};

/// A proxy by which tenants are reached.
#[derive(Clone)]
pub struct TenantProxy {
    url: Url,
    no_proxy: Option<String>,
}

/// Why a proxy cannot be used. The text repeats nothing of the URL, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProxy {
    /// Not a URL, or not one of a proxy.
    #[error("is no URL of a proxy: give http://HOST:PORT or https://HOST:PORT")]
    Url,
}

impl TenantProxy {
    /// Parses a URL such as `http://proxy.example:3128`, with or without credentials. Tenants whose
    /// host `no_proxy` lists, as `NO_PROXY` does, are reached directly.
    ///
    /// # Errors
    /// [`InvalidProxy`].
    pub fn parse(url: &str, no_proxy: Option<&str>) -> Result<Self, InvalidProxy> {
        let url: Url = url.trim().parse().map_err(|_| InvalidProxy::Url)?;
        let is_proxy = matches!(url.scheme(), "http" | "https") && url.has_host();
        let no_more = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !is_proxy || !no_more {
            return Err(InvalidProxy::Url);
        }
        Ok(Self {
            url,
            no_proxy: no_proxy.map(str::to_owned),
        })
    }

    /// Host and port, for messages.
    pub(crate) fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or_default();
        format!("{host}:{port}")
    }

    /// The name of the proxy's host, which may lead to a private address.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub(crate) fn proxy(&self) -> reqwest::Result<Proxy> {
        let proxy = Proxy::all(self.url.clone())?;
        let no_proxy = self.no_proxy.as_deref().and_then(NoProxy::from_string);
        Ok(proxy.no_proxy(no_proxy))
    }
}

impl fmt::Debug for TenantProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantProxy({})", self.place())
    }
}

/// Certificate authorities that are trusted beside those of the system.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Vec<Certificate>);

/// Why a file of authorities cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAuthorities {
    /// It is no PEM.
    #[error("is no file of certificates in PEM form")]
    NoPem,
    /// It is empty, or has keys alone.
    #[error("holds no certificate")]
    Empty,
}

impl Authorities {
    /// Parses the text of a PEM file of one or more certificates.
    ///
    /// # Errors
    /// [`InvalidAuthorities`].
    pub fn parse(pem: &[u8]) -> Result<Self, InvalidAuthorities> {
        let found = Certificate::from_pem_bundle(pem).map_err(|_| InvalidAuthorities::NoPem)?;
        if found.is_empty() {
            return Err(InvalidAuthorities::Empty);
        }
        Ok(Self(found))
    }

    pub(crate) fn certificates(&self) -> &[Certificate] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_without_its_credentials() {
        let proxy = TenantProxy::parse("http://user:hush@proxy.example:3128", None).unwrap();
        assert_eq!(format!("{proxy:?}"), "TenantProxy(proxy.example:3128)");
        assert_eq!(proxy.host(), "proxy.example");
        let plain = TenantProxy::parse("https://proxy.example", None).unwrap();
        assert_eq!(plain.place(), "proxy.example:443");
        for wrong in [
            "",
            "proxy.example:3128",
            "socks5://proxy.example:1080",
            "http://user:hush@",
            "http://proxy.example/path",
            "http://proxy.example?hush",
        ] {
            let error = TenantProxy::parse(wrong, None).unwrap_err();
            assert!(!error.to_string().contains("hush"), "{wrong}");
        }
    }

    #[test]
    fn a_file_without_a_certificate_is_no_file_of_authorities() {
        for (text, why) in [
            ("", InvalidAuthorities::Empty),
            ("no PEM at all", InvalidAuthorities::Empty),
            (
                "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n",
                InvalidAuthorities::NoPem,
            ),
        ] {
            assert_eq!(
                Authorities::parse(text.as_bytes()).unwrap_err(),
                why,
                "{text}"
            );
        }
    }
}
