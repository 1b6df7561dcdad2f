//! What a candidate does about the Lease, and what a leader may still do, decided from the Lease
//! that it reads and from its own clocks. No IO.
//!
//! The clocks of two processes are never compared. A candidate takes a Lease that it has seen
//! unchanged for the time that its holder asked for; a leader counts from before it sent the
//! renewal, so the leader always stops first. Each write is for the exact version that was read: it
//! fails if another process wrote the Lease since.
//!
//! A missing Lease may have been deleted while a leader held it. How long it has been missing
//! cannot be seen, as a missing object has no version. So a candidate creates it with the holder
//! `nobody` and waits until it runs out.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use psg_domain::time;

/// The holder of a Lease that was missing. No candidate has this name: theirs end in a number.
const NOBODY: &str = "nobody";

/// The same moment by both clocks of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since the start of the process; it stands still while the machine sleeps.
    pub monotonic: Duration,
    /// The time of day; it can be set.
    pub wall: Timestamp,
}

impl Moment {
    /// How long ago `earlier` was, by the clock that shows the longer time.
    pub fn since(self, earlier: Self) -> Duration {
        let monotonic = self.monotonic.saturating_sub(earlier.monotonic);
        monotonic.max(time::until(earlier.wall, self.wall))
    }
}

/// The periods of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long it lasts after a renewal.
    pub duration: Duration,
    /// How often it is renewed.
    pub renew: Duration,
    /// How long a write to a tenant may take.
    pub post_timeout: Duration,
}

impl Terms {
    /// What is left at `now` of a lease that was renewed at `renewed`.
    pub fn left(&self, renewed: Moment, now: Moment) -> Duration {
        self.duration.saturating_sub(now.since(renewed))
    }

    /// With no more than this left a leader gives up, so that its process ends before the lease.
    pub fn to_end(&self) -> Duration {
        self.renew
    }

    /// With no more than this left no write to a tenant begins, so that every write has ended when
    /// the leader gives up.
    pub fn to_write(&self) -> Duration {
        self.post_timeout + self.to_end()
    }
}

/// The version of the Lease that was seen last, and when it was first seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    version: Option<String>,
    since: Duration,
}

impl Seen {
    /// What was seen after the Lease was read again.
    pub fn after(before: Option<Self>, lease: Option<&Lease>, now: Moment) -> Self {
        let version = lease.and_then(version).map(str::to_owned);
        match before.filter(|before| before.version == version) {
            Some(unchanged) => unchanged,
            None => Self {
                version,
                since: now.monotonic,
            },
        }
    }
}

/// What to do about the Lease.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// Store exactly this: once it is stored, this process leads if it is the holder.
    Store(Box<Lease>),
    /// Look again later.
    Wait,
    /// This process led until now, and has lost the Lease.
    Lost,
}

/// Decides what to do about the Lease as it was found.
pub fn evaluate(
    lease: Option<&Lease>,
    seen: &Seen,
    identity: &str,
    terms: &Terms,
    leading: bool,
    now: Moment,
) -> Move {
    let spec = lease.and_then(|lease| lease.spec.as_ref());
    match holder(lease) {
        Some(holder) if holder == identity => store(lease, renewed(spec, terms, now)),
        _ if leading => Move::Lost,
        None if lease.is_none() => store(lease, taken(spec, NOBODY, terms, now)),
        None => store(lease, taken(spec, identity, terms, now)),
        _ if now.monotonic.saturating_sub(seen.since) >= asked_for(spec, terms) => {
            store(lease, taken(spec, identity, terms, now))
        }
        _ => Move::Wait,
    }
}

/// The Lease as its holder releases it: free for the next candidate.
pub fn released(mut lease: Lease, now: Moment) -> Lease {
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = None;
    spec.renew_time = Some(MicroTime(now.wall));
    lease
}

/// Who holds it; none if nobody does.
pub fn holder(lease: Option<&Lease>) -> Option<&str> {
    let holder = lease?.spec.as_ref()?.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

/// The resource version, which changes with every write.
pub fn version(lease: &Lease) -> Option<&str> {
    lease.metadata.resource_version.as_deref()
}

/// Replaces the spec only; the rest of the Lease, above all its version, stays as it was found.
fn store(found: Option<&Lease>, spec: LeaseSpec) -> Move {
    let mut lease = found.cloned().unwrap_or_default();
    lease.spec = Some(spec);
    Move::Store(Box::new(lease))
}

fn renewed(spec: Option<&LeaseSpec>, terms: &Terms, now: Moment) -> LeaseSpec {
    LeaseSpec {
        lease_duration_seconds: Some(whole_seconds(terms.duration)),
        renew_time: Some(MicroTime(now.wall)),
        ..spec.cloned().unwrap_or_default()
    }
}

fn taken(spec: Option<&LeaseSpec>, identity: &str, terms: &Terms, now: Moment) -> LeaseSpec {
    let before = spec.map(|spec| spec.lease_transitions.unwrap_or_default());
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        acquire_time: Some(MicroTime(now.wall)),
        lease_transitions: Some(before.map_or(0, |before| before.saturating_add(1))),
        ..renewed(spec, terms, now)
    }
}

/// The duration that the holder wrote into the Lease: its flags may differ from this process's.
fn asked_for(spec: Option<&LeaseSpec>, terms: &Terms) -> Duration {
    let seconds = spec.and_then(|spec| u64::try_from(spec.lease_duration_seconds?).ok());
    seconds
        .filter(|seconds| *seconds > 0)
        .map_or(terms.duration, Duration::from_secs)
}

/// Rounded up: never less than the holder counts on.
fn whole_seconds(length: Duration) -> i32 {
    let begun = u64::from(length.subsec_nanos() > 0);
    let seconds = length.as_secs().saturating_add(begun);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
