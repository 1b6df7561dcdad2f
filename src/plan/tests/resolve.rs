//! The rule references: references, their pins, and what a person is told about them.

use psg_domain::{Origin, PolicyId, Ref};

use super::fixture::{
    Fixture, READ, condition, everybody, group, policy, policy_id, source, source_id,
};
use crate::{Next, Reason, Truth};

fn resolved(fixture: &Fixture) -> crate::Resolved {
    crate::resolve(&fixture.desired, &fixture.recorded, &fixture.picture).unwrap()
}

fn reasons(fixture: &Fixture) -> Vec<Reason> {
    let found = crate::resolve(&fixture.desired, &fixture.recorded, &fixture.picture);
    crate::resolve::findings(found.unwrap_err(), &fixture.picture)
        .into_iter()
        .map(|finding| finding.reason)
        .collect()
}

fn ids(fixture: &Fixture) -> Vec<String> {
    resolved(fixture)
        .sources
        .iter()
        .map(|pin| pin.id.to_string())
        .collect()
}

#[test]
fn a_name_leads_to_the_one_object_that_has_it() {
    let resolved = resolved(&Fixture::new());
    assert_eq!(resolved.policy.id, policy_id("strong"));
    assert_eq!(resolved.policy.reference, "Strong");
    let pins: Vec<_> = resolved
        .sources
        .iter()
        .map(|pin| (pin.reference.as_str(), pin.id.as_str()))
        .collect();
    assert_eq!(pins, [("AD", "ad"), ("Salesforce", "sf")]);
}

#[test]
fn an_id_leads_to_its_object_whatever_it_is_called() {
    let fixture = Fixture::new().with(|f| {
        f.desired.sources = vec![Ref::Id("wd".to_owned()), Ref::Id("ad".to_owned())];
        f.desired.policy = Ref::Id("weak".to_owned());
    });
    assert_eq!(ids(&fixture), ["wd", "ad"]);
    assert_eq!(resolved(&fixture).policy.id, policy_id("weak"));
    assert!(resolved(&fixture).renamed.is_empty());
}

#[test]
fn a_name_that_is_another_objects_id_is_still_a_name() {
    let fixture = Fixture::new()
        .facts(
            &[source("ad", "sf"), source("sf", "AD")],
            &[policy("strong", "Strong")],
        )
        .sources(&["AD", "sf"]);
    assert_eq!(ids(&fixture), ["sf", "ad"]);
}

#[test]
fn a_missing_source_is_named_with_what_was_perhaps_meant() {
    let fixture = Fixture::new().sources(&["AD", "Salesfroce"]);
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::SourceNotFound);
    assert!(
        why.message.contains("no source \"Salesfroce\""),
        "{}",
        why.message
    );
    assert!(
        why.message.contains("did you mean \"Salesforce\"?"),
        "{}",
        why.message
    );
}

#[test]
fn an_id_in_place_of_a_name_is_told_and_the_reverse() {
    let named = Fixture::new().sources(&["AD", "sf"]);
    let told = "\"sf\" in the tenant: that is the id of source \"Salesforce\": write it as id";
    let message = named.held_up().message;
    assert!(message.contains(told), "{message}");
    let by_id = Fixture::new().with(|f| f.desired.sources[1] = Ref::Id("Salesforce".to_owned()));
    let message = by_id.held_up().message;
    assert!(
        message.contains("that is the name of a source"),
        "{message}"
    );
}

#[test]
fn nothing_is_suggested_that_is_not_alike() {
    let fixture = Fixture::new().sources(&["AD", "Mainframe"]);
    let message = fixture.held_up().message;
    assert!(!message.contains("did you mean"), "{message}");
    assert!(
        message.contains("correct the reference"),
        "a remedy: {message}"
    );
}

#[test]
fn a_missing_id_is_not_found_and_suggests_nothing() {
    let fixture = Fixture::new().with(|f| f.desired.sources[1] = Ref::Id("no-such-id".to_owned()));
    assert_eq!(reasons(&fixture), [Reason::SourceNotFound]);
    let hostile = Fixture::new().with(|f| f.desired.policy = Ref::Id("../x".to_owned()));
    assert_eq!(reasons(&hostile), [Reason::PolicyNotFound]);
}

#[test]
fn a_missing_policy_is_not_found() {
    let fixture = Fixture::new().with(|f| f.desired.policy = Ref::Name("Stronk".to_owned()));
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::PolicyNotFound);
    assert!(why.message.contains("\"Strong\""), "{}", why.message);
}

#[test]
fn a_name_of_several_objects_asks_for_an_id_and_lists_them() {
    let fixture = Fixture::new().facts(
        &[
            source("ad", "AD"),
            source("sf", "Salesforce"),
            source("sf2", "Salesforce"),
        ],
        &[policy("strong", "Strong")],
    );
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::AmbiguousReference);
    assert!(
        why.message
            .contains("2 objects: refer to it by id (sf, sf2)"),
        "{}",
        why.message
    );
}

#[test]
fn two_references_to_one_source_are_refused() {
    let fixture = Fixture::new().with(|f| f.desired.sources.push(Ref::Id("ad".to_owned())));
    assert_eq!(fixture.stalls(), Reason::DuplicateSource);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let fixture = Fixture::new()
        .sources(&["Nobody", "Nothing"])
        .with(|f| f.desired.policy = Ref::Name("Nowhere".to_owned()));
    assert_eq!(
        reasons(&fixture),
        [
            Reason::SourceNotFound,
            Reason::SourceNotFound,
            Reason::PolicyNotFound
        ]
    );
    let message = fixture.held_up().message;
    for name in ["Nobody", "Nothing", "Nowhere"] {
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn a_rename_in_the_tenant_keeps_the_pin_and_warns() {
    let fixture = Fixture::settled().facts(
        &[
            source("ad", "Active Directory"),
            source("sf", "Salesforce"),
            source("x", "AD"),
        ],
        &[policy("strong", "Stronger"), policy("y", "Strong")],
    );
    assert_eq!(
        ids(&fixture),
        ["ad", "sf"],
        "the namesake does not take its place"
    );
    assert_eq!(resolved(&fixture).policy.id, policy_id("strong"));
    assert_eq!(fixture.next(), Next::Settled);
    let report = fixture.report();
    let current = condition(&report, "ReferencesCurrent").unwrap();
    assert_eq!((current.truth, current.reason), (Truth::False, "Renamed"));
    assert!(
        current
            .message
            .contains("\"AD\" (ad) is called \"Active Directory\""),
        "{}",
        current.message
    );
    assert!(
        current
            .message
            .contains("\"Strong\" (strong) is called \"Stronger\""),
        "{}",
        current.message
    );
}

#[test]
fn a_source_made_again_under_its_name_is_not_taken_silently() {
    let fixture = Fixture::settled().facts(
        &[source("ad", "AD"), source("sf2", "Salesforce")],
        &[policy("strong", "Strong")],
    );
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::SourceReplaced);
    assert!(
        why.message.contains("was sf") && why.message.contains("sf2"),
        "{}",
        why.message
    );
    let by_id = fixture.with(|f| f.desired.sources[1] = Ref::Id("sf2".to_owned()));
    assert_eq!(ids(&by_id), ["ad", "sf2"]);
}

#[test]
fn a_source_made_again_is_taken_once_the_reference_was_removed_and_settled_without_it() {
    let removed = Fixture::settled()
        .facts(
            &[
                source("ad", "AD"),
                source("sf2", "Salesforce"),
                source("wd", "Workday"),
            ],
            &[policy("strong", "Strong")],
        )
        .groups(&[group("g", "Corp", "strong", &["ad", "wd"])])
        .sources(&["AD", "Workday"]);
    assert_eq!(removed.next(), Next::Settled);
    let added = removed
        .clone()
        .with(|f| f.recorded = removed.report().recorded)
        .sources(&["AD", "Workday", "Salesforce"]);
    assert_eq!(ids(&added), ["ad", "wd", "sf2"]);
}

#[test]
fn a_policy_made_again_under_its_name_is_not_taken_silently() {
    let fixture = Fixture::settled().facts(
        &[source("ad", "AD"), source("sf", "Salesforce")],
        &[policy("new", "Strong")],
    );
    assert_eq!(fixture.stalls(), Reason::PolicyReplaced);
}

#[test]
fn a_pinned_policy_that_is_gone_without_a_namesake_is_not_found() {
    let fixture = Fixture::settled().facts(
        &[source("ad", "AD"), source("sf", "Salesforce")],
        &[policy("weak", "Weak")],
    );
    assert_eq!(fixture.stalls(), Reason::PolicyNotFound);
}

#[test]
fn a_pinned_source_that_is_gone_without_a_namesake_is_not_found() {
    let fixture = Fixture::settled().facts(&[source("ad", "AD")], &[policy("strong", "Strong")]);
    assert_eq!(fixture.stalls(), Reason::SourceNotFound);
}

#[test]
fn a_reference_that_cannot_be_looked_up_is_a_condition_of_its_own() {
    let report = Fixture::new().sources(&["AD", "Nobody"]).report();
    let current = condition(&report, "ReferencesCurrent").unwrap();
    assert_eq!(
        (current.truth, current.reason),
        (Truth::False, "SourceNotFound")
    );
    assert_eq!(
        condition(&report, "PrerequisitesMet"),
        None,
        "nothing is claimed about the rest"
    );
}

#[test]
fn the_policy_that_a_source_had_before_it_joined_is_kept_with_its_pin() {
    let before = |fixture: &Fixture| -> Vec<Option<PolicyId>> {
        resolved(fixture)
            .sources
            .into_iter()
            .map(|pin| pin.policy_before)
            .collect()
    };
    let joining = Fixture::new().holders("ad", READ, &[everybody("weak")]);
    assert_eq!(before(&joining), [Some(policy_id("weak")), None]);
    let member = Fixture::settled()
        .with(|f| f.recorded.sources[0].policy_before = Some(policy_id("weak")))
        .holders("ad", READ, &[everybody("strong")]);
    assert_eq!(before(&member), [Some(policy_id("weak")), None]);
}

#[test]
fn another_reference_to_the_same_member_keeps_the_policy_it_had_before() {
    let fixture = Fixture::new()
        .held("g", Origin::Created)
        .with(|f| {
            f.recorded.sources[0].policy_before = Some(policy_id("weak"));
            f.desired.sources[0] = Ref::Id("ad".to_owned());
        })
        .holders("ad", READ, &[everybody("strong")]);
    let pin = resolved(&fixture)
        .sources
        .into_iter()
        .find(|pin| pin.id == source_id("ad"))
        .unwrap();
    assert_eq!(pin.policy_before, Some(policy_id("weak")));
}
