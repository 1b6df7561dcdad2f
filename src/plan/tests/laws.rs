//! Laws that hold whatever is lost, late, refused or crashes: over the [`world`](super::world),
//! whose every single write the [`oracle`](super::oracle) holds against the invariants.

use std::collections::BTreeSet;

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngSeed},
};
use psg_domain::{AdoptionPolicy, DeletionPolicy, Desired, Group, ManagementPolicy, PolicyId, Ref};

use super::{
    fixture::{everybody, group, policy_id, source_id},
    model::{Fate, SOURCES, Service, Tenant, Write},
    world::{Crash, End, World},
};

const ME: &str = "me";

/// `PROPTEST_CASES` asks for more of them; `PROPTEST_RNG_SEED` for others.
pub fn config(cases: u32) -> Config {
    let asked = |name| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u32>().ok())
    };
    Config {
        cases: asked("PROPTEST_CASES").unwrap_or(cases),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(asked("PROPTEST_RNG_SEED").unwrap_or(20_261_123).into()),
        max_shrink_iters: 2000,
        ..Config::default()
    }
}

pub fn desired(name: &str, policy: &str, sources: &[usize]) -> Desired {
    Desired {
        name: name.to_owned(),
        policy: Ref::Name(policy.to_owned()),
        sources: sources
            .iter()
            .map(|n| Ref::Name(SOURCES[*n].to_uppercase()))
            .collect(),
        management: ManagementPolicy::Enforce,
        adoption: AdoptionPolicy::IfIdentical,
        deletion: DeletionPolicy::Delete,
        group_id: None,
    }
}

fn spec() -> impl Strategy<Value = Desired> {
    let sources = proptest::sample::subsequence(vec![0_usize, 1, 2, 3, 4], 2..=4);
    (0..3_usize, any::<bool>(), sources.prop_shuffle()).prop_map(|(name, strong, sources)| {
        desired(
            ["A", "B", "C"][name],
            if strong { "Strong" } else { "Weak" },
            &sources,
        )
    })
}

fn wild_spec() -> impl Strategy<Value = Desired> {
    let management = prop_oneof![
        4 => Just(ManagementPolicy::Enforce),
        1 => Just(ManagementPolicy::OnChange),
        1 => Just(ManagementPolicy::Observe)
    ];
    let adoption = prop_oneof![
        Just(AdoptionPolicy::IfIdentical),
        Just(AdoptionPolicy::Overwrite),
        Just(AdoptionPolicy::Never)
    ];
    let deletion =
        prop_oneof![4 => Just(DeletionPolicy::Delete), 1 => Just(DeletionPolicy::Orphan)];
    (spec(), management, adoption, deletion).prop_map(|(spec, management, adoption, deletion)| {
        Desired {
            management,
            adoption,
            deletion,
            ..spec
        }
    })
}

pub fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Answered),
        1 => Just(Fate::Lost),
        1 => (0..25_i64).prop_map(Fate::Late),
        1 => Just(Fate::Dropped),
        1 => Just(Fate::TooMany),
    ]
}

pub fn service() -> impl Strategy<Value = Service> {
    prop_oneof![
        Just(Service::AssignsAtOnce),
        (1..40_i64).prop_map(Service::AssignsAfter),
        Just(Service::NeverAssigns)
    ]
}

pub fn crashes() -> impl Strategy<Value = Vec<Crash>> {
    let crash = (0..80_u32, any::<bool>()).prop_map(|(n, after)| {
        if after {
            Crash::After(n)
        } else {
            Crash::Before(n)
        }
    });
    vec(crash, 0..5)
}

pub fn tenant() -> impl Strategy<Value = (Service, i64)> {
    (service(), prop_oneof![Just(0_i64), Just(3), Just(12)])
}

pub fn world((service, lag): (Service, i64), fates: Vec<Fate>, crashes: Vec<Crash>) -> World {
    let mut world = World::new(Tenant::new(service, lag));
    world.fates = fates.into();
    world.crashes = crashes;
    world
}

/// Exactly this, and nothing else that this resource made.
pub fn assert_equal(world: &World, uid: &str) {
    let resource = &world.resources[uid];
    let wanted = &resource.desired;
    let held = &world.tenant.groups[resource.stored.held().unwrap()];
    let sources: BTreeSet<_> = wanted
        .sources
        .iter()
        .map(|by| source_id(&by.text().to_lowercase()))
        .collect();
    let policy = policy_id(&wanted.policy.text().to_lowercase());
    assert!(
        held.is(&wanted.name, &policy, &sources),
        "{held:?} is not {wanted:?}"
    );
    assert!(world.tenant.made_by(uid).len() <= 1);
    assert_eq!(
        world.tenant.abandoned(),
        Vec::<&psg_domain::SourceId>::new()
    );
}

proptest! {
    #![proptest_config(config(800))]

    #[test]
    fn one_resource_lives_through_its_edits_and_goes_whatever_is_lost_or_crashes(
        tenant in tenant(), fates in vec(fate(), 0..14), crashes in crashes(),
        failing in vec(any::<bool>(), 0..10), specs in vec(spec(), 1..4),
    ) {
        let mut world = world(tenant, fates, crashes);
        world.failing_reads = failing.into();
        world.create(ME, specs[0].clone());
        for spec in specs {
            world.edit(ME, |desired| *desired = spec);
            prop_assert_eq!(&world.run()[ME], &End::Settled);
            assert_equal(&world, ME);
            prop_assert_eq!(world.tenant.groups.len(), 1);
        }
        world.assert_rest();
        world.delete(ME);
        world.run();
        prop_assert!(world.resources.is_empty() && world.tenant.groups.is_empty());
        prop_assert!(world.tenant.abandoned().is_empty());
    }

    #[test]
    fn a_deletion_in_the_middle_of_anything_leaves_no_group_and_no_source_behind(
        tenant in tenant(), fates in vec(fate(), 0..10), crashes in crashes(),
        specs in vec(spec(), 1..3), passes in 0..4_usize,
    ) {
        let mut world = world(tenant, fates, crashes);
        world.create(ME, specs[0].clone());
        for spec in specs {
            world.edit(ME, |desired| *desired = spec);
            for _ in 0..passes {
                world.pass(ME);
            }
        }
        world.delete(ME);
        world.run();
        prop_assert!(world.resources.is_empty() && world.tenant.groups.is_empty());
        prop_assert!(world.tenant.abandoned().is_empty());
    }

    #[test]
    fn what_others_change_in_the_tenant_is_repaired_and_strands_no_source(
        tenant in tenant(), fates in vec(fate(), 0..8), crashes in crashes(),
        spec in spec(), theirs in spec(), deleted in any::<bool>(), ending in any::<bool>(),
    ) {
        let mut world = world(tenant, Vec::new(), Vec::new());
        world.create(ME, spec);
        world.run();
        let id = world.resources[ME].stored.group.clone().unwrap();
        if deleted {
            world.tenant.apply(world.now, Write::Delete(id));
        } else {
            let sources = theirs.sources.iter().map(|by| source_id(&by.text().to_lowercase()));
            let group = Group {
                id,
                name: theirs.name.clone(),
                policy: PolicyId::parse(&theirs.policy.text().to_lowercase()).ok(),
                sources: sources.collect(),
            };
            let kept = group.sources.clone();
            world.tenant.put(world.now, &group);
            // A person who takes a source out by hand also gives it a policy.
            for (_, holders) in
                world.tenant.holders.iter_mut().filter(|(id, _)| !kept.contains(*id))
            {
                *holders = vec![everybody("own")];
            }
        }
        world.read();
        (world.fates, world.crashes) = (fates.into(), crashes);
        if ending {
            world.delete(ME);
        }
        world.run();
        prop_assert!(world.tenant.abandoned().is_empty());
        if ending {
            prop_assert!(world.resources.is_empty() && world.tenant.groups.is_empty());
        } else {
            assert_equal(&world, ME);
            world.assert_rest();
        }
    }
}

/// What may happen to one of several resources.
#[derive(Clone, Debug)]
enum Action {
    Edit(usize, Desired),
    Delete(usize),
    Pause(usize, i64),
    StrangerMakes(usize, Desired),
    StrangerDeletes(usize),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (0..3_usize, wild_spec()).prop_map(|(who, spec)| Action::Edit(who, spec)),
        1 => (0..3_usize).prop_map(Action::Delete),
        1 => (0..3_usize, 1..300_i64).prop_map(|(who, seconds)| Action::Pause(who, seconds)),
        1 => (0..2_usize, spec()).prop_map(|(n, spec)| Action::StrangerMakes(n, spec)),
        1 => (0..2_usize).prop_map(Action::StrangerDeletes),
    ]
}

fn happens(world: &mut World, action: Action) {
    match action {
        Action::Edit(who, spec) => {
            let uid = format!("r{who}");
            if world.resources.contains_key(&uid) {
                world.edit(&uid, |desired| *desired = spec);
            } else {
                world.create(&uid, spec);
            }
        }
        Action::Delete(who) => world.delete(&format!("r{who}")),
        Action::Pause(who, seconds) => {
            let until = world.now + jiff::SignedDuration::from_secs(seconds);
            if let Some(resource) = world.resources.get_mut(&format!("r{who}")) {
                resource.object.paused_until = Some(until);
            }
        }
        Action::StrangerMakes(n, spec) => {
            let taken: BTreeSet<_> = world
                .tenant
                .groups
                .values()
                .flat_map(|group| &group.sources)
                .cloned()
                .collect();
            let sources = spec
                .sources
                .iter()
                .map(|by| source_id(&by.text().to_lowercase()));
            let free: BTreeSet<_> = sources.filter(|id| !taken.contains(id)).collect();
            let foreign = group(&format!("foreign-{n}"), &spec.name, "weak", &[]);
            if !world.tenant.groups.contains_key(&foreign.id) {
                let foreign = Group {
                    sources: free,
                    ..foreign
                };
                world.tenant.put(world.now, &foreign);
            }
        }
        Action::StrangerDeletes(n) => {
            let id = group(&format!("foreign-{n}"), "", "weak", &[]).id;
            world.tenant.apply(world.now, Write::Delete(id));
        }
    }
    // What pages do not show yet and no resource claims any more, nobody can know of.
    world.advance(15_000);
    world.read();
}

proptest! {
    #![proptest_config(config(800))]

    /// The world itself asserts that nobody writes what is not theirs.
    #[test]
    fn several_resources_and_a_stranger_never_touch_what_is_not_theirs_and_come_to_rest(
        tenant in tenant(), crashes in crashes(),
        fates in vec(prop_oneof![6 => fate(), 1 => Just(Fate::Refused)], 0..16),
        actions in vec(action(), 1..9),
    ) {
        let mut world = world(tenant, fates, crashes);
        for action in actions {
            happens(&mut world, action);
            world.run();
        }
        world.fates.clear();
        world.run();
        world.assert_rest();
        for n in 0..3 {
            world.edit(&format!("r{n}"), |desired| desired.deletion = DeletionPolicy::Delete);
            world.delete(&format!("r{n}"));
        }
        world.run();
        prop_assert!(world.resources.is_empty(), "every deletion ends");
    }
}

proptest! {
    #![proptest_config(config(250))]

    #[test]
    fn the_order_of_sources_is_irrelevant_in_the_manifest_and_in_the_tenant(
        specs in vec(spec(), 1..4), service in service(),
    ) {
        let run = |reversed: bool| {
            let mut world = world((service, 0), Vec::new(), Vec::new());
            if reversed {
                world.tenant.sources.reverse();
                world.tenant.policies.reverse();
            }
            world.create(ME, specs[0].clone());
            for mut spec in specs.clone() {
                if reversed {
                    spec.sources.reverse();
                }
                world.edit(ME, |desired| *desired = spec);
                world.run();
            }
            world.delete(ME);
            world.run();
            world.writes
        };
        prop_assert_eq!(run(false), run(true));
    }
}

/// Create, edit and delete once; how many effects that took.
fn life(crashes: Vec<Crash>, service: Service) -> u32 {
    let mut world = world((service, 3), Vec::new(), crashes);
    world.create(ME, desired("A", "Strong", &[0, 1, 2]));
    assert_eq!(world.run()[ME], End::Settled);
    world.edit(ME, |spec| *spec = desired("B", "Weak", &[1, 2, 3]));
    assert_eq!(world.run()[ME], End::Settled);
    assert_equal(&world, ME);
    assert_eq!(world.tenant.groups.len(), 1);
    world.delete(ME);
    world.run();
    assert!(world.resources.is_empty() && world.tenant.groups.is_empty());
    assert!(world.tenant.abandoned().is_empty());
    world.effects
}

#[test]
fn a_crash_around_every_effect_and_every_pair_of_effects_ends_the_same() {
    for service in [Service::AssignsAtOnce, Service::NeverAssigns] {
        let effects = life(Vec::new(), service);
        assert!(
            effects > 12,
            "{effects} effects are too few to be the whole life"
        );
        let points: Vec<Crash> = (0..effects + 8)
            .flat_map(|n| [Crash::Before(n), Crash::After(n)])
            .collect();
        for first in &points {
            life(vec![*first], service);
            // The service's work is known to be right; where all of it is ours, two must not hurt.
            let second = points.iter().filter(|_| service == Service::NeverAssigns);
            for second in second {
                life(vec![*first, *second], service);
            }
        }
    }
}

#[test]
fn a_new_group_costs_three_writes_to_kubernetes_and_one_to_the_tenant() {
    let mut world = world((Service::AssignsAtOnce, 0), Vec::new(), Vec::new());
    world.create(ME, desired("A", "Strong", &[0, 1]));
    world.run();
    let resource = &world.resources[ME];
    assert_eq!(world.writes.len(), 1);
    assert_eq!(
        resource.version, 3,
        "the status: the intent, then the id with Ready"
    );
    assert!(resource.object.finalizer, "and the finalizer");
}
