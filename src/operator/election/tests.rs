//! The rules one by one; [`rivals`] has two candidates play against each other.

use super::*;

mod rivals;
pub mod server;

const ME: &str = "me";
const TERMS: Terms = Terms {
    duration: Duration::from_secs(15),
    renew: Duration::from_secs(2),
    post_timeout: Duration::from_secs(8),
};

fn at(seconds: u64) -> Moment {
    let monotonic = Duration::from_secs(seconds);
    Moment {
        monotonic,
        wall: time::after(Timestamp::UNIX_EPOCH, monotonic),
    }
}

fn held_by(holder: &str) -> Lease {
    let mut lease = Lease::default();
    lease.metadata.resource_version = Some("7".to_owned());
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: Some(15),
        lease_transitions: Some(3),
        acquire_time: Some(MicroTime(at(1).wall)),
        renew_time: Some(MicroTime(at(2).wall)),
        ..LeaseSpec::default()
    });
    lease
}

fn seen(lease: Option<&Lease>, since: u64) -> Seen {
    Seen::after(None, lease, at(since))
}

/// What a standby does that has seen the same since a moment.
fn standby(lease: Option<&Lease>, since: u64, now: u64) -> Move {
    evaluate(lease, &seen(lease, since), ME, &TERMS, false, at(now))
}

fn leader(lease: Option<&Lease>, now: u64) -> Move {
    evaluate(lease, &seen(lease, 0), ME, &TERMS, true, at(now))
}

fn stored(next: Move) -> Lease {
    match next {
        Move::Store(lease) => *lease,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lease_of_another_is_taken_when_it_was_seen_unchanged_for_its_time() {
    let lease = held_by("other");
    assert_eq!(standby(Some(&lease), 100, 114), Move::Wait);
    let lease = stored(standby(Some(&lease), 100, 115));
    let spec = lease.spec.unwrap();
    assert_eq!(spec.holder_identity.as_deref(), Some(ME));
    assert_eq!(spec.lease_transitions, Some(4));
    assert_eq!(spec.acquire_time, Some(MicroTime(at(115).wall)));
    assert_eq!(spec.renew_time, Some(MicroTime(at(115).wall)));
    let version = lease.metadata.resource_version;
    assert_eq!(version.as_deref(), Some("7"), "only this version");
}

#[test]
fn what_the_holder_says_of_the_time_of_day_does_not_matter() {
    for wrong in [Timestamp::MIN, Timestamp::MAX] {
        let mut lease = held_by("other");
        lease.spec.as_mut().unwrap().renew_time = Some(MicroTime(wrong));
        assert_eq!(standby(Some(&lease), 100, 114), Move::Wait);
        stored(standby(Some(&lease), 100, 115));
    }
}

#[test]
fn the_holders_time_counts_and_not_our_own() {
    let mut lease = held_by("other");
    let mut asks = |seconds| {
        lease.spec.as_mut().unwrap().lease_duration_seconds = seconds;
        lease.clone()
    };
    let longer = asks(Some(60));
    assert_eq!(standby(Some(&longer), 0, 59), Move::Wait);
    stored(standby(Some(&longer), 0, 60));
    for nonsense in [None, Some(0), Some(-5)] {
        let lease = asks(nonsense);
        assert_eq!(standby(Some(&lease), 0, 14), Move::Wait);
        stored(standby(Some(&lease), 0, 15));
    }
}

#[test]
fn each_change_begins_the_wait_anew() {
    let mut lease = held_by("other");
    let first = seen(Some(&lease), 0);
    let unchanged = Seen::after(Some(first.clone()), Some(&lease), at(10));
    assert_eq!(unchanged, first);
    lease.metadata.resource_version = Some("8".to_owned());
    let renewed = Seen::after(Some(unchanged), Some(&lease), at(14));
    let next = |now| evaluate(Some(&lease), &renewed, ME, &TERMS, false, at(now));
    assert_eq!(next(28), Move::Wait);
    stored(next(29));
}

#[test]
fn a_wall_that_jumps_does_not_shorten_the_wait() {
    let lease = held_by("other");
    let seen = seen(Some(&lease), 100);
    let jumped = Moment {
        monotonic: Duration::from_secs(101),
        wall: at(5000).wall,
    };
    let next = evaluate(Some(&lease), &seen, ME, &TERMS, false, jumped);
    assert_eq!(next, Move::Wait);
}

#[test]
fn a_released_lease_is_taken_at_once() {
    for free in [released(held_by("other"), at(9)), held_by("")] {
        let lease = stored(standby(Some(&free), 10, 10));
        assert_eq!(holder(Some(&lease)), Some(ME));
        assert_eq!(lease.spec.unwrap().lease_transitions, Some(4));
    }
}

#[test]
fn a_missing_lease_is_made_and_waited_out_since_it_may_have_been_deleted_under_a_leader() {
    let mut lease = stored(standby(None, 0, 100));
    assert_eq!(version(&lease), None, "made, and not replaced");
    assert_eq!(holder(Some(&lease)), Some(NOBODY));
    lease.metadata.resource_version = Some("1".to_owned());
    assert_eq!(standby(Some(&lease), 100, 114), Move::Wait);
    let lease = stored(standby(Some(&lease), 100, 115));
    assert_eq!(holder(Some(&lease)), Some(ME));
    assert_eq!(lease.spec.unwrap().lease_transitions, Some(1));
}

#[test]
fn a_leader_renews_its_lease_and_changes_nothing_else_of_it() {
    let mut lease = held_by(ME);
    let labels = [("team".to_owned(), "identity".to_owned())];
    lease.metadata.labels = Some(labels.into());
    // It has been given other flags since.
    lease.spec.as_mut().unwrap().lease_duration_seconds = Some(7);
    let renewed = stored(leader(Some(&lease), 50));
    let mut expected = lease;
    let spec = expected.spec.as_mut().unwrap();
    spec.renew_time = Some(MicroTime(at(50).wall));
    spec.lease_duration_seconds = Some(i32::try_from(TERMS.duration.as_secs()).unwrap());
    assert_eq!(renewed, expected);
}

#[test]
fn a_leader_whose_lease_is_not_its_own_any_more_has_lost_for_good() {
    assert_eq!(leader(Some(&held_by("other")), 3), Move::Lost);
    assert_eq!(leader(None, 3), Move::Lost);
    // Another may have taken it and let it go meanwhile.
    assert_eq!(leader(Some(&held_by("")), 3), Move::Lost);
}

#[test]
fn a_lease_that_is_ours_without_our_knowing_is_renewed_before_it_counts() {
    // The answer to the write that took it was lost.
    let lease = stored(standby(Some(&held_by(ME)), 10, 10));
    assert_eq!(lease.spec.unwrap().lease_transitions, Some(3));
}

#[test]
fn what_is_left_is_counted_by_the_clock_that_says_less() {
    let slept = Moment {
        monotonic: Duration::from_secs(11),
        wall: at(60).wall,
    };
    assert_eq!(TERMS.left(at(10), slept), Duration::ZERO);
    let set_back = Moment {
        monotonic: Duration::from_secs(14),
        wall: Timestamp::UNIX_EPOCH,
    };
    assert_eq!(TERMS.left(at(10), set_back), Duration::from_secs(11));
    assert_eq!(TERMS.left(at(10), at(10)), TERMS.duration);
}

#[test]
fn the_lease_never_promises_less_than_its_leader_counts_on() {
    assert_eq!(whole_seconds(Duration::from_millis(15_001)), 16);
    assert_eq!(whole_seconds(Duration::from_secs(15)), 15);
    assert_eq!(whole_seconds(Duration::MAX), i32::MAX);
}
