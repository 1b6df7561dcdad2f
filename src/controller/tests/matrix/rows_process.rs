//! Faults of the operator's own processes.

use super::{
    super::calls::{Phase, When},
    cell::{Cell, End, form},
    claims::Claim::{
        self, Again, Asked, Conflict, Dropped, Ends, Found, Held, LivesOn, NotSent, Once, OnePost,
        Settle, Stored, Successor, Withheld,
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
        Phase::Post => &[Once, Found],
        Phase::Keep => &[Once, Held],
        _ => &[Once],
    };
    Cell::of(Fault::Death(When::After), claims)
}

pub fn lease_lost(phase: Phase) -> Cell {
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[Withheld, Successor, OnePost],
        Phase::Post => &[NotSent, Again, Settle, Successor],
        Phase::Keep => &[NotSent, Again, Found, Successor],
        _ => &[NotSent, Again, Successor],
    };
    Cell::of(Fault::LeaseLost, claims)
}

pub fn two_leaders(phase: Phase) -> Cell {
    let play = |aware, claims: &[Claim]| {
        let name = if aware { "aware" } else { "unaware" };
        form(name, Fault::TwoLeaders { aware }, claims)
    };
    let aware = |claims: &[Claim]| Cell::forms(vec![play(true, claims)]);
    let unaware = |claims: &[Claim]| Cell::forms(vec![play(false, claims)]);
    let both =
        |one: &[Claim], other: &[Claim]| Cell::forms(vec![play(true, one), play(false, other)]);
    match phase {
        Phase::Token | Phase::Read => unaware(&[Successor, OnePost]),
        Phase::Intent => both(
            &[NotSent, Successor, OnePost],
            &[Conflict, Successor, OnePost],
        ),
        // A write of the tenant asks whether it may, at the last moment.
        Phase::Post => aware(&[NotSent, Settle, Successor]),
        Phase::Keep => both(
            &[NotSent, Again, Found, Successor],
            &[Conflict, Again, Found, Successor],
        ),
        Phase::Plan | Phase::Release => {
            both(&[NotSent, Again, Successor], &[NotSent, Again, Successor])
        }
        Phase::Put | Phase::Delete | Phase::Assign => aware(&[NotSent, Again, Successor]),
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
        Phase::Keep => all(&[Once, Held]),
        _ => all(&[Once]),
    }
}

pub fn panic(phase: Phase) -> Cell {
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[Asked, LivesOn],
        Phase::Post => &[Again, Settle, LivesOn],
        Phase::Keep => &[Again, Held, LivesOn],
        _ => &[Again, LivesOn],
    };
    Cell::of(Fault::Panic, claims)
}

pub fn sigterm(phase: Phase) -> Cell {
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[Dropped, Asked, Successor],
        Phase::Intent => &[Ends, Settle, OnePost],
        Phase::Post => &[Ends, Once, Stored],
        Phase::Keep => &[Ends, Once, Held],
        _ => &[Ends, Once],
    };
    Cell::of(Fault::Stop, claims).ending(End::AsWanted)
}
