//! The whole life of a group over two forms of the identity API: v3, where some operations go to
//! v2025, and v1, with a version to each resource.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{World, tenant_words::text};

const SPEC: &str = "
name: Shared Password
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesforce}, {name: Workday}, {name: GitHub}]
";

/// Create, edit, leave, adopt, drift and delete; which version served each route.
async fn life(version: &str) -> BTreeSet<String> {
    let world = World::still(&format!("life-{version}"), version)
        .start()
        .await;
    let switches = json!({
        "policy_after_delete": "never", "policy_after_leave": "previous_policy",
    });
    world.tenant.switch(switches).await;
    world.apply_group("shared", SPEC).await;
    world.wait_ready("shared").await;
    let first = world.tenant.shown("Shared Password").await;
    assert_eq!(first.sources, ["GitHub", "Salesforce", "Workday"]);

    let patch = json!({"spec": {
        "name": "One Password",
        "passwordPolicyRef": {"name": "Service Accounts"},
        "sourceRefs": [{"name": "Workday"}, {"name": "GitHub"}, {"name": "Active Directory"}],
    }});
    world.patch_group("shared", patch).await;
    world.wait_ready("shared").await;
    let second = world.tenant.shown("One Password").await;
    assert_eq!(
        (&second.id, second.policy.as_str()),
        (&first.id, "Service Accounts")
    );
    assert_eq!(second.sources, ["Active Directory", "GitHub", "Workday"]);
    assert_eq!(
        world.tenant.policy_on("Salesforce").await.as_deref(),
        Some("Corporate Strong")
    );

    let adopted = "{name: Support Tools, passwordPolicyRef: {name: Cloud Standard}, \
                    sourceRefs: [{name: Zendesk}, {name: Box}]}";
    world.apply_group("support", adopted).await;
    let group = world.wait_ready("support").await;
    assert_eq!(group.data["status"]["origin"], "Adopted");

    let edit = json!({"name": "Tampered"});
    world.tenant.someone_edits("One Password", edit).await;
    world.read_again().await;
    world.wait_event("shared", "DriftRepaired").await;
    world.wait_ready("shared").await;
    assert_eq!(
        world.tenant.group_names().await,
        ["One Password", "Support Tools"]
    );

    for name in ["shared", "support"] {
        world.delete_group(name).await;
        world.wait_gone(name).await;
    }
    assert_eq!(world.tenant.group_names().await, Vec::<String>::new());
    for (source, policy) in [
        ("Workday", "Service Accounts"),
        ("GitHub", "Service Accounts"),
        ("Active Directory", "Service Accounts"),
        ("Zendesk", "Cloud Standard"),
        ("Box", "Cloud Standard"),
    ] {
        let own = world.tenant.policy_on(source).await;
        assert_eq!(own.as_deref(), Some(policy), "{source}");
    }
    let counts = world.tenant.counts().await;
    let count = |call: &str| counts.get(call).copied().unwrap_or_default();
    assert_eq!(count("POST /password-sync-groups"), 1);
    assert_eq!(count("PUT /password-sync-groups/{id}"), 2);
    assert_eq!(count("DELETE /password-sync-groups/{id}"), 2);
    // Salesforce as it left, and every member in the end but Zendesk, which had it already.
    assert_eq!(count("PATCH /sources/{id}/password-policies"), 5);
    assert_eq!(count("429"), 0);

    let ledger = world.tenant.ledger().await;
    let served = ledger
        .iter()
        .filter(|entry| entry["route"] != "/oauth/token");
    served
        .map(|entry| {
            let status = entry["status"].as_u64().unwrap_or_default();
            let gone = status == 404 && entry["route"] == "/password-sync-groups/{id}";
            assert!(status < 300 || gone, "{entry}");
            let part = |field: &str| text(&entry[field]);
            format!("{} {} {}", part("version"), part("method"), part("route"))
        })
        .collect()
}

#[tokio::test]
async fn a_group_lives_over_v1_with_every_request_in_v1() {
    let served = life("v1").await;
    assert!(
        served.iter().all(|one| one.starts_with("v1 ")),
        "{served:#?}"
    );
    assert_eq!(served.len(), 10, "{served:#?}");
}

#[tokio::test]
async fn a_group_lives_over_v3_and_what_v3_lacks_goes_to_v2025() {
    let served = life("v3").await;
    let (others, v3): (Vec<&String>, Vec<&String>) =
        served.iter().partition(|one| !one.starts_with("v3 "));
    assert_eq!(
        others,
        [
            "v2025 GET /source-apps/all",
            "v2025 GET /sources/{id}/password-policies",
            "v2025 PATCH /sources/{id}/password-policies",
        ]
    );
    assert_eq!(v3.len(), 7, "{v3:#?}");
}

#[tokio::test]
async fn the_tenants_status_names_the_version_of_each_operation() {
    for (version, holders) in [("v3", "v2025"), ("v1", "v1"), ("v2026", "v2026")] {
        let world = World::still(&format!("routes-{version}"), version)
            .start()
            .await;
        world.begun().await;
        let tenant = world.tenants().get("default").await.unwrap();
        let status = &tenant.data["status"];
        assert_eq!(status["routes"]["create_group"], version);
        assert_eq!(status["routes"]["read_holders"], holders);
        assert_eq!(status["host"], "127.0.0.1");
        assert_eq!(status["org"], json!(world.tenant.name));
        assert_eq!(status["groups"], 1);
        assert_eq!(status["sources"], 13);
        assert_eq!(status["policies"], 3);
        assert_eq!(status["managedGroups"], 0);
        assert!(matches!(&status["user"], Value::String(user) if !user.is_empty()));
    }
}
