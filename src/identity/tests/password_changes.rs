//! Tests: what events and statuses say of password changes is what the simulator knows, over seeded
//! runs of changes, faults of sources and edits of groups in virtual time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use identity_simulator::{Account, Endpoint, Identity, Seed};
use jiff::{SignedDuration, Timestamp};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use psg_domain::{
    ApiVersion, ChangeId, Source, SourceId,
    password_changes::{self, ChangeStatus, Failures, SourceOutcome},
};
use serde_json::{Value, json};

use crate::{
    Client, Error, Lane, Page,
    tests::simulated::{A, B, C, STRONG, Simulated},
};

const SOURCES: [&str; 3] = [A, B, C];
/// No password of these tests passes it.
const DEMANDING: &str = "2c91808d744ba0ce01746f93b6204599";
const PEOPLE: [&str; 3] = ["ada", "ben", "cem"];

/// One step of a run.
#[derive(Clone, Debug)]
enum Step {
    Change {
        person: usize,
        source: usize,
        pass_through: bool,
    },
    Reach {
        source: usize,
        reachable: bool,
    },
    Limit {
        source: usize,
        seconds: Option<u64>,
    },
    Group {
        sources: usize,
    },
    Wait {
        seconds: u64,
    },
    Look,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let source = 0..SOURCES.len();
    let step = proptest::prop_oneof![
        4 => (0..PEOPLE.len(), source.clone(), proptest::bool::weighted(0.3))
            .prop_map(|(person, source, pass_through)| Step::Change { person, source, pass_through }),
        2 => (source.clone(), proptest::bool::ANY)
            .prop_map(|(source, reachable)| Step::Reach { source, reachable }),
        1 => (source, proptest::option::of(1..5_000_u64))
            .prop_map(|(source, seconds)| Step::Limit { source, seconds }),
        1 => (0..=SOURCES.len()).prop_map(|sources| Step::Group { sources }),
        2 => (1..4_000_u64).prop_map(|seconds| Step::Wait { seconds }),
        1 => proptest::strategy::Just(Step::Look),
    ];
    proptest::collection::vec(step, 1..25)
}

/// A policy that sources may demand, all accounts of a source change at once, and no exceptions.
fn grow(seed: &mut Seed) {
    let policy = json!({"id": DEMANDING, "name": "Demanding", "minLength": 40});
    seed.policies.push(serde_json::from_value(policy).unwrap());
    let attributes = json!({"multipleAccountPasswordSync": true});
    for source in &mut seed.sources {
        source
            .rest
            .insert("connectorAttributes".to_owned(), attributes.clone());
        source.holders.retain(|holder| holder.selectors.is_none());
    }
}

/// A tenant with three people: of one account, of two accounts on A, and of a locked account.
fn tenant(switches: &Value) -> Arc<Simulated> {
    let simulated = Simulated::grown(switches, grow);
    let account = |source: &str, name: String, locked| Account {
        source: source.to_owned(),
        name,
        locked,
        ..Account::default()
    };
    let person = |name: &str| Identity {
        name: name.to_owned(),
        accounts: [A, B, C]
            .into_iter()
            .zip(0..)
            .map(|(source, number)| {
                account(
                    source,
                    format!("{name}{number}"),
                    name == "cem" && source == B,
                )
            })
            .collect(),
        ..Identity::default()
    };
    let mut people: Vec<Identity> = PEOPLE.into_iter().map(person).collect();
    people[1]
        .accounts
        .push(account(A, "second".to_owned(), false));
    simulated
        .tenant
        .lock()
        .unwrap()
        .put_identities(people, true)
        .unwrap();
    simulated
}

struct Run {
    simulated: Arc<Simulated>,
    client: Client,
    sources: Vec<Source>,
    /// How often each outcome was compared.
    compared: Mutex<BTreeMap<&'static str, usize>>,
}

impl Run {
    async fn new(switches: &Value) -> Self {
        let simulated = tenant(switches);
        let client = simulated.client(ApiVersion::V2025);
        let listed = client
            .list_sources(Page::first(), Lane::Read)
            .await
            .unwrap();
        Self {
            simulated,
            client,
            sources: listed.items,
            compared: Mutex::default(),
        }
    }

    async fn step(&self, step: &Step) {
        match step {
            Step::Change {
                person,
                source,
                pass_through,
            } => {
                let now = self.simulated.now();
                let mut tenant = self.simulated.tenant.lock().unwrap();
                tenant.settle(now);
                tenant
                    .change_password(
                        PEOPLE[*person],
                        SOURCES[*source],
                        "Correct horse 1!",
                        *pass_through,
                        now,
                    )
                    .unwrap();
            }
            Step::Reach { source, reachable } => {
                self.endpoint(*source, |endpoint| endpoint.reachable = *reachable);
            }
            Step::Limit { source, seconds } => {
                self.endpoint(*source, |endpoint| {
                    endpoint.min_seconds_between_changes = *seconds;
                    endpoint.demands = seconds.is_none().then(|| DEMANDING.to_owned());
                });
            }
            Step::Group { sources } => self.group(*sources).await,
            Step::Wait { seconds } => {
                tokio::time::sleep(std::time::Duration::from_secs(*seconds)).await;
            }
            Step::Look => self.compare().await,
        }
    }

    fn endpoint(&self, source: usize, change: impl FnOnce(&mut Endpoint)) {
        let now = self.simulated.now();
        let mut tenant = self.simulated.tenant.lock().unwrap();
        // What is due happens before the endpoint changes.
        tenant.settle(now);
        let mut endpoint = tenant.endpoint(SOURCES[source]);
        change(&mut endpoint);
        tenant.put_endpoint(endpoint);
    }

    /// One group of the first so many sources; none of fewer than two.
    async fn group(&self, sources: usize) {
        let groups = self
            .client
            .list_groups(Page::first(), Lane::Read)
            .await
            .unwrap();
        for group in groups.items {
            self.client
                .delete_group(&group.id, Lane::Deletion)
                .await
                .unwrap();
        }
        if sources >= 2 {
            let ids = SOURCES.iter().take(sources);
            let ids = ids.map(|id| SourceId::parse(id).unwrap()).collect();
            let policy = psg_domain::PolicyId::parse(STRONG).unwrap();
            let created = self
                .client
                .create_group("g", &policy, &ids, Lane::UserChange);
            created.await.unwrap();
        }
    }

    /// What a person is shown equals what the simulator knows, for each change and each source.
    async fn compare(&self) {
        let since = Timestamp::UNIX_EPOCH;
        let now = self.simulated.now();
        let found = self
            .client
            .password_events((since, now), None, Lane::AuditEvents)
            .await
            .unwrap();
        assert_eq!((found.unreadable, found.more), (0, false));
        let changes = password_changes::changes(found.events);
        let truth = self.simulated.tenant.lock().unwrap().password_changes();
        let truth = truth.as_array().unwrap();
        assert_eq!(changes.len(), truth.len());
        for known in truth {
            let id = known["requestId"].as_str().unwrap();
            let change = changes
                .iter()
                .find(|change| change.id.as_deref() == Some(id));
            let change = change.expect("each change has an event");
            let status = self.status(id).await;
            let shown = password_changes::outcomes(change, Some(&status), &self.sources);
            let shown: BTreeMap<String, &str> = shown
                .iter()
                .map(|(id, outcome)| (id.to_string(), word(outcome)))
                .collect();
            let known: BTreeMap<String, &str> = known["sources"]
                .as_array()
                .unwrap()
                .iter()
                .map(|source| {
                    let id = source["sourceId"].as_str().unwrap().to_owned();
                    (id, source["outcome"].as_str().unwrap())
                })
                .collect();
            assert_eq!(shown, known, "{id}: {change:?} {status:?}");
            let mut compared = self.compared.lock().unwrap();
            for outcome in shown.into_values() {
                *compared.entry(outcome).or_default() += 1;
            }
        }
    }

    async fn status(&self, id: &str) -> ChangeStatus {
        let id = ChangeId::parse(id).unwrap();
        let status = self.client.password_change(&id, Lane::AuditEvents).await;
        status.unwrap().expect("the tenant knows it")
    }
}

fn word(outcome: &SourceOutcome) -> &'static str {
    match outcome {
        SourceOutcome::Changed => "Changed",
        SourceOutcome::Failed(_) => "Failed",
        SourceOutcome::Retrying(_) => "Retrying",
        SourceOutcome::NotAttempted => "NotAttempted",
        SourceOutcome::Unknown => "Unknown",
    }
}

/// A run from its seed, whatever runs before it.
fn drawn(seed: u64) -> Vec<Step> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    steps().new_tree(&mut runner).unwrap().current()
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_of_each_change_is_what_the_simulator_knows() {
    let from = std::env::var("PSG_FIRST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let from: u64 = from.unwrap_or(1);
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in from..from + 1_000 {
        let steps = drawn(seed);
        let run = Run::new(&json!({})).await;
        println!("seed {seed}: {steps:?}");
        for step in &steps {
            run.step(step).await;
        }
        run.compare().await;
        // Until the last retry is over.
        tokio::time::sleep(std::time::Duration::from_mins(100)).await;
        run.compare().await;
        for (outcome, count) in run.compared.into_inner().unwrap() {
            *compared.entry(outcome).or_default() += count;
        }
    }
    println!("{compared:?}");
    for outcome in ["Changed", "Failed", "Retrying", "NotAttempted"] {
        assert!(compared[outcome] > 100, "{compared:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_a_form_that_hides_something_never_count_as_healthy() {
    for (switches, unreadable, unknown) in [
        (json!({"event_source_names": "left_out"}), 0, true),
        (json!({"event_form": "null_attributes"}), 0, true),
        (json!({"event_form": "without_created"}), 1, true),
        (json!({"event_form": "extra_fields"}), 0, false),
        (json!({"event_actions": "log_parser"}), 0, false),
    ] {
        let run = Run::new(&switches).await;
        run.endpoint(0, |endpoint| endpoint.reachable = false);
        let change = Step::Change {
            person: 0,
            source: 0,
            pass_through: false,
        };
        run.step(&change).await;
        let now = run.simulated.now();
        let since = now - SignedDuration::from_hours(2);
        let found = run
            .client
            .password_events((since, now), None, Lane::AuditEvents);
        let found = found.await.unwrap();
        assert!(found.unreadable >= unreadable, "{switches}: {found:?}");
        let changes = password_changes::changes(found.events);
        let failures = Failures::of(&changes, found.unreadable, found.more);
        assert_eq!(failures.unknown > 0, unknown, "{switches}: {failures:?}");
        assert_eq!(
            failures.sources.contains_key("A"),
            !unknown,
            "{switches}: {failures:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_that_is_not_served_or_not_allowed_is_an_error_that_says_so() {
    for (switch, forbidden) in [("not_found", false), ("forbidden", true)] {
        let run = Run::new(&json!({"search": switch})).await;
        let now = run.simulated.now();
        let refused = run
            .client
            .password_events((now, now), None, Lane::AuditEvents)
            .await;
        let error = refused.unwrap_err();
        assert_eq!(
            matches!(error, Error::Forbidden { .. }),
            forbidden,
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_failures_are_counted_and_more_than_are_read_are_said() {
    let run = Run::new(&json!({})).await;
    run.endpoint(0, |endpoint| {
        endpoint.min_seconds_between_changes = Some(1_000_000);
    });
    let change = |count: usize| {
        let now = run.simulated.now();
        let mut tenant = run.simulated.tenant.lock().unwrap();
        for _ in 0..count {
            tenant
                .change_password("ada", A, "Correct horse 1!", false, now)
                .unwrap();
        }
    };
    let read = async || {
        let now = run.simulated.now();
        let found =
            run.client
                .password_events((Timestamp::UNIX_EPOCH, now), None, Lane::AuditEvents);
        let found = found.await.unwrap();
        let more = found.more;
        Failures::of(
            &password_changes::changes(found.events),
            found.unreadable,
            more,
        )
    };
    change(1_001);
    let failures = read().await;
    assert_eq!(
        (failures.sources["A"].total(), failures.more),
        (1_000, false)
    );
    change(1_000);
    assert!(read().await.more, "4,002 events, and 2,500 are read");
}
