//! What others do: to the group in the tenant, to the IdentityTenant and its Secret, to the resource.

use kube::ResourceExt;
use psg_api::names;
use serde_json::json;

use super::{Scenario, apply_abc, base, c_left, on_group, one_group, reason, spec, tells};
use crate::tests::tenant::SECRET;

pub fn all() -> Vec<Scenario> {
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
                |w| c_left(w, "G", &["A", "B"]),
            )
        },
        on_group(
            "the tenant's resource is removed by force and made again",
            |w| {
                w.cluster.remove_tenant_by_force("default");
                w.make_tenant();
                w.cluster.apply("g", &spec("New", &["A", "B", "C"]));
            },
            |w| one_group(w, "New", &["A", "B", "C"]),
        ),
        on_group(
            "the tenant's resource is deleted while it is in use",
            |w| {
                w.cluster.tenants.delete("default");
                w.cluster.apply("g", &spec("New", &["A", "B", "C"]));
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
                    w.cluster.apply("h", &spec("H", &["D", "E"]));
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
            then: Some(|w| w.cluster.set_secret(Some(SECRET))),
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
