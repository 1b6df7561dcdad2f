//! The worlds that are searched to the last state: who wants what, what may go wrong and how often.
//! Each is small, and all of what can happen in it happens.

use std::{collections::BTreeSet, sync::Arc};

use psg_domain::{AdoptionPolicy, DeletionPolicy, Desired, Intent, ManagementPolicy, Ref};

use super::{
    coverage::Event,
    machine::{Edit, Stranger, World},
    search::search,
    state::Budget,
    time::{NOW, Periods},
};
use crate::{
    Reason::{self, DeletionBlocked, GroupExists, OwnedByAnother, SourceInAnotherGroup},
    tests::fixture::{policy_id, source_id},
};

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

/// A name and a policy as `a`, one source leaves and one joins.
fn swapped(management: ManagementPolicy) -> Desired {
    Desired {
        management,
        ..wants("A", "STRONG", &["AD", "WD"])
    }
}

/// `a`, managed like this.
fn managed(management: ManagementPolicy) -> Desired {
    Desired { management, ..a() }
}

/// An edit that swaps members, another back, and a deletion; a PUT may take effect late, and reads
/// may not show the last write.
fn swaps(first: ManagementPolicy, then: ManagementPolicy) -> World {
    let edits = vec![
        Edit::Spec(0, swapped(then)),
        Edit::Spec(0, managed(then)),
        Edit::Delete(0),
    ];
    World {
        late_puts: true,
        ..world(vec![managed(first)], edits, alone(1, 2, 1))
    }
}

/// A name of its own, and a source of `a`.
fn d() -> Desired {
    wants("D", "STRONG", &["SF", "WD"])
}

fn orphaned() -> Desired {
    Desired {
        deletion: DeletionPolicy::Orphan,
        ..a()
    }
}

/// So many of: a pause, an edit, a change to `Orphan`, a deletion.
fn paused(edits: u8) -> World {
    let all = vec![
        Edit::Pause(0),
        Edit::Spec(0, c()),
        Edit::Spec(0, orphaned()),
        Edit::Delete(0),
    ];
    world(vec![a()], all, alone(1, edits, 0))
}

/// A stranger makes a group just as `a` wants it.
fn twin() -> Stranger {
    Stranger::Makes(content("A", "strong", &["ad", "sf"]))
}

/// ... one of its name and with one of its sources.
fn namesake() -> Stranger {
    Stranger::Makes(content("A", "strong", &["sf", "wd"]))
}

/// ... gives the group of a resource another policy, takes a source out and puts one in.
fn change() -> Stranger {
    Stranger::Edits(content("A", "weak", &["ad", "wd"]))
}

/// Edits of `a` and back, and its deletion.
fn edits() -> Vec<Edit> {
    vec![Edit::Spec(0, c()), Edit::Spec(0, a()), Edit::Delete(0)]
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
        late_puts: false,
        stops: BTreeSet::new(),
        coverage: Arc::default(),
        calm: Arc::default(),
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

impl World {
    /// So many changes by strangers, each of these.
    fn with(mut self, n: u8, strangers: Vec<Stranger>) -> Self {
        self.budget.strangers = n;
        self.strangers = strangers;
        self
    }

    /// These reasons may stop this resource for good.
    fn stops(mut self, r: usize, reasons: &[Reason]) -> Self {
        self.stops.extend(reasons.iter().map(|reason| (r, *reason)));
        self
    }
}

type Named = (&'static str, World, Vec<Event>);

/// What every test run searches. Nothing may stop a resource for good but another one that has what
/// it wants, or a group that a stranger made or changed. A deletion may wait for a person only as
/// long as such a group could be the result of a lost create: to undo it would be a guess.
fn worlds() -> Vec<Named> {
    use ManagementPolicy::{Enforce, Observe, OnChange};

    use Event::{
        Adopted, AmbiguousCreateIsOurs, BlockedByAGroup, BlockedByAnother, ConflictOfTwoLeaders,
        CreateAmbiguous, Deleted, Duplicate, HiddenChange, Orphaned, SecondAttemptAfterProof,
        SourceSkipped, TakenOverByAnother, TwinTakenForOurs,
    };
    vec![
        (
            "one resource, three faults",
            world(vec![a()], vec![Edit::Delete(0)], alone(3, 1, 2)),
            vec![AmbiguousCreateIsOurs, SecondAttemptAfterProof, Deleted],
        ),
        (
            "edits, and a service that hands policies back",
            World {
                hands_back: true,
                ..world(vec![a()], edits(), alone(1, 2, 1))
            },
            vec![Deleted],
        ),
        (
            "edits, and a service that does not",
            world(vec![a()], edits(), alone(1, 2, 1)),
            vec![Deleted],
        ),
        (
            "a swap of members and a deletion, Enforce",
            swaps(Enforce, Enforce),
            vec![Deleted, HiddenChange],
        ),
        (
            "a swap of members and a deletion, OnChange",
            swaps(OnChange, OnChange),
            vec![Deleted, HiddenChange],
        ),
        (
            "a swap of members under OnChange, and a deletion under Observe",
            World {
                edits: vec![
                    Edit::Spec(0, swapped(OnChange)),
                    Edit::Spec(0, swapped(Observe)),
                    Edit::Delete(0),
                ],
                ..swaps(OnChange, OnChange)
            }
            .stops(0, &[GroupExists, Reason::GroupNotFound, Reason::Drifted]),
            vec![HiddenChange, Orphaned],
        ),
        ("a pause and an orphan", paused(2), vec![Orphaned, Deleted]),
        (
            "strangers in the tenant",
            world(vec![a()], vec![Edit::Delete(0)], alone(1, 1, 1))
                .with(1, vec![namesake(), change(), Stranger::Deletes])
                .stops(0, &[GroupExists, SourceInAnotherGroup])
                .stops(0, &[Reason::CreateAmbiguous, DeletionBlocked]),
            vec![SourceSkipped, BlockedByAGroup, CreateAmbiguous],
        ),
        (
            "a group to adopt",
            world(vec![a()], vec![Edit::Delete(0)], alone(0, 1, 1))
                .with(2, vec![twin(), Stranger::Deletes])
                .stops(0, &[SourceInAnotherGroup]),
            vec![Adopted],
        ),
        (
            "an identical group in the moment of a lost answer",
            world(vec![a()], vec![Edit::Delete(0)], alone(2, 1, 1))
                .with(1, vec![twin()])
                .stops(0, &[SourceInAnotherGroup])
                .stops(0, &[Reason::CreateAmbiguous, DeletionBlocked]),
            vec![Adopted, Duplicate, SourceSkipped, TwinTakenForOurs],
        ),
        (
            "two resources of one name and with one source in common",
            world(
                vec![a(), b()],
                vec![Edit::Spec(0, c()), Edit::Spec(1, c()), Edit::Delete(0)],
                alone(1, 2, 0),
            )
            .stops(1, &[OwnedByAnother]),
            vec![BlockedByAnother, Deleted],
        ),
        (
            "one resource, two leaders",
            world(vec![a()], vec![], split(1, 0, 2)),
            vec![
                TakenOverByAnother,
                SecondAttemptAfterProof,
                ConflictOfTwoLeaders,
            ],
        ),
        (
            "two leaders and a deletion",
            world(vec![a()], vec![Edit::Delete(0)], split(1, 1, 0)),
            vec![TakenOverByAnother, ConflictOfTwoLeaders, Deleted],
        ),
        (
            "two resources, two leaders and an identical group",
            world(vec![a(), b()], vec![], split(1, 0, 0))
                .with(1, vec![twin()])
                .stops(0, &[Reason::CreateAmbiguous, SourceInAnotherGroup])
                .stops(1, &[OwnedByAnother]),
            vec![
                ConflictOfTwoLeaders,
                BlockedByAnother,
                Duplicate,
                TwinTakenForOurs,
            ],
        ),
    ]
}

const EVERYTHING: &str = "two resources, two leaders, two faults and a stranger";

/// What `make prove` searches besides.
fn larger() -> Vec<Named> {
    use Event::{
        AmbiguousCreateIsOurs, BlockedByAGroup, BlockedByAnother, ConflictOfTwoLeaders,
        CreateAmbiguous, Deleted, Duplicate, Orphaned, SecondAttemptAfterProof, TakenOverByAnother,
        TwinTakenForOurs,
    };
    let leaders = [TakenOverByAnother, ConflictOfTwoLeaders];
    vec![
        (
            EVERYTHING,
            world(vec![a(), b()], vec![], split(2, 0, 0))
                .with(1, vec![namesake(), twin(), change(), Stranger::Deletes])
                .stops(0, &[GroupExists, SourceInAnotherGroup])
                .stops(0, &[Reason::CreateAmbiguous])
                .stops(1, &[OwnedByAnother]),
            vec![
                TakenOverByAnother,
                SecondAttemptAfterProof,
                ConflictOfTwoLeaders,
                BlockedByAnother,
                BlockedByAGroup,
                CreateAmbiguous,
                Duplicate,
                TwinTakenForOurs,
            ],
        ),
        (
            "two resources, two leaders and a deletion",
            world(vec![a(), b()], vec![Edit::Delete(0)], split(1, 1, 0))
                .stops(1, &[OwnedByAnother]),
            vec![
                TakenOverByAnother,
                ConflictOfTwoLeaders,
                BlockedByAnother,
                Deleted,
            ],
        ),
        (
            "a pause and an orphan, three edits",
            paused(3),
            vec![Orphaned, Deleted],
        ),
        (
            "one resource, four faults, a finer clock",
            World {
                periods: FINE,
                ..world(vec![a()], vec![Edit::Delete(0)], alone(4, 1, 2))
            },
            vec![AmbiguousCreateIsOurs, SecondAttemptAfterProof, Deleted],
        ),
        (
            "one resource, two leaders, more time",
            world(vec![a()], vec![], split(1, 0, 3)),
            [&leaders[..], &[SecondAttemptAfterProof]].concat(),
        ),
        (
            "two leaders, two faults and a deletion",
            world(vec![a()], vec![Edit::Delete(0)], split(2, 1, 0)),
            [&leaders[..], &[SecondAttemptAfterProof, Deleted]].concat(),
        ),
        (
            "two resources, two leaders and edits",
            world(
                vec![a(), b()],
                vec![Edit::Spec(0, c()), Edit::Delete(0), Edit::Delete(1)],
                split(1, 1, 0),
            )
            .stops(1, &[OwnedByAnother]),
            [&leaders[..], &[BlockedByAnother, Deleted]].concat(),
        ),
        (
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
            )
            .stops(1, &[OwnedByAnother]),
            vec![
                AmbiguousCreateIsOurs,
                SecondAttemptAfterProof,
                BlockedByAnother,
                Deleted,
            ],
        ),
        (
            "two names with one source in common, two leaders, two faults and a stranger",
            world(vec![a(), d()], vec![], split(2, 0, 0))
                .with(1, vec![change()])
                .stops(0, &[Reason::CreateAmbiguous])
                .stops(1, &[OwnedByAnother, Reason::SourceInAnotherGroup]),
            [&leaders[..], &[BlockedByAnother, SecondAttemptAfterProof]].concat(),
        ),
        (
            "two resources, two leaders, a stranger and a deletion",
            world(vec![a(), b()], vec![Edit::Delete(0)], split(0, 1, 0))
                .with(1, vec![change()])
                .stops(0, &[Reason::CreateAmbiguous, DeletionBlocked])
                .stops(1, &[Reason::CreateAmbiguous, OwnedByAnother]),
            vec![ConflictOfTwoLeaders, BlockedByAnother, Deleted],
        ),
    ]
}

/// A part of a name in `PSG_WORLD` picks the worlds that have it.
fn search_all(worlds: &[Named]) {
    let only = std::env::var("PSG_WORLD").unwrap_or_default();
    let picked = worlds.iter().filter(|(name, ..)| name.contains(&only));
    let unique = picked.map(|(name, world, expected)| {
        let unique = search(name, world, expected);
        assert!(*name != EVERYTHING || unique >= 1_000_000);
        unique
    });
    println!("{} states in all", unique.sum::<usize>());
}

#[test]
fn no_path_breaks_a_law_and_every_path_comes_to_rest() {
    search_all(&worlds());
}

#[test]
#[ignore = "takes minutes: see docs/reliability.md"]
fn no_longer_path_does_either() {
    search_all(&larger());
}
