//! The rule update: write on a difference only, the whole object, from a read that is young enough.

use std::time::Duration;

use psg_domain::Ref;

use super::fixture::{Fixture, NOW, READ, at, group, group_id, setback, source_id};
use crate::{Action, Memory, Next, Outcome, Reason, What, WriteCause};

fn edited() -> Fixture {
    Fixture::settled().with(|f| f.desired.policy = Ref::Name("Weak".to_owned()))
}

fn put(fixture: &Fixture) -> (psg_domain::Group, WriteCause) {
    match fixture.changes() {
        Action::UpdateGroup { group, cause, .. } => (group, cause),
        other => panic!("no PUT: {other:?}"),
    }
}

#[test]
fn an_equal_group_is_not_written() {
    assert_eq!(Fixture::settled().next(), Next::Settled);
}

#[test]
fn the_order_of_sources_is_irrelevant() {
    let fixture = Fixture::settled().with(|f| f.desired.sources.reverse());
    assert_eq!(fixture.next(), Next::Settled);
}

#[test]
fn an_edit_puts_the_whole_group() {
    let fixture = edited().with(|f| f.desired.name = "New".to_owned());
    let (sent, cause) = put(&fixture);
    assert_eq!(sent, group("g", "New", "weak", &["ad", "sf"]));
    assert_eq!(cause, WriteCause::Edit);
    let Action::UpdateGroup { changes, .. } = fixture.changes() else {
        panic!()
    };
    let fields: Vec<_> = changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["name", "passwordPolicy"]);
}

#[test]
fn a_lost_finalizer_is_put_back_before_anything_else_is_written() {
    let stripped = |f: &mut Fixture| f.object.finalizer = false;
    assert_eq!(edited().with(stripped).step(), Action::HoldFinalizer);
    assert_eq!(
        Fixture::settled().with(stripped).step(),
        Action::HoldFinalizer
    );
}

#[test]
fn a_group_that_was_last_seen_long_ago_is_not_overwritten() {
    let fixture = edited().with(|f| f.now = at(READ + 61));
    assert_eq!(fixture.refresh(), What::Groups);
}

#[test]
fn a_put_follows_only_a_read_newer_than_the_last_put() {
    let fixture = edited()
        .with(|f| f.expectations.puts.get_or_insert_default().answered_at = Some(at(READ + 1)));
    let Next::Refresh { what, newer_than } = fixture.next() else {
        panic!()
    };
    assert_eq!(what, What::Group(group_id("g")));
    assert!(newer_than > at(READ + 1));
}

#[test]
fn a_change_that_the_tenant_took_and_shows_otherwise_is_not_hammered() {
    let sent = group("g", "Corp", "weak", &["ad", "sf"]);
    let fixture = edited().updated(&sent, READ).with(|f| {
        f.backoff = Duration::from_secs(20);
    });
    assert_eq!(fixture.held_up().reason, Reason::Retrying);
    assert_eq!(fixture.waits_until(), READ + 20);
    put(&fixture.with(|f| f.now = at(READ + 20)));
}

#[test]
fn an_unanswered_put_ends_the_pass_and_is_read_before_it_is_repeated() {
    let lost = edited().last(Outcome::Unknown(setback(NOW + 9))).with(|f| {
        f.picture.doubt(&group_id("g"), at(NOW));
    });
    assert_eq!(lost.waits_until(), NOW + 9);
    let later = lost.with(|f| f.now = at(NOW + 9));
    let Next::Refresh { what, newer_than } = later.next() else {
        panic!()
    };
    assert_eq!(what, What::Group(group_id("g")));
    assert!(newer_than > at(NOW));
}

#[test]
fn a_step_that_was_certainly_not_done_ends_the_pass() {
    let fixture = edited().last(Outcome::NotMade(setback(NOW + 5)));
    assert_eq!(fixture.waits_until(), NOW + 5);
    put(&edited().last(Outcome::NotMade(setback(NOW))));
}

#[test]
fn a_refused_put_is_not_repeated() {
    let fixture = edited().refused("no");
    let stored = fixture.stored(&fixture.remembers()).with(|f| f.last = None);
    assert_eq!(stored.stalls(), Reason::Refused);
    put(&stored.with(|f| f.object.generation += 1));
}

/// Its status could not be stored at once, and by then the manifest had changed.
#[test]
fn a_refusal_says_nothing_of_a_manifest_that_came_while_its_write_was_under_way() {
    let refused = edited().refused("no");
    let later = refused.clone().with(|f| f.object.generation += 1);
    let stored = later.stored(&later.remembers()).with(|f| f.last = None);
    put(&stored);
}

#[test]
fn a_joiner_is_put_once_its_holders_were_read() {
    let fixture = Fixture::settled()
        .sources(&["AD", "Salesforce", "Workday"])
        .holders("wd", READ, &[]);
    let (sent, _) = put(&fixture);
    assert!(sent.sources.contains(&source_id("wd")));
}

#[test]
fn a_pause_that_cannot_be_read_holds_and_says_so() {
    let paused = edited().with(|f| f.object.unreadable_pause = Some("2h".to_owned()));
    let why = paused.held_up();
    assert_eq!(why.reason, Reason::Paused);
    let told = "paused-until is \"2h\", which is no time that can be read";
    assert!(why.message.contains(told), "{}", why.message);
    let deleting = Fixture::deleting().with(|f| f.object.unreadable_pause = Some("2h".to_owned()));
    assert_eq!(deleting.held_up().reason, Reason::Paused);
}

/// Such as a name with a blank at its end, which the tenant takes off.
#[test]
fn what_the_tenant_stores_otherwise_each_time_is_not_sent_for_ever() {
    let sent = edited().stored(&edited().remembers());
    let answered = |times| {
        sent.clone().with(|f| {
            f.last = None;
            f.expectations.puts.as_mut().unwrap().otherwise = times;
        })
    };
    put(&answered(2));
    let why = answered(3).held_up();
    assert_eq!(why.reason, Reason::StoredOtherwise);
    assert!(why.message.contains("passwordPolicy"), "{}", why.message);
    let edited = answered(3).with(|f| f.desired.name = "Another".to_owned());
    let Memory::Update(update, leaving) = edited.remembers() else {
        panic!("no record");
    };
    put(&edited.stored(&Memory::Update(update, leaving)));
}

#[test]
fn nothing_is_written_while_paused_and_the_difference_is_shown() {
    let paused = edited().with(|f| f.object.paused_until = Some(at(NOW + 60)));
    assert_eq!(paused.held_up().reason, Reason::Paused);
    assert_eq!(paused.report().recorded.drift[0].field, "passwordPolicy");
    let equal = Fixture::settled().with(|f| f.object.paused_until = Some(at(NOW + 60)));
    assert_eq!(equal.next(), Next::Settled);
}
