//! The worlds that are searched to the last state: who wants what, what may go wrong and how often.
//! Each is small, and all of what can happen in it happens.

use std::time::Instant;

use psg_domain::{AdoptionPolicy, DeletionPolicy, Desired, Intent, ManagementPolicy, Ref};
use stateright::{Checker, HasDiscoveries, Model, Property};

use super::{
    calm::Calm,
    coverage::{Coverage, Event},
    laws::Law,
    machine::{Action, Edit, Stranger, World},
    state::{Budget, State},
    time::{NOW, Periods},
};
use crate::tests::fixture::{policy_id, source_id};

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.first()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.actions_of(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.follow(state, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("S1 one group", |_, s: &State| {
                s.broken != Some(Law::OneGroup)
            }),
            Property::always("S2 one POST", |_, s: &State| s.broken != Some(Law::OnePost)),
            Property::always("S3 record first", |_, s: &State| {
                s.broken != Some(Law::RecordFirst)
            }),
            Property::always("S4 ours only", |_, s: &State| {
                s.broken != Some(Law::OursOnly)
            }),
            Property::always("S4 taken rightly", |_, s: &State| {
                s.broken != Some(Law::TakenRightly)
            }),
            Property::always("S5 released last", |_, s: &State| {
                s.broken != Some(Law::ReleasedLast)
            }),
            Property::always("S9 honest status", |_, s: &State| {
                s.broken != Some(Law::HonestStatus)
            }),
            Property::always("S10 others untouched", |_, s: &State| {
                s.broken != Some(Law::OthersUntouched)
            }),
            Property::always("a pause holds", |_, s: &State| {
                s.broken != Some(Law::PauseHolds)
            }),
            Property::always("comes to rest", Self::comes_to_rest),
        ]
    }
}

fn wants(name: &str, policy: &str, sources: &[&str]) -> Desired {
    Desired {
        name: name.to_owned(),
        policy: Ref::Name(policy.to_owned()),
        sources: sources
            .iter()
            .map(|by| Ref::Name((*by).to_owned()))
            .collect(),
        management: ManagementPolicy::Enforce,
        adoption: AdoptionPolicy::IfIdentical,
        deletion: DeletionPolicy::Delete,
        group_id: None,
    }
}

fn content(name: &str, policy: &str, sources: &[&str]) -> Intent {
    Intent {
        attempt: 0,
        name: name.to_owned(),
        policy: policy_id(policy),
        sources: sources.iter().map(|id| source_id(id)).collect(),
        started_at: NOW,
    }
}

/// Two walks within one interval, and each period another number of ticks.
const COARSE: Periods = Periods {
    settle: 2,
    confirm_gap: 1,
    interval: 4,
    backoff: 1,
};

/// More moments fit into each period.
const FINE: Periods = Periods {
    settle: 4,
    confirm_gap: 2,
    interval: 7,
    backoff: 1,
};

fn a() -> Desired {
    wants("A", "STRONG", &["AD", "SF"])
}

/// The same name, and a source of `a`.
fn b() -> Desired {
    wants("A", "STRONG", &["SF", "WD"])
}

/// What `a` or `b` may become: another name and policy, one source leaves and one joins.
fn c() -> Desired {
    wants("C", "WEAK", &["AD", "WD"])
}

fn orphaned() -> Desired {
    Desired {
        deletion: DeletionPolicy::Orphan,
        ..a()
    }
}

fn world(specs: Vec<Desired>, edits: Vec<Edit>, budget: Budget) -> World {
    World {
        specs,
        edits,
        strangers: Vec::new(),
        budget,
        periods: COARSE,
        hands_back: false,
        lags: true,
        coverage: Coverage::default(),
        calm: Calm::default(),
    }
}

/// One leader at a time.
fn alone(faults: u8, edits: u8, delays: u8) -> Budget {
    Budget {
        faults,
        edits,
        delays,
        ..Budget::default()
    }
}

/// A second one starts while the first still believes that it leads.
fn split(faults: u8, edits: u8, delays: u8) -> Budget {
    Budget {
        splits: 1,
        ..alone(faults, edits, delays)
    }
}

fn strangers(n: u8, budget: Budget) -> Budget {
    Budget {
        strangers: n,
        ..budget
    }
}

/// Follows every path to its end, and says how many states there were.
fn search(name: &str, world: World, expected: &[Event]) -> usize {
    let began = Instant::now();
    let checker = world.checker().threads(2);
    let checker = checker.finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_bfs().join();
    let unique = checker.unique_state_count();
    let seen = checker.model().coverage.seen();
    println!(
        "{name}: {unique} states, {} transitions, depth {}, {:.1} s, {seen:?}",
        checker.state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f64(),
    );
    if let Some((law, path)) = checker.discoveries().into_iter().next() {
        println!("{:#?}", path.last_state());
        for action in path.into_actions() {
            println!("{action}");
        }
        panic!("{name}: \"{law}\" does not hold after what is above");
    }
    assert!(checker.is_done(), "{name}: the frontier is not empty");
    for event in expected {
        assert!(seen.contains_key(event), "{name}: never {event:?}");
    }
    unique
}

#[test]
fn no_path_breaks_a_law_and_every_path_comes_to_rest() {
    use Event::{
        Adopted, AmbiguousCreateIsOurs, BlockedByAGroup, BlockedByAnother, ConflictOfTwoLeaders,
        CreateAmbiguous, Deleted, Orphaned, SecondAttemptAfterProof, SourceSkipped,
        TakenOverByAnother,
    };
    let unique = [
        search(
            "one resource, three faults",
            world(vec![a()], vec![Edit::Delete(0)], alone(3, 1, 2)),
            &[AmbiguousCreateIsOurs, SecondAttemptAfterProof, Deleted],
        ),
        search(
            "edits, and a service that hands policies back",
            World {
                hands_back: true,
                ..world(
                    vec![a()],
                    vec![Edit::Spec(0, c()), Edit::Spec(0, a()), Edit::Delete(0)],
                    alone(1, 2, 1),
                )
            },
            &[Deleted],
        ),
        search(
            "edits, and a service that does not",
            world(
                vec![a()],
                vec![Edit::Spec(0, c()), Edit::Spec(0, a()), Edit::Delete(0)],
                alone(1, 2, 1),
            ),
            &[Deleted],
        ),
        search(
            "a pause and an orphan",
            world(
                vec![a()],
                vec![
                    Edit::Pause(0),
                    Edit::Spec(0, c()),
                    Edit::Spec(0, orphaned()),
                    Edit::Delete(0),
                ],
                alone(1, 3, 0),
            ),
            &[Orphaned, Deleted],
        ),
        search(
            "strangers in the tenant",
            World {
                strangers: vec![
                    Stranger::Makes(content("A", "strong", &["sf", "wd"])),
                    Stranger::Edits(content("A", "weak", &["ad", "wd"])),
                    Stranger::Deletes,
                ],
                ..world(
                    vec![a()],
                    vec![Edit::Delete(0)],
                    strangers(1, alone(1, 1, 1)),
                )
            },
            &[SourceSkipped, BlockedByAGroup, CreateAmbiguous],
        ),
        search(
            "a group to adopt",
            World {
                strangers: vec![
                    Stranger::Makes(content("A", "strong", &["ad", "sf"])),
                    Stranger::Deletes,
                ],
                ..world(
                    vec![a()],
                    vec![Edit::Delete(0)],
                    strangers(2, alone(0, 1, 1)),
                )
            },
            &[Adopted],
        ),
        search(
            "two resources of one name and with one source in common",
            world(
                vec![a(), b()],
                vec![Edit::Spec(0, c()), Edit::Spec(1, c()), Edit::Delete(0)],
                alone(1, 2, 0),
            ),
            &[BlockedByAnother],
        ),
        search(
            "one resource, two leaders",
            world(vec![a()], vec![], split(1, 0, 2)),
            &[
                TakenOverByAnother,
                SecondAttemptAfterProof,
                ConflictOfTwoLeaders,
            ],
        ),
        search(
            "two leaders and a deletion",
            world(vec![a()], vec![Edit::Delete(0)], split(1, 1, 0)),
            &[TakenOverByAnother, ConflictOfTwoLeaders, Deleted],
        ),
        search(
            "two resources, two leaders",
            world(vec![a(), b()], vec![Edit::Delete(0)], split(1, 1, 0)),
            &[TakenOverByAnother, ConflictOfTwoLeaders, BlockedByAnother],
        ),
    ];
    let unique: usize = unique.iter().sum();
    println!("{unique} states in all");
    assert!(unique >= 1_000_000);
}

#[test]
#[ignore = "takes three minutes: see docs/reliability.md"]
fn no_longer_path_does_either() {
    search(
        "one resource, four faults, a finer clock",
        World {
            periods: FINE,
            ..world(vec![a()], vec![Edit::Delete(0)], alone(4, 1, 2))
        },
        &[],
    );
    search(
        "one resource, two leaders, more time",
        world(vec![a()], vec![], split(1, 0, 3)),
        &[],
    );
    search(
        "two leaders, two faults and a deletion",
        world(vec![a()], vec![Edit::Delete(0)], split(2, 1, 0)),
        &[],
    );
    search(
        "two resources, two leaders and edits",
        world(
            vec![a(), b()],
            vec![Edit::Spec(0, c()), Edit::Delete(0), Edit::Delete(1)],
            split(1, 1, 0),
        ),
        &[],
    );
    search(
        "two resources, two edits, two faults",
        world(
            vec![a(), b()],
            vec![
                Edit::Spec(0, c()),
                Edit::Spec(1, c()),
                Edit::Delete(0),
                Edit::Delete(1),
            ],
            alone(2, 2, 1),
        ),
        &[],
    );
}
