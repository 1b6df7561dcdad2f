//! One process's way to the tenant: the gate of the real transport, and behind it the simulator's
//! library as if by HTTP. A fuse stands in the way.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, StatusCode};
use identity_simulator::{Cut, request};
use psg_identity::{Gated, Kind, Request, Response, Transport, TransportError};

use super::{
    audit::Leaving,
    calls::{Hindrance, Phase, When},
    fuse::Fuse,
    ports::Ways,
    world::World,
};

#[async_trait]
impl Transport for Ways {
    async fn send(&self, sent: Request) -> Result<Response, TransportError> {
        let is_write = sent.kind == Kind::Write;
        let asked = asked(&sent);
        let mut leaving = Leaving {
            books: &self.world.books,
            fuse: &self.fuse,
            method: &asked.method,
            path: &asked.path,
            left: !is_write,
        };
        let calls = &self.world.calls;
        let phase = Phase::of_request(&asked);
        // The pages of a list are told apart.
        let target = match phase {
            Some(Phase::Read) => &sent.target,
            _ => &asked.path,
        };
        let call = calls.begin(self.life, phase, target);
        calls.pass(call, When::Before).await;
        self.fuse.pass().await;
        leaving.left = true;
        drop(leaving);
        let (life, fenced) = (self.life, self.fenced.clone());
        let socket = Socket {
            life,
            world: self.world.clone(),
            fuse: self.fuse.clone(),
            call,
        };
        let world = self.world.clone();
        let may_write = move || {
            let fenced = fenced.load(Ordering::SeqCst);
            if fenced {
                world.calls.hinder(life, Hindrance::Fenced);
            }
            !fenced
        };
        let gated = Gated::new(Arc::new(socket), Arc::new(may_write));
        gated.send(sent).await
    }
}

/// A process may panic over what a write was answered.
pub const ANSWER: &str = "the answer";

/// What is behind the gate, for one request.
struct Socket {
    life: usize,
    world: Arc<World>,
    fuse: Arc<Fuse>,
    call: Option<usize>,
}

#[async_trait]
impl Transport for Socket {
    async fn send(&self, sent: Request) -> Result<Response, TransportError> {
        let calls = &self.world.calls;
        if self.world.weather.lock().unwrap().no_route {
            calls.hinder(self.life, Hindrance::NoRoute);
            return Err(TransportError::not_sent("no connection"));
        }
        let is_write = sent.kind == Kind::Write;
        let asked = asked(&sent);
        let answer = if is_write {
            self.fuse
                .effect(|| self.world.write_of_the_tenant(&asked))
                .await
        } else {
            self.world.ask_the_tenant(&asked)
        };
        let tracking_id = answer.header("slpt-request-id").unwrap_or_default();
        let ended = |answered: bool| {
            if is_write {
                let mut books = self.world.books.lock().unwrap();
                books.ended(tracking_id, answered);
            }
        };
        let last = self.world.tenant.lock().unwrap().ledger().next() - 1;
        calls.entered(self.call, last);
        if self.world.was_done(&answer) {
            calls.done(self.call);
        }
        if answer.status == 401 && asked.path.ends_with("/oauth/token") {
            calls.hinder(self.life, Hindrance::BadCredentials);
        }
        calls.pass(self.call, When::After).await;
        let panics = self
            .world
            .weather
            .lock()
            .unwrap()
            .panics
            .contains_key(ANSWER);
        if is_write && panics {
            ended(false);
            self.world.panic_over(ANSWER);
        }
        let unknown = |why: &str| {
            ended(false);
            Err(TransportError::Unknown {
                why: why.to_owned(),
            })
        };
        let delay = answer.delay + dripping(&answer);
        if delay > sent.timeout {
            tokio::time::sleep(sent.timeout).await;
            return unknown("timeout");
        }
        // Whole milliseconds, as timers have: what comes first must not hang on a fraction.
        let delay = Duration::from_millis(u64::try_from(delay.as_millis()).unwrap());
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        self.fuse.pass().await;
        if is_write {
            self.fuse.answered();
        }
        if matches!(answer.cut, Some(Cut::Before | Cut::Middle)) {
            return unknown("connection cut");
        }
        if answer.body.len() > sent.max_body {
            ended(false);
            let most = sent.max_body;
            return Err(TransportError::TooLarge { most });
        }
        ended(true);
        if (200..300).contains(&answer.status) && !answer.body.starts_with(b"<html") {
            calls.heard(self.call);
        }
        let headers = answer.headers.into_iter().map(|(name, value)| {
            (
                HeaderName::try_from(name).unwrap(),
                HeaderValue::try_from(value).unwrap(),
            )
        });
        Ok(Response {
            status: StatusCode::from_u16(answer.status).unwrap(),
            headers: headers.collect(),
            body: answer.body.into(),
        })
    }
}

/// How long the body takes.
fn dripping(answer: &identity_simulator::Response) -> Duration {
    let speed = answer.drip.map(u64::from).filter(|speed| *speed > 0);
    speed.map_or(Duration::ZERO, |speed| {
        Duration::from_secs(answer.body.len() as u64 / speed)
    })
}

fn asked(sent: &Request) -> request::Request {
    let mut asked = request::Request::new(sent.method.as_str(), &sent.target);
    for (name, value) in &sent.headers {
        asked = asked.header(name.as_str(), value.to_str().unwrap());
    }
    let body = sent.body.as_ref().map(|body| body.to_vec());
    asked.body = body.unwrap_or_default();
    asked
}
