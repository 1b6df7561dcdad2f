//! kube's client without a network: each request goes to a function, whose answer comes back.

use kube::{Client, client::Body, core::Status};
use serde::Serialize;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    pub content_type: String,
    pub body: String,
}

/// A status, and what stands in the body.
pub type Answer = (u16, String);

/// A client whose every request is answered by `answer`.
pub fn client<F>(answer: impl Fn(Asked) -> F + Clone + Send + Sync + 'static) -> Client
where
    F: Future<Output = Answer> + Send,
{
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let answer = answer.clone();
        async move {
            let (head, body) = request.into_parts();
            let content_type = head.headers.get(http::header::CONTENT_TYPE);
            let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
            let body = body.collect_bytes().await.unwrap();
            let (status, body) = answer(Asked {
                method: head.method.to_string(),
                path: head.uri.to_string(),
                content_type: content_type.unwrap_or_default(),
                body: String::from_utf8(body.to_vec()).unwrap(),
            })
            .await;
            http::Response::builder()
                .status(status)
                .body(Body::from(body.into_bytes()))
        }
    });
    Client::new(service, "default")
}

pub fn found(object: &impl Serialize) -> Answer {
    (200, serde_json::to_string(object).unwrap())
}

/// An API server's refusal.
pub fn refusal(code: u16, reason: &str, message: &str) -> Answer {
    let status = Status {
        code,
        ..Status::failure(message, reason)
    };
    (code, serde_json::to_string(&status).unwrap())
}
