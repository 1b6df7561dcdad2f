//! How soon a resource is looked at again after a pass.

use std::time::Duration;

use psg_domain::time;

use super::fixture::{Fixture, NOW, at, setback, source_id};
use crate::{Engine, Finding, Next, Pace, Reason, action::Action};

fn wait(reason: Reason) -> Next {
    Next::Wait {
        until: at(NOW + 60),
        why: Finding::new(reason, ""),
    }
}

fn stalled(reason: Reason) -> Next {
    Next::Stalled(Finding::new(reason, ""))
}

#[test]
fn the_pace_follows_how_a_pass_ended() {
    let idle = Engine::default();
    for (ended, pace) in [
        (Next::Settled, Pace::Settled),
        (wait(Reason::Paused), Pace::Paused),
        (wait(Reason::Updating), Pace::Waiting),
        (wait(Reason::Retrying), Pace::Retrying),
        (
            stalled(Reason::SourceNotFound),
            Pace::Stalled { unseen: false },
        ),
        (
            stalled(Reason::PolicyExceptions),
            Pace::Stalled { unseen: true },
        ),
        (
            stalled(Reason::UnexpectedAnswer),
            Pace::Stalled { unseen: true },
        ),
    ] {
        assert_eq!(idle.pace(&ended), pace, "{ended:?}");
    }
}

#[test]
fn a_failure_or_an_effect_that_does_not_show_spaces_repeats_out_whatever_is_waited_for() {
    let mut failed = Engine::default();
    failed.read_failed(setback(NOW));
    let mut unconfirmed = Engine::default();
    unconfirmed.source_failed(source_id("ad"), setback(NOW + 60));
    for engine in [failed, unconfirmed] {
        assert_eq!(engine.pace(&wait(Reason::Updating)), Pace::Retrying);
        assert_eq!(engine.pace(&wait(Reason::Paused)), Pace::Retrying);
        assert_eq!(engine.pace(&Next::Settled), Pace::Settled);
        let stalled = stalled(Reason::Refused);
        assert_eq!(engine.pace(&stalled), Pace::Stalled { unseen: false });
    }
}

/// The intent was just stored.
fn creating() -> Fixture {
    let fixture = Fixture::new().read();
    let intent = fixture.remembers();
    fixture.stored(&intent)
}

/// A settled group whose sources were read again after it was first seen.
fn judged() -> Fixture {
    let settled = Fixture::settled();
    let group = super::fixture::group("g", "Corp", "strong", &["ad", "sf"]);
    settled
        .with(|f| {
            f.picture = psg_domain::Picture::default();
            f.picture.merge_groups(at(NOW - 60), vec![group]);
        })
        .facts(
            &[
                super::fixture::source("ad", "AD"),
                super::fixture::source("sf", "Salesforce"),
            ],
            &[super::fixture::policy("strong", "Strong")],
        )
}

#[test]
fn nothing_is_looked_at_again_where_a_watch_or_a_read_shows_every_change() {
    let decision = judged().decide();
    assert_eq!(decision.next, Next::Settled);
    assert_eq!(decision.requeue_at, None);
}

#[test]
fn the_end_of_a_pause_is_a_moment_to_look_and_one_that_is_over_is_none() {
    for (until, looked) in [(NOW + 60, true), (NOW, false), (NOW - 60, false)] {
        let decision = judged()
            .with(|f| f.object.paused_until = Some(at(until)))
            .decide();
        assert_eq!(decision.next, Next::Settled);
        assert_eq!(decision.requeue_at, looked.then(|| at(until)), "{until}");
    }
}

#[test]
fn a_group_whose_policies_are_not_judged_yet_is_looked_at_after_the_next_read() {
    // What its sources show was read when the group was, and may lag behind it.
    let fresh = Fixture::settled();
    let interval = fresh.tenant.interval;
    let decision = fresh.clone().decide();
    assert_eq!(decision.next, Next::Settled);
    assert_eq!(decision.requeue_at, Some(time::after(at(NOW), interval)));

    // A pass that ends in something else is not about that.
    let waiting = fresh.with(|f| f.desired.sources = super::fixture::names(&["AD", "Nowhere"]));
    let decision = waiting.decide();
    assert!(matches!(decision.next, Next::Stalled(_)), "{decision:?}");
    assert_eq!(decision.requeue_at, None);
}

#[test]
fn the_earliest_of_all_moments_counts() {
    let soon = Fixture::settled().with(|f| f.object.paused_until = Some(at(NOW + 1)));
    assert_eq!(soon.decide().requeue_at, Some(at(NOW + 1)));
    let interval = soon.tenant.interval;
    assert!(interval > Duration::from_secs(1));
    let late = Fixture::settled().with(|f| f.object.paused_until = Some(at(NOW + 86_400)));
    assert_eq!(
        late.decide().requeue_at,
        Some(time::after(at(NOW), interval))
    );
}

#[test]
fn only_writes_to_a_group_are_decided_on_a_basis() {
    let create = creating().decide();
    assert!(
        matches!(create.next, Next::Do(Action::CreateGroup(_))),
        "{create:?}"
    );
    assert!(create.basis.is_some());
    let record = Fixture::new().read().decide();
    assert!(
        matches!(record.next, Next::Do(Action::Record(_))),
        "{record:?}"
    );
    assert_eq!(record.basis, None);
}

#[test]
fn a_finalizer_and_a_record_alone_need_no_live_resource() {
    let finalizer = Fixture::new()
        .read()
        .with(|f| f.object.finalizer = false)
        .decide();
    let record = Fixture::new().read().decide();
    let create = creating().decide();
    for (decision, live) in [(finalizer, false), (record, false), (create, true)] {
        let Next::Do(action) = &decision.next else {
            panic!("{decision:?}")
        };
        assert_eq!(action.needs_live_resource(), live, "{action:?}");
    }
}
