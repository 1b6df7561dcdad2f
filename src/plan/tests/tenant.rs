//! The rule tenant: a tenant that cannot be worked with, or is another than before.

use psg_domain::{ConditionType, Origin};

use super::fixture::{Fixture, NOW, at, condition, key};
use crate::{Condition, Finding, InUse, Next, Reason, TenantState, Truth, tenant_conditions};

fn conditions(fixture: &Fixture) -> Vec<(&'static str, Truth, &'static str)> {
    let short = |c: &Condition| (c.kind.as_str(), c.truth, c.reason);
    fixture.report().conditions.iter().map(short).collect()
}

#[test]
fn before_the_first_read_nothing_is_said() {
    let fixture = Fixture::settled().with(|f| f.tenant.state = TenantState::Pending);
    assert!(matches!(fixture.next(), Next::Wait { why, .. } if why.reason == Reason::Pending));
    assert_eq!(fixture.reported(), None);
}

#[test]
fn a_tenant_that_does_not_answer_makes_it_unknown_and_not_stalled() {
    let why = Finding::new(Reason::TenantUnreachable, "no answer for 5 minutes");
    let fixture = Fixture::settled().with(|f| {
        f.tenant.state = TenantState::Unreachable(why);
        // Whether its facts have changed is not known now.
        f.recorded.refused = Some(psg_domain::Refused {
            generation: 1,
            facts: "other facts".to_owned(),
            message: "no".to_owned(),
            attempts: 1,
            at: Some(at(NOW - 60)),
        });
    });
    assert_eq!(
        conditions(&fixture),
        [
            ("Ready", Truth::Unknown, "TenantUnreachable"),
            ("Reconciling", Truth::True, "TenantUnreachable"),
        ]
    );
    assert_eq!(fixture.waits_until(), NOW + 60);
    assert_eq!(
        fixture.report().recorded,
        fixture.recorded,
        "nothing is forgotten meanwhile"
    );
}

#[test]
fn dead_credentials_are_the_tenants_condition_and_the_group_waits() {
    let why = Finding::new(Reason::CredentialsInvalid, "401");
    let fixture = Fixture::settled().with(|f| f.tenant.state = TenantState::Blocked(why));
    assert_eq!(
        conditions(&fixture),
        [
            ("Ready", Truth::Unknown, "CredentialsInvalid"),
            ("Reconciling", Truth::True, "CredentialsInvalid"),
        ]
    );
}

#[test]
fn another_tenant_behind_the_same_secret_is_never_written() {
    let fixture = Fixture::settled().with(|f| f.tenant.key = Some(key("other")));
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::TenantChanged);
    assert!(
        why.message.contains("acme") && why.message.contains("other"),
        "{}",
        why.message
    );
    let intent = Fixture::new()
        .intent(NOW - 10)
        .with(|f| f.tenant.key = Some(key("other")));
    assert_eq!(intent.stalls(), Reason::TenantChanged);
}

#[test]
fn another_tenant_is_no_matter_to_what_was_only_looked_at() {
    let fixture = Fixture::new()
        .held("x", Origin::Observed)
        .read()
        .with(|f| f.tenant.key = Some(key("other")))
        .gone("x", super::fixture::READ);
    fixture.remembers();
}

#[test]
fn an_unknown_tenant_is_not_a_changed_one() {
    let fixture = Fixture::settled().with(|f| f.tenant.key = None);
    assert_eq!(fixture.next(), Next::Settled);
}

#[test]
fn facts_of_an_unreadable_tenant_are_not_repeated() {
    let why = Finding::new(Reason::TenantUnreachable, "");
    let fixture = Fixture::settled().with(|f| f.tenant.state = TenantState::Unreachable(why));
    assert_eq!(condition(&fixture.report(), "PrerequisitesMet"), None);
}

#[test]
fn a_tenants_own_status_says_how_it_is() {
    let said = |state: TenantState, vanished| {
        let conditions = tenant_conditions(&state, vanished, None, InUse::Held, None, 0, None);
        conditions
            .into_iter()
            .map(|c| (c.kind.as_str(), c.truth, c.reason))
            .collect::<Vec<_>>()
    };
    assert_eq!(said(TenantState::Pending, None), []);
    assert_eq!(
        said(TenantState::Ready, None),
        [("Ready", Truth::True, "Reading")]
    );
    let vanished = said(TenantState::Ready, Some((9, 12)));
    assert_eq!(vanished[0], ("Ready", Truth::False, "GroupsVanished"));
    for reason in Reason::ALL
        .iter()
        .filter(|r| r.about() == crate::reason::About::Tenant)
    {
        let finding = || Finding::new(*reason, "x");
        let row = |other| {
            [
                ("Ready", Truth::False, reason.as_str()),
                (other, Truth::True, reason.as_str()),
            ]
        };
        // A pipeline gives up on what is Stalled: the Secret may be applied a moment later.
        let soon = ["SecretNotFound", "SecretForbidden", "SecretMalformed"];
        let other = if soon.contains(&reason.as_str()) {
            "Reconciling"
        } else {
            "Stalled"
        };
        assert_eq!(said(TenantState::Blocked(finding()), None), row(other));
        for passing in [TenantState::Unreachable, TenantState::Withdrawn] {
            assert_eq!(said(passing(finding()), None), row("Reconciling"));
        }
    }
}

#[test]
fn a_tenant_that_never_answered_says_why_from_the_first_failure_on() {
    let why = Finding::new(Reason::TenantUnreachable, "connection refused");
    let conditions = tenant_conditions(
        &TenantState::Pending,
        None,
        Some(&why),
        InUse::Held,
        None,
        0,
        None,
    );
    let ready = conditions
        .iter()
        .find(|c| c.kind == ConditionType::Ready)
        .unwrap();
    assert_eq!(
        (ready.truth, ready.reason),
        (Truth::Unknown, "TenantUnreachable")
    );
    assert_eq!(ready.message, "connection refused");
    let once_read = tenant_conditions(
        &TenantState::Ready,
        None,
        Some(&why),
        InUse::Held,
        None,
        0,
        None,
    );
    assert_eq!(
        once_read[0].truth,
        Truth::True,
        "what was read stands until it has lasted"
    );
}

#[test]
fn nothing_is_begun_before_the_tenant_is_held_and_nothing_is_said_of_it() {
    let fixture = Fixture::new().read().with(|f| f.tenant.in_use = InUse::No);
    assert!(matches!(fixture.next(), Next::Wait { why, .. } if why.reason == Reason::Pending));
    assert_eq!(fixture.reported(), None);
    // Its own finalizer is what the tenant's goes by: once it is there, both are looked at again.
    let held = Fixture::new().read().with(|f| {
        f.object.finalizer = true;
        f.tenant.in_use = InUse::No;
    });
    assert!(matches!(held.next(), Next::Wait { why, .. } if why.reason == Reason::Pending));
}

#[test]
fn a_tenant_that_is_being_deleted_takes_no_new_group_and_serves_the_others() {
    let ending = |f: &mut Fixture| f.tenant.in_use = InUse::Ending;
    let new = Fixture::new().read().with(ending);
    assert_eq!(
        conditions(&new)[0],
        ("Ready", Truth::Unknown, "TenantNotFound")
    );
    assert_eq!(Fixture::settled().with(ending).next(), Next::Settled);
    let edited = Fixture::settled().with(|f| "Renamed".clone_into(&mut f.desired.name));
    let next = edited.next();
    assert!(
        matches!(next, Next::Do(_) | Next::Refresh { .. }),
        "{next:?}"
    );
    assert_eq!(edited.with(ending).next(), next);
}

#[test]
fn a_tenant_that_is_being_deleted_says_what_it_waits_for() {
    let conditions = tenant_conditions(
        &TenantState::Ready,
        None,
        None,
        InUse::Ending,
        None,
        0,
        None,
    );
    assert_eq!(conditions[0].truth, Truth::True);
    let message = &conditions[0].message;
    assert!(message.contains("being deleted"), "{message}");
}

#[test]
fn a_secret_that_cannot_be_held_is_a_condition_of_its_own_and_changes_no_other() {
    let why = Finding::new(Reason::SecretNotProtected, "grant patch");
    let with = tenant_conditions(
        &TenantState::Ready,
        None,
        None,
        InUse::Held,
        Some(&why),
        0,
        None,
    );
    let without = tenant_conditions(&TenantState::Ready, None, None, InUse::Held, None, 0, None);
    assert_eq!(with[0], without[0]);
    assert_eq!(
        (with[1].kind, with[1].truth, with[1].reason),
        (
            ConditionType::SecretProtected,
            Truth::False,
            "SecretNotProtected"
        )
    );
    assert_eq!((with.len(), without.len()), (2, 1));
}

#[test]
fn a_secret_that_cannot_be_let_go_is_protected_all_the_same() {
    let why = Finding::new(Reason::SecretNotReleased, "grant patch");
    let said = tenant_conditions(
        &TenantState::Ready,
        None,
        None,
        InUse::No,
        Some(&why),
        0,
        None,
    );
    assert_eq!(
        (said[1].kind, said[1].truth, said[1].reason),
        (
            ConditionType::SecretProtected,
            Truth::True,
            "SecretNotReleased"
        )
    );
}
