//! A group that the tenant has already: taken over, or left alone, as the manifest says; a twin
//! is never made.

use serde_json::{Value, json};

use crate::support::{World, audit, kubernetes::condition, many};

const PUT: &str = "PUT /password-sync-groups/{id}";
const SUPPORT: &str = "
name: Support Tools
passwordPolicyRef: {name: Cloud Standard}
sourceRefs: [{name: Box}, {name: Zendesk}]
";
const OTHER: &str = "
name: Support Tools
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Zendesk}, {name: GitHub}]
";
const SUPPORT_ID: &str = "6881f631-3bd5-4213-9c75-8e05cc3e35dd";

async fn begun(name: &str) -> World {
    let world = World::still(name, "v1").start().await;
    world.begun().await;
    world
}

/// Reads twice more; nothing was ever written.
async fn untouched(world: &World) {
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    assert_eq!(world.tenant.group_names().await, ["Support Tools"]);
}

#[tokio::test]
async fn an_identical_group_is_adopted_without_a_write_to_the_tenant() {
    let world = begun("adopt-identical").await;
    let audit = world.audit().await;
    world.apply_group("support", SUPPORT).await;
    let group = world.wait_ready("support").await;
    let status = &group.data["status"];
    assert_eq!(status["groupID"], SUPPORT_ID);
    assert_eq!(status["origin"], "Adopted");
    assert_eq!(status["sourceCount"], 2);
    assert_eq!(
        group.metadata.finalizers.as_deref(),
        Some(&["passwordsync.dev/reassign-policy".to_owned()][..])
    );
    world.wait_event("support", "Adopted").await;
    assert_eq!(
        world.events("support").await,
        [format!(
            "Adopted: adopted group \"Support Tools\" ({SUPPORT_ID})"
        )]
    );
    assert_eq!(world.tenant.calls_since(0).await, Vec::<String>::new());
    if let Some(audit) = audit {
        let writes = many::of_groups(world.operator_writes(&audit).await);
        let expected = [
            ("create events".to_owned(), 1),
            ("patch passwordsyncgroups".to_owned(), 1),
            ("patch passwordsyncgroups/status".to_owned(), 1),
        ];
        let counted = audit::counts(&writes).into_iter().collect::<Vec<_>>();
        assert_eq!(counted, expected, "{writes:#?}");
    }
    untouched(&world).await;
}

#[tokio::test]
async fn a_different_group_is_left_alone_and_the_difference_is_said() {
    let world = begun("adopt-different").await;
    world.apply_group("support", OTHER).await;
    let group = world.wait_reason("support", "GroupExists").await;
    let message = condition(&group, "Ready").unwrap()["message"].clone();
    assert_eq!(
        message,
        format!(
            "group \"Support Tools\" ({SUPPORT_ID}) exists already and differs \
             (passwordPolicy: wanted Corporate Strong, found Cloud Standard; \
             sources: wanted GitHub, Zendesk, found Box, Zendesk): \
             adoptionPolicy: Overwrite would change it"
        )
    );
    assert_eq!(condition(&group, "Stalled").unwrap()["status"], "True");
    assert_eq!(group.data["status"]["groupID"], Value::Null);
    untouched(&world).await;

    // Once they are equal it is taken over by itself.
    let patch = json!({"spec": {
        "passwordPolicyRef": {"name": "Cloud Standard"},
        "sourceRefs": [{"name": "Zendesk"}, {"name": "Box"}],
    }});
    world.patch_group("support", patch).await;
    world.wait_ready("support").await;
    untouched(&world).await;
}

#[tokio::test]
async fn with_overwrite_a_different_group_is_taken_over_and_made_equal() {
    let world = begun("adopt-overwrite").await;
    world
        .tenant
        .switch(json!({"policy_after_leave": "previous_policy"}))
        .await;
    let spec = format!("{OTHER}adoptionPolicy: Overwrite");
    world.apply_group("support", &spec).await;
    let group = world.wait_ready("support").await;
    assert_eq!(group.data["status"]["groupID"], SUPPORT_ID);
    assert_eq!(group.data["status"]["origin"], "Adopted");
    let shown = world.tenant.shown("Support Tools").await;
    assert_eq!(
        (shown.id.as_str(), shown.policy.as_str()),
        (SUPPORT_ID, "Corporate Strong")
    );
    assert_eq!(shown.sources, ["GitHub", "Zendesk"]);
    // Box had no policy of its own, so it keeps the one it had in the group.
    assert_eq!(
        world.tenant.policy_on("Box").await.as_deref(),
        Some("Cloud Standard")
    );
    let writes = world.tenant.writes().await;
    assert_eq!(writes, [PUT, "PATCH /sources/{id}/password-policies"]);
}

#[tokio::test]
async fn with_never_even_an_identical_group_is_left_alone() {
    let world = begun("adopt-never").await;
    let spec = format!("{SUPPORT}adoptionPolicy: Never");
    world.apply_group("support", &spec).await;
    let group = world.wait_reason("support", "GroupExists").await;
    let message = condition(&group, "Ready").unwrap()["message"].clone();
    assert_eq!(
        message,
        format!(
            "group \"Support Tools\" ({SUPPORT_ID}) exists already and adoptionPolicy is Never: \
             choose another name, or allow adoption"
        )
    );
    untouched(&world).await;
}

#[tokio::test]
async fn two_groups_of_the_name_are_ambiguous_until_an_id_is_given() {
    let world = begun("adopt-two").await;
    let twin = world
        .tenant
        .someone_adds("Support Tools", "Cloud Standard", &["GitHub", "Workday"])
        .await;
    world.read_again().await;
    world.tenant.clear_ledger().await;
    let spec = "
        name: Support Tools
        passwordPolicyRef: {name: Cloud Standard}
        sourceRefs: [{name: GitHub}, {name: Workday}]
    ";
    world.apply_group("support", spec).await;
    let group = world.wait_reason("support", "AmbiguousGroup").await;
    let message = condition(&group, "Ready").unwrap()["message"].to_string();
    assert!(
        message.contains(&twin) && message.contains(SUPPORT_ID),
        "{message}"
    );
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());

    let patch = json!({"spec": {"groupID": twin}});
    world.patch_group("support", patch).await;
    let group = world.wait_ready("support").await;
    assert_eq!(group.data["status"]["groupID"], json!(twin));
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    assert_eq!(world.tenant.groups().await.len(), 2);
}

#[tokio::test]
async fn a_group_given_by_its_id_is_adopted_and_renamed_only_by_overwrite() {
    let world = begun("adopt-id").await;
    let spec = format!("{SUPPORT}groupID: {SUPPORT_ID}\n");
    let spec = spec.replace("name: Support Tools", "name: Support Desk");
    world.apply_group("support", &spec).await;
    let group = world.wait_reason("support", "GroupExists").await;
    let message = condition(&group, "Ready").unwrap()["message"].to_string();
    assert!(
        message.contains("name: wanted Support Desk, found Support Tools"),
        "{message}"
    );
    untouched(&world).await;

    let patch = json!({"spec": {"adoptionPolicy": "Overwrite"}});
    world.patch_group("support", patch).await;
    let group = world.wait_ready("support").await;
    assert_eq!(group.data["status"]["groupID"], SUPPORT_ID);
    assert_eq!(world.tenant.writes().await, [PUT]);
    assert_eq!(world.tenant.group_names().await, ["Support Desk"]);
    assert_eq!(world.tenant.shown("Support Desk").await.id, SUPPORT_ID);
}

#[tokio::test]
async fn an_id_that_leads_to_no_group_never_makes_one() {
    let world = begun("adopt-404").await;
    let nobody = "00000000-3bd5-4213-9c75-8e05cc3e35dd";
    let spec = "
        name: Shared Password
        passwordPolicyRef: {name: Corporate Strong}
        sourceRefs: [{name: Salesforce}, {name: Workday}]
    ";
    let spec = format!("{spec}\n        groupID: {nobody}\n");
    world.apply_group("shared", &spec).await;
    let group = world.wait_reason("shared", "GroupNotFound").await;
    assert_eq!(
        condition(&group, "Ready").unwrap()["message"],
        format!("there is no group {nobody} in the tenant; with groupID none is created")
    );
    let calls = world.tenant.calls_since(0).await;
    assert!(calls.contains(&"GET /password-sync-groups/{id}".to_owned()));
    untouched(&world).await;
}

#[tokio::test]
async fn a_rename_onto_a_name_that_is_taken_is_not_sent() {
    let world = begun("rename-taken").await;
    let spec = "
        name: Shared Password
        passwordPolicyRef: {name: Corporate Strong}
        sourceRefs: [{name: Salesforce}, {name: Workday}]
    ";
    world.apply_group("shared", spec).await;
    world.wait_ready("shared").await;
    world.tenant.clear_ledger().await;
    let patch = json!({"spec": {"name": "Support Tools"}});
    world.patch_group("shared", patch).await;
    let group = world.wait_reason("shared", "GroupExists").await;
    let message = condition(&group, "Ready").unwrap()["message"].to_string();
    assert!(message.contains(SUPPORT_ID), "{message}");
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    assert_eq!(
        world.tenant.group_names().await,
        ["Shared Password", "Support Tools"]
    );

    // The name becomes free: the rename goes on by itself.
    world.tenant.someone_removes("Support Tools").await;
    world.read_again().await;
    world.wait_ready("shared").await;
    assert_eq!(world.tenant.writes().await, [PUT]);
    assert_eq!(world.tenant.group_names().await, ["Support Tools"]);
}
