//! The rule moving: an edit goes as far as it can, and says what it waits for.

use psg_domain::{ManagementPolicy, ReassignmentResult, Ref};

use super::fixture::{
    Fixture, NOW, Other, READ, at, condition, everybody, group, group_id, names, pin, policy_id,
    reassign, source, source_id,
};
use crate::{Action, Memory, Next, Reason, Report, Truth, What};

/// `Corp` has `AD`, `Salesforce` and `Workday`; `Other`, of the resource `rival`, has `Zendesk`,
/// `GitHub` and `Box`. `Corp` is to have `Zendesk` in place of `Workday`.
fn swap(rival: impl FnOnce(&mut Other)) -> Fixture {
    let facts = [
        source("ad", "AD"),
        source("sf", "Salesforce"),
        source("wd", "Workday"),
        source("z", "Zendesk"),
        source("gh", "GitHub"),
        source("box", "Box"),
        source("free", "Free"),
    ];
    Fixture::settled()
        .with(|f| f.recorded.sources.push(pin("Workday", "wd", "Workday")))
        .facts(&facts, &policies())
        .groups(&[
            group("g", "Corp", "strong", &["ad", "sf", "wd"]),
            group("h", "Other", "weak", &["z", "gh", "box"]),
        ])
        .sources(&["AD", "Salesforce", "Zendesk"])
        .other("rival", 1, |other| {
            other.holds("h", "Other", &["z", "gh", "box"]);
            for pin in &mut other.recorded.sources {
                pin.reference = match pin.id.as_str() {
                    "z" => "Zendesk",
                    "gh" => "GitHub",
                    _ => "Box",
                }
                .to_owned();
            }
            other.desired.sources = names(&["GitHub", "Box", "Workday"]);
            rival(other);
        })
}

fn policies() -> [psg_domain::Policy; 2] {
    [
        super::fixture::policy("strong", "Strong"),
        super::fixture::policy("weak", "Weak"),
    ]
}

fn as_it_is(_: &mut Other) {}

/// The read is older than the move by which the other resource got it.
#[test]
fn a_source_that_a_read_shows_here_and_another_records_is_neither_kept_nor_taken_out() {
    let fixture = swap(|rival| rival.holds("h", "Other", &["z", "gh", "box", "ad"]));
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::WaitingForSource);
    assert!(
        why.message.contains("\"AD\" is still held"),
        "{}",
        why.message
    );
}

/// `Workday` has left, and is looked at since.
fn gone_ahead() -> Fixture {
    swap(as_it_is)
        .with(|f| f.recorded.leaving = vec![reassign("wd", "strong", None)])
        .walk(
            READ + 1,
            &[
                group("g", "Corp", "strong", &["ad", "sf"]),
                group("h", "Other", "weak", &["z", "gh", "box"]),
            ],
        )
}

fn sent(fixture: &Fixture) -> psg_domain::Group {
    match fixture.changes() {
        Action::UpdateGroup { group, .. } => group,
        other => panic!("no PUT: {other:?}"),
    }
}

fn ids(report: &Report) -> Vec<&str> {
    let sources = report.recorded.sources.iter();
    sources.map(|pin| pin.id.as_str()).collect()
}

#[test]
fn leavers_go_before_the_joiner_is_free_and_are_recorded_first() {
    let fixture = swap(as_it_is);
    let Memory::Update(update, list) = fixture.remembers() else {
        panic!()
    };
    assert_eq!(
        list,
        [psg_domain::Reassignment {
            name: "Workday".to_owned(),
            ..reassign("wd", "strong", None)
        }]
    );
    let stored = fixture.stored(&Memory::Update(update, list));
    assert_eq!(
        sent(&stored),
        group("g", "Corp", "strong", &["ad", "sf"]),
        "Zendesk is not taken out of the other group"
    );
}

#[test]
fn name_policy_and_free_sources_do_not_wait_for_the_joiner() {
    let fixture = swap(as_it_is)
        .sources(&["AD", "Salesforce", "Workday", "Zendesk", "Free"])
        .holders("free", READ, &[everybody("weak")])
        .with(|f| {
            f.desired.name = "New".to_owned();
            f.desired.policy = Ref::Name("Weak".to_owned());
        });
    assert_eq!(
        sent(&fixture),
        group("g", "New", "weak", &["ad", "sf", "wd", "free"])
    );
}

#[test]
fn what_waits_says_for_which_source_and_where_that_is_held() {
    let fixture = gone_ahead().holders("wd", READ + 2, &[everybody("strong")]);
    let report = fixture.report();
    let ready = condition(&report, "Ready").unwrap();
    assert_eq!(
        (ready.truth, ready.reason),
        (Truth::False, "WaitingForSource")
    );
    assert_eq!(
        ready.message,
        "source \"Zendesk\" is still held by PasswordSyncGroup \"rival\" (group \"Other\"); \
         it is to leave there, and joins by itself then"
    );
    let reconciling = condition(&report, "Reconciling").unwrap();
    assert_eq!(
        (reconciling.truth, reconciling.reason),
        (Truth::True, "WaitingForSource")
    );
    assert_eq!(condition(&report, "Stalled"), None);
    assert_eq!(fixture.waits_until(), NOW + 60, "at the latest");
}

#[test]
fn a_source_that_left_stays_claimed_until_it_has_a_policy_of_its_own() {
    let lacking = gone_ahead().holders("wd", READ + 2, &[]);
    assert!(matches!(lacking.step(), Action::AssignPolicy { .. }));
    assert_eq!(ids(&lacking.report()), ["ad", "sf", "wd"]);
    let settled = gone_ahead().holders("wd", READ + 2, &[everybody("strong")]);
    let report = settled.report();
    assert_eq!(ids(&report), ["ad", "sf"]);
    assert!(report.recorded.leaving.is_empty());
    let groups = [
        group("g", "Corp", "strong", &["ad", "sf"]),
        group("h", "Other", "weak", &["z", "gh", "box", "wd"]),
    ];
    let elsewhere = gone_ahead()
        .walk(READ + 2, &groups)
        .walk(READ + 32, &groups)
        .with(|f| f.now = at(READ + 33));
    assert!(elsewhere.report().recorded.leaving.is_empty());
}

#[test]
fn a_leaver_that_fails_is_named_before_the_joiner_is_waited_for() {
    let failing = gone_ahead().with(|f| {
        let setback = super::fixture::setback(NOW + 9);
        f.expectations.blocked.insert(source_id("wd"), setback);
    });
    assert_eq!(failing.held_up().reason, Reason::Retrying);
    let report = failing.report();
    assert_eq!(report.recorded.leaving.len(), 1);
    assert!(ids(&report).contains(&"wd"), "it stays claimed");
}

#[test]
fn a_joiner_that_is_free_by_now_joins_without_a_pause() {
    let free = gone_ahead()
        .with(|f| {
            let now = group("g", "Corp", "strong", &["ad", "sf"]);
            *f = f.clone().updated(&now, READ + 1);
            f.others.clear();
        })
        .holders("z", READ + 1, &[everybody("weak")])
        .walk(
            READ + 1,
            &[
                group("g", "Corp", "strong", &["ad", "sf"]),
                group("h", "Other", "weak", &["gh", "box"]),
            ],
        )
        .with(|f| f.now = at(READ + 2));
    assert_eq!(
        sent(&free),
        group("g", "Corp", "strong", &["ad", "sf", "z"])
    );
    let sent = group("g", "Corp", "strong", &["ad", "sf", "z"]);
    let otherwise = free.updated(&sent, READ + 1);
    let What::Holders(left) = otherwise.refresh() else {
        panic!("{:?}", otherwise.next())
    };
    assert_eq!(
        left,
        [source_id("wd")],
        "looked after while the change waits"
    );
    let reassigned = otherwise.holders("wd", READ + 2, &[everybody("strong")]);
    assert_eq!(reassigned.held_up().reason, Reason::Retrying);
}

/// The group was deleted by another hand, and a source of the manifest is in the group of another
/// resource, whose manifest lets it go: no other group can be made before that.
#[test]
fn a_source_that_left_a_group_that_is_gone_gets_its_policy_while_another_is_waited_for() {
    let other = [group("h", "Other", "weak", &["z", "gh", "box"])];
    let waits = swap(as_it_is)
        .walk(READ + 1, &other)
        .walk(READ + 31, &other)
        .with(|f| {
            f.now = at(READ + 32);
            f.recorded.group = None;
            f.recorded.origin = None;
            f.recorded.sources.clear();
            f.recorded.leaving = vec![reassign("wd", "strong", None)];
        });
    assert_eq!(waits.refresh(), What::Holders(vec![source_id("wd")]));
    let lacking = waits.clone().holders("wd", READ + 32, &[]);
    assert!(
        matches!(lacking.step(), Action::AssignPolicy { source, .. } if source == source_id("wd"))
    );
    let settled = waits.holders("wd", READ + 32, &[everybody("strong")]);
    assert_eq!(settled.held_up().reason, Reason::WaitingForSource);
    let results = settled.report().recorded.leaving;
    assert_eq!(results[0].result, Some(ReassignmentResult::ByService));
}

#[test]
fn a_source_that_its_owner_keeps_is_a_conflict_and_nothing_is_written() {
    let kept = swap(|other| other.desired.sources = names(&["Zendesk", "GitHub", "Box"]));
    assert_eq!(kept.stalls(), Reason::OwnedByAnother);
    assert_eq!(
        ids(&kept.report()),
        ["ad", "sf", "wd"],
        "nothing is let go of"
    );
}

#[test]
fn an_owner_keeps_its_source_under_a_name_that_changed_in_the_tenant() {
    let renamed = [
        source("ad", "AD"),
        source("sf", "Salesforce"),
        source("z", "Zendesk Suite"),
    ];
    let kept = swap(|other| other.desired.sources = names(&["Zendesk", "GitHub", "Box"]))
        .facts(&renamed, &policies())
        .sources(&["AD", "Salesforce", "Zendesk Suite"]);
    assert_eq!(kept.stalls(), Reason::OwnedByAnother);
}

#[test]
fn a_source_in_a_group_that_nobody_manages_still_stops_the_whole_edit() {
    let fixture = swap(as_it_is).with(|f| f.others.clear());
    assert_eq!(fixture.stalls(), Reason::SourceInAnotherGroup);
}

/// A person deletes one of the others.
fn deletes(fixture: &mut Fixture, nth: usize) {
    let going = fixture.others.remove(nth).leaving(true);
    fixture.others.push(going);
}

#[test]
fn a_resource_that_is_being_deleted_lets_everything_go() {
    let mut fixture = swap(|other| other.desired.sources = names(&["Zendesk", "GitHub"]));
    assert_eq!(fixture.stalls(), Reason::OwnedByAnother);
    deletes(&mut fixture, 0);
    assert!(matches!(fixture.remembers(), Memory::Update(..)));
}

#[test]
fn a_new_group_waits_for_all_its_sources() {
    let fixture = swap(as_it_is)
        .with(|f| f.recorded = psg_domain::Recorded::default())
        .walk(READ, &[group("h", "Other", "weak", &["z", "gh", "box"])]);
    assert_eq!(fixture.held_up().reason, Reason::WaitingForSource);
    assert_eq!(fixture.report().recorded.sources, []);
}

fn leaving(ids: &[&str]) -> Vec<psg_domain::Reassignment> {
    ids.iter().map(|id| reassign(id, "strong", None)).collect()
}

#[test]
fn a_group_keeps_two_sources_and_first_those_that_nobody_waits_for() {
    // Only Zendesk is to stay of Corp: one of its three must keep it company for now.
    let lonely = |rival: &[&str]| {
        let rival = names(rival);
        swap(|other| other.desired.sources = rival)
            .sources(&["AD", "Zendesk"])
            .with(|f| f.recorded.leaving = leaving(&["sf"]))
    };
    let fixture = lonely(&["GitHub", "Box", "Salesforce"]);
    assert_eq!(sent(&fixture), group("g", "Corp", "strong", &["ad", "wd"]));
    let fixture =
        lonely(&["GitHub", "Box", "Workday"]).with(|f| f.recorded.leaving = leaving(&["wd"]));
    assert_eq!(sent(&fixture), group("g", "Corp", "strong", &["ad", "sf"]));
    // Nor does one stay that somebody waits for who holds nothing up here.
    let stranger = |other: &mut Other| other.desired.sources = names(&["Free", "Salesforce"]);
    let fixture = lonely(&["GitHub", "Box"]).other("stranger", -1, stranger);
    assert_eq!(sent(&fixture), group("g", "Corp", "strong", &["ad", "wd"]));
}

#[test]
fn of_two_that_are_waited_for_the_one_goes_that_brings_the_joiner() {
    let stranger = |wants: &'static str| {
        move |other: &mut Other| other.desired.sources = names(&["Free", wants])
    };
    for (theirs, strangers, kept) in [
        ("Workday", "Salesforce", "sf"),
        ("Salesforce", "Workday", "wd"),
    ] {
        let fixture = swap(|other| other.desired.sources = names(&["GitHub", "Box", theirs]))
            .other("stranger", -1, stranger(strangers))
            .sources(&["AD", "Zendesk"]);
        let Memory::Update(update, list) = fixture.remembers() else {
            panic!()
        };
        let stored = fixture.stored(&Memory::Update(update, list));
        assert_eq!(sent(&stored), group("g", "Corp", "strong", &["ad", kept]));
    }
}

/// `Corp` of `AD` and `Salesforce`, `Other` of `Zendesk` and `GitHub`: one of each is to change places.
fn two_and_two(rival: impl FnOnce(&mut Other)) -> Fixture {
    swap(|other| {
        other.recorded.sources.truncate(2);
        other.desired.sources = names(&["GitHub", "Salesforce"]);
        rival(other);
    })
    .with(|f| f.recorded.sources.truncate(2))
    .walk(
        READ,
        &[
            group("g", "Corp", "strong", &["ad", "sf"]),
            group("h", "Other", "weak", &["z", "gh"]),
        ],
    )
    .sources(&["AD", "Zendesk"])
}

#[test]
fn a_swap_in_which_none_can_let_go_first_is_blocked_and_names_both_sides_and_the_remedy() {
    let why = two_and_two(as_it_is).held_up();
    assert_eq!(why.reason, Reason::SourceSwapBlocked);
    assert_eq!(
        why.message,
        "\"Zendesk\" is held by PasswordSyncGroup \"rival\" (group \"Other\"); \"Salesforce\", held \
         here (group \"Corp\"), is waited for by PasswordSyncGroup \"rival\" (group \"Other\"); none can \
         let go first, since a group would fall under two sources. Add a third source to one of them \
         for the time, or delete one of them and apply it again afterwards"
    );
    let report = two_and_two(as_it_is).report();
    assert_eq!(
        condition(&report, "Stalled").unwrap().reason,
        "SourceSwapBlocked"
    );
    assert_eq!(condition(&report, "Reconciling"), None);
    assert_eq!(ids(&report), ["ad", "sf"]);
}

#[test]
fn a_blocked_swap_names_nobody_in_another_namespace() {
    let why = two_and_two(|other| other.namespace = "elsewhere".to_owned()).held_up();
    assert_eq!(why.reason, Reason::SourceSwapBlocked);
    assert!(
        why.message
            .contains("a PasswordSyncGroup in another namespace")
    );
    for secret in ["rival", "elsewhere", "Other", "GitHub"] {
        assert!(!why.message.contains(secret), "{}", why.message);
    }
    let waits = swap(|other| other.namespace = "elsewhere".to_owned()).sources(&[
        "AD",
        "Salesforce",
        "Workday",
        "Zendesk",
    ]);
    let message = waits.held_up().message;
    assert!(
        message.contains("\"Zendesk\" is still held by a PasswordSyncGroup in another namespace")
    );
    assert!(!message.contains("Other"), "{message}");
}

#[test]
fn a_blocked_swap_still_renames_the_group() {
    let fixture = two_and_two(as_it_is).with(|f| f.desired.name = "New".to_owned());
    assert_eq!(sent(&fixture), group("g", "New", "strong", &["ad", "sf"]));
}

#[test]
fn a_rival_with_a_source_to_spare_is_only_waited_for() {
    let spare =
        |other: &mut Other| other.desired.sources = names(&["GitHub", "Salesforce", "Free"]);
    assert_eq!(
        two_and_two(spare).held_up().reason,
        Reason::WaitingForSource
    );
    let no_circle = |other: &mut Other| other.desired.sources = names(&["GitHub", "Free"]);
    assert_eq!(
        two_and_two(no_circle).held_up().reason,
        Reason::WaitingForSource
    );
}

#[test]
fn a_rival_that_is_being_deleted_is_only_waited_for() {
    let mut fixture = two_and_two(as_it_is);
    deletes(&mut fixture, 0);
    assert_eq!(fixture.held_up().reason, Reason::WaitingForSource);
}

#[test]
fn a_rival_that_gets_a_third_from_one_that_is_being_deleted_is_only_waited_for() {
    let third = |other: &mut Other| other.desired.sources = names(&["GitHub", "Salesforce", "Box"]);
    let mut fixture = two_and_two(third)
        .other("going", 2, |other| {
            other.holds("i", "Third", &["box", "free"]);
        })
        .walk(
            READ + 1,
            &[
                group("g", "Corp", "strong", &["ad", "sf"]),
                group("h", "Other", "weak", &["z", "gh"]),
                group("i", "Third", "weak", &["box", "free"]),
            ],
        );
    deletes(&mut fixture, 1);
    assert_eq!(fixture.held_up().reason, Reason::WaitingForSource);
}

#[test]
fn a_rival_whose_group_has_one_more_than_it_claims_is_only_waited_for() {
    let fixture = two_and_two(as_it_is).walk(
        READ + 1,
        &[
            group("g", "Corp", "strong", &["ad", "sf"]),
            group("h", "Other", "weak", &["z", "gh", "box"]),
        ],
    );
    assert_eq!(fixture.held_up().reason, Reason::WaitingForSource);
}

#[test]
fn a_group_that_another_hand_shrank_under_two_is_not_written_so() {
    let fixture = two_and_two(as_it_is)
        .walk(
            READ + 1,
            &[
                group("g", "Corp", "strong", &["ad"]),
                group("h", "Other", "weak", &["z", "gh", "sf"]),
            ],
        )
        .with(|f| f.desired.name = "New".to_owned());
    assert_eq!(fixture.held_up().reason, Reason::WaitingForSource);
    assert_eq!(fixture.report().recorded.name.unwrap(), "Corp");
}

#[test]
fn a_member_that_another_hand_moved_away_stays_claimed_and_comes_back() {
    let moved = swap(|other| other.desired.sources = names(&["Zendesk", "GitHub", "Box"]))
        .sources(&["AD", "Salesforce", "Workday"])
        .walk(
            READ + 1,
            &[
                group("g", "Corp", "strong", &["ad", "sf"]),
                group("h", "Other", "weak", &["z", "gh", "box", "wd"]),
            ],
        );
    let why = moved.held_up();
    assert_eq!(why.reason, Reason::WaitingForSource, "{}", why.message);
    assert_eq!(ids(&moved.report()), ["ad", "sf", "wd"]);
    let reported = moved.with(|f| f.desired.management = ManagementPolicy::OnChange);
    assert_eq!(reported.stalls(), Reason::Drifted);
}

#[test]
fn the_policy_is_remembered_as_soon_as_the_group_has_it() {
    let before = |f: &mut Fixture| {
        let was = f.recorded.policy.as_mut().unwrap();
        (was.reference, was.id, was.name) = ("Weak".into(), policy_id("weak"), "Weak".into());
    };
    let waits = gone_ahead()
        .holders("wd", READ + 2, &[everybody("strong")])
        .with(before);
    assert_eq!(
        waits.report().recorded.policy.unwrap().id,
        policy_id("strong")
    );
}

#[test]
fn what_waits_is_still_an_edit_under_onchange() {
    let waiting = gone_ahead()
        .holders("wd", READ + 2, &[everybody("strong")])
        .with(|f| f.desired.management = ManagementPolicy::OnChange);
    let recorded = waiting.report().recorded;
    let free = waiting
        .with(|f| {
            f.recorded = recorded;
            f.others.clear();
        })
        .holders("z", READ + 1, &[everybody("weak")])
        .walk(READ + 3, &[group("g", "Corp", "strong", &["ad", "sf"])]);
    let Action::UpdateGroup { cause, .. } = free.changes() else {
        panic!()
    };
    assert_eq!(cause, crate::WriteCause::Edit);
}

#[test]
fn what_another_hand_changes_meanwhile_is_drift_and_no_edit() {
    let waiting = gone_ahead().holders("wd", READ + 2, &[everybody("strong")]);
    let recorded = waiting.report().recorded;
    let renamed = waiting.with(|f| f.recorded = recorded).walk(
        READ + 3,
        &[
            group("g", "Theirs", "strong", &["ad", "sf"]),
            group("h", "Other", "weak", &["z", "gh", "box"]),
        ],
    );
    let Action::UpdateGroup { group, cause, .. } = renamed.changes() else {
        panic!()
    };
    assert_eq!(
        (group.name.as_str(), cause),
        ("Corp", crate::WriteCause::Drift)
    );
    let reported = renamed.with(|f| f.desired.management = ManagementPolicy::OnChange);
    assert_eq!(reported.stalls(), Reason::Drifted);
}

#[test]
fn an_answered_leaver_that_stays_after_all_is_taken_off_the_list() {
    let fixture = two_and_two(as_it_is).with(|f| {
        f.desired.name = "New".to_owned();
        f.recorded.leaving = vec![reassign("sf", "strong", None)];
    });
    assert!(matches!(fixture.remembers(), Memory::Update(_, list) if list.is_empty()));
    let done = two_and_two(as_it_is).with(|f| {
        f.recorded.leaving = vec![reassign(
            "x",
            "strong",
            Some(ReassignmentResult::SourceGone),
        )];
    });
    assert!(matches!(done.next(), Next::Stalled(_)));
    assert!(done.report().recorded.leaving.is_empty());
}

#[test]
fn a_group_in_doubt_does_not_make_its_sources_free() {
    let doubted = swap(|other| other.recorded.sources.retain(|pin| pin.id.as_str() != "z"))
        .with(|f| f.picture.doubt(&group_id("h"), at(READ)));
    let Memory::Update(update, list) = doubted.remembers() else {
        panic!()
    };
    let stored = doubted.stored(&Memory::Update(update, list));
    assert_eq!(sent(&stored), group("g", "Corp", "strong", &["ad", "sf"]));
}
