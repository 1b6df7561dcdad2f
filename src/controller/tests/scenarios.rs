//! What people do with groups.

use std::collections::BTreeSet;

use identity_simulator::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{
    tenant::{STANDARD, STRONG},
    world::{Scenario, World},
};

fn spec(name: &str, sources: &[&str]) -> Value {
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

fn one_group(world: &World, name: &str, sources: &[&str]) {
    assert_eq!(world.groups(), vec![(name.to_owned(), names(sources))]);
}

fn none_left(world: &World) {
    assert_eq!(world.groups(), Vec::new());
    assert_eq!(world.cluster.names(), Vec::<String>::new());
}

fn policy_of(world: &World, source: &str) -> Vec<String> {
    world.holders()[source].clone()
}

fn nothing(_: &World) {}

fn apply_abc(world: &World) {
    world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
}

fn strike(world: &World, route: &str, times: u32, kind: FaultKind) {
    world
        .tenant
        .lock()
        .unwrap()
        .add_fault(Fault::new(route, times, kind));
}

fn handed_back(world: &World) {
    none_left(world);
    for source in ["A", "B", "C"] {
        assert_eq!(policy_of(world, source), [STRONG], "{source}");
    }
    assert_eq!(
        policy_of(world, "D"),
        [STANDARD],
        "a source of nobody is never touched"
    );
}

const POST: &str = "POST /password-sync-groups";

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    let never = json!({"policy_after_delete": "never"});
    let base = |name, act, check| Scenario {
        name,
        switches: json!({}),
        before: nothing,
        act,
        check,
    };
    let on_group = |name, act, check| Scenario {
        before: apply_abc,
        ..base(name, act, check)
    };
    vec![
        base("create", apply_abc, |w| one_group(w, "G", &["A", "B", "C"])),
        base(
            "create whose answer is lost",
            |w| {
                strike(w, POST, 1, FaultKind::LostAnswer);
                apply_abc(w);
            },
            |w| {
                one_group(w, "G", &["A", "B", "C"]);
                assert_eq!(w.calls(POST), 1);
            },
        ),
        base(
            "create whose request is lost",
            |w| {
                strike(w, POST, 1, FaultKind::LostRequest);
                apply_abc(w);
            },
            |w| one_group(w, "G", &["A", "B", "C"]),
        ),
        base(
            "two resources of one name",
            |w| {
                w.cluster.apply("g", &spec("G", &["A", "B"]));
                w.cluster.apply("h", &spec("H", &["C", "D"]));
            },
            |w| assert_eq!(w.groups().len(), 2),
        ),
        on_group(
            "rename",
            |w| w.cluster.apply("g", &spec("New", &["A", "B", "C"])),
            |w| one_group(w, "New", &["A", "B", "C"]),
        ),
        on_group(
            "join",
            |w| w.cluster.apply("g", &spec("G", &["A", "B", "C", "D"])),
            |w| one_group(w, "G", &["A", "B", "C", "D"]),
        ),
        on_group(
            "leave",
            |w| w.cluster.apply("g", &spec("G", &["A", "B"])),
            |w| {
                one_group(w, "G", &["A", "B"]);
                assert_eq!(policy_of(w, "C"), [STRONG]);
            },
        ),
        Scenario {
            switches: json!({"policy_after_leave": "default_policy"}),
            ..on_group(
                "leave, and the service gives another policy",
                |w| w.cluster.apply("g", &spec("G", &["A", "B"])),
                |w| {
                    one_group(w, "G", &["A", "B"]);
                    assert_eq!(policy_of(w, "C"), [STRONG]);
                },
            )
        },
        on_group(
            "edit whose answer is lost",
            |w| {
                strike(
                    w,
                    "PUT /password-sync-groups/{id}",
                    1,
                    FaultKind::LostAnswer,
                );
                w.cluster.apply("g", &spec("New", &["A", "B", "D"]));
            },
            |w| {
                one_group(w, "New", &["A", "B", "D"]);
                assert_eq!(policy_of(w, "C"), [STRONG]);
            },
        ),
        Scenario {
            switches: json!({"policy_after_leave": "default_policy"}),
            before: |w| {
                apply_abc(w);
                w.cluster.apply("h", &spec("H", &["D", "E", "F"]));
            },
            ..base(
                "swap one source between two groups at once",
                |w| {
                    w.cluster.apply("g", &spec("G", &["A", "B", "D"]));
                    w.cluster.apply("h", &spec("H", &["C", "E", "F"]));
                },
                |w| {
                    let group = |name: &str, sources: &[&str]| (name.to_owned(), names(sources));
                    let mut groups = w.groups();
                    groups.sort();
                    let wanted = [group("G", &["A", "B", "D"]), group("H", &["C", "E", "F"])];
                    assert_eq!(groups, wanted);
                    let puts = w.calls("PUT /password-sync-groups/{id}");
                    assert!((3..=4).contains(&puts), "{puts} PUTs");
                },
            )
        },
        on_group("delete", |w| w.cluster.delete("g"), handed_back),
        Scenario {
            switches: never.clone(),
            ..on_group(
                "delete, and the service assigns nothing",
                |w| w.cluster.delete("g"),
                handed_back,
            )
        },
        Scenario {
            switches: never.clone(),
            ..on_group(
                "delete whose answer is lost",
                |w| {
                    strike(
                        w,
                        "DELETE /password-sync-groups/{id}",
                        1,
                        FaultKind::LostAnswer,
                    );
                    w.cluster.delete("g");
                },
                handed_back,
            )
        },
        Scenario {
            switches: never,
            ..on_group(
                "delete while assigning fails now and then",
                |w| {
                    let status = FaultKind::AfterCommit { code: 503 };
                    strike(w, "PATCH /sources/{id}/password-policies", 2, status);
                    w.cluster.delete("g");
                },
                handed_back,
            )
        },
        on_group(
            "orphan",
            |w| {
                w.cluster.apply(
                    "g",
                    &with(spec("G", &["A", "B", "C"]), "deletionPolicy", "Orphan"),
                );
                w.cluster.delete("g");
            },
            |w| {
                assert_eq!(w.cluster.names(), Vec::<String>::new());
                one_group(w, "G", &["A", "B", "C"]);
                assert_eq!(w.tenant_writes(), 1, "only the create");
            },
        ),
        on_group(
            "delete of a group that vanished",
            |w| {
                let id = w
                    .cluster
                    .group("g")
                    .unwrap()
                    .status
                    .clone()
                    .unwrap()
                    .group_id
                    .unwrap();
                let mut tenant = w.tenant.lock().unwrap();
                tenant.drop_group(&id, (w.clock)());
                drop(tenant);
                w.cluster.delete("g");
            },
            handed_back,
        ),
    ]
}
