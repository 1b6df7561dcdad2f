//! Counts and times every request that this process sends to a tenant. Labels are words of the code.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use http::StatusCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use psg_identity::{Operation, Request, Response, Transport, TransportError, token};

/// How an answer is counted; `none`: no whole answer came, `not_sent`: no request left.
const CODES: [&str; 10] = [
    "2xx", "401", "403", "404", "429", "4xx", "5xx", "other", "none", "not_sent",
];
/// In seconds: the vendor answers most calls within one, and the longest timeout is 30.
const BUCKETS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// One operation and the class of its answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    operation: &'static str,
    code: &'static str,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

/// Sends requests by another transport, and counts and times them.
pub struct Counted {
    inner: Arc<dyn Transport>,
    answers: Family<AnswerLabels, Counter>,
    durations: Family<OperationLabels, Histogram>,
}

impl Counted {
    /// Counts what `inner` sends, with metrics that are registered here.
    pub fn new(inner: Arc<dyn Transport>, registry: &mut Registry) -> Self {
        let answers = Family::<AnswerLabels, Counter>::default();
        let durations =
            Family::<OperationLabels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register(
            "psg_tenant_requests",
            "Requests to tenants, by operation and class of answer",
            answers.clone(),
        );
        registry.register(
            "psg_tenant_request_duration_seconds",
            "How long requests to tenants took, from connecting to the last byte of the answer",
            durations.clone(),
        );
        let operations = Operation::ALL.map(Operation::label).into_iter();
        let others = [token::OPERATION, Operation::SearchEvents.label()];
        for operation in operations.chain(others) {
            drop(durations.get_or_create(&OperationLabels { operation }));
            for code in CODES {
                let labels = AnswerLabels { operation, code };
                answers.get_or_create(&labels).inc_by(0);
            }
        }
        Self {
            inner,
            answers,
            durations,
        }
    }
}

#[async_trait]
impl Transport for Counted {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let operation = request.operation;
        let began = Instant::now();
        let answer = self.inner.send(request).await;
        let code = code(&answer);
        let labels = AnswerLabels { operation, code };
        self.answers.get_or_create(&labels).inc();
        if code != "not_sent" {
            let duration = began.elapsed().as_secs_f64();
            let labels = OperationLabels { operation };
            self.durations.get_or_create(&labels).observe(duration);
        }
        answer
    }

    async fn closed(&self) {
        self.inner.closed().await;
    }
}

fn code(answer: &Result<Response, TransportError>) -> &'static str {
    match answer.as_ref().map(|answer| answer.status) {
        Ok(StatusCode::UNAUTHORIZED) => "401",
        Ok(StatusCode::FORBIDDEN) => "403",
        Ok(StatusCode::NOT_FOUND) => "404",
        Ok(StatusCode::TOO_MANY_REQUESTS) => "429",
        Ok(status) if status.is_success() => "2xx",
        Ok(status) if status.is_client_error() => "4xx",
        Ok(status) if status.is_server_error() => "5xx",
        Ok(_) => "other",
        Err(TransportError::NotSent { .. }) => "not_sent",
        Err(TransportError::Unknown { .. } | TransportError::TooLarge { .. }) => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_request_has_a_code_that_is_registered() {
        let answer = |status| {
            Ok(Response {
                status: StatusCode::from_u16(status).unwrap(),
                headers: http::HeaderMap::new(),
                body: bytes::Bytes::new(),
            })
        };
        let why = String::new;
        let cases = [
            (answer(200), "2xx"),
            (answer(204), "2xx"),
            (answer(302), "other"),
            (answer(400), "4xx"),
            (answer(401), "401"),
            (answer(403), "403"),
            (answer(404), "404"),
            (answer(409), "4xx"),
            (answer(429), "429"),
            (answer(503), "5xx"),
            (Err(TransportError::not_sent(why())), "not_sent"),
            (Err(TransportError::Unknown { why: why() }), "none"),
            (Err(TransportError::TooLarge { most: 1 }), "none"),
        ];
        for (end, expected) in cases {
            assert_eq!(code(&end), expected, "{end:?}");
            assert!(CODES.contains(&expected));
        }
    }
}
