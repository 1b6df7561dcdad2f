//! Whom the index of claims names: for waking, and for holding what a resource needs.

use std::collections::BTreeSet;

use psg_domain::{Changes, Desired, Recorded, Ref};

use super::fixture::{Fixture, NOW, at, group_id, key, names, pin, place, policy_id, source_id};
use crate::{ClaimIndex, Claimant, claims};

const TENANT: &str = "ns/default";

fn uids(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|uid| (*uid).to_owned()).collect()
}

/// A resource that wants sources by name, and nothing else that any other does.
fn wants(uid: &str, sources: &[&str]) -> Desired {
    Desired {
        name: format!("Group {uid}"),
        sources: names(sources),
        policy: Ref::Name(format!("Policy {uid}")),
        ..Fixture::new().desired
    }
}

/// Its status records a group of these sources, each named in capitals.
fn holds(group: &str, sources: &[&str]) -> Recorded {
    let sources = sources.iter().map(|id| pin(id, id, &id.to_uppercase()));
    Recorded {
        tenant: Some(key("acme")),
        group: Some(group_id(group)),
        origin: Some(psg_domain::Origin::Created),
        name: Some(format!("Name {group}")),
        sources: sources.collect(),
        ..Recorded::default()
    }
}

fn resource(uid: &str, desired: &Desired, recorded: &Recorded) -> Claimant {
    Claimant {
        uid: uid.to_owned(),
        namespace: "ns".to_owned(),
        name: uid.to_owned(),
        created: at(NOW),
        tenant: place(TENANT),
        eager: true,
        wanted: claims::Wanted::of(desired, recorded),
        held: claims::Held::of(recorded),
    }
}

fn wanting(uid: &str, sources: &[&str]) -> Claimant {
    resource(uid, &wants(uid, sources), &Recorded::default())
}

fn index(claimants: impl IntoIterator<Item = Claimant>) -> ClaimIndex {
    let mut index = ClaimIndex::default();
    index.identify(&place(TENANT), &key("acme"));
    for claimant in claimants {
        index.insert(claimant);
    }
    index
}

#[test]
fn the_resources_of_a_tenant_and_of_a_namespace() {
    let elsewhere = Claimant {
        namespace: "elsewhere".to_owned(),
        tenant: place("elsewhere/default"),
        ..wanting("c", &[])
    };
    let index = index([wanting("a", &[]), wanting("b", &[]), elsewhere]);
    assert_eq!(index.members(&place(TENANT)), uids(&["a", "b"]));
    assert_eq!(index.members(&place("elsewhere/default")), uids(&["c"]));
    assert_eq!(index.members(&place("nowhere/default")), uids(&[]));
    assert_eq!(index.uids_in(Some("ns")), uids(&["a", "b"]));
    assert_eq!(index.uids_in(Some("elsewhere")), uids(&["c"]));
    assert_eq!(index.uids_in(None), uids(&["a", "b", "c"]));
}

#[test]
fn a_tenant_is_in_use_while_a_finalizer_is_held_or_may_be_any_moment() {
    let idle = Claimant {
        eager: false,
        ..wanting("a", &[])
    };
    let in_use = |claimant: &Claimant, ending| {
        let index = index([claimant.clone()]);
        assert!(!index.is_in_use(&place("ns/other"), ending));
        index.is_in_use(&place(TENANT), ending)
    };
    for ending in [false, true] {
        assert!(!in_use(&idle, ending), "ending: {ending}");
        let holder = idle.clone().holding(true);
        assert!(in_use(&holder, ending), "ending: {ending}");
    }
    let eager = wanting("a", &[]);
    assert!(in_use(&eager, false));
    assert!(!in_use(&eager, true), "it takes no more");
}

#[test]
fn who_comes_or_goes_wakes_those_who_want_the_same() {
    let mut index = index([wanting("a", &["AD"]), wanting("b", &["HR"])]);
    assert_eq!(index.insert(wanting("c", &["AD"])), uids(&["a"]));
    assert_eq!(index.insert(wanting("c", &["AD"])), uids(&[]), "as before");
    assert_eq!(index.insert(wanting("c", &["HR"])), uids(&["a", "b"]));
    assert_eq!(index.remove("c", at(NOW)), uids(&["b"]));
    assert_eq!(index.remove("c", at(NOW)), uids(&[]));
}

#[test]
fn who_holds_a_source_by_id_wakes_those_who_want_it_by_id_or_by_name() {
    let by_id = Desired {
        sources: vec![Ref::Id("hr".to_owned())],
        ..wants("a", &[])
    };
    let mut index = index([
        resource("a", &by_id, &Recorded::default()),
        wanting("b", &["HR"]),
        wanting("c", &["AD"]),
    ]);
    let holder = resource("d", &wants("d", &[]), &holds("g", &["hr"]));
    assert_eq!(index.insert(holder), uids(&["a", "b"]));
    assert_eq!(index.remove("d", at(NOW)), uids(&["a", "b"]));
    // Its place is taken by another, who concerns nobody.
    assert_eq!(index.insert(wanting("e", &["Box"])), uids(&[]));
    assert_eq!(index.members(&place(TENANT)), uids(&["a", "b", "c", "e"]));
}

#[test]
fn what_changed_in_the_tenant_wakes_those_who_depend_on_it() {
    let by_id = Desired {
        sources: vec![Ref::Id("hr".to_owned())],
        policy: Ref::Id("p".to_owned()),
        ..wants("by-id", &[])
    };
    let mut index = index([
        resource("by-id", &by_id, &Recorded::default()),
        wanting("by-name", &["HR"]),
        resource("holder", &wants("holder", &[]), &holds("g", &["box"])),
    ]);
    let changed = |changes: &Changes| index.affected(&key("acme"), changes);
    let mut cases: Vec<(Changes, &str)> = Vec::new();
    let mut case = |uid, change: &dyn Fn(&mut Changes)| {
        let mut changes = Changes::default();
        change(&mut changes);
        cases.push((changes, uid));
    };
    case("holder", &|c| c.groups = [group_id("g")].into());
    case("holder", &|c| c.group_names = ["Name g".to_owned()].into());
    case("by-name", &|c| {
        c.group_names = ["Group by-name".to_owned()].into();
    });
    case("holder", &|c| c.sources = [source_id("box")].into());
    case("by-id", &|c| c.sources = [source_id("hr")].into());
    case("by-name", &|c| c.source_names = ["HR".to_owned()].into());
    case("by-id", &|c| c.policies = [policy_id("p")].into());
    case("by-name", &|c| {
        c.policy_names = ["Policy by-name".to_owned()].into();
    });
    for (changes, uid) in &cases {
        assert_eq!(changed(changes), uids(&[uid]), "{changes:?}");
    }
    assert_eq!(changed(&Changes::default()), uids(&[]));
    let (group, _) = &cases[0];
    assert_eq!(index.affected(&key("other"), group), uids(&[]));
    // Another answers behind the same resource: what changed there is none of theirs, but for
    // what is recorded of the one before.
    index.identify(&place(TENANT), &key("other"));
    let (by_name, _) = &cases[5];
    assert_eq!(index.affected(&key("other"), by_name), uids(&["by-name"]));
    assert_eq!(index.affected(&key("acme"), by_name), uids(&[]));
    assert_eq!(index.affected(&key("acme"), group), uids(&["holder"]));
}

#[test]
fn managed_are_the_groups_of_those_that_stay() {
    let of = |uid: &str, group: &str| resource(uid, &wants(uid, &[]), &holds(group, &["ad"]));
    let index = index([
        of("a", "g"),
        of("b", "h").leaving(true),
        wanting("c", &["AD"]),
    ]);
    let managed: Vec<_> = index.managed(&place(TENANT)).cloned().collect();
    assert_eq!(managed, [group_id("g")]);
    let a = index.claimant("a").unwrap();
    let b = index.claimant("b").unwrap();
    assert_eq!((a.group(), a.ends()), (Some(&group_id("g")), false));
    assert_eq!((b.group(), b.ends()), (Some(&group_id("h")), true));
    assert_eq!(a.held_sources().collect::<Vec<_>>(), [&source_id("ad")]);
    assert!(index.claimant("d").is_none());
}

#[test]
fn what_is_older_takes_nothing_back() {
    let mut index = ClaimIndex::default();
    let of = |version| wanting("r1", &["AD"]).of_version(Some(version));
    index.insert(of(7));
    index.insert(wanting("r1", &["Salesforce"]).of_version(Some(6)));
    assert_eq!(index.claimant("r1"), Some(&of(7)));
    assert!(index.insert(of(8)).is_empty(), "it claims the same");
    assert_eq!(index.claimant("r1"), Some(&of(8)));
    index.insert(wanting("r1", &["Salesforce"]).of_version(Some(7)));
    assert_eq!(index.claimant("r1"), Some(&of(8)));
}
