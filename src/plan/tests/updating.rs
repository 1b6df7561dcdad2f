//! The record of a change: what is stored before a PUT, what may be decided while reads may not show
//! it yet, and when it is closed.

use psg_domain::{Assign, ManagementPolicy, ReassignmentResult};

use super::fixture::{
    Fixture, NOW, READ, at, everybody, group, group_id, if_none, names, place, reassign, setback,
    source_id,
};
use crate::{
    Action, Claimant, Expectations, Memory, Next, Puts, Reason, What,
    claims::{Held, Wanted},
};

/// What the default resource has, and what its manifest asks for.
fn swap() -> Fixture {
    Fixture::settled()
        .sources(&["AD", "Workday"])
        .holders("wd", READ, &[everybody("weak")])
}

fn swapped() -> psg_domain::Group {
    group("g", "Corp", "strong", &["ad", "wd"])
}

/// The resource, as far as its status claims something.
fn claimant(held: Held) -> Claimant {
    Claimant {
        uid: super::fixture::ME.to_owned(),
        namespace: "ns".to_owned(),
        name: "corp".to_owned(),
        created: at(NOW),
        tenant: place("ns/default"),
        eager: false,
        wanted: Wanted::default(),
        held,
    }
}

#[test]
fn joiners_and_leavers_are_stored_in_one_write_before_the_put() {
    let Memory::Update(update, leaving) = swap().remembers() else {
        panic!()
    };
    assert!(update.made(&swapped()));
    let sources: Vec<_> = leaving.iter().map(|left| left.source.as_str()).collect();
    assert_eq!(sources, ["sf"]);
    let stored = swap().stored(&Memory::Update(update, leaving));
    assert!(matches!(stored.step(), Action::UpdateGroup { group, .. } if group == swapped()));
}

#[test]
fn what_joins_is_claimed_from_the_record_on() {
    let stored = swap().stored(&swap().remembers());
    let held = Held::of(&stored.recorded);
    let mut claims = stored.claims();
    claims.insert(claimant(held));
    let me = claims.claimant(super::fixture::ME).unwrap();
    assert!(me.held_sources().any(|id| *id == source_id("wd")));
}

/// The PUT was answered, and a read that lags shows the group as it was.
fn lagging(second: i64) -> Fixture {
    Fixture::settled()
        .updated(&swapped(), second)
        .sources(&["AD", "Workday"])
        .with(|f| {
            f.recorded.sources = vec![
                super::fixture::pin("AD", "ad", "AD"),
                super::fixture::pin("Workday", "wd", "Workday"),
            ];
        })
}

/// What may have joined is listed, and has a policy of its own.
fn looked_after(fixture: &Fixture) -> Fixture {
    let listed = fixture.stored(&fixture.remembers());
    let now = listed.now.as_second();
    listed.holders("wd", now, &[everybody("weak")])
}

#[test]
fn a_read_within_the_settle_time_of_a_put_is_not_called_drift() {
    for management in [ManagementPolicy::Enforce, ManagementPolicy::OnChange] {
        let early = lagging(READ - 10).with(|f| f.desired.management = management);
        assert_eq!(early.held_up().reason, Reason::Updating);
        assert_eq!(early.waits_until(), READ + 20);
        let due = early.clone().with(|f| f.now = at(READ + 20));
        let Next::Refresh { what, newer_than } = due.next() else {
            panic!()
        };
        assert_eq!(
            (what, newer_than > at(READ + 20)),
            (What::Group(group_id("g")), true)
        );
        assert_eq!(early.report().recorded.drift, []);
    }
    let late = lagging(READ - 30).with(|f| f.desired.management = ManagementPolicy::OnChange);
    assert_eq!(
        looked_after(&late).stalls(),
        Reason::Drifted,
        "the read began when it must show the change"
    );
}

#[test]
fn a_put_that_nobody_answered_may_take_effect_as_late_and_show_later_still() {
    let lost = lagging(READ - 100).with(|f| {
        f.desired.management = ManagementPolicy::OnChange;
        f.expectations.puts = Some(Puts {
            unanswered_at: Some(at(READ - 39)),
            answered_at: Some(at(READ - 5)),
            taken_at: Some(at(READ - 5)),
            ..Puts::default()
        });
    });
    assert_eq!(lost.waits_until(), READ + 25, "from the answered one");
    let settled = lost.walk(READ + 26, &[group("g", "Corp", "strong", &["ad", "sf"])]);
    let settled = settled.with(|f| f.now = at(READ + 27));
    let settled = looked_after(&settled);
    assert_eq!(
        settled.stalls(),
        Reason::Drifted,
        "it was answered after the last could come"
    );
    let undone = settled.with(|f| {
        f.expectations.puts.as_mut().unwrap().unanswered_at = Some(at(READ - 20));
        f.picture.merge_groups(
            at(READ + 60),
            vec![group("g", "Corp", "strong", &["ad", "sf"])],
        );
        f.picture.merge_holders(
            at(READ + 60),
            source_id("wd"),
            Some(vec![everybody("weak")]),
        );
        f.now = at(READ + 61);
    });
    assert!(
        matches!(undone.changes(), Action::UpdateGroup { group, .. } if group == swapped()),
        "our own late PUT undid it"
    );
}

#[test]
fn an_edit_back_while_the_change_may_not_show_is_not_in_sync_yet() {
    let back = Fixture::settled().update(&swapped()).with(|f| {
        f.expectations.puts = Some(Puts {
            unanswered_at: Some(at(READ - 1)),
            ..Puts::default()
        });
    });
    assert_eq!(back.held_up().reason, Reason::Updating);
    let shown = back.walk(READ + 40, &[group("g", "Corp", "strong", &["ad", "sf"])]);
    let shown =
        shown
            .with(|f| f.now = at(READ + 41))
            .holders("wd", READ + 40, &[everybody("weak")]);
    let Memory::Reassigned(list) = shown.remembers() else {
        panic!("what may have joined is looked after")
    };
    assert_eq!((list.len(), list[0].assign), (1, Assign::IfNone));
    let listed = shown.stored(&Memory::Reassigned(list));
    let listed = listed.holders("wd", READ + 41, &[everybody("weak")]);
    assert_eq!(listed.next(), Next::Settled);
    let recorded = listed.report().recorded;
    assert_eq!((recorded.update, recorded.leaving.len()), (None, 0));
}

#[test]
fn the_record_is_closed_by_a_read_that_shows_it_and_by_none_before() {
    let equal = |second| {
        Fixture::settled()
            .updated(&group("g", "Corp", "strong", &["ad", "sf"]), second)
            .report()
            .recorded
    };
    assert!(equal(READ - 29).update.is_some());
    assert!(equal(READ - 30).update.is_none());
}

/// The next manifest came before a read showed the change, and leads nowhere.
#[test]
fn what_a_change_made_is_recorded_when_its_record_is_closed_whatever_the_manifest_asks_by_then() {
    let closed = Fixture::settled()
        .updated(&swapped(), READ - 30)
        .walk(READ, &[swapped()])
        .sources(&["AD", "Nobody"]);
    assert_eq!(closed.stalls(), Reason::SourceNotFound);
    let recorded = closed.report().recorded;
    assert_eq!(recorded.update, None);
    let pins: Vec<_> = recorded.sources.iter().map(|pin| &*pin.reference).collect();
    assert_eq!(pins, ["AD", "wd"], "as asked for before, and by id");
    let held = Held::of(&recorded);
    let back = closed.sources(&["AD", "Salesforce"]).with(|f| {
        f.desired.management = ManagementPolicy::OnChange;
        f.recorded = recorded;
    });
    let joins = What::Holders(vec![source_id("sf")]);
    assert_eq!(back.refresh(), joins, "an edit, and no drift");
    assert!(
        claimant(held)
            .held_sources()
            .any(|id| *id == source_id("wd"))
    );
}

#[test]
fn what_leaves_stays_listed_with_its_result_until_the_record_is_closed() {
    let left = Fixture::settled()
        .updated(&group("g", "Corp", "strong", &["ad", "sf"]), READ)
        .with(|f| f.recorded.leaving = vec![reassign("wd", "strong", None)])
        .holders("wd", READ + 1, &[everybody("strong")]);
    assert_eq!(left.next(), Next::Settled);
    let leaving = left.report().recorded.leaving;
    assert_eq!(leaving[0].result, Some(ReassignmentResult::ByService));
}

/// Its holders were read before the PUT that let it join, which nobody answered.
#[test]
fn what_a_source_had_before_it_joined_says_nothing_of_now() {
    let left = Fixture::settled()
        .updated(&group("g", "Corp", "strong", &["ad", "sf"]), READ - 60)
        .with(|f| {
            f.expectations.puts.as_mut().unwrap().unanswered_at = Some(at(READ - 50));
            f.recorded.leaving = vec![reassign("wd", "strong", None)];
        })
        .holders("wd", READ - 55, &[everybody("strong")]);
    assert_eq!(left.refresh(), What::Holders(vec![source_id("wd")]));
}

#[test]
fn one_that_may_not_have_joined_gets_a_policy_only_if_it_has_none() {
    let left = Fixture::settled().with(|f| f.recorded.leaving = vec![if_none("wd", "strong")]);
    let own = left.clone().holders("wd", READ + 1, &[everybody("weak")]);
    assert_eq!(own.next(), Next::Settled);
    let bare = left.holders("wd", READ + 1, &[]);
    assert!(
        matches!(bare.step(), Action::AssignPolicy { source, .. } if source == source_id("wd"))
    );
}

#[test]
fn a_deletion_waits_for_a_read_that_shows_the_last_change() {
    let deleting = |second| {
        Fixture::deleting()
            .updated(&swapped(), second)
            .with(|f| f.recorded.leaving = vec![reassign("sf", "strong", None)])
    };
    let early = deleting(NOW - 10);
    assert_eq!(early.held_up().reason, Reason::Deleting);
    assert_eq!(early.waits_until(), NOW + 20);
    let due = early.with(|f| f.now = at(NOW + 20));
    assert_eq!(
        due.refresh(),
        What::Group(group_id("g")),
        "what is known is older"
    );
}

#[test]
fn a_deletion_plans_for_what_shows_and_for_all_that_our_records_name() {
    let deleting = Fixture::deleting()
        .updated(&group("g", "Corp", "weak", &["ad", "wd"]), READ - 40)
        .groups(&[group("g", "Corp", "strong", &["ad", "x"])]);
    let Memory::Deletion(deletion) = deleting.remembers() else {
        panic!()
    };
    let planned = deletion.sources.iter();
    let planned: Vec<_> = planned
        .map(|one| (one.source.as_str(), one.policy.as_str(), one.assign))
        .collect();
    assert_eq!(
        planned,
        [
            ("ad", "strong", Assign::Always),
            ("x", "strong", Assign::Always),
            ("sf", "strong", Assign::IfNone),
            ("wd", "weak", Assign::IfNone),
        ]
    );
}

#[test]
fn what_left_is_looked_after_though_the_manifest_cannot_be_carried_out() {
    let broken = Fixture::settled()
        .sources(&["AD", "Nobody"])
        .with(|f| f.recorded.leaving = vec![reassign("wd", "strong", None)])
        .holders("wd", READ + 1, &[]);
    assert!(
        matches!(broken.step(), Action::AssignPolicy { source, .. } if source == source_id("wd"))
    );
    let done = broken.holders("wd", READ + 2, &[everybody("strong")]);
    assert_eq!(done.stalls(), Reason::SourceNotFound);
}

/// Another hand deletes the group after a source left it by our change, and the manifest is stuck.
#[test]
fn what_left_a_group_that_is_gone_is_looked_after_though_the_manifest_cannot_be_carried_out() {
    let gone = |second| {
        Fixture::settled()
            .sources(&["AD", "Nobody"])
            .with(|f| f.recorded.leaving = vec![reassign("wd", "strong", None)])
            .walk(second, &[])
            .with(|f| {
                f.picture.merge_gone(at(READ + 1), &group_id("g"));
                f.picture.merge_gone(at(second), &group_id("g"));
                f.now = at(second + 1);
            })
            .holders("wd", second, &[])
    };
    assert_eq!(
        gone(READ + 2).waits_until(),
        READ + 31,
        "its absence must last"
    );
    let lacks = gone(READ + 31);
    assert!(
        matches!(lacks.step(), Action::AssignPolicy { source, .. } if source == source_id("wd"))
    );
    let done = lacks.holders("wd", READ + 32, &[everybody("strong")]);
    assert_eq!(done.stalls(), Reason::SourceNotFound);
    let result = done.report().recorded.leaving[0].result;
    assert_eq!(result, Some(ReassignmentResult::ByService));
}

#[test]
fn a_refused_change_stays_recorded_until_another_takes_its_place() {
    let refused = swap().stored(&swap().remembers());
    let refused = refused.refused("no");
    let refused = refused.stored(&refused.remembers()).with(|f| f.last = None);
    assert_eq!(refused.stalls(), Reason::Refused);
    assert!(refused.report().recorded.update.is_some());
    let back = refused.with(|f| f.desired.sources = names(&["AD", "Salesforce"]));
    assert_eq!(back.next(), Next::Settled, "nothing was ever sent");
    assert_eq!(back.report().recorded.update, None);
}

#[test]
fn what_was_sent_is_remembered_as_long_as_its_record_stands() {
    let full = || Expectations {
        posted: Some(at(1)),
        not_made: Some(setback(2)),
        unanswered_at: Some(at(3)),
        unanswered_why: Some("cut".to_owned()),
        unanswered: 2,
        puts: Some(Puts {
            of: at(READ - 100),
            answered_at: Some(at(4)),
            ..Puts::default()
        }),
        deleted_at: Some(at(5)),
        assigned: [(source_id("ad"), at(6))].into(),
        blocked: [(source_id("ad"), setback(NOW + 7))].into(),
    };
    let followed = |fixture: &Fixture| {
        let mut sent = full();
        sent.follow(&fixture.recorded, at(NOW));
        sent
    };
    let nothing = followed(&Fixture::settled());
    let blocked = Expectations {
        blocked: full().blocked,
        ..Expectations::default()
    };
    assert_eq!(
        nothing, blocked,
        "a source that cannot be read, until its time has come"
    );
    let update = followed(&Fixture::settled().update(&swapped()));
    assert_eq!(update.puts, full().puts);
    let another = Fixture::settled().update(&swapped()).with(|f| {
        f.recorded.update.as_mut().unwrap().started_at = at(READ - 99);
    });
    let puts = followed(&another).puts.unwrap();
    assert_eq!(
        (puts.answered_at, puts.unanswered_at),
        (Some(at(4)), Some(at(NOW))),
        "another process may have sent it until now"
    );
    let intent = followed(&Fixture::new().intent(1));
    assert_eq!(
        (intent.posted, intent.not_made),
        (Some(at(1)), Some(setback(2)))
    );
    let leaving = Fixture::settled().with(|f| f.recorded.leaving = vec![if_none("ad", "strong")]);
    assert_eq!(followed(&leaving).assigned, full().assigned);
}
