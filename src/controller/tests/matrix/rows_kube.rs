//! Faults of Kubernetes and of what people do there.

use super::{
    super::{
        calls::{Phase, When},
        tenant::SECRET,
        world::World,
    },
    cell::{Cell, End, form},
    claims::Claim::{
        self, Again, Asked, Conflict, Found, Keeps, NoPost, NotSent, Once, OnePost, Quiet,
        TenantSays,
    },
    faults::{Fault, kube},
};

const NO_OBJECT: Cell =
    Cell::CannotOccur("it reads the tenant, which no version of a resource decides");
const NO_KUBE: Cell = Cell::CannotOccur("it is no write of Kubernetes");

/// What another hand does to a resource.
fn touched(world: &World) {
    for number in ["1", "2", "3"] {
        let value = Some(number.to_owned());
        world
            .cluster
            .groups
            .annotate("g", "example.com/touched", value);
    }
}

pub fn stale_watch(phase: Phase) -> Cell {
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => return NO_OBJECT,
        Phase::Post => &[Once, Found],
        Phase::Keep => &[Conflict, Again, Found],
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
        Phase::Keep => lost(&[Conflict, Again, Found], &[Again, Found]),
        Phase::Plan | Phase::Release => lost(&[Conflict, Again], &[Again]),
        _ => NO_KUBE,
    }
}

pub fn apiserver_down(phase: Phase) -> Cell {
    let down = |world: &World| {
        let mut weather = world.weather.lock().unwrap();
        (weather.api_down, weather.watch_cut) = (true, true);
    };
    let back = |world: &World| {
        let mut weather = world.weather.lock().unwrap();
        (weather.api_down, weather.watch_cut) = (false, false);
    };
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[Quiet, OnePost],
        Phase::Intent => &[NotSent, Again, Quiet, OnePost],
        Phase::Post => &[Once, Found],
        Phase::Keep => &[NotSent, Again, Quiet, Found],
        Phase::Put => &[Once],
        Phase::Plan | Phase::Release => &[NotSent, Again, Quiet, Keeps],
        Phase::Delete | Phase::Assign => &[Once, Keeps],
    };
    Cell::of(Fault::Spell(down, back, 300), claims)
}

pub fn secret(phase: Phase) -> Cell {
    let gone = |world: &World| world.cluster.set_secret(None);
    let back = |world: &World| world.cluster.set_secret(Some(SECRET));
    let taken = || Fault::Spell(gone, back, 300);
    let not_found = TenantSays("SecretNotFound");
    let claims: &[Claim] = match phase {
        Phase::Token => {
            return Cell::forms(vec![
                form("taken away", taken(), &[Asked, not_found]),
                form(
                    "rotated",
                    Fault::Spell(rotate, hand_over, 60),
                    &[Asked, TenantSays("CredentialsInvalid"), Quiet],
                ),
                form(
                    "malformed",
                    Fault::Spell(|world| world.cluster.set_secret(Some("")), back, 120),
                    &[Asked, TenantSays("SecretMalformed")],
                ),
            ]);
        }
        Phase::Read => &[Asked, not_found],
        Phase::Intent | Phase::Post | Phase::Keep => &[Once, Found, not_found],
        // The token in hand serves on until the next look at the Secret, and a deletion after it.
        _ => &[Once, not_found],
    };
    Cell::of(taken(), claims)
}

/// The tenant no longer takes what the Secret holds.
fn rotate(world: &World) {
    let patch = identity_simulator::CredentialPatch {
        client_secret: Some("n3w".to_owned()),
        ..Default::default()
    };
    world
        .tenant
        .lock()
        .unwrap()
        .patch_credentials(&patch)
        .unwrap();
}

fn hand_over(world: &World) {
    world.cluster.set_secret(Some("n3w"));
}

pub fn namespace(phase: Phase) -> Cell {
    let ends = |world: &World| {
        world.cluster.delete("g");
        world.cluster.tenants.delete("default");
        world.cluster.set_secret(None);
    };
    let claims: &[Claim] = match phase {
        Phase::Token | Phase::Read => &[NoPost],
        Phase::Intent => &[Conflict, NotSent, NoPost],
        Phase::Post | Phase::Keep => &[OnePost],
        _ => &[Once],
    };
    Cell::of(Fault::Meanwhile(When::Before, ends), claims).ending(End::Undone)
}

/// For the rows whose fault a person brings about in the cluster.
pub const GONE: fn(&World) = |world| world.cluster.groups.remove_by_force("g");
