//! The rule adoption: a group that exists already.

use psg_domain::{AdoptionPolicy, ManagementPolicy, Origin};

use super::fixture::{Fixture, NOW, READ, at, group, group_id};
use crate::{Action, Memory, Next, Reason, What};

fn identical() -> Fixture {
    Fixture::new().groups(&[group("x", "Corp", "strong", &["sf", "ad"])])
}

fn other() -> Fixture {
    Fixture::new().groups(&[group("x", "Corp", "weak", &["ad", "wd"])])
}

fn adopts(fixture: &Fixture) -> bool {
    matches!(fixture.remembers(), Memory::Group(group, Origin::Adopted) if group.id == group_id("x"))
}

#[test]
fn an_identical_group_is_adopted_without_a_tenant_write() {
    let fixture = identical();
    let memory = fixture.remembers();
    assert!(adopts(&fixture));
    assert_eq!(fixture.stored(&memory).next(), Next::Settled);
}

#[test]
fn the_finalizer_comes_before_the_record() {
    let fixture = identical().with(|f| f.object.finalizer = false);
    assert_eq!(fixture.step(), Action::HoldFinalizer);
}

#[test]
fn a_group_that_differs_is_left_alone_and_the_difference_is_said() {
    let why = other().held_up();
    assert_eq!(why.reason, Reason::GroupExists);
    for words in [
        "Strong, found Weak",
        "AD, Salesforce, found AD, Workday",
        "Overwrite",
    ] {
        assert!(why.message.contains(words), "{words}: {}", why.message);
    }
}

#[test]
fn a_group_that_differs_is_taken_over_and_made_equal_under_overwrite() {
    let fixture = other()
        .with(|f| f.desired.adoption = AdoptionPolicy::Overwrite)
        .read();
    assert!(adopts(&fixture));
    let stored = fixture.stored(&fixture.remembers());
    let Memory::Update(update, leaving) = stored.remembers() else {
        panic!("the source that leaves")
    };
    assert_eq!(leaving[0].source.as_str(), "wd");
    assert_eq!(
        leaving[0].policy.as_str(),
        "weak",
        "the policy in force before the PUT"
    );
    let stored = stored.stored(&Memory::Update(update, leaving));
    assert!(matches!(stored.changes(), Action::UpdateGroup { .. }));
}

#[test]
fn never_leaves_even_an_identical_group_alone() {
    let never = |f: &mut Fixture| f.desired.adoption = AdoptionPolicy::Never;
    assert_eq!(identical().with(never).stalls(), Reason::GroupExists);
    let asked = identical()
        .with(never)
        .with(|f| f.desired.group_id = Some(group_id("x")));
    assert!(adopts(&asked), "groupID asks for that group");
}

#[test]
fn two_groups_of_the_name_are_ambiguous_and_groupid_chooses() {
    let fixture = identical().groups(&[
        group("x", "Corp", "strong", &["ad", "sf"]),
        group("y", "Corp", "weak", &["wd", "z"]),
    ]);
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::AmbiguousGroup);
    assert!(
        why.message.contains("x, y") && why.message.contains("groupID"),
        "{}",
        why.message
    );
    assert!(adopts(
        &fixture.with(|f| f.desired.group_id = Some(group_id("x")))
    ));
}

#[test]
fn a_named_id_that_does_not_exist_is_never_created() {
    let fixture = Fixture::new().with(|f| f.desired.group_id = Some(group_id("x")));
    assert_eq!(
        fixture.refresh(),
        What::Group(group_id("x")),
        "a walk is no proof"
    );
    assert_eq!(fixture.gone("x", READ + 1).stalls(), Reason::GroupNotFound);
}

#[test]
fn a_named_id_other_than_the_one_managed_is_refused() {
    let fixture = Fixture::settled().with(|f| f.desired.group_id = Some(group_id("x")));
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::InvalidSpec);
    assert!(
        why.message.contains('x') && why.message.contains("manages g"),
        "{}",
        why.message
    );
}

#[test]
fn an_old_observation_adopts_nothing() {
    let fixture = identical().with(|f| f.now = at(NOW + 3600));
    assert_eq!(fixture.refresh(), What::Groups);
}

#[test]
fn a_rename_onto_an_existing_name_is_not_sent() {
    let fixture = Fixture::settled()
        .groups(&[
            group("g", "Corp", "strong", &["ad", "sf"]),
            group("x", "Taken", "weak", &["wd", "z"]),
        ])
        .with(|f| f.desired.name = "Taken".to_owned());
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::GroupExists);
    assert!(
        why.message.contains("rename group g") && why.message.contains('x'),
        "{}",
        why.message
    );
}

#[test]
fn observing_adopts_nothing() {
    let fixture = identical().with(|f| {
        f.desired.management = ManagementPolicy::Observe;
        f.object.finalizer = false;
    });
    assert_eq!(fixture.next(), Next::Settled);
}
