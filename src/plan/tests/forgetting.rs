//! What a process forgets of its own requests at the end of a pass: no more than was read back.

use std::collections::BTreeMap;

use super::fixture::{at, setback, source_id};
use crate::{Finding, Move, Reason, Sent};

fn sent() -> Sent {
    Sent {
        posted: Some(at(1)),
        not_made: Some(setback(2)),
        unanswered_at: Some(at(3)),
        updated_at: Some(at(4)),
        updated: None,
        deleted_at: Some(at(5)),
        assigned: BTreeMap::from([(source_id("ad"), at(6))]),
        blocked: BTreeMap::from([(source_id("ad"), setback(7))]),
    }
}

fn after(end: &Move) -> Sent {
    let mut sent = sent();
    sent.forget_confirmed(end);
    sent
}

fn waiting(reason: Reason) -> Move {
    let why = Finding::new(reason, "");
    Move::Wait { until: at(9), why }
}

#[test]
fn at_the_end_all_is_forgotten() {
    assert_eq!(after(&Move::Settled), Sent::default());
}

#[test]
fn while_only_others_can_move_a_create_that_may_still_take_effect_is_remembered() {
    let kept = Sent {
        not_made: Some(setback(2)),
        unanswered_at: Some(at(3)),
        ..Sent::default()
    };
    assert_eq!(after(&waiting(Reason::WaitingForSource)), kept);
    let stalled = Move::Stalled(Finding::new(Reason::SourceSwapBlocked, ""));
    assert_eq!(after(&stalled), kept);
}

#[test]
fn while_it_is_our_turn_nothing_is_forgotten() {
    assert_eq!(after(&waiting(Reason::Retrying)), sent());
    let stalled = Move::Stalled(Finding::new(Reason::Refused, ""));
    assert_eq!(after(&stalled), sent());
}
