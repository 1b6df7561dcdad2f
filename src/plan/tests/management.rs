//! Observe: looked at, never written, never claimed; and a manifest that cannot be read.

use psg_domain::{ManagementPolicy, Origin};

use super::fixture::{Fixture, NOW, READ, at, group, group_id};
use crate::{Action, Next, Reason, ReleaseKind, What};

fn observing() -> Fixture {
    Fixture::new().with(|f| {
        f.desired.management = ManagementPolicy::Observe;
        f.object.finalizer = false;
    })
}

#[test]
fn an_equal_group_is_in_sync_and_recorded_as_looked_at() {
    let fixture = observing().groups(&[group("x", "Corp", "strong", &["ad", "sf"])]);
    assert_eq!(fixture.next(), Next::Settled);
    let recorded = fixture.report().recorded;
    assert_eq!(
        (recorded.group, recorded.origin),
        (Some(group_id("x")), Some(Origin::Observed))
    );
}

#[test]
fn a_difference_is_reported_and_never_written() {
    let fixture = observing().groups(&[group("x", "Corp", "weak", &["ad", "sf"])]);
    assert_eq!(fixture.stalls(), Reason::Drifted);
    assert_eq!(fixture.report().recorded.drift.len(), 1);
}

#[test]
fn an_absent_group_is_not_found() {
    assert_eq!(observing().stalls(), Reason::GroupNotFound);
    let by_id = observing()
        .with(|f| f.desired.group_id = Some(group_id("x")))
        .gone("x", READ);
    assert_eq!(by_id.stalls(), Reason::GroupNotFound);
}

#[test]
fn of_several_groups_none_is_recorded() {
    let fixture = observing().groups(&[
        group("x", "Corp", "strong", &["ad", "sf"]),
        group("y", "Corp", "weak", &["wd", "z"]),
    ]);
    assert_eq!(fixture.stalls(), Reason::AmbiguousGroup);
    assert_eq!(fixture.report().recorded.group, None);
}

#[test]
fn a_group_that_is_looked_at_is_followed_when_it_is_renamed() {
    let fixture = observing().held("x", Origin::Observed).groups(&[group(
        "x",
        "Renamed",
        "strong",
        &["ad", "sf"],
    )]);
    assert_eq!(fixture.stalls(), Reason::Drifted);
    let report = fixture.report();
    assert_eq!(report.recorded.group, Some(group_id("x")));
    assert_eq!(report.recorded.drift[0].field, "name");
    let lacking = fixture.walk(NOW, &[]);
    assert_eq!(lacking.refresh(), What::Group(group_id("x")));
    assert_eq!(lacking.gone("x", NOW + 1).stalls(), Reason::GroupNotFound);
}

#[test]
fn going_over_to_observe_gives_up_finalizer_and_ownership_but_not_the_group() {
    let fixture = Fixture::settled().with(|f| f.desired.management = ManagementPolicy::Observe);
    let Action::ReleaseFinalizer(release) = fixture.step() else {
        panic!()
    };
    assert_eq!(
        (release.kind, release.group),
        (ReleaseKind::Observed, Some(group_id("g")))
    );
    let released = fixture.with(|f| f.object.finalizer = false);
    assert_eq!(released.next(), Next::Settled);
    assert_eq!(released.report().recorded.origin, Some(Origin::Observed));
    let drifted = released.groups(&[group("g", "Renamed", "strong", &["ad", "sf"])]);
    assert_eq!(drifted.stalls(), Reason::Drifted);
}

#[test]
fn an_open_intent_does_not_make_one_group_ambiguous() {
    let fixture =
        observing()
            .intent(NOW - 10)
            .groups(&[group("x", "Corp", "strong", &["ad", "sf"])]);
    assert_eq!(fixture.next(), Next::Settled);
    assert!(
        fixture.report().recorded.intent.is_some(),
        "it is settled when somebody manages again"
    );
}

#[test]
fn nothing_is_observed_in_the_dark() {
    let fixture = observing().with(|f| f.picture = psg_domain::Picture::default());
    assert_eq!(fixture.stalls(), Reason::SourceNotFound);
}

#[test]
fn a_manifest_that_cannot_be_read_changes_nothing() {
    let fixture = Fixture::settled().with(|f| f.unreadable = Some("spec.name: blank".to_owned()));
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::InvalidSpec);
    assert!(why.message.contains("spec.name"));
    let recorded = fixture.report().recorded;
    assert_eq!(recorded.sources, fixture.recorded.sources, "the pins stay");
}

#[test]
fn a_pause_that_is_over_holds_nothing() {
    let fixture = Fixture::new()
        .read()
        .with(|f| f.object.paused_until = Some(at(NOW)));
    assert!(matches!(fixture.step(), Action::Record(_)));
}
