//! Tests: no secret and no token in anything that a person or a log may see.

use std::{
    fmt::Debug,
    io::Write,
    sync::{Arc, Mutex, atomic::Ordering},
};

use http::HeaderValue;

use psg_domain::{GroupId, PolicyId};
use secrecy::ExposeSecret;

use crate::{
    BaseUrl, Client, Credentials, CredentialsError, HostPolicy, Kind, Lane, Limiters, Page,
    Transport, TransportError,
    error::{cut, scrub},
    form,
    tests::http::{OK, request, serve, transport},
    tests::scripted::{SECRET, Scripted, TOKEN, answer, client, credentials, minted, options},
};

fn percent(text: &str) -> String {
    let mut bytes = Vec::new();
    form::encode(text, &mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn assert_clean(text: &str) {
    for secret in [SECRET, TOKEN] {
        let bytes: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
        let json = serde_json::to_string(secret).unwrap();
        for form in [
            secret,
            &percent(secret),
            json.trim_matches('"'),
            &bytes.join(", "),
        ] {
            assert!(!text.contains(form), "a secret in: {text}");
        }
    }
}

fn seen(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

/// What a subscriber writes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_repeat_our_secrets_do_not_get_them_into_errors_or_logs() {
    // The process's one subscriber, so that it hears the libraries and other tests as well.
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .try_init()
        .unwrap();

    let encoded = percent(SECRET);
    let echo = format!("you sent Bearer {TOKEN} and {SECRET} or {encoded}\nnew line");
    let refusal = serde_json::json!({
        "detailCode": echo, "trackingId": echo,
        "messages": [{"text": echo}], "causes": [{"text": echo}],
    });
    let refusal = refusal.to_string();
    let bodies = [
        refusal.clone(),
        serde_json::json!({"error": echo}).to_string(),
        echo.clone(),
        serde_json::json!({"message": echo}).to_string(),
        format!("[{refusal}]"),
        format!("\"{SECRET}\""),
    ];
    let mut errors = 0;
    for status in [200, 302, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503] {
        for body in bodies.clone() {
            let client = client(Scripted::minting(move |_| answer(status, &[], &body)));
            let id = GroupId::parse("g").unwrap();
            let policy = PolicyId::parse("p").unwrap();
            let outcomes = [
                client.list_groups(Page::first(), Lane::Read).await.err(),
                client.group(&id, Lane::Read).await.err(),
                client
                    .create_group("n", &policy, &[].into(), Lane::UserChange)
                    .await
                    .err(),
                client.delete_group(&id, Lane::Deletion).await.err(),
            ];
            for error in outcomes.into_iter().flatten() {
                assert_clean(&format!("{error} {}", seen(&error)));
                assert!(!error.to_string().contains('\n') && error.to_string().len() < 400);
                errors += 1;
            }
        }
    }
    assert!(errors > 200, "{errors}");
    for body in bodies {
        for status in [200, 400, 500] {
            let body = body.clone();
            let client = client(Scripted::new(move |_, _| answer(status, &[], &body)));
            let error = client.token_info().await.unwrap_err();
            assert_clean(&format!("{error} {}", seen(&error)));
        }
    }
    on_the_wire().await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("list_groups") && log.contains("hyper"),
        "it does log"
    );
    assert_clean(&log);
}

/// The secret in a form and the token in a header, through the real HTTP client.
async fn on_the_wire() {
    tokio::time::resume();
    let server = serve(OK.to_vec(), true).await;
    let transport = Arc::new(transport());
    let credentials = Credentials {
        base_url: server.base.clone(),
        ..credentials()
    };
    let client = Client::new(
        credentials,
        options(),
        transport.clone(),
        &Limiters::default(),
    );
    client.token_info().await.unwrap_err();
    let mut bearer = HeaderValue::try_from(format!("Bearer {TOKEN}")).unwrap();
    bearer.set_sensitive(true);
    let mut sent = request(&server.base, Kind::Write);
    sent.headers.insert(http::header::AUTHORIZATION, bearer);
    transport.send(sent).await.unwrap();
    assert_eq!(server.requests.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn no_type_shows_a_secret() {
    let transport = Scripted::minting(|_| answer(200, &[], "[]"));
    let client = client(transport.clone());
    client.list_groups(Page::first(), Lane::Read).await.unwrap();
    let mint = &transport.seen("token")[0];
    assert!(
        String::from_utf8_lossy(&mint.body).contains(&percent(SECRET)),
        "it was sent"
    );
    assert!(
        !mint.line.contains("client"),
        "and not in the URL: {}",
        mint.line
    );
    let list = &transport.seen("list_groups")[0];
    assert_eq!(list.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_clean(&seen(&list.headers));
    assert_clean(&seen(&credentials()));
    assert_clean(&seen(&client.token_info().await.unwrap()));
    assert_clean(&seen(client.credentials()));
    assert_clean(&seen(&minted(TOKEN, 1).unwrap()));
    let request = crate::Request {
        operation: "token",
        method: http::Method::POST,
        base: credentials().base_url,
        target: "/".to_owned(),
        headers: list.headers.clone(),
        body: Some(mint.body.clone().into()),
        kind: crate::Kind::Read,
        timeout: std::time::Duration::from_secs(1),
        max_body: 1,
    };
    assert_clean(&seen(&request));
    assert_clean(&seen(&TransportError::not_sent("x")));
}

#[test]
fn a_signed_token_is_cut_out_of_any_text() {
    let text = "JWT eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln expired, eyJ";
    assert_eq!(scrub(text, &[]), "JWT [redacted] expired, [redacted]");
    let long = format!("{}{SECRET}", "é".repeat(120));
    let short = cut(&scrub(&long, &[SECRET]));
    assert!(short.len() <= 256 && !short.contains("s3c"), "{short}");
    assert!(cut(&"é".repeat(300)).len() <= 256);
}

#[test]
fn a_secret_that_is_wrong_is_described_by_its_keys() {
    let good = |key: &str| match key {
        "baseUrl" => "https://acme.api.identitynow.com\n",
        "clientId" => "id",
        _ => SECRET,
    };
    let keys = ["baseUrl", "clientId", "clientSecret"];
    let data = |spoil: &str, value: Option<&[u8]>| {
        let pairs = keys.iter().filter_map(|key| {
            let value = if *key == spoil {
                value?
            } else {
                good(key).as_bytes()
            };
            Some(((*key).to_owned(), value.to_vec()))
        });
        Credentials::parse(&pairs.collect(), &HostPolicy::default())
    };
    let parsed = data("", None).unwrap();
    assert_eq!(parsed.client_secret.expose_secret(), SECRET);
    assert_eq!(parsed.base_url.as_str(), "https://acme.api.identitynow.com");
    let long = [b'x'; 1025];
    for key in keys {
        assert_eq!(data(key, None), Err(CredentialsError::Missing { key }));
        for (value, expected) in [
            (&b""[..], CredentialsError::Empty { key }),
            (b"\r\n", CredentialsError::Empty { key }),
            (&long, CredentialsError::TooLong { key }),
            (b"a b", CredentialsError::NotVisible { key }),
            (b"a\n\n", CredentialsError::NotVisible { key }),
            (b"\xff", CredentialsError::NotVisible { key }),
            ("ü".as_bytes(), CredentialsError::NotVisible { key }),
        ] {
            let error = data(key, Some(value)).unwrap_err();
            assert_eq!(error, expected);
            assert!(error.to_string().contains(key));
        }
    }
    let error = data("baseUrl", Some(b"https://evil-canary.example")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "key baseUrl names a host that is not on the operator's allow-list"
    );
    assert!(BaseUrl::parse("https://evil-canary.example", &HostPolicy::default()).is_err());
}
