//! What the watches of the real process are shown of the API server in memory: lists, and the
//! changes since a version, as kube-apiserver would write them.

use std::{sync::Arc, time::Duration};

use kube::{Client, Resource};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    cluster::{Shelf, Shown},
    http::{self, Answer},
    world::World,
};

/// A way to the lists and watches of both kinds.
pub fn client(world: &Arc<World>) -> Client {
    let world = Arc::clone(world);
    http::client(move |asked| {
        let world = Arc::clone(&world);
        async move {
            world.note(&format!("watches: {} {}", asked.method, asked.path));
            let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
            match path.rsplit('/').next() {
                Some("passwordsyncgroups") => served(&world, &world.cluster.groups, query).await,
                Some("identitytenants") => served(&world, &world.cluster.tenants, query).await,
                _ => http::refusal(404, "NotFound", path),
            }
        }
    })
}

async fn served<K>(world: &World, shelf: &Shelf<K>, query: &str) -> Answer
where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned,
{
    let asked_for = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let number = |name| asked_for(name).and_then(|text| text.parse::<u64>().ok());
    if asked_for("watch") != Some("true") {
        return list(world, shelf, number("limit"));
    }
    let since = number("resourceVersion").unwrap();
    let long = Duration::from_secs(number("timeoutSeconds").unwrap());
    let mut rings = shelf.changes.listen();
    let news = async {
        loop {
            let lines = changes(world, shelf, since);
            if !lines.is_empty() {
                return lines;
            }
            rings.ring().await;
        }
    };
    // Each answer ends with its last change; whoever watches asks for those since then.
    (
        200,
        tokio::time::timeout(long, news).await.unwrap_or_default(),
    )
}

fn list<K>(world: &World, shelf: &Shelf<K>, limit: Option<u64>) -> Answer
where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned,
{
    let items: Vec<Value> = shelf
        .all()
        .iter()
        .map(|object| shown(world, &**object))
        .collect();
    let limit = limit.unwrap_or(u64::MAX);
    assert!(items.len() as u64 <= limit, "this server has one page");
    http::found(&json!({
        "apiVersion": K::api_version(&()), "kind": format!("{}List", K::kind(&())),
        "metadata": {"resourceVersion": shelf.newest().to_string()}, "items": items,
    }))
}

/// Those of all objects, in the order in which they were stored.
fn changes<K>(world: &World, shelf: &Shelf<K>, since: u64) -> String
where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned,
{
    let mut changes = Vec::new();
    for (name, versions) in shelf.histories() {
        let mut was_there = false;
        for index in 0..versions {
            let Some((_, version)) = shelf.version(&name, index) else {
                break;
            };
            let (kind, object) = match &version {
                Shown::There(object) if was_there => ("MODIFIED", object),
                Shown::There(object) => ("ADDED", object),
                Shown::Gone(object) => ("DELETED", object),
            };
            was_there = kind != "DELETED";
            let number = object.meta().resource_version.as_deref();
            let number: u64 = number.unwrap().parse().unwrap();
            if number > since {
                let object = shown(world, &**object);
                // In this order, as kube-apiserver has it.
                let line = format!(r#"{{"type":"{kind}","object":{object}}}"#);
                changes.push((number, line + "\n"));
            }
        }
    }
    changes.sort();
    changes.into_iter().map(|(_, line)| line).collect()
}

/// As it is stored, unless the weather spoils it.
fn shown<K: Resource + Serialize>(world: &World, object: &K) -> Value {
    let mut shown = json!(object);
    let spoilt = &world.weather.lock().unwrap().spoilt;
    if spoilt.is_some() && *spoilt == object.meta().name {
        shown["spec"]["name"] = json!(7);
    }
    shown
}
