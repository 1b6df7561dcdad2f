//! What is known of groups that a walk shows only in part, or without an id.

use std::collections::BTreeMap;

use super::*;
use crate::{
    ids::{PolicyId, SourceId},
    picture::{
        Presence,
        tests::{at, group, policy, source},
    },
};

fn id(text: &str) -> GroupId {
    GroupId::parse(text).unwrap()
}

fn sources(ids: &[&str]) -> BTreeSet<SourceId> {
    let ids = ids.iter().map(|id| SourceId::parse(id).unwrap());
    ids.collect()
}

/// A group that shows this, and a source id that cannot be used.
fn odd(id: Option<&str>, name: Option<&str>, shown: &[&str]) -> Unreadable {
    Unreadable {
        kind: Kind::Group,
        name: name.map(str::to_owned),
        id: id.map(str::to_owned),
        sources: sources(shown),
        all_sources: false,
        why: "it is odd".to_owned(),
    }
}

fn holders(picture: &Picture, source: &str) -> Vec<String> {
    let source = SourceId::parse(source).unwrap();
    let groups = picture.groups_with(&source).into_iter();
    groups.map(|group| group.id.to_string()).collect()
}

#[test]
fn what_a_part_shows_holds_and_the_rest_is_as_it_was_known_last() {
    let mut picture = Picture::default();
    picture.merge_groups(at(10), vec![group("g", "n", &["a", "b"])]);
    let told = picture.merge_walk(at(20), vec![], vec![odd(Some("g"), None, &["a", "c"])]);
    assert!(told.sources.is_superset(&sources(&["c"])));
    assert_eq!(picture.group(&id("g")), Presence::Unknown(at(20)));
    assert!(picture.is_shown_in_part(&id("g")));
    assert!(!picture.is_shown_in_part(&id("another")));
    assert_eq!(
        picture.groups_named("n").len(),
        1,
        "nobody may take its name"
    );
    for source in ["a", "b", "c"] {
        assert_eq!(holders(&picture, source), ["g"], "{source}");
    }
    let shows = |source: &str| {
        let source = SourceId::parse(source).unwrap();
        picture.shows_member(&id("g"), &source)
    };
    assert_eq!(["a", "b", "c"].map(shows), [true, false, true]);
    assert_eq!(picture.unreadable().count(), 1);
}

#[test]
fn a_name_that_shows_and_sources_that_all_show_take_the_place_of_what_was_known() {
    let mut picture = Picture::default();
    picture.merge_groups(at(10), vec![group("g", "old", &["a", "b"])]);
    let renamed = Unreadable {
        all_sources: true,
        ..odd(Some("g"), Some("new"), &["c"])
    };
    picture.merge_walk(at(20), vec![], vec![renamed]);
    assert_eq!(
        (
            picture.groups_named("old").len(),
            picture.groups_named("new").len()
        ),
        (0, 1)
    );
    assert_eq!(holders(&picture, "a"), [""; 0]);
    assert_eq!(holders(&picture, "c"), ["g"]);
}

#[test]
fn a_read_by_id_tells_more_until_the_next_walk() {
    let part = || vec![odd(Some("g"), None, &["a"])];
    let mut picture = Picture::default();
    picture.merge_walk(at(20), vec![], part());
    picture.merge_one(at(20), group("g", "n", &["a", "b"]));
    assert_eq!(
        picture.group(&id("g")),
        Presence::Unknown(at(20)),
        "it may be older"
    );
    picture.merge_one(at(21), group("g", "n", &["a", "b"]));
    assert!(matches!(picture.group(&id("g")), Presence::There(_, as_of) if as_of == at(21)));
    assert_eq!(picture.unreadable_groups().count(), 0);
    assert_eq!(picture.unreadable().count(), 1, "the list shows it still");
    let since = picture.shown_since(&id("g"));
    // A walk that began before that read says nothing.
    picture.merge_walk(at(20), vec![], part());
    assert!(matches!(picture.group(&id("g")), Presence::There(..)));
    let told = picture.merge_walk(at(30), vec![], part());
    assert_eq!(picture.group(&id("g")), Presence::Unknown(at(30)));
    assert_eq!(told.groups, [id("g")].into(), "its resource reads it by id");
    assert!(
        told.sources.is_empty() && told.group_names.is_empty(),
        "nothing else changed"
    );
    assert_eq!(picture.shown_since(&id("g")), since);
    assert!(
        picture.merge_walk(at(40), vec![], part()).is_empty(),
        "told once"
    );
    picture.merge_gone(at(41), &id("g"));
    assert_eq!(picture.group(&id("g")), Presence::Gone(at(41)));
}

#[test]
fn a_walk_that_shows_the_whole_group_again_ends_it() {
    let mut picture = Picture::default();
    picture.merge_walk(at(20), vec![], vec![odd(Some("g"), None, &["a"])]);
    picture.merge_groups(at(30), vec![group("g", "n", &["a"])]);
    assert!(matches!(picture.group(&id("g")), Presence::There(..)));
    assert_eq!(
        (
            picture.unreadable().count(),
            picture.unreadable_groups().count()
        ),
        (0, 0)
    );
    // One that began before it, and comes late, keeps what it showed from counting as missing.
    picture.merge_walk(at(25), vec![], vec![odd(Some("g"), None, &["a"])]);
    assert!(matches!(picture.group(&id("g")), Presence::There(..)));
    picture.merge_groups(at(40), vec![]);
    assert_eq!(picture.group(&id("g")), Presence::Unknown(at(40)));
}

#[test]
fn what_we_wrote_is_believed_until_a_read_must_show_it() {
    let mut picture = Picture::default();
    picture.merge_written(at(20), group("g", "n", &["a"]), at(50));
    let part = || vec![odd(Some("g"), None, &["b"])];
    picture.merge_walk(at(30), vec![], part());
    assert!(matches!(picture.group(&id("g")), Presence::There(_, as_of) if as_of == at(30)));
    assert_eq!(picture.unreadable_groups().count(), 0);
    picture.merge_walk(at(50), vec![], part());
    assert_eq!(picture.group(&id("g")), Presence::Unknown(at(50)));
}

#[test]
fn sources_in_a_group_without_an_id_are_told_when_they_come_and_go() {
    let mut picture = Picture::default();
    picture.merge_facts(at(1), vec![source("a", "AD")], vec![], BTreeMap::new());
    let without_id = || vec![odd(None, Some("x"), &["a"])];
    let came = picture.merge_walk(at(2), vec![], without_id());
    assert_eq!(
        (came.sources, came.source_names),
        (sources(&["a"]), ["AD".to_owned()].into())
    );
    assert!(picture.merge_walk(at(3), vec![], without_id()).is_empty());
    assert_eq!(picture.merge_groups(at(4), vec![]).sources, sources(&["a"]));
}

#[test]
fn a_walk_that_shows_a_group_that_may_be_any_proves_no_absence() {
    let nameless = || odd(Some("g"), None, &["a"]);
    let whole = Unreadable {
        all_sources: true,
        ..nameless()
    };
    for (shown, clear) in [
        (odd(None, Some("n"), &["a"]), false),
        (nameless(), false),
        (whole, true),
        (odd(Some("g"), Some("n"), &[]), true),
    ] {
        let mut picture = Picture::default();
        picture.merge_walk(at(10), vec![], vec![shown]);
        assert_eq!(picture.groups_as_of(), Some(at(10)));
        assert_eq!(picture.first_walk_since(at(5)), clear.then_some(at(10)));
    }
}

#[test]
fn an_object_says_by_what_it_is_known() {
    let said = |id, name| odd(id, name, &[]).to_string();
    assert_eq!(said(Some("g"), Some("n")), "group \"n\" (g): it is odd");
    assert_eq!(said(Some("g"), None), "group g: it is odd");
    assert_eq!(said(None, Some("n")), "group \"n\": it is odd");
    assert_eq!(said(None, None), "group without name and id: it is odd");
}

#[test]
fn the_number_of_applications_is_kept_as_it_was_known_last() {
    let mut picture = Picture::default();
    let (a, b) = (SourceId::parse("a").unwrap(), SourceId::parse("b").unwrap());
    let both = || vec![source("a", "AD"), source("b", "HR")];
    assert_eq!(picture.applications(&a), None);
    picture.merge_facts(at(1), both(), vec![], [(a.clone(), 2)].into());
    assert_eq!(
        (picture.applications(&a), picture.applications(&b)),
        (Some(2), None)
    );
    let told = picture.merge_facts(at(2), both(), vec![], [(b.clone(), 0)].into());
    assert_eq!(
        (picture.applications(&a), picture.applications(&b)),
        (Some(2), Some(0))
    );
    assert_eq!(told.sources, sources(&["b"]));
    picture.merge_facts(at(3), vec![source("b", "HR")], vec![], BTreeMap::new());
    assert_eq!(
        picture.applications(&a),
        None,
        "a source that is gone has none"
    );
}

#[test]
fn a_policy_without_an_id_is_found_by_its_name() {
    let mut picture = Picture::default();
    let nameless = Unreadable {
        kind: Kind::Policy,
        ..odd(None, Some("Strong"), &[])
    };
    picture.merge_facts(at(1), vec![], vec![policy("p", "Weak")], BTreeMap::new());
    picture.merge_unreadable_facts(vec![nameless], BTreeSet::new());
    assert!(picture.unreadable_named(Kind::Policy, "Strong").is_some());
    assert!(picture.unreadable_named(Kind::Policy, "Weak").is_none());
    assert!(picture.unreadable_named(Kind::Source, "Strong").is_none());
}

#[test]
fn only_a_whole_list_shows_that_a_source_or_a_policy_is_gone() {
    let strong = PolicyId::parse("strong").unwrap();
    let hr = SourceId::parse("hr").unwrap();
    let lacks = |picture: &Picture| (picture.lacks_source(&hr), picture.lacks_policy(&strong));
    assert_eq!(lacks(&Picture::default()), (false, false), "none was read");
    let read = |unreadable: Vec<Unreadable>, incomplete: &[Kind]| {
        let mut picture = Picture::default();
        picture.merge_facts(at(1), vec![], vec![policy("p", "Weak")], BTreeMap::new());
        picture.merge_unreadable_facts(unreadable, incomplete.iter().copied().collect());
        lacks(&picture)
    };
    assert_eq!(read(vec![], &[]), (true, true));
    assert_eq!(read(vec![], &[Kind::Source]), (false, true));
    assert_eq!(read(vec![], &[Kind::Policy]), (true, false));
    let shown = |kind, id| Unreadable {
        kind,
        ..odd(id, None, &[])
    };
    assert_eq!(read(vec![shown(Kind::Source, None)], &[]), (false, true));
    assert_eq!(
        read(vec![shown(Kind::Policy, Some("strong"))], &[]),
        (true, false)
    );
    assert_eq!(
        read(vec![shown(Kind::Policy, Some("other"))], &[]),
        (true, true)
    );
    let mut picture = Picture::default();
    picture.merge_facts(
        at(1),
        vec![source("hr", "HR")],
        vec![policy("strong", "Strong")],
        BTreeMap::new(),
    );
    assert_eq!(lacks(&picture), (false, false), "both are there");
}
