//! What stands between this process and its tenants in a company's network: a proxy, and certificate
//! authorities of its own. Parsed once, at the start; nothing here shows a proxy's credentials.
//! IO: reads the file of authorities.

use std::{fmt, fs, io, path::Path, sync::Arc};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Certificate, NoProxy, Proxy, Url};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::address::BaseUrl;

/// The value that stands for the variables that other programs use.
const ENVIRONMENT: &str = "environment";

/// A proxy by which tenants are reached.
#[derive(Clone)]
pub struct TenantProxy {
    url: Url,
    no_proxy: String,
    /// Decides as the HTTP client does, so that a message blames the proxy only if it was used.
    matcher: Arc<Matcher>,
}

/// A proxy cannot be used. The text repeats nothing of the URL, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no URL of a proxy: give http://HOST:PORT or https://HOST:PORT")]
pub struct InvalidProxy(&'static str);

impl TenantProxy {
    /// The proxy that a setting names, if any: a URL, or `environment` for `HTTPS_PROXY` and
    /// `NO_PROXY`. `setting` is its name in messages, `variable` reads the environment.
    ///
    /// # Errors
    /// [`InvalidProxy`].
    pub fn named(
        value: &str,
        setting: &'static str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, InvalidProxy> {
        if value.trim() != ENVIRONMENT {
            return Self::parse(value, setting).map(Some);
        }
        let first = |names: [&str; 2]| {
            let mut values = names.into_iter().filter_map(&variable);
            values.find(|value| !value.trim().is_empty())
        };
        let Some(url) = first(["HTTPS_PROXY", "https_proxy"]) else {
            return Ok(None);
        };
        // Other programs take a value without a scheme as that of an HTTP proxy.
        let url = if url.contains("://") {
            url
        } else {
            format!("http://{}", url.trim())
        };
        let no_proxy = first(["NO_PROXY", "no_proxy"]).unwrap_or_default();
        let proxy = Self::parse(&url, "HTTPS_PROXY")?;
        Ok(Some(proxy.without(&no_proxy)))
    }

    /// Parses a URL such as `http://proxy.example:3128`, with or without credentials.
    fn parse(text: &str, setting: &'static str) -> Result<Self, InvalidProxy> {
        let url: Url = text.trim().parse().map_err(|_| InvalidProxy(setting))?;
        let is_proxy = matches!(url.scheme(), "http" | "https") && url.has_host();
        let no_more = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !is_proxy || !no_more {
            return Err(InvalidProxy(setting));
        }
        Ok(Self {
            matcher: Arc::new(Matcher::builder().all(url.as_str()).build()),
            url,
            no_proxy: String::new(),
        })
    }

    /// The same, but tenants that `no_proxy` lists are reached directly.
    fn without(self, no_proxy: &str) -> Self {
        let matcher = Matcher::builder().all(self.url.as_str()).no(no_proxy);
        Self {
            matcher: Arc::new(matcher.build()),
            no_proxy: no_proxy.to_owned(),
            ..self
        }
    }

    /// Host and port, for messages.
    pub fn place(&self) -> String {
        let port = self.url.port_or_known_default().unwrap_or_default();
        format!("{}:{port}", self.host())
    }

    /// The name of the proxy's host, which may lead to a private address.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether this tenant is reached by the proxy.
    pub(crate) fn leads_to(&self, base: &BaseUrl) -> bool {
        let tenant = base.as_str().parse();
        tenant.is_ok_and(|tenant| self.matcher.intercept(&tenant).is_some())
    }

    pub(crate) fn proxy(&self) -> reqwest::Result<Proxy> {
        let proxy = Proxy::all(self.url.clone())?;
        Ok(proxy.no_proxy(NoProxy::from_string(&self.no_proxy)))
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
#[derive(Debug, thiserror::Error)]
pub enum InvalidAuthorities {
    /// There is no such file, or it may not be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is no PEM, or what stands in it is no certificate.
    #[error("has a certificate that cannot be used: give certificates in PEM form")]
    Broken,
    /// It is empty, or has keys alone.
    #[error("holds no certificate: give certificates in PEM form")]
    Empty,
}

impl Authorities {
    /// Reads a PEM file of one or more certificates.
    ///
    /// # Errors
    /// [`InvalidAuthorities`].
    pub fn read(file: &Path) -> Result<Self, InvalidAuthorities> {
        Self::parse(&fs::read(file)?)
    }

    /// Parses the text of such a file.
    ///
    /// # Errors
    /// [`InvalidAuthorities`].
    pub fn parse(pem: &[u8]) -> Result<Self, InvalidAuthorities> {
        let mut found = Vec::new();
        for der in CertificateDer::pem_slice_iter(pem) {
            let der = der.map_err(|_| InvalidAuthorities::Broken)?;
            // The HTTP client would say only later, and not where, that it is none.
            let usable = RootCertStore::empty().add(der.clone());
            usable.map_err(|_| InvalidAuthorities::Broken)?;
            let certificate = Certificate::from_der(&der);
            found.push(certificate.map_err(|_| InvalidAuthorities::Broken)?);
        }
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
    use crate::address::HostPolicy;

    fn named(value: &str, variables: &[(&str, &str)]) -> Result<Option<TenantProxy>, String> {
        let variable = |name: &str| {
            let set = variables.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned())
        };
        let named = TenantProxy::named(value, "--tenant-proxy", variable);
        named.map_err(|error| error.to_string())
    }

    fn place(value: &str, variables: &[(&str, &str)]) -> Option<String> {
        let proxy = named(value, variables).unwrap();
        proxy.map(|proxy| proxy.place())
    }

    #[test]
    fn a_proxy_is_shown_without_its_credentials() {
        let proxy = named("http://user:hush@proxy.example:3128", &[]);
        let proxy = proxy.unwrap().unwrap();
        assert_eq!(format!("{proxy:?}"), "TenantProxy(proxy.example:3128)");
        assert_eq!(proxy.host(), "proxy.example");
        let plain = place(" https://proxy.example ", &[]);
        assert_eq!(plain.as_deref(), Some("proxy.example:443"));
        assert_eq!(place("http://[::1]:1", &[]).as_deref(), Some("[::1]:1"));
        for wrong in [
            "",
            "hush",
            "proxy.example:3128",
            "user:hush@proxy.example:3128",
            "socks5://proxy.example:1080",
            "http://user:hush@",
            "http://proxy.example/path",
            "http://proxy.example?hush",
        ] {
            assert_eq!(
                named(wrong, &[]).unwrap_err(),
                "--tenant-proxy is no URL of a proxy: give http://HOST:PORT or https://HOST:PORT",
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_environment_counts_only_if_the_setting_says_so() {
        let variables = [("HTTPS_PROXY", "http://other.example:1"), ("NO_PROXY", "x")];
        let other = place("environment", &variables);
        assert_eq!(other.as_deref(), Some("other.example:1"));
        let own = place("http://u:hush@own.example:2", &variables);
        assert_eq!(own.as_deref(), Some("own.example:2"));
        for nothing in [&[][..], &[("HTTPS_PROXY", " "), ("ALL_PROXY", "http://x")]] {
            assert_eq!(place("environment", nothing), None);
        }
        for lower in [
            &[("https_proxy", "u:hush@p.example:1")][..],
            &[("HTTPS_PROXY", ""), ("https_proxy", "http://p.example:1")],
        ] {
            let place = place("environment", lower);
            assert_eq!(place.as_deref(), Some("p.example:1"), "{lower:?}");
        }
        let error = named("environment", &[("https_proxy", "ftp://hush")]).unwrap_err();
        assert!(
            error.contains("HTTPS_PROXY") && !error.contains("hush"),
            "{error}"
        );
    }

    #[test]
    fn a_tenant_that_no_proxy_lists_is_reached_directly() {
        let leads = |value: &str, no_proxy: &str| {
            let variables = [
                ("HTTPS_PROXY", "http://p.example:1"),
                ("NO_PROXY", no_proxy),
            ];
            let proxy = named(value, &variables).unwrap().unwrap();
            let tenant = "https://acme.api.identitynow.com";
            let tenant = BaseUrl::parse(tenant, &HostPolicy::default()).unwrap();
            proxy.leads_to(&tenant)
        };
        for (no_proxy, through) in [
            ("", true),
            ("other.example, 10.0.0.0/8", true),
            ("identitynow.co", true),
            ("identitynow.com", false),
            ("a.example,.identitynow.com", false),
            ("*", false),
        ] {
            assert_eq!(leads("environment", no_proxy), through, "{no_proxy}");
            // A URL of its own is about every tenant.
            assert!(leads("http://own.example:2", no_proxy));
        }
    }

    #[test]
    fn a_file_without_a_usable_certificate_is_no_file_of_authorities() {
        let block = |text: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
        };
        for (text, why) in [
            (String::new(), "holds no certificate"),
            ("no PEM at all".to_owned(), "holds no certificate"),
            (block("%%"), "has a certificate that cannot be used"),
            (block("aHVzaA=="), "has a certificate that cannot be used"),
        ] {
            let said = Authorities::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(said.starts_with(why), "{text}: {said}");
            assert!(said.ends_with("give certificates in PEM form"), "{said}");
        }
        let missing = Authorities::read(Path::new("no/such/file")).unwrap_err();
        let said = missing.to_string();
        assert!(said.starts_with("cannot be read: No such file"), "{said}");
    }
}
