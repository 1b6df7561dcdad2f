//! Faults of the operator's own processes.

use super::{
    super::calls::{Phase, When},
    cell::{Cell, End, form},
    claims::Claim::{
        self, Again, Asked, Conflict, Ends, Found, LivesOn, NotSent, Once, OnePost, Settle, Stored,
        Successor,
    },
    faults::Fault,
};

pub fn death_before(phase: Phase) -> Cell {
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[Asked],
        Phase::Post => &[Again, Settle],
        Phase::Keep => &[Again, Found],
        _ => &[Again],
    };
    Cell::of(Fault::Death(When::Before), claims)
}

pub fn death_after(phase: Phase) -> Cell {
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[Asked],
        Phase::Intent => &[Settle, OnePost],
        Phase::Post | Phase::Keep => &[Once, Found],
        _ => &[Once],
    };
    Cell::of(Fault::Death(When::After), claims)
}

pub fn lease_lost(phase: Phase) -> Cell {
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[Asked, Successor],
        Phase::Post => &[NotSent, Again, Settle, Successor],
        Phase::Keep => &[NotSent, Again, Found, Successor],
        _ => &[NotSent, Again, Successor],
    };
    Cell::of(Fault::LeaseLost, claims)
}

pub fn two_leaders(phase: Phase) -> Cell {
    let aware = || Fault::TwoLeaders { aware: true };
    let unaware = || Fault::TwoLeaders { aware: false };
    match phase {
        Phase::Token | Phase::Read => Cell::of(unaware(), &[Asked, Successor, OnePost]),
        Phase::Post => Cell::of(aware(), &[NotSent, Settle, Successor]),
        Phase::Put | Phase::Delete | Phase::Assign => {
            Cell::of(aware(), &[NotSent, Again, Successor])
        }
        Phase::Intent => Cell::of(unaware(), &[Conflict, Successor, OnePost]),
        Phase::Keep => Cell::of(unaware(), &[Conflict, Again, Found, Successor]),
        Phase::Plan | Phase::Release => Cell::of(unaware(), &[NotSent, Again, Successor]),
    }
}

pub fn clock(phase: Phase) -> Cell {
    const JUMPS: [(&str, i64); 4] = [
        ("+1 h", 3600),
        ("−1 h", -3600),
        ("+120 s", 120),
        ("−120 s", -120),
    ];
    let all = |claims: &[Claim]| {
        let plays = JUMPS.map(|(name, ahead)| form(name, Fault::Clock(ahead), claims));
        Cell::forms(plays.into())
    };
    match phase {
        Phase::Token | Phase::Read => all(&[Asked]),
        Phase::Intent => all(&[Settle, OnePost]),
        Phase::Post => {
            let late =
                JUMPS.map(|(name, ahead)| form(name, Fault::ClockWhileLate(ahead), &[Found]));
            Cell::forms(late.into())
        }
        Phase::Keep => all(&[Once, Found]),
        _ => all(&[Once]),
    }
}

pub fn panic(phase: Phase) -> Cell {
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[Asked, LivesOn],
        Phase::Post => &[Again, Settle, LivesOn],
        Phase::Keep => &[Again, Found, LivesOn],
        _ => &[Again, LivesOn],
    };
    Cell::of(Fault::Panic, claims)
}

pub fn sigterm(phase: Phase) -> Cell {
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[Ends, Asked, Successor],
        Phase::Intent => &[Ends, Settle, OnePost],
        Phase::Post => &[Ends, Once, Stored],
        Phase::Keep => &[Ends, Once, Found],
        _ => &[Ends, Once],
    };
    Cell::of(Fault::Stop, claims).ending(End::AsWanted)
}
