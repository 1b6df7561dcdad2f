//! Tests of the proxy to tenants over real sockets on loopback: what it is asked for, what it never
//! sees, and each way in which it can fail. No write counts as sent unless its tunnel stands.

use std::{net::SocketAddr, time::Duration};

use super::company::{
    Asked, Authority, TENANT, answering, dead, leading_to, options, silent, tenant, write,
};
use crate::{Authorities, HttpOptions, Obstacle};

const NOW: (i32, i32) = (2020, 2099);

/// A tenant of the name that no resolver knows, and its authority.
async fn hidden() -> (SocketAddr, Asked, Authority) {
    let authority = Authority::new("company");
    let (tenant, asked) = tenant(authority.signs(TENANT, NOW)).await;
    (tenant, asked, authority)
}

fn first(asked: &Asked) -> String {
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1, "{asked:?}");
    asked[0].clone()
}

#[tokio::test]
async fn a_tenant_is_reached_by_the_proxy_which_resolves_its_name_and_sees_no_request() {
    let (tenant, asked, authority) = hidden().await;
    let (proxy, told) = leading_to(tenant, None).await;
    // Its host may lead to a private address, also where a tenant's may not.
    let url = format!("http://us%40er:hu%3Ash@localhost:{}", proxy.port());
    let options = HttpOptions {
        allow_insecure: false,
        ..options(Some(&url), &[], authority.trusted())
    };
    write(TENANT, &options).await.unwrap();
    let told = first(&told);
    assert!(
        told.starts_with("CONNECT acme.psg.test:443 HTTP/1.1\r\n"),
        "{told}"
    );
    // us@er:hu:sh
    let credentials = "Proxy-Authorization: Basic dXNAZXI6aHU6c2g=";
    assert!(
        told.to_lowercase().contains(&credentials.to_lowercase()),
        "{told}"
    );
    assert!(!told.contains("/v3/x"), "{told}");
    let asked = first(&asked);
    assert!(asked.starts_with("POST /v3/x?y=z HTTP/1.1\r\n"), "{asked}");
    assert!(!asked.to_lowercase().contains("proxy-auth"), "{asked}");
}

#[tokio::test]
async fn a_proxy_may_be_behind_tls_by_an_authority_of_the_company() {
    let (tenant, asked, authority) = hidden().await;
    let shown = authority.signs("localhost", NOW);
    let (proxy, _) = leading_to(tenant, Some(shown)).await;
    let url = format!("https://localhost:{}", proxy.port());
    let known = options(Some(&url), &[], authority.trusted());
    write(TENANT, &known).await.unwrap();
    first(&asked);
    let unknown = options(Some(&url), &[], Authorities::default());
    let (why, obstacle) = write(TENANT, &unknown).await.unwrap_err();
    assert_eq!(obstacle, Some(Obstacle::CertificateInvalid), "{why}");
    assert!(
        why.contains("UnknownIssuer") && why.contains("PSG_TENANT_CA"),
        "{why}"
    );
}

#[tokio::test]
async fn a_tenant_that_no_proxy_lists_is_reached_directly_and_blames_no_proxy() {
    let authority = Authority::new("company");
    let (tenant, asked) = tenant(authority.signs("localhost", NOW)).await;
    let host = format!("localhost:{}", tenant.port());
    let url = format!("http://{}", dead().await);
    let variables = [("HTTPS_PROXY", &*url), ("NO_PROXY", "other, localhost")];
    let known = options(Some("environment"), &variables, authority.trusted());
    write(&host, &known).await.unwrap();
    first(&asked);
    let unknown = options(Some("environment"), &variables, Authorities::default());
    let (why, obstacle) = write(&host, &unknown).await.unwrap_err();
    assert_eq!(obstacle, Some(Obstacle::CertificateInvalid), "{why}");
    assert!(!why.contains("by the proxy"), "{why}");
    let (why, obstacle) = write(TENANT, &known).await.unwrap_err();
    assert_eq!(obstacle, Some(Obstacle::ProxyUnreachable), "{why}");
    assert!(why.contains("by the proxy"), "{why}");
}

#[tokio::test]
async fn a_private_address_and_the_proxy_itself_are_no_tenants() {
    let (tenant, _, authority) = hidden().await;
    let (proxy, told) = leading_to(tenant, None).await;
    for (url, host) in [
        (format!("http://{proxy}"), "127.0.0.1"),
        ("http://proxy.psg.test:3128".to_owned(), "proxy.psg.test"),
    ] {
        let policy = options(Some(&url), &[], authority.trusted());
        let secure = HttpOptions {
            allow_insecure: false,
            ..policy
        };
        let (why, obstacle) = write(host, &secure).await.unwrap_err();
        assert_eq!(obstacle, None);
        assert_eq!(why, "the host leads to an address that is not public");
    }
    assert!(told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_proxy_that_fails_is_named_with_a_remedy_without_its_password_and_nothing_is_sent() {
    let answer = |head: &str| format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n");
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(20_000));
    let connect = "let this process connect to it";
    let lead = "let it connect to the tenant's host and port";
    let refused = Some(Obstacle::ProxyRefused);
    for (proxy, says, remedy, way) in [
        (
            dead().await,
            "Connection refused",
            connect,
            Some(Obstacle::ProxyUnreachable),
        ),
        (
            answering(answer("407 Proxy Authentication Required")).await,
            "proxy authorization required",
            "put a user and a password into the URL of the proxy",
            refused,
        ),
        (
            answering(answer("403 Forbidden")).await,
            "unsuccessful",
            lead,
            refused,
        ),
        (
            answering(answer("502 Bad Gateway")).await,
            "unsuccessful",
            lead,
            refused,
        ),
        (
            answering(answer("302 Found\r\nLocation: https://hush.test/")).await,
            "unsuccessful",
            lead,
            refused,
        ),
        (
            answering("no HTTP at all\r\n\r\n").await,
            "unsuccessful",
            lead,
            refused,
        ),
        (answering(long).await, "headers too long", lead, refused),
        (answering("").await, "unexpected end of file", lead, refused),
        (silent().await, "timed out", "does not answer", None),
    ] {
        let url = format!("http://user:hush@{proxy}");
        let options = HttpOptions {
            connect_timeout: Duration::from_millis(300),
            ..options(Some(&url), &[], Authorities::default())
        };
        let (why, obstacle) = write(TENANT, &options).await.unwrap_err();
        assert!(why.contains(says), "{says}: {why}");
        assert_eq!(obstacle, way, "{why}");
        assert!(why.contains(remedy), "{remedy}: {why}");
        assert!(why.starts_with(&format!("by the proxy {proxy}: ")), "{why}");
        assert!(!why.contains("hush"), "{why}");
    }
    // Named as a proxy behind TLS, which it is not.
    let plain = answering(answer("400 Bad Request")).await;
    let url = format!("https://user:hush@{plain}");
    let options = options(Some(&url), &[], Authorities::default());
    let (why, obstacle) = write(TENANT, &options).await.unwrap_err();
    assert_eq!(obstacle, None, "{why}");
    assert!(why.contains("what answers there is no TLS"), "{why}");
    assert!(!why.contains("hush"), "{why}");
}
