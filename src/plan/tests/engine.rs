//! What the engine remembers: of replies, reads and records, and for how long.

use std::collections::BTreeSet;

use jiff::Timestamp;
use psg_domain::{
    Contested, Deletion, Drift, Group, Intent, Origin, ReassignmentResult, Recorded, Update, time,
};

use super::fixture::{at, group, group_id, policy_id, reassign, setback, source_id};
use crate::{
    Action, Engine, Memory, Outcome, Timers,
    action::WriteCause,
    outcome::{Basis, Learned, Reply},
};

const T: i64 = 1_000;

fn basis() -> Basis {
    Basis {
        generation: 1,
        facts: "f".to_owned(),
    }
}

fn corp() -> Group {
    group("g", "Corp", "strong", &["ad", "sf"])
}

fn other() -> Group {
    group("g", "Other", "strong", &["ad", "sf"])
}

fn intent(second: i64) -> Intent {
    Intent {
        attempt: 1,
        name: "Corp".to_owned(),
        policy: policy_id("strong"),
        sources: BTreeSet::from(["ad", "sf"].map(source_id)),
        started_at: at(second),
    }
}

fn update(second: i64) -> Update {
    Update {
        name: "Corp".to_owned(),
        policy: policy_id("strong"),
        sources: BTreeSet::from(["ad", "sf"].map(source_id)),
        started_at: at(second),
    }
}

fn shown_from() -> Timestamp {
    time::after(at(T), Timers::default().settle)
}

fn replied(engine: &mut Engine, action: &Action, reply: Reply) -> Option<Learned> {
    engine.replied(action, reply, &basis(), at(T), Timers::default())
}

fn create() -> Action {
    Action::CreateGroup(intent(T - 1))
}

fn put(cause: WriteCause) -> Action {
    let change = Drift {
        field: "name".to_owned(),
        wanted: "Corp".to_owned(),
        found: "Other".to_owned(),
    };
    Action::UpdateGroup {
        group: corp(),
        changes: vec![change],
        cause,
    }
}

fn assign() -> Action {
    Action::AssignPolicy {
        source: source_id("ad"),
        holders: Vec::new(),
    }
}

/// An engine that made a group whose id is not stored.
fn made() -> Engine {
    let mut engine = Engine::default();
    replied(&mut engine, &create(), Reply::Done(Some(corp())));
    engine
}

#[test]
fn a_made_group_is_held_until_its_id_is_stored_whatever_else_happens() {
    let mut engine = Engine::default();
    assert!(!engine.holds_a_made_group());
    let learned = replied(&mut engine, &create(), Reply::Done(Some(corp())));
    assert_eq!(learned, Some(Learned::Wrote(corp(), shown_from())));
    assert_eq!(engine.expectations.posted, Some(at(T - 1)));
    engine.read();
    engine.read_failed(setback(T));
    engine.forget_outcome();
    assert_eq!(engine.last, Some(Outcome::Made(corp())));
    assert!(engine.holds_a_made_group() && !engine.failed());
    engine.recorded(&Memory::Group(corp(), Origin::Created));
    assert!(!engine.holds_a_made_group() && !engine.is_empty());
    engine.forget_outcome();
    assert!(engine.is_empty(), "the record stands for all of it");
}

#[test]
fn the_last_outcome_is_replaced_by_the_next_and_forgotten_with_its_pass() {
    let mut engine = Engine::default();
    engine.read_failed(setback(T));
    assert!(engine.failed());
    engine.read();
    assert_eq!(engine.last, Some(Outcome::Done));
    assert!(!engine.failed());
    engine.read_failed(setback(T));
    engine.finalized();
    assert_eq!(engine.last, Some(Outcome::Done));
    engine.read_failed(setback(T));
    engine.forget_outcome();
    assert!(engine.is_empty());
}

#[test]
fn only_what_was_not_made_or_may_have_been_is_a_failure() {
    for (reply, failed) in [
        (Reply::Done(None), false),
        (Reply::Refused(setback(T)), false),
        (Reply::NotFound(setback(T)), false),
        (Reply::NotMade(setback(T)), true),
        (Reply::Unknown(setback(T)), true),
    ] {
        let mut engine = Engine::default();
        replied(&mut engine, &create(), reply.clone());
        assert_eq!(engine.failed(), failed, "{reply:?}");
    }
}

#[test]
fn each_create_without_an_answer_is_counted_until_no_intent_is_recorded() {
    let mut engine = Engine::default();
    for count in 1..=3 {
        replied(&mut engine, &create(), Reply::Unknown(setback(T)));
        assert_eq!(engine.expectations.unanswered, count);
    }
    assert_eq!(engine.expectations.unanswered_at, Some(at(T)));
    let why = engine.expectations.unanswered_why.as_deref();
    assert_eq!(why, Some("the tenant answered 503"));
    assert!(engine.is_unconfirmed());
    let recorded = Recorded {
        intent: Some(intent(T - 1)),
        ..Recorded::default()
    };
    engine.follow(&recorded, at(T + 1));
    assert_eq!(engine.expectations.unanswered, 3);
    engine.follow(&Recorded::default(), at(T + 1));
    engine.forget_outcome();
    assert!(engine.is_empty());
}

#[test]
fn a_create_that_was_certainly_not_made_waits_for_its_moment() {
    let mut engine = Engine::default();
    replied(&mut engine, &create(), Reply::NotMade(setback(T + 9)));
    assert_eq!(engine.expectations.not_made, Some(setback(T + 9)));
    engine.recorded(&Memory::Intent(intent(T)));
    assert_eq!(engine.expectations.not_made, None);
}

#[test]
fn an_answer_that_shows_something_else_is_counted_and_the_same_is_not() {
    let mut engine = Engine::default();
    let puts = |engine: &Engine| engine.expectations.puts.unwrap();
    let learned = replied(&mut engine, &put(WriteCause::Edit), Reply::Done(None));
    assert_eq!(learned, Some(Learned::Wrote(corp(), shown_from())));
    assert_eq!(puts(&engine).otherwise, 0);
    assert_eq!(puts(&engine).answered_at, Some(at(T)));
    for (answer, otherwise) in [(corp(), 0), (other(), 1), (corp(), 1), (other(), 2)] {
        let reply = Reply::Done(Some(answer.clone()));
        let learned = replied(&mut engine, &put(WriteCause::Edit), reply);
        assert_eq!(learned, Some(Learned::Wrote(answer, shown_from())));
        assert_eq!(puts(&engine).otherwise, otherwise);
    }
    assert!(!engine.is_unconfirmed(), "an open update is no repeat");
    let learned = replied(
        &mut engine,
        &put(WriteCause::Edit),
        Reply::Unknown(setback(T)),
    );
    assert_eq!(learned, Some(Learned::InDoubt(group_id("g"))));
    assert_eq!(puts(&engine).unanswered_at, Some(at(T)));
    let learned = replied(
        &mut engine,
        &put(WriteCause::Edit),
        Reply::NotFound(setback(T)),
    );
    assert_eq!(learned, Some(Learned::NoGroup(group_id("g"))));
}

#[test]
fn a_repair_counts_if_it_was_drift_and_was_answered() {
    let fights = |cause, reply: &Reply| {
        let mut engine = Engine::default();
        for _ in 0..3 {
            replied(&mut engine, &put(cause), reply.clone());
        }
        engine.repairs.fight_over("name", at(T))
    };
    assert!(fights(WriteCause::Drift, &Reply::Done(None)));
    assert!(!fights(WriteCause::Edit, &Reply::Done(None)));
    for lost in [Reply::NotMade(setback(T)), Reply::Unknown(setback(T))] {
        assert!(!fights(WriteCause::Drift, &lost), "{lost:?}");
        assert!(!fights(WriteCause::Edit, &lost), "{lost:?}");
    }
    let mut engine = Engine::default();
    for _ in 0..3 {
        replied(&mut engine, &put(WriteCause::Drift), Reply::Done(None));
    }
    let contested = Contested {
        generation: 1,
        reconcile_at: None,
        field: "name".to_owned(),
        found: "Other".to_owned(),
    };
    engine.recorded(&Memory::Contested(contested));
    assert!(!engine.repairs.fight_over("name", at(T)), "counted anew");
}

#[test]
fn a_deletion_counts_as_answered_only_if_it_was() {
    let delete = Action::DeleteGroup(group_id("g"));
    let in_doubt = Some(Learned::InDoubt(group_id("g")));
    for (reply, answered, learned) in [
        (Reply::Done(None), Some(at(T)), in_doubt.clone()),
        (Reply::NotFound(setback(T)), Some(at(T)), in_doubt.clone()),
        (Reply::Unknown(setback(T)), None, in_doubt),
        (Reply::NotMade(setback(T)), None, None),
        (Reply::Refused(setback(T)), None, None),
    ] {
        let mut engine = Engine::default();
        let found = replied(&mut engine, &delete, reply.clone());
        assert_eq!(found, learned, "{reply:?}");
        assert_eq!(engine.expectations.deleted_at, answered, "{reply:?}");
        assert_eq!(engine.failed(), answered.is_none(), "{reply:?}");
    }
}

#[test]
fn a_source_that_fails_blocks_itself_alone_and_an_assignment_in_doubt_counts_as_sent() {
    let ad = source_id("ad");
    for (reply, sent, blocked) in [
        (Reply::Done(None), true, false),
        (Reply::Unknown(setback(T)), true, true),
        (Reply::NotMade(setback(T)), false, true),
        (Reply::Refused(setback(T)), false, true),
        (Reply::NotFound(setback(T)), false, false),
    ] {
        let mut engine = Engine::default();
        let learned = replied(&mut engine, &assign(), reply.clone());
        let gone = matches!(reply, Reply::NotFound(_));
        assert_eq!(learned, gone.then(|| Learned::NoSource(ad.clone())));
        let known = &engine.expectations;
        assert_eq!(known.assigned.contains_key(&ad), sent, "{reply:?}");
        assert_eq!(known.blocked.contains_key(&ad), blocked, "{reply:?}");
        assert!(!engine.failed(), "the other sources go on: {reply:?}");
        engine.retry_sources();
        assert!(engine.expectations.blocked.is_empty(), "{reply:?}");
    }
    let mut engine = Engine::default();
    engine.source_failed(ad.clone(), setback(T));
    assert_eq!(engine.expectations.blocked.get(&ad), Some(&setback(T)));
    assert!(engine.is_unconfirmed());
}

#[test]
fn an_intent_of_another_process_counts_as_sent_when_it_was_first_seen() {
    let recorded = Recorded {
        intent: Some(intent(T)),
        ..Recorded::default()
    };
    let mut engine = Engine::default();
    engine.follow(&recorded, at(T + 5));
    engine.follow(&recorded, at(T + 9));
    assert_eq!(engine.expectations.unanswered_at, Some(at(T + 5)));
    let mut own = Engine::default();
    own.expectations.posted = Some(at(T));
    own.follow(&recorded, at(T + 5));
    assert_eq!(own.expectations.unanswered_at, None);
}

#[test]
fn an_update_of_another_process_counts_as_sent_when_it_was_first_seen() {
    let recorded = |second| Recorded {
        update: Some(update(second)),
        ..Recorded::default()
    };
    let mut engine = Engine::default();
    engine.recorded(&Memory::Update(update(T), Vec::new()));
    engine.follow(&recorded(T), at(T + 1));
    let puts = engine.expectations.puts.unwrap();
    assert_eq!((puts.of, puts.was_sent()), (at(T), false), "our own record");
    replied(
        &mut engine,
        &put(WriteCause::Edit),
        Reply::Done(Some(other())),
    );
    let before = engine.expectations.puts.unwrap();
    engine.follow(&recorded(T), at(T + 2));
    assert_eq!(engine.expectations.puts, Some(before));

    engine.follow(&recorded(T + 3), at(T + 4));
    let puts = engine.expectations.puts.unwrap();
    assert_eq!((puts.of, puts.unanswered_at), (at(T + 3), Some(at(T + 4))));
    assert_eq!(
        (puts.taken_at, puts.otherwise),
        (None, 0),
        "of another update"
    );
    assert_eq!(puts.answered_at, Some(at(T)), "our own PUT was before it");
    engine.follow(&Recorded::default(), at(T + 5));
    assert_eq!(engine.expectations.puts, None);
}

#[test]
fn what_was_sent_for_a_deletion_is_kept_as_long_as_the_source_is_open() {
    let recorded = |results: [Option<ReassignmentResult>; 2]| {
        let [leaving, deleted] = results;
        Recorded {
            deletion: Some(Deletion {
                group: group_id("g"),
                recorded_at: at(T),
                sources: vec![reassign("sf", "strong", deleted)],
            }),
            leaving: vec![reassign("ad", "strong", leaving)],
            ..Recorded::default()
        }
    };
    let sent = || {
        let mut engine = Engine::default();
        for id in ["ad", "sf", "wd"] {
            engine.expectations.assigned.insert(source_id(id), at(T));
        }
        engine.expectations.deleted_at = Some(at(T));
        engine
    };
    let kept = |results| {
        let mut engine = sent();
        engine.follow(&recorded(results), at(T));
        assert_eq!(engine.expectations.deleted_at, Some(at(T)));
        let ids = engine.expectations.assigned.keys();
        ids.map(ToString::to_string).collect::<Vec<_>>()
    };
    let done = Some(ReassignmentResult::ByOperator);
    assert_eq!(kept([None, None]), ["ad", "sf"]);
    assert_eq!(kept([done, None]), ["sf"]);
    assert_eq!(kept([None, done]), ["ad"]);
    let mut engine = sent();
    engine.follow(&Recorded::default(), at(T));
    assert!(engine.is_empty(), "{engine:?}");
    let mut engine = sent();
    let deletion = recorded([None, None]).deletion.unwrap();
    engine.recorded(&Memory::Deletion(deletion));
    assert!(engine.expectations.assigned.is_empty());
}

#[test]
fn a_blocked_source_is_tried_again_at_its_moment() {
    let mut engine = Engine::default();
    engine.source_failed(source_id("ad"), setback(T));
    engine.source_failed(source_id("sf"), setback(T + 1));
    engine.follow(&Recorded::default(), at(T));
    let blocked = engine.expectations.blocked.keys();
    assert_eq!(blocked.collect::<Vec<_>>(), [&source_id("sf")]);
}

#[test]
fn only_the_record_of_a_created_group_ends_what_was_expected() {
    let mut engine = made();
    engine.recorded(&Memory::Group(corp(), Origin::Adopted));
    assert_eq!(engine.expectations.posted, Some(at(T - 1)));
    engine.recorded(&Memory::Group(corp(), Origin::Created));
    assert_eq!(engine.expectations, crate::Expectations::default());
}

#[test]
fn what_a_reply_shows_changes_the_picture_and_says_what_changed() {
    let mut picture = psg_domain::Picture::default();
    picture.merge_groups(at(T - 10), vec![other()]);
    let wrote = Learned::Wrote(corp(), shown_from());
    let changes = wrote.merge(&mut picture, at(T));
    assert_ne!(changes, psg_domain::Changes::default());
    let shown = |picture: &psg_domain::Picture| match picture.group(&group_id("g")) {
        psg_domain::Presence::There(group, _) => Some(group.clone()),
        _ => None,
    };
    assert_eq!(shown(&picture), Some(corp()));
    let gone = Learned::NoGroup(group_id("g")).merge(&mut picture, at(T + 1));
    assert_ne!(gone, psg_domain::Changes::default());
    assert_eq!(shown(&picture), None);
}
