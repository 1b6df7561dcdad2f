//! Objects that the tenant shows only in part, and what it does not tell: what rests on what is not
//! known waits, and everything else goes on.

use std::collections::BTreeSet;

use psg_domain::{
    Group, Kind, ManagementPolicy, Origin, Presence, ReassignmentResult, Source, Unreadable,
};

use super::fixture::{
    Fixture, NOW, READ, at, condition, everybody, group, group_id, odd_group, policy, source,
    source_id,
};
use crate::{Action, Memory, Next, Outcome, Reason, Truth, What};

/// A create is about to begin, and the last walk showed this.
fn beside(groups: &[Group], unreadable: &[Unreadable]) -> Fixture {
    Fixture::new().read().odd_groups(groups, unreadable)
}

/// A group that shows all its sources, and not its name.
fn nameless(id: &str, sources: &[&str]) -> Unreadable {
    Unreadable {
        all_sources: true,
        ..odd_group(Some(id), None, sources)
    }
}

#[test]
fn nothing_is_created_while_a_group_is_shown_that_may_be_any() {
    for (odd, named) in [
        (odd_group(None, None, &[]), "group without name and id"),
        (odd_group(None, Some("Other"), &["wd"]), "group \"Other\""),
        (odd_group(Some("x"), None, &["wd"]), "group x"),
        (nameless("x", &[]), ""),
        (odd_group(Some("x"), Some("Other"), &["wd"]), ""),
    ] {
        let fixture = beside(&[], std::slice::from_ref(&odd));
        if named.is_empty() {
            let remembered = fixture.remembers();
            assert!(matches!(remembered, Memory::Intent(_)), "{odd}");
            continue;
        }
        let why = fixture.held_up();
        assert_eq!(why.reason, Reason::GroupUnreadable, "{odd}");
        for part in [named, "it is odd", "mend or remove it in the tenant"] {
            assert!(why.message.contains(part), "{part}: {}", why.message);
        }
        assert_eq!(fixture.waits_until(), NOW + 60);
    }
}

#[test]
fn a_group_that_vanished_is_not_made_again_while_one_is_shown_that_may_be_any() {
    let odd = odd_group(Some("x"), None, &["wd"]);
    let held = Fixture::new().held("g", Origin::Created);
    let gone = held.read().gone("g", READ);
    assert!(matches!(gone.remembers(), Memory::Intent(_)));
    let beside = gone.with(|f| f.picture = f.clone().odd_groups(&[], &[odd]).picture);
    assert_eq!(beside.held_up().reason, Reason::GroupUnreadable);
}

/// The POST was given up long ago, and two walks that are far enough apart show nothing of it.
fn lost(first: &[Unreadable], second: &[Unreadable]) -> Fixture {
    let lost = Fixture::new().read().intent(NOW - 100);
    lost.with(|f| {
        f.picture
            .merge_walk(at(NOW - 20), Vec::new(), first.to_vec());
        f.picture.merge_walk(at(READ), Vec::new(), second.to_vec());
    })
}

#[test]
fn a_create_whose_answer_was_lost_is_not_void_while_a_group_is_shown_that_may_be_it() {
    let other = odd_group(Some("x"), Some("Other"), &["wd"]);
    let (disjoint, ours) = (nameless("x", &["wd"]), nameless("x", &["ad"]));
    let (any, without_id) = (
        odd_group(Some("x"), None, &[]),
        odd_group(None, Some("Other"), &[]),
    );
    for certain in [&[][..], &[other], &[disjoint]] {
        let memory = lost(certain, certain).remembers();
        assert!(matches!(memory, Memory::Intent(intent) if intent.attempt == 2));
    }
    for odd in [ours, any, without_id] {
        let why = lost(&[], std::slice::from_ref(&odd)).held_up();
        assert_eq!(why.reason, Reason::GroupUnreadable, "{odd}");
        // The same while it is being deleted: else the group would be left behind.
        let deleting = lost(&[], &[odd]).with(|f| f.object.deleting = true);
        assert_eq!(deleting.held_up().reason, Reason::GroupUnreadable);
    }
}

#[test]
fn a_walk_that_shows_a_group_that_may_be_any_is_no_proof_afterwards() {
    let odd = odd_group(None, None, &[]);
    let Next::Wait { until, why } = lost(&[odd], &[]).next() else {
        panic!()
    };
    assert_eq!((until, why.reason), (at(READ + 10), Reason::Creating));
}

#[test]
fn a_namesake_that_shows_in_part_is_read_by_id_before_it_is_adopted() {
    let odd = odd_group(Some("x"), Some("Corp"), &["ad", "sf"]);
    for management in [ManagementPolicy::Enforce, ManagementPolicy::Observe] {
        let fixture = beside(&[], std::slice::from_ref(&odd)).with(|f| {
            f.desired.management = management;
            f.object.finalizer = management == ManagementPolicy::Enforce;
        });
        assert_eq!(fixture.refresh(), What::Group(group_id("x")));
    }
    let read = beside(&[], &[odd]).with(|f| {
        let whole = group("x", "Corp", "strong", &["ad", "sf"]);
        f.picture.merge_one(at(READ + 1), whole);
    });
    assert!(
        matches!(read.remembers(), Memory::Group(group, Origin::Adopted) if group.id == group_id("x"))
    );
}

#[test]
fn a_group_that_may_be_what_a_lost_create_made_is_read_by_id() {
    let odd = odd_group(Some("x"), Some("Corp"), &["ad", "sf"]);
    let fixture = lost(&[], &[odd]);
    assert_eq!(fixture.refresh(), What::Group(group_id("x")));
    let read = fixture.with(|f| {
        let whole = group("x", "Corp", "strong", &["ad", "sf"]);
        f.picture.merge_one(at(READ + 1), whole);
    });
    assert!(matches!(
        read.remembers(),
        Memory::Group(_, Origin::Created)
    ));
}

#[test]
fn a_managed_group_that_shows_in_part_is_read_by_id_and_never_repaired_from_that() {
    let odd = odd_group(Some("g"), Some("Renamed"), &["ad"]);
    let shown = |odd: &Unreadable| {
        Fixture::settled().with(|f| {
            f.picture
                .merge_walk(at(READ), Vec::new(), vec![odd.clone()]);
        })
    };
    assert_eq!(shown(&odd).refresh(), What::Group(group_id("g")));
    let deleting = shown(&odd).with(|f| f.object.deleting = true);
    assert_eq!(deleting.refresh(), What::Group(group_id("g")));
    let read = shown(&odd).with(|f| {
        let whole = group("g", "Corp", "strong", &["ad", "sf"]);
        f.picture.merge_one(at(READ + 1), whole);
    });
    assert_eq!(read.next(), Next::Settled);
}

#[test]
fn a_source_that_shows_in_a_group_is_held_by_it() {
    for odd in [nameless("x", &["ad"]), odd_group(None, None, &["ad"])] {
        let fixture = beside(&[], &[odd]);
        assert_eq!(fixture.stalls(), Reason::SourceInAnotherGroup);
        let joins = Fixture::settled().sources(&["AD", "Salesforce", "Workday"]);
        let odd = odd_group(None, None, &["wd"]);
        let joins = joins.odd_groups(&[group("g", "Corp", "strong", &["ad", "sf"])], &[odd]);
        assert_eq!(joins.stalls(), Reason::SourceInAnotherGroup);
        assert!(joins.held_up().message.contains("mend or remove"));
    }
}

/// Its own row may be the one without an id.
#[test]
fn a_group_without_an_id_holds_up_no_member_of_ours() {
    let odd = odd_group(None, None, &["ad", "sf"]);
    let fixture = Fixture::settled().with(|f| {
        f.picture.merge_walk(at(READ + 1), Vec::new(), vec![odd]);
    });
    assert_eq!(fixture.refresh(), What::Group(group_id("g")));
    let read = fixture.with(|f| {
        let whole = group("g", "Corp", "strong", &["ad", "sf"]);
        f.picture.merge_one(at(READ + 2), whole);
    });
    assert_eq!(read.next(), Next::Settled);
}

/// The group was deleted, and its sources have another policy or none.
fn undone() -> Fixture {
    let planned = Fixture::deleting();
    let Memory::Deletion(deletion) = planned.remembers() else {
        panic!()
    };
    planned.with(|f| {
        f.recorded.deletion = Some(deletion);
        f.recorded.deletion.as_mut().unwrap().recorded_at = at(READ - 100);
        f.expectations.deleted_at = Some(at(READ - 99));
        f.picture = psg_domain::Picture::default();
        f.picture
            .merge_groups(at(READ - 101), vec![group("x", "Other", "weak", &["ad"])]);
        f.picture.merge_gone(at(READ - 98), &group_id("g"));
        *f = f
            .clone()
            .facts(
                &[source("ad", "AD"), source("sf", "Salesforce")],
                &[policy("strong", "Strong")],
            )
            .read();
    })
}

#[test]
fn a_source_is_left_to_another_group_only_if_that_shows_it() {
    let assigned = |odd: Unreadable| match undone().odd_groups(&[], &[odd]).read().step() {
        Action::AssignPolicy { source, .. } => source,
        other => panic!("{other:?}"),
    };
    let shows = odd_group(Some("x"), None, &["ad"]);
    assert_eq!(assigned(shows), source_id("sf"), "the other is the group's");
    let without_id = odd_group(None, Some("Other"), &["ad"]);
    assert_eq!(
        assigned(without_id),
        source_id("sf"),
        "nor does it need one"
    );
    let may_still_have_it = odd_group(Some("x"), None, &[]);
    assert_eq!(assigned(may_still_have_it), source_id("ad"));
}

#[test]
fn a_policy_counts_as_gone_only_if_all_policies_are_shown() {
    let without = |in_doubt: bool| {
        let sources = [source("ad", "AD"), source("sf", "Salesforce")];
        let fixture = undone()
            .facts(&sources, &[policy("weak", "Weak")])
            .odd_groups(&[], &[]);
        fixture.read().with(|f| {
            let incomplete = in_doubt.then_some(Kind::Policy).into_iter().collect();
            f.picture.merge_unreadable_facts(Vec::new(), incomplete);
        })
    };
    let Action::ReleaseFinalizer(release) = without(false).step() else {
        panic!()
    };
    let gone = Some(ReassignmentResult::PolicyGone);
    assert!(release.sources.iter().all(|source| source.result == gone));
    assert!(matches!(without(true).step(), Action::AssignPolicy { .. }));
}

/// `signs_in` is an authentication source, and nobody ever told how many applications it has.
fn untold(fixture: Fixture, signs_in: &str) -> Fixture {
    fixture.with(|f| {
        let groups: Vec<Group> = f.picture.groups().cloned().collect();
        f.picture = psg_domain::Picture::default();
        f.picture.merge_groups(at(READ), groups);
        *f = told(f, signs_in, None)
            .read()
            .holders("wd", READ, &[everybody("weak")]);
    })
}

/// The same, once that many are told.
fn told(fixture: &Fixture, signs_in: &str, applications: Option<u32>) -> Fixture {
    let sources =
        [("ad", "AD"), ("sf", "Salesforce"), ("wd", "Workday")].map(|(id, name)| Source {
            authenticates: id == signs_in,
            ..source(id, name)
        });
    let counts = applications.map(|count| (source_id(signs_in), count));
    fixture.clone().with(|f| {
        let (sources, policies) = (sources.to_vec(), vec![policy("strong", "Strong")]);
        let counts = counts.into_iter().collect();
        let changes = f.picture.merge_facts(at(READ), sources, policies, counts);
        assert!(
            changes.sources.contains(&source_id(signs_in)),
            "it is woken"
        );
    })
}

#[test]
fn what_joins_waits_until_the_tenant_tells_its_applications() {
    let joins = Fixture::settled().sources(&["AD", "Salesforce", "Workday"]);
    for (fixture, signs_in, name) in [(Fixture::new(), "ad", "AD"), (joins, "wd", "Workday")] {
        let fixture = untold(fixture, signs_in);
        let why = fixture.held_up();
        assert_eq!(why.reason, Reason::ApplicationsUnknown);
        assert!(
            why.message.ends_with(&format!("join: \"{name}\"")),
            "{}",
            why.message
        );
        assert_eq!(fixture.waits_until(), NOW + 60);
        let report = fixture.report();
        let met = condition(&report, "PrerequisitesMet").unwrap();
        assert_eq!(
            (met.truth, met.reason),
            (Truth::False, "ApplicationsUnknown")
        );
        assert_eq!(condition(&report, "Stalled"), None);
        let step = told(&fixture, signs_in, Some(1)).step();
        assert!(matches!(
            step,
            Action::Record(Memory::Intent(_) | Memory::Update(..))
        ));
        let none = told(&fixture, signs_in, Some(0));
        assert_eq!(none.stalls(), Reason::NoApplication);
    }
}

#[test]
fn what_is_a_member_already_needs_no_answer_to_that() {
    assert_eq!(untold(Fixture::settled(), "ad").next(), Next::Settled);
    let drifted = Fixture::settled().groups(&[group("g", "Corp", "weak", &["ad", "sf"])]);
    let repaired = untold(drifted, "ad").changes();
    assert!(matches!(repaired, Action::UpdateGroup { .. }));
    let deleted = untold(Fixture::deleting(), "ad").remembers();
    assert!(matches!(deleted, Memory::Deletion(_)));
    // A source that nobody signs in with needs no application.
    let other = untold(Fixture::new(), "wd").remembers();
    assert!(matches!(other, Memory::Intent(_)));
}

#[test]
fn a_source_that_does_not_say_how_it_is_connected_is_a_warning_and_no_other_fact() {
    let told = |direct: Option<bool>| {
        let salesforce = Source {
            direct,
            ..source("sf", "Salesforce")
        };
        Fixture::settled().facts(
            &[source("ad", "AD"), salesforce],
            &[policy("strong", "Strong")],
        )
    };
    assert_eq!(told(None).next(), Next::Settled);
    let report = told(None).report();
    let healthy = condition(&report, "SourcesHealthy").unwrap();
    assert_eq!(
        (healthy.truth, healthy.message.as_str()),
        (
            Truth::False,
            "\"Salesforce\" (the tenant does not say how it is connected)"
        )
    );
    assert_eq!(condition(&report, "Ready").unwrap().truth, Truth::True);
    // What was refused stays refused, whichever of the two it says.
    let facts = |direct| {
        let fixture = told(direct);
        fixture.case(&fixture.claims()).basis().facts
    };
    assert_eq!(facts(None), facts(Some(true)));
    assert_ne!(facts(None), facts(Some(false)));
}

#[test]
fn a_reference_to_an_object_that_shows_without_an_id_says_so() {
    let shown = |kind, name: &str| {
        Fixture::new().with(|f| {
            f.desired.policy = psg_domain::Ref::Name("Odd".to_owned());
            let odd = Unreadable {
                kind,
                name: Some(name.to_owned()),
                ..odd_group(None, None, &[])
            };
            f.picture.merge_unreadable_facts(vec![odd], BTreeSet::new());
        })
    };
    let why = shown(Kind::Policy, "Odd").held_up();
    assert_eq!(why.reason, Reason::PolicyNotFound);
    let said = "no password policy \"Odd\" in the tenant: one of that name is shown and cannot be read \
                (password policy \"Odd\": it is odd): mend or remove it there";
    assert_eq!(why.message, said);
    for other in [shown(Kind::Source, "Odd"), shown(Kind::Policy, "Other")] {
        assert!(other.held_up().message.contains("create it there"));
    }
}

#[test]
fn a_read_by_id_tells_more_than_a_list_that_began_before() {
    let odd = odd_group(Some("x"), None, &[]);
    let fixture = beside(&[], std::slice::from_ref(&odd));
    assert_eq!(fixture.held_up().reason, Reason::GroupUnreadable);
    let read = fixture.with(|f| {
        f.picture
            .merge_one(at(READ + 1), group("x", "Other", "weak", &["wd"]));
    });
    assert!(matches!(read.remembers(), Memory::Intent(_)));
    assert!(matches!(
        read.picture.group(&group_id("x")),
        Presence::There(..)
    ));
    let failed = beside(&[], &[odd]).last(Outcome::NotMade(super::fixture::setback(NOW + 5)));
    assert_eq!(failed.waits_until(), NOW + 5);
}
