//! A resource that is deleted, alone or with its tenant, its Secret or its namespace.

use identity_simulator::FaultKind;
use psg_api::names;
use serde_json::json;

use super::{
    DELETE, PATCH, PUT, Scenario, all_gone, apply_abc, apply_and_lose_the_answer, base,
    edits::lagging_and_bare, gone, has, namespace, nothing, on_group, one_group, reassigned, spec,
    with,
};
use crate::tests::tenant::{STANDARD, STRONG};

pub fn all() -> Vec<Scenario> {
    let never_assigns = json!({"policy_after_delete": "never"});
    vec![
        on_group("delete", |w| w.cluster.delete("g"), reassigned),
        Scenario {
            switches: never_assigns.clone(),
            ..on_group(
                "delete, and the service assigns nothing",
                |w| w.cluster.delete("g"),
                reassigned,
            )
        },
        Scenario {
            switches: json!({"policy_after_delete": {"delayed": {"seconds": 20}}}),
            ..on_group(
                "delete, and the service assigns late",
                |w| w.cluster.delete("g"),
                reassigned,
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
                reassigned,
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
                reassigned,
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
                reassigned,
            )
        },
        Scenario {
            switches: lagging_and_bare(),
            then: Some(|w| w.cluster.delete("g")),
            ..on_group(
                "delete while members are swapped, where reads lag",
                |w| w.cluster.apply("g", &spec("G", &["A", "D", "E"])),
                gone,
            )
        },
        Scenario {
            switches: lagging_and_bare(),
            then: Some(|w| w.cluster.delete("g")),
            ..on_group(
                "delete while a swap of members takes effect late",
                |w| {
                    let late = FaultKind::LateApply {
                        seconds: 17,
                        code: None,
                    };
                    w.strike(PUT, 1, late);
                    w.cluster.apply("g", &spec("G", &["A", "D", "E"]));
                },
                gone,
            )
        },
        Scenario {
            switches: lagging_and_bare(),
            then: Some(|w| {
                w.cluster.apply("g", &spec("G", &["A", "Nobody"]));
                w.cluster.delete("g");
            }),
            ..on_group(
                "delete of what cannot be carried out, while members are swapped, where reads lag",
                |w| w.cluster.apply("g", &spec("G", &["A", "D", "E"])),
                gone,
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
                reassigned,
            )
        },
        Scenario {
            done: all_gone,
            then: Some(|w| w.cluster.delete("g")),
            ..on_group(
                "the tenant, and its group a while after",
                |w| w.cluster.tenants.delete("default"),
                reassigned,
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
            reassigned,
        ),
        on_group(
            "delete of a group whose source joined another meanwhile",
            |w| {
                w.drop_group("G");
                w.add_group("Foreign", STANDARD, &[0, 4]);
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
