//! The end of the rule drift: three repairs of one field within an hour, and no fourth.

use psg_domain::{Contested, Drift, ManagementPolicy, Ref};

use super::fixture::{Fixture, NOW, READ, at, condition, everybody, group, reassign, source_id};
use super::{model::Service, world::End};
use crate::{Action, Memory, Next, Reason, Repairs, Truth, WriteCause};

fn change(field: &str) -> Vec<Drift> {
    vec![Drift {
        field: field.to_owned(),
        wanted: String::new(),
        found: String::new(),
    }]
}

/// Another hand has set the policy to Weak, and the policy was repaired at these seconds.
fn repaired(seconds: &[i64]) -> Fixture {
    let mut repairs = Repairs::default();
    for second in seconds {
        repairs.count(&change("passwordPolicy"), at(*second));
    }
    Fixture::settled()
        .groups(&[group("g", "Corp", "weak", &["ad", "sf"])])
        .with(|f| f.repairs = repairs)
}

const THRICE: [i64; 3] = [NOW - 3599, NOW - 1000, NOW - 10];

/// The same, given up and stored.
fn given_up() -> Fixture {
    let fixture = repaired(&THRICE).with(|f| f.object.reconcile_at = Some("monday".to_owned()));
    fixture.stored(&fixture.remembers()).with(|f| f.last = None)
}

fn repairs_again(fixture: &Fixture) {
    assert!(matches!(
        fixture.changes(),
        Action::UpdateGroup {
            cause: WriteCause::Drift,
            ..
        }
    ));
}

#[test]
fn a_repair_is_remembered() {
    let mut repairs = Repairs::default();
    assert_eq!(repairs, Repairs::default());
    repairs.count(&change("name"), at(NOW));
    assert_ne!(repairs, Repairs::default());
}

#[test]
fn the_first_three_times_it_is_repaired() {
    for seconds in [&THRICE[..0], &THRICE[..1], &THRICE[..2]] {
        repairs_again(&repaired(seconds));
    }
}

#[test]
fn after_three_repairs_within_an_hour_it_is_recorded_and_left_alone() {
    let fixture = repaired(&THRICE).with(|f| f.object.reconcile_at = Some("monday".to_owned()));
    let memory = fixture.remembers();
    let contested = Contested {
        generation: 1,
        reconcile_at: Some("monday".to_owned()),
        field: "passwordPolicy".to_owned(),
        found: "Weak".to_owned(),
    };
    assert_eq!(memory, Memory::Contested(contested));
    let stored = fixture.stored(&memory);
    let report = stored.report();
    let ready = condition(&report, "Ready").unwrap();
    assert_eq!((ready.truth, ready.reason), (Truth::False, "Contested"));
    assert_eq!(
        ready.message,
        "passwordPolicy was set to Weak again after 3 repairs within an hour, so another tool writes \
         this group and nothing more is repaired. Find that tool; then edit the spec, or set the \
         annotation passwordsync.dev/reconcile-at to a new value, to try again"
    );
    assert_eq!(condition(&report, "Stalled").unwrap().reason, "Contested");
    assert_eq!(report.recorded.drift.len(), 1);
    assert_eq!(report.recorded.contested, stored.recorded.contested);
}

#[test]
fn repairs_of_other_fields_and_of_an_hour_ago_do_not_count() {
    repairs_again(&repaired(&[NOW - 3600, NOW - 1000, NOW - 10]));
    let others = repaired(&THRICE[1..]).with(|f| f.repairs.count(&change("name"), at(NOW - 5)));
    repairs_again(&others);
    let long_ago = repaired(&[1, 2, 3, 4, NOW - 1000, NOW - 10]);
    repairs_again(&long_ago);
}

#[test]
fn a_restart_does_not_begin_it_again() {
    let restarted = given_up().with(|f| f.repairs = Repairs::default());
    assert_eq!(restarted.stalls(), Reason::Contested);
    assert_eq!(
        restarted.report().recorded.contested,
        restarted.recorded.contested
    );
}

#[test]
fn no_other_drift_of_the_group_is_repaired_either() {
    let renamed = given_up().walk(READ + 1, &[group("g", "Theirs", "strong", &["ad", "sf"])]);
    assert_eq!(renamed.stalls(), Reason::Contested);
    assert_eq!(renamed.report().recorded.drift[0].field, "name");
}

#[test]
fn an_edit_of_the_spec_ends_it() {
    let edited = given_up().with(|f| {
        f.desired.name = "New".to_owned();
        f.object.generation += 1;
    });
    assert!(matches!(
        edited.changes(),
        Action::UpdateGroup {
            cause: WriteCause::Edit,
            ..
        }
    ));
    let touched = given_up().with(|f| f.object.generation += 1);
    repairs_again(&touched);
}

#[test]
fn another_value_of_the_annotation_ends_it_and_the_count_begins_anew() {
    for value in [Some("tuesday".to_owned()), None] {
        repairs_again(&given_up().with(|f| f.object.reconcile_at.clone_from(&value)));
    }
    assert_eq!(
        given_up().stalls(),
        Reason::Contested,
        "the same value does not"
    );
}

#[test]
fn a_tenant_that_is_equal_again_ends_it() {
    let equal = given_up().walk(READ + 1, &[group("g", "Corp", "strong", &["ad", "sf"])]);
    assert_eq!(equal.next(), Next::Settled);
    let recorded = equal.report().recorded;
    assert_eq!(recorded.contested, None);
    let again = equal
        .with(|f| f.recorded = recorded)
        .walk(READ + 2, &[group("g", "Corp", "weak", &["ad", "sf"])]);
    repairs_again(&again);
}

#[test]
fn an_edit_is_never_held_up_and_onchange_never_fights() {
    let edited = repaired(&THRICE).with(|f| f.desired.policy = Ref::Name("Weak".to_owned()));
    assert_eq!(edited.next(), Next::Settled);
    let edited = repaired(&THRICE).with(|f| f.desired.name = "New".to_owned());
    assert!(matches!(edited.changes(), Action::UpdateGroup { .. }));
    let on_change = repaired(&THRICE).with(|f| f.desired.management = ManagementPolicy::OnChange);
    assert_eq!(on_change.stalls(), Reason::Drifted);
}

#[test]
fn nothing_is_given_up_while_paused() {
    let paused = repaired(&THRICE).with(|f| f.object.paused_until = Some(at(NOW + 60)));
    assert_eq!(paused.held_up().reason, Reason::Paused);
}

/// A source that left by an edit is not stranded because nothing else may be written.
#[test]
fn what_left_before_gets_its_policy_all_the_same() {
    let on_change = repaired(&[]).with(|f| f.desired.management = ManagementPolicy::OnChange);
    for fixture in [given_up(), on_change] {
        let left = fixture
            .with(|f| f.recorded.leaving = vec![reassign("wd", "strong", None)])
            .holders("wd", READ + 1, &[]);
        assert!(
            matches!(left.step(), Action::AssignPolicy { source, .. } if source == source_id("wd"))
        );
        let assigned = left.holders("wd", READ + 2, &[everybody("strong")]);
        assert!(matches!(assigned.next(), Next::Stalled(_)));
        assert!(assigned.report().recorded.leaving.is_empty());
    }
}

/// The whole of it, in a world: three repairs, none after that whatever time passes and whoever
/// restarts, and three more once a person has asked for them.
#[test]
fn a_tool_that_undoes_everything_is_fought_three_times_and_again_when_a_person_asks() {
    let mut world = super::laws::world((Service::AssignsAtOnce, 0), Vec::new(), Vec::new());
    world.create("me", super::laws::desired("A", "Strong", &[0, 1]));
    world.run();
    let made = world.tenant.groups.values().next().unwrap().clone();
    let theirs = psg_domain::Group {
        policy: psg_domain::PolicyId::parse("weak").ok(),
        ..made.clone()
    };
    let contested = End::Stalled(Reason::Contested);
    for asked in ["", "monday", "tuesday"] {
        world.resources.get_mut("me").unwrap().object.reconcile_at = Some(asked.to_owned());
        let before = world.writes.len();
        let mut ends = Vec::new();
        for _ in 0..6 {
            // Reads lag behind our repair for so long, so that nothing is called drift before.
            world.advance(31_000);
            world.tenant.put(world.now, &theirs);
            world.read();
            ends.push(world.run()["me"].clone());
            world.advance(61_000);
        }
        assert_eq!(world.writes.len() - before, 3);
        assert!(ends[..3].iter().all(|end| *end == End::Settled), "{ends:?}");
        assert!(ends[3..].iter().all(|end| *end == contested), "{ends:?}");
        world.assert_rest();
    }
    world.advance(31_000);
    world.tenant.put(world.now, &made);
    world.read();
    assert_eq!(world.run()["me"], End::Settled);
    assert_eq!(world.resources["me"].stored.contested, None);
}
