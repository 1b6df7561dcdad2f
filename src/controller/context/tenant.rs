//! One IdentityTenant as passes see it: its state and its snapshot. The actor of the tenant keeps
//! it current; passes only read it, and report errors that concern the whole tenant.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use psg_api::IdentityTenant;
use psg_domain::{Picture, Presence, TenantKey, TenantName};
use psg_identity::Error;
use psg_plan::{
    Brake, ClaimIndex, Finding, InUse, PasswordChanges, Reason, TenantState, TenantView,
};
use psg_snapshot::Snapshot;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;

static NOTHING: LazyLock<Picture> = LazyLock::new(Picture::default);

/// How many managed groups may be missing from one read before no missing group is created again.
const VANISHED: Brake = Brake {
    max: 5,
    percent: 20,
};

/// How many passes may create groups at once: enough to use the whole rate limit, few enough that
/// each is done within seconds.
const CREATING: usize = 8;
/// How many passes may change or delete groups at once.
const CHANGING: usize = 16;

/// One tenant.
pub struct Tenant {
    /// Its resource.
    pub name: TenantName,
    /// The newest manifest; a change of it makes the actor read the tenant at once.
    pub manifest: watch::Sender<Arc<IdentityTenant>>,
    /// Makes the actor read the tenant at once.
    pub poked: Notify,
    /// The claims of its groups changed: the actor checks again whether the tenant is in use.
    pub claimed: Notify,
    /// Ends the actor.
    pub gone: CancellationToken,
    /// Permits for passes that create a group: so few that what a pass reads is fresh when it
    /// writes.
    pub creating: Arc<Semaphore>,
    /// Permits for passes that change or delete a group, so that no backlog of new groups delays
    /// them.
    pub changing: Arc<Semaphore>,
    state: RwLock<State>,
    vanished: Mutex<Option<Counted>>,
}

/// When a walk began, and its (missing, managed) groups if too many are missing.
type Counted = (Timestamp, Option<(usize, usize)>);

/// What the actor has found.
#[derive(Clone)]
pub struct State {
    /// Whether passes can work with the tenant.
    pub tenant: TenantState,
    /// The tenant that answers.
    pub key: Option<TenantKey>,
    /// How often the tenant is read.
    pub interval: Duration,
    /// The fingerprint of the credentials.
    pub credentials: String,
    /// Until when a person has acknowledged what a brake holds back.
    pub acknowledged_until: Option<Timestamp>,
    /// How many of its groups may be deleted at once.
    pub brake: Brake,
    /// Whether its resource stays until no group needs it.
    pub in_use: InUse,
    /// The Secret as it was read last.
    pub secret: Option<ObjectMeta>,
    /// The Secret that this tenant holds or is about to.
    pub protects: Option<String>,
    /// The Secret that this tenant releases: other tenants ignore its record, which may still show.
    pub letting_go: Option<String>,
    /// Why the Secret is not held, and when that is tried again.
    pub unprotected: Option<(Timestamp, Finding)>,
    /// Why the Secret that nobody needs any more is still held.
    pub unreleased: Option<Finding>,
    /// The picture, once there are credentials to read it with.
    pub snapshot: Option<Arc<Snapshot>>,
    /// A write was forbidden: no other is tried before this time; and the tenant's answer.
    pub forbidden_until: Option<(Timestamp, String)>,
    /// The user that the token belongs to, if its answer named one.
    pub user: Option<String>,
    /// Why the last read failed, while that may be a fault of the moment.
    pub failing: Option<Finding>,
    /// A call was not authorized: the actor must check the credentials again.
    pub unauthorized: bool,
    /// The tenant accepted the credentials in use, and is the one that the status records, if any.
    pub verified: bool,
    /// What the audit events tell of password changes, if the manifest asks for it and they were
    /// asked for.
    pub password_changes: Option<Arc<PasswordChanges>>,
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
            password_changes: None,
        }
    }
}

impl State {
    /// Whether the tenant accepts the credentials in use, as far as known at `now`. After the wait
    /// that follows a forbidden write, it is asked again.
    pub fn serves(&self, now: Timestamp) -> bool {
        let works = matches!(
            self.tenant,
            TenantState::Ready | TenantState::Unreachable(_) | TenantState::Withdrawn(_)
        );
        self.verified && !self.unauthorized && (works || self.forbidden(now).is_some())
    }

    /// The answer to a forbidden write, while no write may be tried again.
    pub fn forbidden(&self, now: Timestamp) -> Option<&str> {
        let (until, message) = self.forbidden_until.as_ref()?;
        (*until > now).then_some(message)
    }
}

impl Tenant {
    pub(super) fn new(name: TenantName, manifest: Arc<IdentityTenant>) -> Self {
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

    /// Changes the state, unless `gone` is set; returns whether the tenant's groups must be
    /// requeued.
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

    /// The IdentityTenant is gone: its actor ends, and the credentials serve only deletions.
    pub(super) fn withdraw(&self) {
        let finding = not_found(&self.name);
        self.update(|state| {
            // Whatever the present trouble is: without an actor nothing would ever clear it.
            state.tenant = if state.verified {
                TenantState::Withdrawn(finding)
            } else {
                TenantState::Blocked(finding)
            };
            self.gone.cancel();
        });
    }

    /// The IdentityTenant cannot be read: its actor ends, and its groups wait until it can be read.
    pub(super) fn block(&self, finding: Finding) {
        self.update(|state| {
            state.tenant = TenantState::Blocked(finding);
            self.gone.cancel();
        });
    }

    /// Calls `decide` with the tenant and its picture as they are now.
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
            password_changes: state.password_changes.clone(),
        };
        match &state.snapshot {
            Some(snapshot) => snapshot.with(|picture| decide(view(picture), picture)),
            None => decide(view(&NOTHING), &NOTHING),
        }
    }

    /// Takes in the error of a call, if it concerns the whole tenant.
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

    /// (missing, managed) groups of the last walk, if too many are missing to be a coincidence;
    /// counted once per walk.
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
        let too_many = missing > VANISHED.limit(managed);
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

/// The finding if there is no such IdentityTenant.
pub fn not_found(name: &TenantName) -> Finding {
    let text = format!("there is no IdentityTenant {name}: create it, or correct spec.tenantRef");
    Finding::new(Reason::TenantNotFound, text)
}

/// The finding if the IdentityTenant cannot be read.
pub fn unreadable(name: &TenantName, why: &str) -> Finding {
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
        let tenant = Tenant::new(TenantName::new("ns", "t"), Arc::new(manifest));
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
