//! What the watches of the real process are shown of the API server in memory: lists, and the
//! changes since a version, as kube-apiserver would write them.

use std::{sync::Arc, time::Duration};

use kube::{Client, Resource};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    cluster::{Shelf, Shown},
    http::{self, Answer},
    world::World,
};

/// A way to the lists and watches of both kinds; a watch shows each change so much later.
pub fn client(world: &Arc<World>, lag: Duration) -> Client {
    let world = Arc::clone(world);
    http::client(move |asked| {
        let world = Arc::clone(&world);
        async move {
            world.note(&format!("watches: {} {}", asked.method, asked.path));
            let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
            let cluster = &world.cluster;
            match path.rsplit('/').next() {
                Some("passwordsyncgroups") => served(&world, &cluster.groups, query, lag).await,
                Some("identitytenants") => served(&world, &cluster.tenants, query, lag).await,
                _ => http::refusal(404, "NotFound", path),
            }
        }
    })
}

async fn served<K>(world: &World, shelf: &Shelf<K>, query: &str, lag: Duration) -> Answer
where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned,
{
    let asked_for = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let number = |name| asked_for(name).and_then(|text| text.parse::<u64>().ok());
    let is_cut = || world.weather.lock().unwrap().watch_cut;
    if asked_for("watch") != Some("true") {
        if is_cut() {
            return http::refusal(500, "InternalError", "no leader");
        }
        return list(world, shelf, number("limit"));
    }
    let since = number("resourceVersion").unwrap();
    let end = Instant::now() + Duration::from_secs(number("timeoutSeconds").unwrap());
    let mut rings = shelf.changes.listen();
    loop {
        let (lines, next) = changes(world, shelf, since, lag);
        if is_cut() {
            // Nothing as old as that can be shown any more, so what was missed is listed.
            return http::refusal(410, "Expired", "too old resource version");
        }
        // Each answer ends with its last change; a client that watches asks for those since then.
        if !lines.is_empty() || Instant::now() >= end {
            return (200, lines);
        }
        tokio::select! {
            biased;
            () = rings.ring() => {}
            () = tokio::time::sleep_until(next.unwrap_or(end).min(end)) => {}
        }
    }
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

/// Those of all objects that are old enough, in the order in which they were stored, and when the
/// next one will be.
fn changes<K>(
    world: &World,
    shelf: &Shelf<K>,
    since: u64,
    lag: Duration,
) -> (String, Option<Instant>)
where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned,
{
    let (mut changes, mut next) = (Vec::new(), None);
    for (name, versions) in shelf.histories() {
        let mut was_there = false;
        for index in 0..versions {
            let Some((stored, version)) = shelf.version(&name, index) else {
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
            if number <= since {
                continue;
            }
            if stored + lag > Instant::now() {
                next = next.into_iter().chain([stored + lag]).min();
                break;
            }
            let object = shown(world, &**object);
            // In this order, as kube-apiserver has it.
            let line = format!(r#"{{"type":"{kind}","object":{object}}}"#);
            changes.push((number, line + "\n"));
        }
    }
    changes.sort();
    let lines = changes.into_iter().map(|(_, line)| line).collect();
    (lines, next)
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
