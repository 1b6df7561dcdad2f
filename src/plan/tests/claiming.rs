//! What a status claims, and what it does not.

use std::time::Duration;

use jiff::Timestamp;
use psg_domain::{ManagementPolicy, Origin, time};

use super::fixture::{Fixture, NOW, TENANT, at, names, place, reassign};
use crate::{Claimant, Reason, claims::gives_way};

#[test]
fn a_group_that_is_only_looked_at_claims_nothing() {
    let fixture = Fixture::new().read().other("watcher", 1, |other| {
        other.eager = false;
        other.desired = Fixture::new().desired;
        other.holds("g", "Corp", &["ad", "sf"]);
        other.recorded.origin = Some(Origin::Observed);
    });
    fixture.remembers();
}

#[test]
fn what_was_refused_claims_no_source() {
    let fixture = Fixture::new().read().other("refused", -1, |other| {
        other.holds("g", "Other", &["ad", "sf"]);
        other.recorded.group = None;
        other.recorded.origin = None;
    });
    fixture.remembers();
}

#[test]
fn a_deletion_claims_every_source_that_is_still_open() {
    let open = |result| {
        Fixture::new().read().other("going", -1, |other| {
            other.eager = false;
            other.recorded.tenant = Some(super::fixture::key("acme"));
            other.recorded.deletion = Some(psg_domain::Deletion {
                group: super::fixture::group_id("h"),
                recorded_at: super::fixture::at(1),
                sources: vec![reassign("ad", "weak", result)],
            });
        })
    };
    assert_eq!(open(None).stalls(), Reason::OwnedByAnother);
    open(Some(psg_domain::ReassignmentResult::SourceGone)).remembers();
}

#[test]
fn a_source_is_one_thing_by_name_and_by_id() {
    let fixture = Fixture::new().other("by-id", 1, |other| {
        other.desired.sources = vec![psg_domain::Ref::Id("ad".to_owned())];
    });
    assert_eq!(fixture.stalls(), Reason::OwnedByAnother);
    let unrelated = Fixture::new().read().other("by-name", 1, |other| {
        other.desired.sources = names(&["ad"]);
    });
    unrelated.remembers();
}

#[test]
fn what_cannot_be_carried_out_by_itself_reserves_nothing_and_what_others_cause_keeps_its_place() {
    let since = at(NOW);
    for reason in [
        Reason::SourceNotFound,
        Reason::NotDirectConnect,
        Reason::SourceInAnotherGroup,
    ] {
        assert_eq!(gives_way(Some(reason), since), Timestamp::MIN, "{reason}");
    }
    let later = time::after(since, Duration::from_mins(10));
    for reason in [Some(Reason::OwnedByAnother), Some(Reason::Refused), None] {
        assert_eq!(gives_way(reason, since), later, "{reason:?}");
    }
}

#[test]
fn only_a_resource_that_may_write_is_eager() {
    let eager = |change: &dyn Fn(&mut Fixture)| {
        let mut fixture = Fixture::new();
        change(&mut fixture);
        let desired = (fixture.unreadable.is_none()).then_some(&fixture.desired);
        let (object, tenant) = (&fixture.object, place(TENANT));
        let now = at(NOW);
        Claimant::of(object, now, tenant, desired, &fixture.recorded, now).eager
    };
    assert!(eager(&|_| {}));
    assert!(!eager(&|f| f.desired.management = ManagementPolicy::Observe));
    assert!(!eager(&|f| f.object.deleting = true));
    assert!(!eager(&|f| f.object.paused_until = Some(at(NOW + 1))));
    assert!(
        eager(&|f| f.object.paused_until = Some(at(NOW))),
        "it is over"
    );
    assert!(!eager(&|f| f.unreadable = Some("odd".to_owned())));
}
