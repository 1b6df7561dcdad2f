//! What a preview foresees: the same decisions, without anything being sent.

use std::collections::BTreeMap;

use psg_domain::{AdoptionPolicy, Desired, Recorded};

use super::fixture::{
    Fixture, NOW, at, everybody, group, group_id, names, place, policy_id, source_id,
};
use crate::{
    Object, Reason,
    preview::{Change, Ending, Outlook, Preview, Subject, preview},
};

fn subject(uid: &str, of: &Fixture) -> Subject {
    Subject {
        object: Object {
            uid: uid.to_owned(),
            name: uid.to_owned(),
            ..of.object.clone()
        },
        created: at(NOW - 100),
        tenant: place(TENANT),
        desired: Ok(of.desired.clone()),
        recorded: of.recorded.clone(),
        stalled: None,
        stalled_since: None,
    }
}

const TENANT: &str = "identity/default";

fn together(subjects: Vec<Subject>, fixture: &Fixture) -> Preview {
    let views = BTreeMap::from([(place(TENANT), fixture.tenant.clone())]);
    preview(subjects, fixture.picture.clone(), &views, fixture.now)
}

fn foreseen(fixture: &Fixture) -> Outlook {
    let mut all = together(vec![subject("corp", fixture)], fixture).outlooks;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn changes(outlook: &Outlook) -> Vec<Change> {
    let changes = outlook.changes.iter();
    changes.map(|planned| planned.change.clone()).collect()
}

fn assigned(source: &str, policy: &str) -> Change {
    Change::Assign(source_id(source), Some(policy_id(policy)))
}

#[test]
fn a_new_group_is_made_and_one_that_is_equal_costs_nothing() {
    let new = foreseen(&Fixture::new());
    assert_eq!(new.ending, Ending::InSync);
    let [Change::Create(made)] = &changes(&new)[..] else {
        panic!("{new:?}")
    };
    assert_eq!((made.name.as_str(), made.sources.len()), ("Corp", 2));
    let equal = foreseen(&Fixture::settled());
    assert_eq!((changes(&equal), equal.ending), (vec![], Ending::InSync));
}

#[test]
fn a_group_of_the_same_content_is_adopted_and_another_is_refused() {
    let there = group("g", "Corp", "strong", &["ad", "sf"]);
    let same = foreseen(&Fixture::new().groups(std::slice::from_ref(&there)));
    assert_eq!(changes(&same), [Change::Adopt(there)]);
    let other = group("g", "Corp", "weak", &["ad", "wd"]);
    let refused = foreseen(&Fixture::new().groups(std::slice::from_ref(&other)));
    assert!(refused.changes.is_empty());
    assert!(matches!(refused.ending, Ending::Refused(why) if why.reason == Reason::GroupExists));
    let taken = Fixture::new()
        .groups(std::slice::from_ref(&other))
        .with(|f| f.desired.adoption = AdoptionPolicy::Overwrite);
    let taken = foreseen(&taken);
    let [
        Change::Adopt(_),
        Change::Update(id, drift),
        Change::Assign(source, _),
    ] = &changes(&taken)[..]
    else {
        panic!("{taken:?}")
    };
    assert_eq!(
        (id, drift.len(), source),
        (&group_id("g"), 2, &source_id("wd"))
    );
}

#[test]
fn an_edit_shows_its_fields_and_the_policy_of_each_source_that_leaves() {
    let edit =
        Fixture::settled()
            .sources(&["AD", "Workday"])
            .holders("wd", NOW - 5, &[everybody("weak")]);
    let edit = foreseen(&edit);
    let [Change::Update(id, fields), left] = &changes(&edit)[..] else {
        panic!("{edit:?}")
    };
    let fields: Vec<&str> = fields.iter().map(|drift| &*drift.field).collect();
    assert_eq!((id, fields), (&group_id("g"), vec!["sources"]));
    assert_eq!(left, &assigned("sf", "strong"));
    assert_eq!(edit.ending, Ending::InSync);
}

/// The policies of its sources are read last, and may take long.
#[test]
fn what_was_read_after_the_preview_was_asked_for_hides_no_reply() {
    let slow = Fixture::settled().sources(&["AD", "Workday"]);
    let slow = slow.holders("sf", NOW + 60, &[everybody("weak")]).holders(
        "wd",
        NOW + 60,
        &[everybody("weak")],
    );
    let edit = foreseen(&slow);
    let [Change::Update(..), left] = &changes(&edit)[..] else {
        panic!("{edit:?}")
    };
    assert_eq!(left, &assigned("sf", "strong"));
}

#[test]
fn a_deletion_shows_what_each_source_gets() {
    let deleted = foreseen(&Fixture::deleting());
    assert_eq!(
        changes(&deleted),
        [
            Change::Delete(group_id("g")),
            assigned("ad", "strong"),
            assigned("sf", "strong"),
        ]
    );
    assert_eq!(deleted.ending, Ending::Gone);
}

#[test]
fn what_a_rule_refuses_is_refused_with_its_remedy_and_sends_nothing() {
    let typo = foreseen(&Fixture::new().sources(&["AD", "Salesfroce"]));
    assert!(typo.changes.is_empty());
    let Ending::Refused(why) = typo.ending else {
        panic!()
    };
    assert_eq!(why.reason, Reason::SourceNotFound);
    assert!(
        why.message.contains("did you mean \"Salesforce\"?"),
        "{}",
        why.message
    );
}

/// Each takes a source of the other.
#[test]
fn manifests_are_foreseen_together() {
    let fixture = Fixture::settled().with(|f| {
        let sources = [
            super::fixture::source("ad", "AD"),
            super::fixture::source("sf", "Salesforce"),
            super::fixture::source("wd", "Workday"),
            super::fixture::source("sn", "ServiceNow"),
            super::fixture::source("x", "X"),
            super::fixture::source("y", "Y"),
        ];
        *f = f
            .clone()
            .facts(&sources, &[super::fixture::policy("strong", "Strong")]);
    });
    let has = |name: &str, sources: &[&str]| Desired {
        name: name.to_owned(),
        sources: names(sources),
        ..fixture.desired.clone()
    };
    let one = Subject {
        desired: Ok(has("One", &["AD", "Salesforce", "X"])),
        recorded: Recorded::default(),
        ..subject("one", &fixture)
    };
    let other = Subject {
        desired: Ok(has("Two", &["Workday", "ServiceNow"])),
        recorded: Recorded::default(),
        ..subject("two", &fixture)
    };
    let empty = Fixture::new().with(|f| f.picture = fixture.picture.clone());
    let empty = empty.walk(NOW, &[]);
    let both = together(vec![one, other], &empty);
    for outlook in &both.outlooks {
        assert_eq!(outlook.ending, Ending::InSync, "{both:#?}");
        assert!(matches!(changes(outlook)[..], [Change::Create(_)]));
    }
    let orders = both.outlooks.iter().map(|one| one.changes[0].order);
    assert_eq!(orders.collect::<Vec<_>>(), [1, 2]);
    assert_eq!(both.after.walk().len(), 2);
}

/// Six of eight groups at once: more than a person is likely to mean.
#[test]
fn a_deletion_that_the_brake_would_hold_is_refused() {
    let deleting = Fixture::deleting();
    let many: Vec<Subject> = (0..8)
        .map(|number| {
            let mut one = subject(&format!("corp-{number}"), &deleting);
            if number < 2 {
                one.object.deleting = false;
            }
            one
        })
        .collect();
    let all = together(many, &deleting).outlooks;
    let held = |one: &&Outlook| matches!(&one.ending, Ending::Refused(why) | Ending::Waits(why) if why.reason == Reason::DeletionPaused);
    let held: Vec<&Outlook> = all.iter().filter(held).collect();
    assert_eq!(held.len(), 6, "{all:#?}");
    assert!(held.iter().all(|one| one.changes.is_empty()));
    let Ending::Waits(why) = &held[0].ending else {
        panic!("{held:?}")
    };
    assert!(why.message.contains(TENANT), "{}", why.message);
}

/// A tenant with six sources, in which a group of three is managed.
fn with_three() -> Fixture {
    let three = group("g", "Corp", "strong", &["ad", "sf", "wd"]);
    let sources = [
        super::fixture::source("ad", "AD"),
        super::fixture::source("sf", "Salesforce"),
        super::fixture::source("wd", "Workday"),
        super::fixture::source("sn", "ServiceNow"),
    ];
    let mut fixture = Fixture::settled()
        .groups(std::slice::from_ref(&three))
        .facts(&sources, &[super::fixture::policy("strong", "Strong")]);
    fixture.recorded.sources = [("AD", "ad"), ("Salesforce", "sf"), ("Workday", "wd")]
        .map(|(name, id)| super::fixture::pin(name, id, name))
        .to_vec();
    fixture.desired.sources = names(&["AD", "Salesforce", "Workday"]);
    fixture
}

/// A resource that is new, and wants these sources.
fn wanting(uid: &str, name: &str, sources: &[&str], of: &Fixture) -> Subject {
    Subject {
        desired: Ok(Desired {
            name: name.to_owned(),
            sources: names(sources),
            ..of.desired.clone()
        }),
        recorded: Recorded::default(),
        ..subject(uid, of)
    }
}

#[test]
fn a_source_that_moves_joins_after_it_has_left_and_has_a_policy() {
    let fixture = with_three();
    let mut from = subject("a-from", &fixture);
    from.desired = Ok(Desired {
        sources: names(&["AD", "Salesforce"]),
        ..fixture.desired.clone()
    });
    from.object.generation += 1;
    let to = wanting("b-to", "Other", &["Workday", "ServiceNow"], &fixture);
    let both = together(vec![from, to], &fixture);
    let [from, to] = &both.outlooks[..] else {
        panic!("{both:#?}")
    };
    assert_eq!(
        (&from.ending, &to.ending),
        (&Ending::InSync, &Ending::InSync)
    );
    let [Change::Update(..), left] = &changes(from)[..] else {
        panic!("{from:#?}")
    };
    assert_eq!(left, &assigned("wd", "strong"));
    let [Change::Create(made)] = &changes(to)[..] else {
        panic!("{to:#?}")
    };
    assert!(made.sources.contains(&source_id("wd")));
    assert!(to.changes[0].order > from.changes[1].order, "{both:#?}");
    assert!(both.ended > fixture.now, "it takes time");
}

#[test]
fn one_that_waits_for_a_source_which_nobody_lets_go_waits_to_the_end() {
    let fixture = with_three();
    let holds = subject("a-holds", &fixture);
    let wants = wanting("b-wants", "Other", &["Workday", "ServiceNow"], &fixture);
    let both = together(vec![holds, wants], &fixture);
    let [holds, wants] = &both.outlooks[..] else {
        panic!("{both:#?}")
    };
    assert_eq!((changes(holds), &holds.ending), (vec![], &Ending::InSync));
    assert_eq!(changes(wants), []);
    let refused =
        matches!(&wants.ending, Ending::Refused(why) if why.reason == Reason::OwnedByAnother);
    assert!(refused, "{wants:#?}");
}

/// The older of two reserves a source, while a third holds another that it wants.
#[test]
fn one_that_is_stalled_by_others_gives_way_after_ten_minutes_and_no_sooner() {
    let mut fixture = with_three();
    let sources = [
        super::fixture::source("ad", "AD"),
        super::fixture::source("sf", "Salesforce"),
        super::fixture::source("wd", "Workday"),
        super::fixture::source("sn", "ServiceNow"),
        super::fixture::source("gh", "GitHub"),
    ];
    fixture = fixture.facts(&sources, &[super::fixture::policy("strong", "Strong")]);
    let holds = subject("a-holds", &fixture);
    let mut older = wanting("b-older", "Older", &["Workday", "ServiceNow"], &fixture);
    older.created = at(NOW - 200);
    let younger = wanting("c-younger", "Younger", &["ServiceNow", "GitHub"], &fixture);
    let all = together(vec![holds, older, younger], &fixture);
    let [_, older, younger] = &all.outlooks[..] else {
        panic!("{all:#?}")
    };
    assert!(
        matches!(&older.ending, Ending::Refused(why) if why.reason == Reason::OwnedByAnother),
        "{older:#?}"
    );
    assert!(
        matches!(changes(younger)[..], [Change::Create(_)]),
        "{younger:#?}"
    );
    assert_eq!(younger.ending, Ending::InSync);
    let ten = psg_domain::time::after(fixture.now, std::time::Duration::from_mins(10));
    let twenty = psg_domain::time::after(ten, std::time::Duration::from_mins(10));
    assert!(all.ended > ten && all.ended < twenty, "{}", all.ended);

    // One whose status has said so for long gives way at once.
    let holds = subject("a-holds", &fixture);
    let mut long = wanting("b-older", "Older", &["Workday", "ServiceNow"], &fixture);
    long.created = at(NOW - 200);
    (long.stalled, long.stalled_since) = (Some(Reason::OwnedByAnother), Some(at(NOW - 3600)));
    let younger = wanting("c-younger", "Younger", &["ServiceNow", "GitHub"], &fixture);
    let all = together(vec![holds, long, younger], &fixture);
    assert_eq!(all.outlooks[2].ending, Ending::InSync, "{all:#?}");
    assert!(all.ended < ten, "{}", all.ended);
}
