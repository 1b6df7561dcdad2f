//! How a world is searched: every path to its end, then every circle for whether it is a rest.

use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model, Path, Property};

use super::{
    coverage::Event,
    laws::Law,
    machine::{Transition, World},
    state::State,
};

impl Model for World {
    type State = State;
    type Action = Transition;

    fn init_states(&self) -> Vec<State> {
        vec![self.first()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Transition>) {
        self.actions_of(state, actions);
    }

    fn next_state(&self, state: &State, action: Transition) -> Option<State> {
        self.follow(state, &action)
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
            Property::always("comes to rest", |world: &Self, s: &State| {
                !world.calm.is_restless(s)
            }),
        ]
    }
}

/// Searches a world, and says how many states there were.
pub fn search(name: &str, world: &World, expected: &[Event]) -> usize {
    let began = Instant::now();
    let checker = follow(world);
    let found = checker.discoveries();
    if let Some((law, path)) = found.into_iter().next() {
        fail(name, law, path);
    }
    assert!(checker.is_done(), "{name}: the frontier is not empty");
    let unique = checker.unique_state_count();
    let seen = world.coverage.seen();
    let wrong = world.calm.find_restless(&world.stops);
    let stopped = world.calm.stopped();
    println!(
        "{name}: {unique} states, {} transitions, depth {}, {:.1} s, {seen:?}, stopped {stopped:?}",
        checker.state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f64(),
    );
    if let Some(wrong) = wrong {
        // Once more, for the shortest way there.
        if let Some((law, path)) = follow(world).discoveries().into_iter().next() {
            fail(name, &format!("{law}: {wrong}"), path);
        }
        panic!("{name}: {wrong}");
    }
    assert_eq!(stopped, world.stops, "{name}: what may stop and never does");
    for event in expected {
        assert!(seen.contains_key(event), "{name}: never {event:?}");
    }
    unique
}

fn follow(world: &World) -> impl Checker<World> + use<> {
    let checker = world.clone().checker().threads(2);
    let checker = checker.finish_when(HasDiscoveries::AnyFailures);
    checker.spawn_bfs().join()
}

fn fail(name: &str, law: &str, path: Path<State, Transition>) -> ! {
    println!("{:#?}", path.last_state());
    for action in path.into_actions() {
        println!("{action}");
    }
    panic!("{name}: \"{law}\" does not hold after what is above");
}
