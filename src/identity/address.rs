//! Where a tenant's credentials may travel: one strict form of base URL on an allow-list.
//!
//! A URL is parsed by hand, and everything unexpected is refused: a lenient URL parser would be a
//! way around the allow-list. No IO; [`crate::public_address`] judges the addresses that a name
//! resolves to.

use std::{fmt, net::IpAddr, sync::Arc};

use crate::public_address::is_public;

const MAX_URL: usize = 300;
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

/// The vendor's API hosts: production, and partner demos.
pub const VENDOR_SUFFIXES: [&str; 2] = ["api.identitynow.com", "api.identitynow-demo.com"];

/// Which hosts credentials may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPolicy {
    /// Domains, lower case: an allowed host is one of them, or a subdomain of one.
    pub suffixes: Vec<String>,
    /// For tests and demos: `http`, ports, `localhost` and address literals pass as well.
    pub allow_insecure: bool,
}

impl Default for HostPolicy {
    fn default() -> Self {
        Self {
            suffixes: VENDOR_SUFFIXES.map(str::to_owned).into(),
            allow_insecure: false,
        }
    }
}

impl HostPolicy {
    fn lists(&self, host: &str) -> bool {
        let mut suffixes = self.suffixes.iter().filter(|suffix| !suffix.is_empty());
        suffixes.any(|suffix| is_below(host, suffix))
    }
}

/// Whether an entry of an allow-list is a plain domain name, lower case: no scheme, port, path or
/// star. Nothing else can ever match a host.
pub fn is_domain(entry: &str) -> bool {
    let lower = !entry.bytes().any(|byte| byte.is_ascii_uppercase());
    lower && is_name(entry) && !ends_in_number(entry)
}

/// Whether an entry is an address, which only a policy with `allow_insecure` lets through.
pub fn is_literal(entry: &str) -> bool {
    literal(entry).is_some()
}

fn is_below(host: &str, suffix: &str) -> bool {
    let before = host.strip_suffix(suffix);
    before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// A scheme and a host, such as `https://acme.api.identitynow.com`; with `allow_insecure` also a
/// port.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaseUrl {
    text: Arc<str>,
    host: Arc<str>,
}

/// Why a base URL is refused. The value comes from a Secret, so no error text repeats it; only
/// `WebPages` shows the tenant's name in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Empty or longer than 300 bytes.
    #[error("must be 1 to 300 characters")]
    Length,
    /// Another scheme, or none.
    #[error("must begin with https://")]
    Scheme,
    /// `user@` or `user:password@`.
    #[error("must not contain a user name or password")]
    UserInfo,
    /// `:443` and the like.
    #[error("must not contain a port")]
    Port,
    /// Anything after the host.
    #[error("must end after the host: no path, query or fragment")]
    Beyond,
    /// A host that is no plain domain name.
    #[error("must contain a plain ASCII domain name")]
    Host,
    /// `127.0.0.1`, `[::1]`, `0x7f.1`.
    #[error("must name a host, not an address")]
    Literal,
    /// The web pages of a tenant, `https://acme.identitynow.com`, where the API does not answer.
    #[error("is the address of the tenant's web pages: write that of its API, https://{0}")]
    WebPages(ApiHost),
    /// A host that is not on the operator's allow-list.
    #[error("names a host that is not on the operator's allow-list")]
    NotAllowed,
}

/// Where a tenant's API answers: the tenant's name and one of [`VENDOR_SUFFIXES`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ApiHost {
    /// The name, padded with zeros: errors are copied, so they hold no `String`.
    tenant: [u8; MAX_LABEL],
    suffix: &'static str,
}

impl ApiHost {
    /// The API host of a tenant, if `host` is the address of its web pages.
    fn beside(host: &str) -> Option<Self> {
        VENDOR_SUFFIXES.iter().find_map(|suffix| {
            let pages = suffix.strip_prefix("api")?;
            let name = host.strip_suffix(pages)?;
            // One label alone, and not `api` itself.
            if name == "api" || !is_label(name) {
                return None;
            }
            let mut tenant = [0; MAX_LABEL];
            tenant
                .get_mut(..name.len())?
                .copy_from_slice(name.as_bytes());
            Some(Self { tenant, suffix })
        })
    }
}

impl fmt::Display for ApiHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenant = String::from_utf8_lossy(&self.tenant);
        write!(f, "{}.{}", tenant.trim_end_matches('\0'), self.suffix)
    }
}

impl fmt::Debug for ApiHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl BaseUrl {
    /// Parses a base URL; one `/` at its end is allowed.
    pub fn parse(text: &str, policy: &HostPolicy) -> Result<Self, AddressError> {
        if text.is_empty() || text.len() > MAX_URL {
            return Err(AddressError::Length);
        }
        let (scheme, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => ("https", rest),
            (None, Some(rest)) if policy.allow_insecure => ("http", rest),
            _ => return Err(AddressError::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(AddressError::UserInfo);
        }
        if rest.contains(['/', '\\', '?', '#']) {
            return Err(AddressError::Beyond);
        }
        let (host, port) = split_port(rest, policy)?;
        let host = host.to_ascii_lowercase();
        check_host(&host, policy)?;
        let text = match port {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Ok(Self {
            text: text.into(),
            host: host.into(),
        })
    }

    /// The URL without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, lower case, an IPv6 literal in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the host is the vendor's own, so that nobody else can answer.
    pub fn is_vendors(&self) -> bool {
        VENDOR_SUFFIXES
            .iter()
            .any(|suffix| is_below(&self.host, suffix))
    }

    /// The address, if the host is an address literal; no resolver is asked about literals.
    pub fn literal(&self) -> Option<IpAddr> {
        literal(&self.host)
    }

    /// Whether the host is a literal of an address that is not public.
    pub fn is_forbidden_literal(&self) -> bool {
        self.literal().is_some_and(|address| !is_public(address))
    }
}

fn split_port<'a>(
    rest: &'a str,
    policy: &HostPolicy,
) -> Result<(&'a str, Option<u16>), AddressError> {
    let bracket = rest.rfind(']').map_or(0, |at| at + 1);
    let Some(colon) = rest[bracket..].find(':').map(|at| at + bracket) else {
        return Ok((rest, None));
    };
    if bracket == 0 && rest.matches(':').count() > 1 {
        return Err(AddressError::Literal);
    }
    if !policy.allow_insecure {
        return Err(AddressError::Port);
    }
    let digits = &rest[colon + 1..];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AddressError::Port);
    }
    let port = digits.parse().map_err(|_| AddressError::Port)?;
    Ok((&rest[..colon], Some(port)))
}

fn check_host(host: &str, policy: &HostPolicy) -> Result<(), AddressError> {
    if literal(host).is_some() {
        return if policy.allow_insecure {
            Ok(())
        } else {
            Err(AddressError::Literal)
        };
    }
    if !is_name(host) {
        return Err(AddressError::Host);
    }
    if ends_in_number(host) {
        return Err(AddressError::Literal);
    }
    if policy.lists(host) || (policy.allow_insecure && host == "localhost") {
        return Ok(());
    }
    let beside = ApiHost::beside(host).filter(|api| policy.lists(&api.to_string()));
    Err(beside.map_or(AddressError::NotAllowed, AddressError::WebPages))
}

fn is_name(host: &str) -> bool {
    host.len() <= MAX_HOST && host.split('.').all(is_label)
}

/// `127.1`, `2130706433` and `0x7f.1` are addresses to a C resolver.
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    last.starts_with(|c: char| c.is_ascii_digit())
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && !label.starts_with('-')
        // Punycode: a person may read it as a different name.
        && !label.starts_with("xn--")
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn literal(host: &str) -> Option<IpAddr> {
    match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(v6) => v6.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> AddressError {
        BaseUrl::parse(text, &HostPolicy::default()).unwrap_err()
    }

    /// One line of the corpus, with its `\u{…}` decoded.
    fn unescaped(line: &str) -> String {
        let mut parts = line.split("\\u{");
        let mut text = parts.next().unwrap().to_owned();
        for part in parts {
            let (code, rest) = part.split_once('}').unwrap();
            text.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
            text.push_str(rest);
        }
        text
    }

    #[test]
    fn every_hostile_url_is_refused_and_never_repeated() {
        let corpus = include_str!("corpus/hostile_urls.txt");
        let urls = corpus.lines().filter(|line| !line.starts_with('#'));
        let mut count = 0;
        for url in urls.map(unescaped) {
            let error = BaseUrl::parse(&url, &HostPolicy::default());
            let message = error.expect_err(&url).to_string();
            assert!(url.len() < 8 || !message.contains(&url));
            count += 1;
        }
        assert!(count >= 200, "{count}");
    }

    #[test]
    fn the_vendors_hosts_pass_and_are_normalised() {
        for (text, normal) in [
            (
                "https://acme.api.identitynow.com",
                "https://acme.api.identitynow.com",
            ),
            (
                "https://acme.api.identitynow.com/",
                "https://acme.api.identitynow.com",
            ),
            (
                "https://ACME-1.Api.IdentityNow.com",
                "https://acme-1.api.identitynow.com",
            ),
            (
                "https://acme.api.identitynow-demo.com",
                "https://acme.api.identitynow-demo.com",
            ),
            (
                "https://a.b.api.identitynow.com",
                "https://a.b.api.identitynow.com",
            ),
        ] {
            let parsed = BaseUrl::parse(text, &HostPolicy::default()).unwrap();
            assert_eq!(parsed.as_str(), normal);
            assert_eq!(parsed.host(), &normal["https://".len()..]);
        }
    }

    #[test]
    fn each_refusal_says_which_rule() {
        for (text, error) in [
            ("", AddressError::Length),
            ("http://acme.api.identitynow.com", AddressError::Scheme),
            ("https://u@acme.api.identitynow.com", AddressError::UserInfo),
            ("https://acme.api.identitynow.com:443", AddressError::Port),
            ("https://acme.api.identitynow.com/v3", AddressError::Beyond),
            ("https://acme_.api.identitynow.com", AddressError::Host),
            ("https://127.0.0.1", AddressError::Literal),
            ("https://0x7f.1", AddressError::Literal),
            ("https://[::1]", AddressError::Literal),
            ("https://evil.example", AddressError::NotAllowed),
        ] {
            assert_eq!(refused(text), error, "{text}");
        }
    }

    #[test]
    fn the_address_of_the_web_pages_is_refused_with_that_of_the_api() {
        for (pages, api) in [
            ("acme.identitynow.com", "acme.api.identitynow.com"),
            ("ACME-sb.identitynow.com/", "acme-sb.api.identitynow.com"),
            ("acme.identitynow-demo.com", "acme.api.identitynow-demo.com"),
        ] {
            let said = refused(&format!("https://{pages}")).to_string();
            let remedy = format!("write that of its API, https://{api}");
            assert!(said.ends_with(&remedy), "{pages}: {said}");
            assert!(BaseUrl::parse(&format!("https://{api}"), &HostPolicy::default()).is_ok());
        }
        // No host is suggested that this operator would refuse, and none for other pages.
        for other in [
            "identitynow.com",
            "a.b.identitynow.com",
            "acme-identitynow.com",
        ] {
            assert_eq!(
                refused(&format!("https://{other}")),
                AddressError::NotAllowed
            );
        }
        let elsewhere = HostPolicy {
            suffixes: vec!["example.com".to_owned()],
            allow_insecure: false,
        };
        let pages = BaseUrl::parse("https://acme.identitynow.com", &elsewhere);
        assert_eq!(pages, Err(AddressError::NotAllowed));
    }

    #[test]
    fn tests_and_demos_may_use_loopback_but_the_allow_list_still_holds() {
        let policy = HostPolicy {
            allow_insecure: true,
            ..HostPolicy::default()
        };
        let parsed = |text| BaseUrl::parse(text, &policy).map(|url| url.as_str().to_owned());
        for text in [
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost:1",
            "https://10.0.0.1",
        ] {
            assert_eq!(parsed(text), Ok(text.to_owned()));
        }
        assert_eq!(parsed("http://evil.example"), Err(AddressError::NotAllowed));
        assert_eq!(parsed("http://127.0.0.1:x"), Err(AddressError::Port));
        assert_eq!(parsed("http://127.0.0.1:65536"), Err(AddressError::Port));
        assert_eq!(parsed("http://::1"), Err(AddressError::Literal));
        assert!(
            BaseUrl::parse("https://10.0.0.1", &policy)
                .unwrap()
                .is_forbidden_literal()
        );
    }

    #[test]
    fn an_empty_suffix_lists_nothing() {
        let policy = HostPolicy {
            suffixes: vec![String::new()],
            allow_insecure: false,
        };
        assert_eq!(
            BaseUrl::parse("https://evil.example", &policy),
            Err(AddressError::NotAllowed)
        );
        let policy = HostPolicy {
            suffixes: vec!["example".to_owned()],
            allow_insecure: false,
        };
        assert!(BaseUrl::parse("https://good.example", &policy).is_ok());
    }
}
