//! A thousand groups that are in the tenant already: taken over, read and met again after a
//! restart at the least cost there is.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{
    World,
    audit::{Write, counts},
    many,
};

const GROUPS: usize = 1000;

#[tokio::test]
async fn a_thousand_groups_are_adopted_read_in_five_calls_and_met_again_without_a_write() {
    let mut world = World::builder("thousand")
        .seed(many::seed(GROUPS, GROUPS))
        .tenant_spec(json!({"readInterval": "1h"}))
        .audited()
        .without_operator()
        .start()
        .await;
    many::create(&world, 0..GROUPS).await;
    let audit = world.audit().await;

    // Adopted, all at once as an operator meets them that is installed late: no write in the
    // tenant; a finalizer, an id and an Event each.
    world.restart().await;
    let groups = many::wait_ready(&world, GROUPS).await;
    assert!(
        groups
            .iter()
            .all(|group| group.data["status"]["origin"] == "Adopted")
    );
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    assert_eq!(many::reads(&world).await, 1);
    many::wait_managed(&world, GROUPS).await;
    if let Some(audit) = audit {
        let writes = many::of_groups(world.operator_writes(&audit).await);
        let counted = counts(&writes);
        let count = |write: &str| counted.get(write).copied().unwrap_or_default();
        assert_eq!(repeated(&writes), Vec::<String>::new());
        assert_eq!(count("patch passwordsyncgroups"), GROUPS, "{counted:?}");
        assert_eq!(count("patch passwordsyncgroups/status"), GROUPS);
        assert!(count("create events") <= GROUPS, "{counted:?}");
        assert_eq!(
            counted.values().sum::<usize>(),
            2 * GROUPS + count("create events")
        );
    }

    // Read: by pages of 250, and one more since the last is full; never by id.
    world.tenant.clear_ledger().await;
    world.read_again().await;
    let calls = world.tenant.counts().await;
    assert_eq!(calls["GET /password-sync-groups"], 5, "{calls:?}");
    assert!(!calls.contains_key("GET /password-sync-groups/{id}"));

    // Met again: nothing is written on either side.
    let audit = world.audit().await;
    world.tenant.clear_ledger().await;
    world.restart().await;
    many::wait_read(&world, 1).await;
    wait_settled(&mut world).await;
    world.read_again().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    let calls = world.tenant.counts().await;
    assert_eq!(calls["GET /password-sync-groups"], 10, "{calls:?}");
    if let Some(audit) = audit {
        let mut writes = world.operator_writes(&audit).await;
        writes.retain(|write| write.resource != "leases");
        assert_eq!(writes, []);
    }
}

/// Waits until a pass over every group has found nothing to do.
async fn wait_settled(world: &mut World) {
    let mut seen = 0;
    for _ in 0..600 {
        let (_, metrics) = world.operator().page("/metrics").await;
        seen = metrics
            .lines()
            .find_map(|line| line.strip_prefix(r#"psg_passes_total{result="settled"} "#))
            .and_then(|count| count.parse().ok())
            .unwrap_or(0);
        if seen >= GROUPS {
            return;
        }
        tokio::time::sleep(crate::support::wait::EVERY).await;
    }
    panic!(
        "{seen} of {GROUPS} passes settled\n{}",
        world.operator().log_tail()
    );
}

/// Writes that were refused, or sent more than once for one group.
fn repeated(writes: &[Write]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let is_odd = |write: &&Write| {
        let of_group = write.resource != "events";
        let first = seen.insert((write.resource.clone(), write.name.clone()));
        write.code >= 300 || (of_group && !first)
    };
    let odd = writes.iter().filter(is_odd);
    odd.map(|write| {
        format!(
            "{} {} {} {}",
            write.code, write.verb, write.resource, write.name
        )
    })
    .collect()
}
