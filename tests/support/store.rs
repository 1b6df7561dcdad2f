//! Past the API server: an object changed in etcd itself, as one that was stored before its
//! definition became stricter, or under another version of it.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{control_plane::ControlPlane, kubernetes::http};

/// Changes what is stored of one of our objects, whatever the schema says; none on an existing
/// cluster, whose store is not ours.
pub async fn change(
    plane: &ControlPlane,
    kind: &str,
    namespace: &str,
    name: &str,
    edit: impl FnOnce(&mut Value),
) -> Option<()> {
    let store = format!("http://{}/v3/kv", plane.store()?);
    let key = format!("/registry/passwordsync.dev/{kind}/{namespace}/{name}");
    let key = BASE64_STANDARD.encode(key);
    let found = ask(&store, "range", &json!({"key": key})).await;
    let stored = found["kvs"][0]["value"].as_str().expect("what is stored");
    let stored = BASE64_STANDARD.decode(stored).expect("bytes");
    let mut object: Value = serde_json::from_slice(&stored).expect("JSON");
    edit(&mut object);
    let value = BASE64_STANDARD.encode(object.to_string());
    ask(&store, "put", &json!({"key": key, "value": value})).await;
    Some(())
}

/// etcd's own gateway to JSON.
async fn ask(store: &str, call: &str, body: &Value) -> Value {
    let answer = http().post(format!("{store}/{call}")).json(body).send();
    let answer = answer.await.expect("an answer of etcd");
    answer.json().await.expect("JSON")
}
