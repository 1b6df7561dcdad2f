//! Faults of the tenant and of the way to it, and what others do there.

use identity_simulator::FaultKind;

use super::{
    super::{
        calls::{Hindrance, Phase, When},
        tenant::status,
        world::World,
    },
    cell::{Cell, End, Play, form, says},
    claims::Claim::{
        self, Again, Asked, Complete, Found, Held, Keeps, MadeAgain, NoDelete, NoPost, NotSent,
        Once, OnePost, OthersGoOn, Outlasts, Patient, PutRight, Quiet, Says, Settle, Skips,
        SourcesGoOn, TenantSays, Twice, Vain, Waits, Walked,
    },
    faults::{Fault, Spell, kube, slow_down},
    hands::{
        dropped, given_another, given_by_hand, namesake_and_lost, other_policy, removed, renamed,
        source_gone, stripped, taken, twin,
    },
};

const NO_GROUP: Cell = Cell::CannotOccur("it reads or writes no group of the tenant");
const NO_PAGES: Cell = Cell::CannotOccur("only a walk has pages");
const NO_OVERWRITE: Cell =
    Cell::CannotOccur("it overwrites nothing that a person can edit in the tenant");

fn is_kube(phase: Phase) -> bool {
    phase.route().is_none()
}

/// What is claimed of a call that had no effect and nobody knows it.
fn undone(phase: Phase) -> &'static [Claim] {
    match phase {
        Phase::Token | Phase::Read => &[Asked],
        Phase::Intent => &[Again, OnePost],
        Phase::Post => &[Again, Settle],
        Phase::Keep => &[Again, Held],
        _ => &[Again],
    }
}

/// What is claimed of a call that had its effect and nobody heard.
fn unheard(phase: Phase) -> &'static [Claim] {
    match phase {
        Phase::Token | Phase::Read => &[Asked],
        Phase::Intent => &[Settle, OnePost],
        Phase::Post => &[Once, Found],
        Phase::Keep => &[Once, Held],
        _ => &[Once],
    }
}

pub fn lost_request(phase: Phase) -> Cell {
    let fault = if is_kube(phase) {
        kube("no answer within 10 s")
    } else {
        Fault::Tenant(FaultKind::LostRequest)
    };
    Cell::of(fault, undone(phase))
}

pub fn lost_answer(phase: Phase) -> Cell {
    if is_kube(phase) {
        return Cell::of(Fault::Unheard, unheard(phase));
    }
    let forms = vec![
        form("cut", Fault::Tenant(FaultKind::LostAnswer), unheard(phase)),
        form(
            "late",
            Fault::Tenant(FaultKind::Delay { ms: 60_000 }),
            unheard(phase),
        ),
    ];
    Cell::forms(forms)
}

pub fn rate_limited(phase: Phase) -> Cell {
    const FORMS: [(&str, Option<&str>, u64); 6] = [
        ("7", Some("7"), 7),
        ("date", Some("Sun, 06 Nov 1994 08:50:07 GMT"), 30),
        ("none", None, 10),
        ("0", Some("0"), 1),
        ("10⁹", Some("1000000000"), 900),
        ("nonsense", Some("soon"), 10),
    ];
    if is_kube(phase) {
        return Cell::of(kube("429: too many requests"), undone(phase));
    }
    let plays = FORMS.map(|(name, asked, seconds)| {
        let again = if phase <= Phase::Read { Asked } else { Again };
        let fault = Fault::Tenant(slow_down(asked));
        form(name, fault, &[again, Waits(seconds)])
    });
    Cell::forms(plays.into())
}

pub fn server_error(phase: Phase) -> Cell {
    if is_kube(phase) {
        return Cell::forms(vec![
            form("503", kube("503: unavailable"), undone(phase)),
            form("504, done", Fault::Unheard, unheard(phase)),
        ]);
    }
    let mut plays: Vec<Play> = [("500", 500), ("502", 502), ("503", 503), ("504", 504)]
        .map(|(name, code)| form(name, Fault::Tenant(status(code)), undone(phase)))
        .into();
    if phase > Phase::Read {
        let done = Fault::Tenant(FaultKind::AfterCommit { code: 502 });
        plays.push(form("502, done", done, unheard(phase)));
    }
    Cell::forms(plays)
}

pub fn denied(phase: Phase) -> Cell {
    const FORBIDDEN: Claim = TenantSays("Forbidden");
    const INVALID: Claim = TenantSays("CredentialsInvalid");
    const BLOCKED: Claim = Says("DeletionBlocked");
    let once = |claims: &[Claim]| form("401 once", Fault::Tenant(status(401)), claims);
    let for_long = |code, claims: &[Claim]| {
        let name = if code == 401 { "401" } else { "403" };
        form(name, Fault::Lasting(status(code), 300), claims)
    };
    Cell::forms(match phase {
        Phase::Token => vec![
            for_long(401, &[Asked, INVALID, Quiet]),
            for_long(403, &[Asked, INVALID, Quiet]),
        ],
        Phase::Read => vec![
            once(&[Asked]),
            for_long(401, &[Asked, INVALID, Quiet]),
            for_long(403, &[Asked, FORBIDDEN, Quiet]),
        ],
        Phase::Post | Phase::Put => vec![
            once(&[Again]),
            for_long(401, &[Again, Quiet]),
            for_long(403, &[Again, FORBIDDEN, Says("Forbidden"), Quiet]),
        ],
        Phase::Delete => vec![
            once(&[Again]),
            for_long(401, &[Again, BLOCKED, Keeps, OthersGoOn]),
            for_long(403, &[Again, BLOCKED, FORBIDDEN, Quiet, Keeps]),
        ],
        Phase::Assign => vec![
            once(&[Again]),
            for_long(401, &[Again, BLOCKED, Keeps, SourcesGoOn]),
            for_long(403, &[Again, BLOCKED, Keeps, SourcesGoOn, OthersGoOn]),
        ],
        Phase::Intent | Phase::Keep | Phase::Plan | Phase::Release => {
            let begin = |world: &World| {
                world.weather.lock().unwrap().api_forbids = true;
                true
            };
            let end = |world: &World| world.weather.lock().unwrap().api_forbids = false;
            let mut claims = undone(phase).to_vec();
            claims.extend([NotSent, Quiet]);
            if phase >= Phase::Plan {
                claims.push(Keeps);
            }
            let spell = Spell {
                begin,
                end,
                seconds: 300,
                seen: Hindrance::Forbidden,
            };
            vec![form("403", Fault::Spell(spell), &claims)]
        }
    })
}

pub fn absent(phase: Phase) -> Cell {
    match phase {
        Phase::Token | Phase::Read => Cell::of(
            Fault::Lasting(status(404), 420),
            &[Asked, TenantSays("UnexpectedAnswer"), Quiet],
        ),
        Phase::Intent => Cell::of(Fault::Meanwhile(When::Before, removed), &[NotSent, NoPost])
            .ending(End::Undone),
        Phase::Post => Cell::of(
            Fault::Tenant(status(404)),
            &[NotSent, OnePost, Says("Refused")],
        )
        .ending(End::Is(|world| says(world, "Refused"))),
        Phase::Keep => {
            Cell::of(Fault::Meanwhile(When::Before, removed), &[NotSent, OnePost]).ending(End::Left)
        }
        Phase::Put => Cell::of(
            Fault::Meanwhile(When::Before, dropped),
            &[NotSent, MadeAgain],
        )
        .ending(End::Is(|world| {
            world.quiet() && world.groups().iter().any(|(name, _)| name == "New")
        })),
        Phase::Plan => Cell::of(
            Fault::Meanwhile(When::Before, removed),
            &[NotSent, NoDelete],
        )
        .ending(End::Left),
        Phase::Delete => Cell::of(Fault::Meanwhile(When::Before, dropped), &[NotSent]),
        Phase::Assign => {
            Cell::of(Fault::Meanwhile(When::Before, source_gone), &[NotSent]).ending(End::Undone)
        }
        Phase::Release => Cell::of(Fault::Meanwhile(When::Before, removed), &[NotSent]),
    }
}

pub fn broken_answer(phase: Phase) -> Cell {
    if is_kube(phase) {
        return Cell::of(Fault::Unheard, unheard(phase));
    }
    let garbage = |applied| Fault::Tenant(FaultKind::GarbageBody { applied });
    let half = form(
        "half",
        Fault::Tenant(FaultKind::TruncatedBody),
        unheard(phase),
    );
    let page = form("HTML", garbage(true), unheard(phase));
    let page_instead = form("HTML, not done", garbage(false), undone(phase));
    let huge = FaultKind::OversizedBody { bytes: 9_000_000 };
    let slow = FaultKind::SlowBody {
        bytes_per_second: 1,
    };
    let more = [("huge", huge), ("slow", slow)];
    let more = more.map(|(name, kind)| form(name, Fault::Tenant(kind), unheard(phase)));
    let mut forms = vec![half, page];
    if phase > Phase::Read {
        // A success is believed, and read back.
        forms.push(page_instead);
    }
    // A DELETE is answered without a body.
    if phase != Phase::Delete {
        forms.extend(more);
    }
    Cell::forms(forms)
}

pub fn another_hand(phase: Phase) -> Cell {
    let before = |act| Fault::Meanwhile(When::Before, act);
    match phase {
        Phase::Token => NO_GROUP,
        Phase::Read => Cell::of(before(twin), &[NoPost]),
        Phase::Intent => Cell::of(before(twin), &[Once, OnePost])
            .ending(End::Is(|world| world.quiet() && world.groups().len() == 1)),
        Phase::Post => Cell::of(
            before(namesake_and_lost),
            &[OnePost, Says("CreateAmbiguous")],
        )
        .ending(End::Is(|world| says(world, "CreateAmbiguous"))),
        Phase::Keep => Cell::forms(vec![
            form("renamed", before(renamed), &[Once, OnePost, PutRight]),
            form("deleted", before(dropped), &[MadeAgain]),
        ]),
        Phase::Put => Cell::of(before(renamed), &[Once]),
        Phase::Plan => Cell::of(before(dropped), &[Once]),
        Phase::Delete => {
            let mut moved = form(
                "source taken",
                Fault::Meanwhile(When::After, taken),
                &[Once, Skips],
            );
            moved.end = End::Is(|world| world.cluster.groups.get("g").is_none());
            Cell::forms(vec![form("deleted", before(dropped), &[NotSent]), moved])
        }
        Phase::Assign => Cell::of(before(given_by_hand), &[Once]),
        Phase::Release => Cell::of(before(twin), &[Once]).ending(End::Left),
    }
}

pub fn lagging_reads(phase: Phase) -> Cell {
    let lag = || Fault::Lag { lost: false };
    match phase {
        Phase::Token => NO_GROUP,
        Phase::Read => Cell::forms(vec![
            form("not made yet", lag(), &[OnePost]),
            form("just made", Fault::LagAtStart, &[OnePost]),
        ]),
        Phase::Post => Cell::forms(vec![
            form("answered", lag(), &[Once, Held]),
            form("answer lost", Fault::Lag { lost: true }, &[Once, Found]),
        ]),
        Phase::Intent => Cell::of(lag(), &[Once, OnePost]),
        Phase::Keep => Cell::of(lag(), &[Once, Held]),
        // What was answered counts until reads must show it.
        Phase::Plan | Phase::Put => Cell::of(lag(), &[Once]),
        Phase::Delete => Cell::of(lag(), &[Vain, Says("DeletionBlocked"), Outlasts]),
        // Another group has just let one of the sources go, and is shown with it.
        Phase::Assign | Phase::Release => Cell::of(Fault::LagOfAnother, &[Once, Patient]),
    }
}

pub fn shifting_pages(phase: Phase) -> Cell {
    if phase != Phase::Read {
        return NO_PAGES;
    }
    let shift = |by, ours| Fault::Shift { by, ours };
    let total = Fault::Tenant(FaultKind::WrongTotal { by: 1 });
    Cell::forms(vec![
        form("skips one", shift(1, false), &[Walked, OnePost]),
        form("skips ours", shift(1, true), &[Walked, OnePost]),
        form("repeats one", shift(-1, false), &[Complete, OnePost]),
        form("wrong total", total, &[Walked, Asked, OnePost]),
    ])
}

pub fn concurrent_edit(phase: Phase) -> Cell {
    match phase {
        Phase::Put => Cell::forms(vec![
            form(
                "before",
                Fault::Meanwhile(When::Before, other_policy),
                &[Once],
            ),
            form(
                "after",
                Fault::Meanwhile(When::After, other_policy),
                &[PutRight],
            ),
        ]),
        Phase::Delete => Cell::of(Fault::Meanwhile(When::Before, other_policy), &[Once]),
        Phase::Assign => Cell::forms(vec![
            form("before", Fault::Meanwhile(When::Before, stripped), &[Once]),
            form(
                "after",
                Fault::Meanwhile(When::After, given_another),
                &[Twice],
            ),
        ]),
        Phase::Keep => Cell::of(
            Fault::Meanwhile(When::Before, other_policy),
            &[Once, PutRight],
        ),
        _ => NO_OVERWRITE,
    }
}

pub fn no_route(phase: Phase) -> Cell {
    let begin = |world: &World| {
        world.weather.lock().unwrap().no_route = true;
        true
    };
    let end = |world: &World| world.weather.lock().unwrap().no_route = false;
    let unreachable = TenantSays("TenantUnreachable");
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[NotSent, Asked, unreachable, Quiet],
        Phase::Intent => &[unreachable, Quiet],
        Phase::Post | Phase::Put => &[NotSent, Again, unreachable, Quiet],
        Phase::Keep => &[Once, Held, unreachable, Quiet],
        Phase::Plan => &[Once, unreachable, Quiet, Keeps, Says("DeletionBlocked")],
        Phase::Delete | Phase::Assign => &[
            NotSent,
            Again,
            unreachable,
            Quiet,
            Keeps,
            Says("DeletionBlocked"),
        ],
        Phase::Release => &[Once, unreachable, Quiet],
    };
    let spell = Spell {
        begin,
        end,
        seconds: 900,
        seen: Hindrance::NoRoute,
    };
    Cell::of(Fault::Spell(spell), claims)
}
