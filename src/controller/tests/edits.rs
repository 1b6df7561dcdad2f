//! Chains of edits made from the definitions' own schemas: to something else and back must end
//! where it began, and what was in error recovers when it is mended. A field that is added to a
//! kind is edited here without a word, or makes this fail until it is said how.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use identity_simulator::rng::Rng;
use serde_json::{Map, Value, json};

use super::{
    in_virtual_time,
    process::{Life, Process},
    tenant::{STANDARD, small, source_name},
    world::World,
};

const CHAINS: u64 = 400;
/// Of the kind that must change each field so often.
const LONG: u64 = 800;
/// How often each field is changed, at least.
const EACH: usize = 100;
/// Longer than any forced wait of an edit.
const SETTLED: Duration = Duration::from_mins(15);
/// Sources that are free; two more are in a group that no resource manages.
const FREE: usize = 5;

/// The fields that an edit may not change, or that lead to another object than these tests have.
const LEFT_ALONE: [&str; 3] = ["tenantRef.name", "groupID", "credentialsSecretRef.name"];

/// The schema of a kind's spec, as it is installed.
fn schema(kind: &str) -> Value {
    let crds = psg_api::crds::all();
    let crd = crds.iter().find(|crd| crd.spec.names.kind == kind).unwrap();
    let crd = serde_json::to_value(crd).unwrap();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
}

/// Something that the schema allows at a path; `sound` says whether a tenant can have it.
fn value(rng: &mut Rng, path: &str, schema: &Value, sound: bool) -> Value {
    if let Some(words) = schema["enum"].as_array() {
        return words[rng.below(words.len())].clone();
    }
    let text = |of: &[&str], rng: &mut Rng| json!(of[rng.below(of.len())]);
    match (path, schema["type"].as_str().unwrap_or_default()) {
        ("name", _) => text(&["N1", "N2", "N3"], rng),
        ("passwordPolicyRef", _) if !sound && rng.below(2) == 0 => {
            json!({"name": "No such policy"})
        }
        ("passwordPolicyRef", _) => match rng.below(3) {
            0 => json!({"name": "Strong"}),
            1 => json!({"name": "Standard"}),
            _ => json!({"id": STANDARD}),
        },
        ("sourceRefs", _) => {
            let mut sources: Vec<usize> = (0..FREE).collect();
            rng.shuffle(&mut sources);
            sources.truncate(2 + rng.below(FREE - 2));
            let mut refs: Vec<Value> = sources
                .iter()
                .map(|n| json!({"name": source_name(*n)}))
                .collect();
            if !sound {
                let wrong = [json!("No such source"), json!(source_name(FREE))];
                refs.push(json!({"name": wrong[rng.below(2)]}));
            }
            json!(refs)
        }
        ("readInterval" | "rateLimit.per", _) => text(&["10s", "45s", "2m"], rng),
        ("passwordChanges.interval", _) => text(&["1m", "5m", "1h"], rng),
        (_, "boolean") => json!(rng.below(2) == 0),
        (_, "integer") => {
            // Bounds are whole numbers that the schema may write as any number.
            let bound = |name: &str| -> u64 {
                let bound = schema[name]
                    .as_f64()
                    .unwrap_or_else(|| panic!("{path}: no {name}"));
                format!("{bound:.0}").parse().unwrap()
            };
            let (least, most) = (bound("minimum"), bound("maximum"));
            json!(least + rng.bits() % (most - least + 1))
        }
        (_, "object") => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let each = fields.filter_map(|(name, schema)| {
                let path = format!("{path}.{name}");
                (!LEFT_ALONE.contains(&&*path))
                    .then(|| (name.clone(), value(rng, &path, schema, sound)))
            });
            Value::Object(each.collect())
        }
        (path, kind) => {
            panic!("{path}: a {kind} of which this test does not know what to put there")
        }
    }
}

/// A whole spec; what is left alone comes from `fixed`.
fn spec(rng: &mut Rng, schema: &Value, fixed: &Map<String, Value>) -> Map<String, Value> {
    let mut spec = fixed.clone();
    for (field, schema) in editable(schema) {
        spec.insert(field.to_owned(), value(rng, field, schema, true));
    }
    spec
}

fn editable(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let leads = |field: &str| {
        LEFT_ALONE
            .iter()
            .any(|left| left.split('.').next() == Some(field))
    };
    fields
        .map(|(field, schema)| (field.as_str(), schema))
        .filter(move |(field, _)| !leads(field))
}

/// One to three fields changed; which.
fn edited(
    rng: &mut Rng,
    schema: &Value,
    from: &Map<String, Value>,
    sound: bool,
) -> (Map<String, Value>, BTreeSet<String>) {
    let fields: Vec<(&str, &Value)> = editable(schema).collect();
    let (mut to, mut changed) = (from.clone(), BTreeSet::new());
    for _ in 0..=rng.below(3) {
        let (field, schema) = fields[rng.below(fields.len())];
        to.insert(field.to_owned(), value(rng, field, schema, sound));
    }
    if !sound {
        let (field, schema) = ("sourceRefs", &schema["properties"]["sourceRefs"]);
        to.insert(field.to_owned(), value(rng, field, schema, false));
    }
    changed.extend(
        to.keys()
            .filter(|field| to.get(*field) != from.get(*field))
            .cloned(),
    );
    (to, changed)
}

/// Everything that a manifest decides, and nothing that time does.
fn outcome(world: &World) -> Value {
    let group = world.cluster.groups.get("g").unwrap();
    let status = group.status.clone().unwrap_or_default();
    let conditions: BTreeMap<String, (String, String)> = status
        .conditions
        .iter()
        .map(|condition| {
            let said = (condition.status.clone(), condition.reason.clone());
            (condition.type_.clone(), said)
        })
        .collect();
    let sources: BTreeSet<String> = status
        .sources
        .iter()
        .map(|source| source.id.clone())
        .collect();
    json!({
        "groups": world.groups(), "ruled": world.policies(), "conditions": conditions, "sources": sources,
        "finalizers": group.metadata.finalizers, "policy": status.policy.map(|policy| policy.id),
    })
}

fn play(seed: u64, chain: impl AsyncFnOnce(Rng, Arc<World>)) {
    in_virtual_time(async {
        let world = World::new(small(FREE + 2, &json!({}), &json!("none"), seed));
        world.add_group("Foreign", STANDARD, &[FREE, FREE + 1]);
        chain(Rng::new(seed), world).await;
    });
}

/// `PSG_SEED=N` plays one again; false then.
fn each_seed(seeds: u64, play: impl Fn(u64)) -> bool {
    let one = std::env::var("PSG_SEED").ok();
    let one: Option<u64> = one.and_then(|seed| seed.parse().ok());
    for seed in one.map_or(0..seeds, |seed| seed..seed + 1) {
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(seed)));
        assert!(
            played.is_ok(),
            "the chain of seed {seed}; to see it again: PSG_SEED={seed} cargo test -p psg-controller edits -- --nocapture"
        );
    }
    one.is_none()
}

/// A first spec that is in force at once, whatever the others are.
fn begin(rng: &mut Rng, schema: &Value) -> Map<String, Value> {
    let mut first = spec(rng, schema, &Map::new());
    first.insert("managementPolicy".to_owned(), json!("Enforce"));
    // A resource that only observed a group gives it up, and `Never` would not take it back.
    first.insert(
        "adoptionPolicy".to_owned(),
        json!(["IfIdentical", "Overwrite"][rng.below(2)]),
    );
    first
}

#[test]
fn an_edit_and_back_ends_where_it_began() {
    let schema = schema("PasswordSyncGroup");
    let counts = Mutex::new(BTreeMap::<String, usize>::new());
    let whole = each_seed(LONG, |seed| {
        play(seed, async |mut rng, world| {
            let first = begin(&mut rng, &schema);
            world.cluster.apply("g", &json!(first));
            let _process = Process::start(&world, Life::default());
            tokio::time::sleep(SETTLED).await;
            let before = outcome(&world);
            assert_eq!(
                before["conditions"]["Ready"][0], "True",
                "{first:?} {before:#}"
            );
            let (second, changed) = edited(&mut rng, &schema, &first, true);
            for field in changed {
                *counts.lock().unwrap().entry(field).or_default() += 1;
            }
            world.cluster.apply("g", &json!(second));
            // Before it is carried out, in the middle, or long after.
            tokio::time::sleep([Duration::ZERO, Duration::from_millis(3), SETTLED][rng.below(3)])
                .await;
            world.cluster.apply("g", &json!(first));
            tokio::time::sleep(SETTLED).await;
            assert_eq!(
                outcome(&world),
                before,
                "{first:?} and {second:?}\n{}",
                world.story()
            );
            world
                .must_rest(Duration::from_mins(12), "after an edit and back")
                .await;
        });
    });
    let counts = counts.into_inner().unwrap();
    for (field, _) in editable(&schema) {
        let times = counts.get(field).copied().unwrap_or(0);
        assert!(
            times >= EACH || !whole,
            "{field} was edited {times} times: {counts:?}"
        );
    }
    println!("{LONG} chains; edits of each field: {counts:?}");
}

#[test]
fn what_was_in_error_recovers_when_it_is_mended() {
    let schema = schema("PasswordSyncGroup");
    each_seed(CHAINS, |seed| {
        play(seed, async |mut rng, world| {
            let first = begin(&mut rng, &schema);
            let (wrong, _) = edited(&mut rng, &schema, &first, false);
            let fresh = rng.below(2) == 0;
            if !fresh {
                world.cluster.apply("g", &json!(first));
            }
            let _process = Process::start(&world, Life::default());
            tokio::time::sleep(SETTLED).await;
            world.cluster.apply("g", &json!(wrong));
            tokio::time::sleep(SETTLED).await;
            let in_error = outcome(&world);
            assert_eq!(
                in_error["conditions"]["Ready"][0], "False",
                "{wrong:?} {in_error:#}"
            );
            world.must_rest(Duration::from_mins(12), "in error").await;
            world.cluster.apply("g", &json!(first));
            tokio::time::sleep(SETTLED).await;
            let mended = outcome(&world);
            assert_eq!(
                mended["conditions"]["Ready"][0],
                "True",
                "{wrong:?} {first:?}\n{}",
                world.story()
            );
            world.must_rest(Duration::from_mins(12), "mended").await;
        });
    });
}

#[test]
fn how_a_tenant_is_read_changes_nothing_in_it() {
    let (schema, groups) = (schema("IdentityTenant"), schema("PasswordSyncGroup"));
    each_seed(CHAINS, |seed| {
        play(seed, async |mut rng, world| {
            world.cluster.apply("g", &json!(begin(&mut rng, &groups)));
            let _process = Process::start(&world, Life::default());
            tokio::time::sleep(SETTLED).await;
            let (before, writes) = (outcome(&world), world.tenant_writes());
            let fixed = json!({"credentialsSecretRef": {"name": "pat"}});
            for _ in 0..3 {
                let spec = spec(&mut rng, &schema, fixed.as_object().unwrap());
                world.cluster.tenants.apply("default", &json!(spec));
                tokio::time::sleep(Duration::from_mins(3)).await;
            }
            tokio::time::sleep(SETTLED).await;
            let mut after = outcome(&world);
            // Whether this is there is up to the IdentityTenant alone.
            let conditions = after["conditions"].as_object_mut().unwrap();
            conditions.remove("PasswordChangesHealthy");
            assert_eq!((after, world.tenant_writes()), (before, writes));
        });
    });
}
