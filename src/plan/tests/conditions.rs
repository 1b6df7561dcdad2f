//! The table of states, and a status that never claims more than was read back.

use std::sync::Arc;

use psg_domain::{
    ChangeEvent, ChangeStep, Failures, ManagementPolicy, PasswordRules, Policy, Ref, Source,
    Stated, password_changes,
};

use super::fixture::{
    Fixture, NOW, READ, at, condition, everybody, group, group_id, pin, policy, policy_id, setback,
    source, source_id,
};
use crate::{Next, Outcome, PasswordChanges, Reason, Truth};

/// `Ready`, its reason, and which of `Reconciling`, `Stalled` and `Paused` stand.
fn row(fixture: &Fixture) -> (Truth, &'static str, Vec<&'static str>) {
    let report = fixture.report();
    assert_eq!(
        report.recorded.observed_generation,
        Some(fixture.object.generation)
    );
    let ready = condition(&report, "Ready").unwrap();
    let others = report
        .conditions
        .iter()
        .filter(|c| ["Reconciling", "Stalled", "Paused"].contains(&c.kind.as_str()))
        .inspect(|c| assert_eq!(c.truth, Truth::True, "they stand only while true"))
        .map(|c| c.kind.as_str())
        .collect();
    (ready.truth, ready.reason, others)
}

#[test]
fn a_truth_is_a_word_of_kubernetes() {
    let words = [Truth::True, Truth::False, Truth::Unknown].map(Truth::as_str);
    assert_eq!(words, ["True", "False", "Unknown"]);
}

#[test]
fn working_is_reconciling() {
    let nothing_yet = Fixture::new();
    assert_eq!(
        row(&nothing_yet),
        (Truth::Unknown, "Creating", vec!["Reconciling"])
    );
    let intent = Fixture::new().read();
    let stored = intent.stored(&intent.remembers());
    assert_eq!(
        row(&stored),
        (Truth::Unknown, "Creating", vec!["Reconciling"])
    );
    let edited = Fixture::settled().with(|f| f.desired.name = "New".to_owned());
    assert_eq!(
        row(&edited),
        (Truth::False, "Updating", vec!["Reconciling"])
    );
    let going = Fixture::deleting();
    assert_eq!(row(&going), (Truth::False, "Deleting", vec!["Reconciling"]));
    let message = going.stored(&going.remembers()).report().conditions[0]
        .message
        .clone();
    assert!(message.contains("2 sources"), "{message}");
}

#[test]
fn retrying_is_reconciling() {
    let fixture = Fixture::settled().last(Outcome::NotMade(setback(NOW + 5)));
    assert_eq!(
        row(&fixture),
        (Truth::False, "Retrying", vec!["Reconciling"])
    );
    let lost = Fixture::new().intent(NOW - 10);
    assert_eq!(
        row(&lost),
        (Truth::Unknown, "Creating", vec!["Reconciling"])
    );
}

#[test]
fn equal_is_ready() {
    let fixture = Fixture::settled();
    assert_eq!(row(&fixture), (Truth::True, "InSync", vec![]));
    let report = fixture.report();
    assert_eq!(
        condition(&report, "Ready").unwrap().message,
        "2 sources share password policy \"Strong\""
    );
    for kind in ["ReferencesCurrent", "PrerequisitesMet", "SourcesHealthy"] {
        assert_eq!(
            condition(&report, kind).unwrap().truth,
            Truth::True,
            "{kind}"
        );
    }
    assert_eq!(condition(&report, "PoliciesAligned"), None);
}

#[test]
fn password_changes_that_failed_are_a_warning_and_what_is_not_known_is_never_healthy() {
    let says = |changes: Option<PasswordChanges>| {
        let fixture =
            Fixture::settled().with(|f| f.tenant.password_changes = changes.map(Arc::new));
        assert_eq!(row(&fixture).0, Truth::True, "it blocks nothing");
        let report = fixture.report();
        let said = condition(&report, "PasswordChangesHealthy");
        said.map(|said| (said.truth, said.reason, said.message.clone()))
    };
    assert_eq!(says(None), None, "nobody asked for it");
    let read = |events: &[(&str, &str)], unreadable, more| {
        let events = events
            .iter()
            .zip(1..)
            .map(|((source, why), second)| ChangeEvent {
                at: at(second),
                id: second.to_string(),
                change: Some(second.to_string()),
                identity: None,
                source: Some((*source).to_owned()).filter(|name| !name.is_empty()),
                step: ChangeStep::Failed((*why).to_owned()),
            });
        let changes = password_changes::changes(events);
        Some(PasswordChanges::Read(Failures::of(
            &changes, unreadable, more,
        )))
    };
    let healthy = says(read(&[("Workday", "timed out")], 0, false));
    assert_eq!(
        healthy,
        Some((Truth::True, "NoFailures", String::new())),
        "no source of it"
    );
    let failing = [
        ("AD", "timed out"),
        ("AD", "timed out"),
        ("AD", "policy"),
        ("Salesforce", "?"),
    ];
    // What fails is said even if there may be more.
    for (unreadable, more) in [(0, false), (7, true)] {
        let (truth, reason, message) = says(read(&failing, unreadable, more)).unwrap();
        assert_eq!((truth, reason), (Truth::False, "PasswordChangesFailing"));
        assert_eq!(
            message,
            "password changes that failed in the last 2 hours: \"AD\": 2 because the tenant cannot \
             communicate with the source, 1 because the policy that the source demands refuses the \
             password; \"Salesforce\": 1 because of something else"
        );
    }
    for unknown in [
        read(&[("", "timed out")], 0, false),
        read(&[], 1, false),
        read(&[], 0, true),
        Some(PasswordChanges::Unreadable("403".to_owned())),
    ] {
        let (truth, reason, _) = says(unknown).unwrap();
        assert_eq!((truth, reason), (Truth::Unknown, "AuditUnreadable"));
    }
}

#[test]
fn drift_that_is_not_written_is_stalled() {
    for management in [ManagementPolicy::OnChange, ManagementPolicy::Observe] {
        let fixture = Fixture::settled()
            .groups(&[group("g", "Corp", "weak", &["ad", "sf"])])
            .with(|f| {
                f.desired.management = management;
                f.object.finalizer = management != ManagementPolicy::Observe;
            });
        assert_eq!(row(&fixture), (Truth::False, "Drifted", vec!["Stalled"]));
    }
}

#[test]
fn paused_is_as_compared_and_neither_reconciling_nor_stalled() {
    let pause = |f: &mut Fixture| f.object.paused_until = Some(at(NOW + 60));
    assert_eq!(
        row(&Fixture::settled().with(pause)),
        (Truth::True, "InSync", vec!["Paused"])
    );
    let differs = Fixture::settled()
        .with(pause)
        .with(|f| f.desired.name = "New".to_owned());
    assert_eq!(row(&differs), (Truth::False, "Paused", vec!["Paused"]));
    let deleting = Fixture::deleting().with(pause);
    assert_eq!(row(&deleting), (Truth::False, "Paused", vec!["Paused"]));
}

#[test]
fn refused_by_a_rule_or_the_tenant_is_stalled() {
    let rule = Fixture::new().sources(&["AD"]);
    assert_eq!(row(&rule), (Truth::False, "TooFewSources", vec!["Stalled"]));
    let refused = Fixture::new().intent(NOW - 5).read().refused("no");
    let stored = refused.stored(&refused.remembers());
    assert_eq!(row(&stored), (Truth::False, "Refused", vec!["Stalled"]));
}

#[test]
fn a_blocked_deletion_is_reconciling_with_a_message() {
    let fixture = Fixture::deleting().refused("in use");
    assert_eq!(
        row(&fixture),
        (Truth::False, "DeletionBlocked", vec!["Reconciling"])
    );
}

#[test]
fn a_record_and_its_conditions_are_one_write() {
    let made = group("new", "Corp", "strong", &["ad", "sf"]);
    let fixture = Fixture::new().read().intent(NOW - 1).posted().with(|f| {
        f.picture
            .merge_one(at(NOW), group("new", "Corp", "strong", &["ad", "sf"]));
        f.last = Some(Outcome::Made(made));
    });
    let stored = fixture.stored(&fixture.remembers());
    assert_eq!(row(&stored), (Truth::True, "InSync", vec![]));
    let recorded = stored.report().recorded;
    assert_eq!(recorded.group, Some(group_id("new")));
    assert_eq!(recorded.sources[0].policy_before, Some(policy_id("weak")));
}

#[test]
fn an_unchanged_world_gives_an_equal_report() {
    let drifted = Fixture::settled()
        .groups(&[group("g", "Corp", "weak", &["ad", "sf"])])
        .with(|f| f.desired.management = ManagementPolicy::OnChange);
    let unhealthy = Fixture::settled().facts(
        &[
            source("ad", "AD"),
            Source {
                healthy: false,
                ..source("sf", "Salesforce")
            },
        ],
        &[policy("strong", "Strong")],
    );
    let lost = Fixture::new().intent(NOW - 10);
    for fixture in [
        Fixture::settled(),
        drifted,
        unhealthy,
        lost,
        Fixture::new().sources(&["AD"]),
    ] {
        let first = fixture.report();
        let later = fixture.with(|f| {
            f.recorded = first.recorded.clone();
            f.now = at(NOW + 3);
        });
        assert_eq!(later.report(), first);
    }
}

#[test]
fn settling_pins_what_is_wanted_and_forgets_what_is_over() {
    let fixture = Fixture::settled().with(|f| {
        f.recorded.name = None;
        f.recorded.policy = None;
        f.recorded.sources.clear();
        f.recorded.refused = Some(psg_domain::Refused {
            generation: 0,
            facts: String::new(),
            message: String::new(),
            attempts: 1,
            at: None,
        });
        f.recorded.drift = vec![psg_domain::Drift {
            field: "name".to_owned(),
            wanted: String::new(),
            found: String::new(),
        }];
    });
    let recorded = fixture.report().recorded;
    assert_eq!(recorded, Fixture::settled().report().recorded);
    assert!(recorded.name.is_some() && recorded.policy.is_some() && recorded.refused.is_none());
}

#[test]
fn drift_is_shown_only_where_it_is_what_stops() {
    let refused = Fixture::settled().sources(&["AD"]);
    assert_eq!(refused.stalls(), Reason::TooFewSources);
    assert!(refused.report().recorded.drift.is_empty());
    let failing = Fixture::settled()
        .with(|f| f.desired.name = "New".to_owned())
        .last(Outcome::NotMade(setback(NOW + 5)));
    assert_eq!(failing.waits_until(), NOW + 5);
    assert!(failing.report().recorded.drift.is_empty());
}

#[test]
fn a_difference_is_not_pinned_before_it_is_made_equal() {
    let edited = Fixture::settled().with(|f| f.desired.policy = Ref::Name("Weak".to_owned()));
    assert_eq!(edited.report().recorded.policy, edited.recorded.policy);
}

#[test]
fn a_source_that_shows_another_policy_is_told_only_by_a_read_since() {
    let shows = |fixture: Fixture, second, policy_of_sf: &str| {
        let mut salesforce = source("sf", "Salesforce");
        salesforce.policies.insert(policy_id(policy_of_sf));
        let mut fixture = fixture;
        fixture.picture.merge_facts(
            at(second),
            vec![source("ad", "AD"), salesforce],
            vec![policy("strong", "Strong")],
            [(source_id("ad"), 1)].into(),
        );
        fixture.report()
    };
    let report = shows(Fixture::settled(), READ + 1, "weak");
    let aligned = condition(&report, "PoliciesAligned").unwrap();
    assert_eq!(
        (aligned.truth, aligned.reason),
        (Truth::False, "OtherPolicy")
    );
    assert!(aligned.message.contains("\"Salesforce\"") && !aligned.message.contains("\"AD\""));
    for (second, policy) in [(READ, "weak"), (READ - 1, "weak"), (READ + 1, "strong")] {
        assert_eq!(
            condition(
                &shows(Fixture::settled(), second, policy),
                "PoliciesAligned"
            ),
            None
        );
    }
}

/// Salesforce had policy Weak before it joined; the rules of both as given.
fn joined_with(group: Stated, own: Stated) -> Fixture {
    let ruled = |id, name, stated: &Stated| Policy {
        rules: PasswordRules::from(stated),
        ..policy(id, name)
    };
    let mut fixture = Fixture::settled();
    for pin in &mut fixture.recorded.sources {
        if pin.id == source_id("sf") {
            pin.policy_before = Some(policy_id("weak"));
        }
    }
    fixture.picture.merge_facts(
        at(READ),
        vec![source("ad", "AD"), source("sf", "Salesforce")],
        vec![
            ruled("strong", "Strong", &group),
            ruled("weak", "Weak", &own),
        ],
        [(source_id("ad"), 1)].into(),
    );
    fixture
}

fn length(least: i64, most: Option<i64>) -> Stated {
    Stated {
        min_length: Some(least),
        max_length: most,
        ..Stated::default()
    }
}

#[test]
fn what_a_sources_own_policy_refuses_is_told_and_holds_nothing_up() {
    let told = |fixture: &Fixture| {
        let report = fixture.report();
        assert_eq!(fixture.next(), Next::Settled);
        assert_eq!(condition(&report, "Ready").unwrap().truth, Truth::True);
        condition(&report, "PoliciesAligned").cloned()
    };
    assert_eq!(told(&joined_with(length(8, None), length(8, None))), None);
    assert_eq!(told(&joined_with(length(9, None), length(8, None))), None);

    let refuses = told(&joined_with(length(8, None), length(9, None))).unwrap();
    assert_eq!(
        (refuses.truth, refuses.reason),
        (Truth::False, "PolicyMismatch")
    );
    assert_eq!(
        refuses.message,
        "policy \"Weak\", which \"Salesforce\" had before: a password such as \"abcdefgh\" passes the \
         group's policy and fails the source's (minLength 9)"
    );
    let excludes = told(&joined_with(length(8, None), length(1, Some(7)))).unwrap();
    assert_eq!(excludes.reason, "NoCommonPassword");
    assert!(
        excludes.message.contains("minLength 8"),
        "{}",
        excludes.message
    );
    assert!(
        excludes.message.contains("maxLength 7"),
        "{}",
        excludes.message
    );
}

#[test]
fn what_a_source_demanded_before_it_joined_is_not_guessed() {
    let mut unknown = joined_with(length(8, None), length(9, None));
    for pin in &mut unknown.recorded.sources {
        pin.policy_before = None;
    }
    assert_eq!(condition(&unknown.report(), "PoliciesAligned"), None);
    let mut same = joined_with(length(8, None), length(9, None));
    for pin in &mut same.recorded.sources {
        pin.policy_before = Some(policy_id("strong"));
    }
    assert_eq!(condition(&same.report(), "PoliciesAligned"), None);
}

#[test]
fn a_message_about_many_policies_is_bounded_and_counts_the_rest() {
    let mut fixture = joined_with(length(8, None), length(9, None));
    let many = 0..8;
    let ids: Vec<String> = many.map(|number| format!("s{number}")).collect();
    let mut policies = vec![Policy {
        rules: PasswordRules::from(&length(8, None)),
        ..policy("strong", "Strong")
    }];
    policies.extend(ids.iter().map(|id| Policy {
        rules: PasswordRules::from(&length(9, None)),
        ..policy(&format!("own-{id}"), &format!("Own {id}"))
    }));
    fixture.recorded.sources.clear();
    let mut sources = Vec::new();
    for id in &ids {
        let mut pin = pin(id, id, &id.to_uppercase());
        pin.policy_before = Some(policy_id(&format!("own-{id}")));
        fixture.recorded.sources.push(pin);
        sources.push(source(id, &id.to_uppercase()));
    }
    let refs = ids.iter().map(|id| Ref::Id(id.clone()));
    fixture.desired.sources = refs.collect();
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    fixture
        .picture
        .merge_facts(at(READ), sources, policies, [(source_id("s0"), 1)].into());
    fixture
        .picture
        .merge_one(at(READ), group("g", "Corp", "strong", &members));
    let report = fixture.report();
    let told = condition(&report, "PoliciesAligned").unwrap();
    assert_eq!(told.message.matches("a password such as").count(), 5);
    assert!(
        told.message.contains("so do 3 other policies"),
        "{}",
        told.message
    );
}

#[test]
fn observing_says_that_it_only_looks() {
    let fixture = Fixture::settled().with(|f| {
        f.desired.management = ManagementPolicy::Observe;
        f.object.finalizer = false;
    });
    let message = fixture.report().conditions[0].message.clone();
    assert_eq!(
        message,
        "2 sources are seen to share password policy \"Strong\""
    );
    let reading = fixture.walk(NOW, &[]);
    assert!(matches!(reading.next(), Next::Refresh { .. }));
    assert_eq!(
        row(&reading).1,
        Reason::Reading.as_str(),
        "it creates nothing"
    );
}

#[test]
fn a_hand_back_after_an_edit_is_work_on_the_group() {
    let fixture = Fixture::settled()
        .with(|f| f.recorded.leaving = vec![super::fixture::reassign("wd", "strong", None)])
        .holders("wd", READ + 1, &[everybody("weak")]);
    assert_eq!(
        row(&fixture),
        (Truth::False, "Updating", vec!["Reconciling"])
    );
}

#[test]
fn a_deletion_says_nothing_of_references_and_prerequisites() {
    let report = Fixture::deleting().sources(&["AD", "Nobody"]).report();
    let kinds: Vec<_> = report
        .conditions
        .iter()
        .map(|condition| condition.kind.as_str())
        .collect();
    assert_eq!(kinds, ["Ready", "Reconciling"]);
    let report = Fixture::deleting().report();
    assert_eq!(condition(&report, "PrerequisitesMet"), None);
}

#[test]
fn a_reason_of_a_status_is_known_if_the_operator_writes_it() {
    for word in [
        "SourceNotFound",
        "Current",
        "Renamed",
        "Met",
        "Healthy",
        "Unhealthy",
        "NoFailures",
    ] {
        assert_eq!(crate::reason_of(word), Some(word));
    }
    for word in ["", "current", "SomebodyElses"] {
        assert_eq!(crate::reason_of(word), None, "{word}");
    }
}
