//! What a driver observes of a resource and of its tenant, apart from the tenant's picture.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use psg_domain::{Failures, TenantKey};

use crate::{brake::Brake, reason::Finding};

/// The resource's metadata.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    /// Its UID: what a claim belongs to.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The generation of its spec.
    pub generation: i64,
    /// It is being deleted.
    pub deleting: bool,
    /// It holds our finalizer.
    pub finalizer: bool,
    /// Nothing is written to the tenant until then.
    pub paused_until: Option<Timestamp>,
    /// The pause annotation, if its value is not a time: the resource is paused all the same.
    pub unreadable_pause: Option<String>,
    /// The annotation that asks for a reconcile.
    pub reconcile_at: Option<String>,
}

impl Object {
    /// A resource that was just created and that has no annotation of the operator.
    pub fn new(uid: String, namespace: String, name: String) -> Self {
        Self {
            uid,
            namespace,
            name,
            generation: 1,
            deleting: false,
            finalizer: false,
            paused_until: None,
            unreadable_pause: None,
            reconcile_at: None,
        }
    }

    /// Whether nothing is written to the tenant now.
    pub fn is_paused(&self, now: Timestamp) -> bool {
        self.unreadable_pause.is_some() || self.paused_until.is_some_and(|until| until > now)
    }

    /// Until when the pause lasts, and what the status says of it.
    pub(crate) fn pause(&self, now: Timestamp) -> (Timestamp, String) {
        let until = self.paused_until.unwrap_or(now);
        match &self.unreadable_pause {
            None => (
                until,
                format!("nothing is written to the tenant until {until}"),
            ),
            Some(written) => (
                Timestamp::MAX,
                format!(
                    "nothing is written to the tenant: the annotation passwordsync.dev/paused-until is \
                     \"{written}\", which is no time that can be read; give one such as \
                     2027-01-31T18:00:00Z, or remove it"
                ),
            ),
        }
    }
}

/// The tenant of a resource, as far as decisions depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantView {
    /// Whether it can be worked with.
    pub state: TenantState,
    /// Which tenant answers, by its token answer.
    pub key: Option<TenantKey>,
    /// How often it is read.
    pub interval: Duration,
    /// Changes whenever its credentials do.
    pub credentials: String,
    /// How many managed groups the last walk lacked, and how many there are, if too many are
    /// missing.
    pub vanished: Option<(usize, usize)>,
    /// Until when a person allowed what the brake holds back.
    pub acknowledged_until: Option<Timestamp>,
    /// How many of its groups may go at once.
    pub brake: Brake,
    /// Whether its resource stays until no group needs it.
    pub in_use: InUse,
    /// What its audit events tell of password changes; none if they are not read.
    pub password_changes: Option<Arc<PasswordChanges>>,
}

impl TenantView {
    /// A tenant of which nothing else is known.
    pub fn of(state: TenantState, key: Option<TenantKey>) -> Self {
        Self {
            state,
            key,
            interval: Duration::from_mins(1),
            credentials: String::new(),
            vanished: None,
            acknowledged_until: None,
            brake: Brake::default(),
            in_use: InUse::No,
            password_changes: None,
        }
    }

    /// Whether a person allows now what a brake holds back.
    pub(crate) fn is_acknowledged(&self, now: Timestamp) -> bool {
        self.acknowledged_until.is_some_and(|until| until > now)
    }
}

/// What the audit events of a tenant tell of password changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordChanges {
    /// What failed lately.
    Read(Failures),
    /// They cannot be read, for this reason.
    Unreadable(String),
}

/// Whether a tenant can be worked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantState {
    /// It was read.
    Ready,
    /// Its first read is not done.
    Pending,
    /// Something must be mended by a person first.
    Blocked(Finding),
    /// It has not answered for five intervals.
    Unreachable(Finding),
    /// Its Secret or its IdentityTenant is gone. The credentials in memory still serve deletions:
    /// in a namespace that is being deleted, nobody can create the Secret again.
    Withdrawn(Finding),
}

/// Whether an IdentityTenant is kept by the finalizer `passwordsync.dev/in-use`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InUse {
    /// It can be gone at any moment: no group is created or adopted.
    #[default]
    No,
    /// It stays until no group needs it.
    Held,
    /// It is being deleted: it stays for the groups that need it, and takes no new ones.
    Ending,
}

/// The periods of the protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// How long a write without an answer may still take effect, and reads may lag behind a write.
    pub settle: Duration,
    /// How far apart the two walks must begin that prove that a create had no effect.
    pub confirm_gap: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(30),
            confirm_gap: Duration::from_secs(10),
        }
    }
}
