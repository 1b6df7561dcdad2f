//! `/livez` says whether the work makes progress, `/readyz` what the process waits for, `/metrics`
//! gives the metrics.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use psg_controller::{Readiness, Role, RoleReceiver};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How often the thread that works reports that it makes progress.
const BEAT: Duration = Duration::from_secs(1);
/// How long it may be silent: several times the longest step that blocks this thread.
const SILENCE: Duration = Duration::from_mins(1);

/// Whether the thread that works makes progress. Another thread answers the probes, so a pass that
/// takes long does not end the process, but a pass that never ends does.
#[derive(Debug)]
pub struct Pulse(Mutex<Instant>);

impl Pulse {
    /// A pulse whose last beat is at `now`.
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(now))
    }

    /// Beats for as long as the runtime that polls it makes progress.
    pub async fn keep(&self) {
        loop {
            self.beat(Instant::now());
            tokio::time::sleep(BEAT).await;
        }
    }

    fn beat(&self, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// How long it has been silent, if that is too long.
    fn silent_for(&self, now: Instant) -> Option<Duration> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = now.saturating_duration_since(last);
        (silent > SILENCE).then_some(silent)
    }
}

/// What is served.
#[derive(Clone)]
pub struct Health {
    /// Whether the work makes progress.
    pub pulse: Arc<Pulse>,
    /// What the process waits for.
    pub readiness: Arc<Readiness>,
    /// Whether the process acts.
    pub role: RoleReceiver,
    /// The figures.
    pub registry: Arc<Registry>,
}

/// The routes for the kubelet.
pub fn probes(health: Health) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .with_state(health)
}

/// The routes for monitoring.
pub fn metrics(health: Health) -> Router {
    Router::new()
        .route("/metrics", get(figures))
        .with_state(health)
}

async fn live(State(health): State<Health>) -> impl IntoResponse {
    lives(health.pulse.silent_for(Instant::now()))
}

fn lives(silent: Option<Duration>) -> (StatusCode, String) {
    match silent {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(silent) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the work has made no step for {} s\n", silent.as_secs()),
        ),
    }
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let role = *health.role.borrow();
    said(health.readiness.waiting_for(), role)
}

fn said(mut waiting: Vec<&'static str>, role: Role) -> (StatusCode, String) {
    let word = match role {
        Role::Leader => "leading\n",
        Role::Standby => "standby\n",
        Role::Unknown => {
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

async fn figures(State(health): State<Health>) -> impl IntoResponse {
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
    fn work_that_makes_no_step_for_a_minute_is_dead() {
        let began = Instant::now();
        let pulse = Pulse::new(began);
        let later = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(lives(pulse.silent_for(later(60))).0, StatusCode::OK);
        let dead = lives(pulse.silent_for(later(61)));
        let said = "the work has made no step for 61 s\n".to_owned();
        assert_eq!(dead, (StatusCode::SERVICE_UNAVAILABLE, said));
        pulse.beat(later(30));
        assert_eq!(lives(pulse.silent_for(later(61))).0, StatusCode::OK);
    }

    #[test]
    fn a_standby_is_ready_and_who_knows_of_no_lease_is_not() {
        let ready = |word: &str| (StatusCode::OK, format!("{word}\n"));
        assert_eq!(said(vec![], Role::Leader), ready("leading"));
        assert_eq!(said(vec![], Role::Standby), ready("standby"));
        let waits = |text: &str| {
            (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("waiting for {text}\n"),
            )
        };
        let lease = "the first look at the Lease";
        assert_eq!(said(vec![], Role::Unknown), waits(lease));
        assert_eq!(said(vec!["a", "b"], Role::Leader), waits("a, b"));
    }
}
