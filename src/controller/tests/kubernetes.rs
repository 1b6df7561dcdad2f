//! What the real port sends, to the byte, and what it makes of the answers.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use proptest::prelude::*;
use serde_json::{Value, from_str, json};
use tokio::sync::Semaphore;

use super::{
    http::{Answer, Asked, client, found, refusal},
    objects::{group, tenant},
};
use crate::kubernetes::{KubeError, Kubernetes, Note, client::Cluster};

const TIMEOUT: Duration = Duration::from_secs(30);

type Sent = Arc<Mutex<Vec<Asked>>>;

/// A server that answers by what it is asked.
fn cluster(answer: impl Fn(&Asked) -> Answer + Clone + Send + Sync + 'static) -> (Cluster, Sent) {
    cluster_that(true, answer)
}

fn cluster_that(
    may_write: bool,
    answer: impl Fn(&Asked) -> Answer + Clone + Send + Sync + 'static,
) -> (Cluster, Sent) {
    let sent = Sent::default();
    let seen = Arc::clone(&sent);
    let client = client(move |asked| {
        let answer = answer(&asked);
        seen.lock().unwrap().push(asked);
        std::future::ready(answer)
    });
    let may_write = Arc::new(move || may_write);
    let cluster = Cluster::new(client.clone(), client, may_write, TIMEOUT);
    (cluster, sent)
}

/// Everything is there, in its eighth version.
fn there(asked: &Asked) -> Answer {
    if asked.path.contains("/passwordsyncgroups/") {
        found(&group(&metadata("8")))
    } else if asked.path.contains("/identitytenants/") {
        found(&tenant(&metadata("8")))
    } else {
        found(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": metadata("8"),
            "data": {"clientSecret": "aHVzaA=="},
        }))
    }
}

fn metadata(version: &str) -> Value {
    json!({"name": "one", "namespace": "here", "uid": "u", "resourceVersion": version})
}

/// The version that each call of the port brings, or why it brings none: three reads, then writes.
async fn versions(cluster: &Cluster) -> Vec<Result<Option<String>, KubeError>> {
    let (group, tenant) = (group(&metadata("7")), tenant(&metadata("7")));
    let held = || vec!["held".to_owned()];
    let status = || json!({"groupID": null});
    vec![
        cluster.group("here", "one").await.map(|got| got.metadata),
        cluster.tenant("here", "one").await.map(|got| got.metadata),
        cluster.secret("here", "one").await.map(|got| got.metadata),
        cluster
            .set_finalizers(&group, held())
            .await
            .map(|stored| stored.metadata),
        cluster
            .patch_status(&group, status())
            .await
            .map(|stored| stored.metadata),
        cluster
            .set_tenant_finalizers(&tenant, held())
            .await
            .map(|stored| stored.metadata),
        cluster
            .patch_tenant_status(&tenant, status())
            .await
            .map(|stored| stored.metadata),
        cluster.set_secret_finalizers(&group.metadata, held()).await,
    ]
    .into_iter()
    .map(|answer| answer.map(|metadata| metadata.resource_version))
    .collect()
}

#[tokio::test]
async fn each_write_is_for_one_version_of_one_object() {
    let (cluster, sent) = cluster(there);
    for version in versions(&cluster).await {
        assert_eq!(version.unwrap().as_deref(), Some("8"));
    }
    let sent = sent.lock().unwrap();
    let asked = |asked: &Asked| format!("{} {}", asked.method, asked.path);
    let groups = "/apis/passwordsync.dev/v1alpha1/namespaces/here/passwordsyncgroups/one";
    let tenants = "/apis/passwordsync.dev/v1alpha1/namespaces/here/identitytenants/one";
    let secret = "/api/v1/namespaces/here/secrets/one";
    let by = "?&fieldManager=psg-operator";
    assert_eq!(
        sent.iter().map(asked).collect::<Vec<_>>(),
        [
            format!("GET {groups}"),
            format!("GET {tenants}"),
            format!("GET {secret}"),
            format!("PATCH {groups}{by}"),
            format!("PATCH {groups}/status{by}"),
            format!("PATCH {tenants}{by}"),
            format!("PATCH {tenants}/status{by}"),
            format!("PATCH {secret}{by}"),
        ]
    );
    let (reads, writes) = sent.split_at(3);
    assert!(reads.iter().all(|read| read.body.is_empty()), "{reads:?}");
    let of_the_seventh = json!({"uid": "u", "resourceVersion": "7"});
    let mut held = of_the_seventh.clone();
    held["finalizers"] = json!(["held"]);
    for write in writes {
        assert_eq!(write.content_type, "application/merge-patch+json");
        let body: Value = from_str(&write.body).unwrap();
        let right = if write.path.contains("/status?") {
            json!({"metadata": of_the_seventh, "status": {"groupID": null}})
        } else {
            json!({"metadata": held})
        };
        assert_eq!(body, right, "{}", write.path);
    }
}

#[tokio::test]
async fn a_secret_comes_decoded() {
    let (cluster, _) = cluster(there);
    let secret = cluster.secret("here", "one").await.unwrap();
    assert_eq!(secret.data["clientSecret"], b"hush");
}

#[tokio::test]
async fn a_process_that_may_not_write_begins_no_write_and_still_reads() {
    let (cluster, sent) = cluster_that(false, there);
    let versions = versions(&cluster).await;
    let (reads, writes) = versions.split_at(3);
    assert!(reads.iter().all(Result::is_ok), "{reads:?}");
    let why = "not sent: this process may not write now";
    for write in writes {
        assert_eq!(write, &Err(KubeError::Other(why.to_owned())));
    }
    cluster.event(&ObjectReference::default(), note("t")).await;
    assert_eq!(sent.lock().unwrap().len(), reads.len());
}

#[tokio::test]
async fn a_refusal_says_what_it_means_for_the_next_step() {
    for (code, reason, means) in [
        (409, "Conflict", KubeError::Conflict),
        (404, "NotFound", KubeError::Gone),
        (403, "Forbidden", KubeError::Forbidden("no: one".to_owned())),
    ] {
        let (cluster, _) = cluster(move |_| refusal(code, reason, "no: one"));
        for answer in versions(&cluster).await {
            assert_eq!(answer, Err(means.clone()));
        }
    }
    let (cluster, _) = cluster(|_| refusal(500, "InternalError", "etcd is full"));
    for answer in versions(&cluster).await {
        let Err(KubeError::Other(why)) = &answer else {
            panic!("{answer:?}");
        };
        assert!(why.contains("etcd is full"), "{why}");
    }
}

#[tokio::test]
async fn an_object_without_a_place_is_never_written() {
    let (cluster, sent) = cluster(there);
    let nameless = kube::core::ObjectMeta {
        namespace: Some("here".to_owned()),
        ..Default::default()
    };
    let answer = cluster.set_secret_finalizers(&nameless, Vec::new()).await;
    assert!(matches!(answer, Err(KubeError::Other(_))), "{answer:?}");
    assert_eq!(sent.lock().unwrap().len(), 0);
}

/// A server that answers nobody before it is `open`.
fn busy(open: &Arc<Semaphore>, may_write: &Arc<AtomicBool>) -> (Arc<Cluster>, Sent) {
    let sent = Sent::default();
    let (seen, open) = (Arc::clone(&sent), Arc::clone(open));
    let client = client(move |asked| {
        let open = Arc::clone(&open);
        let answer = there(&asked);
        seen.lock().unwrap().push(asked);
        async move {
            let _passed = open.acquire_owned().await.unwrap();
            answer
        }
    });
    let may_write = Arc::clone(may_write);
    let may_write = Arc::new(move || may_write.load(Ordering::SeqCst));
    let cluster = Cluster::new(client.clone(), client, may_write, TIMEOUT);
    (Arc::new(cluster), sent)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_answers_ends() {
    let (cluster, _) = busy(&Arc::new(Semaphore::new(0)), &Arc::default());
    let began = tokio::time::Instant::now();
    let answer = cluster.group("here", "one").await.unwrap_err();
    assert_eq!(answer.to_string(), "kubernetes: no answer within 30s");
    assert_eq!(began.elapsed(), TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn whether_a_write_may_begin_is_asked_after_the_line() {
    let open = Arc::new(Semaphore::new(0));
    let may_write = Arc::new(AtomicBool::new(true));
    let (cluster, sent) = busy(&open, &may_write);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let cluster = Arc::clone(&cluster);
        calls.spawn(async move { cluster.group("here", "one").await.map(drop) });
    }
    let under_way = || sent.lock().unwrap().len();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(under_way(), 32, "not more at once");
    let write = {
        let cluster = Arc::clone(&cluster);
        tokio::spawn(async move {
            cluster
                .patch_status(&group(&metadata("7")), json!({}))
                .await
        })
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    may_write.store(false, Ordering::SeqCst);
    open.add_permits(1);
    let why = write.await.unwrap().unwrap_err().to_string();
    assert!(why.contains("may not write"), "{why}");
    for read in calls.join_all().await {
        read.unwrap();
    }
    assert_eq!(under_way(), 100);
}

fn note(text: &str) -> Note {
    Note {
        warning: true,
        reason: "Refused".to_owned(),
        text: text.to_owned(),
        action: "Reconcile",
    }
}

/// What is published of a note about an object of that name.
async fn published(name: &str, note: Note) -> Value {
    let (cluster, sent) = cluster(|asked| (201, asked.body.clone()));
    let about = ObjectReference {
        name: Some(name.to_owned()),
        namespace: Some("here".to_owned()),
        ..ObjectReference::default()
    };
    cluster.event(&about, note).await;
    let sent = sent.lock().unwrap();
    let [asked] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(asked.method, "POST");
    assert!(
        asked.path.starts_with("/api/v1/namespaces/here/events?"),
        "{}",
        asked.path
    );
    from_str(&asked.body).unwrap()
}

#[tokio::test]
async fn an_event_is_about_one_object_and_named_after_it() {
    let event = published("one", note("it was refused")).await;
    let name = event["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("one."), "{name}");
    assert_eq!(event["involvedObject"]["name"], "one");
    assert_eq!(event["type"], "Warning");
    assert_eq!(event["reason"], "Refused");
    assert_eq!(event["message"], "it was refused");
    assert_eq!(event["action"], "Reconcile");
    assert_eq!(event["reportingComponent"], "psg-operator");
    let good_news = Note {
        warning: false,
        ..note("")
    };
    assert_eq!(published("one", good_news).await["type"], "Normal");
}

proptest! {
    #[test]
    fn nothing_hidden_reaches_an_event(text in any::<String>()) {
        let event = crate::kubernetes::client::event(&ObjectReference::default(), note(&text), Timestamp::UNIX_EPOCH);
        prop_assert!(!event.message.unwrap().contains(psg_domain::text::is_hidden));
    }
}

/// kube-apiserver refuses an Event whose message has more than 1,024 bytes, or whose name more than 253.
#[tokio::test]
async fn an_event_is_as_long_as_the_server_takes_it() {
    let fits = "x".repeat(1024);
    let event = published("one", note(&fits)).await;
    assert_eq!(event["message"], fits);
    for long in [
        "x".repeat(1025),
        "ü".repeat(513),
        format!("x{}", "ü".repeat(600)),
    ] {
        let event = published("one", note(&long)).await;
        let text = event["message"].as_str().unwrap();
        assert!((1023..=1024).contains(&text.len()), "{}", text.len());
        let whole = text.strip_suffix('…').unwrap();
        assert!(long.starts_with(whole), "{text}");
    }
    let event = published(&"n".repeat(253), note("")).await;
    let name = event["metadata"]["name"].as_str().unwrap();
    assert!(name.len() <= 253, "{name}");
    assert!(name.starts_with(&"n".repeat(200)), "{name}");
}

#[tokio::test]
async fn an_event_that_is_refused_stops_nobody() {
    let (cluster, sent) = cluster(|_| refusal(403, "Forbidden", "no"));
    cluster.event(&ObjectReference::default(), note("t")).await;
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].path.contains("/namespaces/default/"), "{sent:?}");
}
