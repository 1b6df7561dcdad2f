//! The audit trail of a history, held against the tenant's ledger: exactly one line for each write
//! whose end a living process saw, and no other line.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use identity_simulator::ledger::Entry;
use jiff::{SignedDuration, Timestamp};
use psg_api::PasswordSyncGroup;
use serde_json::{Value, json};

use super::{
    fuse::Fuse,
    process::{Life, Process},
    tenant::small,
    wire::ANSWER,
    world::World,
};
use crate::AuditLog;

/// Of a request that no answer came back from: its line has no tracking id.
const UNANSWERED: &str = "unanswered";

/// What was written down, and what was to be.
#[derive(Default)]
pub struct Books {
    lines: Vec<Value>,
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
                .position(|line| differs(line, entry, ahead).is_none());
            if lines.is_empty() {
                wrong.push(format!("a write without a line: {entry:?}"));
            } else {
                // Requests without an answer are told apart by what they say.
                wrong.extend(differs(lines.remove(fits.unwrap_or(0)), entry, ahead));
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
            (false, Some(_), _) => "handedBack",
            _ => return None,
        };
        let uid = json!(group.metadata.uid);
        let mut lines = self.lines.iter();
        let told = lines.any(|line| line["kind"] == kind && line["resource"]["uid"] == uid);
        (!told).then(|| format!("let go without a line {kind}: {:?}", group.metadata.name))
    }
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

/// Where a line says something else than what was sent and answered.
fn differs(line: &Value, entry: &Entry, ahead: SignedDuration) -> Option<String> {
    let body = entry.request_body.as_deref().unwrap_or("null");
    let body: Value = serde_json::from_str(body).unwrap();
    let after = &line["after"];
    let content = match entry.method.as_str() {
        "DELETE" => *after == Value::Null && line["sources"].is_array(),
        "PATCH" => {
            let ids = |list: &Value, field: &str| -> Vec<Value> {
                let items = list.as_array().cloned().unwrap_or_default();
                items.iter().map(|item| item[field].clone()).collect()
            };
            ids(&after["policies"], "policyId") == ids(&body, "policyId")
        }
        _ => {
            after["name"] == body["name"]
                && after["policyId"] == body["passwordPolicyId"]
                && after["sourceIds"] == body["sourceIds"]
        }
    };
    let time: Timestamp = line["time"].as_str().unwrap().parse().unwrap();
    let answered = line["trackingId"].is_string();
    let status = if answered {
        json!(entry.status)
    } else {
        json!(null)
    };
    let outcome = match (answered, entry.status.unwrap_or_default()) {
        (false, _) | (_, 500..) => line["result"]["outcome"] == "unknown",
        (true, 200..300) => line["result"]["outcome"] != "notMade",
        (true, _) => line["result"]["outcome"] != "made",
    };
    let same = content
        && outcome
        && line["method"] == entry.method
        && line["path"] == entry.path
        && line["result"]["status"] == status
        && line["resource"]["uid"].is_string()
        && line["tenant"]["org"] == "acme"
        && time <= entry.at + ahead + SignedDuration::from_millis(1);
    (!same).then(|| format!("a line that says something else: {line}\n{entry:?}"))
}

/// One process's way to the books; what is dead writes nothing any more.
pub struct Lines {
    pub world: Arc<World>,
    pub fuse: Arc<Fuse>,
}

impl AuditLog for Lines {
    fn ready(&self) -> Result<(), String> {
        if self.world.weather.lock().unwrap().audit_full {
            return Err("no space".to_owned());
        }
        Ok(())
    }

    fn write(&self, line: &str) {
        if self.fuse.dead.is_cancelled() {
            return;
        }
        let line = serde_json::from_str(line).unwrap();
        self.world.books.lock().unwrap().lines.push(line);
    }
}

fn spec() -> Value {
    json!({
        "name": "G", "passwordPolicyRef": {"name": "Strong"},
        "sourceRefs": [{"name": "A"}, {"name": "B"}],
    })
}

#[tokio::test(start_paused = true)]
async fn while_the_audit_log_cannot_be_written_no_tenant_is() {
    let world = World::new(small(4, &json!({}), &json!("none"), 7));
    world.weather.lock().unwrap().audit_full = true;
    world.cluster.apply("g", &spec());
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.tenant_writes(), 0, "{}", world.story());
    let restless = world.restless().concat();
    assert!(
        restless.contains("the audit log cannot be written: no space"),
        "{restless}"
    );
    world.weather.lock().unwrap().audit_full = false;
    let made = world.until(Duration::from_hours(1), || world.quiet()).await;
    assert!(made, "{}", world.story());
    assert_eq!(world.tenant_writes(), 1);

    // Nor is a resource let go, with or without its group.
    let mut orphan = spec();
    orphan["deletionPolicy"] = json!("Orphan");
    world.weather.lock().unwrap().audit_full = true;
    world.cluster.apply("g", &orphan);
    world.cluster.delete("g");
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(world.cluster.groups.get("g").is_some());
    world.weather.lock().unwrap().audit_full = false;
    let gone = || world.cluster.groups.get("g").is_none();
    assert!(world.until(Duration::from_hours(1), gone).await);
    assert_eq!(world.tenant_writes(), 1);
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
        "path": "/v3/password-sync-groups/g", "after": null, "sources": [], "trackingId": "t1",
        "result": {"outcome": "made", "status": 204}, "resource": {"uid": "u"},
        "tenant": {"org": "acme"},
    });
    let mut books = Books::default();
    books.ended("t1", true);
    let wrong = |books: &Books| {
        books
            .check([&entry].into_iter(), SignedDuration::ZERO)
            .len()
    };
    assert_eq!(wrong(&books), 1, "none");
    books.lines.push(line.clone());
    assert_eq!(wrong(&books), 0);
    books.lines.push(line);
    assert_eq!(wrong(&books), 1, "two");
    books.lines.truncate(1);
    books.lines[0]["result"]["outcome"] = json!("notMade");
    assert_eq!(wrong(&books), 1, "another");
}
