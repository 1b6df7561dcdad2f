//! What people do with groups, and what must come of it.

mod creates;
mod deletions;
mod edits;
mod others;

use std::collections::BTreeSet;

use identity_simulator::FaultKind;
use serde_json::{Value, json};

use super::{
    tenant::{STANDARD, STRONG},
    world::World,
};

/// What a person does, and what must come of it.
pub struct Scenario {
    pub name: &'static str,
    pub switches: Value,
    /// Until this is settled nobody dies.
    pub before: fn(&World),
    /// What is done then, while no operator runs.
    pub act: fn(&World),
    /// What is done a second after the operator has started.
    pub then: Option<fn(&World)>,
    /// Whether it has come to its end.
    pub done: fn(&World) -> bool,
    /// What must be true in the end.
    pub check: fn(&World),
}

pub fn spec(name: &str, sources: &[&str]) -> Value {
    let sources: Vec<Value> = sources
        .iter()
        .map(|source| json!({"name": source}))
        .collect();
    json!({"name": name, "passwordPolicyRef": {"name": "Strong"}, "sourceRefs": sources})
}

fn with(mut spec: Value, field: &str, value: &str) -> Value {
    spec[field] = json!(value);
    spec
}

fn names(sources: &[&str]) -> BTreeSet<String> {
    sources.iter().map(|source| (*source).to_owned()).collect()
}

pub fn has(world: &World, name: &str, sources: &[&str]) {
    let groups = world.groups();
    let found = groups.iter().filter(|(known, _)| known == name);
    let found: Vec<&BTreeSet<String>> = found.map(|(_, sources)| sources).collect();
    assert_eq!(found, [&names(sources)], "{name} in {groups:?}");
}

pub fn one_group(world: &World, name: &str, sources: &[&str]) {
    assert_eq!(world.groups(), vec![(name.to_owned(), names(sources))]);
}

/// One group, and the source that it let go kept the policy.
fn c_left(world: &World, name: &str, sources: &[&str]) {
    one_group(world, name, sources);
    assert_eq!(world.holders()["C"], [STRONG]);
}

pub fn gone(world: &World) {
    assert!(world.cluster.groups.all().is_empty());
}

pub fn reassigned(world: &World) {
    assert_eq!(world.groups(), Vec::new());
    gone(world);
    for source in ["A", "B", "C"] {
        assert_eq!(world.holders()[source], [STRONG], "{source}");
    }
    let holders = &world.holders()["D"];
    assert_eq!(*holders, [STANDARD], "a source of nobody is never touched");
}

/// The groups, and then the tenant's resource.
fn all_gone(world: &World) -> bool {
    world.quiet() && world.cluster.tenants.get("default").is_none()
}

/// And its Secret.
fn namespace_gone(world: &World) -> bool {
    all_gone(world) && world.cluster.secret().content.is_none()
}

/// Everything in a namespace that is deleted is deleted at once, or nearly.
fn namespace(name: &'static str, first: fn(&World), then: fn(&World)) -> Scenario {
    Scenario {
        done: namespace_gone,
        then: Some(then),
        ..on_group(name, first, reassigned)
    }
}

pub fn reason(world: &World, name: &str) -> Option<String> {
    let group = world.cluster.groups.get(name)?;
    let status = group.status.clone()?;
    let ready = status.conditions.iter().find(|c| c.type_ == "Ready")?;
    Some(ready.reason.clone())
}

fn tells(world: &World, name: &str, what: &str) -> bool {
    let group = world.cluster.groups.get(name);
    let status = group.and_then(|group| group.status.clone());
    status.is_some_and(|status| status.conditions.iter().any(|c| c.message.contains(what)))
}

fn nothing(_: &World) {}

fn apply_abc(world: &World) {
    world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
}

fn apply_and_lose_the_answer(world: &World) {
    world.strike(POST, 1, FaultKind::LostAnswer);
    apply_abc(world);
}

fn made_by_one_post(world: &World) {
    one_group(world, "G", &["A", "B", "C"]);
    assert_eq!(world.calls(POST), 1);
}

const POST: &str = "POST /password-sync-groups";
const PUT: &str = "PUT /password-sync-groups/{id}";
const DELETE: &str = "DELETE /password-sync-groups/{id}";
const PATCH: &str = "PATCH /sources/{id}/password-policies";

/// A person makes something of a world in which there is nothing.
fn base(name: &'static str, act: fn(&World), check: fn(&World)) -> Scenario {
    Scenario {
        name,
        switches: json!({}),
        before: nothing,
        act,
        then: None,
        done: World::quiet,
        check,
    }
}

/// A person does something with one group of three sources.
fn on_group(name: &'static str, act: fn(&World), check: fn(&World)) -> Scenario {
    Scenario {
        before: apply_abc,
        ..base(name, act, check)
    }
}

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    [
        creates::all(),
        edits::all(),
        others::all(),
        deletions::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
