//! Sources move and swap between groups that are edited in one go: nobody falls under two sources,
//! every source keeps a policy, and what cannot be says so.

use serde_json::{Value, json};

use crate::support::{
    World, tenant_words,
    world::{said, spec},
};

const PUT: &str = "PUT /password-sync-groups/{id}";

/// Two Ready groups under one policy, and an empty ledger. A source that leaves gets the tenant's
/// default policy, so that reassigning is the operator's work.
async fn two(name: &str, alpha: &[&str], beta: &[&str]) -> World {
    let world = World::still(name, "v1").start().await;
    let switch = json!({"policy_after_leave": "default_policy"});
    world.tenant.switch(switch).await;
    world.apply_group("alpha", &spec("Alpha", alpha)).await;
    world.apply_group("beta", &spec("Beta", beta)).await;
    world.wait_ready("alpha").await;
    world.wait_ready("beta").await;
    world.tenant.clear_ledger().await;
    world
}

/// Both manifests in one go, as `kubectl apply -f` sends them.
async fn edit(world: &World, alpha: &[&str], beta: &[&str]) {
    tokio::join!(
        world.patch_group("alpha", sources(alpha)),
        world.patch_group("beta", sources(beta)),
    );
}

fn sources(names: &[&str]) -> Value {
    let refs: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    json!({"spec": {"sourceRefs": refs}})
}

/// The sources that each PUT sent, by the name of the group.
async fn puts(world: &World) -> Vec<(String, usize)> {
    let sent = world.tenant.bodies(PUT).await;
    let each = sent.iter().map(|body| {
        let count = body["sourceIds"].as_array().unwrap().len();
        (tenant_words::text(&body["name"]), count)
    });
    each.collect()
}

async fn puts_of(world: &World, name: &str) -> usize {
    let puts = puts(world).await;
    puts.iter().filter(|(group, _)| group == name).count()
}

/// Both are as wanted, no PUT left a group under two sources, and nothing is left to do.
async fn settled(world: &World, alpha: &[&str], beta: &[&str]) {
    world.wait_ready("alpha").await;
    world.wait_ready("beta").await;
    for (name, wanted) in [("Alpha", alpha), ("Beta", beta)] {
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        assert_eq!(world.tenant.shown(name).await.sources, wanted);
    }
    let sent = puts(world).await;
    assert!(sent.iter().all(|(_, sources)| *sources >= 2), "{sent:?}");
    let writes = world.tenant.writes().await;
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, writes, "it stays like that");
}

#[tokio::test]
async fn a_source_moves_from_one_group_to_another_by_one_apply() {
    let (alpha, beta) = (["GitHub", "Salesforce"], ["G Suite", "Workday", "OpenLDAP"]);
    let world = two(
        "move",
        &["GitHub", "Salesforce", "OpenLDAP"],
        &["G Suite", "Workday"],
    )
    .await;
    edit(&world, &alpha, &beta).await;
    settled(&world, &alpha, &beta).await;
    assert_eq!(
        puts(&world).await,
        [("Alpha".to_owned(), 2), ("Beta".to_owned(), 3)]
    );
    // It had a policy of its own when it joined.
    let openldap = world.tenant.source_id("OpenLDAP").await;
    let beta = world.group("beta").await;
    let pins = beta.data["status"]["sources"].as_array().unwrap();
    let pin = pins.iter().find(|pin| pin["id"] == json!(openldap));
    let strong = world.tenant.policy_id("Corporate Strong").await;
    assert_eq!(pin.unwrap()["policyBefore"], json!(strong));
}

#[tokio::test]
async fn two_groups_of_three_swap_sources_by_one_apply_and_two_puts_each_at_most() {
    let world = two(
        "swap",
        &["GitHub", "Salesforce", "OpenLDAP"],
        &["G Suite", "Workday", "Active Directory"],
    )
    .await;
    let alpha = ["GitHub", "Salesforce", "Active Directory"];
    let beta = ["G Suite", "Workday", "OpenLDAP"];
    edit(&world, &alpha, &beta).await;
    settled(&world, &alpha, &beta).await;
    for name in ["Alpha", "Beta"] {
        let count = puts_of(&world, name).await;
        assert!((1..=2).contains(&count), "{name}: {count} PUTs");
    }
}

#[tokio::test]
async fn what_waits_says_where_its_source_is_held_and_goes_on_after_a_restart() {
    let mut world = two(
        "waits",
        &["GitHub", "Salesforce", "OpenLDAP"],
        &["G Suite", "Workday", "Active Directory"],
    )
    .await;
    let until = json!({"passwordsync.dev/paused-until": "2999-01-01T00:00:00Z"});
    let pause = json!({"metadata": {"annotations": until}});
    world.patch_group("beta", pause).await;
    let alpha = ["GitHub", "Salesforce", "Active Directory"];
    let beta = ["G Suite", "Workday", "OpenLDAP"];
    edit(&world, &alpha, &beta).await;
    let waits = world.wait_reason("alpha", "WaitingForSource").await;
    assert_eq!(
        said(&waits, "Ready"),
        "False WaitingForSource: source \"Active Directory\" is still held by PasswordSyncGroup \
         \"beta\" (group \"Beta\"); it is to leave there, and joins by itself then"
    );
    assert!(said(&waits, "Reconciling").starts_with("True WaitingForSource"));
    assert_eq!(said(&waits, "Stalled"), "");
    assert_eq!(waits.data["status"]["sourceCount"], 2);
    assert_eq!(
        waits.data["status"]["leaving"][0]["result"], "AssignedByOperator",
        "listed until reads must show that it left"
    );
    assert_eq!(
        world.tenant.policy_on("OpenLDAP").await.as_deref(),
        Some("Corporate Strong"),
        "it has left, and waits with a policy"
    );
    let events = world.events("alpha").await;
    let warned = events
        .iter()
        .any(|event| event.starts_with("WaitingForSource"));
    assert!(!warned, "a wait needs nobody: {events:?}");
    assert_eq!(puts(&world).await, [("Alpha".to_owned(), 2)]);

    world.restart().await;
    let resume = json!({"metadata": {"annotations": {"passwordsync.dev/paused-until": null}}});
    world.patch_group("beta", resume).await;
    settled(&world, &alpha, &beta).await;
    assert_eq!(
        (
            puts_of(&world, "Alpha").await,
            puts_of(&world, "Beta").await
        ),
        (2, 1)
    );
}

#[tokio::test]
async fn two_groups_of_two_are_blocked_until_one_gets_a_third_source() {
    let world = two(
        "blocked",
        &["GitHub", "Salesforce"],
        &["G Suite", "Workday"],
    )
    .await;
    edit(&world, &["G Suite", "Workday"], &["GitHub", "Salesforce"]).await;
    for (name, other, group) in [("alpha", "beta", "Beta"), ("beta", "alpha", "Alpha")] {
        let blocked = world.wait_reason(name, "SourceSwapBlocked").await;
        let ready = said(&blocked, "Ready");
        for part in [
            format!("is held by PasswordSyncGroup \"{other}\" (group \"{group}\")"),
            "Add a third source".to_owned(),
        ] {
            assert!(ready.contains(&part), "{part}: {ready}");
        }
        for source in ["GitHub", "Salesforce", "G Suite", "Workday"] {
            assert!(ready.contains(source), "{source}: {ready}");
        }
        assert!(said(&blocked, "Stalled").starts_with("True SourceSwapBlocked"));
        world.wait_event(name, "SourceSwapBlocked").await;
    }
    world.read_twice().await;
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());

    let more = ["G Suite", "Workday", "OpenLDAP"];
    world.patch_group("alpha", sources(&more)).await;
    settled(&world, &more, &["GitHub", "Salesforce"]).await;
    let fewer = ["G Suite", "Workday"];
    world.patch_group("alpha", sources(&fewer)).await;
    settled(&world, &fewer, &["GitHub", "Salesforce"]).await;
}

/// Each resource is read through an IdentityTenant of its own, so neither sees at once what the
/// other wrote.
#[tokio::test]
async fn two_identity_tenants_of_one_tenant_swap_as_well() {
    let world = World::v1("swap-tenants").start().await;
    world
        .apply_tenant("second", "tenant", json!({"readInterval": "10s"}))
        .await;
    let through_second = |sources: &[&str]| {
        let mut wanted: Value = serde_json::from_str(&spec("Beta", sources)).unwrap();
        wanted["tenantRef"] = json!({"name": "second"});
        wanted.to_string()
    };
    let alpha = ["GitHub", "Salesforce", "OpenLDAP"];
    world.apply_group("alpha", &spec("Alpha", &alpha)).await;
    let beta = ["G Suite", "Workday", "Active Directory"];
    world.apply_group("beta", &through_second(&beta)).await;
    world.wait_ready("alpha").await;
    world.wait_ready("beta").await;
    let alpha = ["GitHub", "OpenLDAP", "Workday"];
    let beta = ["Active Directory", "G Suite", "Salesforce"];
    edit(&world, &alpha, &beta).await;
    world.wait_ready("alpha").await;
    world.wait_ready("beta").await;
    assert_eq!(world.tenant.shown("Alpha").await.sources, alpha);
    assert_eq!(world.tenant.shown("Beta").await.sources, beta);
    for name in ["Alpha", "Beta"] {
        let count = puts_of(&world, name).await;
        assert!((1..=2).contains(&count), "{name}: {count} PUTs");
    }
}
