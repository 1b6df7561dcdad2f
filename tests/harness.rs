//! What tests stand on does what it says: worlds are apart, a killed operator is gone, a polite
//! end is clean, and one group goes all the way.

use serde_json::json;

use crate::support::{TenantSim, World, simulator};

const GROUP: &str = "
name: Corporate Directory
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesforce}, {name: Workday}]
";

#[tokio::test]
async fn two_tenants_of_one_simulator_do_not_see_each_other() {
    let (one, two) = (TenantSim::acme("one").await, TenantSim::acme("two").await);
    assert_ne!((&one.name, &one.client_id), (&two.name, &two.client_id));
    let made = one.add_group(json!({"name": "Mine", "passwordPolicyId": "p", "sourceIds": []}));
    assert_eq!(made.await["name"], "Mine");
    assert!(one.group("Mine").await.is_some());
    assert!(two.group("Mine").await.is_none());
    one.fault(json!({"match": "*", "kind": "lost_request"}))
        .await;
    assert_eq!(two.get("faults").await, json!([]));
    assert_eq!(one.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_virtual_clock_belongs_to_its_own_simulator() {
    let simulator = simulator::Simulator::start(&["--clock=virtual"]);
    let tenant = simulator.tenant("later", simulator::acme()).await;
    let before = tenant.state().await["clock"].clone();
    simulator.advance(60.0).await;
    assert_ne!(tenant.state().await["clock"], before);
}

#[tokio::test]
async fn a_group_goes_all_the_way_and_writes_three_times() {
    let mut world = World::new("all_the_way").await;
    let audit = world.audit().await;
    world.apply_group("corporate", GROUP).await;
    world.wait_ready("corporate").await;
    assert_eq!(world.tenant.writes().await, ["POST /password-sync-groups"]);
    let group = world.tenant.group("Corporate Directory").await.unwrap();
    assert_eq!(group["sourceIds"].as_array().unwrap().len(), 2);

    if let Some(audit) = audit {
        let mut writes = world.operator_writes(&audit).await;
        writes.retain(|write| write.resource.starts_with("passwordsyncgroups"));
        assert_eq!(writes.len(), 3, "finalizer, intent, id: {writes:#?}");
    }

    let operator = world.operator();
    let (status, metrics) = operator.page("/metrics").await;
    assert!(status == 200 && metrics.contains("psg_"), "{metrics}");
    assert!(
        operator.terminate().await.success(),
        "{}",
        operator.log_tail()
    );
    world.restart().await;
    world.operator().kill9();
    assert!(!world.operator().is_running());
}
