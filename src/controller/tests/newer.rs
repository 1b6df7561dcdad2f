//! What a newer operator stored in a status, and this one writes beside it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    process::{Life, Process},
    scenarios::spec,
    tenant::small,
    world::World,
};

const A_WHILE: Duration = Duration::from_mins(10);

/// A field `later` in each entry.
fn marked(list: &Value) -> Value {
    let mut list = list.clone();
    for entry in list.as_array_mut().unwrap() {
        entry["later"] = json!(1);
    }
    list
}

#[tokio::test(start_paused = true)]
async fn what_a_newer_one_put_into_a_list_or_a_map_outlives_our_writes() {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    let _process = Process::start(&world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(A_WHILE).await;

    let group = world.cluster.groups.get("g").unwrap();
    let status = json!(group.status);
    let patch = json!({
        "sources": marked(&status["sources"]), "conditions": marked(&status["conditions"]),
    });
    let groups = &world.cluster.groups;
    groups.patch_status(&group.metadata, &patch).unwrap();
    let tenants = &world.cluster.tenants;
    let tenant = tenants.get("default").unwrap();
    let conditions = json!(tenant.status)["conditions"].clone();
    // And something that this one writes anew.
    let patch = json!({
        "routes": {"later": "v9"}, "groups": 77, "conditions": marked(&conditions),
    });
    tenants.patch_status(&tenant.metadata, &patch).unwrap();

    world.cluster.apply("g", &spec("H", &["A", "B", "C"]));
    tokio::time::sleep(A_WHILE).await;
    let status = json!(world.cluster.groups.get("g").unwrap().status);
    assert_eq!(status["name"], "H", "{}", world.story());
    let later = |list: &Value| -> Vec<Value> {
        let entries = list.as_array().unwrap().iter();
        entries.map(|entry| entry["later"].clone()).collect()
    };
    assert_eq!(later(&status["sources"]), [json!(1), json!(1), Value::Null]);
    let conditions = later(&status["conditions"]);
    assert!(conditions.iter().all(|later| *later == 1), "{status}");
    let status = json!(world.cluster.tenants.get("default").unwrap().status);
    assert_eq!(status["groups"], 1, "{}", world.story());
    assert_eq!(status["routes"]["later"], "v9");
    assert!(status["routes"].as_object().unwrap().len() > 5, "{status}");
    assert_eq!(later(&status["conditions"])[0], 1);
}
