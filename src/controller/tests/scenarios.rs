//! What people do with groups, and what must come of it.

use std::collections::BTreeSet;

use identity_simulator::FaultKind;
use kube::ResourceExt;
use psg_api::names;
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

pub fn gone(world: &World) {
    assert!(world.cluster.groups.all().is_empty());
}

pub fn handed_back(world: &World) {
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
        ..on_group(name, first, handed_back)
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
    [creates(), edits(), others(), deletions()]
        .into_iter()
        .flatten()
        .collect()
}

fn creates() -> Vec<Scenario> {
    vec![
        base("create", apply_abc, |w| one_group(w, "G", &["A", "B", "C"])),
        base(
            "create whose answer is lost",
            apply_and_lose_the_answer,
            made_by_one_post,
        ),
        base(
            "create whose request is lost",
            |w| {
                w.strike(POST, 1, FaultKind::LostRequest);
                apply_abc(w);
            },
            |w| one_group(w, "G", &["A", "B", "C"]),
        ),
        base(
            "create that is applied late",
            |w| {
                let late = FaultKind::LateApply {
                    seconds: 15,
                    code: Some(504),
                };
                w.strike(POST, 1, late);
                apply_abc(w);
            },
            made_by_one_post,
        ),
        Scenario {
            switches: json!({"reads": {"lagging": {"seconds": 20}}}),
            ..base(
                "create where reads lag",
                apply_and_lose_the_answer,
                made_by_one_post,
            )
        },
        base(
            "two creates side by side",
            |w| {
                w.cluster.apply("g", &spec("G", &["A", "B"]));
                w.cluster.apply("h", &spec("H", &["C", "D"]));
            },
            |w| {
                has(w, "G", &["A", "B"]);
                has(w, "H", &["C", "D"]);
            },
        ),
        Scenario {
            done: |w| {
                reason(w, "h").as_deref() == Some("OwnedByAnother")
                    && reason(w, "g").as_deref() == Some("InSync")
            },
            ..base(
                "two resources want the same",
                |w| {
                    w.cluster.apply("g", &spec("G", &["A", "B"]));
                    w.cluster.apply("h", &spec("G", &["A", "B"]));
                },
                |w| one_group(w, "G", &["A", "B"]),
            )
        },
        Scenario {
            then: Some(|w| w.cluster.apply("g", &spec("Other", &["A", "D"]))),
            ..base("create, and changed at once", apply_abc, |w| {
                one_group(w, "Other", &["A", "D"]);
            })
        },
        base(
            "a group is adopted as it is",
            |w| {
                w.add_group("G", STRONG, &[0, 1, 2]);
                apply_abc(w);
            },
            |w| {
                one_group(w, "G", &["A", "B", "C"]);
                assert_eq!(w.tenant_writes(), 0);
            },
        ),
        base(
            "a group is adopted and overwritten",
            |w| {
                w.add_group("G", STANDARD, &[0, 3]);
                w.cluster.apply(
                    "g",
                    &with(spec("G", &["A", "B"]), "adoptionPolicy", "Overwrite"),
                );
            },
            |w| one_group(w, "G", &["A", "B"]),
        ),
    ]
}

fn edits() -> Vec<Scenario> {
    vec![
        on_group(
            "rename",
            |w| w.cluster.apply("g", &spec("New", &["A", "B", "C"])),
            |w| one_group(w, "New", &["A", "B", "C"]),
        ),
        on_group(
            "another policy",
            |w| {
                let mut spec = spec("G", &["A", "B", "C"]);
                spec["passwordPolicyRef"] = json!({"name": "Standard"});
                w.cluster.apply("g", &spec);
            },
            |w| one_group(w, "G", &["A", "B", "C"]),
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
                assert_eq!(w.holders()["C"], [STRONG]);
            },
        ),
        Scenario {
            switches: json!({"policy_after_leave": "default_policy"}),
            ..on_group(
                "leave, and the service gives another policy",
                |w| w.cluster.apply("g", &spec("G", &["A", "B"])),
                |w| {
                    one_group(w, "G", &["A", "B"]);
                    assert_eq!(w.holders()["C"], [STRONG]);
                },
            )
        },
        on_group(
            "edit whose answer is lost",
            |w| {
                w.strike(PUT, 1, FaultKind::LostAnswer);
                w.cluster.apply("g", &spec("New", &["A", "B", "D"]));
            },
            |w| {
                one_group(w, "New", &["A", "B", "D"]);
                assert_eq!(w.holders()["C"], [STRONG]);
            },
        ),
        Scenario {
            then: Some(|w| w.cluster.apply("g", &spec("G", &["A", "B", "C"]))),
            ..on_group(
                "leave, and back at once",
                |w| w.cluster.apply("g", &spec("G", &["A", "B"])),
                |w| one_group(w, "G", &["A", "B", "C"]),
            )
        },
        Scenario {
            switches: json!({"reads": {"lagging": {"seconds": 15}}}),
            ..on_group(
                "an edit of a group that vanished, where reads lag",
                |w| {
                    w.drop_group("G");
                    w.cluster.apply("g", &spec("New", &["A", "B", "C"]));
                },
                |w| {
                    one_group(w, "New", &["A", "B", "C"]);
                    assert!(w.calls(PUT) <= 4, "{} answers of 404", w.calls(PUT));
                },
            )
        },
        Scenario {
            before: |w| {
                w.cluster.apply("g", &spec("G", &["A", "B", "C"]));
                w.cluster.apply("h", &spec("H", &["D", "E"]));
            },
            ..base(
                "a source moves to another group",
                |w| {
                    w.cluster.apply("g", &spec("G", &["A", "B"]));
                    w.cluster.apply("h", &spec("H", &["C", "D", "E"]));
                },
                |w| {
                    has(w, "G", &["A", "B"]);
                    has(w, "H", &["C", "D", "E"]);
                },
            )
        },
        Scenario {
            switches: json!({"policy_after_leave": "default_policy"}),
            before: |w| {
                w.cluster.apply("g", &spec("G", &["A", "B", "C"]));
                w.cluster.apply("h", &spec("H", &["D", "E", "F"]));
            },
            ..base(
                "swap one source between two groups at once",
                |w| {
                    w.cluster.apply("g", &spec("G", &["A", "B", "D"]));
                    w.cluster.apply("h", &spec("H", &["C", "E", "F"]));
                },
                |w| {
                    has(w, "G", &["A", "B", "D"]);
                    has(w, "H", &["C", "E", "F"]);
                    assert!((3..=4).contains(&w.calls(PUT)), "{} PUTs", w.calls(PUT));
                },
            )
        },
    ]
}

fn others() -> Vec<Scenario> {
    vec![
        Scenario {
            done: |w| w.quiet() && w.groups().iter().any(|(name, _)| name == "G"),
            ..on_group(
                "drift is repaired",
                |w| w.edit_group("G", |group| "Else".clone_into(&mut group.name)),
                |w| one_group(w, "G", &["A", "B", "C"]),
            )
        },
        Scenario {
            done: |w| w.quiet() && w.groups().iter().any(|(name, _)| name == "G"),
            ..on_group(
                "a group that vanished is made again",
                |w| w.drop_group("G"),
                |w| one_group(w, "G", &["A", "B", "C"]),
            )
        },
        Scenario {
            switches: json!({"policy_after_delete": "never"}),
            ..on_group(
                "a group that vanished is made again without one of its sources",
                |w| {
                    w.drop_group("G");
                    w.cluster.apply("g", &spec("G", &["A", "B"]));
                },
                |w| {
                    one_group(w, "G", &["A", "B"]);
                    assert_eq!(w.holders()["C"], [STRONG]);
                },
            )
        },
        on_group(
            "the tenant's resource is removed by force and made again",
            |w| {
                w.cluster.remove_tenant_by_force();
                w.make_tenant();
                w.cluster.apply("g", &self::spec("New", &["A", "B", "C"]));
            },
            |w| one_group(w, "New", &["A", "B", "C"]),
        ),
        on_group(
            "the tenant's resource is deleted while it is in use",
            |w| {
                w.cluster.tenants.delete("default");
                w.cluster.apply("g", &self::spec("New", &["A", "B", "C"]));
            },
            |w| {
                one_group(w, "New", &["A", "B", "C"]);
                assert!(w.cluster.tenants.get("default").is_some(), "it waits");
            },
        ),
        Scenario {
            done: |w| {
                let tenant = w.cluster.tenants.get("default");
                let status = tenant.and_then(|tenant| tenant.status.clone());
                w.quiet() && status.is_some_and(|status| status.protected_secret.is_none())
            },
            ..on_group(
                "protectSecret is turned off",
                |w| {
                    let off =
                        json!({"credentialsSecretRef": {"name": "pat"}, "protectSecret": false});
                    w.cluster.tenants.apply("default", &off);
                },
                |w| {
                    let secret = w.cluster.secret();
                    assert_eq!(secret.metadata.finalizers, Some(Vec::new()));
                },
            )
        },
        Scenario {
            done: |w| reason(w, "h").as_deref() == Some("TenantNotFound"),
            ..on_group(
                "a new group in a tenant that is being deleted",
                |w| {
                    w.cluster.tenants.delete("default");
                    w.cluster.apply("h", &self::spec("H", &["D", "E"]));
                },
                |w| one_group(w, "G", &["A", "B", "C"]),
            )
        },
        Scenario {
            then: Some(|w| w.cluster.tenants.delete("default")),
            done: |w| {
                let waits = w.quiet() || tells(w, "g", "takes no new group");
                let held = w
                    .cluster
                    .groups
                    .get("g")
                    .is_some_and(|g| !g.finalizers().is_empty());
                let stays = w.cluster.tenants.get("default").is_some();
                (held && stays && waits) || tells(w, "g", "there is no IdentityTenant")
            },
            ..base(
                "the tenant's resource is deleted as the first group is made",
                apply_abc,
                |_| (),
            )
        },
        Scenario {
            then: Some(|w| w.cluster.set_secret(Some(super::tenant::SECRET))),
            ..on_group(
                "the Secret is gone for a while",
                |w| {
                    w.cluster.set_secret(None);
                    w.cluster.apply("g", &spec("New", &["A", "B", "C"]));
                },
                |w| one_group(w, "New", &["A", "B", "C"]),
            )
        },
        Scenario {
            then: Some(|w| {
                assert_eq!(w.tenant_writes(), 1, "paused");
                w.cluster.groups.annotate("g", names::PAUSED_UNTIL, None);
            }),
            ..on_group(
                "pause, and on again",
                |w| {
                    let until = Some("2030-01-01T00:00:00Z".to_owned());
                    w.cluster.groups.annotate("g", names::PAUSED_UNTIL, until);
                    w.cluster.apply("g", &spec("New", &["A", "B", "C"]));
                },
                |w| one_group(w, "New", &["A", "B", "C"]),
            )
        },
        Scenario {
            then: Some(|w| w.cluster.apply("g", &spec("New", &["A", "B", "C"]))),
            ..on_group(
                "an edit that cannot be, and mended",
                |w| w.cluster.apply("g", &spec("G", &["A", "B", "Z"])),
                |w| one_group(w, "New", &["A", "B", "C"]),
            )
        },
    ]
}

fn deletions() -> Vec<Scenario> {
    let never_assigns = json!({"policy_after_delete": "never"});
    vec![
        on_group("delete", |w| w.cluster.delete("g"), handed_back),
        Scenario {
            switches: never_assigns.clone(),
            ..on_group(
                "delete, and the service assigns nothing",
                |w| w.cluster.delete("g"),
                handed_back,
            )
        },
        Scenario {
            switches: json!({"policy_after_delete": {"delayed": {"seconds": 20}}}),
            ..on_group(
                "delete, and the service assigns late",
                |w| w.cluster.delete("g"),
                handed_back,
            )
        },
        Scenario {
            switches: never_assigns.clone(),
            ..on_group(
                "delete whose answer is lost",
                |w| {
                    w.strike(DELETE, 1, FaultKind::LostAnswer);
                    w.cluster.delete("g");
                },
                handed_back,
            )
        },
        Scenario {
            then: Some(|w| {
                w.strike(DELETE, 1, FaultKind::LostRequest);
                w.cluster.delete("g");
            }),
            switches: json!({"reads": {"lagging": {"seconds": 15}}}),
            ..base(
                "delete of a new group whose request is lost, where reads lag",
                apply_abc,
                gone,
            )
        },
        Scenario {
            switches: never_assigns.clone(),
            ..on_group(
                "delete while assigning fails now and then",
                |w| {
                    w.strike(PATCH, 2, FaultKind::AfterCommit { code: 503 });
                    w.cluster.delete("g");
                },
                handed_back,
            )
        },
        Scenario {
            then: Some(|w| w.cluster.delete("g")),
            switches: never_assigns.clone(),
            ..base(
                "delete while the create is open",
                apply_and_lose_the_answer,
                gone,
            )
        },
        Scenario {
            then: Some(|w| w.cluster.delete("g")),
            switches: never_assigns,
            ..on_group(
                "delete while a source leaves",
                |w| w.cluster.apply("g", &spec("G", &["A", "B"])),
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
                gone(w);
                one_group(w, "G", &["A", "B", "C"]);
                assert_eq!(w.tenant_writes(), 1, "only the create");
            },
        ),
        Scenario {
            before: |w| {
                let brake = json!({"credentialsSecretRef": {"name": "pat"}, "deletionBrake": {"max": 1, "percent": 0}});
                w.cluster.tenants.apply("default", &brake);
                w.cluster.apply("g", &spec("G", &["A", "B"]));
                w.cluster.apply("h", &spec("H", &["C", "D"]));
                w.cluster.apply("i", &spec("I", &["E", "F"]));
            },
            then: Some(|w| {
                assert_eq!(w.calls(DELETE), 0, "the brake holds");
                let until = Some("2030-01-01T00:00:00Z".to_owned());
                let tenants = &w.cluster.tenants;
                tenants.annotate("default", names::ACKNOWLEDGED_UNTIL, until);
            }),
            ..base(
                "too many deleted at once, and acknowledged",
                |w| {
                    for name in ["g", "h", "i"] {
                        w.cluster.delete(name);
                    }
                },
                |w| {
                    gone(w);
                    assert_eq!(w.groups(), Vec::new());
                },
            )
        },
        Scenario {
            done: all_gone,
            ..on_group(
                "the group and its tenant at once",
                |w| {
                    w.cluster.delete("g");
                    w.cluster.tenants.delete("default");
                },
                handed_back,
            )
        },
        Scenario {
            done: all_gone,
            then: Some(|w| w.cluster.delete("g")),
            ..on_group(
                "the tenant, and its group a while after",
                |w| w.cluster.tenants.delete("default"),
                handed_back,
            )
        },
        namespace(
            "a namespace ends, the Secret first",
            |w| w.cluster.delete_secret(),
            |w| {
                w.cluster.tenants.delete("default");
                w.cluster.delete("g");
            },
        ),
        namespace(
            "a namespace ends, the tenant first",
            |w| w.cluster.tenants.delete("default"),
            |w| {
                w.cluster.delete_secret();
                w.cluster.delete("g");
            },
        ),
        namespace(
            "a namespace ends, the group first",
            |w| w.cluster.delete("g"),
            |w| {
                w.cluster.tenants.delete("default");
                w.cluster.delete_secret();
            },
        ),
        namespace(
            "a namespace ends at once",
            |w| {
                w.cluster.delete_secret();
                w.cluster.tenants.delete("default");
                w.cluster.delete("g");
            },
            nothing,
        ),
        on_group(
            "delete of a group that vanished",
            |w| {
                w.drop_group("G");
                w.cluster.delete("g");
            },
            handed_back,
        ),
        on_group(
            "delete of a group whose source joined another meanwhile",
            |w| {
                w.drop_group("G");
                let id = w.add_group("Foreign", STANDARD, &[0, 4]);
                w.oracle.lock().unwrap().foreign.insert(id);
                w.cluster.delete("g");
            },
            |w| {
                gone(w);
                has(w, "Foreign", &["A", "E"]);
                assert_eq!(w.holders()["B"], [STRONG]);
            },
        ),
    ]
}
