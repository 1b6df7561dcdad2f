//! Tests of TLS over real sockets on loopback: certificates that must not be trusted and servers that
//! speak no TLS that is safe, each reached directly and by a proxy. No write leaves to any of them.

use super::company::{
    Authority, TENANT, answering, leading_to, options, self_signed, tenant, write,
};
use crate::Authorities;
use crate::Obstacle;

/// How TLS 1.1 is answered: a whole ServerHello of that version.
fn hello_of_tls_1_1() -> Vec<u8> {
    let record = [22, 3, 2, 0, 42];
    let hello = [2, 0, 0, 38, 3, 2];
    let rest = [0, 0, 0x2f, 0];
    [&record[..], &hello, &[7; 32], &rest].concat()
}

#[tokio::test]
async fn a_certificate_that_must_not_be_trusted_is_named_with_a_remedy_and_nothing_is_sent() {
    let authority = Authority::new("company");
    let other = Authority::new("another");
    let now = (2020, 2099);
    for (shown, says, remedy) in [
        (
            authority.signs(TENANT, (2020, 2024)),
            "certificate expired",
            "have the certificate renewed",
        ),
        (
            authority.signs(TENANT, (2090, 2099)),
            "certificate not valid yet",
            "set the clock of this machine",
        ),
        (
            authority.signs("other.example", now),
            "certificate not valid for name \"acme.psg.test\"",
            "another server answers",
        ),
        (
            other.signs(TENANT, now),
            "UnknownIssuer",
            "PSG_TENANT_CA (--tenant-ca of the operator)",
        ),
        (
            self_signed(TENANT),
            "UnknownIssuer",
            "PSG_TENANT_CA (--tenant-ca of the operator)",
        ),
        (
            authority.itself(),
            "CaUsedAsEndEntity",
            "the certificate of an authority",
        ),
    ] {
        let (tenant, asked) = tenant(shown).await;
        let (proxy, _) = leading_to(tenant, None).await;
        let url = format!("http://user:hush@{proxy}");
        let options = options(Some(&url), &[], authority.trusted());
        let (why, obstacle) = write(TENANT, &options).await.unwrap_err();
        assert_eq!(obstacle, Some(Obstacle::CertificateInvalid), "{why}");
        assert!(why.contains(says), "{says}: {why}");
        assert!(why.contains(remedy), "{remedy}: {why}");
        assert!(why.starts_with(&format!("by the proxy {proxy}: ")), "{why}");
        assert!(!why.contains("hush"), "{why}");
        assert!(asked.lock().unwrap().is_empty(), "{says}");
    }
}

#[tokio::test]
async fn without_a_proxy_none_is_named() {
    let authority = Authority::new("company");
    let now = (2020, 2099);
    for (shown, says) in [
        (
            authority.signs("localhost", (2020, 2024)),
            "certificate expired",
        ),
        (
            authority.signs("other.example", now),
            "certificate not valid for name \"localhost\"",
        ),
        (self_signed("localhost"), "UnknownIssuer"),
    ] {
        let (tenant, asked) = tenant(shown).await;
        let host = format!("localhost:{}", tenant.port());
        let options = options(None, &[], authority.trusted());
        let (why, obstacle) = write(&host, &options).await.unwrap_err();
        assert_eq!(obstacle, Some(Obstacle::CertificateInvalid), "{why}");
        assert!(why.contains(says), "{says}: {why}");
        assert!(!why.contains("by the proxy"), "{why}");
        assert!(asked.lock().unwrap().is_empty(), "{says}");
    }
}

#[tokio::test]
async fn a_server_without_safe_tls_is_named_with_a_remedy_and_nothing_is_sent() {
    for (bytes, says, remedy) in [
        // A server that knows TLS 1.1 at most refuses with the alert protocol_version, or goes on.
        (
            vec![21, 3, 2, 0, 2, 2, 70],
            "ProtocolVersion",
            "neither TLS 1.2 nor 1.3",
        ),
        (
            hello_of_tls_1_1(),
            "peer is incompatible",
            "updated to TLS 1.2 or 1.3",
        ),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            "corrupt message",
            "what answers there is no TLS",
        ),
        (
            vec![0; 40],
            "corrupt message",
            "what answers there is no TLS",
        ),
        (Vec::new(), "tls handshake eof", ""),
    ] {
        let server = answering(bytes).await;
        let host = format!("localhost:{}", server.port());
        let (proxy, _) = leading_to(server, None).await;
        let url = format!("http://{proxy}");
        for (host, proxy) in [(&*host, None), (TENANT, Some(&*url))] {
            let options = options(proxy, &[], Authorities::default());
            let (why, obstacle) = write(host, &options).await.unwrap_err();
            assert_eq!(obstacle, None, "{why}");
            assert!(why.contains(says), "{says}: {why}");
            assert!(why.contains(remedy), "{remedy}: {why}");
            assert_eq!(why.contains("by the proxy"), proxy.is_some(), "{why}");
        }
    }
}

#[tokio::test]
async fn an_authority_that_is_given_is_trusted_beside_those_of_the_system() {
    let authority = Authority::new("company");
    for (given, trusted) in [
        (authority.trusted(), true),
        (Authorities::default(), false),
        (Authority::new("company").trusted(), false),
    ] {
        let (tenant, asked) = tenant(authority.signs("localhost", (2020, 2099))).await;
        let host = format!("localhost:{}", tenant.port());
        let sent = write(&host, &options(None, &[], given)).await;
        assert_eq!(sent.is_ok(), trusted, "{sent:?}");
        assert_eq!(asked.lock().unwrap().len(), usize::from(trusted));
    }
}
