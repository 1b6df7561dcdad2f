//! A tenant with as many groups as wanted, their resources applied many at a time, and whole
//! reads of it counted by its own ledger.
//!
//! Group `n` is called `Group 00n`, holds the two sources `Source 00n a` and `Source 00n b`, and
//! its resource is `group-00n`. Nothing else is in the tenant.

use futures::{StreamExt, stream};
use kube::api::{DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};

use super::{audit::Write, kubernetes::condition, world::World};

const POLICY: &str = "2c91808d744ba0ce01746f93b6204501";
const AT_ONCE: usize = 32;
/// Objects of one page of a list.
const PAGE: u32 = 500;
/// The last call of a whole read.
const LAST: &str = "GET /source-apps/all";

/// A tenant with two sources for each group, and the first `there` of the groups.
pub fn seed(groups: usize, there: usize) -> Value {
    let source = |n: usize| {
        let (of, which) = (n / 2, ["a", "b"][n % 2]);
        json!({
            "id": source_id(n), "name": format!("Source {of:05} {which}"),
            "type": "Salesforce - Direct", "connector": "salesforce",
            "features": ["PROVISIONING", "PASSWORD"], "holders": [{"policyId": POLICY}],
        })
    };
    let group = |n: usize| {
        json!({
            "name": group_name(n), "passwordPolicyId": POLICY,
            "sourceIds": [source_id(2 * n), source_id(2 * n + 1)],
        })
    };
    json!({
        "name": "many",
        "credentials": [{}],
        "policies": [{"id": POLICY, "name": "Corporate Strong"}],
        "sources": (0..2 * groups).map(source).collect::<Vec<_>>(),
        "groups": (0..there).map(group).collect::<Vec<_>>(),
    })
}

/// What group `n` is called in the tenant.
pub fn group_name(n: usize) -> String {
    format!("Group {n:05}")
}

/// What the resource of group `n` is called.
pub fn resource_name(n: usize) -> String {
    format!("group-{n:05}")
}

/// The resource of group `n`, equal to what [`seed`] has put into the tenant.
pub fn resource(n: usize) -> DynamicObject {
    let source = |which: &str| json!({"name": format!("Source {n:05} {which}")});
    let object = json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
        "metadata": {"name": resource_name(n)},
        "spec": {
            "name": group_name(n),
            "passwordPolicyRef": {"name": "Corporate Strong"},
            "sourceRefs": [source("a"), source("b")],
        },
    });
    serde_json::from_value(object).expect("an object")
}

/// Creates the resources of these groups.
pub async fn create(world: &World, groups: std::ops::Range<usize>) {
    let (api, params) = (world.groups(), PostParams::default());
    let (api, params) = (&api, &params);
    let made = stream::iter(groups).map(|n| async move {
        let made = api.create(params, &resource(n)).await;
        made.unwrap_or_else(|why| panic!("{}: {why}", resource_name(n)));
    });
    made.buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// Every group resource of a world.
pub async fn all(world: &World) -> Vec<DynamicObject> {
    let (api, mut params) = (world.groups(), ListParams::default().limit(PAGE));
    let mut found = Vec::new();
    loop {
        let page = api.list(&params).await.expect("a list");
        let next = page.metadata.continue_.filter(|next| !next.is_empty());
        found.extend(page.items);
        match next {
            Some(next) => params = params.continue_token(&next),
            None => return found,
        }
    }
}

/// Waits until so many groups are Ready, and returns them all.
pub async fn wait_ready(world: &World, wanted: usize) -> Vec<DynamicObject> {
    let ready = |group: &&DynamicObject| {
        condition(group, "Ready").is_some_and(|ready| ready["status"] == "True")
    };
    world
        .wait(format!("{wanted} groups to be Ready"), async || {
            let found = all(world).await;
            let count = found.iter().filter(ready).count();
            if count == wanted {
                return Ok(found);
            }
            let other = found.iter().find(|group| !ready(group));
            Err(format!(
                "{count} are; one is not: {:?}",
                other.map(|group| &group.data["status"])
            ))
        })
        .await
}

/// Waits until the ledger has so many whole reads.
pub async fn wait_read(world: &World, wanted: u64) {
    world
        .wait(format!("{wanted} whole reads"), async || {
            let reads = reads(world).await;
            (reads >= wanted)
                .then_some(())
                .ok_or_else(|| reads.to_string())
        })
        .await;
}

/// How many whole reads of the tenant are in its ledger.
pub async fn reads(world: &World) -> u64 {
    let counts = world.tenant.counts().await;
    counts.get(LAST).copied().unwrap_or_default()
}

/// Waits until the tenant's status counts so many managed groups: nothing is left to be said.
pub async fn wait_managed(world: &World, wanted: usize) {
    world
        .wait(format!("{wanted} managed groups"), async || {
            world.read_again().await;
            let tenant = world.tenants().get("default").await;
            let status = &tenant.map_err(|why| why.to_string())?.data["status"];
            (status["managedGroups"] == wanted)
                .then_some(())
                .ok_or_else(|| status.to_string())
        })
        .await;
}

/// The writes to groups, their status and Events: nothing about leases or tenants.
pub fn of_groups(mut writes: Vec<Write>) -> Vec<Write> {
    writes.retain(|write| {
        let resource = write.resource.as_str();
        resource == "events" || resource.starts_with("passwordsyncgroups")
    });
    writes
}

fn source_id(n: usize) -> String {
    format!("{:032x}", 0x2c91_8084_0000_0000_u64 + n as u64)
}
