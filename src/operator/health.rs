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
    let mut waiting = health.readiness.waiting_for();
    let stands = *health.stands.borrow();
    if stands == Standing::Unknown {
        waiting.push("the first look at the Lease");
    }
    if waiting.is_empty() {
        let leads = stands == Standing::Leading;
        let word = if leads { "leading\n" } else { "standby\n" };
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
