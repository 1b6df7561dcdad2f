//! What strikes a call.

use std::collections::BTreeMap;

use identity_simulator::FaultKind;

use super::{
    super::{
        calls::{Hindrance, When},
        world::World,
    },
    hands::Hand,
};
use crate::kubernetes::KubeError;

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
    Meanwhile(When, Hand),
    /// Something is so for a while.
    Spell(Spell),
    /// Every read of groups shows the past; the answer to this call may be lost, too.
    Lag {
        lost: bool,
    },
    /// This read and those after it show the past, in which our group was not there yet.
    LagAtStart,
    /// Every read of groups shows the past since the DELETE, and in the past another group had a
    /// source of ours.
    LagOfAnother,
    /// The second page of this walk begins elsewhere; our group may be what it shows.
    Shift {
        by: i64,
        ours: bool,
    },
    /// The watch shows late, and somebody does something.
    StaleWatch(Hand),
    /// From this read on the tenant's sources are larger than a page of them may be.
    LargeSources,
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

/// What is so for so many seconds, and what it is seen by: somebody runs into it.
pub struct Spell {
    pub begin: Hand,
    pub end: fn(&World),
    pub seconds: u64,
    pub seen: Hindrance,
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
