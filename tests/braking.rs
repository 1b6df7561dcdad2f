//! Many groups deleted at once: the brake holds all but a few until a person says that it is meant.

use jiff::{SignedDuration, Timestamp};
use kube::{Api, ResourceExt, api::DeleteParams};
use serde_json::json;

use crate::support::{World, kubernetes::condition, many, wait_for, world::PATIENCE};

const DELETE: &str = "DELETE /password-sync-groups/{id}";
const ACKNOWLEDGED: &str = "passwordsync.dev/acknowledged-until";
/// What a tenant of up to 25 groups lets go.
const LIMIT: usize = 5;

async fn of_groups(name: &str, groups: usize) -> World {
    let world = World::builder(name)
        .seed(many::seed(groups, groups))
        .tenant_spec(json!({"readInterval": "1h"}))
        .start()
        .await;
    many::create(&world, 0..groups).await;
    many::wait_ready(&world, groups).await;
    world.tenant.clear_ledger().await;
    world
}

async fn deletes(world: &World) -> usize {
    world.tenant.asked(DELETE).await.len()
}

/// Waits until so many are left, all of them held back; how they say it.
async fn held_back(world: &World, at_least: usize) -> Vec<String> {
    world
        .wait(format!("{at_least} held back"), async || {
            let left = many::all(world).await;
            let ready = left.iter().filter_map(|group| condition(group, "Ready"));
            let paused: Vec<String> = ready
                .filter(|ready| ready["reason"] == "DeletionPaused")
                .map(|ready| ready["message"].to_string())
                .collect();
            if paused.len() == left.len() && paused.len() >= at_least {
                return Ok(paused);
            }
            Err(format!("{} of {}", paused.len(), left.len()))
        })
        .await
}

async fn acknowledge(world: &World) {
    let until = Timestamp::now() + SignedDuration::from_hours(1);
    world
        .annotate_tenant(ACKNOWLEDGED, &until.to_string())
        .await;
}

async fn wait_none(world: &World) {
    world
        .wait("every group to be gone", async || {
            let left = many::all(world).await;
            let names: Vec<String> = left.iter().map(ResourceExt::name_any).collect();
            names
                .is_empty()
                .then_some(())
                .ok_or_else(|| format!("{names:?}"))
        })
        .await;
}

#[tokio::test]
async fn of_eight_deleted_at_once_no_more_than_five_go_before_somebody_says_so() {
    const GROUPS: usize = 8;
    let mut world = of_groups("brake", GROUPS).await;
    world
        .kubectl(&["delete", "psg", "--all", "--wait=false"])
        .await
        .ok();
    let said = held_back(&world, GROUPS - LIMIT).await;
    for word in [
        "deletionBrake of IdentityTenant",
        "allows 5",
        ACKNOWLEDGED,
        "deletionPolicy: Orphan",
    ] {
        assert!(said.iter().all(|text| text.contains(word)), "{said:#?}");
    }
    let begun = deletes(&world).await;
    assert!(begun <= LIMIT, "{begun} were deleted");
    assert_eq!(begun, GROUPS - said.len());
    world
        .wait_tenant("default", "DeletionsPaused", "True", "DeletionPaused")
        .await;
    counted(&mut world, said.len()).await;

    // Neither a new look nor a new process lets more go.
    world.read_twice().await;
    world.restart().await;
    world.read_twice().await;
    held_back(&world, said.len()).await;
    assert_eq!(deletes(&world).await, begun);

    acknowledge(&world).await;
    wait_none(&world).await;
    assert_eq!(deletes(&world).await, GROUPS);
    assert_eq!(world.tenant.groups().await.len(), 0);
    counted(&mut world, 0).await;
    world
        .wait("the tenant to say nothing of it", async || {
            let tenant = world.identity_tenant("default").await;
            let said = condition(&tenant, "DeletionsPaused");
            said.is_none()
                .then_some(())
                .ok_or_else(|| format!("{said:?}"))
        })
        .await;
}

/// Waits until the metric says that the brake holds back so many deletions.
async fn counted(world: &mut World, paused: usize) {
    let operator = world.operator();
    wait_for("the metric", PATIENCE, async || {
        let figures = operator.page("/metrics").await.1;
        let mut lines = figures.lines();
        let line = lines.find(|line| line.starts_with("psg_tenant_deletions_paused{"));
        let line = line.unwrap_or_default().to_owned();
        let says = line.rsplit(' ').next() == Some(&paused.to_string());
        says.then_some(()).ok_or(line)
    })
    .await;
}

#[tokio::test]
async fn a_few_of_a_small_tenant_go_without_a_word() {
    let world = of_groups("brake-few", LIMIT).await;
    let all = DeleteParams::default();
    for group in many::all(&world).await {
        world
            .groups()
            .delete(&group.name_any(), &all)
            .await
            .unwrap();
    }
    wait_none(&world).await;
    assert_eq!(deletes(&world).await, LIMIT);
}

/// Its IdentityTenant stays as long as a group needs it, so it can be acknowledged there.
#[tokio::test]
async fn a_namespace_is_held_as_well_and_waits_for_the_annotation() {
    use k8s_openapi::api::core::v1::Namespace;
    const GROUPS: usize = 6;
    let world = of_groups("brake-ns", GROUPS).await;
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    let (name, params) = (world.namespace.to_string(), DeleteParams::default());
    namespaces.delete(&name, &params).await.unwrap();
    held_back(&world, GROUPS - LIMIT).await;
    assert!(deletes(&world).await <= LIMIT);
    acknowledge(&world).await;
    world
        .wait("the namespace to end", async || {
            let found = namespaces.get_opt(&name).await;
            let found = found.map_err(|why| why.to_string())?;
            found.map_or(Ok(()), |left| Err(format!("{:?}", left.status)))
        })
        .await;
    assert_eq!(deletes(&world).await, GROUPS);
}
