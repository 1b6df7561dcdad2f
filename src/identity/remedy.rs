//! Why a request could not be sent, with what a person can do: the causes that a company's network
//! makes, told by the words of the HTTP client and of TLS. Pure.
//!
//! `tests/certificates.rs` and `tests/tenant_proxy.rs` bring each of them about, so a new version of these
//! crates that words one of them otherwise fails a test.

/// A part of an error's text, and the remedy. The first row that fits counts.
const REMEDIES: [(&str, &str); 11] = [
    (
        "proxy authorization required",
        "the proxy asks for credentials, or refuses those that it has: put a user and a password \
         into the URL of the proxy",
    ),
    (
        "certificate expired",
        "have the certificate renewed, or set the clock of this machine",
    ),
    (
        "certificate not valid yet",
        "wait, or set the clock of this machine",
    ),
    (
        "certificate not valid for name",
        "another server answers: correct the address, or have a certificate made for this name",
    ),
    (
        "UnknownIssuer",
        "no authority that is known here signed the certificate: if a company's proxy signs what \
         passes it, name its authority by PSG_TENANT_CA (--tenant-ca of the operator)",
    ),
    (
        "CaUsedAsEndEntity",
        "the server shows the certificate of an authority: have one made that the authority signs",
    ),
    (
        "ProtocolVersion",
        "the server has neither TLS 1.2 nor 1.3: have it updated",
    ),
    (
        "peer is incompatible",
        "the server has no TLS that is safe enough: have it updated to TLS 1.2 or 1.3",
    ),
    (
        "corrupt message",
        "what answers there is no TLS: correct the port, and http or https in the URL of the proxy",
    ),
    (
        "failed to create underlying connection",
        "correct the host and port of the proxy, and let this process connect to it",
    ),
    (
        "tunnel error",
        "the proxy does not lead to the tenant: let it connect to the tenant's host and port",
    ),
];

/// A proxy that answers nothing at all is found by the time that this takes.
const SILENT: (&str, &str) = (
    "timed out",
    "the proxy, or the tenant behind it, does not answer: look at the proxy's own log",
);

/// The cause with its remedy, and with the proxy's host and port if the request went by one.
pub(crate) fn explained(why: &str, proxy: Option<&str>) -> String {
    let mut rows = REMEDIES.iter();
    let known = rows.find(|(part, _)| why.contains(part));
    let known = known.map(|(_, remedy)| *remedy);
    let (silence, look) = SILENT;
    let silent = || (proxy.is_some() && why.contains(silence)).then_some(look);
    let by = proxy.map_or_else(String::new, |place| format!("by the proxy {place}: "));
    match known.or_else(silent) {
        Some(remedy) => format!("{by}{why}; {remedy}"),
        None => format!("{by}{why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_is_named_and_a_cause_that_is_not_known_is_left_as_it_is() {
        assert_eq!(explained("no route", None), "no route");
        let by = explained("no route", Some("p:1"));
        assert_eq!(by, "by the proxy p:1: no route");
        assert_eq!(explained("it timed out", None), "it timed out");
        let silent = explained("it timed out", Some("p:1"));
        assert!(silent.ends_with("look at the proxy's own log"), "{silent}");
    }

    /// Both are said of a proxy that is itself behind TLS.
    #[test]
    fn the_cause_counts_before_the_place_where_it_arose() {
        let why = "tunnel error: failed to create underlying connection: UnknownIssuer";
        let said = explained(why, Some("p:1"));
        assert!(said.contains("PSG_TENANT_CA"), "{said}");
    }
}
