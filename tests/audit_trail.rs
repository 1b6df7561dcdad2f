//! The audit trail: one line for each write to the tenant, every field of it, and none too many.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde_json::{Value, json};

use crate::support::{
    Operator, World,
    leash::Folder,
    wait::wait_for,
    world::{PATIENCE, said, spec},
};

const TICKET: &str = "example.com/ticket";
const SPEC: &str = "
name: Shared Password
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesforce}, {name: Workday}, {name: GitHub}]
";

/// A world whose sources get no policy back unless the operator sees to it.
async fn world(name: &str) -> World {
    let flag = format!("--audit-annotations={TICKET}");
    let world = World::still(name, "v1").flag(&flag).start().await;
    let bare = json!({"policy_after_delete": "never", "policy_after_leave": "default_policy"});
    world.tenant.switch(bare).await;
    world
}

fn key(method: &Value, path: &Value) -> String {
    format!("{method} {path}")
}

/// What the ledger has: how often each tracking id was answered with a status, and how often a
/// request of each method and path was not answered.
async fn in_the_ledger(world: &World) -> BTreeMap<String, usize> {
    let mut writes = BTreeMap::new();
    for entry in world.tenant.ledger().await {
        let token = entry["route"].as_str().unwrap().starts_with("/oauth");
        if entry["method"] == "GET" || token {
            continue;
        }
        let key = key(&entry["method"], &entry["path"]);
        let key = match &entry["status"] {
            Value::Null => key,
            status => format!("{key} {status} {}", entry["trackingId"]),
        };
        *writes.entry(key).or_default() += 1;
    }
    writes
}

/// The same of the trail.
fn in_the_trail(lines: &[Value]) -> BTreeMap<String, usize> {
    let mut writes = BTreeMap::new();
    for line in lines.iter().filter(|line| line["kind"] == "write") {
        let key = key(&line["method"], &line["path"]);
        let key = match &line["result"]["status"] {
            Value::Null => key,
            status => format!("{key} {status} {}", line["trackingId"]),
        };
        *writes.entry(key).or_default() += 1;
    }
    writes
}

fn fields(value: &Value) -> BTreeSet<&str> {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, _)| name.as_str()).collect()
}

/// A field's name, whether its value is right, and whether it may be null.
fn must(line: &Value, pointer: &str, right: impl Fn(&Value) -> bool, or_null: bool) {
    let value = line.pointer(pointer);
    let value = value.unwrap_or_else(|| panic!("no {pointer} in {line}"));
    let good = right(value) || (or_null && value.is_null());
    assert!(good, "{pointer} is {value} in {line}");
}

const COMMON: [&str; 7] = [
    "time",
    "kind",
    "resource",
    "manager",
    "annotations",
    "tenant",
    "operator",
];

/// Every field is there, of its kind, and no other.
fn check_schema(line: &Value) {
    let text = Value::is_string;
    let time = |value: &Value| {
        value
            .as_str()
            .is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok())
    };
    must(line, "/time", time, false);
    for field in ["namespace", "name", "uid"] {
        must(line, &format!("/resource/{field}"), text, false);
    }
    must(
        line,
        "/resource/generation",
        |n| n.as_i64() > Some(0),
        false,
    );
    must(line, "/manager/name", text, false);
    must(line, "/manager/time", time, false);
    must(line, "/annotations", Value::is_object, false);
    for field in ["namespace", "name", "org", "host"] {
        must(line, &format!("/tenant/{field}"), text, false);
    }
    must(line, "/operator/version", text, false);
    must(line, "/operator/replica", text, true);
    let mut known: BTreeSet<&str> = COMMON.into();
    match line["kind"].as_str() {
        Some("write") => {
            known.extend(["operation", "id", "before", "after", "method", "path"]);
            known.extend(["result", "trackingId", "durationMs"]);
            check_write(line, &mut known);
        }
        Some("reassigned") => {
            known.extend(["id", "sources"]);
            must(line, "/id", text, false);
            for source in line["sources"].as_array().unwrap() {
                let all = ["after", "before", "by", "id", "name", "skipped"];
                assert_eq!(fields(source), all.into(), "{line}");
                assert_ne!(
                    source["by"].is_null(),
                    source["skipped"].is_null(),
                    "{line}"
                );
            }
        }
        Some("orphaned") => {
            known.extend(["id", "record"]);
            must(line, "/record", Value::is_object, false);
        }
        other => panic!("a line of kind {other:?}"),
    }
    assert_eq!(fields(line), known, "{line}");
}

fn check_write(line: &Value, known: &mut BTreeSet<&str>) {
    let text = Value::is_string;
    for field in ["method", "path", "operation"] {
        must(line, &format!("/{field}"), text, false);
    }
    let outcome = |value: &Value| {
        ["made", "notMade", "unknown"]
            .iter()
            .any(|word| value == word)
    };
    must(line, "/result/outcome", outcome, false);
    let answered = line["result"]["status"].is_u64();
    must(line, "/result/status", Value::is_u64, true);
    must(
        line,
        "/result/reason",
        text,
        line["result"]["outcome"] == "made",
    );
    must(line, "/trackingId", text, !answered);
    must(line, "/durationMs", Value::is_u64, false);
    let group = |value: &Value| fields(value) == ["name", "policyId", "sourceIds"].into();
    let source = |value: &Value| fields(value) == ["policies"].into();
    match line["operation"].as_str() {
        Some("createGroup") => {
            must(line, "/id", text, line["result"]["outcome"] != "made");
            must(line, "/before", Value::is_null, false);
            must(line, "/after", group, false);
        }
        Some("updateGroup") => {
            known.insert("cause");
            must(
                line,
                "/cause",
                |cause| cause == "edit" || cause == "drift",
                false,
            );
            must(line, "/id", text, false);
            must(line, "/before", group, false);
            must(line, "/after", group, false);
        }
        Some("deleteGroup") => {
            known.insert("sources");
            must(line, "/id", text, false);
            must(line, "/before", group, true);
            must(line, "/after", Value::is_null, false);
            for planned in line["sources"].as_array().unwrap() {
                assert_eq!(
                    fields(planned),
                    ["after", "before", "id", "name"].into(),
                    "{line}"
                );
            }
        }
        Some("assignPolicy") => {
            must(line, "/id", text, false);
            must(line, "/before", source, false);
            must(line, "/after", source, false);
        }
        other => panic!("an operation {other:?}"),
    }
}

#[tokio::test]
async fn each_write_to_the_tenant_has_exactly_one_line() {
    let mut world = world("trail").await;
    let annotated = json!({"metadata": {"annotations": {TICKET: "CHG1", "other": "x"}}});
    let salesforce = world.tenant.source_id("Salesforce").await;
    let strong = world.tenant.policy_id("Corporate Strong").await;
    let standard = world.tenant.policy_id("Cloud Standard").await;
    let workday = world.tenant.source_id("Workday").await;
    let github = world.tenant.source_id("GitHub").await;

    // Made; edited, after one token has ended and one answer got lost; refused; a source leaves.
    let refused = json!({"match": "POST /password-sync-groups", "times": 1, "kind": {"status": {"code": 429, "retry_after": "1"}}});
    world.tenant.fault(refused).await;
    world.apply_group("shared", SPEC).await;
    world.wait_ready("shared").await;
    world.patch_group("shared", annotated).await;
    world.tenant.revoke_tokens().await;
    let lost =
        json!({"match": "PUT /password-sync-groups/{id}", "times": 1, "kind": "lost_answer"});
    world.tenant.fault(lost).await;
    world
        .patch_group("shared", json!({"spec": {"name": "Renamed"}}))
        .await;
    world.wait_ready("shared").await;
    let two = json!({"spec": {"sourceRefs": [{"name": "Workday"}, {"name": "GitHub"}]}});
    world.patch_group("shared", two).await;
    world.wait_ready("shared").await;
    // Adopted and overwritten.
    world
        .tenant
        .someone_adds("Sales", "Cloud Standard", &["Salesforce", "G Suite"])
        .await;
    world.read_again().await;
    let sales = "
name: Sales
passwordPolicyRef: {name: Corporate Strong}
adoptionPolicy: Overwrite
sourceRefs: [{name: Salesforce}, {name: G Suite}]
";
    world.apply_group("sales", sales).await;
    world.wait_ready("sales").await;
    for name in ["shared", "sales"] {
        world.delete_group(name).await;
        world.wait_gone(name).await;
    }

    let lines = world.operator().trail();
    let shown = || format!("{lines:#?}");
    assert_eq!(
        in_the_trail(&lines),
        in_the_ledger(&world).await,
        "{}",
        shown()
    );
    lines.iter().for_each(check_schema);

    let find = |found: &dyn Fn(&Value) -> bool| -> Vec<&Value> {
        lines.iter().filter(|line| found(line)).collect()
    };
    let unknown = find(&|line| line["result"]["outcome"] == "unknown");
    assert_eq!(unknown.len(), 1, "{}", shown());
    assert_eq!(unknown[0]["annotations"], json!({TICKET: "CHG1"}));
    let not_made = find(&|line| line["result"]["status"] == 429);
    assert_eq!(not_made.len(), 1, "{}", shown());
    let made =
        find(&|line| line["operation"] == "createGroup" && line["result"]["outcome"] == "made");
    assert_eq!(made.len(), 1, "{}", shown());
    assert_eq!(made[0]["manager"]["name"], "psg-tests");

    // It left, and got the group's policy of its own.
    let left =
        find(&|line| line["operation"] == "assignPolicy" && line["id"] == salesforce.as_str());
    let after = json!({"policies": [{"policyId": strong, "exception": false}]});
    assert_eq!(left[0]["after"], after, "{}", shown());
    let overwritten =
        find(&|line| line["operation"] == "updateGroup" && line["resource"]["name"] == "sales");
    assert_eq!(overwritten[0]["before"]["policyId"], standard.as_str());
    assert_eq!(overwritten[0]["after"]["policyId"], strong.as_str());

    // What each had is told as it was, not only in the right form.
    let on_source = |policy: &str| json!({"policies": [{"policyId": policy, "exception": false}]});
    assert_eq!(left[0]["before"], on_source(&standard), "{}", shown());
    let edited =
        find(&|line| line["operation"] == "updateGroup" && line["resource"]["name"] == "shared");
    let made_of = |name: &str, sources: &[&String]| {
        let sources: BTreeSet<&&String> = sources.iter().collect();
        json!({"name": name, "policyId": strong, "sourceIds": sources})
    };
    let three = [&salesforce, &workday, &github];
    assert_eq!(edited[0]["before"], made_of("Shared Password", &three));
    let last = edited.last().unwrap();
    assert_eq!(last["before"], made_of("Renamed", &three), "{}", shown());
    assert_eq!(last["after"], made_of("Renamed", &three[1..]));

    let planned =
        find(&|line| line["operation"] == "deleteGroup" && line["resource"]["name"] == "shared");
    let ended = find(&|line| line["kind"] == "reassigned" && line["resource"]["name"] == "shared");
    assert_eq!((planned.len(), ended.len()), (1, 1), "{}", shown());
    assert_eq!(planned[0]["before"], made_of("Renamed", &three[1..]));
    for source in ended[0]["sources"].as_array().unwrap() {
        assert_eq!(
            (&source["by"], &source["after"]),
            (&json!("operator"), &json!(strong))
        );
        let before = (source["id"] == workday.as_str()).then_some(&standard);
        assert_eq!(source["before"], json!(before), "{}", shown());
        let mut plan = source.clone();
        for field in ["by", "skipped"] {
            plan.as_object_mut().unwrap().remove(field);
        }
        assert!(
            planned[0]["sources"].as_array().unwrap().contains(&plan),
            "{}",
            shown()
        );
    }
    assert_eq!(ended[0]["sources"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn what_is_orphaned_is_told_with_all_that_was_known() {
    let mut world = world("trail-orphan").await;
    world
        .apply_group("shared", &format!("{SPEC}deletionPolicy: Orphan"))
        .await;
    world.wait_ready("shared").await;
    let status = world.status("shared").await;
    world.delete_group("shared").await;
    world.wait_gone("shared").await;
    let lines = world.operator().trail();
    lines.iter().for_each(check_schema);
    let orphaned: Vec<_> = lines
        .iter()
        .filter(|line| line["kind"] == "orphaned")
        .collect();
    assert_eq!(orphaned.len(), 1, "{lines:#?}");
    assert_eq!(orphaned[0]["id"], status["groupID"]);
    assert_eq!(orphaned[0]["record"]["sources"], status["sources"]);
    world.wait_metric("psg_orphaned_total 1").await;
    world.wait_metric("psg_audit_lines_waiting 0").await;
}

#[tokio::test]
async fn an_operator_whose_audit_log_cannot_be_opened_does_not_run() {
    let world = World::still("trail-nowhere", "v1")
        .without_operator()
        .start()
        .await;
    let flags = ["--audit-log=/nowhere/audit.jsonl"];
    let mut operator = Operator::spawn(world.plane, &[&*world.namespace], &flags, &[]);
    assert!(!operator.wait_ended().await.success());
    assert!(
        operator.log().contains("correct --audit-log"),
        "{}",
        operator.log()
    );
}

/// A file for the trail, in a folder of its own.
struct Log {
    folder: Folder,
}

impl Log {
    fn new() -> Self {
        Self {
            folder: Folder::new("trail"),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    fn flag(&self) -> String {
        format!("--audit-log={}", self.file().display())
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.file()).unwrap();
        let lines = text.lines().map(serde_json::from_str);
        lines.map(|line| line.expect("a line of JSON")).collect()
    }

    /// A folder takes the place of the file, so nothing can be written there.
    fn block(&self) {
        std::fs::remove_file(self.file()).unwrap();
        std::fs::create_dir(self.file()).unwrap();
    }

    fn unblock(&self) {
        std::fs::remove_dir(self.file()).unwrap();
    }
}

#[tokio::test]
async fn while_the_audit_log_is_a_folder_nothing_is_written_and_nobody_let_go() {
    let log = Log::new();
    let world = World::still("trail-blocked", "v1").flag(&log.flag());
    let mut world = world.start().await;
    world.apply_group("shared", SPEC).await;
    world.wait_ready("shared").await;
    assert_eq!(log.lines().len(), 1);
    log.block();
    let renamed = json!({"spec": {"name": "Renamed"}});
    world.patch_group("shared", renamed).await;
    let why = "the audit log cannot be written";
    world
        .wait_group("shared", why, |group| said(group, "Ready").contains(why))
        .await;
    assert_eq!(world.tenant.writes().await.len(), 1, "the PUT waits");

    let orphan = json!({"spec": {"deletionPolicy": "Orphan"}});
    world.patch_group("shared", orphan).await;
    world.delete_group("shared").await;
    let operator = world.operator();
    let before = operator.log().matches(why).count();
    wait_for("its end to be tried twice", PATIENCE, async || {
        let more = operator.log().matches(why).count() - before;
        if more >= 2 {
            return Ok(());
        }
        Err(operator.log_tail())
    })
    .await;
    world.group("shared").await;
    log.unblock();
    world.wait_gone("shared").await;
    let kinds: Vec<Value> = log
        .lines()
        .iter()
        .map(|line| line["kind"].clone())
        .collect();
    assert_eq!(kinds, ["orphaned"]);
    assert_eq!(world.tenant.writes().await.len(), 1);
}

#[tokio::test]
async fn lines_that_wait_at_the_end_are_in_the_log() {
    let log = Log::new();
    let world = World::still("trail-waiting", "v1").flag(&log.flag());
    let patient = world.flag("--post-timeout=4s").flag("--settle=4500ms");
    let mut world = patient.start().await;
    let slow =
        json!({"match": "POST /password-sync-groups", "times": 1, "kind": {"delay": {"ms": 3000}}});
    world.tenant.fault(slow).await;
    let made = spec("Shared", &["Salesforce", "Workday"]);
    world.apply_group("shared", &made).await;
    world
        .wait("the POST", async || {
            let sent = world.tenant.writes().await;
            let sent = (!sent.is_empty()).then_some(());
            sent.ok_or_else(|| "none".to_owned())
        })
        .await;
    log.block();
    assert!(world.operator().terminate().await.success());
    let said = world.operator().log();
    let line = said
        .lines()
        .find(|line| line.contains("a line of the audit trail that was not written"));
    let line: Value = serde_json::from_str(line.expect(&said)).unwrap();
    assert_eq!(line["level"], "ERROR");
    let line: Value = serde_json::from_str(line["line"].as_str().unwrap()).unwrap();
    check_schema(&line);
    assert_eq!(line["operation"], "createGroup");
}
