//! The brake on deletions: many at once wait for a person, a few never do.

use proptest::{collection::vec, prelude::*};
use psg_domain::{Deletion, DeletionPolicy, ManagementPolicy, Origin};

use super::{
    fixture::{Fixture, ME, NOW, at, condition, group_id, place},
    laws::config,
};
use crate::{
    Brake, ClaimIndex, Claimant, Going, Memory, Next, Reason, TenantState, Truth,
    brake::{WINDOW, Wave},
    claims,
};

const TENANT: &str = "ns/default";

/// So many other groups of the tenant, each so far on its way.
fn among(fixture: Fixture, others: &[Going]) -> Fixture {
    let mut fixture = fixture;
    for (number, going) in others.iter().enumerate() {
        let (uid, group) = (format!("other-{number}"), format!("h{number}"));
        fixture = fixture.other(&uid, 1, |other| other.holds(&group, &uid, &["x", "y"]));
        let other = fixture.others.pop().unwrap();
        fixture.others.push(other.going(*going));
    }
    fixture
}

fn me(going: Going) -> Claimant {
    let fixture = Fixture::deleting();
    let claims = fixture.claims();
    claims.claimant(ME).unwrap().clone().going(going)
}

/// This resource waits for its deletion, among others.
fn waits(others: &[Going]) -> Fixture {
    let mut fixture = among(Fixture::deleting(), others);
    fixture.others.push(me(Going::Waits));
    fixture
}

fn is_begun(fixture: &Fixture) -> bool {
    match fixture.next() {
        Next::Wait { why, .. } => {
            assert_eq!(why.reason, Reason::DeletionPaused, "{}", why.message);
            false
        }
        _ => matches!(fixture.remembers(), Memory::Deletion(_)),
    }
}

#[test]
fn the_numbers_of_a_manifest_are_taken_and_a_negative_one_is_none() {
    let taken = Brake::of(3, 10);
    assert_eq!((taken.max, taken.percent), (3, 10));
    let none = Brake::of(-1, -1);
    assert_eq!((none.max, none.percent), (0, 0));
}

#[test]
fn a_few_deletions_are_never_stopped_however_small_the_tenant() {
    for others in 0..5 {
        assert!(is_begun(&waits(&vec![Going::Waits; others])), "{others}");
    }
}

#[test]
fn more_than_the_limit_wait_and_say_what_to_do() {
    let fixture = waits(&[Going::Waits; 7]);
    let why = fixture.held_up();
    for word in [
        "8 of 8 groups",
        "allows 5",
        "IdentityTenant ns/default",
        "passwordsync.dev/acknowledged-until",
        "deletionPolicy: Orphan",
    ] {
        assert!(why.message.contains(word), "{word}: {}", why.message);
    }
    let report = fixture.report();
    let told = |kind| {
        let found = condition(&report, kind).unwrap();
        (found.truth, found.reason)
    };
    assert_eq!(told("Ready"), (Truth::False, "DeletionPaused"));
    assert_eq!(told("Reconciling"), (Truth::True, "DeletionPaused"));
}

#[test]
fn a_share_of_a_large_tenant_may_go() {
    let mut others = vec![Going::Not; 80];
    others.extend([Going::Waits; 19]);
    assert!(is_begun(&waits(&others)), "20 of 100");
    others[0] = Going::Waits;
    assert!(!is_begun(&waits(&others)), "21 of 100");
}

#[test]
fn what_was_begun_or_has_ended_within_the_window_counts_and_older_does_not() {
    let window = i64::try_from(WINDOW.as_secs()).unwrap();
    let lately = Going::Begun(at(NOW - window));
    let before = Going::Begun(at(NOW - window - 1));
    assert!(!is_begun(&waits(&[lately; 5])));
    assert!(is_begun(&waits(&[before; 5])));
    let ended = |going| {
        let fixture = waits(&[going; 5]);
        let mut claims = fixture.claims();
        for number in 0..5 {
            claims.remove(&format!("other-{number}"), fixture.now);
        }
        let case = fixture.case(&claims);
        matches!(crate::next(&case, fixture.now), Next::Wait { .. })
    };
    assert!(ended(lately), "six in a wave, though five are gone");
    assert!(!ended(before));
}

#[test]
fn a_deletion_that_was_recorded_goes_on() {
    let Memory::Deletion(deletion) = Fixture::deleting().remembers() else {
        panic!()
    };
    let fixture = waits(&[Going::HeldBack; 9]).with(|f| f.recorded.deletion = Some(deletion));
    assert!(
        !matches!(fixture.next(), Next::Wait { why, .. } if why.reason == Reason::DeletionPaused)
    );
}

#[test]
fn what_was_held_back_once_waits_for_a_person_and_not_for_time_or_a_restart() {
    let mut fixture = among(Fixture::deleting(), &[]);
    fixture.others.push(me(Going::HeldBack));
    assert!(!is_begun(&fixture));
    fixture.tenant.acknowledged_until = Some(at(NOW));
    assert!(!is_begun(&fixture), "over by now");
    fixture.tenant.acknowledged_until = Some(at(NOW + 1));
    assert!(is_begun(&fixture));
}

#[test]
fn it_holds_as_well_for_a_tenant_whose_secret_went_first() {
    let gone = crate::Finding::new(Reason::SecretNotFound, "");
    let fixture = waits(&[Going::Waits; 5]).with(|f| f.tenant.state = TenantState::Withdrawn(gone));
    assert!(!is_begun(&fixture));
}

#[test]
fn no_trouble_of_the_tenant_takes_its_place_in_the_status() {
    for reason in [Reason::TenantNotFound, Reason::CredentialsInvalid] {
        let trouble = TenantState::Blocked(crate::Finding::new(reason, ""));
        let mut fixture = Fixture::deleting().with(|f| f.tenant.state = trouble);
        fixture.others.push(me(Going::HeldBack));
        assert!(!is_begun(&fixture), "{reason}");
    }
}

#[test]
fn orphaning_needs_nobodys_leave() {
    let fixture = waits(&[Going::Waits; 9]).with(|f| f.desired.deletion = DeletionPolicy::Orphan);
    assert!(matches!(
        fixture.step(),
        crate::Action::ReleaseFinalizer(release) if release.kind == crate::ReleaseKind::Orphaned
    ));
}

#[test]
fn only_what_undoes_a_group_counts() {
    let Fixture {
        desired, recorded, ..
    } = Fixture::settled();
    let going = |held_back| Going::of(Some(&desired), &recorded, held_back);
    assert_eq!((going(false), going(true)), (Going::Waits, Going::HeldBack));
    assert_eq!(
        Going::of(None, &recorded, false),
        Going::Waits,
        "unreadable"
    );
    let spared = |change: fn(&mut psg_domain::Desired)| {
        let mut desired = desired.clone();
        change(&mut desired);
        Going::of(Some(&desired), &recorded, true)
    };
    assert_eq!(spared(|d| d.deletion = DeletionPolicy::Orphan), Going::Not);
    let observe = spared(|d| d.management = ManagementPolicy::Observe);
    assert_eq!(observe, Going::Not);
    let nothing = psg_domain::Recorded::default();
    assert_eq!(Going::of(Some(&desired), &nothing, true), Going::Not);
    let mut looked_at = recorded.clone();
    looked_at.origin = Some(Origin::Observed);
    assert_eq!(Going::of(Some(&desired), &looked_at, false), Going::Not);
    let mut begun = recorded.clone();
    begun.deletion = Some(Deletion {
        group: group_id("g"),
        recorded_at: at(1),
        sources: Vec::new(),
    });
    assert_eq!(Going::of(Some(&desired), &begun, true), Going::Begun(at(1)));
}

fn member(number: usize, going: Going) -> Claimant {
    let group = format!("g{number}");
    let mut recorded = Fixture::settled().recorded;
    recorded.group = Some(group_id(&group));
    Claimant {
        uid: group,
        held: claims::Held::of(&recorded),
        ..me(Going::Not)
    }
    .going(going)
}

proptest! {
    #![proptest_config(config(300))]

    /// People delete in any order and at any pace, passes begin what they may, and what was begun
    /// ends at once: within no ten minutes are more begun than the limit of the groups there were.
    #[test]
    fn no_pace_gets_more_through_than_the_limit(
        groups in 1_usize..40,
        max in 0_usize..8,
        percent in 0_usize..=100,
        pauses in vec(0_i64..400, 1..40),
    ) {
        let brake = Brake { max, percent };
        let mut claims = ClaimIndex::default();
        for number in 0..groups {
            claims.insert(member(number, Going::Not));
        }
        let window = i64::try_from(WINDOW.as_secs()).unwrap();
        let mut begun: Vec<i64> = Vec::new();
        let mut now = NOW;
        for (number, pause) in pauses.iter().take(groups).enumerate() {
            now += pause;
            claims.insert(member(number, Going::Waits));
            let Wave { managed, going, held_back } = claims.wave(&place(TENANT), at(now - window));
            prop_assert!(managed <= groups && going >= 1);
            if going <= brake.limit(managed) && held_back == 0 {
                claims.insert(member(number, Going::Begun(at(now))));
                claims.remove(&format!("g{number}"), at(now));
                begun.push(now);
            } else {
                claims.insert(member(number, Going::HeldBack));
            }
            let lately = begun.iter().filter(|at| **at >= now - window).count();
            prop_assert!(lately <= brake.limit(groups), "{lately} of {groups}: {begun:?}");
        }
        if groups <= max {
            prop_assert_eq!(begun.len(), pauses.len().min(groups), "a small tenant is never stopped");
        }
    }
}

#[test]
fn a_wave_is_all_that_go_but_those_that_began_before_it() {
    let mut wave = Wave::default();
    let (since, before) = (at(NOW), at(NOW - 1));
    for going in [
        Going::HeldBack,
        Going::Waits,
        Going::Begun(since),
        Going::Begun(before),
        Going::Not,
    ] {
        wave.count(going, since);
    }
    let expected = Wave {
        managed: 5,
        going: 3,
        held_back: 1,
    };
    assert_eq!(wave, expected);
    let mut wave = Wave::default();
    wave.count(Going::HeldBack, since);
    assert_eq!(wave.going, 1);
}
