//! Faults of Kubernetes and of what people do there.

use super::{
    super::{
        calls::{Hindrance, Phase, When},
        world::World,
    },
    cell::{Cell, End, Play, form},
    claims::Claim::{
        self, Again, Asked, Conflict, Held, Keeps, NoPost, NotSent, Once, OnePost, Quiet,
        TenantSays, Twice,
    },
    faults::{Fault, Spell, kube},
    hands::{
        self, all_ends, rotated, rotation_told, secret_back, secret_gone, secret_spoilt, touched,
    },
};

const NO_OBJECT: Cell =
    Cell::CannotOccur("it reads the tenant, which no version of a resource decides");
const NO_KUBE: Cell = Cell::CannotOccur("it is no write of Kubernetes");

pub fn stale_watch(phase: Phase) -> Cell {
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => return NO_OBJECT,
        Phase::Post => &[Once, Held],
        Phase::Keep => &[Conflict, Again, Held],
        Phase::Intent => &[Conflict, Again, OnePost],
        Phase::Plan | Phase::Release => &[Conflict, Again],
        Phase::Put | Phase::Delete | Phase::Assign => &[Once],
    };
    Cell::of(Fault::StaleWatch(touched), claims)
}

pub fn conflict(phase: Phase) -> Cell {
    let lost = |conflict: &[Claim], invalid: &[Claim]| {
        Cell::forms(vec![
            form("409", Fault::Meanwhile(When::Before, touched), conflict),
            form("422", kube("422: invalid"), invalid),
        ])
    };
    match phase {
        Phase::Intent => lost(&[Conflict, Again, OnePost], &[Again, OnePost]),
        Phase::Keep => lost(&[Conflict, Again, Held], &[Again, Held]),
        Phase::Plan | Phase::Release => lost(&[Conflict, Again], &[Again]),
        _ => NO_KUBE,
    }
}

pub fn apiserver_down(phase: Phase) -> Cell {
    let down = |world: &World| {
        let mut weather = world.weather.lock().unwrap();
        (weather.api_down, weather.watch_cut) = (true, true);
        true
    };
    let back = |world: &World| {
        let mut weather = world.weather.lock().unwrap();
        (weather.api_down, weather.watch_cut) = (false, false);
    };
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[Quiet, OnePost],
        Phase::Intent => &[NotSent, Again, Quiet, OnePost],
        Phase::Post => &[Once, Held],
        Phase::Keep => &[NotSent, Again, Quiet, Held],
        Phase::Put => &[Once],
        Phase::Plan | Phase::Release => &[NotSent, Again, Quiet, Keeps],
        Phase::Delete | Phase::Assign => &[Once, Keeps],
    };
    let spell = Spell {
        begin: down,
        end: back,
        seconds: 300,
        seen: Hindrance::ApiDown,
    };
    Cell::of(Fault::Spell(spell), claims)
}

pub fn secret(phase: Phase) -> Cell {
    let spell = |begin, end, seconds, seen| {
        Fault::Spell(Spell {
            begin,
            end,
            seconds,
            seen,
        })
    };
    let taken = |claims: &[Claim]| {
        let fault = spell(secret_gone, secret_back, 300, Hindrance::NoSecret);
        with("taken away", fault, claims, TenantSays("SecretNotFound"))
    };
    let malformed = |claims: &[Claim]| {
        let fault = spell(secret_spoilt, secret_back, 300, Hindrance::BadSecret);
        with("malformed", fault, claims, TenantSays("SecretMalformed"))
    };
    let rotation = |claims: &[Claim]| {
        let fault = spell(rotated, rotation_told, 60, Hindrance::BadCredentials);
        with("rotated", fault, claims, TenantSays("CredentialsInvalid"))
    };
    // The token in hand serves on until the next look at the Secret, and a deletion after it.
    let all = |others: &[Claim], after: &[Claim]| {
        Cell::forms(vec![taken(others), malformed(others), rotation(after)])
    };
    match phase {
        Phase::Token | Phase::Read => all(&[OnePost], &[Asked, Quiet]),
        Phase::Intent => all(&[Once, Held], &[Twice, Quiet]),
        Phase::Post => all(&[Once, Held], &[Again, Quiet]),
        Phase::Put => all(&[Once], &[Again, Quiet]),
        Phase::Plan => all(&[Once], &[Once, Quiet, Keeps]),
        Phase::Delete | Phase::Assign => all(&[Once], &[Again, Quiet, Keeps]),
        // After it the tenant is asked for nothing for a while.
        Phase::Keep => Cell::forms(vec![taken(&[Once, Held]), malformed(&[Once, Held])]),
        Phase::Release => Cell::forms(vec![taken(&[Once]), malformed(&[Once])]),
    }
}

fn with(name: &'static str, fault: Fault, claims: &[Claim], said: Claim) -> Play {
    form(name, fault, &[claims, &[said]].concat())
}

pub fn namespace(phase: Phase) -> Cell {
    let ends = if phase < Phase::Plan {
        all_ends
    } else {
        hands::rest_ends
    };
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[NoPost],
        Phase::Intent => &[Conflict, NotSent, NoPost],
        Phase::Post | Phase::Keep => &[OnePost],
        _ => &[Once],
    };
    Cell::of(Fault::Meanwhile(When::Before, ends), claims).ending(End::Undone)
}
