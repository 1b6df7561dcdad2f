//! One IdentityTenant as passes see it: whether it can be worked with, and its snapshot.
//! The actor of each tenant keeps it current; passes only look, and report what they ran into.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use psg_api::IdentityTenant;
use psg_domain::{NamespacedName, Picture, Presence, TenantKey};
use psg_identity::Error;
use psg_plan::{Brake, ClaimIndex, Finding, InUse, Reason, TenantState, TenantView};
use psg_snapshot::Snapshot;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;

static NOTHING: LazyLock<Picture> = LazyLock::new(Picture::default);

/// How many of the managed groups may be missing from one read before none is made again.
const VANISHED_AT_LEAST: usize = 5;
const VANISHED_PERCENT: usize = 20;

/// How many passes may make groups at once: enough to use the whole rate limit, few enough that
/// each is done within seconds.
const CREATING: usize = 8;
/// How many passes may change or undo groups at once.
const CHANGING: usize = 16;

/// One tenant.
pub struct Tenant {
    /// Its resource.
    pub name: NamespacedName,
    /// The newest manifest; a change of it ends the actor's rest.
    pub manifest: watch::Sender<Arc<IdentityTenant>>,
    /// Ends the actor's rest.
    pub poked: Notify,
    /// What its groups claim has changed: whether it is in use is looked at again.
    pub claimed: Notify,
    /// Ends the actor.
    pub gone: CancellationToken,
    /// Places for passes that make a group, so that what one reads is fresh when it writes.
    pub creating: Arc<Semaphore>,
    /// Places for passes that change or undo one; a backlog of new groups does not hold them up.
    pub changing: Arc<Semaphore>,
    state: RwLock<State>,
    vanished: Mutex<Option<Counted>>,
}

/// Missing out of managed groups, if that is too many, by the walk that began then.
type Counted = (Timestamp, Option<(usize, usize)>);

/// What the actor has found.
#[derive(Clone)]
pub struct State {
    /// Whether it can be worked with.
    pub tenant: TenantState,
    /// Who answers.
    pub key: Option<TenantKey>,
    /// How often it is read.
    pub interval: Duration,
    /// Changes with the credentials.
    pub credentials: String,
    /// Until when a person has acknowledged what a brake holds back.
    pub acknowledged_until: Option<Timestamp>,
    /// How many of its groups may go at once.
    pub brake: Brake,
    /// Whether its resource stays until no group needs it.
    pub in_use: InUse,
    /// The Secret as it was read last.
    pub secret: Option<ObjectMeta>,
    /// The Secret that this tenant holds or is about to.
    pub protects: Option<String>,
    /// The Secret that this tenant lets go: its record may still be seen, and holds up no other.
    pub letting_go: Option<String>,
    /// Why the Secret is not held, and when that is tried again.
    pub unprotected: Option<(Timestamp, Finding)>,
    /// Why the Secret that nobody needs any more is still held.
    pub unreleased: Option<Finding>,
    /// The picture, once there are credentials to read it with.
    pub snapshot: Option<Arc<Snapshot>>,
    /// A write was forbidden: no other is tried before.
    pub forbidden_until: Option<(Timestamp, String)>,
    /// The user that the token belongs to, if its answer named one.
    pub user: Option<String>,
    /// Why the last read failed, while that may be a fault of the moment.
    pub failing: Option<Finding>,
    /// A call was not authorized: the credentials are to be looked at again.
    pub unauthorized: bool,
    /// The tenant took the credentials that are held, and is the one it should be.
    pub verified: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            tenant: TenantState::Pending,
            key: None,
            interval: Duration::from_mins(1),
            credentials: String::new(),
            acknowledged_until: None,
            brake: Brake::default(),
            in_use: InUse::default(),
            secret: None,
            protects: None,
            letting_go: None,
            unprotected: None,
            unreleased: None,
            snapshot: None,
            forbidden_until: None,
            user: None,
            failing: None,
            unauthorized: false,
            verified: false,
        }
    }
}

impl State {
    /// Whether the tenant takes what is held, as far as is known at that time. A write that was
    /// forbidden is tried again when its time has come.
    pub fn serves(&self, now: Timestamp) -> bool {
        let works = matches!(
            self.tenant,
            TenantState::Ready | TenantState::Unreachable(_) | TenantState::Withdrawn(_)
        );
        self.verified && !self.unauthorized && (works || self.forbidden(now).is_some())
    }

    /// What a write was told that is not to be repeated yet.
    pub fn forbidden(&self, now: Timestamp) -> Option<&str> {
        let (until, message) = self.forbidden_until.as_ref()?;
        (*until > now).then_some(message)
    }
}

impl Tenant {
    pub(super) fn new(name: NamespacedName, manifest: Arc<IdentityTenant>) -> Self {
        Self {
            name,
            manifest: watch::Sender::new(manifest),
            poked: Notify::new(),
            claimed: Notify::new(),
            gone: CancellationToken::new(),
            creating: Arc::new(Semaphore::new(CREATING)),
            changing: Arc::new(Semaphore::new(CHANGING)),
            state: RwLock::default(),
            vanished: Mutex::default(),
        }
    }

    /// The state as it is.
    pub fn state(&self) -> State {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes the state, unless the tenant's resource is gone; tells whether others must look again.
    pub fn update(&self, change: impl FnOnce(&mut State)) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if self.gone.is_cancelled() {
            return false;
        }
        let before = state.clone();
        change(&mut state);
        before.tenant != state.tenant
            || before.key != state.key
            || before.acknowledged_until != state.acknowledged_until
            || before.credentials != state.credentials
            || before.in_use != state.in_use
    }

    /// Its resource is gone: its actor ends, and what is held serves deletions alone.
    pub(super) fn withdraw(&self) {
        let finding = not_found(&self.name);
        self.update(|state| {
            // Whatever is wrong just now: nobody can put it back, and nobody else asks again.
            state.tenant = if state.verified {
                TenantState::Withdrawn(finding)
            } else {
                TenantState::Blocked(finding)
            };
            self.gone.cancel();
        });
    }

    /// Its resource cannot be read: its actor ends, and nothing is done in it until it can be.
    pub(super) fn block(&self, finding: Finding) {
        self.update(|state| {
            state.tenant = TenantState::Blocked(finding);
            self.gone.cancel();
        });
    }

    /// Runs a decision over the tenant as it is.
    pub fn look<R>(
        &self,
        claims: &ClaimIndex,
        decide: impl FnOnce(TenantView, &Picture) -> R,
    ) -> R {
        let state = self.state();
        let view = |picture: &Picture| TenantView {
            state: state.tenant.clone(),
            key: state.key.clone(),
            interval: state.interval,
            credentials: state.credentials.clone(),
            vanished: self.vanished(picture, claims),
            acknowledged_until: state.acknowledged_until,
            brake: state.brake,
            in_use: state.in_use,
        };
        match &state.snapshot {
            Some(snapshot) => snapshot.with(|picture| decide(view(picture), picture)),
            None => decide(view(&NOTHING), &NOTHING),
        }
    }

    /// What a call ran into, if it concerns the whole tenant.
    pub fn ran_into(&self, error: &Error, now: Timestamp, probe: Duration) {
        match error {
            Error::Unauthorized { .. } => {
                self.update(|state| state.unauthorized = true);
                self.poked.notify_one();
            }
            Error::Forbidden { message } => {
                let until = psg_domain::time::after(now, probe);
                self.update(|state| {
                    state.forbidden_until = Some((until, message.clone()));
                    state.tenant = TenantState::Blocked(forbidden(message, state.user.as_deref()));
                });
                self.poked.notify_one();
            }
            _ => {}
        }
    }

    /// Too many groups missing from the last walk to be a coincidence; counted once a walk.
    fn vanished(&self, picture: &Picture, claims: &ClaimIndex) -> Option<(usize, usize)> {
        let as_of = picture.groups_as_of()?;
        let mut known = self.vanished.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, vanished)) = *known
            && of == as_of
        {
            return vanished;
        }
        let mut managed = 0;
        let mut missing = 0;
        for id in claims.managed(&self.name) {
            managed += 1;
            let is_there = matches!(picture.group(id), Presence::There(..));
            if !is_there && !picture.is_shown_in_part(id) {
                missing += 1;
            }
        }
        let too_many = missing > VANISHED_AT_LEAST.max(managed * VANISHED_PERCENT / 100);
        let vanished = too_many.then_some((missing, managed));
        *known = Some((as_of, vanished));
        vanished
    }
}

/// What a forbidden call says about the tenant. A token without a user is forbidden most calls.
pub fn forbidden(message: &str, user: Option<&str>) -> Finding {
    if user.is_none() {
        let text = format!(
            "the tenant refuses the token ({message}), which names no user: use a personal access \
             token of an ORG_ADMIN user"
        );
        return Finding::new(Reason::NoUserContext, text);
    }
    let text = format!(
        "the tenant refuses the user of the token ({message}): give it the level ORG_ADMIN"
    );
    Finding::new(Reason::Forbidden, text)
}

/// What is said where there is no such resource.
pub fn not_found(name: &NamespacedName) -> Finding {
    let text = format!("there is no IdentityTenant {name}: create it, or correct spec.tenantRef");
    Finding::new(Reason::TenantNotFound, text)
}

/// What is said where the resource cannot be read.
pub fn unreadable(name: &NamespacedName, why: &str) -> Finding {
    let text = format!("IdentityTenant {name} cannot be read: {why}");
    Finding::new(Reason::InvalidSpec, text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tests::objects;

    #[test]
    fn others_look_again_if_what_they_see_of_it_changed_and_only_then() {
        let manifest = objects::tenant(&json!({"name": "t"}));
        let tenant = Tenant::new(NamespacedName::new("ns", "t"), Arc::new(manifest));
        let key = TenantKey {
            org: "acme".to_owned(),
            tenant_id: "t".to_owned(),
        };
        let seen: [fn(&mut State, &TenantKey); 5] = [
            |state, _| state.tenant = TenantState::Ready,
            |state, key| state.key = Some(key.clone()),
            |state, _| state.acknowledged_until = Some(Timestamp::UNIX_EPOCH),
            |state, _| "others".clone_into(&mut state.credentials),
            |state, _| state.in_use = InUse::Held,
        ];
        for change in seen {
            assert!(tenant.update(|state| change(state, &key)));
            assert!(!tenant.update(|state| change(state, &key)), "it was so");
        }
        assert!(!tenant.update(|state| state.interval = Duration::from_secs(7)));
    }
}
