//! What is remembered as soon as a group is ours, and of the one before it.

use psg_domain::Origin;

use super::fixture::{Fixture, group, group_id, policy_id, reassign, source_id};
use crate::Memory;

fn adopted(fixture: &Fixture, policy: &str, sources: &[&str]) -> Fixture {
    let group = group("x", "Corp", policy, sources);
    fixture.stored(&Memory::Group(group, Origin::Adopted))
}

#[test]
fn what_it_holds_is_pinned_by_the_references_of_the_manifest() {
    let pinned = adopted(&Fixture::new(), "strong", &["sf", "wd", "ad"]).recorded;
    assert_eq!(pinned.group, Some(group_id("x")));
    let policy = pinned.policy.unwrap();
    assert_eq!(
        (policy.reference.as_str(), policy.id),
        ("Strong", policy_id("strong"))
    );
    let pins = pinned.sources.iter();
    let pins: Vec<_> = pins
        .map(|pin| (pin.reference.as_str(), pin.name.as_str()))
        .collect();
    let as_asked = [
        ("AD", "AD"),
        ("Salesforce", "Salesforce"),
        ("wd", "Workday"),
    ];
    assert_eq!(pins, as_asked, "first what is asked for, in that order");
}

#[test]
fn another_policy_and_what_is_not_a_member_yet_are_not_pinned_as_the_manifest_has_them() {
    let pinned = adopted(&Fixture::new(), "weak", &["ad", "wd"]).recorded;
    let policy = pinned.policy.unwrap();
    assert_eq!(
        (policy.reference.as_str(), policy.name.as_str(), policy.id),
        ("weak", "Weak", policy_id("weak"))
    );
    let ids: Vec<_> = pinned.sources.iter().map(|pin| pin.id.clone()).collect();
    assert_eq!(ids, [source_id("ad"), source_id("wd")]);
}

#[test]
fn the_sources_of_the_group_before_it_are_remembered_once_unless_it_has_them() {
    let open = |f: &mut Fixture| f.recorded.leaving = vec![reassign("ad", "weak", None)];
    let again = adopted(&Fixture::settled().with(open), "strong", &["wd", "z"]);
    let left = again.recorded.leaving.iter();
    let left: Vec<_> = left
        .map(|left| (left.source.as_str(), left.policy.as_str()))
        .collect();
    assert_eq!(left, [("ad", "weak"), ("sf", "strong")]);
    let kept = adopted(&Fixture::settled().with(open), "strong", &["ad", "sf"]);
    assert!(kept.recorded.leaving.is_empty());
}
