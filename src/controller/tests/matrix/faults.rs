//! What strikes a call.

use std::collections::BTreeMap;

use identity_simulator::FaultKind;

use super::super::{calls::When, world::World};
use crate::ports::KubeError;

pub enum Fault {
    /// The process dies, and another starts.
    Death(When),
    /// The tenant spoils this call.
    Tenant(FaultKind),
    /// The tenant spoils this call and every one of its kind, for so many seconds.
    Lasting(FaultKind, u64),
    /// The apiserver answers this, and nothing is stored.
    Kube(KubeError),
    /// The apiserver stores it, and its answer is lost.
    Unheard,
    /// Somebody does something.
    Meanwhile(When, fn(&World)),
    /// Something is so for so many seconds.
    Spell(fn(&World), fn(&World), u64),
    /// Every read of groups shows the past; the answer to this call may be lost, too.
    Lag {
        lost: bool,
    },
    /// The watch shows late, and somebody does something.
    StaleWatch(fn(&World)),
    LeaseLost,
    TwoLeaders {
        aware: bool,
    },
    /// It dies after the call, and the next one's clock is ahead by so many seconds.
    Clock(i64),
    /// The same, and the call takes place only 15 s later.
    ClockWhileLate(i64),
    Panic,
    Stop,
}

impl Fault {
    pub fn when(&self) -> When {
        match self {
            Self::Death(when) | Self::Meanwhile(when, _) => *when,
            Self::Unheard | Self::Clock(_) | Self::Lag { lost: false } => When::After,
            _ => When::Before,
        }
    }
}

pub fn slow_down(retry_after: Option<&str>) -> FaultKind {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT".to_owned();
    FaultKind::Status {
        code: 429,
        body: None,
        headers: BTreeMap::from([("date".to_owned(), date)]),
        retry_after: retry_after.map(str::to_owned),
    }
}

/// The apiserver fails, and says nothing of what it did.
pub fn kube(what: &str) -> Fault {
    Fault::Kube(KubeError::Other(what.to_owned()))
}
