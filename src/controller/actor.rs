//! Keeps one tenant current: credentials, token, the regular read, and the tenant's own status.
//! Reads the tenant, never writes it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use psg_api::{IdentityTenant, TenantSettings, annotations};
use psg_domain::{TenantKey, time};
use psg_identity::{
    AddressError, ApiVersion, Client, Credentials, CredentialsError, Error, Options, Rate,
};
use psg_plan::{Brake, Finding, Reason, TenantState};
use psg_snapshot::Listener;
use tokio::time::Instant;

use crate::{
    context::Context,
    in_use, mind,
    ports::KubeError,
    protect, status,
    tenant::{Tenant, forbidden},
};

/// How soon the status of a tenant counts what its groups claim. Thousands of groups change at once
/// when an operator starts: one write tells of all that changed meanwhile.
const COUNTED_AFTER: Duration = Duration::from_secs(2);

/// After so many intervals without an answer a tenant counts as unreachable.
const UNREACHABLE_AFTER: u32 = 5;

/// What one actor remembers between rounds.
#[derive(Default)]
struct Session {
    credentials: Option<Credentials>,
    settings: Option<TenantSettings>,
    /// When the last whole read began that this actor took note of; none if a newer one is wanted
    /// at once.
    read_at: Option<Timestamp>,
    failing_since: Option<Timestamp>,
    probe_at: Option<Timestamp>,
    failures: u32,
}

/// A round's end: what is wrong, and when to look again.
struct Trouble {
    finding: Finding,
    again: Duration,
    /// A fault of the moment: what is known stays in use until it has lasted.
    passing: bool,
}

/// Runs until the tenant is gone or the process ends.
pub async fn run(tenant: Arc<Tenant>, context: Arc<Context>) {
    let mut session = Session::default();
    let mut manifest = tenant.manifest.subscribe();
    let mut newest = Arc::clone(&manifest.borrow());
    let mut failures = 0;
    // Groups that are left from an earlier process need it before anything else.
    if let Err(error) = keep(&context, &tenant, &mut newest).await {
        tracing::warn!(tenant = tenant.name, %error, "what its groups need of it could not be stored");
    }
    loop {
        let now = Arc::clone(&manifest.borrow_and_update());
        // It only reads, so nothing is lost if the end of the process does not wait for it.
        let rest = tokio::select! {
            biased;
            () = context.stop.cancelled() => return,
            rest = round(&tenant, &context, &mut session, &now) => rest,
        };
        newest = status::store_tenant(&context, &tenant, &now, Some(newest)).await;
        let next = Instant::now() + rest;
        let mut told_at = None;
        loop {
            newest = status::newer(&manifest.borrow(), Some(newest));
            let again = match keep(&context, &tenant, &mut newest).await {
                Ok(()) => {
                    failures = 0;
                    next
                }
                Err(error) => {
                    tracing::warn!(tenant = tenant.name, %error, "what its groups need of it could not be stored");
                    failures += 1;
                    next.min(Instant::now() + mind::backoff(failures, (context.jitter)()))
                }
            };
            tokio::select! {
                biased;
                () = context.stop.cancelled() => return,
                () = tenant.gone.cancelled() => return,
                changed = manifest.changed() => if changed.is_err() { return } else {
                    session.read_at = None;
                    break
                },
                () = tenant.poked.notified() => {
                    session.read_at = None;
                    break
                },
                () = tokio::time::sleep_until(again) => if again == next { break },
                () = tenant.claimed.notified() => {
                    told_at.get_or_insert_with(|| Instant::now() + COUNTED_AFTER);
                },
                () = tokio::time::sleep_until(told_at.unwrap_or(next)), if told_at.is_some() => {
                    told_at = None;
                    newest = status::store_tenant(&context, &tenant, &now, Some(newest)).await;
                }
            }
        }
    }
}

/// What must stay for the groups: the tenant's resource, then its Secret.
async fn keep(
    context: &Context,
    tenant: &Tenant,
    newest: &mut Arc<IdentityTenant>,
) -> Result<(), KubeError> {
    in_use::keep(context, tenant, newest).await?;
    protect::keep(context, tenant, newest).await
}

async fn round(
    tenant: &Arc<Tenant>,
    context: &Arc<Context>,
    session: &mut Session,
    manifest: &IdentityTenant,
) -> Duration {
    let acknowledged = annotations::acknowledged_until(&manifest.metadata);
    let started = context.now();
    let outcome = read(tenant, context, session, manifest).await;
    let now = context.now();
    let interval = tenant.state().interval;
    let mut failing = None;
    let (state, rest) = match outcome {
        Ok(state) => {
            session.failing_since = None;
            session.failures = 0;
            session.probe_at = None;
            let spent = time::until(started, now);
            let rest = match state {
                TenantState::Ready => {
                    let regular = interval.saturating_sub(spent);
                    let snapshot = tenant.state().snapshot;
                    let hidden = snapshot.and_then(|it| it.with(psg_domain::Picture::hidden_until));
                    let hidden = hidden.filter(|from| *from > now);
                    // Whether it differs is known sooner than at the next regular read.
                    hidden.map_or(regular, |from| regular.min(time::until(now, from)))
                }
                _ => context.settings.credentials_retry,
            };
            (state, rest)
        }
        Err(trouble) if trouble.passing => {
            session.failures = session.failures.saturating_add(1);
            let since = *session.failing_since.get_or_insert(now);
            let lasting = time::until(since, now) >= interval.saturating_mul(UNREACHABLE_AFTER);
            let state = match tenant.state().tenant {
                TenantState::Pending | TenantState::Ready | TenantState::Unreachable(_)
                    if lasting =>
                {
                    TenantState::Unreachable(trouble.finding)
                }
                known => {
                    failing = Some(trouble.finding);
                    known
                }
            };
            // However long it lasted, the first answer after it is not missed by more than a read,
            // and that it lasts is said when it does.
            let shown_at = time::after(since, interval.saturating_mul(UNREACHABLE_AFTER));
            let rest = match time::until(now, shown_at) {
                Duration::ZERO => interval,
                left => interval.min(left),
            };
            (state, trouble.again.min(rest))
        }
        Err(trouble) => {
            session.failing_since = None;
            (TenantState::Blocked(trouble.finding), trouble.again)
        }
    };
    let changed = tenant.update(|known| {
        known.tenant = match (&state, known.forbidden(now)) {
            (TenantState::Ready | TenantState::Withdrawn(_), Some(message)) => {
                TenantState::Blocked(forbidden(message, known.user.as_deref()))
            }
            _ => state,
        };
        known.acknowledged_until = acknowledged;
        known.brake = brake(manifest);
        known.failing = failing;
    });
    if changed {
        context.wake_members(&tenant.name);
    }
    rest
}

fn brake(manifest: &IdentityTenant) -> Brake {
    let spec = &manifest.spec.deletion_brake;
    Brake::of(spec.max, spec.percent)
}

/// One round: credentials, who answers, and the whole read.
async fn read(
    tenant: &Arc<Tenant>,
    context: &Arc<Context>,
    session: &mut Session,
    manifest: &IdentityTenant,
) -> Result<TenantState, Trouble> {
    let settings = manifest.spec.settings().map_err(|why| Trouble {
        finding: Finding::new(Reason::InvalidSpec, why.to_string()),
        again: context.settings.probe,
        passing: false,
    })?;
    match credentials(tenant, context, session, manifest, &settings).await {
        Ok(fresh) => {
            let read = verify(tenant, context, session, manifest, fresh).await;
            read.map(|()| TenantState::Ready)
        }
        Err(trouble) if is_taken_away(&trouble) && tenant.state().snapshot.is_some() => {
            without_secret(tenant, context, session, manifest, trouble).await
        }
        Err(trouble) => Err(trouble),
    }
}

/// In a namespace that ends, the Secret goes first, or the right to read it.
fn is_taken_away(trouble: &Trouble) -> bool {
    let reason = trouble.finding.reason;
    matches!(reason, Reason::SecretNotFound | Reason::SecretForbidden)
}

/// What is held still undoes groups, while the tenant takes it. Where it did not, or was never
/// asked, it is asked now and then.
async fn without_secret(
    tenant: &Arc<Tenant>,
    context: &Arc<Context>,
    session: &mut Session,
    manifest: &IdentityTenant,
    taken: Trouble,
) -> Result<TenantState, Trouble> {
    let state = tenant.state();
    if !state.serves(context.now()) {
        tenant.update(|state| state.unauthorized = false);
        match verify(tenant, context, session, manifest, state.unauthorized).await {
            Ok(()) => {}
            Err(passing) if passing.passing => {
                session.failures = session.failures.saturating_add(1);
                return Err(Trouble {
                    again: passing.again,
                    ..taken
                });
            }
            Err(refused) => return Err(refused),
        }
    }
    Ok(TenantState::Withdrawn(taken.finding))
}

/// Who answers, and the whole read; `fresh` if nobody knows yet what the credentials are good for.
async fn verify(
    tenant: &Arc<Tenant>,
    context: &Arc<Context>,
    session: &mut Session,
    manifest: &IdentityTenant,
    fresh: bool,
) -> Result<(), Trouble> {
    if let Some(probe_at) = session.probe_at.filter(|at| !fresh && *at > context.now()) {
        let again = context
            .settings
            .credentials_retry
            .min(time::until(context.now(), probe_at));
        let finding = match tenant.state().tenant {
            TenantState::Blocked(finding) => finding,
            _ => Finding::new(
                Reason::CredentialsInvalid,
                "the tenant refuses the credentials",
            ),
        };
        return Err(Trouble {
            finding,
            again,
            passing: false,
        });
    }
    let Some(snapshot) = tenant.state().snapshot else {
        return Err(passing(context, session, "there is no client yet"));
    };
    let info = snapshot
        .client()
        .token_info()
        .await
        .map_err(|error| trouble(context, tenant, session, &error))?;
    let missing = info.missing_scopes();
    if !missing.is_empty() {
        let list: Vec<&str> = missing.into_iter().collect();
        let message = format!(
            "the token lacks {}: add it to the personal access token",
            list.join(", ")
        );
        return Err(blocked(
            context,
            session,
            Finding::new(Reason::MissingScope, message),
        ));
    }
    if info.without_user {
        let message = "the token has no user context, so every write would be refused: use a personal access token of an ORG_ADMIN user";
        return Err(blocked(
            context,
            session,
            Finding::new(Reason::NoUserContext, message),
        ));
    }
    let key = snapshot.client().key_of(&info);
    context.claims_mut().identify(&tenant.name, &key);
    let pinned = manifest.status.as_ref().and_then(|status| {
        let (org, tenant_id) = (status.org.clone()?, status.tenant_id.clone()?);
        Some(TenantKey { org, tenant_id })
    });
    let another = pinned.filter(|pinned| *pinned != key);
    tenant.update(|state| {
        state.key = Some(key.clone());
        state.user.clone_from(&info.user);
        state.verified = another.is_none();
    });
    if let Some(pinned) = another {
        let message =
            format!("{key} answers behind the Secret, but this IdentityTenant is {pinned}");
        return Err(blocked(
            context,
            session,
            Finding::new(Reason::TenantChanged, message),
        ));
    }
    snapshot.identify(&key);
    let now = context.now();
    let hidden = snapshot.with(psg_domain::Picture::hidden_until);
    let newer_than = session.read_at.map(|at| {
        let next = time::after(at, Duration::from_nanos(1));
        next.max(hidden.unwrap_or(next)).min(now)
    });
    let read = snapshot.read(newer_than.unwrap_or(now)).await;
    session.read_at = read.as_ref().ok().copied();
    if !tenant.gone.is_cancelled() {
        context
            .metrics
            .read(&tenant.name, read.is_ok(), context.now());
        let (unreadable, _) = snapshot.unreadable(0);
        context.metrics.unreadable(&tenant.name, unreadable);
    }
    read.map(drop)
        .map_err(|error| trouble(context, tenant, session, &error))
}

/// Gets the Secret, and makes a new client and an empty picture if anything about it changed.
async fn credentials(
    tenant: &Arc<Tenant>,
    context: &Arc<Context>,
    session: &mut Session,
    manifest: &IdentityTenant,
    settings: &TenantSettings,
) -> Result<bool, Trouble> {
    let namespace = manifest.metadata.namespace.as_deref().unwrap_or_default();
    let name = settings.secret.as_str();
    let again = context.settings.credentials_retry;
    let missing = |reason, message: String| Trouble {
        finding: Finding::new(reason, message),
        again,
        passing: false,
    };
    let secret = match context.kubernetes.secret(namespace, name).await {
        Ok(secret) => secret,
        Err(KubeError::Gone) => {
            session.credentials = None;
            tenant.update(|state| state.secret = None);
            let message = format!(
                "there is no Secret \"{name}\" in this namespace: create it with the keys baseUrl, clientId and clientSecret"
            );
            return Err(missing(Reason::SecretNotFound, message));
        }
        Err(KubeError::Forbidden(why)) => {
            let message = format!("the operator may not read Secret \"{name}\": {why}");
            return Err(missing(Reason::SecretForbidden, message));
        }
        Err(error) => return Err(passing(context, session, &error.to_string())),
    };
    let credentials = Credentials::parse(&secret.data, &context.settings.hosts).map_err(|why| {
        session.credentials = None;
        let reason = match why {
            CredentialsError::Address(AddressError::NotAllowed) => Reason::HostNotAllowed,
            _ => Reason::SecretMalformed,
        };
        missing(reason, format!("Secret \"{name}\": {why}"))
    })?;
    let unauthorized = tenant.state().unauthorized;
    let same = session.credentials.as_ref() == Some(&credentials)
        && session.settings.as_ref() == Some(settings)
        && tenant.state().snapshot.is_some();
    if same {
        tenant.update(|state| {
            state.unauthorized = false;
            state.secret = Some(secret.metadata);
        });
        return Ok(unauthorized);
    }
    let fingerprint = credentials.fingerprint();
    let client = Client::new(
        credentials.clone(),
        Options {
            version: version(settings),
            rate: Rate {
                requests: usize::try_from(settings.rate_limit.requests).unwrap_or(usize::MAX),
                per: settings.rate_limit.per,
            },
            post_timeout: context.settings.post_timeout,
            line_timeout: context.settings.line_timeout(),
            ..Options::default()
        },
        Arc::clone(&context.transport),
        &context.limiters,
    );
    let snapshot = context
        .pictures
        .open(client, context.clock.clone(), &wakes(context));
    session.credentials = Some(credentials);
    session.settings = Some(settings.clone());
    session.read_at = None;
    session.probe_at = None;
    session.failing_since = None;
    tenant.update(|state| {
        state.tenant = TenantState::Pending;
        state.interval = settings.read_interval;
        state.credentials = fingerprint;
        state.secret = Some(secret.metadata);
        state.snapshot = Some(Arc::new(snapshot));
        state.forbidden_until = None;
        state.failing = None;
        state.unauthorized = false;
        state.verified = false;
    });
    Ok(true)
}

/// Wakes the resources that a change in a tenant concerns, whichever IdentityTenant they name.
fn wakes(context: &Arc<Context>) -> Listener {
    let context = Arc::downgrade(context);
    Arc::new(move |key: &TenantKey, changes: &psg_domain::Changes| {
        if let Some(context) = context.upgrade() {
            let claims = context.claims();
            context.wakes.wake(&claims, &claims.affected(key, changes));
        }
    })
}

fn version(settings: &TenantSettings) -> ApiVersion {
    settings.api_version.as_str().parse().unwrap_or_default()
}

fn trouble(context: &Context, tenant: &Tenant, session: &mut Session, error: &Error) -> Trouble {
    match error {
        Error::Unauthorized { message } => {
            let message = format!(
                "the tenant refuses the credentials ({message}): renew the personal access token and update the Secret"
            );
            blocked(
                context,
                session,
                Finding::new(Reason::CredentialsInvalid, message),
            )
        }
        Error::Forbidden { message } => {
            let finding = forbidden(message, tenant.state().user.as_deref());
            blocked(context, session, finding)
        }
        Error::BadAnswer { .. }
        | Error::NoToken { .. }
        | Error::NotFound { .. }
        | Error::Refused { .. } => passing_as(context, session, Reason::UnexpectedAnswer, error),
        Error::RateLimited { .. } => passing_as(context, session, Reason::RateLimited, error),
        other => passing(context, session, &other.to_string()),
    }
}

/// A person must act: asked again when the Secret changes, and every now and then.
fn blocked(context: &Context, session: &mut Session, finding: Finding) -> Trouble {
    let now = context.now();
    if session.probe_at.is_none_or(|at| at <= now) {
        session.probe_at = Some(time::after(now, context.settings.probe));
    }
    Trouble {
        finding,
        again: context.settings.credentials_retry,
        passing: false,
    }
}

/// An answer came, and is not what it should be.
fn passing_as(context: &Context, session: &Session, reason: Reason, error: &Error) -> Trouble {
    Trouble {
        finding: Finding::new(reason, format!("the tenant could not be read: {error}")),
        ..passing(context, session, "")
    }
}

fn passing(context: &Context, session: &Session, message: &str) -> Trouble {
    let again = mind::backoff(session.failures, (context.jitter)());
    let message = format!("the tenant could not be read: {message}");
    Trouble {
        finding: Finding::new(Reason::TenantUnreachable, message),
        again,
        passing: true,
    }
}
