//! A manifest that changes: names, policies, sources that join, leave and move.

use identity_simulator::FaultKind;
use serde_json::{Value, json};

use super::{PUT, Scenario, base, c_left, has, on_group, one_group, reason, spec, with};
use crate::tests::tenant::status;

/// Reads lag, and the service gives no source a policy by itself.
pub fn lagging_and_bare() -> Value {
    json!({
        "reads": {"lagging": {"seconds": 15}}, "policy_after_join": "dropped",
        "policy_after_leave": "previous_policy", "policy_after_delete": "never",
    })
}

fn on_change(name: &str, sources: &[&str]) -> Value {
    with(spec(name, sources), "managementPolicy", "OnChange")
}

pub fn all() -> Vec<Scenario> {
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
            |w| c_left(w, "G", &["A", "B"]),
        ),
        Scenario {
            switches: json!({"policy_after_leave": "default_policy"}),
            ..on_group(
                "leave, and the service gives another policy",
                |w| w.cluster.apply("g", &spec("G", &["A", "B"])),
                |w| c_left(w, "G", &["A", "B"]),
            )
        },
        on_group(
            "edit whose answer is lost",
            |w| {
                w.strike(PUT, 1, FaultKind::LostAnswer);
                w.cluster.apply("g", &spec("New", &["A", "B", "D"]));
            },
            |w| c_left(w, "New", &["A", "B", "D"]),
        ),
        on_group(
            "edit whose request is lost",
            |w| {
                w.strike(PUT, 1, FaultKind::LostRequest);
                w.cluster.apply("g", &spec("New", &["A", "B", "D"]));
            },
            |w| c_left(w, "New", &["A", "B", "D"]),
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
            switches: lagging_and_bare(),
            ..on_group(
                "a swap of members, where reads lag",
                |w| w.cluster.apply("g", &on_change("G", &["A", "D", "E"])),
                |w| one_group(w, "G", &["A", "D", "E"]),
            )
        },
        Scenario {
            switches: lagging_and_bare(),
            then: Some(|w| w.cluster.apply("g", &on_change("G", &["A", "B", "C"]))),
            ..on_group(
                "a swap of members whose answer is lost, and back, where reads lag",
                |w| {
                    w.strike(PUT, 1, FaultKind::LostAnswer);
                    w.cluster.apply("g", &on_change("G", &["A", "D", "E"]));
                },
                |w| one_group(w, "G", &["A", "B", "C"]),
            )
        },
        Scenario {
            switches: lagging_and_bare(),
            then: Some(|w| w.cluster.apply("g", &on_change("G", &["B", "E", "F"]))),
            ..on_group(
                "a swap of members that takes effect late, after another",
                |w| {
                    let late = FaultKind::LateApply {
                        seconds: 17,
                        code: None,
                    };
                    w.strike(PUT, 1, late);
                    w.cluster.apply("g", &on_change("G", &["A", "D", "E"]));
                },
                |w| one_group(w, "G", &["B", "E", "F"]),
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
        Scenario {
            before: |w| {
                w.cluster.apply("g", &spec("G", &["A", "B"]));
                w.cluster.apply("h", &spec("H", &["C", "D"]));
            },
            done: |w| {
                let blocked = |name| reason(w, name).as_deref() == Some("SourceSwapBlocked");
                blocked("g") && blocked("h")
            },
            ..base(
                "a swap between two groups of two, which cannot be",
                |w| {
                    w.cluster.apply("g", &spec("G", &["A", "D"]));
                    w.cluster.apply("h", &spec("H", &["B", "C"]));
                },
                |w| {
                    has(w, "G", &["A", "B"]);
                    has(w, "H", &["C", "D"]);
                    assert_eq!(w.calls(PUT), 0);
                },
            )
        },
        Scenario {
            then: Some(|w| {
                w.tenant.lock().unwrap().clear_faults();
                w.cluster.apply("g", &spec("New", &["A", "B"]));
            }),
            ..on_group(
                "an edit that the tenant refuses, and mended",
                |w| {
                    w.strike(PUT, 1, status(400));
                    w.cluster.apply("g", &spec("New", &["A", "B", "C"]));
                },
                |w| one_group(w, "New", &["A", "B"]),
            )
        },
    ]
}
