//! Tests: a transport whose answers are a function of the request, with every request kept.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, StatusCode, header::HeaderName};

use crate::{
    BaseUrl, Client, Credentials, HostPolicy, Limiters, Options, Rate, Request, Response,
    Transport, TransportError,
};

pub(crate) const SECRET: &str = "s3cr3t+canary/with=odd&bytes";
pub(crate) const TOKEN: &str = "opaque-token-canary";
pub(crate) const GROUP: &str = "6881f631-3bd5-4213-9c75-8e05cc3e35dd";

type Answer = Result<Response, TransportError>;
type Script = dyn Fn(&Request, usize) -> Answer + Send + Sync;

/// Answers by script; the script's number counts the requests of its kind, from 0.
pub(crate) struct Scripted {
    script: Box<Script>,
    seen: Mutex<Vec<Seen>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub operation: &'static str,
    pub line: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Scripted {
    pub fn new(script: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            seen: Mutex::default(),
        })
    }

    /// Mints [`TOKEN`] and answers everything else by script.
    pub fn minting(script: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Self::new(move |request, count| match request.operation {
            "token" => minted(TOKEN, 749),
            _ => script(count),
        })
    }

    pub fn seen(&self, operation: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.operation == operation)
            .cloned()
            .collect()
    }

    pub fn count(&self, operation: &str) -> usize {
        self.seen(operation).len()
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: Request) -> Answer {
        let count = self.count(request.operation);
        self.seen.lock().unwrap().push(Seen {
            operation: request.operation,
            line: format!("{} {}{}", request.method, request.base, request.target),
            headers: request.headers.clone(),
            body: request
                .body
                .as_ref()
                .map(|body| body.to_vec())
                .unwrap_or_default(),
        });
        // Long enough for others to stand in line meanwhile.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        (self.script)(&request, count)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a script answers or fails")]
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let pair = |(name, value): &(&str, &str)| {
        (
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::try_from(*value).unwrap(),
        )
    };
    Ok(Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.iter().map(pair).collect(),
        body: body.as_bytes().to_vec().into(),
    })
}

pub(crate) fn minted(token: &str, seconds: i64) -> Answer {
    let body = serde_json::json!({
        "access_token": token, "token_type": "bearer", "expires_in": seconds,
        "scope": "sp:scopes:all", "org": "acme", "tenant_id": "t-1", "identity_id": "u-1",
    });
    answer(200, &[], &body.to_string())
}

pub(crate) fn group_json() -> String {
    let group = serde_json::json!({
        "id": GROUP, "name": "n", "passwordPolicyId": "p", "sourceIds": ["a", "b"],
    });
    group.to_string()
}

pub(crate) fn credentials() -> Credentials {
    credentials_of("psg-operator", SECRET)
}

pub(crate) fn credentials_of(client_id: &str, client_secret: &str) -> Credentials {
    Credentials {
        base_url: BaseUrl::parse("https://acme.api.identitynow.com", &HostPolicy::default())
            .unwrap(),
        client_id: client_id.into(),
        client_secret: client_secret.into(),
    }
}

pub(crate) fn client(transport: Arc<dyn Transport>) -> Client {
    Client::new(credentials(), options(), transport, &Limiters::default())
}

/// The limit does not get in the way.
pub(crate) fn options() -> Options {
    let rate = Rate {
        requests: 10_000,
        ..Rate::default()
    };
    Options {
        rate,
        ..Options::default()
    }
}
