//! Every call that a group's life consists of, in the order in which it was made, and a hand that
//! stops one of them just before it takes place, or just before its answer is heard.

use std::sync::Mutex;

use identity_simulator::request::Request;
use psg_api::names;
use serde_json::Value;
use tokio::{sync::oneshot, time::Instant};

use crate::kubernetes::KubeError;

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
    /// Whether its process heard that it was done, and what it brought.
    pub heard: bool,
    /// When it took place, or was refused.
    pub ended: Option<Instant>,
    /// Its number in the tenant's ledger.
    pub entry: Option<u64>,
}

/// What kept a process from what it was about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    ApiDown,
    Forbidden,
    NoRoute,
    /// It may not write any more.
    Fenced,
    NoSecret,
    /// The Secret's content cannot be used.
    BadSecret,
    /// The tenant does not take what the Secret holds.
    BadCredentials,
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
    /// What was hindered: when, which process, by what.
    hindered: Mutex<Vec<(Instant, usize, Hindrance)>>,
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
            heard: false,
            ended: None,
            entry: None,
        });
        Some(made.len() - 1)
    }

    pub fn done(&self, call: Option<usize>) {
        self.change(call, |call| {
            call.done = true;
            call.ended = Some(Instant::now());
        });
    }

    pub fn refused(&self, call: Option<usize>, error: &KubeError) {
        self.change(call, |call| {
            call.refused = Some(error.clone());
            call.ended = Some(Instant::now());
        });
    }

    pub fn heard(&self, call: Option<usize>) {
        self.change(call, |call| call.heard = true);
    }

    /// The tenant wrote it down under that number.
    pub fn entered(&self, call: Option<usize>, entry: u64) {
        self.change(call, |call| call.entry = Some(entry));
    }

    fn change(&self, call: Option<usize>, change: impl FnOnce(&mut Call)) {
        if let Some(call) = call {
            change(&mut self.made.lock().unwrap()[call]);
        }
    }

    pub fn hinder(&self, life: usize, by: Hindrance) {
        let mut hindered = self.hindered.lock().unwrap();
        hindered.push((Instant::now(), life, by));
    }

    /// Which processes that has hindered since then.
    pub fn hindered(&self, since: Instant, by: Hindrance) -> Vec<usize> {
        let hindered = self.hindered.lock().unwrap();
        let so = hindered
            .iter()
            .filter(|(at, _, what)| *at >= since && *what == by);
        so.map(|(_, life, _)| *life).collect()
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
