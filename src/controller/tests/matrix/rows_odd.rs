//! Answers that no document describes. The tenant gives them from just before the call on, to the
//! end, so what does not depend on them must come to its end all the same.

use serde_json::{Value, json};

use super::{
    super::{
        calls::{Phase, When},
        tenant::{STANDARD, STRONG, source_id},
        world::World,
    },
    cell::{Cell, Play, form},
    claims::Claim::{self, Again, Held, Named, Once, OnePost, Quiet},
    faults::Fault,
    hands::Hand,
};

const GROUPS: &str = "GET /password-sync-groups";

pub fn odd_answer(phase: Phase) -> Cell {
    let from_now_on = |name, act: Hand, more: &[Claim]| {
        let claims = [done_once(phase), more].concat();
        form(name, Fault::Meanwhile(When::Before, act), &claims)
    };
    let mut forms: Vec<Play> = vec![
        from_now_on("objects", odd_objects, &[Named]),
        from_now_on(
            "total",
            |world| switched(world, "totals", "one_high"),
            &[Named],
        ),
        from_now_on("twice", group_twice, &[Named]),
        from_now_on(
            "connections",
            |world| switched(world, "connection_type", "null"),
            &[],
        ),
        from_now_on("applications", no_applications, &[]),
    ];
    let own_500 = || Fault::Lasting(internal_error(), 300);
    match phase {
        Phase::Token => forms.push(from_now_on(
            "scope",
            |world| switched(world, "token_scope", "read_write"),
            &[],
        )),
        Phase::Read => forms.push(form("large sources", Fault::LargeSources, &[OnePost])),
        Phase::Post => forms.push(form("500 in its own form", own_500(), &[Again, Quiet])),
        Phase::Plan | Phase::Delete | Phase::Assign => {
            forms.push(from_now_on("policies of a source", no_holders, &[]));
        }
        _ => {}
    }
    Cell::forms(forms)
}

fn done_once(phase: Phase) -> &'static [Claim] {
    match phase {
        Phase::Token | Phase::Read => &[OnePost],
        Phase::Intent => &[Once, OnePost],
        Phase::Post | Phase::Keep => &[Once, Held],
        _ => &[Once],
    }
}

fn internal_error() -> identity_simulator::FaultKind {
    let body = json!({"detailCode": "500.1", "trackingId": "abc123",
        "messages": [{"text": "An internal fault."}]});
    serde_json::from_value(json!({"status": {"code": 500, "body": body}})).unwrap()
}

/// Of each kind one object that nobody wants cannot be read.
fn odd_objects(world: &World) -> bool {
    let strange = world.add_group("Strange", STRONG, &[4, 5]);
    world.show_oddly(&strange, &json!({"set": {"sourceIds": [source_id(4), ""]}}));
    world.show_oddly(STANDARD, &json!({"set": {"id": 42}}));
    world.show_oddly(&source_id(6), &json!({"leaveOut": ["id"]}));
    true
}

fn switched(world: &World, switch: &str, setting: &str) -> bool {
    let before = world.tenant.lock().unwrap().switches().clone();
    world.switch(&json!({switch: setting}));
    *world.tenant.lock().unwrap().switches() != before
}

fn group_twice(world: &World) -> bool {
    world.add_group("Strange", STRONG, &[4, 5]);
    fails(world, GROUPS, &json!("row_twice"), None)
}

fn no_applications(world: &World) -> bool {
    let not_found = json!({"status": {"code": 404}});
    fails(world, "GET /source-apps/all", &not_found, None)
}

/// The first three reads of what policy a source has are answered as if there were no such source.
fn no_holders(world: &World) -> bool {
    let not_found = json!({"status": {"code": 404}});
    let route = "GET /sources/{id}/password-policies";
    fails(world, route, &not_found, Some(3))
}

fn fails(world: &World, route: &str, kind: &Value, times: Option<u32>) -> bool {
    let mut fault = json!({"match": route, "kind": kind});
    if let Some(times) = times {
        fault["times"] = json!(times);
    }
    world.add_fault(&fault);
    true
}
