//! A new resource: its group is made once, or one that is there is adopted.

use identity_simulator::FaultKind;
use serde_json::json;

use super::{
    POST, Scenario, apply_abc, apply_and_lose_the_answer, base, has, made_by_one_post, one_group,
    reason, spec, with,
};
use crate::tests::tenant::{STANDARD, STRONG};

pub fn all() -> Vec<Scenario> {
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
