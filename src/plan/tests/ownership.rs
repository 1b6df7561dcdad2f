//! The rule ownership: one owner for every group, name and source.

use psg_domain::{Origin, TenantKey};

use super::fixture::{Fixture, NOW, at, condition, group, group_id, key, names, place, source_id};
use crate::{ClaimIndex, Claimant, Next, Reason, Truth, claims};

#[test]
fn the_older_of_two_that_want_a_name_gets_it() {
    let wants = |older_by| {
        Fixture::new().read().other("rival", older_by, |other| {
            other.desired.name = "Corp".to_owned();
        })
    };
    let why = wants(1).held_up();
    assert_eq!(why.reason, Reason::OwnedByAnother);
    assert!(
        why.message
            .contains("the group name \"Corp\" belongs to PasswordSyncGroup \"rival\""),
        "{}",
        why.message
    );
    wants(-1).remembers();
}

/// It would keep from others what it cannot have itself.
#[test]
fn an_older_one_whose_manifest_leads_nowhere_reserves_nothing() {
    let stalled = |hindered| {
        let fixture = Fixture::new().read().other("rival", 1, |other| {
            other.desired.name = "Corp".to_owned();
            other.desired.sources = names(&["AD", "Salesforce", "Nowhere"]);
        });
        fixture.with(|f| {
            let rival = f.others.pop().unwrap();
            f.others.push(rival.hindered(hindered));
        })
    };
    assert_eq!(stalled(false).stalls(), Reason::OwnedByAnother);
    stalled(true).remembers();
    let holds = Fixture::new().other("rival", 1, |other| {
        other.desired.sources = names(&["AD", "Nowhere"]);
        other.holds("h", "Other", &["ad", "wd"]);
    });
    let holds = holds.with(|f| {
        let rival = f.others.pop().unwrap();
        f.others.push(rival.hindered(true));
    });
    assert_eq!(
        holds.stalls(),
        Reason::OwnedByAnother,
        "what it holds stays"
    );
}

#[test]
fn of_two_equally_old_the_smaller_uid_wins() {
    let wants = |uid| {
        Fixture::new()
            .read()
            .other(uid, 0, |other| other.desired.name = "Corp".to_owned())
    };
    assert_eq!(wants("a").stalls(), Reason::OwnedByAnother);
    wants("z").remembers();
}

#[test]
fn the_older_of_two_that_want_a_source_gets_it() {
    let fixture = Fixture::new().other("rival", 1, |other| other.desired.sources = names(&["AD"]));
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::OwnedByAnother);
    assert!(why.message.contains("source \"AD\""), "{}", why.message);
}

#[test]
fn what_a_status_records_goes_before_age() {
    let recorded = |older_by| {
        Fixture::new().other("rival", older_by, |other| {
            other.desired.sources = names(&["AD", "Workday"]);
            other.holds("h", "Other", &["ad", "wd"]);
        })
    };
    assert_eq!(recorded(-1).stalls(), Reason::OwnedByAnother);
    let mine = Fixture::settled().other("rival", 1, |other| {
        other.desired.name = "Corp".to_owned();
        other.desired.sources = names(&["AD", "Salesforce"]);
    });
    assert_eq!(mine.next(), Next::Settled);
}

#[test]
fn an_open_intent_claims_its_name_and_sources() {
    let fixture = Fixture::new().other("rival", -1, |other| {
        other.recorded = Fixture::new().intent(1).recorded;
    });
    let message = fixture.held_up().message;
    assert!(message.contains("the group name \"Corp\""), "{message}");
    assert!(
        message.contains("source \"AD\"") && message.contains("source \"Salesforce\""),
        "{message}"
    );
}

#[test]
fn a_source_that_still_waits_for_its_policy_stays_claimed() {
    let leaving = |result| {
        Fixture::new().read().other("rival", -1, |other| {
            other.holds("h", "Other", &["wd", "x"]);
            other.recorded.leaving = vec![super::fixture::reassign("ad", "weak", result)];
        })
    };
    assert_eq!(leaving(None).held_up().reason, Reason::WaitingForSource);
    leaving(Some(psg_domain::ReassignmentResult::ByService)).remembers();
}

#[test]
fn one_that_observes_is_paused_or_goes_wins_nothing_that_it_does_not_hold() {
    let timid = |holds: bool| {
        Fixture::new().read().other("rival", 1, |other| {
            other.eager = false;
            other.desired.sources = names(&["AD"]);
            if holds {
                other.holds("h", "Other", &["ad", "wd"]);
            }
        })
    };
    timid(false).remembers();
    assert_eq!(timid(true).stalls(), Reason::OwnedByAnother);
}

#[test]
fn an_owner_in_another_namespace_is_not_named() {
    let fixture = Fixture::new().other("secret-name", 1, |other| {
        other.namespace = "elsewhere".to_owned();
        other.desired.name = "Corp".to_owned();
    });
    let message = fixture.held_up().message;
    assert!(
        message.contains("a PasswordSyncGroup in another namespace"),
        "{message}"
    );
    assert!(
        !message.contains("secret-name") && !message.contains("elsewhere"),
        "{message}"
    );
}

#[test]
fn a_source_in_a_group_that_nobody_manages_is_named_with_that_group() {
    let fixture = Fixture::new().groups(&[group("x", "Sales Apps", "weak", &["sf", "wd"])]);
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::SourceInAnotherGroup);
    assert_eq!(
        why.message,
        "\"Salesforce\" is in tenant group \"Sales Apps\" (x), which no PasswordSyncGroup manages. \
         Remove it there, or adopt that group"
    );
}

#[test]
fn a_source_in_the_group_of_another_resource_is_owned_by_it() {
    let fixture = Fixture::new()
        .groups(&[group("h", "Other", "weak", &["sf", "wd"])])
        .other("rival", -1, |other| other.holds("h", "Other", &["wd", "x"]));
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::WaitingForSource);
    assert_eq!(
        why.message,
        "source \"Salesforce\" is still held by PasswordSyncGroup \"rival\" (group \"Other\"); \
         it is to leave there, and joins by itself then"
    );
    // One that is paused wins nothing, yet keeps what is in its group.
    let kept = Fixture::new()
        .groups(&[group("h", "Other", "weak", &["sf", "wd"])])
        .other("rival", -1, |other| {
            other.eager = false;
            other.desired.sources = names(&["Salesforce"]);
            other.holds("h", "Other", &["wd", "x"]);
        });
    let why = kept.held_up();
    assert_eq!(why.reason, Reason::OwnedByAnother);
    assert!(
        why.message
            .contains("is in the group of PasswordSyncGroup \"rival\": take it out"),
        "{}",
        why.message
    );
}

#[test]
fn a_joiner_that_sits_in_a_twin_of_the_same_name_stops_the_write() {
    let fixture = Fixture::settled()
        .groups(&[
            group("g", "Corp", "strong", &["ad", "sf"]),
            group("twin", "Corp", "strong", &["wd", "x"]),
        ])
        .sources(&["AD", "Salesforce", "Workday"])
        .holders("wd", super::fixture::READ, &[]);
    assert_eq!(fixture.stalls(), Reason::SourceInAnotherGroup);
}

#[test]
fn a_group_that_another_resource_manages_is_not_adopted_after_a_rename_in_the_tenant() {
    let fixture = Fixture::new()
        .with(|f| f.desired.adoption = psg_domain::AdoptionPolicy::Overwrite)
        .groups(&[group("h", "Corp", "weak", &["wd", "x"])])
        .other("rival", -1, |other| other.holds("h", "Other", &["wd", "x"]));
    assert_eq!(fixture.stalls(), Reason::OwnedByAnother);
}

#[test]
fn a_group_that_another_resource_manages_cannot_be_asked_for_by_id() {
    let fixture = Fixture::new()
        .with(|f| f.desired.group_id = Some(group_id("h")))
        .groups(&[group("h", "Other", "strong", &["ad", "sf"])])
        .other("rival", -1, |other| other.holds("h", "Other", &[]));
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::OwnedByAnother);
    assert!(
        why.message.contains("group h belongs to"),
        "{}",
        why.message
    );
}

#[test]
fn an_owned_thing_is_no_failed_prerequisite() {
    let report = Fixture::new()
        .other("rival", 1, |other| other.desired.name = "Corp".to_owned())
        .report();
    assert_eq!(
        condition(&report, "Ready").unwrap().reason,
        "OwnedByAnother"
    );
    assert_eq!(
        condition(&report, "PrerequisitesMet").unwrap().truth,
        Truth::True
    );
}

#[test]
fn one_that_only_observes_needs_to_own_nothing() {
    let fixture = Fixture::settled()
        .with(|f| {
            f.desired.management = psg_domain::ManagementPolicy::Observe;
            f.object.finalizer = false;
            f.recorded.origin = Some(Origin::Observed);
        })
        .other("rival", -1, |other| other.holds("g", "Corp", &["ad", "sf"]));
    assert_eq!(fixture.next(), Next::Settled);
}

fn claimant(uid: &str, tenant: &str, name: &str, pinned: Option<TenantKey>) -> Claimant {
    let desired = psg_domain::Desired {
        name: name.to_owned(),
        ..Fixture::new().desired
    };
    let recorded = psg_domain::Recorded {
        group: pinned.as_ref().map(|_| group_id(&format!("g-{uid}"))),
        origin: Some(Origin::Created),
        tenant: pinned,
        ..psg_domain::Recorded::default()
    };
    Claimant {
        uid: uid.to_owned(),
        namespace: "ns".to_owned(),
        name: uid.to_owned(),
        created: super::fixture::at(if uid == "old" { 1 } else { 2 }),
        tenant: place(tenant),
        eager: true,
        wanted: claims::Wanted::of(&desired, &recorded),
        held: claims::Held::of(&recorded),
    }
}

#[test]
fn two_identity_tenants_of_one_tenant_share_their_claims() {
    let mut index = ClaimIndex::default();
    index.insert(claimant("old", "ns/one", "Corp", None));
    index.insert(claimant("new", "ns/two", "Corp", None));
    assert!(
        index.owner_of_name("new", "Corp").is_none(),
        "not known to be one tenant"
    );
    index.identify(&place("ns/one"), &key("acme"));
    index.identify(&place("ns/two"), &key("acme"));
    assert_eq!(index.owner_of_name("new", "Corp").unwrap().uid, "old");
    index.identify(&place("ns/two"), &key("other"));
    assert!(index.owner_of_name("new", "Corp").is_none());
}

#[test]
fn a_release_wakes_the_resources_that_wait_for_it() {
    let mut index = ClaimIndex::default();
    index.identify(&place("ns/one"), &key("acme"));
    let mut holder = claimant("old", "ns/one", "Other", Some(key("acme")));
    holder.held = claims::Held::of(&Fixture::settled().recorded);
    holder.wanted = claims::Wanted::default();
    index.insert(holder.clone());
    index.insert(claimant("new", "ns/one", "Corp", None));
    let freed = Claimant {
        held: claims::Held::default(),
        ..holder
    };
    assert!(
        index.insert(freed.clone()).contains("new"),
        "its status let go"
    );
    index.insert(Claimant {
        held: claims::Held::of(&Fixture::settled().recorded),
        ..freed
    });
    assert!(index.remove("old", at(NOW)).contains("new"), "it is gone");
    assert!(index.remove("old", at(NOW)).is_empty());
}

/// The watch shows the version on which it was announced later than that.
#[test]
fn what_is_announced_is_taken_back_by_no_watch_that_shows_what_it_is_stored_on() {
    let of = |held: &claims::Held, version| {
        Claimant {
            held: held.clone(),
            ..claimant("old", "ns/one", "Corp", None)
        }
        .of_version(Some(version))
    };
    let before = claims::Held::of(&Fixture::new().recorded);
    let adopts = claims::Held::of(&Fixture::settled().recorded);
    let mut index = ClaimIndex::default();
    index.identify(&place("ns/one"), &key("acme"));
    index.insert(claimant("new", "ns/one", "Corp", None));
    index.insert(of(&before, 7));
    index.insert(of(&adopts, 7).announced());
    let group = super::fixture::group_id("g");
    let owned = |index: &ClaimIndex| index.recorded_owner_of_group("new", &group).is_some();
    index.see(of(&before, 7));
    assert!(owned(&index));
    index.see(of(&before, 8));
    assert!(!owned(&index), "another hand changed it");
    index.insert(of(&adopts, 8).announced());
    index.insert(of(&before, 8));
    assert!(!owned(&index), "the pass itself took it back");
}

#[test]
fn a_change_in_the_tenant_wakes_the_resources_that_name_it() {
    let mut fixture = Fixture::new().groups(&[group("x", "Sales", "weak", &["sf", "wd"])]);
    let changes = fixture
        .picture
        .merge_groups(super::fixture::at(super::fixture::NOW), Vec::new());
    assert!(changes.sources.contains(&source_id("sf")));
    let woken = fixture.claims().affected(&key("acme"), &changes);
    assert!(
        woken.contains(super::fixture::ME),
        "Salesforce is free, and it waits for it by name"
    );
    assert!(
        fixture
            .claims()
            .affected(&key("other"), &changes)
            .is_empty()
    );
}

#[test]
fn a_new_application_wakes_the_resources_that_name_its_source() {
    let mut fixture = Fixture::new();
    let sources = vec![
        super::fixture::source("ad", "AD"),
        super::fixture::source("sf", "Salesforce"),
    ];
    let policies = vec![super::fixture::policy("strong", "Strong")];
    let count = |n| [(source_id("ad"), 1), (source_id("sf"), n)].into();
    let at = super::fixture::at;
    fixture
        .picture
        .merge_facts(at(1), sources.clone(), policies.clone(), count(0));
    let changes = fixture
        .picture
        .merge_facts(at(2), sources, policies, count(1));
    assert!(
        fixture
            .claims()
            .affected(&key("acme"), &changes)
            .contains(super::fixture::ME)
    );
}

#[test]
fn only_groups_that_are_held_and_stay_count_as_managed() {
    let mut index = ClaimIndex::default();
    index.identify(&place("ns/one"), &key("acme"));
    index.insert(claimant("old", "ns/one", "A", Some(key("acme"))));
    index.insert(claimant("going", "ns/one", "B", Some(key("acme"))).leaving(true));
    index.insert(claimant("new", "ns/one", "C", None));
    let managed: Vec<_> = index
        .managed(&place("ns/one"))
        .map(ToString::to_string)
        .collect();
    assert_eq!(managed, ["g-old"]);
}

#[test]
fn a_record_by_id_tells_those_who_want_the_same_by_name() {
    let mut index = ClaimIndex::default();
    index.identify(&place("ns/one"), &key("acme"));
    index.insert(claimant("new", "ns/one", "Corp", None));
    let holder = Claimant {
        wanted: claims::Wanted::default(),
        held: claims::Held::of(&Fixture::settled().with(|f| f.recorded.name = None).recorded),
        ..claimant("old", "ns/one", "Other", None)
    };
    assert!(index.insert(holder).contains("new"));
}
