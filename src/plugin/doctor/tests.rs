//! Tests: what is found in a small tenant, as text and as a document.

use std::collections::BTreeMap;

use psg_domain::{
    ChangeEvent, ChangeId, ChangeStep, Holder, HolderSelectors, PasswordRules, Policy, PolicyId,
    SourceId, Stated, TenantKey,
    password_changes::{self, ChangeState, ChangeStatus},
};
use psg_identity::{TokenEnd, TokenInfo};
use serde_json::{Value, json};

use super::{
    changes::Changes,
    code,
    document::{API_VERSION, Document, Tenant},
    examine, text, way,
};
use crate::{
    forms,
    inventory::{
        fixture::{at, group, policy, seen, source},
        owners::Owner,
        tenants::Seen,
    },
    tenant::Owners,
    terminal,
};

fn id(text: &str) -> SourceId {
    SourceId::parse(text).unwrap()
}

fn policy_id(text: &str) -> PolicyId {
    PolicyId::parse(text).unwrap()
}

/// `Ill` has one source for each finding; of `Well` nothing is wrong; `Hidden` cannot be compared.
fn tenant() -> Seen {
    let mut mainframe = source("mf", "Mainframe", &[]);
    (mainframe.healthy, mainframe.password) = (false, false);
    mainframe.status = "SOURCE_STATE_FAILURE_CLUSTER".to_owned();
    let mut files = source("hr", "HR\u{1b}[2J files", &[]);
    files.direct = Some(false);
    let sources = vec![
        mainframe,
        files,
        source("ad", "Active Directory", &[]),
        source("sf", "Salesforce", &[]),
        source("gh", "GitHub", &[]),
        source("box", "Box", &[]),
        source("z", "Zendesk", &[]),
    ];
    let demanding = |id, name, length| Policy {
        rules: at_least(length),
        ..policy(id, name)
    };
    let policies = vec![
        demanding("strong", "Strong", 14),
        demanding("weak", "Weak", 8),
    ];
    let groups = vec![
        group("g1", "Ill", "weak", &["mf", "hr", "ad", "lost"]),
        group("g2", "Well", "strong", &["sf", "gh"]),
        group("g3", "Hidden", "strong", &["box", "z"]),
    ];
    let mut seen = seen(sources, policies, groups);
    let own = |policy: &str| Holder::for_everybody(policy_id(policy));
    let exception = Holder {
        policy: policy_id("weak"),
        selectors: Some(HolderSelectors(json!({"identityAttr": []}))),
    };
    for (source, holders) in [
        ("mf", vec![own("weak")]),
        ("hr", vec![own("weak"), exception]),
        ("ad", vec![own("strong")]),
        ("sf", vec![own("strong")]),
        ("box", vec![]),
        ("z", vec![own("strong")]),
    ] {
        seen.picture
            .merge_holders(at(100), id(source), Some(holders));
    }
    // What a resource recorded counts, whatever the tenant shows.
    let before = BTreeMap::from([(id("gh"), policy_id("weak"))]);
    let owner = Owner {
        namespace: "identity".to_owned(),
        name: "well".to_owned(),
        management: psg_api::ManagementPolicy::Enforce,
        observes: false,
        policies_before: before,
    };
    seen.owners = crate::inventory::owners::Owners::with("g2", owner);
    seen
}

fn owners() -> Owners {
    [(id("ad"), "Ada Kaya".to_owned())].into()
}

fn at_least(length: i64) -> PasswordRules {
    PasswordRules::from(&Stated {
        min_length: Some(length),
        ..Stated::default()
    })
}

fn diagnosis(only: Option<&str>) -> Document {
    examined(only, &Changes::default())
}

fn examined(only: Option<&str>, changes: &Changes) -> Document {
    let seen = tenant();
    let read = examine::Read {
        owners: &owners(),
        changes,
        tested: &[],
    };
    let groups = super::meant(&seen, only);
    Document {
        api_version: API_VERSION,
        kind: "Diagnosis",
        complete: true,
        looked_back: "the last 24 h".to_owned(),
        tenants: vec![Tenant {
            host: seen.host.clone(),
            findings: Vec::new(),
            groups: groups
                .map(|group| examine::group(&seen, group, &read))
                .collect(),
        }],
        warnings: vec!["beware".to_owned()],
    }
}

#[test]
fn the_diagnosis_is_as_expected() {
    let shown = |document: &Document| terminal::print(&text::lines(document), false);
    let mut partial = diagnosis(Some("well"));
    partial.complete = false;
    let all = [shown(&diagnosis(None)), shown(&partial)].join("=====\n");
    if std::env::var_os("PSG_BLESS").is_some() {
        std::fs::write("doctor/expected.txt", &all).unwrap();
    }
    assert_eq!(all, include_str!("expected.txt"), "\n{all}");
    assert!(all.lines().all(|line| line.chars().count() <= 80), "{all}");
}

/// Of the group `Well`: a change that reached both sources, one that failed on one of them, one that
/// stopped where it was asked for, and one of which too little is known.
fn changes() -> Changes {
    let event = |second: i64, change: &str, source: &str, step| ChangeEvent {
        at: at(1_764_500_000 + second),
        id: second.to_string(),
        change: Some(change.to_owned()),
        identity: Some(format!("{change}.person")),
        source: Some(source.to_owned()),
        step,
    };
    let failed = |why: &str| ChangeStep::Failed(why.to_owned());
    let events = [
        event(1, "whole", "GitHub", ChangeStep::Started),
        event(2, "whole", "GitHub", ChangeStep::Passed),
        event(3, "whole", "Salesforce", ChangeStep::Passed),
        event(60, "partial", "Salesforce", ChangeStep::Started),
        event(61, "partial", "Salesforce", ChangeStep::Passed),
        event(
            62,
            "partial",
            "GitHub",
            failed("Connection refused by \u{1b}[2Jgithub"),
        ),
        event(120, "stopped", "GitHub", ChangeStep::Started),
        event(121, "stopped", "GitHub", failed("Minimum password age")),
        event(180, "unknown", "GitHub", ChangeStep::Started),
        event(240, "elsewhere", "Zendesk", failed("Connection refused")),
    ];
    let both = vec![id("sf"), id("gh")];
    let status = |state| ChangeStatus {
        state,
        sources: both.clone(),
        errors: Vec::new(),
    };
    let change = |text: &str| ChangeId::parse(text).unwrap();
    let read = password_changes::changes(events);
    let mut changes = Changes::new(read, "the last 24 h".to_owned());
    changes.statuses = BTreeMap::from([
        (change("partial"), status(ChangeState::InProgress)),
        (change("stopped"), status(ChangeState::Failed)),
    ]);
    changes
}

#[test]
fn changes_that_did_not_reach_every_source_are_shown_with_their_cause() {
    let document = examined(Some("well"), &changes());
    let shown = terminal::print(&text::lines(&document), false);
    if std::env::var_os("PSG_BLESS").is_some() {
        std::fs::write("doctor/expected_changes.txt", &shown).unwrap();
    }
    assert_eq!(shown, include_str!("expected_changes.txt"), "\n{shown}");
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
    assert_eq!(code(&document), 2);
    let group = &document.tenants[0].groups[0];
    assert_eq!((group.changes.complete, group.changes.listed.len()), (1, 3));
}

#[test]
fn a_page_can_run_nothing_and_shows_every_change() {
    let page = super::html::page(&examined(Some("well"), &changes()));
    if let Some(folder) = std::env::var_os("PSG_PAGES") {
        std::fs::write(std::path::Path::new(&folder).join("doctor.html"), &page).unwrap();
    }
    assert!(
        !page.contains("<script") && !page.contains('\u{1b}'),
        "{page}"
    );
    for said in [
        "being tried again",
        "not attempted",
        "not known",
        "stopped.person",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[test]
fn one_change_is_shown_alone_also_if_it_reached_every_source() {
    let only = |change: &str| {
        let mut changes = changes();
        changes.only = Some(ChangeId::parse(change).unwrap());
        changes
    };
    let whole = examined(Some("well"), &only("whole"));
    let listed = &whole.tenants[0].groups[0].changes.listed;
    assert_eq!((listed.len(), listed[0].sources.len()), (1, 2));
    assert_eq!(code(&whole), 0, "it reached both");
    assert_eq!(code(&examined(Some("well"), &only("partial"))), 2);
    let none = examined(Some("well"), &only("elsewhere"));
    assert!(none.tenants[0].groups[0].changes.listed.is_empty());
}

#[test]
fn the_tenant_is_asked_for_changes_of_which_events_do_not_tell_enough() {
    let seen = tenant();
    let unclear = |name| changes().unclear(super::meant(&seen, name), &seen.picture);
    let ids = |unclear: Vec<ChangeId>| -> Vec<String> {
        unclear.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        ids(unclear(None)),
        ["elsewhere", "unknown", "stopped", "partial"]
    );
    assert_eq!(
        ids(unclear(Some("well"))),
        ["unknown", "stopped", "partial"]
    );
}

#[test]
fn a_test_of_the_connection_counts_more_than_the_last_health_check() {
    use psg_identity::Connection;
    let seen = tenant();
    let group = super::meant(&seen, Some("Ill")).next().unwrap();
    let examined = |tested: &[(SourceId, Result<Connection, String>)]| {
        let changes = Changes::default();
        let read = examine::Read {
            owners: &owners(),
            changes: &changes,
            tested,
        };
        examine::group(&seen, group, &read)
    };
    let communication = |group: &super::document::Group| {
        let found = group.findings.iter();
        let found = found.filter(|it| it.check == super::document::Check::Communication);
        found
            .map(|it| (it.source.0.clone(), it.evidence.0.clone()))
            .collect::<Vec<_>>()
    };
    let works = examined(&[(id("mf"), Ok(Connection::Works))]);
    assert_eq!(communication(&works), []);
    let failed = Ok(Connection::Fails("FAILURE".to_owned()));
    let [(source, evidence)] = communication(&examined(&[
        (id("mf"), Ok(Connection::Works)),
        (id("ad"), failed),
    ]))
    .try_into()
    .unwrap();
    assert_eq!(source, "Active Directory");
    assert_eq!(evidence, "the tenant cannot connect to it now: FAILURE");
    let refused = examined(&[(id("mf"), Err("403".to_owned()))]);
    assert_eq!(
        communication(&refused).len(),
        1,
        "the health check still counts"
    );
    assert!(
        refused
            .unknown
            .iter()
            .any(|it| it.0.contains("could not be tested: 403"))
    );
}

#[test]
fn the_exit_code_says_whether_anything_was_found() {
    assert_eq!(code(&diagnosis(None)), 2);
    assert_eq!(code(&diagnosis(Some("well"))), 0, "a warning is no finding");
    let mut partial = diagnosis(Some("psg/well"));
    partial.complete = false;
    assert_eq!(code(&partial), 1);
}

#[test]
fn a_group_is_meant_by_its_resource_its_name_or_its_id() {
    for name in ["well", "psg/well", "Well", "g2"] {
        let found = diagnosis(Some(name));
        assert_eq!(found.tenants[0].groups.len(), 1, "{name}");
        assert_eq!(found.tenants[0].groups[0].named.id, "g2", "{name}");
    }
    assert!(diagnosis(Some("nobody")).tenants[0].groups.is_empty());
}

#[test]
fn the_document_holds_everything_by_stable_names() {
    let json = forms::json(&diagnosis(Some("Ill"))).unwrap();
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["apiVersion"], "doctor.passwordsync.dev/v1alpha1");
    let findings = read["tenants"][0]["groups"][0]["findings"]
        .as_array()
        .unwrap();
    let checks: Vec<(&str, &str)> = findings
        .iter()
        .map(|one| {
            (
                one["check"].as_str().unwrap(),
                one["source"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        checks,
        [
            ("communication", "Mainframe"),
            ("prerequisites", "HR\u{1b}[2J files"),
            ("prerequisites", "HR\u{1b}[2J files"),
            ("prerequisites", "Mainframe"),
            ("policyAlignment", "Active Directory"),
        ]
    );
    assert_eq!(findings[4]["ask"], "Ada Kaya");
    let yaml = forms::yaml(&diagnosis(Some("Ill"))).unwrap();
    let yaml: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(yaml, read);
}

/// Nothing is known of the way to a tenant but its token.
fn way(token: &TokenInfo) -> way::Way<'_> {
    way::Way {
        token,
        end: None,
        answered_at: None,
        now: at(1_000_000),
        rate_limit: &[],
    }
}

#[test]
fn a_token_that_ends_soon_another_clock_and_another_user_of_the_limit_are_findings() {
    let token = TokenInfo {
        key: TenantKey {
            org: "acme".to_owned(),
            tenant_id: "t".to_owned(),
        },
        user: None,
        without_user: false,
        scopes: std::collections::BTreeSet::new(),
    };
    let checks = |way: &way::Way<'_>| -> Vec<&str> {
        way::findings(way)
            .iter()
            .map(|found| found.check.words())
            .collect()
    };
    let days = |days: i64| Some(TokenEnd::At(at(1_000_000 + days * 86_400)));
    for (end, found) in [
        (Some(TokenEnd::Never), false),
        (days(15), false),
        (days(13), true),
        (days(-1), true),
    ] {
        let way = way::Way { end, ..way(&token) };
        assert_eq!(!checks(&way).is_empty(), found, "{end:?}");
    }
    for (seconds, found) in [(-59, false), (60, false), (61, true), (-3_600, true)] {
        let answered_at = Some(at(1_000_000 + seconds));
        let way = way::Way {
            answered_at,
            ..way(&token)
        };
        assert_eq!(
            checks(&way),
            if found { vec!["clock"] } else { vec![] },
            "{seconds}"
        );
    }
    let limited = ["another program uses the token".to_owned()];
    let way = way::Way {
        rate_limit: &limited,
        ..way(&token)
    };
    assert_eq!(checks(&way), ["rate limit"]);
}

/// With a token that lacks a right, whatever the groups look like.
#[test]
fn a_token_that_cannot_do_the_operators_work_is_a_finding_of_the_tenant() {
    let token = |scopes: &[&str], without_user| TokenInfo {
        key: TenantKey {
            org: "acme".to_owned(),
            tenant_id: "t".to_owned(),
        },
        user: None,
        without_user,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    let of = |token: &TokenInfo| way::findings(&way(token));
    assert_eq!(of(&token(&["sp:scopes:all"], false)), []);
    assert_eq!(of(&token(&[], false)), [], "it says nothing of scopes");

    let mut diagnosis = diagnosis(Some("well"));
    let poor = token(&["idn:sources:manage", "idn:password-policy:read"], true);
    diagnosis.tenants[0].findings = of(&poor);
    assert_eq!(code(&diagnosis), 2);
    let shown = terminal::print(&text::lines(&diagnosis), false);
    assert!(
        shown.contains("token: the token of the Secret belongs to no user"),
        "{shown}"
    );
    assert!(shown.contains("idn:password-sync-group:manage"), "{shown}");
    assert!(shown.contains("with findings: 2."), "{shown}");
}
