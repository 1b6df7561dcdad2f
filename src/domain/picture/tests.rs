//! How reads and our own writes merge, and what a read tells of what changed.

use super::*;
use crate::password_rules::PasswordRules;

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub fn group(id: &str, name: &str, sources: &[&str]) -> Group {
    Group {
        id: GroupId::parse(id).unwrap(),
        name: name.to_owned(),
        policy: PolicyId::parse("p").ok(),
        sources: sources
            .iter()
            .map(|s| SourceId::parse(s).unwrap())
            .collect(),
    }
}

pub fn source(id: &str, name: &str) -> Source {
    Source {
        id: SourceId::parse(id).unwrap(),
        name: name.to_owned(),
        direct: Some(true),
        password: true,
        authenticates: true,
        healthy: true,
        status: String::new(),
        policies: BTreeSet::new(),
    }
}

pub fn policy(id: &str, name: &str) -> Policy {
    Policy {
        id: PolicyId::parse(id).unwrap(),
        name: name.to_owned(),
        rules: PasswordRules::default(),
    }
}

#[test]
fn a_walk_begun_before_our_write_cannot_undo_it() {
    let mut picture = Picture::default();
    picture.merge_groups(at(10), vec![group("g", "old", &["a"])]);
    picture.merge_one(at(20), group("g", "new", &["a"]));
    picture.merge_one(at(20), group("h", "made", &["b"]));
    picture.merge_groups(at(15), vec![group("g", "old", &["a"])]);
    assert_eq!(picture.groups_named("new").len(), 1);
    assert_eq!(picture.groups_named("made").len(), 1);
    picture.merge_groups(at(25), vec![group("g", "old", &["a"])]);
    assert_eq!(picture.groups_named("new").len(), 0);
    assert_eq!(picture.groups_named("made").len(), 0);
}

#[test]
fn a_read_that_may_be_older_than_our_write_does_not_undo_it() {
    let mut picture = Picture::default();
    let id = GroupId::parse("g").unwrap();
    picture.merge_groups(at(10), vec![group("g", "old", &["a"])]);
    picture.merge_written(at(20), group("g", "new", &["b"]), at(50));
    assert_eq!(picture.hidden_until(), None);
    picture.merge_groups(at(30), vec![group("g", "old", &["a"])]);
    picture.merge_one(at(35), group("g", "old", &["a"]));
    picture.merge_gone(at(40), &id);
    picture.merge_groups(at(45), vec![]);
    let Presence::There(shown, as_of) = picture.group(&id) else {
        panic!()
    };
    assert_eq!((shown.name.as_str(), as_of), ("new", at(45)));
    assert_eq!(
        picture.groups_with(&SourceId::parse("a").unwrap()),
        Vec::<&Group>::new()
    );
    assert_eq!(
        picture.hidden_until(),
        Some(at(50)),
        "it is read again then"
    );
    picture.merge_groups(at(50), vec![group("g", "old", &["a"])]);
    assert_eq!(picture.groups_named("old").len(), 1, "by now it is so");
    assert_eq!(picture.hidden_until(), None);
}

/// Else it would be read again and again.
#[test]
fn a_read_that_shows_our_write_in_the_end_hides_nothing_any_more() {
    let mut picture = Picture::default();
    picture.merge_written(at(20), group("g", "new", &["b"]), at(50));
    picture.merge_groups(at(30), vec![group("g", "old", &["a"])]);
    picture.merge_groups(at(40), vec![group("g", "new", &["b"])]);
    assert_eq!(
        picture.hidden_until(),
        Some(at(50)),
        "it may come and go until then"
    );
    picture.merge_groups(at(50), vec![group("g", "new", &["b"])]);
    assert_eq!(picture.hidden_until(), None);
}

#[test]
fn a_later_write_of_ours_is_believed_whatever_the_first_was_answered() {
    let mut picture = Picture::default();
    let id = GroupId::parse("g").unwrap();
    picture.merge_written(at(20), group("g", "new", &["b"]), at(50));
    picture.merge_written(at(21), group("g", "newer", &["b"]), at(51));
    assert_eq!(picture.groups_named("newer").len(), 1);
    picture.merge_refuted(at(22), &id);
    assert_eq!(picture.group(&id), Presence::Gone(at(22)));
    picture.merge_written(at(23), group("g", "new", &["b"]), at(53));
    picture.doubt(&id, at(24));
    picture.merge_gone(at(25), &id);
    assert_eq!(
        picture.group(&id),
        Presence::Gone(at(25)),
        "a DELETE may have been carried out"
    );
}

#[test]
fn a_walk_that_lacks_a_group_is_no_proof_but_a_read_by_id_is() {
    let mut picture = Picture::default();
    let id = GroupId::parse("g").unwrap();
    picture.merge_groups(at(10), vec![group("g", "n", &["a"])]);
    picture.merge_groups(at(20), vec![]);
    assert_eq!(picture.group(&id), Presence::Unknown(at(20)));
    picture.merge_gone(at(21), &id);
    assert_eq!(picture.group(&id), Presence::Gone(at(21)));
    picture.merge_groups(at(20), vec![group("g", "n", &["a"])]);
    assert_eq!(
        picture.group(&id),
        Presence::Gone(at(21)),
        "an older walk resurrects nothing"
    );
    picture.merge_groups(at(30), vec![group("g", "n", &["a"])]);
    assert!(matches!(picture.group(&id), Presence::There(..)));
}

#[test]
fn an_unanswered_write_leaves_doubt_until_a_newer_read() {
    let mut picture = Picture::default();
    let id = GroupId::parse("g").unwrap();
    picture.merge_groups(at(10), vec![group("g", "n", &["a"])]);
    picture.doubt(&id, at(15));
    picture.merge_groups(at(14), vec![group("g", "n", &["a"])]);
    assert_eq!(picture.group(&id), Presence::Unknown(at(15)));
    picture.merge_one(at(16), group("g", "n", &["a"]));
    assert!(matches!(picture.group(&id), Presence::There(_, as_of) if as_of == at(16)));
}

#[test]
fn a_walk_that_is_merged_late_does_not_count_as_the_newest() {
    let mut picture = Picture::default();
    picture.merge_groups(at(20), vec![]);
    picture.merge_groups(at(10), vec![]);
    assert_eq!(picture.groups_as_of(), Some(at(20)));
    assert_eq!(picture.first_walk_since(at(5)), Some(at(10)));
}

#[test]
fn a_source_whose_group_or_application_changed_is_told_by_name_too() {
    let mut picture = Picture::default();
    let id = SourceId::parse("a").unwrap();
    let source = source("a", "AD");
    let told = BTreeSet::from(["AD".to_owned()]);
    picture.merge_facts(at(1), vec![source.clone()], vec![], BTreeMap::new());
    let joined = picture.merge_groups(at(2), vec![group("g", "n", &["a"])]);
    assert_eq!(joined.source_names, told);
    assert_eq!(picture.merge_groups(at(3), vec![]).source_names, told);
    let applications = BTreeMap::from([(id, 1)]);
    let application = picture.merge_facts(at(4), vec![source], vec![], applications);
    assert_eq!(application.source_names, told);
}

#[test]
fn a_read_tells_exactly_what_changed() {
    let mut picture = Picture::default();
    picture.merge_groups(
        at(1),
        vec![group("g", "n", &["a"]), group("h", "m", &["b"])],
    );
    let same = picture.merge_groups(
        at(2),
        vec![group("h", "m", &["b"]), group("g", "n", &["a"])],
    );
    assert!(same.is_empty());
    let changes = picture.merge_groups(
        at(3),
        vec![group("g", "n2", &["a"]), group("h", "m", &["b"])],
    );
    assert_eq!(changes.groups.len(), 1);
    assert_eq!(
        changes.group_names,
        BTreeSet::from(["n".to_owned(), "n2".to_owned()])
    );
}

#[test]
fn what_was_read_is_counted_and_dated() {
    let mut picture = Picture::default();
    assert_eq!((picture.counts(), picture.facts_as_of()), ((0, 0, 0), None));
    let policies = vec![
        policy("p", "Strong"),
        policy("q", "Weak"),
        policy("r", "Old"),
    ];
    let sources = vec![source("a", "AD"), source("b", "HR")];
    picture.merge_facts(at(7), sources, policies, BTreeMap::new());
    picture.merge_groups(at(8), vec![group("g", "n", &["a", "b"])]);
    assert_eq!(picture.counts(), (2, 3, 1));
    assert_eq!(picture.facts_as_of(), Some(at(7)));
    let shown: Vec<&str> = picture.groups().map(|group| group.name.as_str()).collect();
    assert_eq!(shown, ["n"]);
}

#[test]
fn a_read_of_the_facts_tells_exactly_what_came_went_or_differs() {
    let told = |names: [&str; 3]| names.map(str::to_owned).into();
    let mut picture = Picture::default();
    let sources = vec![source("a", "AD"), source("b", "HR"), source("c", "Pay")];
    let policies = vec![policy("p", "Strong"), policy("q", "Weak")];
    let first = picture.merge_facts(at(1), sources, policies, BTreeMap::new());
    assert!(!first.is_empty());
    assert_eq!(first.source_names, told(["AD", "HR", "Pay"]));

    let sources = vec![
        source("a", "AD"),
        source("c", "Payroll"),
        source("d", "Box"),
    ];
    let policies = vec![policy("p", "Strong"), policy("q", "Weaker")];
    let again = picture.merge_facts(at(2), sources.clone(), policies.clone(), BTreeMap::new());
    let all: BTreeSet<String> = ["HR", "Pay", "Payroll", "Box"].map(str::to_owned).into();
    assert_eq!(again.source_names, all);
    let all: BTreeSet<String> = ["Weak", "Weaker"].map(str::to_owned).into();
    assert_eq!(again.policy_names, all);
    assert!(
        picture
            .merge_facts(at(3), sources, policies, BTreeMap::new())
            .is_empty()
    );
}

/// A moment is when a read began, so what was answered at the same moment may be newer.
#[test]
fn of_two_that_bear_the_same_moment_the_walk_forgets_nothing_and_ends_no_doubt() {
    let mut picture = Picture::default();
    let id = GroupId::parse("g").unwrap();
    picture.merge_one(at(20), group("g", "made", &["a"]));
    picture.merge_groups(at(20), vec![]);
    assert_eq!(picture.groups_named("made").len(), 1);
    picture.doubt(&id, at(30));
    picture.merge_groups(at(30), vec![group("g", "made", &["a"])]);
    assert_eq!(picture.group(&id), Presence::Unknown(at(30)));
}

#[test]
fn as_many_walks_as_are_needed_are_remembered() {
    let mut picture = Picture::default();
    let count = i64::try_from(WALKS).unwrap();
    for second in 1..=count + 1 {
        picture.merge_groups(at(second), vec![]);
    }
    assert_eq!(picture.first_walk_since(at(0)), Some(at(2)));
    assert_eq!(picture.groups_as_of(), Some(at(count + 1)));
}
