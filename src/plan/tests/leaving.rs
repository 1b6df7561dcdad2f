//! The rule reassigning: a source that leaves by an edit is not left without a policy.

use psg_domain::ReassignmentResult;

use super::fixture::{
    Fixture, NOW, READ, at, everybody, exception, group, group_id, policy, reassign, setback,
    source, source_id,
};
use crate::{Action, Memory, Next, Outcome, Reason, Remembered, What};

/// `Workday` is to leave, and the group still has it.
fn leaving() -> Fixture {
    Fixture::settled()
        .groups(&[group("g", "Corp", "strong", &["ad", "sf", "wd"])])
        .with(|f| {
            f.recorded
                .sources
                .push(super::fixture::pin("Workday", "wd", "Workday"));
        })
}

/// `Workday` has left, and its policy is open.
fn left() -> Fixture {
    Fixture::settled().with(|f| f.recorded.leaving = vec![reassign("wd", "strong", None)])
}

#[test]
fn it_is_recorded_with_the_policy_in_force_before_the_put() {
    let fixture = leaving().with(|f| {
        f.desired.policy = psg_domain::Ref::Name("Weak".to_owned());
    });
    let Memory::Update(update, list) = fixture.remembers() else {
        panic!()
    };
    assert_eq!(
        (list[0].source.as_str(), list[0].policy.as_str()),
        ("wd", "strong")
    );
    assert_eq!((list[0].name.as_str(), list[0].result), ("Workday", None));
    let stored = fixture.stored(&Memory::Update(update, list));
    assert!(matches!(stored.changes(), Action::UpdateGroup { .. }));
}

#[test]
fn a_drift_repair_that_takes_a_source_out_is_recorded_too() {
    let fixture = Fixture::settled().groups(&[group("g", "Corp", "strong", &["ad", "sf", "wd"])]);
    assert!(matches!(fixture.remembers(), Memory::Update(_, list) if list.len() == 1));
}

#[test]
fn its_holders_are_read_before_anything_is_assigned() {
    assert_eq!(left().refresh(), What::Holders(vec![source_id("wd")]));
    let old = left().holders("wd", READ - 1, &[everybody("strong")]);
    assert_eq!(
        old.refresh(),
        What::Holders(vec![source_id("wd")]),
        "read while it was a member"
    );
}

#[test]
fn a_policy_that_the_service_assigned_by_itself_is_left_alone() {
    let fixture = left().holders("wd", READ + 1, &[everybody("strong")]);
    assert_eq!(fixture.next(), Next::Settled);
    assert!(fixture.report().recorded.leaving.is_empty());
}

#[test]
fn a_source_without_the_policy_gets_it_and_keeps_its_exceptions() {
    let fixture = left().holders("wd", READ + 1, &[exception("weak"), everybody("weak")]);
    let Action::AssignPolicy { source, holders } = fixture.step() else {
        panic!()
    };
    assert_eq!(source, source_id("wd"));
    assert_eq!(holders, [everybody("strong"), exception("weak")]);
}

#[test]
fn an_assignment_is_read_back() {
    let assigned = left().holders("wd", READ + 1, &[]).with(|f| {
        _ = f
            .expectations
            .assigned
            .insert(source_id("wd"), at(READ + 2));
    });
    assert_eq!(assigned.refresh(), What::Holders(vec![source_id("wd")]));
    let at_once = assigned
        .clone()
        .holders("wd", READ + 2, &[everybody("strong")]);
    assert!(
        matches!(at_once.next(), Next::Refresh { .. }),
        "as old as the write"
    );
    let read = assigned
        .clone()
        .holders("wd", READ + 3, &[everybody("strong")]);
    assert_eq!(read.next(), Next::Settled);
    let lacking = assigned.holders("wd", READ + 3, &[]);
    assert_eq!(lacking.waits_until(), READ + 12, "it is not hammered");
    assert!(matches!(
        lacking.with(|f| f.now = at(READ + 12)).step(),
        Action::AssignPolicy { .. }
    ));
}

#[test]
fn one_that_is_in_another_group_by_then_is_left_alone() {
    let groups = [
        group("g", "Corp", "strong", &["ad", "sf"]),
        group("h", "New Home", "weak", &["wd", "z"]),
    ];
    let fixture = left().shown(groups[1].clone()).groups(&groups);
    assert_eq!(fixture.next(), Next::Settled);
}

/// A read that lags shows another group with a source that it has let go.
#[test]
fn one_that_another_group_has_but_for_a_moment_is_waited_for() {
    let groups = [
        group("g", "Corp", "strong", &["ad", "sf"]),
        group("h", "Old Home", "weak", &["wd", "z"]),
    ];
    let fixture = left().groups(&groups);
    assert_eq!(fixture.waits_until(), READ + 30);
    let later = fixture.with(|f| f.now = at(READ + 30));
    assert_eq!(later.refresh(), What::Groups);
}

/// The other's group has it already, and no read shows that yet.
#[test]
fn one_that_another_resource_records_is_waited_for_until_a_walk_would_show_where_it_is() {
    let recorded = || {
        let lacks = left().holders("wd", READ + 1, &[]);
        lacks.other("newer", -1, |other| {
            other.holds("h", "New Home", &["wd", "z"]);
        })
    };
    let free = left().holders("wd", READ + 1, &[]);
    assert!(matches!(free.step(), Action::AssignPolicy { .. }));
    assert_eq!(recorded().waits_until(), READ + 30);
    let later = recorded().with(|f| f.now = at(READ + 30));
    assert_eq!(later.refresh(), What::Groups);
    let groups = [group("g", "Corp", "strong", &["ad", "sf"])];
    let nowhere = later
        .walk(READ + 30, &groups)
        .holders("wd", READ + 31, &[])
        .with(|f| f.now = at(READ + 32));
    assert!(matches!(nowhere.step(), Action::AssignPolicy { .. }));
}

#[test]
fn whether_it_is_in_another_group_is_asked_of_a_walk_since_it_left() {
    let put = |f: &mut Fixture| {
        f.picture
            .merge_one(at(READ + 2), group("g", "Corp", "strong", &["ad", "sf"]));
        f.expectations.puts.get_or_insert_default().answered_at = Some(at(READ + 2));
    };
    let other = group("h", "Old Home", "weak", &["wd", "z"]);
    let seen_elsewhere = left()
        .shown(other.clone())
        .groups(&[group("g", "Corp", "strong", &["ad", "sf", "wd"]), other])
        .with(put);
    assert_eq!(seen_elsewhere.refresh(), What::Groups);
    let lacking = left().with(put).holders("wd", READ + 3, &[]);
    assert_eq!(lacking.refresh(), What::Groups);
    let walked = lacking.walk(READ + 4, &[group("g", "Corp", "strong", &["ad", "sf"])]);
    assert!(
        matches!(walked.step(), Action::AssignPolicy { .. }),
        "the holders need no second read"
    );
}

#[test]
fn one_that_comes_back_before_the_put_is_taken_off_the_list() {
    let back = leaving().sources(&["AD", "Salesforce", "Workday"]);
    let back = back.with(|f| f.recorded.leaving = vec![reassign("wd", "strong", None)]);
    assert_eq!(
        back.next(),
        Next::Settled,
        "a member's policy is the group's"
    );
    assert!(back.report().recorded.leaving.is_empty());
    let also_renamed = back.with(|f| f.desired.name = "New".to_owned());
    assert!(matches!(also_renamed.remembers(), Memory::Update(_, list) if list.is_empty()));
}

#[test]
fn one_that_is_to_come_back_stays_on_the_list_until_the_group_has_it() {
    let back = left().sources(&["AD", "Salesforce", "Workday"]);
    let back = back.holders("wd", READ + 1, &[everybody("weak")]);
    assert!(
        matches!(back.remembers(), Memory::Update(_, list) if list.len() == 1),
        "the PUT may fail, and the manifest leave it out again"
    );
}

#[test]
fn what_was_reassigned_at_an_earlier_time_is_reassigned_again() {
    let again = leaving().with(|f| {
        f.recorded.leaving = vec![reassign("wd", "weak", Some(ReassignmentResult::ByService))];
    });
    let Memory::Update(_, list) = again.remembers() else {
        panic!()
    };
    assert_eq!((list[0].policy.as_str(), list[0].result), ("strong", None));
}

#[test]
fn one_that_is_gone_or_whose_policy_is_gone_holds_up_nothing() {
    let listed = left().with(|f| f.picture.merge_holders(at(READ + 1), source_id("wd"), None));
    assert!(matches!(listed.next(), Next::Wait { .. }));
    let gone = listed.facts(
        &[source("ad", "AD"), source("sf", "Salesforce")],
        &[policy("strong", "Strong"), policy("weak", "Weak")],
    );
    assert_eq!(gone.next(), Next::Settled);
    let no_policy = Fixture::settled()
        .with(|f| f.recorded.leaving = vec![reassign("wd", "deleted", None)])
        .holders("wd", READ + 1, &[everybody("weak")]);
    assert_eq!(no_policy.next(), Next::Settled);
}

/// These leave, and `Workday` cannot be read for a while.
fn workday_fails_of(leaving: &[&str]) -> Fixture {
    Fixture::settled()
        .facts(
            &[
                source("ad", "AD"),
                source("sf", "Salesforce"),
                source("wd", "Workday"),
                source("y", "Yammer"),
                source("z", "Zendesk"),
            ],
            &[policy("strong", "Strong")],
        )
        .with(|f| {
            let each = leaving.iter().map(|id| reassign(id, "strong", None));
            f.recorded.leaving = each.collect();
            f.expectations
                .blocked
                .insert(source_id("wd"), setback(NOW + 40));
        })
}

#[test]
fn one_that_fails_is_named_and_the_others_go_on() {
    let two = workday_fails_of(&["wd", "z"]);
    assert_eq!(two.refresh(), What::Holders(vec![source_id("z")]));
    let lacking = two.clone().holders("z", READ + 1, &[]);
    assert!(
        matches!(lacking.step(), Action::AssignPolicy { source, .. } if source == source_id("z"))
    );
    let done = two.holders("z", READ + 1, &[everybody("strong")]);
    let Memory::Reassigned(results) = done.remembers() else {
        panic!()
    };
    assert_eq!(
        results[1].result,
        Some(ReassignmentResult::ByService),
        "stored before the wait"
    );
    let stored = done.stored(&Memory::Reassigned(results));
    let why = stored.held_up();
    assert_eq!(
        (why.reason, stored.waits_until()),
        (Reason::Retrying, NOW + 40)
    );
    assert!(
        why.message.contains("\"wd\": the tenant answered 503"),
        "{}",
        why.message
    );
    assert!(!why.message.contains("\"z\""), "{}", why.message);
    let later = stored.with(|f| f.now = at(NOW + 40));
    assert!(matches!(later.next(), Next::Refresh { .. }));
}

#[test]
fn one_that_fails_does_not_make_each_result_of_the_others_a_write() {
    let three = workday_fails_of(&["wd", "y", "z"])
        .holders("y", READ + 1, &[everybody("strong")])
        .holders("z", READ + 1, &[]);
    assert!(
        matches!(three.step(), Action::AssignPolicy { source, .. } if source == source_id("z"))
    );
}

#[test]
fn a_result_that_is_stored_is_not_looked_at_again() {
    let fixture = Fixture::settled()
        .with(|f| {
            f.recorded.leaving = vec![reassign(
                "wd",
                "strong",
                Some(ReassignmentResult::ByService),
            )];
        })
        .holders("wd", NOW, &[everybody("weak")]);
    assert_eq!(fixture.next(), Next::Settled);
}

#[test]
fn a_later_edit_keeps_what_is_still_open() {
    let fixture = left().with(|f| f.desired.name = "New".to_owned());
    assert!(matches!(fixture.remembers(), Memory::Update(_, list) if list.len() == 1));
}

#[test]
fn nothing_is_assigned_while_paused() {
    let fixture = left()
        .holders("wd", READ + 1, &[])
        .with(|f| f.object.paused_until = Some(at(NOW + 60)));
    assert_eq!(fixture.held_up().reason, Reason::Paused);
}

#[test]
fn the_record_of_who_leaves_does_not_send_a_create() {
    let fixture = leaving().last(Outcome::Recorded(Remembered::Update));
    assert!(
        matches!(fixture.remembers(), Memory::Update(..)),
        "the record itself is looked at"
    );
    assert_eq!(fixture.recorded.group, Some(group_id("g")));
}

/// The group was deleted by another hand, and another group that has the manifest's sources by now stands
/// in the way of a new one. One of the sources may be in a create that was sent.
#[test]
fn one_that_left_a_group_that_is_gone_gets_its_policy_though_no_other_group_can_be_made() {
    let gone = |f: &mut Fixture| {
        f.recorded.group = None;
        f.recorded.origin = None;
        f.recorded.leaving = vec![
            reassign("wd", "strong", None),
            reassign("ad", "strong", None),
        ];
    };
    let another = [group("x", "Other", "weak", &["ad", "sf"])];
    let stuck = Fixture::new()
        .walk(READ - 20, &another)
        .walk(READ, &another);
    let stuck = stuck
        .with(|f| f.recorded = Fixture::settled().recorded)
        .with(gone);
    let at_a_standstill = |fixture: &Fixture| match fixture.next() {
        Next::Stalled(why) => why.reason,
        odd => panic!("{odd:?}"),
    };
    let sent = stuck.clone().intent(READ - 100).with(|f| {
        f.recorded.refused = None;
    });
    let read = sent.clone().holders("wd", READ + 1, &[everybody("weak")]);
    for fixture in [&stuck, &sent] {
        let What::Holders(unread) = fixture.refresh() else {
            panic!("{:?}", fixture.refresh())
        };
        assert!(unread.contains(&source_id("wd")), "{unread:?}");
    }
    let Action::AssignPolicy { source, .. } = read.step() else {
        panic!("{:?}", read.next())
    };
    assert_eq!(source, source_id("wd"));
    let has = sent.holders("wd", READ + 1, &[everybody("strong")]);
    assert_eq!(at_a_standstill(&has), Reason::SourceInAnotherGroup);
}
