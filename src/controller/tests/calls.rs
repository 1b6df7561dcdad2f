//! Every call that a group's life consists of, in the order in which it was made, and a hand that
//! stops one of them just before it takes place, or just before its answer is heard.

use std::sync::Mutex;

use identity_simulator::request::Request;
use psg_api::names;
use serde_json::Value;
use tokio::{sync::oneshot, time::Instant};

use crate::ports::KubeError;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Token,
    Read,
    Intent,
    Post,
    Keep,
    Put,
    Plan,
    Delete,
    Assign,
    Release,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It has not taken place yet.
    Before,
    /// It has, and nobody has heard.
    After,
}

/// What becomes of a call that was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    GoOn,
    Panic,
    /// Kubernetes answers this; before it takes place, that is all that happens.
    Fail(KubeError),
}

#[derive(Clone, Debug)]
pub struct Call {
    /// The process that made it, counted from one.
    pub life: usize,
    pub phase: Phase,
    /// What it is about: a path, or a resource's name.
    pub target: String,
    pub at: Instant,
    /// Whether it did what it is for.
    pub done: bool,
    /// What Kubernetes refused it with.
    pub refused: Option<KubeError>,
}

/// A hand on the next call of a phase.
struct Trap {
    phase: Phase,
    when: When,
    reached: oneshot::Sender<usize>,
    verdict: oneshot::Receiver<Verdict>,
}

/// The other end of it.
pub struct Held {
    pub reached: oneshot::Receiver<usize>,
    pub verdict: oneshot::Sender<Verdict>,
}

#[derive(Default)]
pub struct Calls {
    made: Mutex<Vec<Call>>,
    trap: Mutex<Option<Trap>>,
}

impl Phase {
    pub const ALL: [Self; 10] = [
        Self::Token,
        Self::Read,
        Self::Intent,
        Self::Post,
        Self::Keep,
        Self::Put,
        Self::Plan,
        Self::Delete,
        Self::Assign,
        Self::Release,
    ];

    /// The simulator's name of the call, if it is one of the tenant's.
    pub fn route(self) -> Option<&'static str> {
        Some(match self {
            Self::Token => "POST /oauth/token",
            Self::Read => "GET /password-sync-groups",
            Self::Post => "POST /password-sync-groups",
            Self::Put => "PUT /password-sync-groups/{id}",
            Self::Delete => "DELETE /password-sync-groups/{id}",
            Self::Assign => "PATCH /sources/{id}/password-policies",
            Self::Intent | Self::Keep | Self::Plan | Self::Release => return None,
        })
    }

    pub fn of_request(asked: &Request) -> Option<Self> {
        let list = asked.path.ends_with("/password-sync-groups");
        Some(match asked.method.as_str() {
            "POST" if asked.path.ends_with("/oauth/token") => Self::Token,
            "GET" if list => Self::Read,
            "POST" if list => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "PATCH" => Self::Assign,
            _ => return None,
        })
    }

    pub fn of_status(patch: &Value) -> Option<Self> {
        if patch["deletion"]["groupID"].is_string() {
            Some(Self::Plan)
        } else if patch["groupID"].is_string() {
            Some(Self::Keep)
        } else {
            patch["intent"].is_object().then_some(Self::Intent)
        }
    }

    pub fn of_finalizers(before: &[String], after: &[String]) -> Option<Self> {
        let held = |list: &[String]| list.iter().any(|held| held == names::FINALIZER);
        (held(before) && !held(after)).then_some(Self::Release)
    }
}

impl Calls {
    pub fn made(&self) -> Vec<Call> {
        self.made.lock().unwrap().clone()
    }

    /// Stops the next call of a phase.
    pub fn hold(&self, phase: Phase, when: When) -> Held {
        let (reaches, reached) = oneshot::channel();
        let (judge, verdict) = oneshot::channel();
        *self.trap.lock().unwrap() = Some(Trap {
            phase,
            when,
            reached: reaches,
            verdict,
        });
        Held {
            reached,
            verdict: judge,
        }
    }

    pub fn begin(&self, life: usize, phase: Option<Phase>, target: &str) -> Option<usize> {
        let mut made = self.made.lock().unwrap();
        made.push(Call {
            life,
            phase: phase?,
            target: target.to_owned(),
            at: Instant::now(),
            done: false,
            refused: None,
        });
        Some(made.len() - 1)
    }

    pub fn done(&self, call: Option<usize>) {
        if let Some(call) = call {
            self.made.lock().unwrap()[call].done = true;
        }
    }

    pub fn refused(&self, call: Option<usize>, error: &KubeError) {
        if let Some(call) = call {
            self.made.lock().unwrap()[call].refused = Some(error.clone());
        }
    }

    /// Waits here if somebody stops this call.
    pub async fn pass(&self, call: Option<usize>, when: When) -> Verdict {
        let Some(index) = call else {
            return Verdict::GoOn;
        };
        let phase = self.made.lock().unwrap()[index].phase;
        let trap = self
            .trap
            .lock()
            .unwrap()
            .take_if(|trap| trap.phase == phase && trap.when == when);
        let Some(trap) = trap else {
            return Verdict::GoOn;
        };
        trap.reached.send(index).ok();
        // Nobody who judges means that it goes on.
        let verdict = trap.verdict.await.unwrap_or(Verdict::GoOn);
        assert!(verdict != Verdict::Panic, "a planted panic");
        verdict
    }
}
