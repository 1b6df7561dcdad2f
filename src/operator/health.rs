//! `/livez` says that the process turns, `/readyz` what it still waits for, `/metrics` the figures.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use psg_controller::{Readiness, Standing, Stands};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is served.
#[derive(Clone)]
pub struct Health {
    /// What the process waits for.
    pub readiness: Arc<Readiness>,
    /// Whether the process acts.
    pub stands: Stands,
    /// The figures.
    pub registry: Arc<Registry>,
}

/// The three routes.
pub fn routes(health: Health) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let stands = *health.stands.borrow();
    said(health.readiness.waiting_for(), stands)
}

fn said(mut waiting: Vec<&'static str>, stands: Standing) -> (StatusCode, String) {
    let word = match stands {
        Standing::Leading => "leading\n",
        Standing::Standby => "standby\n",
        Standing::Unknown => {
            waiting.push("the first look at the Lease");
            ""
        }
    };
    if waiting.is_empty() {
        (StatusCode::OK, word.to_owned())
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("waiting for {}\n", waiting.join(", ")),
        )
    }
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    let mut text = String::new();
    match encode(&mut text, &health.registry) {
        Ok(()) => (StatusCode::OK, [(header::CONTENT_TYPE, OPEN_METRICS)], text),
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, "text/plain")],
            String::new(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standby_is_ready_and_who_knows_of_no_lease_is_not() {
        let ready = |word: &str| (StatusCode::OK, format!("{word}\n"));
        assert_eq!(said(vec![], Standing::Leading), ready("leading"));
        assert_eq!(said(vec![], Standing::Standby), ready("standby"));
        let waits = |text: &str| {
            (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("waiting for {text}\n"),
            )
        };
        let lease = "the first look at the Lease";
        assert_eq!(said(vec![], Standing::Unknown), waits(lease));
        assert_eq!(said(vec!["a", "b"], Standing::Leading), waits("a, b"));
    }
}
