//! The tenant is changed behind our back: repaired, or only reported, as the manifest says.

use serde_json::{Value, json};

use crate::support::{World, audit, kubernetes::condition};

const PUT: &str = "PUT /password-sync-groups/{id}";
const CLOUD: &str = "2c91808d744ba0ce01746f93b6204502";
const SPEC: &str = "
name: Shared Password
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesforce}, {name: Workday}]
";

/// A Ready group under a management policy, and an empty ledger.
async fn managed(name: &str, management: &str) -> World {
    let world = World::still(name, "v1").start().await;
    world
        .apply_group("shared", &format!("{SPEC}managementPolicy: {management}"))
        .await;
    world.wait_ready("shared").await;
    world.tenant.clear_ledger().await;
    world
}

#[tokio::test]
async fn under_enforce_a_change_in_the_tenant_is_undone_and_told() {
    let world = managed("drift-enforce", "Enforce").await;
    world.wait_event("shared", "Created").await;
    let audit = world.audit().await;
    let before = world.tenant.shown("Shared Password").await;
    let edit = json!({"passwordPolicyId": CLOUD});
    world.tenant.someone_edits("Shared Password", edit).await;
    world.read_again().await;

    let told = world.wait_event("shared", "DriftRepaired").await;
    assert_eq!(
        told,
        "DriftRepaired: the tenant was changed behind our back; \
         passwordPolicy: was Cloud Standard, is Corporate Strong"
    );
    assert_eq!(world.tenant.shown("Shared Password").await, before);
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, [PUT]);
    world.wait_ready("shared").await;
    if let Some(audit) = audit {
        let mut writes = world.operator_writes(&audit).await;
        writes.retain(|write| write.name != "default");
        let counted = audit::counts(&writes);
        assert_eq!(counted.get("create events"), Some(&1));
        let statuses = counted.get("patch passwordsyncgroups/status");
        assert!(
            (2..=3).contains(statuses.unwrap()),
            "the record, the result and the end of the record: {counted:?}"
        );
    }
}

#[tokio::test]
async fn under_enforce_every_changed_field_is_undone_by_one_write() {
    let world = managed("drift-all", "Enforce").await;
    let switch = json!({"policy_after_leave": "previous_policy"});
    world.tenant.switch(switch).await;
    let before = world.tenant.shown("Shared Password").await;
    let salesforce = world.tenant.source_id("Salesforce").await;
    let github = world.tenant.source_id("GitHub").await;
    let edit = json!({
        "name": "Tampered", "passwordPolicyId": CLOUD, "sourceIds": [salesforce, github],
    });
    world.tenant.someone_edits("Shared Password", edit).await;
    world.read_again().await;

    assert_eq!(
        world.wait_event("shared", "DriftRepaired").await,
        "DriftRepaired: the tenant was changed behind our back; \
         name: was Tampered, is Shared Password; \
         passwordPolicy: was Cloud Standard, is Corporate Strong; \
         sources: was GitHub, Salesforce, is Salesforce, Workday"
    );
    world.wait_ready("shared").await;
    world.read_twice().await;
    assert_eq!(world.tenant.shown("Shared Password").await, before);
    // GitHub was taken in by another hand; taken out by ours, it keeps the policy it had there.
    let writes = world.tenant.writes().await;
    assert_eq!(writes, [PUT, "PATCH /sources/{id}/password-policies"]);
    assert_eq!(
        world.tenant.policy_on("GitHub").await.as_deref(),
        Some("Cloud Standard")
    );
}

#[tokio::test]
async fn under_onchange_drift_is_reported_and_written_with_the_next_edit() {
    let world = managed("drift-onchange", "OnChange").await;
    let edit = json!({"passwordPolicyId": CLOUD});
    world.tenant.someone_edits("Shared Password", edit).await;
    world.read_again().await;
    let group = world.wait_reason("shared", "Drifted").await;
    let drift = json!([{
        "field": "passwordPolicy", "wanted": "Corporate Strong", "found": "Cloud Standard",
    }]);
    assert_eq!(group.data["status"]["drift"], drift);
    let stalled = condition(&group, "Stalled").unwrap();
    assert_eq!(
        (&stalled["status"], &stalled["reason"]),
        (&json!("True"), &json!("Drifted"))
    );
    assert_eq!(condition(&group, "Ready").unwrap()["status"], "False");
    assert_eq!(
        world.wait_event("shared", "Drifted").await,
        "Drifted: passwordPolicy: wanted Corporate Strong, found Cloud Standard"
    );
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    assert_eq!(
        world.tenant.shown("Shared Password").await.policy,
        "Cloud Standard"
    );

    let patch = json!({"spec": {"name": "One Password"}});
    world.patch_group("shared", patch).await;
    let group = world.wait_ready("shared").await;
    assert_eq!(group.data["status"]["drift"], Value::Null);
    assert_eq!(condition(&group, "Stalled"), None);
    assert_eq!(world.tenant.writes().await, [PUT]);
    assert_eq!(
        world.tenant.shown("One Password").await.policy,
        "Corporate Strong"
    );
}

#[tokio::test]
async fn under_onchange_the_tenant_may_be_put_back_by_hand() {
    let world = managed("drift-back", "OnChange").await;
    let edit = json!({"passwordPolicyId": CLOUD});
    world.tenant.someone_edits("Shared Password", edit).await;
    world.read_again().await;
    world.wait_reason("shared", "Drifted").await;
    let strong = world.tenant.policy_id("Corporate Strong").await;
    let edit = json!({"passwordPolicyId": strong});
    world.tenant.someone_edits("Shared Password", edit).await;
    world.read_again().await;
    let group = world.wait_ready("shared").await;
    assert_eq!(group.data["status"]["drift"], Value::Null);
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
}

/// Another tool sets the policy to Cloud Standard, and the operator sees it.
async fn someone_insists(world: &World) {
    let edit = json!({"passwordPolicyId": CLOUD});
    world.tenant.someone_edits("Shared Password", edit).await;
    world.read_again().await;
}

/// It does, and is undone.
async fn repaired(world: &World) {
    someone_insists(world).await;
    world
        .wait("the repair", async || {
            let policy = world.tenant.shown("Shared Password").await.policy;
            (policy == "Corporate Strong").then_some(()).ok_or(policy)
        })
        .await;
    world.wait_ready("shared").await;
}

/// It does, and that is the last word.
async fn contested(world: &World) -> kube::api::DynamicObject {
    someone_insists(world).await;
    let group = world.wait_reason("shared", "Contested").await;
    let before = world.tenant.writes().await;
    world.read_twice().await;
    assert_eq!(
        world.tenant.writes().await,
        before,
        "nothing more is written"
    );
    assert_eq!(
        world.tenant.shown("Shared Password").await.policy,
        "Cloud Standard"
    );
    group
}

#[tokio::test]
async fn a_tool_that_undoes_three_repairs_is_not_fought_and_the_group_recovers_when_asked() {
    let mut world = managed("drift-contested", "Enforce").await;
    for _ in 0..3 {
        repaired(&world).await;
    }
    let group = contested(&world).await;
    assert_eq!(world.tenant.writes().await, [PUT; 3]);
    let stalled = condition(&group, "Stalled").unwrap();
    assert_eq!(stalled["reason"], "Contested");
    let ready = condition(&group, "Ready").unwrap();
    let message = ready["message"].as_str().unwrap();
    for part in [
        "passwordPolicy was set to Cloud Standard again after 3 repairs",
        "Find that tool",
        "passwordsync.dev/reconcile-at",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let status = &group.data["status"];
    assert_eq!(status["contested"]["field"], "passwordPolicy");
    assert_eq!(status["contested"]["found"], "Cloud Standard");
    assert_eq!(status["drift"][0]["found"], "Cloud Standard");
    assert!(
        world
            .wait_event("shared", "Contested")
            .await
            .starts_with("Contested: passwordPolicy was set to Cloud Standard")
    );

    world.restart().await;
    contested(&world).await;
    assert_eq!(
        world.tenant.writes().await,
        [PUT; 3],
        "a restart begins nothing"
    );

    let again = json!({"passwordsync.dev/reconcile-at": "now"});
    let annotate = json!({"metadata": {"annotations": again}});
    world.patch_group("shared", annotate).await;
    let group = world.wait_ready("shared").await;
    assert_eq!(group.data["status"]["contested"], Value::Null);
    assert_eq!(world.tenant.writes().await, [PUT; 4]);
    for _ in 0..2 {
        repaired(&world).await;
    }
    contested(&world).await;
    assert_eq!(
        world.tenant.writes().await,
        [PUT; 6],
        "the count began anew"
    );

    let patch = json!({"spec": {"name": "One Password"}});
    world.patch_group("shared", patch).await;
    let group = world.wait_ready("shared").await;
    assert_eq!(group.data["status"]["contested"], Value::Null);
    assert_eq!(
        world.tenant.shown("One Password").await.policy,
        "Corporate Strong"
    );
}

#[tokio::test]
async fn a_contest_ends_when_the_other_hand_puts_the_tenant_back() {
    let world = managed("drift-peace", "Enforce").await;
    for _ in 0..3 {
        repaired(&world).await;
    }
    contested(&world).await;
    let strong = world.tenant.policy_id("Corporate Strong").await;
    let edit = json!({"passwordPolicyId": strong});
    world.tenant.someone_edits("Shared Password", edit).await;
    world.read_again().await;
    let group = world.wait_ready("shared").await;
    assert_eq!(group.data["status"]["contested"], Value::Null);
    assert_eq!(world.tenant.writes().await, [PUT; 3]);
}
