//! Creating without idempotency keys: at most one POST an intent, and no second intent before
//! the first is proved to have had no effect.

use jiff::SignedDuration;
use psg_domain::{Intent, Origin};

use super::fixture::{
    Fixture, NOW, READ, TENANT, at, everybody, group, group_id, key, names, place, setback,
};
use crate::{Action, Memory, Next, Outcome, Reason, Remembered, Timers, What};

const SENT: i64 = NOW - 100;

fn unknown() -> Fixture {
    Fixture::new().read().intent(SENT)
}

fn intent_of(fixture: &Fixture) -> Intent {
    match fixture.remembers() {
        Memory::Intent(intent) => intent,
        other => panic!("no intent: {other:?}"),
    }
}

#[test]
fn the_intent_is_stored_before_the_one_post() {
    let fixture = Fixture::new().read();
    let intent = intent_of(&fixture);
    assert_eq!((intent.attempt, intent.started_at), (1, at(NOW)));
    let stored = fixture.stored(&Memory::Intent(intent.clone()));
    assert_eq!(stored.step(), Action::CreateGroup(intent));
    assert_eq!(stored.recorded.tenant, fixture.tenant.key);
}

#[test]
fn the_finalizer_comes_before_the_intent() {
    let fixture = Fixture::new().read().with(|f| f.object.finalizer = false);
    assert_eq!(fixture.step(), Action::HoldFinalizer);
}

#[test]
fn a_walk_older_than_one_interval_cannot_say_that_there_is_no_such_group() {
    let fixture = Fixture::new().read().with(|f| f.now = at(READ + 61));
    assert_eq!(fixture.refresh(), What::Groups);
}

#[test]
fn a_group_that_was_made_is_recorded_as_created() {
    let made = group("new", "Corp", "strong", &["ad", "sf"]);
    let fixture = unknown().posted().last(Outcome::Made(made.clone()));
    let fixture = fixture.with(|f| {
        f.picture.merge_one(at(NOW), made.clone());
    });
    let memory = fixture.remembers();
    assert_eq!(memory, Memory::Group(made, Origin::Created));
    let stored = fixture.stored(&memory);
    assert_eq!(
        (stored.next(), &stored.recorded.intent),
        (Next::Settled, &None)
    );
}

#[test]
fn a_group_that_was_made_is_not_the_result_of_the_intent_of_another_process() {
    let made = group("old", "Corp", "strong", &["ad", "sf"]);
    let fixture = unknown().posted().last(Outcome::Made(made));
    let later = fixture.with(|f| f.recorded.intent.as_mut().unwrap().started_at = at(NOW - 1));
    assert_eq!(later.refresh(), What::Groups);
}

#[test]
fn an_open_intent_after_a_crash_is_looked_for_and_never_sent_again() {
    let fixture = unknown().with(|f| f.picture = psg_domain::Picture::default());
    let mut fixture = fixture.facts(
        &[
            super::fixture::source("ad", "AD"),
            super::fixture::source("sf", "Salesforce"),
        ],
        &[super::fixture::policy("strong", "Strong")],
    );
    assert_eq!(fixture.refresh(), What::Groups);
    fixture.last = Some(Outcome::Recorded(Remembered::Group));
    assert_eq!(
        fixture.refresh(),
        What::Groups,
        "only the record of the intent itself sends it"
    );
}

#[test]
fn an_answer_that_was_lost_is_looked_for_at_once() {
    let fixture = unknown()
        .last(Outcome::Unknown(setback(NOW + 60)))
        .with(|f| f.expectations.unanswered_at = Some(at(NOW)));
    let Next::Refresh {
        what: What::Groups,
        newer_than,
    } = fixture.next()
    else {
        panic!()
    };
    assert!(newer_than > at(NOW));
}

#[test]
fn the_one_group_with_the_intents_content_is_ours() {
    let fixture = unknown().groups(&[group("new", "Corp", "strong", &["sf", "ad"])]);
    let Memory::Group(group, Origin::Created) = fixture.remembers() else {
        panic!()
    };
    assert_eq!(group.id, group_id("new"));
}

#[test]
fn a_group_that_another_resource_records_is_not_taken_for_ours() {
    let fixture = unknown()
        .groups(&[group("h", "Corp", "strong", &["ad", "sf"])])
        .with(|f| f.now = at(SENT + 10))
        .other("rival", 1, |other| other.holds("h", "Other", &[]));
    assert!(matches!(fixture.next(), Next::Wait { .. }));
}

#[test]
fn nothing_found_waits_until_a_late_post_can_no_longer_take_effect() {
    let fixture = unknown()
        .walk(SENT + 5, &[])
        .with(|f| f.now = at(SENT + 10));
    assert_eq!(fixture.waits_until(), SENT + 30);
    let given_up = fixture.with(|f| f.expectations.unanswered_at = Some(at(SENT + 4)));
    assert_eq!(
        given_up.waits_until(),
        SENT + 34,
        "counted from when it was given up, if known"
    );
}

#[test]
fn two_walks_a_gap_apart_after_the_settle_time_prove_that_it_had_no_effect() {
    let fixture = Fixture::new().read().intent(NOW - 31);
    let Next::Refresh { newer_than, .. } = fixture.next() else {
        panic!()
    };
    assert_eq!(newer_than, at(NOW - 1));
    let one = fixture.walk(NOW, &[]).with(|f| f.now = at(NOW + 1));
    assert_eq!(one.waits_until(), NOW + 10);
    let later = one.with(|f| f.now = at(NOW + 11));
    let Next::Refresh { newer_than, .. } = later.next() else {
        panic!()
    };
    assert_eq!(newer_than, at(NOW + 10));
    let proved = later.walk(NOW + 11, &[]);
    let intent = intent_of(&proved);
    assert_eq!((intent.attempt, intent.started_at), (2, at(NOW + 11)));
}

#[test]
fn walks_from_before_the_settle_time_prove_nothing() {
    let fixture = Fixture::new()
        .intent(NOW - 31)
        .walk(NOW - 20, &[])
        .walk(NOW - 8, &[]);
    assert_eq!(fixture.refresh(), What::Groups);
}

#[test]
fn each_wait_of_a_create_ends_at_its_very_moment() {
    let settled = Fixture::new().intent(NOW - 30);
    assert_eq!(settled.refresh(), What::Groups);
    let confirmed = Fixture::new().intent(NOW - 60).walk(NOW - 10, &[]);
    assert_eq!(confirmed.refresh(), What::Groups);
    assert_eq!(confirmed.with(|f| f.now = at(NOW - 1)).waits_until(), NOW);
}

#[test]
fn the_same_name_with_other_content_is_ambiguous() {
    let why = unknown()
        .groups(&[group("x", "Corp", "weak", &["ad", "sf"])])
        .held_up();
    assert_eq!(why.reason, Reason::CreateAmbiguous);
    assert!(why.message.contains("x (other content)"), "{}", why.message);
    assert!(why.message.contains("spec.groupID"), "{}", why.message);
}

#[test]
fn two_matches_are_ambiguous_and_neither_is_touched() {
    let fixture = unknown().groups(&[
        group("x", "Corp", "strong", &["ad", "sf"]),
        group("y", "Corp", "strong", &["ad", "sf"]),
    ]);
    assert_eq!(fixture.stalls(), Reason::CreateAmbiguous);
    let chosen = fixture.with(|f| f.desired.group_id = Some(group_id("y")));
    assert_eq!(
        chosen.stalls(),
        Reason::SourceInAnotherGroup,
        "the other twin is still in the way"
    );
    let cleaned = chosen.walk(NOW, &[group("y", "Corp", "strong", &["ad", "sf"])]);
    let Memory::Group(group, Origin::Adopted) = cleaned.remembers() else {
        panic!()
    };
    assert_eq!(group.id, group_id("y"));
}

#[test]
fn an_edit_after_a_lost_answer_does_not_hide_what_was_sent() {
    let fixture = unknown()
        .groups(&[group("new", "Corp", "strong", &["ad", "sf"])])
        .with(|f| f.desired.name = "Renamed".to_owned())
        .sources(&["AD", "Workday"]);
    assert!(matches!(
        fixture.remembers(),
        Memory::Group(_, Origin::Created)
    ));
}

#[test]
fn a_create_that_was_certainly_not_made_is_sent_again_under_a_new_intent() {
    let refused = unknown().not_made(setback(NOW + 7));
    assert_eq!(refused.waits_until(), NOW + 7);
    let later = refused.with(|f| f.now = at(NOW + 7));
    let intent = intent_of(&later);
    assert_eq!(intent.attempt, 2);
    let stored = later.stored(&Memory::Intent(intent));
    assert_eq!(stored.expectations.not_made, None);
    assert!(matches!(stored.step(), Action::CreateGroup(_)));
}

#[test]
fn that_our_create_was_not_made_says_nothing_of_the_intent_of_another_process() {
    let ours = unknown().not_made(setback(NOW - 1));
    assert_eq!(intent_of(&ours).attempt, 2);
    let theirs = ours.with(|f| f.recorded.intent.as_mut().unwrap().started_at = at(NOW - 1));
    assert_eq!(theirs.refresh(), What::Groups, "it may be on its way");
}

#[test]
fn what_the_tenant_refused_is_remembered_and_not_repeated() {
    let refused = unknown().refused("400: no");
    let stored = refused.stored(&refused.remembers());
    assert_eq!(stored.recorded.intent, None);
    let why = stored.held_up();
    assert_eq!(why.reason, Reason::Refused);
    assert!(why.message.contains("400: no"));
    let again = |change: fn(&mut Fixture)| {
        let mut fixture = stored.clone();
        fixture.last = None;
        change(&mut fixture);
        intent_of(&fixture).attempt
    };
    assert_eq!(
        again(|f| f.object.generation += 1),
        1,
        "the manifest changed"
    );
    assert_eq!(
        again(|f| f.tenant.credentials = "two".to_owned()),
        1,
        "the Secret changed"
    );
    assert_eq!(
        again(|f| *f = f.clone().facts(
            &[
                super::fixture::source("ad", "AD"),
                psg_domain::Source {
                    authenticates: true,
                    ..super::fixture::source("sf", "Salesforce")
                }
            ],
            &[super::fixture::policy("strong", "Strong")],
        )),
        1,
        "the tenant's facts changed"
    );
}

/// The read that the refusal was judged by may have lacked what the tenant already had.
#[test]
fn facts_that_changed_and_changed_back_are_tried_again() {
    let refused = unknown().refused("no");
    let stored = refused.stored(&refused.remembers()).with(|f| f.last = None);
    assert!(stored.report().recorded.refused.is_some());
    let holder = group("z", "Far Away", "weak", &["ad", "q"]);
    let changed = stored.clone().walk(NOW, &[holder]);
    assert_eq!(changed.stalls(), Reason::SourceInAnotherGroup);
    let reported = changed.report().recorded;
    assert_eq!(reported.refused, None);
    let back = stored.walk(NOW + 1, &[]).with(|f| f.recorded = reported);
    assert_eq!(intent_of(&back).attempt, 1);
}

#[test]
fn creates_without_an_answer_are_repeated_after_pauses_that_grow() {
    let after = |unanswered, second| {
        let fixture = Fixture::new().intent(SENT).with(|f| {
            f.expectations.unanswered = unanswered;
            f.expectations.unanswered_why = Some("the tenant failed with status 500".to_owned());
            f.now = at(SENT + second);
        });
        let walks = [SENT + 45, SENT + 60, SENT + second - 1];
        let fixture = walks.into_iter().fold(fixture, |f, walk| f.walk(walk, &[]));
        let read = |f: Fixture, source| f.holders(source, SENT + second - 1, &[everybody("weak")]);
        ["ad", "sf"].into_iter().fold(fixture, read)
    };
    assert_eq!(intent_of(&after(2, 75)).attempt, 2);
    assert_eq!(intent_of(&after(3, 75)).attempt, 2, "a minute has passed");
    let waits = after(4, 75);
    let why = waits.held_up();
    assert_eq!(why.reason, Reason::Retrying);
    assert!(why.message.contains("status 500"), "{}", why.message);
    assert_eq!(waits.waits_until(), SENT + 120);
    assert_eq!(after(5, 130).waits_until(), SENT + 240);
    assert_eq!(after(20, 3000).waits_until(), SENT + 3600);
    let edited = after(20, 3000).with(|f| f.desired.name = "Another".to_owned());
    assert_eq!(intent_of(&edited).attempt, 2, "an edit is tried at once");
}

/// What stood in its way may never have shown in a read.
#[test]
fn what_was_refused_is_tried_again_after_pauses_that_grow_up_to_an_hour() {
    let refused = unknown().refused("no");
    let mut stored = refused.stored(&refused.remembers()).with(|f| f.last = None);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let from = stored.now;
        let pause = (1..10_000).find(|pause| {
            let at = from + SignedDuration::from_secs(*pause);
            let later = stored.clone().with(|f| f.now = at);
            crate::refused::standing(&later.case(&later.claims()), at).is_none()
        });
        pauses.push(pause.unwrap());
        let again = stored.with(|f| f.now += SignedDuration::from_secs(pause.unwrap()));
        let again = again.refused("no");
        stored = again.stored(&again.remembers()).with(|f| f.last = None);
    }
    assert_eq!(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    let edited = stored.with(|f| f.object.generation += 1).refused("no");
    let edited = edited.stored(&edited.remembers());
    assert_eq!(edited.recorded.refused.unwrap().attempts, 1);
}

#[test]
fn a_refusal_that_another_clock_dated_later_is_tried_again_at_once() {
    let refused = unknown().refused("no");
    let stored = refused.stored(&refused.remembers()).with(|f| {
        f.last = None;
        f.recorded.refused.as_mut().unwrap().at = Some(at(NOW + 86_400));
    });
    assert_eq!(intent_of(&stored).attempt, 1);
}

/// The group that stood in the way went while the POST was under way.
#[test]
fn a_refusal_says_nothing_of_facts_that_came_while_its_write_was_under_way() {
    let holder = group("z", "Far Away", "weak", &["ad", "q"]);
    let refused = unknown().walk(NOW - 1, &[holder]).refused("no");
    let gone = refused.walk(NOW, &[]);
    let stored = gone.stored(&gone.remembers()).with(|f| f.last = None);
    assert_eq!(stored.recorded.intent, None);
    assert_eq!(intent_of(&stored).attempt, 1);
}

#[test]
fn a_refusal_does_not_change_with_what_has_nothing_to_do_with_it() {
    let refused = unknown().refused("no");
    let stored = refused.stored(&refused.remembers()).with(|f| f.last = None);
    let elsewhere = stored.walk(NOW, &[group("z", "Far Away", "weak", &["p", "q"])]);
    assert_eq!(elsewhere.stalls(), Reason::Refused);
}

/// If another build found another fingerprint, what was refused would be sent once more.
#[test]
fn a_refusal_is_of_our_name_our_sources_and_their_applications() {
    let print = |fixture: &Fixture| {
        let claims = fixture.claims();
        crate::refused::fingerprint(&fixture.case(&claims))
    };
    let two = [
        super::fixture::source("ad", "AD"),
        super::fixture::source("sf", "Salesforce"),
    ];
    let world = |counts| Fixture::new().applications(&two, counts);
    let refused = print(&world(&[("ad", 1), ("sf", 1)]));
    assert_eq!(refused, "f935cb315a88a6d6", "stored by earlier builds");
    let namesake = group("z", "Corp", "weak", &["p", "q"]);
    let holder = group("z", "Far Away", "weak", &["ad", "q"]);
    for other in [
        world(&[("ad", 1), ("sf", 0)]),
        world(&[("ad", 1), ("sf", 1)]).groups(&[namesake]),
        world(&[("ad", 1), ("sf", 1)]).groups(&[holder]),
    ] {
        assert_ne!(print(&other), refused);
    }
}

#[test]
fn the_second_refusal_of_one_thing_in_a_pass_ends_it() {
    let refused = unknown().refused("no");
    let stored = refused.stored(&refused.remembers());
    assert_eq!(stored.refused("no").stalls(), Reason::Refused);
}

#[test]
fn nothing_is_created_while_paused() {
    let paused = Fixture::new()
        .read()
        .with(|f| f.object.paused_until = Some(at(NOW + 60)));
    assert_eq!(
        (paused.held_up().reason, paused.waits_until()),
        (Reason::Paused, NOW + 60)
    );
    intent_of(&paused.with(|f| f.object.paused_until = Some(at(NOW))));
}

#[test]
fn the_sources_of_a_group_that_is_made_again_are_not_forgotten() {
    let vanished = Fixture::settled().read().walk(READ, &[]).with(|f| {
        f.picture.merge_groups(at(READ + 1), Vec::new());
    });
    let vanished = vanished
        .gone("g", READ + 2)
        .with(|f| f.desired.sources = names(&["AD", "Workday"]));
    let vanished = vanished.holders("wd", READ, &[]);
    let stored = vanished.stored(&Memory::Intent(intent_of(&vanished)));
    assert_eq!(stored.recorded.group, None);
    let left: Vec<_> = stored
        .recorded
        .leaving
        .iter()
        .map(|l| (l.source.as_str(), l.policy.as_str()))
        .collect();
    assert_eq!(left, [("ad", "strong"), ("sf", "strong")]);
    let made = Memory::Group(
        group("g2", "Corp", "strong", &["ad", "wd"]),
        Origin::Created,
    );
    let left = stored.stored(&made).recorded.leaving;
    assert_eq!(left.len(), 1, "what is in the new group is not leaving");
    assert_eq!(left[0].source.as_str(), "sf");
}

#[test]
fn a_namesake_is_not_adopted_while_it_is_in_doubt_whether_the_held_group_is_gone() {
    let namesake = group("old", "Corp", "strong", &["ad", "sf"]);
    let settled = Fixture::settled().read().with(|f| {
        f.desired.adoption = psg_domain::AdoptionPolicy::Overwrite;
    });
    let in_doubt = settled.walk(READ + 1, &[namesake]).with(|f| {
        f.picture.merge_gone(at(READ + 2), &group_id("g"));
    });
    assert_eq!(in_doubt.held_up().reason, Reason::Creating);
    let gone = in_doubt.gone("g", READ + 40);
    assert!(matches!(
        gone.remembers(),
        Memory::Group(_, Origin::Adopted)
    ));
}

/// The picture of another IdentityTenant showed what that resource wrote; the one here may not yet.
#[test]
fn a_create_waits_for_a_read_that_shows_what_a_resource_of_another_tenant_left() {
    let fixture = Fixture::new().read().other("gone", 1, |other| {
        other.recorded = Fixture::settled().recorded;
    });
    let settle = i64::try_from(Timers::default().settle.as_secs()).unwrap();
    let after = |tenant: &str, left: i64, now: i64| {
        let mut claims = fixture.claims();
        let mut gone = claims.claimant("gone").unwrap().clone();
        gone.tenant = place(tenant);
        claims.identify(&place(tenant), &key("acme"));
        claims.insert(gone);
        claims.remove("gone", at(left));
        let fixture = fixture.clone().with(|f| f.now = at(now));
        let case = fixture.case(&claims);
        crate::next(&case, fixture.now)
    };
    let other = "identity/second";
    let shown = NOW - 3 + settle;
    match after(other, NOW - 3, NOW) {
        Next::Wait { until, why } => {
            assert_eq!((until, why.reason), (at(shown), Reason::Creating));
        }
        odd => panic!("{odd:?}"),
    }
    match after(other, NOW - 3, shown) {
        Next::Refresh { what, newer_than } => {
            assert_eq!((what, newer_than), (What::Groups, at(shown)));
        }
        odd => panic!("{odd:?}"),
    }
    let goes_on = |next| matches!(next, Next::Do(Action::Record(Memory::Intent(_))));
    assert!(
        goes_on(after(other, READ - settle, NOW)),
        "the walk shows it"
    );
    assert!(goes_on(after(TENANT, NOW - 3, NOW)), "one picture shows it");
}
