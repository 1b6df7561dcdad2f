//! Why a request could not be sent, with what a person can do: the causes that a company's network
//! makes, told by the words of the HTTP client and of TLS. Pure.
//!
//! `tests/certificates.rs` and `tests/tenant_proxy.rs` bring each of them about, so a new version of these
//! crates that words one of them otherwise fails a test.

/// What of a company's network stands in the way of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// There is no connection to the proxy.
    ProxyUnreachable,
    /// The proxy asks for other credentials, or does not lead to the tenant.
    ProxyRefused,
    /// The certificate that the tenant or the proxy shows cannot be trusted.
    CertificateInvalid,
}

use Obstacle::{CertificateInvalid, ProxyRefused, ProxyUnreachable};

/// A part of an error's text, the remedy, and the obstacle if it is one. The first row that fits
/// counts.
const REMEDIES: [(&str, &str, Option<Obstacle>); 11] = [
    (
        "proxy authorization required",
        "the proxy asks for credentials, or refuses those that it has: put a user and a password \
         into the URL of the proxy",
        Some(ProxyRefused),
    ),
    (
        "certificate expired",
        "have the certificate renewed, or set the clock of this machine",
        Some(CertificateInvalid),
    ),
    (
        "certificate not valid yet",
        "wait, or set the clock of this machine",
        Some(CertificateInvalid),
    ),
    (
        "certificate not valid for name",
        "another server answers: correct the address, or have a certificate made for this name",
        Some(CertificateInvalid),
    ),
    (
        "UnknownIssuer",
        "no authority that is known here signed the certificate: if a company's proxy signs what \
         passes it, name its authority by PSG_TENANT_CA (--tenant-ca of the operator)",
        Some(CertificateInvalid),
    ),
    (
        "CaUsedAsEndEntity",
        "the server shows the certificate of an authority: have one made that the authority signs",
        Some(CertificateInvalid),
    ),
    (
        "ProtocolVersion",
        "the server has neither TLS 1.2 nor 1.3: have it updated",
        None,
    ),
    (
        "peer is incompatible",
        "the server has no TLS that is safe enough: have it updated to TLS 1.2 or 1.3",
        None,
    ),
    (
        "corrupt message",
        "what answers there is no TLS: correct the port, and http or https in the URL of the proxy",
        None,
    ),
    (
        "failed to create underlying connection",
        "correct the host and port of the proxy, and let this process connect to it",
        Some(ProxyUnreachable),
    ),
    (
        "tunnel error",
        "the proxy does not lead to the tenant: let it connect to the tenant's host and port",
        Some(ProxyRefused),
    ),
];

/// A proxy that answers nothing at all is found by the time that this takes.
const SILENT: (&str, &str) = (
    "timed out",
    "the proxy, or the tenant behind it, does not answer: look at the proxy's own log",
);

/// The cause with its remedy, and with the proxy's host and port if the request went by one.
pub(crate) fn explained(why: &str, proxy: Option<&str>) -> (String, Option<Obstacle>) {
    let mut rows = REMEDIES.iter();
    let known = rows.find(|(part, ..)| why.contains(part));
    let obstacle = known.and_then(|(.., obstacle)| *obstacle);
    let known = known.map(|(_, remedy, _)| *remedy);
    let (silence, look) = SILENT;
    let silent = || (proxy.is_some() && why.contains(silence)).then_some(look);
    let by = proxy.map_or_else(String::new, |place| format!("by the proxy {place}: "));
    let text = match known.or_else(silent) {
        Some(remedy) => format!("{by}{why}; {remedy}"),
        None => format!("{by}{why}"),
    };
    (text, obstacle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_is_named_and_a_cause_that_is_not_known_is_left_as_it_is() {
        assert_eq!(explained("no route", None), ("no route".to_owned(), None));
        let by = explained("no route", Some("p:1"));
        assert_eq!(by, ("by the proxy p:1: no route".to_owned(), None));
        let (alone, _) = explained("it timed out", None);
        assert_eq!(alone, "it timed out");
        let (silent, obstacle) = explained("it timed out", Some("p:1"));
        assert_eq!(obstacle, None, "the proxy or the tenant");
        assert!(silent.ends_with("look at the proxy's own log"), "{silent}");
    }

    /// Both are said of a proxy that is itself behind TLS.
    #[test]
    fn the_cause_counts_before_the_place_where_it_arose() {
        let why = "tunnel error: failed to create underlying connection: UnknownIssuer";
        let (said, obstacle) = explained(why, Some("p:1"));
        assert!(said.contains("PSG_TENANT_CA"), "{said}");
        assert_eq!(obstacle, Some(CertificateInvalid));
    }
}
