//! What a preview says is what the operator then sends: over random tenants, statuses and manifests, call
//! by call, where the tenant does what the preview assumes and nobody else writes.
//!
//! Two manifests that want the same get it in the order in which the passes of their resources come. Where
//! the calls differ, the operator is run again at other paces: a preview must be one of what it does then.
//! One in a thousand may differ all the same, if the preview says that two resources want the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::{Arc, Mutex},
    time::Duration,
};

use identity_simulator::rng::Rng;
use kube::ResourceExt;
use psg_domain::{Picture, SourceId, TenantKey, TenantName};
use psg_identity::{Client, Credentials, HostPolicy, Lane, Limiters, Options, ReadOnly};
use psg_plan::{
    InUse, Reason, TenantState, TenantView,
    preview::{Change, Ending, Preview, Subject, preview},
};
use psg_snapshot::{Listener, Pictures};
use serde_json::{Value, json};

use super::{
    cluster::NAMESPACE,
    fuse::Fuse,
    in_virtual_time, on_all_cores,
    ports::Ways,
    process::{Life, Process},
    tenant::{CLIENT, SECRET, STANDARD, STRONG, small, source_id, source_name},
    world::World,
};
use crate::group::claims;

/// How many random states are foreseen.
const STATES: u64 = 2_000;
const SOURCES: usize = 7;
const RESOURCES: usize = 4;
/// Longer than anything that a preview foresees takes.
const DONE: Duration = Duration::from_mins(40);

/// The tenant does no more than it is asked, as the preview assumes where the documents are silent.
fn switches() -> Value {
    json!({
        "policy_after_delete": "never", "policy_after_leave": "previous_policy",
        "policy_while_grouped": "hidden", "source_in_two_groups": "refuse",
    })
}

fn spec(rng: &mut Rng) -> Value {
    let mut sources: Vec<usize> = (0..SOURCES).collect();
    rng.shuffle(&mut sources);
    sources.truncate(2 + rng.below(3));
    let mut refs: Vec<Value> = sources
        .iter()
        .map(|n| json!({"name": source_name(*n)}))
        .collect();
    if rng.below(12) == 0 {
        refs.push(json!({"name": "Nowhere"}));
    }
    let pick = |rng: &mut Rng, of: &[&str]| json!(of[rng.below(of.len())]);
    json!({
        "name": pick(rng, &["N1", "N2", "N3", "N4", "N5"]),
        "passwordPolicyRef": {"name": pick(rng, &["Strong", "Standard"])},
        "sourceRefs": refs,
        "adoptionPolicy": pick(rng, &["IfIdentical", "Overwrite", "Overwrite", "Never"]),
        "managementPolicy": pick(rng, &["Enforce", "Enforce", "Enforce", "OnChange", "Observe"]),
        "deletionPolicy": pick(rng, &["Delete", "Delete", "Orphan"]),
    })
}

/// People apply, edit and delete some of the resources, and another hand changes the tenant.
fn changed(rng: &mut Rng, world: &World) {
    for number in 0..RESOURCES {
        let name = format!("g{number}");
        match rng.below(4) {
            0 => world.cluster.delete(&name),
            1 | 2 => world.cluster.apply(&name, &spec(rng)),
            _ => {}
        }
    }
    let policy = |rng: &mut Rng| [STRONG, STANDARD][rng.below(2)].to_owned();
    let name = ["N1", "N2", "N3", "N4", "N5"][rng.below(5)];
    match rng.below(6) {
        0 => world.edit_group(name, |group| group.password_policy_id = Some(policy(rng))),
        1 => world.drop_group(name),
        2 => world.assign(&source_id(rng.below(SOURCES)), &policy(rng)),
        3 => {
            let free = world.free_sources();
            let free: Vec<usize> = (0..SOURCES)
                .filter(|n| free.contains(&source_id(*n)))
                .take(2)
                .collect();
            if free.len() == 2 {
                world.add_group(name, &policy(rng), &free);
            }
        }
        _ => {}
    }
}

/// What a client that can send no write reads.
async fn picture(world: &Arc<World>) -> (Picture, TenantKey) {
    let ways = Ways {
        life: 0,
        world: Arc::clone(world),
        fuse: Arc::new(Fuse::new(None, &world.over)),
        pace: Arc::new(|| Duration::ZERO),
        fenced: Arc::default(),
    };
    let data = [
        ("baseUrl", "https://acme.api.identitynow.com"),
        ("clientId", CLIENT),
        ("clientSecret", SECRET),
    ];
    let data = data.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
    let credentials = Credentials::parse(&data.into(), &HostPolicy::default()).unwrap();
    let transport = Arc::new(ReadOnly::new(Arc::new(ways)));
    let client = Client::new(
        credentials,
        Options::default(),
        transport,
        &Limiters::default(),
    );
    let key = client.token_info().await.unwrap().key;
    let nobody: Listener = Arc::new(|_, _| {});
    let snapshot = Pictures::default().open(client, Arc::clone(&world.clock), &nobody);
    snapshot.read((world.clock)()).await.unwrap();
    let sources: Vec<SourceId> = (0..SOURCES)
        .map(|n| SourceId::parse(&source_id(n)).unwrap())
        .collect();
    assert!(snapshot.read_holders(&sources, Lane::Read).await.is_empty());
    (snapshot.with(Picture::clone), key)
}

async fn foreseen(world: &Arc<World>) -> Preview {
    let (picture, key) = picture(world).await;
    let view = TenantView {
        in_use: InUse::Held,
        ..TenantView::of(TenantState::Ready, Some(key))
    };
    let place = TenantName::new(NAMESPACE, "default");
    let subjects = world.cluster.groups.all().into_iter().map(|group| Subject {
        object: claims::object(&group),
        created: group.creation_timestamp().unwrap().0,
        tenant: place.clone(),
        desired: group.spec.desired().map_err(|error| error.to_string()),
        recorded: group
            .status
            .as_ref()
            .map(|status| status.recorded().unwrap())
            .unwrap_or_default(),
        stalled: group
            .stalled()
            .and_then(|(reason, _)| Reason::named(reason)),
        stalled_since: group.stalled_since(),
    });
    let subjects: Vec<Subject> = subjects.collect();
    let views = BTreeMap::from([(place.clone(), view)]);
    preview(subjects, picture, &views, (world.clock)())
}

/// A write as a preview and a ledger have it alike: the method, and what it is about.
fn planned(preview: &Preview) -> Vec<Vec<String>> {
    let each = preview.outlooks.iter().map(|outlook| {
        let changes = outlook.changes.iter();
        let said = changes.filter_map(|planned| match &planned.change {
            Change::Adopt(_) => None,
            Change::Create(group) => {
                let policy = group.policy.as_ref().map(ToString::to_string);
                let sources: BTreeSet<String> =
                    group.sources.iter().map(ToString::to_string).collect();
                Some(format!("POST {} {policy:?} {sources:?}", group.name))
            }
            Change::Update(id, _) => Some(format!("PUT {id}")),
            Change::Delete(id) => Some(format!("DELETE {id}")),
            Change::Assign(source, policy) => {
                let policy = policy.as_ref().map(ToString::to_string);
                Some(format!("PATCH {source} {policy:?}"))
            }
        });
        said.collect()
    });
    each.collect()
}

fn sent(world: &World, since: u64) -> Vec<String> {
    let tenant = world.tenant.lock().unwrap();
    let writes = tenant
        .ledger()
        .since(since)
        .filter(|entry| entry.method != "GET" && !entry.route.contains("oauth"));
    writes
        .map(|entry| {
            let body: Value = entry
                .request_body
                .as_deref()
                .and_then(|body| serde_json::from_str(body).ok())
                .unwrap_or_default();
            let parts: Vec<&str> = entry.path.split('/').collect();
            let text = |value: &Value| value.as_str().map(str::to_owned);
            match entry.method.as_str() {
                "POST" => {
                    let sources: BTreeSet<String> = body["sourceIds"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .filter_map(text)
                        .collect();
                    let policy = text(&body["passwordPolicyId"]);
                    let name = text(&body["name"]).unwrap();
                    format!("POST {name} {policy:?} {sources:?}")
                }
                "PATCH" => {
                    let policy = text(&body[0]["policyId"]);
                    format!("PATCH {} {policy:?}", parts[parts.len() - 2])
                }
                method => format!("{method} {}", parts[parts.len() - 1]),
            }
        })
        .collect()
}

/// What the state of a seed leads to; the operator that comes after the preview is of that pace.
async fn state(seed: u64, latency: &Value, pace: Life) -> Result<usize, String> {
    let mut rng = Rng::new(seed);
    let world = World::new(small(SOURCES, &switches(), latency, seed));
    for number in 0..=rng.below(RESOURCES - 1) {
        world.cluster.apply(&format!("g{number}"), &spec(&mut rng));
    }
    if rng.below(2) == 0 {
        world.add_group("N1", STANDARD, &[0, 1]);
    }
    let before = Process::start(&world, Life::default());
    tokio::time::sleep(DONE).await;
    drop(before);
    changed(&mut rng, &world);
    let mark = world
        .tenant
        .lock()
        .unwrap()
        .ledger()
        .since(0)
        .last()
        .map_or(0, |it| it.seq);
    let preview = foreseen(&world).await;
    assert_eq!(
        sent(&world, mark),
        Vec::<String>::new(),
        "a plan writes nothing"
    );
    let _after = Process::start(&world, pace);
    tokio::time::sleep(DONE).await;
    let (planned, sent) = (planned(&preview), sent(&world, mark));
    let wrong = differs(&planned, &sent).or_else(|| says_too_little(&preview, &world));
    match wrong {
        None => Ok(sent.len()),
        Some(wrong) => Err(format!(
            "seed {seed}: {wrong}\nplanned {planned:#?}\nsent {sent:#?}\n{:#?}\n{}",
            preview.outlooks,
            world.story()
        )),
    }
}

/// The same calls, and one came earlier because another resource was done earlier.
const ORDER: &str = "the same calls in another order";

/// Whether other calls were sent than planned, or those of one resource in another order.
fn differs(planned: &[Vec<String>], sent: &[String]) -> Option<String> {
    let mut all: Vec<&String> = planned.iter().flatten().collect();
    let mut found: Vec<&String> = sent.iter().collect();
    all.sort();
    found.sort();
    if all != found {
        return Some("other calls".to_owned());
    }
    let out_of_order = planned.iter().find(|one| {
        let mut rest = sent.iter();
        !one.iter().all(|call| rest.any(|sent| sent == call))
    });
    out_of_order.map(|one| format!("{ORDER} than {one:?}"))
}

/// A resource that is refused and becomes ready all the same, or the other way round.
fn says_too_little(preview: &Preview, world: &World) -> Option<String> {
    let wrong = preview.outlooks.iter().find(|outlook| {
        let Some(group) = world.cluster.groups.get(&outlook.name.name) else {
            return outlook.ending != Ending::Gone;
        };
        let conditions = group.status.iter().flat_map(|status| &status.conditions);
        let mut ready = conditions.filter(|it| it.type_ == "Ready");
        let is_ready = ready.any(|it| it.status == "True");
        is_ready != (outlook.ending == Ending::InSync)
    });
    wrong.map(|outlook| format!("{:?} ends otherwise", outlook.name))
}

/// The most that a call of the API server takes, and how long an answer of the tenant takes, in
/// milliseconds: other orders of the passes.
const PACES: [(u64, u64); 6] = [
    (1, 0),
    (20, 100),
    (300, 0),
    (2_000, 50),
    (0, 100),
    (0, 1_000),
];

fn at_pace(seed: u64, (api, answer): (u64, u64)) -> bool {
    let life = Life {
        pace: Duration::from_millis(api),
        seed: Some(seed),
        ..Life::default()
    };
    let latency = json!({"fixed": {"ms": answer}});
    in_virtual_time(state(seed, &latency, life)).is_ok()
}

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn what_a_preview_says_is_what_the_operator_then_sends() {
    let (first, states) = match asked("PSG_SEED") {
        Some(seed) => (seed, 1),
        None => (0, asked("PSG_STATES").unwrap_or(STATES)),
    };
    let (writes, wrong) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let (raced, contested) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    on_all_cores(first..first + states, |seed| {
        match in_virtual_time(state(seed, &json!("none"), Life::default())) {
            Ok(sent) => writes.lock().unwrap().push(sent),
            Err(told) if told.contains(ORDER) || PACES.into_iter().any(|it| at_pace(seed, it)) => {
                raced.lock().unwrap().push(told);
            }
            Err(told) if told.contains(Reason::OwnedByAnother.as_str()) => {
                contested.lock().unwrap().push(told);
            }
            Err(told) => wrong.lock().unwrap().push(told),
        }
        ControlFlow::Continue(())
    });
    let (writes, wrong) = (writes.into_inner().unwrap(), wrong.into_inner().unwrap());
    let some = writes.iter().filter(|count| **count > 0).count();
    let all: usize = writes.iter().sum();
    let raced = raced.into_inner().unwrap().len();
    let contested = contested.into_inner().unwrap();
    let few = u64::try_from(contested.len()).unwrap() * 1_000 <= states;
    assert!(
        few,
        "{} of {states} are contested:\n{}",
        contested.len(),
        contested[0]
    );
    println!(
        "{} states as foreseen, {some} of them with writes, {all} in all; {raced} more at another pace or in another order, {} contested",
        writes.len(),
        contested.len()
    );
    let seeds: Vec<_> = wrong.iter().map(|told| told.lines().next()).collect();
    assert!(
        wrong.is_empty(),
        "{} of {states}: {seeds:#?}\n{}",
        wrong.len(),
        wrong[0]
    );
    assert!(
        states == 1 || some * 3 > writes.len() && raced * 50 < writes.len(),
        "{some} states with writes, {raced} at another pace"
    );
}
