//! The rule moving as a law: whatever moves between groups at once, nobody falls under two sources, nothing
//! is lost, and either everybody ends equal or a search proves that nobody could.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};
use psg_domain::{Group, SourceId};

use super::{
    fixture::source_id,
    laws::{assert_equal, config, crashes, desired, fate, service, tenant, world},
    model::{SOURCES, Service, Write},
    world::{Crash, End, World},
};
use crate::Reason;

const UIDS: [&str; 3] = ["a", "b", "c"];

/// Who has which source: for each source a place in `UIDS`, or none.
type Places = Vec<Option<usize>>;

fn of(places: &Places, who: usize) -> Vec<usize> {
    (0..places.len())
        .filter(|n| places[*n] == Some(who))
        .collect()
}

/// Every group has at least two of the sources.
fn places(groups: usize) -> impl Strategy<Value = Places> {
    let place = prop_oneof![4 => (0..groups).prop_map(Some), 1 => Just(None)];
    vec(place, SOURCES.len()).prop_filter("at least two", move |places| {
        (0..groups).all(|who| of(places, who).len() >= 2)
    })
}

/// Two or three groups: what they have, what they are to have, and in which order that is said.
fn rearrangement() -> impl Strategy<Value = (Places, Places, Vec<usize>)> {
    (2..=3_usize).prop_flat_map(|groups| {
        let order: Vec<usize> = (0..groups).collect();
        (places(groups), places(groups), Just(order).prop_shuffle())
    })
}

/// Whether single steps that keep two sources everywhere lead from one to the other: a source joins
/// where it is wanted once it is free, and leaves where it is not.
fn possible(from: &Places, to: &Places) -> bool {
    let mut seen = BTreeSet::from([from.clone()]);
    let mut open = vec![from.clone()];
    while let Some(now) = open.pop() {
        if now == *to {
            return true;
        }
        for n in (0..now.len()).filter(|n| now[*n] != to[*n]) {
            let next = match now[n] {
                Some(who) if of(&now, who).len() > 2 => None,
                Some(_) => continue,
                None => to[n],
            };
            let mut then = now.clone();
            then[n] = next;
            if seen.insert(then.clone()) {
                open.push(then);
            }
        }
    }
    false
}

fn settled(world: &mut World, from: &Places, groups: usize) {
    for (who, uid) in UIDS.iter().enumerate().take(groups) {
        world.create(uid, desired(uid, "Strong", &of(from, who)));
    }
    world.run();
}

fn puts(world: &World, since: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for write in &world.writes[since..] {
        if let Write::Put(Group { id, .. }) = write {
            *counts.entry(world.tenant.makers[id].clone()).or_default() += 1;
        }
    }
    counts
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn sources_change_places_between_groups_unless_that_is_proven_impossible(
        tenant in tenant(), fates in vec(fate(), 0..12), crashes in crashes(),
        (from, to, order) in rearrangement(),
    ) {
        let mut world = world(tenant, Vec::new(), Vec::new());
        settled(&mut world, &from, order.len());
        (world.fates, world.crashes) = (fates.into(), crashes);
        for who in &order {
            world.edit(UIDS[*who], |spec| *spec = desired(UIDS[*who], "Weak", &of(&to, *who)));
        }
        let ends = world.run();
        let reachable = possible(&from, &to);
        let all_settled = ends.values().all(|end| *end == End::Settled);
        prop_assert_eq!(all_settled, reachable, "{:?}", &ends);
        for uid in ends.keys() {
            let id = world.resources[uid].stored.held().unwrap();
            prop_assert_eq!(world.tenant.groups[id].policy.as_ref().unwrap().as_str(), "weak");
        }
        if reachable {
            for uid in ends.keys() {
                assert_equal(&world, uid);
            }
        } else {
            let blocked = End::Stalled(Reason::SourceSwapBlocked);
            prop_assert!(ends.values().any(|end| *end == blocked), "{:?}", &ends);
        }
        prop_assert_eq!(world.tenant.abandoned(), Vec::<&SourceId>::new());
        world.assert_rest();
    }

    #[test]
    fn nobody_writes_a_group_more_often_than_sources_come_and_go(
        service in service(), (from, to, order) in rearrangement(),
    ) {
        let mut world = world((service, 0), Vec::new(), Vec::new());
        settled(&mut world, &from, order.len());
        let before = world.writes.len();
        for who in &order {
            world.edit(UIDS[*who], |spec| *spec = desired(UIDS[*who], "Strong", &of(&to, *who)));
        }
        world.run();
        let written = puts(&world, before);
        for (who, uid) in UIDS.iter().enumerate().take(order.len()) {
            let joins = of(&to, who).into_iter().filter(|n| from[*n] != Some(who)).count();
            // One for all that leave, and one for each that comes later than the others.
            let count = written.get(*uid).copied().unwrap_or(0);
            prop_assert!(count <= joins + 1, "{uid} writes {count} times for {joins} joiners");
        }
    }
}

/// The groups of these sources become those; how many PUTs each took, and how each ended.
fn swap(
    from: &[&[usize]],
    to: &[&[usize]],
    order: &[usize],
) -> (World, BTreeMap<String, usize>, BTreeMap<String, End>) {
    let mut world = world((Service::NeverAssigns, 0), Vec::new(), Vec::new());
    for (uid, sources) in UIDS.iter().zip(from) {
        world.create(uid, desired(uid, "Strong", sources));
    }
    world.run();
    let before = world.writes.len();
    for who in order {
        world.edit(UIDS[*who], |spec| {
            *spec = desired(UIDS[*who], "Strong", to[*who]);
        });
    }
    let ends = world.run();
    let written = puts(&world, before);
    (world, written, ends)
}

const BOTH_ORDERS: [[usize; 2]; 2] = [[0, 1], [1, 0]];

#[test]
fn a_source_that_moves_costs_one_put_of_each_group() {
    for order in BOTH_ORDERS {
        let (world, written, ends) = swap(&[&[0, 1, 2], &[3, 4]], &[&[0, 1], &[2, 3, 4]], &order);
        assert!(ends.values().all(|end| *end == End::Settled), "{ends:?}");
        assert_eq!(written, [("a".to_owned(), 1), ("b".to_owned(), 1)].into());
        assert_equal(&world, "b");
    }
}

#[test]
fn a_swap_of_one_between_three_and_three_costs_three_puts_and_no_group_more_than_two() {
    for order in BOTH_ORDERS {
        let (_, written, ends) = swap(&[&[0, 1, 2], &[3, 4, 5]], &[&[0, 1, 3], &[2, 4, 5]], &order);
        assert!(ends.values().all(|end| *end == End::Settled), "{ends:?}");
        assert_eq!(written, [("a".to_owned(), 2), ("b".to_owned(), 1)].into());
    }
}

#[test]
fn a_swap_of_two_between_three_and_three_costs_no_group_more_than_two_puts() {
    for order in BOTH_ORDERS {
        let (_, written, ends) = swap(&[&[0, 1, 2], &[3, 4, 5]], &[&[0, 3, 4], &[1, 2, 5]], &order);
        assert!(ends.values().all(|end| *end == End::Settled), "{ends:?}");
        assert!(written.values().all(|count| *count <= 2), "{written:?}");
    }
}

#[test]
fn two_and_two_swap_with_a_free_source_that_comes_in_between() {
    for order in BOTH_ORDERS {
        let (world, written, ends) = swap(&[&[0, 1], &[2, 3]], &[&[0, 2, 7], &[1, 3]], &order);
        assert!(ends.values().all(|end| *end == End::Settled), "{ends:?}");
        assert_eq!(written, [("a".to_owned(), 2), ("b".to_owned(), 1)].into());
        assert_equal(&world, "a");
    }
}

#[test]
fn two_and_two_are_blocked_without_a_write_until_a_third_source_comes_or_one_is_deleted() {
    let blocked = End::Stalled(Reason::SourceSwapBlocked);
    for to in [&[&[0, 2][..], &[1, 3]], &[&[2, 3], &[0, 1]]] {
        for order in BOTH_ORDERS {
            let blocked_swap = || {
                let (mut world, written, ends) = swap(&[&[0, 1], &[2, 3]], to, &order);
                assert!(ends.values().all(|end| *end == blocked), "{ends:?}");
                assert_eq!(written, BTreeMap::new());
                world.assert_rest();
                world
            };
            let mut third = blocked_swap();
            let more: Vec<usize> = to[0].iter().copied().chain([7]).collect();
            third.edit("a", |spec| *spec = desired("a", "Strong", &more));
            assert!(third.run().values().all(|end| *end == End::Settled));
            third.edit("a", |spec| *spec = desired("a", "Strong", to[0]));
            assert!(third.run().values().all(|end| *end == End::Settled));

            let mut again = blocked_swap();
            again.delete("b");
            assert_eq!(again.run()["a"], End::Settled);
            again.create("b", desired("b", "Strong", to[1]));
            assert!(again.run().values().all(|end| *end == End::Settled));
            assert_eq!(again.tenant.abandoned(), Vec::<&SourceId>::new());
        }
    }
}

#[test]
fn a_circle_of_three_groups_is_blocked_at_two_sources_each_and_not_at_three() {
    let blocked = End::Stalled(Reason::SourceSwapBlocked);
    let (_, written, ends) = swap(
        &[&[0, 1], &[2, 3], &[4, 5]],
        &[&[0, 3], &[2, 5], &[4, 1]],
        &[0, 1, 2],
    );
    assert!(ends.values().all(|end| *end == blocked), "{ends:?}");
    assert_eq!(written, BTreeMap::new());
    let (_, _, ends) = swap(
        &[&[0, 1, 6], &[2, 3], &[4, 5]],
        &[&[0, 3], &[2, 5], &[4, 1]],
        &[2, 1, 0],
    );
    assert!(ends.values().all(|end| *end == End::Settled), "{ends:?}");
}

#[test]
fn one_behind_a_circle_waits_and_is_not_itself_called_blocked() {
    let (mut world, written, ends) = swap(
        &[&[0, 1], &[2, 3], &[4, 5]],
        &[&[0, 2], &[1, 3], &[1, 4, 5]],
        &[0, 1, 2],
    );
    let blocked = End::Stalled(Reason::SourceSwapBlocked);
    assert_eq!((&ends["a"], &ends["b"]), (&blocked, &blocked));
    assert!(matches!(ends["c"], End::Waits(_, Reason::WaitingForSource)));
    assert_eq!(written, BTreeMap::new());
    world.assert_rest();
}

/// A whole swap; how many effects it took.
fn life(crashes: Vec<Crash>) -> u32 {
    let mut world = world((Service::NeverAssigns, 3), Vec::new(), Vec::new());
    world.create("a", desired("a", "Strong", &[0, 1, 2]));
    world.create("b", desired("b", "Weak", &[3, 4, 5]));
    world.run();
    let before = world.effects;
    world.crashes = crashes
        .into_iter()
        .map(|crash| match crash {
            Crash::Before(n) => Crash::Before(before + n),
            Crash::After(n) => Crash::After(before + n),
        })
        .collect();
    world.edit("a", |spec| *spec = desired("a", "Strong", &[0, 3, 4]));
    world.edit("b", |spec| *spec = desired("b", "Weak", &[1, 2, 5]));
    let ends = world.run();
    assert!(ends.values().all(|end| *end == End::Settled), "{ends:?}");
    for uid in ends.keys() {
        assert_equal(&world, uid);
    }
    world.assert_rest();
    world.effects - before
}

#[test]
fn a_swap_lives_through_a_crash_around_every_effect_and_every_pair_of_effects() {
    let effects = life(Vec::new());
    assert!(effects > 12, "{effects} effects are too few to be a swap");
    let points: Vec<Crash> = (0..effects + 8)
        .flat_map(|n| [Crash::Before(n), Crash::After(n)])
        .collect();
    for (n, first) in points.iter().enumerate() {
        life(vec![*first]);
        // The count goes on after a restart, so the earlier of a pair comes first.
        let later = points[n..].iter();
        for second in later.filter(|crash| matches!(crash, Crash::After(_))) {
            life(vec![*first, *second]);
        }
    }
}

#[test]
fn the_search_itself_tells_possible_from_impossible() {
    let places = |groups: &[&[usize]]| -> Places {
        let who = |n| groups.iter().position(|group| group.contains(&n));
        (0..SOURCES.len()).map(who).collect()
    };
    let two = places(&[&[0, 1], &[2, 3]]);
    assert!(!possible(&two, &places(&[&[0, 2], &[1, 3]])));
    assert!(possible(&two, &places(&[&[0, 2, 7], &[1, 3]])));
    assert_eq!(source_id(SOURCES[7]).as_str(), "gsuite");
}
