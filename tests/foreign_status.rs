//! A status that another hand wrote, such as a replica that had just lost its lease, is put right
//! at the next resync, without a call of the tenant.

use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::support::{
    World,
    world::{said, spec},
};

#[tokio::test]
async fn a_status_that_another_hand_wrote_is_put_right() {
    let world = World::v1("foreign_status")
        .flag("--resync=1s")
        .tenant_spec(json!({"readInterval": "1h", "identityAPIVersion": "v1"}))
        .start()
        .await;
    world
        .apply_group("one", &spec("One", &["Salesforce", "Workday"]))
        .await;
    let right = said(&world.wait_ready("one").await, "Ready");
    let calls = world.tenant.last_request().await;
    let wrong = json!({"status": {"conditions": [{
        "type": "Ready", "status": "False", "reason": "TenantUnreachable", "message": "not true",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]}});
    world
        .groups()
        .patch_status("one", &PatchParams::default(), &Patch::Merge(wrong))
        .await
        .expect("a status");
    let group = world.wait_ready("one").await;
    assert_eq!(said(&group, "Ready"), right);
    assert_eq!(
        world.tenant.last_request().await,
        calls,
        "the tenant was not asked"
    );
}
