//! What a status claims, and what it does not.

use psg_domain::Origin;

use super::fixture::{Fixture, names, reassign};
use crate::Reason;

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
