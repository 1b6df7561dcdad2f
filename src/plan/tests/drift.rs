//! The rule drift: the tenant changed and the manifest did not.

use psg_domain::{ManagementPolicy, Ref};

use super::fixture::{Fixture, NOW, READ, at, group, group_id};
use crate::{Action, Memory, Next, Reason, What, WriteCause};

fn drifted() -> Fixture {
    Fixture::settled().groups(&[group("g", "Corp", "weak", &["ad", "sf"])])
}

fn vanished() -> Fixture {
    Fixture::settled()
        .read()
        .walk(READ + 1, &[])
        .gone("g", READ + 2)
}

fn on_change(f: &mut Fixture) {
    f.desired.management = ManagementPolicy::OnChange;
}

#[test]
fn under_enforce_it_is_repaired_and_told_with_field_was_and_is() {
    let Action::UpdateGroup { changes, cause, .. } = drifted().changes() else {
        panic!()
    };
    assert_eq!(cause, WriteCause::Drift);
    let change = &changes[0];
    assert_eq!(
        (
            change.field.as_str(),
            change.wanted.as_str(),
            change.found.as_str()
        ),
        ("passwordPolicy", "Strong", "Weak")
    );
}

#[test]
fn under_onchange_it_is_only_reported() {
    let fixture = drifted().with(on_change);
    assert_eq!(fixture.stalls(), Reason::Drifted);
    let drift = fixture.report().recorded.drift;
    assert_eq!(
        (drift.len(), drift[0].field.as_str()),
        (1, "passwordPolicy")
    );
}

#[test]
fn under_onchange_an_edit_is_written_even_over_a_drift() {
    let fixture = drifted()
        .with(on_change)
        .with(|f| f.desired.name = "New".to_owned());
    let Action::UpdateGroup {
        group: sent, cause, ..
    } = fixture.changes()
    else {
        panic!()
    };
    assert_eq!(
        (sent, cause),
        (group("g", "New", "strong", &["ad", "sf"]), WriteCause::Edit)
    );
}

#[test]
fn every_field_counts() {
    for (group, field) in [
        (group("g", "Renamed", "strong", &["ad", "sf"]), "name"),
        (group("g", "Corp", "weak", &["ad", "sf"]), "passwordPolicy"),
        (group("g", "Corp", "strong", &["ad", "sf", "wd"]), "sources"),
    ] {
        let drift = Fixture::settled()
            .groups(&[group])
            .with(on_change)
            .report()
            .recorded
            .drift;
        assert_eq!(drift.len(), 1);
        assert_eq!(drift[0].field, field);
    }
}

#[test]
fn a_policy_renamed_in_the_tenant_is_no_drift() {
    let renamed = drifted()
        .with(on_change)
        .groups(&[group("g", "Corp", "strong", &["ad", "sf"])]);
    let renamed = renamed.facts(
        &[
            super::fixture::source("ad", "AD"),
            super::fixture::source("sf", "Salesforce"),
        ],
        &[super::fixture::policy("strong", "Other Name")],
    );
    assert_eq!(renamed.next(), crate::Next::Settled);
}

#[test]
fn one_walk_that_lacks_the_group_is_no_proof() {
    let lacking = Fixture::settled().walk(READ + 1, &[]);
    assert_eq!(lacking.refresh(), What::Group(group_id("g")));
}

#[test]
fn a_group_that_is_gone_by_id_is_made_again() {
    let fixture = vanished();
    let Memory::Intent(intent) = fixture.remembers() else {
        panic!()
    };
    assert_eq!(intent.attempt, 1);
}

/// A read may lag behind a create by another process.
#[test]
fn a_group_is_made_again_only_if_its_absence_lasts() {
    let missing = || {
        let fixture = Fixture::settled().walk(READ + 1, &[]);
        fixture.with(|f| _ = f.picture.merge_gone(at(READ + 2), &group_id("g")))
    };
    let Next::Wait { until, why } = missing().next() else {
        panic!("{:?}", missing().next())
    };
    assert_eq!((until, why.reason), (at(READ + 2 + 30), Reason::Creating));
    let later = missing().with(|f| f.now = at(READ + 2 + 30));
    let What::Group(id) = later.refresh() else {
        panic!()
    };
    assert_eq!(id, group_id("g"));
    let still = later.with(|f| _ = f.picture.merge_gone(at(READ + 2 + 30), &group_id("g")));
    // On the way to the create.
    assert!(matches!(still.refresh(), What::Holders(_)));
}

#[test]
fn under_onchange_a_group_that_is_gone_is_reported_and_an_edit_makes_it_again() {
    let fixture = vanished().with(on_change);
    assert_eq!(fixture.stalls(), Reason::GroupVanished);
    let edited = fixture.with(|f| f.desired.policy = Ref::Name("Weak".to_owned()));
    assert!(matches!(edited.remembers(), Memory::Intent(_)));
}

#[test]
fn a_namesake_of_a_group_that_is_gone_goes_by_the_adoption_rule() {
    let same = vanished().walk(READ + 3, &[group("h", "Corp", "strong", &["ad", "sf"])]);
    assert!(matches!(same.remembers(), Memory::Group(group, _) if group.id == group_id("h")));
    let other = vanished().walk(READ + 3, &[group("h", "Corp", "weak", &["wd", "sf"])]);
    assert_eq!(other.stalls(), Reason::GroupExists);
}

#[test]
fn when_many_vanish_at_once_none_is_made_again_until_acknowledged() {
    let fixture = vanished().with(|f| f.tenant.vanished = Some((9, 12)));
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::GroupsVanished);
    assert!(why.message.contains("9 of 12") && why.message.contains("acknowledged-until"));
    let acknowledged = |until| {
        fixture
            .clone()
            .with(|f| f.tenant.acknowledged_until = Some(at(until)))
    };
    assert!(matches!(
        acknowledged(NOW + 1).remembers(),
        Memory::Intent(_)
    ));
    assert_eq!(acknowledged(NOW).stalls(), Reason::GroupsVanished);
}

#[test]
fn under_onchange_another_list_of_sources_is_an_edit() {
    let fixture = Fixture::settled()
        .with(on_change)
        .sources(&["AD", "Salesforce", "Workday"])
        .holders("wd", READ, &[]);
    assert!(matches!(
        fixture.changes(),
        Action::UpdateGroup {
            cause: WriteCause::Edit,
            ..
        }
    ));
}
