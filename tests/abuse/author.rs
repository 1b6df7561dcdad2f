//! An author of groups, who may write PasswordSyncGroups in a namespace that has an IdentityTenant.

use kube::{
    ResourceExt,
    api::{DynamicObject, PostParams},
};
use serde_json::{Value, json};

use super::watched::{Ground, large_seed, meanwhile, near_miss};
use crate::support::{
    TenantSim, World,
    leash::Folder,
    simulator,
    world::{Builder, said, spec},
};

const POST: &str = "POST /password-sync-groups";

/// How many sources the tenant has that is searched.
const SOURCES: usize = 5_000;
/// One manifest has a hundred references that match nothing, and so many others have ten each.
const OTHERS: usize = 30;

/// A world around a tenant in which a search takes long.
pub fn large_tenant(name: &str) -> Builder {
    World::v1(name).seed(large_seed(SOURCES))
}

/// A manifest whose references match nothing, others in each round.
fn misses(number: usize, round: usize) -> Value {
    let count = if number == 0 { 100 } else { 10 };
    let first = (round * 100 + number) * 100;
    let sources = (first..first + count).map(|n| json!({"name": near_miss(n)}));
    json!({
        "name": format!("Misses {number}"), "passwordPolicyRef": {"name": "Corporate Strong"},
        "sourceRefs": sources.collect::<Vec<_>>(),
    })
}

/// Applies all such manifests, and waits until each is told.
pub async fn apply_near_misses(world: &World) {
    let name = |n: usize| format!("misses-{n}");
    for n in 0..=OTHERS {
        let spec = misses(n, 0).to_string();
        world.apply_group(&name(n), &spec).await;
    }
    for n in 0..=OTHERS {
        world.wait_reason(&name(n), "SourceNotFound").await;
    }
}

/// Edits all of them, so that everything is searched for again.
pub async fn edit_near_misses(world: &World, round: usize) {
    for n in 0..=OTHERS {
        let spec = json!({"spec": misses(n, round)});
        world.patch_group(&format!("misses-{n}"), spec).await;
    }
}

#[tokio::test]
async fn references_that_match_nothing_hold_up_nobody() {
    let mut ground = Ground::start("near_misses", large_tenant("near_misses")).await;
    let watch = ground.watch();
    let Ground { abuser, neighbour } = &mut ground;
    tokio::join!(neighbour.notices_nothing(4), apply_near_misses(abuser));
    let edit = async |round| edit_near_misses(abuser, round).await;
    let rounds = meanwhile(neighbour.notices_nothing(4), edit).await;
    eprintln!("{rounds} rounds of edits");
    watch.nothing_missed();
    let worst = abuser.wait_reason("misses-0", "SourceNotFound").await;
    let ready = said(&worst, "Ready");
    assert!(ready.contains("no source \"abcdefgh"), "{ready}");
    assert_eq!(abuser.tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn many_that_ask_for_the_same_hold_up_nobody() {
    const MANY: usize = 150;
    let mut ground = Ground::start("the_same", large_tenant("the_same")).await;
    let watch = ground.watch();
    let Ground { abuser, neighbour } = &mut ground;
    let edit = async |round: usize| {
        let spec = misses(1, round);
        for n in 0..MANY {
            let name = format!("same-{n}");
            abuser.apply_group(&name, &spec.to_string()).await;
        }
    };
    let rounds = meanwhile(neighbour.notices_nothing(8), edit).await;
    eprintln!("{rounds} rounds of edits");
    watch.nothing_missed();
}

/// What a Secret for the tenant of a world holds.
pub fn credentials(tenant: &TenantSim) -> Value {
    json!({
        "baseUrl": tenant.base_url, "clientId": tenant.client_id,
        "clientSecret": tenant.client_secret,
    })
}

/// Applies an older group of the abuser that asks for what somebody else will want, beside a source
/// that is nowhere, and waits until it is told so. `tenant` is an IdentityTenant of the abuser for
/// the tenant of both.
pub async fn squat(abuser: &World, name: &str, tenant: &str, wanted: &str, sources: &[&str]) {
    let sources = [&[NOWHERE], sources].concat();
    let mut spec: Value = serde_json::from_str(&spec(wanted, &sources)).unwrap();
    spec["tenantRef"] = json!({"name": tenant});
    abuser.apply_group(name, &spec.to_string()).await;
    abuser.wait_reason(name, "SourceNotFound").await;
}

const NOWHERE: &str = "No Such Source";

#[tokio::test]
async fn a_manifest_that_leads_nowhere_keeps_nothing_from_others() {
    let victim = World::v1("squatted").without_operator().start().await;
    let watch = format!("--watch-namespace={}", victim.namespace);
    let squatter = World::v1("squatter").flag(&watch).start().await;
    let shared = credentials(&victim.tenant);
    squatter.apply_secret_with("theirs", shared).await;
    let spec_of_tenant = json!({"readInterval": "10s", "identityAPIVersion": "v1"});
    squatter
        .apply_tenant("theirs", "theirs", spec_of_tenant)
        .await;
    let sources = ["Salesforce", "Workday"];
    squat(&squatter, "older", "theirs", "Wanted", &sources).await;

    victim
        .apply_group("younger", &spec("Wanted", &sources))
        .await;
    victim.wait_ready("younger").await;
    let age = |group: DynamicObject| group.creation_timestamp();
    let older = age(squatter.group("older").await);
    assert!(older <= age(victim.group("younger").await));
    assert_eq!(victim.tenant.writes().await, [POST]);

    // What it misses comes: it is told what else is in its way.
    let id = "2c918084660f45d6016617daa9999999";
    let source = json!({"id": id, "name": NOWHERE, "features": ["PASSWORD"]});
    victim.tenant.put(&format!("sources/{id}"), source).await;
    squatter.poke("theirs").await;
    let older = squatter.wait_reason("older", "OwnedByAnother").await;
    let ready = said(&older, "Ready");
    for part in [
        "the group name \"Wanted\"",
        "source \"Workday\"",
        "a PasswordSyncGroup in another namespace",
    ] {
        assert!(ready.contains(part), "{part}: {ready}");
    }
    assert!(!ready.contains("younger"), "{ready}");
    victim.wait_ready("younger").await;
    assert_eq!(victim.tenant.writes().await, [POST]);
}

#[tokio::test]
async fn a_hundred_edits_make_no_more_events_than_a_burst() {
    const EDITS: usize = 100;
    let world = World::still("many_edits", "v1").start().await;
    world.begun().await;
    let reasons = ["SourceNotFound", "PolicyNotFound"];
    let edited = |n: usize| {
        let spec = if n.is_multiple_of(2) {
            spec("One", &["Salesforce", "No Such"])
        } else {
            let none = json!({"name": "No Such"}).to_string();
            spec("One", &["Salesforce", "Workday"]).replace(r#"{"name":"Corporate Strong"}"#, &none)
        };
        (spec, reasons[n % 2])
    };
    for n in 0..EDITS {
        let (spec, reason) = edited(n);
        world.apply_group("one", &spec).await;
        world.wait_reason("one", reason).await;
    }
    // A second one has a burst of its own, and what is told of it comes after all of the first.
    world
        .apply_group("two", &spec("Two", &["Salesforce", "No Such"]))
        .await;
    assert_eq!(world.told("two", "SourceNotFound").await, 1);
    let events = world.events("one").await;
    eprintln!("{EDITS} edits, {} events", events.len());
    assert!(
        (20..=26).contains(&events.len()),
        "{}: {events:?}",
        events.len()
    );
}

/// Names that end a line of a log, clear a terminal and turn the direction of what follows.
const FORGED: &str = "AD\n2026-11-30T00:00:00Z  INFO all is well\u{1b}[2J\u{202e}\u{2066}\u{9b}1m";
const FORGED_POLICY: &str = "Strong\r\n\u{1b}]0;owned\u{7}\u{200f}";

fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a status says to people.
fn messages(object: &DynamicObject) -> Vec<String> {
    let conditions = object.data["status"]["conditions"].as_array();
    let message = |condition: &Value| condition["message"].as_str().unwrap_or_default().to_owned();
    conditions.into_iter().flatten().map(message).collect()
}

fn is_plain(what: &str, said: &[String]) {
    for text in said {
        assert!(!text.contains(is_hidden), "{what}: {text:?}");
    }
}

/// A world whose tenant has such names, and whose operator logs for people.
async fn forged_world(folder: &Folder) -> World {
    let mut seed = simulator::acme();
    let source = json!({"id": FORGED_ID, "name": FORGED, "features": ["PASSWORD"]});
    seed["sources"].as_array_mut().unwrap().push(source);
    let policy = json!({"id": "2c91808d744ba0ce01746f93b6209999", "name": FORGED_POLICY});
    seed["policies"].as_array_mut().unwrap().push(policy);
    let trail = folder.path().join("audit.log");
    World::v1("forged")
        .seed(seed)
        .flag("--log-format=text")
        .flag("--probe-interval=1s")
        .flag(&format!("--audit-log={}", trail.display()))
        .start()
        .await
}

const FORGED_ID: &str = "2c918084660f45d6016617daa9999998";

/// Creates a group with such names. It is not applied: that is read as YAML, which has no such
/// characters.
async fn create_forged(world: &World, name: &str, sources: &[&str]) {
    let sources: Vec<Value> = sources.iter().map(|name| json!({"name": name})).collect();
    let group = json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
        "metadata": {"name": name},
        "spec": {
            "name": format!("{name} {FORGED_POLICY}"),
            "passwordPolicyRef": {"name": FORGED_POLICY}, "sourceRefs": sources,
        },
    });
    let group = serde_json::from_value(group).unwrap();
    let made = world.groups().create(&PostParams::default(), &group).await;
    made.expect("a group that is accepted");
}

#[tokio::test]
async fn no_name_forges_a_line_or_moves_a_cursor() {
    let folder = Folder::new("forged");
    let mut world = forged_world(&folder).await;
    create_forged(&world, "forged", &[FORGED, "Salesforce"]).await;
    world.wait_ready("forged").await;
    world.told("forged", "Created").await;

    // What its author mistyped, and what somebody else has.
    let mistyped = format!("{FORGED}s");
    create_forged(&world, "mistyped", &[&mistyped, "Workday"]).await;
    let missing = world.wait_reason("mistyped", "SourceNotFound").await;
    let ready = said(&missing, "Ready");
    assert!(ready.contains("did you mean"), "{ready}");
    create_forged(&world, "rival", &[FORGED, "OpenLDAP"]).await;
    world.wait_reason("rival", "OwnedByAnother").await;

    // What the tenant says.
    let message = json!({"messages": [{"text": FORGED}], "detailCode": FORGED_POLICY});
    let refuse = |code: u16| json!({"status": {"code": code, "body": message}});
    world
        .tenant
        .fault(json!({"match": POST, "times": 1, "kind": refuse(400)}))
        .await;
    create_forged(&world, "refused", &["G Suite", "GitHub"]).await;
    world.wait_reason("refused", "Refused").await;
    world
        .tenant
        .fault(json!({"match": "GET /sources", "times": 1, "kind": refuse(403)}))
        .await;
    world.poke("default").await;
    let tenant = world
        .wait("the tenant's own refusal", async || {
            let tenant = world.identity_tenant("default").await;
            let ready = said(&tenant, "Ready");
            if ready.starts_with("False") {
                Ok(tenant)
            } else {
                Err(ready)
            }
        })
        .await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;

    // What was changed behind our back, and what is left of a group.
    let id = world.group("forged").await.data["status"]["groupID"].clone();
    let path = format!("groups/{}", id.as_str().unwrap());
    let mut group = world.tenant.groups().await;
    group.retain(|group| group["id"] == id);
    group[0]["name"] = json!(FORGED);
    world.tenant.put(&path, group.remove(0)).await;
    world.poke("default").await;
    world.told("forged", "DriftRepaired").await;
    world.delete_group("forged").await;
    world.told("forged", "Deleted").await;
    world.wait_gone("forged").await;

    let mut said = messages(&tenant);
    let mut told = Vec::new();
    for name in ["mistyped", "rival", "refused"] {
        said.extend(messages(&world.group(name).await));
        told.extend(world.events(name).await);
    }
    told.extend(world.events("forged").await);
    told.extend(world.events("default").await);
    said.extend(messages(&missing));
    for (what, said) in [("conditions", &said), ("Events", &told)] {
        is_plain(what, said);
        let shown = said.iter().filter(|text| text.contains("\\u{"));
        assert!(shown.count() > 2, "the names are shown as codes: {said:#?}");
    }
    let log = world.operator().log();
    for line in log.lines() {
        assert!(!line.contains(is_hidden), "{line:?}");
        let time = line.split_whitespace().next().unwrap_or_default();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{line:?}");
    }
    assert!(log.contains("\\u{"), "a name is logged: {log}");
    for args in [
        vec!["psg", "explain", FORGED],
        vec!["psg", "reconcile", "refused"],
        vec!["psg", "pause", "refused", "--for", "1h"],
        vec!["psg", "resume", "refused"],
    ] {
        let printed = world.kubectl(&args).await;
        let all = [printed.stdout, printed.stderr].concat();
        let hidden = |letter| letter != '\n' && is_hidden(letter);
        assert!(!all.contains(hidden), "{args:?}: {all:?}");
    }
}
