//! What a preview foresees: the same decisions, without anything being sent.

use psg_domain::{AdoptionPolicy, Desired, Recorded};

use super::fixture::{Fixture, NOW, at, everybody, group, group_id, names, policy_id, source_id};
use crate::{
    Object, Reason,
    preview::{Change, Ending, Outlook, Subject, preview},
};

fn subject(uid: &str, of: &Fixture) -> Subject {
    Subject {
        object: Object {
            uid: uid.to_owned(),
            name: uid.to_owned(),
            ..of.object.clone()
        },
        created: at(NOW - 100),
        desired: Ok(of.desired.clone()),
        recorded: of.recorded.clone(),
    }
}

fn foreseen(fixture: &Fixture) -> Outlook {
    let one = vec![subject("corp", fixture)];
    let mut all = preview(one, fixture.picture.clone(), &fixture.tenant, fixture.now);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn assigned(source: &str, policy: &str) -> Change {
    Change::Assign(source_id(source), Some(policy_id(policy)))
}

#[test]
fn a_new_group_is_made_and_one_that_is_equal_costs_nothing() {
    let new = foreseen(&Fixture::new());
    assert_eq!(new.ending, Ending::InSync);
    let [Change::Create(made)] = &new.changes[..] else {
        panic!("{new:?}")
    };
    assert_eq!((made.name.as_str(), made.sources.len()), ("Corp", 2));
    let equal = foreseen(&Fixture::settled());
    assert_eq!((equal.changes, equal.ending), (vec![], Ending::InSync));
}

#[test]
fn a_group_of_the_same_content_is_adopted_and_another_is_refused() {
    let there = group("g", "Corp", "strong", &["ad", "sf"]);
    let same = foreseen(&Fixture::new().groups(std::slice::from_ref(&there)));
    assert_eq!(same.changes, [Change::Adopt(there)]);
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
    ] = &taken.changes[..]
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
    let [Change::Update(id, fields), left] = &edit.changes[..] else {
        panic!("{edit:?}")
    };
    let fields: Vec<&str> = fields.iter().map(|drift| &*drift.field).collect();
    assert_eq!((id, fields), (&group_id("g"), vec!["sources"]));
    assert_eq!(left, &assigned("sf", "strong"));
    assert_eq!(edit.ending, Ending::InSync);
}

#[test]
fn a_deletion_shows_what_each_source_gets() {
    let deleted = foreseen(&Fixture::deleting());
    assert_eq!(
        deleted.changes,
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
    let both = preview(
        vec![one, other],
        empty.picture.clone(),
        &empty.tenant,
        empty.now,
    );
    for outlook in &both {
        assert_eq!(outlook.ending, Ending::InSync, "{both:#?}");
        assert!(matches!(outlook.changes[..], [Change::Create(_)]));
    }
}
