//! The audit trail of a history, held against the tenant's ledger: exactly one line for each write
//! whose end a living process saw, and no other line.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use identity_simulator::{Tenant, ledger::Entry, request::Request};
use jiff::{SignedDuration, Timestamp};
use psg_api::{PasswordSyncGroup, PasswordSyncGroupStatus};
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    fuse::Fuse,
    process::{Life, Process},
    tenant::small,
    wire::ANSWER,
    world::World,
};
use crate::AuditLog;

/// Of a request that no answer came back from: its line has no tracking id.
const UNANSWERED: &str = "unanswered";

/// The resources that had a write on record when it left, by UID, each with its generation.
pub type Recorders = BTreeMap<String, i64>;

/// What was written down, and what was to be.
#[derive(Default)]
pub struct Books {
    lines: Vec<Value>,
    /// The place cannot be opened.
    shut: bool,
    /// Lines that a process could not write yet. They end with it.
    waiting: Vec<(Arc<Fuse>, Value)>,
    /// On whose behalf each write was sent, by tracking id.
    sent: BTreeMap<String, Recorders>,
    /// What each group was at any time, as a line says it.
    been: BTreeMap<String, Vec<Value>>,
    /// Whether an answer came back, by tracking id; a write that its process did not survive is
    /// not there.
    ended: BTreeMap<String, bool>,
    /// Writes that a panic or a stop ended before they left: their process cannot tell them from
    /// those that did.
    unsent: Vec<String>,
}

/// A write on its way to the tenant.
pub struct Leaving<'a> {
    pub books: &'a Mutex<Books>,
    pub fuse: &'a Fuse,
    pub method: &'a str,
    pub path: &'a str,
    pub left: bool,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if !self.left && !self.fuse.dead.is_cancelled() {
            let key = unanswered(self.method, self.path);
            self.books.lock().unwrap().unsent.push(key);
        }
    }
}

impl Books {
    /// A process saw the end of a write.
    pub fn ended(&mut self, tracking_id: &str, answered: bool) {
        self.ended.insert(tracking_id.to_owned(), answered);
    }

    /// A write reached the tenant.
    pub fn sent(&mut self, tracking_id: &str, recorded: Recorders) {
        self.sent.insert(tracking_id.to_owned(), recorded);
    }

    /// The tenant after a request or a change.
    pub fn after(&mut self, tenant: &Tenant) {
        for group in tenant.state().groups.iter() {
            let mut sources: Vec<&String> = group.source_ids.iter().collect();
            sources.sort();
            let policy = &group.password_policy_id;
            let now = json!({"name": group.name, "policyId": policy, "sourceIds": sources});
            let been = self.been.entry(group.id.clone()).or_default();
            if !been.contains(&now) {
                been.push(now);
            }
        }
    }

    /// Where the two disagree; a process's clock may be ahead.
    pub fn check<'a>(
        &self,
        ledger: impl Iterator<Item = &'a Entry>,
        ahead: SignedDuration,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut told: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line["kind"] == "write") {
            told.entry(of_line(line)).or_default().push(line);
        }
        for entry in ledger.filter(|entry| is_write(entry)) {
            let key = match self.ended.get(&entry.tracking_id) {
                Some(true) => entry.tracking_id.clone(),
                Some(false) => unanswered(&entry.method, &entry.path),
                // Its process was killed with it.
                None => continue,
            };
            let lines = told.entry(key).or_default();
            let fits = lines
                .iter()
                .position(|line| self.differs(line, entry, ahead).is_none());
            if lines.is_empty() {
                wrong.push(format!("a write without a line: {entry:?}"));
            } else {
                // Requests without an answer are told apart by what they say.
                wrong.extend(self.differs(lines.remove(fits.unwrap_or(0)), entry, ahead));
            }
        }
        for unsent in &self.unsent {
            if let Some(lines) = told.get_mut(unsent) {
                lines.pop();
            }
        }
        let left = told.into_values().flatten();
        wrong.extend(left.map(|line| format!("a line without a write: {line}")));
        wrong
    }

    /// Where a line says something else than what was sent and answered.
    fn differs(&self, line: &Value, entry: &Entry, ahead: SignedDuration) -> Option<String> {
        let same = self.tells_of(line, entry)
            && self.is_of_its_resource(line, entry)
            && came_to(line, entry)
            && told_at(line) <= entry.at + ahead + SignedDuration::from_millis(1);
        (!same).then(|| format!("a line that says something else: {line}\n{entry:?}"))
    }

    /// What was there before, what was sent, and of what.
    fn tells_of(&self, line: &Value, entry: &Entry) -> bool {
        let body = entry.request_body.as_deref().unwrap_or("null");
        let body: Value = serde_json::from_str(body).unwrap();
        let (id, before, after) = (&line["id"], &line["before"], &line["after"]);
        let been = |id: &str| self.been.get(id).into_iter().flatten();
        let is_put_together = || {
            after["name"] == body["name"]
                && after["policyId"] == body["passwordPolicyId"]
                && after["sourceIds"] == body["sourceIds"]
        };
        let written = written(&entry.method, &entry.path);
        match entry.method.as_str() {
            "POST" => {
                let made = line["result"]["outcome"] == "made";
                let new = id.as_str().map(|id| been(id).any(|it| it == after));
                line["operation"] == "createGroup"
                    && before.is_null()
                    && new.unwrap_or(!made)
                    && is_put_together()
            }
            "PUT" => {
                line["operation"] == "updateGroup"
                    && id == written
                    && been(written).any(|it| it == before)
                    && is_put_together()
            }
            "DELETE" => {
                line["operation"] == "deleteGroup"
                    && id == written
                    && (before.is_null() || been(written).any(|it| it == before))
                    && after.is_null()
                    && line["sources"].is_array()
            }
            _ => {
                let ids = |list: &Value| -> Vec<Value> {
                    let items = list.as_array().cloned().unwrap_or_default();
                    items.iter().map(|item| item["policyId"].clone()).collect()
                };
                line["operation"] == "assignPolicy"
                    && id == written
                    && before["policies"].is_array()
                    && ids(&after["policies"]) == ids(&body)
            }
        }
    }

    /// Its resource had it on record, at that generation or a later one.
    fn is_of_its_resource(&self, line: &Value, entry: &Entry) -> bool {
        let resource = &line["resource"];
        let recorded = self.sent.get(&entry.tracking_id);
        let uid = resource["uid"].as_str().unwrap_or_default();
        let newest = recorded.and_then(|recorded| recorded.get(uid));
        newest.is_some_and(|newest| {
            let told = resource["generation"].as_i64();
            told.is_some_and(|told| (1..=*newest).contains(&told))
        }) && line["tenant"]["org"] == "acme"
    }

    /// What is wrong when a resource is let go now.
    pub fn released(&self, group: &PasswordSyncGroup) -> Option<String> {
        let status = group.status.as_ref()?;
        group.metadata.deletion_timestamp.as_ref()?;
        if group.spec.management_policy == psg_api::ManagementPolicy::Observe {
            return None;
        }
        let orphaned = group.spec.deletion_policy == psg_api::DeletionPolicy::Orphan;
        let kind = match (orphaned, &status.deletion, &status.group_id) {
            (true, Some(_), _) | (true, _, Some(_)) => "orphaned",
            (false, Some(_), _) => "reassigned",
            _ => return None,
        };
        let uid = json!(group.metadata.uid);
        let mut lines = self.lines.iter();
        let told = lines.any(|line| line["kind"] == kind && line["resource"]["uid"] == uid);
        (!told).then(|| format!("let go without a line {kind}: {:?}", group.metadata.name))
    }
}

/// The id of the group or source that a request writes; of a POST the last word of its path.
fn written<'a>(method: &str, path: &'a str) -> &'a str {
    let from_the_end = usize::from(method == "PATCH");
    path.split('/').rev().nth(from_the_end).unwrap_or_default()
}

/// Who has on record what is about to be written.
pub fn recorded_by(asked: &Request, cluster: &Cluster) -> Recorders {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let id = written(&asked.method, &asked.path);
    let has = |status: &PasswordSyncGroupStatus| match asked.method.as_str() {
        "POST" => {
            let intent = status.intent.as_ref();
            intent.is_some_and(|intent| body["name"] == intent.name)
        }
        "PUT" => status.group_id.as_deref() == Some(id),
        "DELETE" => {
            let deletion = status.deletion.as_ref();
            deletion.is_some_and(|deletion| deletion.group_id == id)
        }
        _ => {
            let deletion = status.deletion.iter();
            let planned = deletion.flat_map(|deletion| &deletion.sources);
            let mut left = planned.chain(&status.leaving);
            left.any(|left| left.id == id)
        }
    };
    let groups = cluster.groups.all().into_iter();
    let having = groups.filter(|group| group.status.as_ref().is_some_and(has));
    let recorder = |group: Arc<PasswordSyncGroup>| {
        let metadata = &group.metadata;
        Some((metadata.uid.clone()?, metadata.generation?))
    };
    having.filter_map(recorder).collect()
}

fn is_write(entry: &Entry) -> bool {
    entry.method != "GET" && !entry.route.starts_with("/oauth")
}

fn of_line(line: &Value) -> String {
    let text = |field: &str| line[field].as_str().unwrap_or_default();
    match line["trackingId"].as_str() {
        Some(id) => id.to_owned(),
        None => unanswered(text("method"), text("path")),
    }
}

fn unanswered(method: &str, path: &str) -> String {
    format!("{UNANSWERED} {method} {path}")
}

/// Whether a line tells the answer.
fn came_to(line: &Value, entry: &Entry) -> bool {
    let answered = line["trackingId"].is_string();
    let status = answered.then_some(entry.status).flatten();
    let outcome = match (answered, entry.status.unwrap_or_default()) {
        (false, _) | (_, 500..) => line["result"]["outcome"] == "unknown",
        (true, 200..300) => line["result"]["outcome"] != "notMade",
        (true, _) => line["result"]["outcome"] != "made",
    };
    outcome
        && line["method"] == entry.method
        && line["path"] == entry.path
        && line["result"]["status"] == json!(status)
}

fn told_at(line: &Value) -> Timestamp {
    line["time"].as_str().unwrap().parse().unwrap()
}

/// One process's way to the books; what is dead writes nothing any more.
pub struct Lines {
    pub world: Arc<World>,
    pub fuse: Arc<Fuse>,
}

impl Lines {
    /// Writes what waits, and after it one more.
    fn put(&self, line: Option<Value>) -> Result<(), String> {
        let full = self.world.weather.lock().unwrap().audit_full;
        let mut books = self.world.books.lock().unwrap();
        let line = line.map(|line| (Arc::clone(&self.fuse), line));
        books.waiting.extend(line);
        if books.shut {
            return Err("no such folder".to_owned());
        }
        let waiting = std::mem::take(&mut books.waiting).into_iter();
        let (own, others): (Vec<_>, _) =
            waiting.partition(|(fuse, _)| Arc::ptr_eq(fuse, &self.fuse));
        books.waiting = others;
        if full && !own.is_empty() {
            books.waiting.extend(own);
            return Err("no space".to_owned());
        }
        books.lines.extend(own.into_iter().map(|(_, line)| line));
        Ok(())
    }
}

impl AuditLog for Lines {
    fn ready(&self) -> Result<(), String> {
        self.put(None)
    }

    fn write(&self, line: &str) {
        if !self.fuse.dead.is_cancelled() {
            self.put(Some(serde_json::from_str(line).unwrap())).ok();
        }
    }
}

fn spec() -> Value {
    json!({
        "name": "G", "passwordPolicyRef": {"name": "Strong"},
        "sourceRefs": [{"name": "A"}, {"name": "B"}],
    })
}

fn orphan() -> Value {
    let mut orphan = spec();
    orphan["deletionPolicy"] = json!("Orphan");
    orphan
}

#[tokio::test(start_paused = true)]
async fn while_the_audit_log_cannot_be_opened_no_tenant_is_written() {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    world.books.lock().unwrap().shut = true;
    world.cluster.apply("g", &spec());
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.tenant_writes(), 0, "{}", world.story());
    let restless = world.restless().concat();
    assert!(
        restless.contains("the audit log cannot be written: no such folder"),
        "{restless}"
    );
    world.books.lock().unwrap().shut = false;
    let made = world.until(Duration::from_hours(1), || world.quiet()).await;
    assert!(made, "{}", world.story());
    assert_eq!(world.tenant_writes(), 1);

    // Nor is a resource let go, with or without its group.
    world.books.lock().unwrap().shut = true;
    world.cluster.apply("g", &orphan());
    world.cluster.delete("g");
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(world.cluster.groups.get("g").is_some());
    world.books.lock().unwrap().shut = false;
    let gone = || world.cluster.groups.get("g").is_none();
    assert!(world.until(Duration::from_hours(1), gone).await);
    assert_eq!(world.tenant_writes(), 1);
    let lines = &world.books.lock().unwrap().lines;
    assert_eq!(lines.last().unwrap()["kind"], "orphaned");
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_is_full_holds_up_all_but_the_write_by_which_it_shows() {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    let full = |full| world.weather.lock().unwrap().audit_full = full;
    full(true);
    world.cluster.apply("g", &spec());
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(Duration::from_mins(10)).await;
    let mut renamed = spec();
    renamed["name"] = json!("H");
    world.cluster.apply("g", &renamed);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.tenant_writes(), 1, "{}", world.story());
    assert!(world.books.lock().unwrap().lines.is_empty());
    full(false);
    let equal = || world.tenant_writes() == 2 && world.quiet();
    assert!(world.until(Duration::from_hours(1), equal).await);
    world.must_rest(Duration::from_mins(10), "both told").await;

    // If it shows by the line of a resource that is let go, that stays until the line is there.
    full(true);
    world.cluster.apply("g", &orphan());
    world.cluster.delete("g");
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(world.cluster.groups.get("g").is_some(), "{}", world.story());
    full(false);
    let gone = || world.cluster.groups.get("g").is_none();
    assert!(world.until(Duration::from_hours(1), gone).await);
    let lines = &world.books.lock().unwrap().lines;
    assert_eq!(lines.last().unwrap()["kind"], "orphaned");
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_in_a_panic_has_its_line() {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    world.weather.lock().unwrap().panics = [(ANSWER.to_owned(), 1)].into();
    world.cluster.apply("g", &spec());
    let _process = Process::start(&world, Life::default());
    let made = world.until(Duration::from_hours(1), || world.quiet()).await;
    assert!(made, "{}", world.story());
    let (tenant, books) = (world.tenant.lock().unwrap(), world.books.lock().unwrap());
    let wrong = books.check(tenant.ledger().since(0), SignedDuration::ZERO);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(books.lines[0]["result"]["outcome"], "unknown");
    assert_eq!(books.lines.len(), 1, "it was found, not made again");
}

/// The check is no check if it cannot fail.
#[test]
fn a_line_too_few_or_too_many_or_a_wrong_one_is_found() {
    let entry = Entry {
        seq: 1,
        at: Timestamp::UNIX_EPOCH,
        method: "DELETE".to_owned(),
        path: "/v3/password-sync-groups/g".to_owned(),
        query: String::new(),
        route: "/password-sync-groups/{id}".to_owned(),
        version: None,
        client_id: None,
        tracking_id: "t1".to_owned(),
        status: Some(204),
        applied: true,
        fault: None,
        request_body: None,
        response_bytes: 0,
    };
    let line = json!({
        "time": "1970-01-01T00:00:00Z", "kind": "write", "method": "DELETE",
        "path": "/v3/password-sync-groups/g", "operation": "deleteGroup", "id": "g",
        "before": {"name": "G"}, "after": null, "sources": [], "trackingId": "t1",
        "result": {"outcome": "made", "status": 204}, "resource": {"uid": "u", "generation": 2},
        "tenant": {"org": "acme"},
    });
    let mut books = Books::default();
    books.ended("t1", true);
    books.sent("t1", [("u".to_owned(), 2)].into());
    books
        .been
        .insert("g".to_owned(), vec![json!({"name": "G"})]);
    let wrong = |books: &Books| {
        books
            .check([&entry].into_iter(), SignedDuration::ZERO)
            .len()
    };
    assert_eq!(wrong(&books), 1, "none");
    books.lines.push(line.clone());
    assert_eq!(wrong(&books), 0);
    books.lines.push(line.clone());
    assert_eq!(wrong(&books), 1, "two");
    for (field, other) in [
        ("/result/outcome", json!("notMade")),
        ("/resource/uid", json!("another")),
        ("/resource/generation", json!(3)),
        ("/resource/generation", json!(0)),
        ("/id", json!("h")),
        ("/before", json!({"name": "H"})),
        ("/operation", json!("updateGroup")),
    ] {
        books.lines = vec![line.clone()];
        *books.lines[0].pointer_mut(field).unwrap() = other;
        assert_eq!(wrong(&books), 1, "another {field}");
    }
}
