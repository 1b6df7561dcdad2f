//! What was really written to the API server, by its own audit log.
//!
//! The operator's metrics are no witness for the operator. A line is written when a request ends,
//! which may be a moment after its answer: before it counts, a reader sends a request of its own
//! and waits for the line of that request.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
    time::Duration,
};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, api::DeleteParams};
use serde_json::{Value, json};

use super::{control_plane::ControlPlane, kubernetes::unique, users::User, wait::wait_for};

/// One request that changed something, or tried to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Write {
    /// Who.
    pub user: String,
    /// `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// The resource, with its subresource: `passwordsyncgroups/status`.
    pub resource: String,
    /// Empty for what is in none.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The answer's status.
    pub code: u64,
    /// Whether it was only tried (`dryRun=All`).
    pub dry_run: bool,
    /// The User-Agent.
    pub agent: String,
}

/// A place in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark(u64);

/// The log of a control plane of our own.
#[derive(Clone)]
pub struct Audit {
    log: PathBuf,
    admin: Client,
}

impl ControlPlane {
    /// The audit log; an existing cluster has none that we can read.
    pub async fn audit(&self) -> Option<Audit> {
        let Some(log) = self.audit_log() else {
            eprintln!("no audit log on an existing cluster: writes are not counted");
            return None;
        };
        let admin = self.client(User::Admin).await;
        Some(Audit { log, admin })
    }
}

impl Audit {
    /// The place after everything that was answered until now.
    pub async fn mark(&self) -> Mark {
        self.caught_up().await;
        let length = std::fs::metadata(&self.log).expect("the audit log").len();
        Mark(length)
    }

    /// Every write since a mark.
    pub async fn since(&self, mark: Mark) -> Vec<Write> {
        self.caught_up().await;
        self.read(mark)
    }

    /// A user's writes since a mark; `namespace` narrows them, as tests share one server.
    pub async fn writes_of(&self, user: User, namespace: Option<&str>, mark: Mark) -> Vec<Write> {
        let mut writes = self.since(mark).await;
        writes.retain(|write| {
            write.user == user.name() && namespace.is_none_or(|name| write.namespace == name)
        });
        writes
    }

    /// Sends a request that is logged and changes nothing, and waits for its line.
    async fn caught_up(&self) {
        let fence = unique("audit-fence");
        let before = std::fs::metadata(&self.log).map_or(0, |file| file.len());
        let maps: Api<ConfigMap> = Api::namespaced(self.admin.clone(), "default");
        // There is none of that name: an audited write that writes nothing.
        let _ = maps.delete(&fence, &DeleteParams::default()).await;
        wait_for(
            "the audit log to catch up",
            Duration::from_mins(1),
            async || {
                let there = self
                    .read(Mark(before))
                    .iter()
                    .any(|write| write.name == fence);
                if there {
                    Ok(())
                } else {
                    Err(format!("no line for {fence}"))
                }
            },
        )
        .await;
    }

    fn read(&self, mark: Mark) -> Vec<Write> {
        let mut file = File::open(&self.log).expect("the audit log");
        let start = mark.0.saturating_sub(1);
        file.seek(SeekFrom::Start(start)).expect("a place in it");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("the audit log");
        writes(&bytes, mark.0 == 0)
    }
}

/// The writes of a piece of the log. Its last line may be half written; and unless the piece is the
/// beginning, so may the line have been before which it was marked, and that one is of the time before.
fn writes(bytes: &[u8], is_beginning: bool) -> Vec<Write> {
    let line_end = |byte: &u8| *byte == b'\n';
    let begin = match bytes.iter().position(line_end) {
        _ if is_beginning => 0,
        Some(end) => end + 1,
        None => return Vec::new(),
    };
    let end = bytes
        .iter()
        .rposition(line_end)
        .map_or(begin, |end| end + 1);
    let whole = std::str::from_utf8(&bytes[begin..end]).expect("UTF-8");
    whole.lines().filter_map(parse).collect()
}

#[test]
fn a_mark_in_the_middle_of_a_line_begins_with_the_next() {
    let line = |name: &str| {
        let event =
            json!({"stage": "ResponseComplete", "objectRef": {"name": name, "resource": "é"}});
        format!("{event}\n")
    };
    let log = format!("{}{}{{\"half", line("one"), line("two"));
    let names = |from: usize| -> Vec<String> {
        let piece = &log.as_bytes()[from.saturating_sub(1)..];
        let writes = writes(piece, from == 0);
        writes.into_iter().map(|write| write.name).collect()
    };
    let first = line("one").len();
    assert_eq!(names(0), ["one", "two"]);
    for from in 1..=first {
        assert_eq!(names(from), ["two"], "{from}");
    }
    for from in first + 1..=log.len() {
        assert!(names(from).is_empty(), "{from}");
    }
}

/// How often each `verb resource` occurs, refused ones and dry runs included.
pub fn counts(writes: &[Write]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for write in writes {
        *counts
            .entry(format!("{} {}", write.verb, write.resource))
            .or_default() += 1;
    }
    counts
}

/// What is logged: writes of our users, each once, when it is over.
pub(super) fn policy() -> String {
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [
            {
                "level": "Metadata",
                "users": User::ALL.map(User::name),
                "verbs": ["create", "update", "patch", "delete", "deletecollection"],
            },
            {"level": "None"},
        ],
    });
    serde_saphyr::to_string(&policy).expect("YAML")
}

fn parse(line: &str) -> Option<Write> {
    let event: Value = serde_json::from_str(line).expect("an audit event");
    let target = &event["objectRef"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut resource = text(&target["resource"]);
    if let Some(part) = target["subresource"].as_str() {
        resource = format!("{resource}/{part}");
    }
    (event["stage"] == "ResponseComplete").then(|| Write {
        user: text(&event["user"]["username"]),
        verb: text(&event["verb"]),
        resource,
        namespace: text(&target["namespace"]),
        name: text(&target["name"]),
        code: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
        dry_run: event["requestURI"]
            .as_str()
            .is_some_and(|uri| uri.contains("dryRun=")),
        agent: text(&event["userAgent"]),
    })
}
