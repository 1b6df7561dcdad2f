//! The rule prerequisites: what the vendor's guide asks for, before any write and all at once.

use psg_domain::Source;

use super::fixture::{
    Fixture, NOW, READ, at, condition, everybody, exception, group, source, source_id,
};
use crate::{Action, Next, Reason, Truth, What};

fn with(change: impl Fn(&mut Source)) -> Fixture {
    let mut salesforce = source("sf", "Salesforce");
    change(&mut salesforce);
    Fixture::settled().applications(&[source("ad", "AD"), salesforce], &[("ad", 1)])
}

#[test]
fn a_group_of_one_source_is_refused() {
    assert_eq!(
        Fixture::new().sources(&["AD"]).stalls(),
        Reason::TooFewSources
    );
}

#[test]
fn a_source_that_is_fed_by_files_is_refused() {
    assert_eq!(
        with(|s| s.direct = Some(false)).stalls(),
        Reason::NotDirectConnect
    );
}

#[test]
fn a_source_that_cannot_change_passwords_is_refused() {
    assert_eq!(
        with(|s| s.password = false).stalls(),
        Reason::PasswordNotSupported
    );
}

#[test]
fn an_authentication_source_needs_an_application_and_another_source_does_not() {
    assert_eq!(
        with(|s| s.authenticates = true).stalls(),
        Reason::NoApplication
    );
    assert_eq!(with(|_| ()).next(), Next::Settled);
    let one = Fixture::settled().facts(
        &[
            source("ad", "AD"),
            Source {
                authenticates: true,
                ..source("sf", "Salesforce")
            },
        ],
        &[super::fixture::policy("strong", "Strong")],
    );
    assert_eq!(one.next(), Next::Settled);
}

#[test]
fn every_prerequisite_is_reported_at_once() {
    let fixture = with(|s| (s.direct, s.password, s.authenticates) = (Some(false), false, true));
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::NotDirectConnect);
    for words in ["direct connect", "feature PASSWORD", "no application"] {
        assert!(why.message.contains(words), "{words}: {}", why.message);
    }
}

#[test]
fn a_prerequisite_that_fails_later_stops_writes_and_tears_nothing_down() {
    let drifted =
        with(|s| s.direct = Some(false)).groups(&[group("g", "Corp", "weak", &["ad", "sf"])]);
    assert_eq!(drifted.stalls(), Reason::NotDirectConnect);
    let report = drifted.report();
    let met = condition(&report, "PrerequisitesMet").unwrap();
    assert_eq!((met.truth, met.reason), (Truth::False, "NotDirectConnect"));
    assert_eq!(report.recorded.group, drifted.recorded.group);
}

#[test]
fn an_unhealthy_source_is_a_warning_and_no_block() {
    let fixture = with(|s| {
        s.healthy = false;
        s.status = "SOURCE_STATE_ERROR_CLUSTER".to_owned();
    });
    assert_eq!(fixture.next(), Next::Settled);
    let report = fixture.report();
    let healthy = condition(&report, "SourcesHealthy").unwrap();
    assert_eq!(healthy.truth, Truth::False);
    assert!(
        healthy
            .message
            .contains("\"Salesforce\" (SOURCE_STATE_ERROR_CLUSTER)")
    );
    assert_eq!(condition(&report, "Ready").unwrap().truth, Truth::True);
}

#[test]
fn holders_are_read_before_a_group_is_made() {
    let both = What::Holders(vec![source_id("ad"), source_id("sf")]);
    assert_eq!(Fixture::new().refresh(), both);
}

#[test]
fn holders_that_were_read_long_ago_are_read_again() {
    let fixture = Fixture::new()
        .holders("ad", READ - 3600, &[everybody("weak")])
        .holders("sf", READ, &[everybody("weak")]);
    assert_eq!(fixture.refresh(), What::Holders(vec![source_id("ad")]));
}

#[test]
fn what_is_as_old_as_may_be_is_not_read_again() {
    let groups = Fixture::new().read().with(|f| f.now = at(READ + 60));
    assert!(matches!(groups.step(), Action::Record(_)));
    let older = groups.with(|f| f.now = at(READ + 61));
    assert_eq!(older.refresh(), What::Groups);
    // An interval, and three seconds for each of two sources.
    let oldest = NOW - 66;
    let holders = |second| {
        let read = Fixture::new().holders("ad", second, &[everybody("weak")]);
        read.holders("sf", READ, &[everybody("weak")])
    };
    assert!(matches!(holders(oldest).step(), Action::Record(_)));
    assert_eq!(
        holders(oldest - 1).refresh(),
        What::Holders(vec![source_id("ad")])
    );
}

#[test]
fn the_first_of_a_hundred_sources_is_not_too_old_when_the_last_was_read() {
    let ids: Vec<String> = (0..100).map(|n| format!("s{n}")).collect();
    let sources: Vec<Source> = ids.iter().map(|id| source(id, id)).collect();
    let refs: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut fixture = Fixture::new()
        .facts(&sources, &[super::fixture::policy("strong", "Strong")])
        .sources(&refs);
    // At the slowest rate that can be set, five in ten seconds, with half of it for others.
    for (n, id) in ids.iter().enumerate() {
        fixture = fixture.holders(id, READ - 2 * (100 - i64::try_from(n).unwrap()), &[]);
    }
    assert!(matches!(fixture.step(), Action::Record(_)));
}

#[test]
fn holders_are_read_for_joiners_only() {
    let fixture = Fixture::settled().sources(&["AD", "Salesforce", "Workday"]);
    assert_eq!(fixture.refresh(), What::Holders(vec![source_id("wd")]));
}

#[test]
fn policy_exceptions_stop_a_create() {
    let fixture =
        Fixture::new()
            .read()
            .holders("sf", READ, &[everybody("weak"), exception("strong")]);
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::PolicyExceptions);
    assert!(
        why.message
            .contains("\"Salesforce\" has 1 password policy exception"),
        "{}",
        why.message
    );
    let report = fixture.report();
    assert_eq!(
        condition(&report, "PrerequisitesMet").unwrap().truth,
        Truth::False
    );
}

#[test]
fn policy_exceptions_stop_a_source_from_joining() {
    let fixture = Fixture::settled()
        .sources(&["AD", "Salesforce", "Workday"])
        .holders("wd", READ, &[exception("weak")]);
    assert_eq!(fixture.stalls(), Reason::PolicyExceptions);
}

#[test]
fn policy_exceptions_on_a_member_are_not_looked_at() {
    let fixture = Fixture::settled().holders("sf", READ, &[exception("weak")]);
    assert_eq!(fixture.next(), Next::Settled);
}

#[test]
fn a_source_that_is_listed_and_whose_policies_answer_404_may_be_gone_or_its_endpoint_missing() {
    let fixture = Fixture::new().read().with(|f| {
        f.picture.merge_holders(at(READ + 1), source_id("sf"), None);
    });
    assert_eq!(fixture.stalls(), Reason::UnexpectedAnswer);
    let report = fixture.report();
    let ready = &condition(&report, "Ready").unwrap().message;
    for part in [
        "lists source \"Salesforce\"",
        "404",
        "no such endpoint",
        "identityAPIVersion",
    ] {
        assert!(ready.contains(part), "{ready}");
    }
}

#[test]
fn holders_that_cannot_be_read_delay_the_create() {
    let fixture = Fixture::new().with(|f| {
        let setback = super::fixture::setback(NOW + 30);
        f.expectations.blocked.insert(source_id("sf"), setback);
    });
    assert_eq!(fixture.waits_until(), NOW + 30);
    let later = fixture.with(|f| f.now = at(NOW + 30));
    assert!(matches!(later.next(), Next::Refresh { .. }));
}
