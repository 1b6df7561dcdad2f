//! The largest manifests that the schema admits, and many of them. What one decision may cost is
//! counted where it is spent (`near`, `traffic`); here it is printed what it takes in all.

use std::time::Instant;

use super::fixture::{Fixture, group, source};
use crate::Next;

/// The most references of one manifest.
const MOST: usize = 100;

/// So many groups, each of which is to have the sources of the next.
fn ring(groups: usize) -> Fixture {
    let id = |group: usize, n: usize| format!("s{:03}x{n:02}", group % groups);
    let ids = |group: usize| -> Vec<String> { (0..MOST).map(|n| id(group, n)).collect() };
    let all: Vec<_> = (0..groups).flat_map(ids).collect();
    let sources: Vec<_> = all.iter().map(|id| source(id, id)).collect();
    let texts: Vec<Vec<String>> = (0..groups).map(ids).collect();
    let names =
        |group: usize| -> Vec<&str> { texts[group % groups].iter().map(String::as_str).collect() };
    let mut fixture = Fixture::new().facts(&sources, &[super::fixture::policy("strong", "Strong")]);
    let there: Vec<_> = (0..groups)
        .map(|n| group(&format!("g{n}"), &format!("G{n}"), "strong", &names(n)))
        .collect();
    fixture = fixture.groups(&there);
    fixture.recorded = {
        let mut me = super::fixture::Other::blank(&fixture);
        me.holds("g0", "G0", &names(0));
        me.recorded
    };
    fixture.desired.name = "G0".to_owned();
    fixture = fixture.sources(&names(1));
    for n in 1..groups {
        let (holds, wants) = (names(n), names(n + 1));
        fixture = fixture.other(&format!("u{n}"), 0, |other| {
            other.desired.name = format!("G{n}");
            other.desired.sources = super::fixture::names(&wants);
            other.holds(&format!("g{n}"), &format!("G{n}"), &holds);
        });
    }
    fixture
}

#[test]
fn the_suggestions_that_one_decision_has_no_time_for_come_with_later_ones() {
    let name = |n: usize| format!("Source {n:04}");
    let sources: Vec<_> = (0..1_000)
        .map(|n| source(&format!("s{n}"), &name(n)))
        .collect();
    let mistyped: Vec<String> = (0..6).map(|n| format!("Sourcx 1{n:03}")).collect();
    let mistyped: Vec<&str> = mistyped.iter().map(String::as_str).collect();
    let fixture = Fixture::new()
        .facts(&sources, &[super::fixture::policy("strong", "Strong")])
        .sources(&mistyped);
    let suggested = || fixture.held_up().message.matches("did you mean").count();
    let told: Vec<usize> = (0..4).map(|_| suggested()).collect();
    assert!(told.is_sorted() && told[0] < 6 && told[3] == 6, "{told:?}");
}

#[test]
fn a_ring_of_a_hundred_large_groups_is_decided_in_bounded_work() {
    for groups in [3, 20, 100] {
        let fixture = ring(groups);
        let claims = fixture.claims();
        let case = fixture.case(&claims);
        let began = Instant::now();
        let next = crate::next(&case, fixture.now);
        println!("{groups} groups of {MOST} sources: {:?}", began.elapsed());
        assert!(
            matches!(next, Next::Do(_) | Next::Refresh { .. } | Next::Wait { .. }),
            "{next:?}"
        );
    }
}
